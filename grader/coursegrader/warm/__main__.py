"""`python -m coursegrader.warm FOLDER LEVEL OWNER_FD MODULE...`: the warm process; `Forge` starts it."""

import argparse
import shutil
import socket
from pathlib import Path

from coursegrader.warm import packages, server
from coursegrader.warm.protocol import Line


def main() -> None:
    """Preload, serve until the owner has gone, and leave nothing behind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("level")
    parser.add_argument("owner", type=int)
    parser.add_argument("--preload", nargs="*", default=[])
    parser.add_argument("--ahead", default="")
    parser.add_argument("--cold", action="store_true")
    options = parser.parse_args()
    owner = Line(socket.socket(fileno=options.owner))
    packages.use_only(options.folder / "packages")
    if options.cold:
        owner.send(event="cold")
    elif hindrance := server.preload(options.preload, options.ahead):
        owner.send(event="cold", reason=hindrance)
        server.restart_cold()
    owner.connection.set_inheritable(False)
    try:
        server.serve(options.folder, options.level, owner)
    finally:
        shutil.rmtree(options.folder, ignore_errors=True)


main()
