"""Grading without kernels, for tests of what stands around it: points follow from the answers' text."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import closing, contextmanager
from dataclasses import replace

import nbformat
import tiny
from coursegrader.course import Course
from coursegrader.errors import Refused
from coursegrader.gradebook.autograde import Order, Outcome, Standing, autograde
from coursegrader.gradebook.fingerprint import digest
from coursegrader.notebooks import by_grade_id
from coursegrader.submission.grade import Result, failed
from coursegrader.submission.hall import COLD, Hall
from coursegrader.submission.intake import take
from coursegrader.submission.restore import restore
from coursegrader.submission.scores import CellScore, Status
from coursegrader.submission.spec import Spec

ANSWER_OF = {"test_square": "square", "test_half": "half", "why": "why", "bonus_test_shout": "shout"}


def result(notebook: bytes, spec: Spec) -> Result:
    """What grading would give: full points for the right answer's very text, none for any other."""
    try:
        taken = take(notebook, spec)
    except Refused as refusal:
        return failed(str(refusal), spec)
    restored = restore(taken.notebook, spec.reference_notebook())
    cells = by_grade_id(restored.notebook)
    scores = tuple(
        CellScore(name, None, most, Status.NEEDS_MANUAL)
        if name == "why"
        else CellScore(
            name, most * (cells[ANSWER_OF[name]].source == tiny.ANSWERS[ANSWER_OF[name]]), most, Status.GRADED
        )
        for name, most in spec.max_points().items()
    )
    graded = nbformat.writes(restored.notebook).encode()
    return Result(graded, scores, notes=taken.notes, seconds=0.5, peak_memory=2**20, level="unsafe")


class Here(Executor):
    """An executor that grades in this process by `result`, `seconds` each; `given` are the digests of its notebooks.

    `machine_fails` holds answers: a submission with one of them fails for reasons of the machine.
    """

    def __init__(self, seconds: float = 0.0, machine_fails: tuple[bytes, ...] = ()) -> None:
        self.seconds, self.machine_fails = seconds, machine_fails
        self.given: list[str] = []

    def submit(self, fn, /, notebook: bytes, spec: Spec, files: dict[str, bytes], hall: Hall) -> Future:
        """A future that is done."""
        self.given.append(digest(notebook))
        time.sleep(self.seconds)
        future = Future()
        if any(text in notebook for text in self.machine_fails):
            future.set_result(replace(failed("the machine was out of order (run again)", spec), machine=True))
        else:
            future.set_result(result(notebook, spec))
        return future


@contextmanager
def no_hall(spec: Spec) -> Iterator[Hall]:
    """A place where nothing runs."""
    yield COLD


def grade(
    course: Course,
    *,
    executor: Executor | None = None,
    spec: Spec | None = None,
    level: str = "unsafe",
    **order: object,
) -> tuple[dict[str, Standing], Outcome]:
    """Grades the course's class and gives what became of each student."""
    standings: dict[str, Standing] = {}
    outcome = autograde(
        course,
        spec or Spec.load(course, tiny.PS),
        no_hall,
        level,
        Order(**order),
        workers=2,
        executor=executor or Here(),
        watch=lambda number: standings.__setitem__,
    )
    return standings, outcome


def contents(course: Course) -> dict[str, list[tuple]]:
    """All that the gradebook says, without ids and times of writing, and the graded notebooks' bytes."""
    queries = {
        "grade": "select a.student_id, c.name, g.auto_score, g.manual_score, g.needs_manual_grade from grade g"
        " join submitted_notebook n on n.id = g.notebook_id join submitted_assignment a on a.id = n.assignment_id"
        " join base_cell c on c.id = g.cell_id",
        "comment": "select a.student_id, c.name, m.auto_comment, m.manual_comment from comment m"
        " join submitted_notebook n on n.id = m.notebook_id join submitted_assignment a on a.id = n.assignment_id"
        " join base_cell c on c.id = m.cell_id",
        "submission": "select a.student_id, a.timestamp, a.extension, n.late_submission_penalty, n.flagged"
        " from submitted_assignment a join submitted_notebook n on n.assignment_id = a.id",
        "student": "select id from student",
        "found": "select a.student_id, r.fingerprint, r.notebook, r.machine, r.found from coursegrader_result r"
        " join submitted_assignment a on a.id = r.submission",
        "orphans": "select submission from coursegrader_result where submission not in"
        " (select id from submitted_assignment)",
        "version": "select count(*) from alembic_version",
    }
    with closing(sqlite3.connect(course.data / "gradebook.db")) as gradebook:
        said = {name: sorted(gradebook.execute(query), key=repr) for name, query in queries.items()}
    paths = sorted(path for path in course.autograded.rglob("*") if path.is_file())
    files = [(path.relative_to(course.data).as_posix(), path.read_bytes()) for path in paths]
    lines = (course.results / f"{tiny.PS}.jsonl").read_text().splitlines()
    return said | {"files": files, "lines": lines}
