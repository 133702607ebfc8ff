"""Autograde: the coordinator of one run over a class. Skips what is graded, examines the rest, records each result.

The same command run again does what is left: what is graded is known by content (`fingerprint`), from the gradebook.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from nbgrader.api import Gradebook

from coursegrader.course import Course
from coursegrader.errors import KernelUnavailable, NothingSubmitted, UnknownCell
from coursegrader.gradebook import ledger, lock
from coursegrader.gradebook.backup import copy_gradebook
from coursegrader.gradebook.fingerprint import Fingerprint, fingerprint
from coursegrader.gradebook.ledger import Entry
from coursegrader.gradebook.lines import as_line, write_lines
from coursegrader.gradebook.record import Recorder, lines, open_gradebook, register_assignment, results_path
from coursegrader.notebooks import Role, by_grade_id, role
from coursegrader.sandbox import UNSAFE, NoSandbox, available, choose
from coursegrader.submission.grade import Result, grade_class
from coursegrader.submission.hall import Hall, level_for_marks, open_hall
from coursegrader.submission.intake import STUDENT, Submission, open_submission, students_folders
from coursegrader.submission.scores import Status
from coursegrader.submission.spec import Spec
from coursegrader.warm import NoForge

WITHOUT = (
    "Work that you trust can be graded without a sandbox, by name: --unsafe-no-sandbox (what was handed in can then do"
    " to this machine whatever you can)."
)
# The warm process may be killed like any other; that often a run starts a new one before it gives up.
HALLS = 3


class Standing(StrEnum):
    """What became of a submission in a run."""

    GRADED = "graded"
    FAILED = "failed"
    LOOK = "to look at"
    ALREADY = "already graded"
    LEFT_OUT = "left out"


def standing(result: Result) -> Standing:
    """What became of a submission that was graded now."""
    if result.total.status is Status.FAILED:
        return Standing.FAILED
    return Standing.LOOK if result.needs_a_look else Standing.GRADED


@dataclass(frozen=True)
class Order:
    """What a run is asked for.

    `again` grades what is graded already, too; `only` names tests whose scores alone change; `students` (default: all)
    are those to grade.
    """

    again: bool = False
    only: tuple[str, ...] = ()
    students: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What a run did: the gradebook's copy that it made, whether it took up an unfinished run, and who was left out.

    `unrecorded` are the lines of submissions that have no place in the gradebook; `left_out` says why, by student.
    """

    copy: Path | None = None
    continued: str = ""
    left_out: dict[str, str] = field(default_factory=dict)
    unrecorded: list[dict] = field(default_factory=list)


def place(
    course: Course, level: str | None = None, unsafe: bool = False, *, marks: bool = True
) -> tuple[str, Callable[[Spec], AbstractContextManager[Hall]]]:
    """Where submissions are examined: the sandbox's level, and what opens the hall for an assignment.

    `level` defaults to what the course's configuration asks for marks; without `marks`, to the best that there is.
    Raises `NoSandbox` with the remedy; only `unsafe` does without a sandbox.
    """
    if unsafe:
        return UNSAFE, lambda spec: open_hall(unsafe=True, spec=spec)
    try:
        level = choose(level or (level_for_marks(course) if marks else None))
    except NoSandbox as error:
        others = " or ".join(f"--level {one.level}" for one in available() if one.ok)
        instead = f"This machine has {others}; `coursegrader doctor` says what that keeps." if others else WITHOUT
        raise NoSandbox(f"{error}. {instead}") from None
    return level, lambda spec: open_hall(level, spec=spec)


def autograde(
    course: Course,
    spec: Spec,
    opening: Callable[[Spec], AbstractContextManager[Hall]],
    level: str,
    order: Order | None = None,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    watch: Callable[[int], Callable[[str, Standing], None]] = lambda number: lambda student, standing: None,
) -> Outcome:
    """Grades what was collected and not graded yet, records it, and writes `course/results/PS.jsonl`.

    `opening` opens the hall to examine in, at `level` (see `place`); it is not called where nothing is to be examined.
    `watch` is given the number of submissions, and what it gives back is told what became of each. Raises
    `GradingUnderWay`, `NothingSubmitted`, `UnknownCell`, `BackupFailed`, `GradebookMismatch`, `GradebookFailed`; what
    was recorded before stays, and the same call does the rest.
    """
    order = order or Order()
    _check(order, spec)
    # Before anything is made: a mistyped class should leave nothing behind.
    try:
        submissions = Chosen(course.submitted, spec, order.students)
    except NothingSubmitted as error:
        raise NothingSubmitted(f"{error} `nbgrader collect {spec.assignment}` brings in what was handed in.") from None
    with lock.grading(course), open_gradebook(course) as gradebook:
        run = _Run(course, spec, gradebook, level, order, watch(len(submissions)))
        try:
            run.grade(submissions, opening, workers, executor)
        finally:
            found = lines(gradebook, spec.assignment)
            write_lines(results_path(course, spec.assignment), itertools.chain(found, run.outcome.unrecorded))
        lock.end(course, spec.assignment)
    return run.outcome


def _check(order: Order, spec: Spec) -> None:
    cells = by_grade_id(spec.reference_notebook())
    tests = [name for name, cell in cells.items() if role(cell) is Role.TEST]
    unknown = [name for name in order.only if name not in tests]
    if unknown:
        raise UnknownCell(
            f"{spec.assignment} has no test {', '.join(unknown)} (an answer marked by hand: see the formgrader);"
            f" its tests are: {', '.join(tests)}."
        )


class Chosen:
    """The submissions of a run; each is read from the disk when its turn comes, and again in another round.

    Raises `NothingSubmitted` where a folder holds none, or none of a student asked for.
    """

    def __init__(self, folder: Path, spec: Spec, students: Collection[str] = ()) -> None:
        self.spec = spec
        self.paths = [path for path in students_folders(folder, spec) if not students or path.name in students]
        missing = sorted(set(students) - {path.name for path in self.paths})
        if missing:
            raise NothingSubmitted(f"{folder} holds nothing of {spec.assignment} by {', '.join(missing)}.")

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Submission]:
        return (open_submission(path, self.spec) for path in self.paths)


class _Run:
    def __init__(
        self,
        course: Course,
        spec: Spec,
        gradebook: Gradebook,
        level: str,
        order: Order,
        notice: Callable[[str, Standing], None],
    ) -> None:
        self.course, self.spec, self.level, self.order, self.notice = course, spec, level, order, notice
        self.outcome = Outcome()
        self.name = uuid.uuid4().hex
        if order.again or order.only:
            nothing = Submission("")
            asked = lock.Job(
                spec.assignment, order.again, order.only, order.students, _text(fingerprint(nothing, spec, level))
            )
            job, continued = lock.begin(course, asked)
            self.name = job.run
            self.outcome.continued = job.started if continued else ""
        self.known = ledger.known(gradebook, spec.assignment)
        gradebook.db.rollback()
        self.recorder = Recorder(
            course, spec, gradebook, level=level, run=self.name, before_writing=self._before_writing
        )
        self.done: set[str] = set()

    def _before_writing(self) -> None:
        self.outcome.copy = copy_gradebook(self.course)
        register_assignment(self.course, self.spec)

    def grade(
        self,
        submissions: Iterable[Submission],
        opening: Callable[[Spec], AbstractContextManager[Hall]],
        workers: int | None,
        executor: Executor | None,
    ) -> None:
        """Grades what is left; where the warm process was killed, what it took along is graded in a new one."""
        for halls in range(1, HALLS + 1):
            waiting = self._waiting(submissions)
            first = next(waiting, None)
            if first is None:
                return
            self.recorder.prepare()
            try:
                with opening(self.spec) as hall:
                    for submission, result in grade_class(
                        itertools.chain([first], waiting), self.spec, workers, executor, hall=hall
                    ):
                        self._take(submission, result)
                return
            except (NoForge, KernelUnavailable):
                if halls == HALLS:
                    raise

    def _waiting(self, submissions: Iterable[Submission]) -> Iterator[Submission]:
        """The submissions that are to be examined, in the students' order."""
        for submission in submissions:
            if submission.student in self.done:
                continue
            entry = self.known.get(submission.student)
            now = fingerprint(submission, self.spec, self.level)
            reason = self._left_out(entry, now) if self.order.only else ""
            if reason:
                self.outcome.left_out[submission.student] = reason
                self._done(submission, Standing.LEFT_OUT)
            elif entry and self._is_graded(submission, entry, now):
                self.recorder.refresh(submission)
                self._done(submission, Standing.ALREADY)
            else:
                yield submission

    def _is_graded(self, submission: Submission, entry: Entry, now: Fingerprint) -> bool:
        if self.order.again or self.order.only:
            if entry.run != self.name:
                return False
        elif entry.machine or entry.fingerprint != now:
            return False
        return self.recorder.is_recorded(submission, entry)

    def _left_out(self, entry: Entry | None, now: Fingerprint) -> str:
        """Why one question of a submission cannot be graded by itself."""
        if entry is None or entry.machine:
            return "not graded yet"
        if entry.fingerprint.submission != now.submission:
            return "handed in again since it was graded"
        return ""

    def _take(self, submission: Submission, result: Result) -> None:
        status = result.total.status
        if self.order.only and status is Status.FAILED:
            # Its other marks are good: they stay, and a person hears why this one could not be had.
            self.outcome.left_out[submission.student] = f"it could not be graded: {result.failure}"
            self._done(submission, Standing.LEFT_OUT)
            return
        self.recorder.record(submission, result, self.order.only)
        if not STUDENT.fullmatch(submission.student):
            self.outcome.unrecorded.append(as_line(self.spec.assignment, submission.student, result))
        self._done(submission, standing(result))

    def _done(self, submission: Submission, standing: Standing) -> None:
        self.done.add(submission.student)
        self.notice(submission.student, standing)


def _text(stamp: Fingerprint) -> str:
    return " ".join([stamp.specification, *stamp.tests.values()])
