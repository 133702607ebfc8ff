"""Scores: what a cell earns follows from how it ended, and from nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from nbformat import NotebookNode

from coursegrader.exam.verdict import Outcome
from coursegrader.notebooks import Role, by_grade_id, grade_id, role
from coursegrader.submission.restore import Restored
from coursegrader.submission.run import CellEnd, Ended, Run
from coursegrader.submission.spec import is_bonus

# A number as a notebook shows it; NumPy's scalars name their type.
NUMBER = re.compile(r"(?:np\.\w+\()?([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?(?:inf|nan))\)?", re.IGNORECASE)
TOTAL = "total"
FORGEABLE = "forgeable: the test ran beside the student's code"


class Status(StrEnum):
    """What a row of `grades.csv` says about a cell or, in the row `total`, about the submission."""

    GRADED = "graded"
    NOT_RUN = "not_run"
    NEEDS_MANUAL = "needs_manual"
    BLANK = "blank"
    FLAGGED = "flagged"
    FAILED = "failed"


@dataclass(frozen=True)
class CellScore:
    """A cell's points (None until a person marked it), status and reason; `seconds` is the test's wall time."""

    cell: str
    points: float | None
    max_points: float
    status: Status
    reason: str = ""
    seconds: float = 0.0


def score(restored: Restored, run: Run) -> tuple[CellScore, ...]:
    """The score of every graded cell of an executed notebook, in its order.

    A test earns full marks when it ran to its end, the number that its last line returned as partial credit, and zero
    when it raised or did not run. An untouched written answer earns zero; any other waits for a person.
    """
    answers = answers_of(run.notebook)
    indices = {grade_id(cell): index for index, cell in enumerate(run.notebook.cells)}
    scores = []
    for name, cell in by_grade_id(run.notebook).items():
        if role(cell) is Role.MANUAL:
            scores.append(_manual(name, cell, restored))
        elif role(cell) is Role.TEST:
            scores.append(_test(name, cell, run.ends[indices[name]], answers[name], restored))
    return tuple(scores)


def flagged(scores: tuple[CellScore, ...], outcomes: Iterable[Outcome]) -> tuple[CellScore, ...]:
    """The scores, those marked that a person must look at: a task that does not allow what the answer uses, and tests
    that ran beside the student's code.
    """
    of = {one.grade_id: one for one in outcomes}
    return tuple(_flagged(one, of[one.cell]) if one.cell in of else one for one in scores)


def _flagged(score: CellScore, outcome: Outcome) -> CellScore:
    if outcome.forgeable and score.points:
        reason = "; ".join(filter(None, [FORGEABLE, score.reason]))
        return replace(score, status=Status.FLAGGED, reason=reason)
    return replace(score, status=Status.FLAGGED) if outcome.shortcuts else score


def answers_of(notebook: NotebookNode) -> dict[str, tuple[str, ...]]:
    """The answer cells that each test is about: those between it and the tests of the task before."""
    belonging: dict[str, tuple[str, ...]] = {}
    answers: tuple[str, ...] = ()
    tested = False
    for name, cell in by_grade_id(notebook).items():
        if role(cell) is Role.ANSWER:
            answers = (name,) if tested else (*answers, name)
            tested = False
        elif role(cell) is Role.TEST:
            belonging[name] = answers
            tested = True
    return belonging


def total(
    scores: tuple[CellScore, ...], failure: str = "", flags: tuple[str, ...] = (), notes: tuple[str, ...] = ()
) -> CellScore:
    """The row of a submission's sum: known points, the most that can be had without bonus, and what staff should know.

    `failure` says why it could not be graded, `flags` why a person must look, `notes` what else there is to say.
    """
    statuses = {one.status for one in scores}
    if flags:
        statuses.add(Status.FLAGGED)
    if failure:
        status = Status.FAILED
    elif statuses == {Status.BLANK}:
        status = Status.BLANK
    else:
        worst = (Status.FLAGGED, Status.NOT_RUN, Status.NEEDS_MANUAL)
        status = next((one for one in worst if one in statuses), Status.GRADED)
    return CellScore(
        TOTAL,
        sum(one.points for one in scores if one.points is not None),
        sum(one.max_points for one in scores if not is_bonus(one.cell)),
        status,
        failure or "; ".join((*flags, *notes)),
    )


def partial_credit(cell: NotebookNode, max_points: float) -> float | None:
    """The points that a test's last line returned as a number, within 0 and the maximum; None when there is none."""
    for output in cell.outputs:
        if output.output_type == "execute_result":
            shown = NUMBER.fullmatch(str(output.data.get("text/plain", "")).strip())
            if shown:
                value = float(shown[1])
                return min(max(value, 0.0), max_points) if math.isfinite(value) else 0.0
    return None


def _manual(name: str, cell: NotebookNode, restored: Restored) -> CellScore:
    points = float(cell.metadata.nbgrader.points)
    if name in restored.blank:
        return CellScore(name, 0.0, points, Status.BLANK, "nothing was written here")
    if name in restored.copied:
        return CellScore(name, None, points, Status.FLAGGED, _copied([name]))
    return CellScore(name, None, points, Status.NEEDS_MANUAL)


def _test(name: str, cell: NotebookNode, end: CellEnd, answers: tuple[str, ...], restored: Restored) -> CellScore:
    most = float(cell.metadata.nbgrader.points)
    points, status, reason = 0.0, Status.GRADED, end.reason
    if end.kind is Ended.OK:
        partial = partial_credit(cell, most)
        points = most if partial is None else partial
    elif end.kind is Ended.SKIPPED:
        status = Status.NOT_RUN
    elif end.kind is Ended.DIED:
        status, reason = Status.NOT_RUN, f"did not run to its end: {end.reason}"
    elif answers and restored.blank.issuperset(answers):
        status, reason = Status.BLANK, "nothing was written for this task"
    copied = [answer for answer in answers if answer in restored.copied]
    if copied and status is Status.GRADED:
        status, reason = Status.FLAGGED, "; ".join(filter(None, [_copied(copied), reason]))
    return CellScore(name, points, most, status, reason, end.seconds)


def _copied(names: list[str]) -> str:
    return f"the file held {', '.join(names)} more than once; the first changed copy counts"
