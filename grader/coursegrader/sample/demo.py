"""The demonstration: a small class goes the whole way, and the computed scores are held against the true ones."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

from coursegrader.course import Course
from coursegrader.errors import CourseError
from coursegrader.gradebook import lock
from coursegrader.pages.report import Forged
from coursegrader.sample.forgers import FORGERS
from coursegrader.sample.sample_class import make_class, write_class
from coursegrader.submission.scores import TOTAL
from coursegrader.submission.spec import Spec

STUDENTS, TRAINERS = 12, 3
# A demonstration should not wait long for the student whose code never ends.
LIMITS = {"answer_seconds": 20}
MARKER = ".coursegrader-demo"
FORGER = "forger "


@dataclass(frozen=True)
class Difference:
    """A cell whose computed score is not the true one."""

    student: str
    cell: str
    computed: str
    true: str


def demo_course(course: Course) -> Course:
    """The same course with a class's folder of its own, emptied: the real gradebook is never touched.

    Raises `CourseError` where that folder is somebody's, `GradingUnderWay` where a demonstration grades in it now.
    """
    folder = course.root / "course" / "demo"
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise CourseError(f"{folder} holds something else than an earlier demonstration: move it away first.")
    demo = Course.at(course.root, folder)
    if folder.exists():
        with lock.grading(demo):
            shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()
    return demo


def sample(course: Course, assignment: str, seed: int, *, forgers: bool) -> Path:
    """Makes the class and hands its work in, as `nbgrader collect` would leave it; gives the folder with the truth.

    `forgers` says whether some of the class may forge, which needs a sandbox.
    """
    folder = course.data / "class"
    made = make_class(course, assignment, STUDENTS, seed=seed, trainers=TRAINERS, forgers=forgers)
    write_class(made, assignment, folder)
    course.submitted.mkdir(parents=True, exist_ok=True)
    for student in folder.iterdir():
        if student.is_dir():
            shutil.copytree(student, course.submitted / student.name)
    return folder


def demo_spec(course: Course, assignment: str) -> Spec:
    """The assignment's specification with the demonstration's limits."""
    return Spec.load(course, assignment, **LIMITS)


def kinds(truth: Path) -> dict[str, str]:
    """How each sample student's work came about."""
    return {row["student"]: row["kind"] for row in _rows(truth)}


def forged(truth: Path) -> list[Forged]:
    """What the forgers among the sample students tried, and what their honest answers are worth."""
    return [
        Forged(row["student"], FORGERS[row["kind"].removeprefix(FORGER)].tries, float(row["points"]))
        for row in _rows(truth)
        if row["cell"] == TOTAL and row["kind"].startswith(FORGER)
    ]


def compare(grades: Path, truth: Path) -> list[Difference]:
    """Where points or statuses differ between two tables; a row that only one of them has differs too."""
    computed, true = ({_key(row): _value(row) for row in _rows(path)} for path in (grades, truth))
    return [
        Difference(*key, computed.get(key, "missing"), true.get(key, "missing"))
        for key in sorted(computed.keys() | true.keys())
        if computed.get(key) != true.get(key)
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def _key(row: dict[str, str]) -> tuple[str, str]:
    return row["student"], row["cell"]


def _value(row: dict[str, str]) -> str:
    return f"{row['points'] or '–'} ({row['status']})"
