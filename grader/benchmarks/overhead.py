"""What the exam costs beside the student's work: a class against the bare execution of the same cells.

    python grader/benchmarks/overhead.py [--students 24] [--trainers 4] [--workers N]

Bare execution runs the code cells of each restored notebook one after the other in one process, forked from one that
has imported TensorFlow, as the warm process has: no kernel, no channel, no sandbox, no gradebook. Target: the class of
ps1_cnn in at most 1.3 times (CPU time of the cells / cores) + 10 s, and at most 0.8 s of CPU a submission on top.
"""

from __future__ import annotations

import argparse
import builtins
import contextlib
import io
import os
import tempfile
import types
from pathlib import Path

from classes import ps1_course, specification
from coursegrader.submission.intake import find_submissions, take
from coursegrader.submission.restore import restore
from coursegrader.submission.spec import Spec
from measure import cpu_seconds, show, stretch
from throughput import by_exam


def run_cells(sources: list[str], folder: Path) -> None:
    """Runs cells in one namespace; an error ends its cell, as in a notebook that goes on."""
    os.chdir(folder)
    main = types.ModuleType("__main__")
    main.__builtins__ = builtins
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for source in sources:
            with contextlib.suppress(Exception):
                exec(compile(source, "cell", "exec"), main.__dict__)


def bare(submissions: list[bytes], spec: Spec) -> list[float]:
    """CPU seconds of the cells of each submission, in a process of its own that has imported TensorFlow."""
    os.environ |= spec.environment | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import keras  # noqa: F401  (imported before the fork, as the warm process does)

    seconds = []
    for data in submissions:
        notebook = restore(take(data, spec).notebook, spec.reference_notebook()).notebook
        sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        with tempfile.TemporaryDirectory() as folder:
            for name, content in spec.files.items():
                (Path(folder) / name).write_bytes(content)
            before = cpu_seconds()
            pid = os.fork()
            if pid == 0:
                try:
                    run_cells(sources, Path(folder))
                finally:
                    os._exit(0)
            os.waitpid(pid, 0)
            seconds.append(cpu_seconds() - before)
    return seconds


def main() -> None:
    """Reads the command line, measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=24)
    parser.add_argument("--trainers", type=int, default=4)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        course = ps1_course(Path(folder), options.students, options.trainers, options.seed)
        spec = specification(course)
        start, work, points = by_exam(course, options.workers)
        submissions = [one.notebook for one in find_submissions(course.submitted, spec)]
        with stretch() as alone:
            seconds = bare(submissions, spec)
    target = 1.3 * sum(seconds) / options.workers + 10
    show(
        f"ps1_cnn, {len(points)} submissions, {options.trainers} train a network, {options.workers} workers",
        ["", "wall s", "CPU s", "CPU s a submission"],
        [
            ("start of the warm process", start.wall, start.cpu, ""),
            ("exam and gradebook", work.wall, work.cpu, work.cpu / len(points)),
            ("cells alone, one after the other", alone.wall, sum(seconds), sum(seconds) / len(points)),
            (
                "difference",
                "",
                work.cpu - start.cpu - sum(seconds),
                (work.cpu - start.cpu - sum(seconds)) / len(points),
            ),
            ("target for the wall time", target, "", ""),
        ],
    )


if __name__ == "__main__":
    main()
