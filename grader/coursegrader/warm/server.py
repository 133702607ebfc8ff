"""The warm process: imports what notebooks import, then forks a supervisor, and so a kernel, for each connection."""

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from coursegrader.sandbox import syscalls, visible
from coursegrader.warm.protocol import Line

# What `IPKernelApp.initialize` and a first cell would import: the debugger alone takes 0.35 s a kernel to compile.
_KERNEL = (
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "ipykernel.subshell_manager",
    "matplotlib.backends.backend_agg",
    "sqlite3",
    "pydoc",
)
_LOOK = 1.0  # seconds between looks at whether the owner still lives
_PATIENCE = 5.0  # seconds that supervisors have to end their kernels


def threads() -> int:
    """How many threads this process has; only a process with one can be forked safely."""
    return len(os.listdir("/proc/self/task"))


def preload(modules: Sequence[str], ahead: str = "") -> str | None:
    """Import `modules` and what every kernel needs, then run `ahead`, the loading of the course's data.

    Gives a message when something then stands in the way of forking.
    """
    for name in (*_KERNEL, *modules):
        importlib.import_module(name)
    # What fails here fails again in the kernels, in the cell that it comes from, and is reported there.
    with contextlib.suppress(Exception):
        exec(ahead, {"__name__": "__main__"})
    if threads() > 1:
        return f"importing {', '.join(modules)} or loading the data started {threads() - 1} threads"
    return None


def serve(folder: Path, level: str, owner: Line) -> None:
    """Fork a supervisor for each connection to `folder`/warm.sock until the owner's end closes."""
    from coursegrader.warm import supervisor  # with ipykernel: after the preload has looked at the threads

    read_only = (*visible.read_only(), str(folder / "packages"))
    mount_point = folder / "root"
    mount_point.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "warm.sock"))
        listener.listen(64)
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)  # nobody of this user can trace it or read its memory
        gc.collect()
        gc.freeze()  # a collection in a kernel would otherwise copy most of what it shares
        owner.send(event="warm")
        parent = os.getppid()
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        poll.register(owner.connection, select.POLLIN)
        children: set[int] = set()
        while os.getppid() == parent:
            ready = {fd for fd, _ in poll.poll(_LOOK * 1000)}
            if owner.connection.fileno() in ready:
                break
            if listener.fileno() in ready:
                connection, _ = listener.accept()
                if _same_user(connection):
                    children.add(_fork(supervisor.run, connection, (listener, owner.connection), read_only,
                                       str(mount_point), level))  # fmt: skip
                connection.close()
            children -= _ended(children)
    _end(children)


def _fork(run, connection: socket.socket, others: Sequence[socket.socket], *args: object) -> int:
    pid = os.fork()
    if pid == 0:
        for other in others:
            other.close()
        run(connection, *args)
    return pid


def _same_user(connection: socket.socket) -> bool:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", credentials)[1] == os.geteuid()


def _ended(children: set[int]) -> set[int]:
    return {pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]}


def _end(children: set[int]) -> None:
    for pid in children:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE
    while children and time.monotonic() < deadline:
        children -= _ended(children)
        time.sleep(0.01)


def restart_cold() -> None:
    """Become the same program without a preload; never returns."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], "--cold"])
