"""What a kernel and everything it started use at this moment, and how to end them all."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """CPU in seconds, memory in bytes (anonymous and shared, not mapped files), number of tasks (threads)."""

    cpu: float
    memory: int
    tasks: int


def everyone_visible() -> list[int]:
    """All processes in /proc: in a sandbox's own PID namespace, exactly its own."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, orphans included when it is a subreaper."""
    found, waiting = [], [pid]
    while waiting:
        children = list(_children(waiting.pop()))
        found += children
        waiting += children
    return found


def _children(pid: int) -> Iterator[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:  # it ended
        return
    for thread in threads:
        try:
            yield from map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
        except OSError:
            continue


def sample(pids: list[int]) -> Sample:
    """The sum over these processes; those that ended meanwhile count nothing."""
    cpu = memory = tasks = 0
    for pid in pids:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        # Fields after the name in parentheses (which may hold anything): proc_pid_stat(5), 14 to 17 and 20.
        fields = stat[stat.rindex(")") + 2 :].split()
        cpu += sum(map(int, fields[11:15]))
        tasks += int(fields[17])
        for line in status.splitlines():
            if line.startswith(("RssAnon:", "RssShmem:")):
                memory += int(line.split()[1]) << 10
    return Sample(cpu / _TICK, memory, tasks)


def folder_size(folder: str) -> tuple[int, int]:
    """Bytes on disk and number of entries below `folder`."""
    size = entries = 0
    for here, folders, files in os.walk(folder):
        entries += len(folders) + len(files)
        for name in files:
            try:
                size += os.lstat(os.path.join(here, name)).st_blocks * 512
            except OSError:  # deleted meanwhile
                continue
    return size, entries


def end_all(pids: Callable[[], list[int]], seconds: float = 5.0) -> bool:
    """Stop, then kill, all that `pids()` finds until it finds none; True when nobody is left.

    Stopped first: a stopped process cannot start another, and keeps its place under the limit on processes.
    """
    deadline = time.monotonic() + seconds
    stopped: set[int] = set()
    while time.monotonic() < deadline and (new := set(pids()) - stopped):
        _signal(new, signal.SIGSTOP)
        stopped |= new
    while time.monotonic() < deadline:
        _reap()
        left = pids()
        if not left:
            return True
        _signal(left, signal.SIGKILL)
        time.sleep(0.002)
    return False


def _signal(pids: set[int] | list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return
