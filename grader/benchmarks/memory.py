"""Memory of the coordinator, its workers, the warm process and kernels, for classes of growing size.

    python grader/benchmarks/memory.py [--students 24 200 1000] [--examined 200] [--workers N]

Classes beyond `--examined` go through the real coordinator, workers, gradebook and files, but no kernel is started: the
workers give every submission full marks. What the coordinator holds does not depend on who examined.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import nbformat
from classes import IMPORTS, imports_course, specification
from coursegrader.course import Course
from coursegrader.gradebook.autograde import autograde, place
from coursegrader.submission.grade import Result
from coursegrader.submission.hall import COLD, Hall
from coursegrader.submission.intake import take
from coursegrader.submission.restore import restore
from coursegrader.submission.scores import CellScore, Status
from coursegrader.submission.spec import Spec
from measure import Memory, show, stretch, watch_memory


def full_marks(notebook: bytes, spec: Spec, files: dict[str, bytes], hall: Hall) -> Result:
    """Takes and restores a submission, and gives it every point without running it."""
    restored = restore(take(notebook, spec).notebook, spec.reference_notebook())
    scores = tuple(CellScore(name, points, points, Status.GRADED) for name, points in spec.max_points().items())
    return Result(nbformat.writes(restored.notebook).encode(), scores)


class Unexamined(ProcessPoolExecutor):
    """A pool of processes whose tasks are `full_marks`, whatever function they are given."""

    def submit(self, fn, /, *arguments: object) -> Future:
        """Hands a submission to a worker."""
        return super().submit(full_marks, *arguments)


@contextmanager
def nowhere(spec: Spec):
    """A hall in which nothing runs."""
    yield COLD


def grade(course: Course, examined: bool, workers: int) -> None:
    """Grades the class, in kernels or without."""
    spec = specification(course)
    if examined:
        level, opening = place(course, marks=False)
        autograde(course, spec, opening, level, workers=workers)
        return
    with Unexamined(workers, mp_context=get_context("spawn")) as pool:
        autograde(course, spec, nowhere, COLD.level, workers=workers, executor=pool)


def measured(students: int, examined: bool, workers: int) -> tuple[Memory, float]:
    """Grades a class in a process of its own; its memory, and the seconds that it took."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        course = imports_course(Path(folder), students)
        arguments = ["--grade", str(course.root), "--workers", str(workers), *(["--really"] if examined else [])]
        running = subprocess.Popen([sys.executable, __file__, *arguments], cwd=Path(__file__).parent)
        with watch_memory(running.pid) as memory, stretch() as took:
            if running.wait():
                raise SystemExit("the run failed")
    return memory, took.wall


def main() -> None:
    """Reads the command line, measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, nargs="+", default=[24, 200, 1000])
    parser.add_argument("--examined", type=int, default=200)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--grade", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--really", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.grade:
        grade(Course.at(options.grade, options.grade / "course"), options.really, options.workers)
        return
    rows = []
    for students in options.students:
        examined = students <= options.examined
        memory, seconds = measured(students, examined, options.workers)
        roles = [memory.peaks.get(what, 0) / 2**20 for what in ("coordinator", "worker", "warm process", "kernel")]
        rows.append(
            (students, "yes" if examined else "no", seconds, *(f"{size:.0f}" if size else "-" for size in roles))
        )
    show(
        f"{IMPORTS}: largest resident memory of a process, MiB (pages that processes share count in each)",
        ["submissions", "examined", "wall s", "coordinator", "worker", "warm process", "kernel"],
        rows,
    )


if __name__ == "__main__":
    main()
