"""The exam against `nbgrader autograde` on the same class, in one run: submissions an hour, start-up apart.

    python grader/benchmarks/throughput.py [--students 100] [--baseline 6] [--workers N] [--ps1]

nbgrader grades a part of the class by its own steps (this course's configuration is not read), one submission at a time
as it always does. Its start-up is that of a run that has nothing to grade. The exam's start-up is that of the warm
process; everything else counts: reading, examining, recording in the gradebook.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from classes import IMPORTS, hand_in, imports_course, ps1_course, specification
from coursegrader.course import Course
from coursegrader.gradebook.autograde import autograde, place
from coursegrader.gradebook.record import lines, open_gradebook
from coursegrader.submission.hall import Hall
from coursegrader.submission.spec import Spec
from measure import Stretch, console, cpu_seconds, running_cpu_seconds, show, stretch
from nbgrader.api import Gradebook

PLAIN_CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "plain"
c.Execute.timeout = 600
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
"""


def by_exam(course: Course, workers: int | None) -> tuple[Stretch, Stretch, dict[str, float]]:
    """Grades a class as `coursegrader autograde` does: what the start-up and what the rest took, and the points."""
    spec = specification(course)
    level, opening = place(course, marks=False)
    start = Stretch()

    @contextmanager
    def timed(spec: Spec) -> Iterator[Hall]:
        with stretch() as opened:
            hall = opening(spec)
            opened_hall = hall.__enter__()
        start.wall, start.cpu = opened.wall, opened.cpu + running_cpu_seconds()
        try:
            yield opened_hall
        finally:
            hall.__exit__(None, None, None)

    with stretch() as whole:
        autograde(course, spec, timed, level, workers=workers)
    whole.wall, whole.cpu = whole.wall - start.wall, whole.cpu - start.cpu
    with open_gradebook(course) as gradebook:
        points = {line["student"]: line["total"] for line in lines(gradebook, spec.assignment)}
    return start, whole, points


def by_nbgrader(root: Path, course: Course, students: int) -> tuple[Stretch, Stretch, dict[str, float]]:
    """Grades the first of a class by plain nbgrader: what a run without work and what a submission took."""
    spec = specification(course)
    (root / "nbgrader_config.py").write_text(PLAIN_CONFIG)
    source = root / "source" / spec.assignment
    source.mkdir(parents=True)
    (source / spec.notebook_name).write_bytes(spec.solution)
    for name, content in spec.files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    # Only its own configuration counts, not that of this course, which is installed in the environment.
    environment = os.environ | {"JUPYTER_NO_CONFIG": "1"} | spec.environment

    def nbgrader(*arguments: str) -> Stretch:
        command = [sys.executable, "-m", "nbgrader", *arguments]
        with stretch() as measured:
            done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(done.stderr)
        return measured

    nbgrader("generate_assignment", spec.assignment)
    chosen = sorted(path.name for path in course.submitted.iterdir())[:students]
    hand_in(
        root / "submitted",
        spec.assignment,
        {name: (course.submitted / name / spec.assignment / spec.notebook_name).read_bytes() for name in chosen},
    )
    work = nbgrader("autograde", spec.assignment)
    nothing = nbgrader("autograde", spec.assignment)
    work.wall, work.cpu = work.wall - nothing.wall, work.cpu - nothing.cpu
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        points = {one.student.id: one.score for one in gradebook.assignment_submissions(spec.assignment)}
    return nothing, work, points


def main() -> None:
    """Reads the command line, measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--baseline", type=int, default=6, help="how many of them nbgrader grades")
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--ps1", action="store_true", help="a class of ps1_cnn, instead of one that only imports")
    parser.add_argument("--trainers", type=int, default=4, help="how many of ps1_cnn's class train a network")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        root = Path(folder)
        (root / "course").mkdir()
        (root / "plain").mkdir()
        if options.ps1:
            course = ps1_course(root / "course", options.students, options.trainers, options.seed)
        else:
            course = imports_course(root / "course", options.students)
        start, work, points = by_exam(course, options.workers)
        nothing, baseline, plain = by_nbgrader(root / "plain", course, options.baseline)
    each, plain_each = work.wall / len(points), baseline.wall / len(plain)
    show(
        f"{'ps1_cnn' if options.ps1 else IMPORTS}: the exam and nbgrader autograde",
        ["", "submissions", "start-up s", "wall s", "s a submission", "CPU s a submission", "times as fast"],
        [
            ("exam", len(points), start.wall, work.wall, each, work.cpu / len(points), plain_each / each),
            ("nbgrader", len(plain), nothing.wall, baseline.wall, plain_each, baseline.cpu / len(plain), 1.0),
        ],
    )
    differing = {name: (points[name], plain[name]) for name in plain if points[name] != plain[name]}
    console.print(f"points that differ: {differing or 'none'}; CPU of this run in all: {cpu_seconds():.0f} s")


if __name__ == "__main__":
    main()
