"""`python as_user.py UID HOME COMMAND...`: run a command as an ordinary user, from root.

An interpreter below root's home cannot be executed by others. In a mount namespace of its own this puts an empty folder
over whatever keeps the user out and shows the interpreter's prefixes and the repository in it, under their own names.
"""

import os
import sys
from pathlib import Path

from coursegrader.sandbox import syscalls

ROOT = Path(__file__).parents[3]


def main(uid: int, home: str, command: list[str]) -> None:
    """Become `uid` and the command."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    shown = {path: os.open(path, os.O_PATH) for path in (Path(sys.base_prefix), Path(sys.prefix), ROOT)}
    closed = {folder for path in shown for folder in [_closed(path)] if folder is not None}
    for folder in closed:
        syscalls.mount("tmpfs", str(folder), "tmpfs", 0, "mode=755")
    for path, fd in shown.items():
        if any(path.is_relative_to(folder) for folder in closed):
            path.mkdir(parents=True, exist_ok=True)
            syscalls.mount(f"/proc/self/fd/{fd}", str(path), None, syscalls.MS_BIND | syscalls.MS_REC)
        os.close(fd)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.environ.update(HOME=home, PYTHONDONTWRITEBYTECODE="1")
    os.chdir(ROOT)
    os.execv(command[0], command)


def _closed(path: Path) -> Path | None:
    """The topmost folder on the way to `path` that others cannot pass."""
    return next((folder for folder in reversed([path, *path.parents]) if not folder.stat().st_mode & 0o001), None)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
