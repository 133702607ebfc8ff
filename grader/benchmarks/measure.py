"""Measuring: CPU time of a process and of all that it started, resident memory by role, and tables."""

from __future__ import annotations

import os
import platform
import resource
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import psutil
from rich.console import Console
from rich.table import Table

console = Console(highlight=False, width=140)


@dataclass
class Stretch:
    """What a stretch of work took: wall seconds, and CPU seconds of this process and of its ended descendants."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def stretch() -> Iterator[Stretch]:
    """Measures the block; what it starts must have ended, and been waited for, when the block ends."""
    measured = Stretch()
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield measured
    measured.wall, measured.cpu = time.perf_counter() - wall, cpu_seconds() - cpu


def cpu_seconds() -> float:
    """User and system time of this process and of all its descendants that ended and were waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def running_cpu_seconds() -> float:
    """User and system time of the descendants of this process that run now."""
    used = [process.cpu_times() for process in psutil.Process().children(recursive=True)]
    return sum(one.user + one.system + one.children_user + one.children_system for one in used)


def role(process: psutil.Process, coordinator: int) -> str:
    """What a descendant of the coordinator is: `worker`, `warm process`, `kernel`, or the coordinator itself."""
    if process.pid == coordinator:
        return "coordinator"
    chain = [process, *process.parents()]
    below = [one for one in chain if coordinator in {parent.pid for parent in one.parents()}]
    if not below:
        return "gone"
    # The child of the coordinator that this process descends from, or is.
    head = " ".join(below[-1].cmdline())
    if "coursegrader.warm" in head:
        return "warm process" if process.pid == below[-1].pid else "kernel"
    if "resource_tracker" in head:
        return "helper"
    return "worker"


@dataclass
class Memory:
    """The largest resident memory seen of any process of a role, in bytes, and the coordinator's over time."""

    peaks: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    coordinator: list[int] = field(default_factory=list)


@contextmanager
def watch_memory(coordinator: int, seconds: float = 0.5) -> Iterator[Memory]:
    """Looks at the coordinator and its descendants while the block runs; pages shared with another count in both."""
    memory, over = Memory(), threading.Event()

    def look() -> None:
        while not over.wait(seconds):
            try:
                run = psutil.Process(coordinator)
                everyone = [run, *run.children(recursive=True)]
            except psutil.Error:
                continue
            for process in everyone:
                try:
                    resident, what = process.memory_info().rss, role(process, coordinator)
                except psutil.Error:
                    continue
                memory.peaks[what] = max(memory.peaks[what], resident)
                if what == "coordinator":
                    memory.coordinator.append(resident)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield memory
    finally:
        over.set()
        watcher.join()


def machine() -> str:
    """The machine in words, with the date and the load that others put on it."""
    gib = psutil.virtual_memory().total / 2**30
    cores = len(os.sched_getaffinity(0))
    return (
        f"{date.today()}, {cores} cores, {gib:.0f} GiB, {platform.system()} {platform.release()}, "
        f"load {os.getloadavg()[0]:.1f}"
    )


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a table; numbers to the right."""
    table = Table(title=f"{title}\n[dim]{machine()}[/]", title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row))
    console.print(table)
