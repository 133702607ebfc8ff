"""Record: writes results into nbgrader's gradebook, one transaction a submission, and graded notebooks to the disk.

Only the coordinator records, so that sqlite serves. What a person marked or wrote is kept.

A kill at any moment leaves what the next run mends. The graded notebook is first put beside its place; then grades,
penalty, and what was found (with the notebook's digest) are committed as one; then the notebook takes its place. Before
the commit, gradebook and notebook are the old ones; after it, the new notebook lies at its place or beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import (
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.preprocessors import AssignLatePenalties, SaveCells
from nbgrader.utils import is_locked, is_solution, parse_utc
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from coursegrader.course import Course
from coursegrader.errors import GradebookFailed, GradebookMismatch
from coursegrader.gradebook import ledger
from coursegrader.gradebook.backup import sqlite_file
from coursegrader.gradebook.fingerprint import Fingerprint, digest, fingerprint
from coursegrader.gradebook.ledger import Entry
from coursegrader.gradebook.lines import as_line, failure_of, scores_of
from coursegrader.gradebook.table import replacing
from coursegrader.notebooks import by_grade_id
from coursegrader.sandbox import LANDLOCK, NAMESPACES, UNSAFE
from coursegrader.submission.grade import Result
from coursegrader.submission.intake import STUDENT, Submission
from coursegrader.submission.scores import Status, total
from coursegrader.submission.spec import Spec, is_graded

# What an entry of the ledger holds beyond the line of `results/PS.jsonl`.
ANSWERS = "answers"
WEAKEST_FIRST = ("", UNSAFE, LANDLOCK, NAMESPACES)


# What `nbgrader submit` puts beside the notebook.
SECRET = "submission_secret.txt"


@contextmanager
def open_gradebook(course: Course) -> Iterator[Gradebook]:
    """The course's gradebook, made when there is none.

    What the database refuses, now or in what is done with it, is raised as `GradebookFailed`, with what to do.
    """
    _check_address(course)
    course.data.mkdir(parents=True, exist_ok=True)
    path = sqlite_file(course)
    with _in_words(course):
        if path is not None and not path.exists():
            _make_whole(path, course)
        with Gradebook(course.database, course.directory.course_id) as gradebook:
            ledger.prepare(gradebook)
            yield gradebook


def _check_address(course: Course) -> None:
    """Refuses an address that names no database, or one whose driver is not installed; connects to nothing."""
    try:
        create_engine(course.database)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise GradebookFailed(
            f"The gradebook's address, c.CourseDirectory.db_url, cannot be used: {error}. Correct the address, or"
            " install the database's driver beside nbgrader (PostgreSQL: `.venv/bin/uv pip install 'psycopg[binary]'`;"
            " with conda, `pip install 'psycopg[binary]'`)."
        ) from error


@contextmanager
def _in_words(course: Course) -> Iterator[None]:
    """Turns what the database refuses into what a person can do about it."""
    try:
        yield
    except OperationalError as error:
        where = "see that its disk has room" if sqlite_file(course) else "see that its server runs and lets you in"
        raise GradebookFailed(
            f"The gradebook could not be used ({str(error.orig).strip()}). Close what else has it open (the formgrader,"
            f" a database browser), {where}, and run the same command again: it goes on from here."
        ) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise
        raise GradebookFailed(
            f"The gradebook is damaged ({error.orig}): put the newest copy of {course.data / 'backups'} in its place,"
            " and run the same command again."
        ) from error


def _make_whole(path: Path, course: Course) -> None:
    """A new gradebook that is there with all its tables or not at all: nbgrader makes them one by one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with Gradebook(f"sqlite:///{unfinished}", course.directory.course_id) as gradebook:
        ledger.prepare(gradebook)
    unfinished.replace(path)


def register_assignment(course: Course, spec: Spec, due: datetime | None = None) -> None:
    """Writes an assignment and its cells into the gradebook, as nbgrader does when it makes a release.

    Cells may change their text once students have submitted, but none may come or go: `GradebookMismatch`.
    """
    with open_gradebook(course) as gradebook:
        if due is None and _is_registered(gradebook, spec):
            return
        gradebook.update_or_create_assignment(spec.assignment, **({"duedate": due} if due else {}))
    resources = {"nbgrader": {"notebook": spec.assignment, "assignment": spec.assignment, "db_url": course.database}}
    try:
        # nbgrader's preprocessor opens the gradebook itself.
        with _in_words(course):
            SaveCells(config=course.config).preprocess(spec.reference_notebook(), resources)
    except RuntimeError:
        raise GradebookMismatch(
            f"The gradebook has submissions of another version of {spec.assignment}: cells were added or removed since."
            f" Give back the old notebook, or start a new gradebook (move {course.data} away) and grade again."
        ) from None


def _is_registered(gradebook: Gradebook, spec: Spec) -> bool:
    """Whether the gradebook holds this very notebook: nbgrader would write it again cell by cell."""
    try:
        notebook = gradebook.find_notebook(spec.assignment, spec.assignment)
    except MissingEntry:
        return False
    held = {one.name: (one.source, one.checksum, one.cell_type, one.locked) for one in notebook.source_cells}
    points = {one.name: (one.max_score, one.cell_type) for one in (*notebook.grade_cells, *notebook.task_cells)}
    written = {one.name for one in notebook.solution_cells}
    cells = by_grade_id(spec.reference_notebook())
    return (
        held
        == {
            name: (cell.source, cell.metadata.nbgrader.get("checksum"), cell.cell_type, is_locked(cell))
            for name, cell in cells.items()
        }
        and points
        == {
            name: (float(cell.metadata.nbgrader.points), cell.cell_type)
            for name, cell in cells.items()
            if is_graded(cell)
        }
        and written == {name for name, cell in cells.items() if is_solution(cell)}
    )


class Recorder:
    """Writes the results of one assignment.

    `level` is the sandbox that the run uses, `run` its name in the ledger. `before_writing` is called once, before
    anything is written.
    """

    def __init__(
        self,
        course: Course,
        spec: Spec,
        gradebook: Gradebook,
        *,
        level: str = "",
        run: str = "",
        before_writing: Callable[[], None] | None = None,
    ) -> None:
        self.course, self.spec, self.gradebook = course, spec, gradebook
        self.level, self.run = level, run
        self._before_writing = before_writing
        late = AssignLatePenalties(config=course.config)
        late.init_plugin()
        self.late_plugin = late.plugin_inst
        ledger.prepare(gradebook)

    def prepare(self) -> None:
        """Does what must be done before anything is written, once."""
        if self._before_writing:
            self.gradebook.db.rollback()
            self._before_writing()
            self._before_writing = None

    def record(self, submission: Submission, result: Result, only: Collection[str] = ()) -> None:
        """Writes one submission: its grades in one transaction, its graded notebook and what was found beside it.

        `only` names tests: then nothing but their scores changes.
        """
        if not STUDENT.fullmatch(submission.student):
            return
        self.prepare()
        session = self.gradebook.db
        try:
            with session.no_autoflush:
                submitted = self._submission(submission)
                notebook = self._notebook(submitted)
                before = ledger.read(self.gradebook, submitted) if submitted.id else None
                old = before.found if before else {}
                new = self._found(submission, result, old, only)
                self._grades(notebook, new, old, only)
            session.flush()
            self._set_penalty(submitted, notebook)
            graded = self._graded_notebook(submission.student, result, only)
            self._stage(submission.student, graded)
            stamp = self._fingerprint(submission, result, before, only)
            ledger.write(self.gradebook, submitted, Entry(stamp, digest(graded), self.run, result.machine, new))
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            # What the session remembers of one submission is of no use for the next, and would pile up.
            session.expunge_all()
        self._settle(submission)

    def is_recorded(self, submission: Submission, entry: Entry) -> bool:
        """Whether the graded notebook of an entry is in its place, or can be put there now."""
        path = self._path(submission.student)
        staged = _staged(path)
        if staged.exists():
            if digest(staged.read_bytes()) == entry.notebook:
                self._settle(submission)
            else:
                # Of a run that was killed before it committed.
                staged.unlink()
        return path.exists() and digest(path.read_bytes()) == entry.notebook

    def refresh(self, submission: Submission) -> None:
        """Brings the time and the penalty of a graded submission up to date: an extension may have been granted."""
        session = self.gradebook.db
        try:
            submitted = self.gradebook.find_submission(self.spec.assignment, submission.student)
            notebook = self._notebook(submitted)
            stamp = timestamp(submission)
            late = submitted.timestamp != stamp
            submitted.timestamp = stamp
            if late or self._penalty(submitted, notebook) != notebook.late_submission_penalty:
                self.prepare()
                submitted = self._submission(submission)
                self._set_penalty(submitted, self._notebook(submitted))
                self._write_beside(submission)
                session.commit()
            else:
                session.rollback()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.expunge_all()

    def _submission(self, submission: Submission) -> SubmittedAssignment:
        session = self.gradebook.db
        try:
            found = self.gradebook.find_submission(self.spec.assignment, submission.student)
        except MissingEntry:
            student = session.get(Student, submission.student) or Student(id=submission.student)
            assignment = self.gradebook.find_assignment(self.spec.assignment)
            found = SubmittedAssignment(assignment=assignment, student=student)
            session.add(found)
        found.timestamp = timestamp(submission)
        return found

    def _notebook(self, submitted: SubmittedAssignment) -> SubmittedNotebook:
        """The submission's notebook with a grade for every graded cell and a comment for every answer."""
        for notebook in submitted.notebooks:
            if notebook.notebook.name == self.spec.assignment:
                return notebook
        session = self.gradebook.db
        source = self.gradebook.find_notebook(self.spec.assignment, self.spec.assignment)
        graded, commented = [*source.grade_cells], [*source.solution_cells]
        notebook = SubmittedNotebook(notebook=source, assignment=submitted)
        session.add(notebook)
        session.add_all(Grade(cell=cell, notebook=notebook) for cell in (*graded, *source.task_cells))
        session.add_all(Comment(cell=cell, notebook=notebook) for cell in (*commented, *source.task_cells))
        return notebook

    def _grades(self, notebook: SubmittedNotebook, new: dict, old: dict, only: Collection[str]) -> None:
        scores = {one["cell"]: one for one in new["cells"]}
        before, after = old.get(ANSWERS, {}), new[ANSWERS]
        for grade in notebook.grades:
            if only and grade.cell.name not in only:
                continue
            points = scores[grade.cell.name]["points"]
            changed = points != grade.auto_score or before.get(grade.cell.name) != after.get(grade.cell.name)
            grade.auto_score = points
            # A person's mark stays; where what it was given for has changed, a person is asked to look again.
            grade.needs_manual_grade = changed if grade.manual_score is not None else points is None
        notebook.flagged = new["status"] == Status.FLAGGED
        if only:
            return
        stubs = _answers(self.spec.reference_notebook())
        blank = {name for name, source in stubs.items() if digest(source.encode())[:16] == after.get(name)}
        for comment in notebook.comments:
            comment.auto_comment = "No response." if comment.cell.name in blank else None

    def _penalty(self, submitted: SubmittedAssignment, notebook: SubmittedNotebook) -> float | None:
        """What nbgrader's late submission plugin takes off, within the score; None where it takes nothing."""
        late = seconds_late(submitted)
        if late <= 0:
            return None
        penalty = self.late_plugin.late_submission_penalty(submitted.student.id, notebook.score, late)
        return None if penalty is None else min(max(penalty, 0.0), notebook.score)

    def _set_penalty(self, submitted: SubmittedAssignment, notebook: SubmittedNotebook) -> None:
        self.gradebook.db.expire(notebook, ["score"])
        notebook.late_submission_penalty = self._penalty(submitted, notebook)

    def _found(self, submission: Submission, result: Result, old: dict, only: Collection[str]) -> dict:
        """What is now known of a submission; of what was found before, everything stays that `only` does not name."""
        answers = {name: digest(source.encode())[:16] for name, source in answers_of(result).items()}
        new = as_line(self.spec.assignment, submission.student, result) | {ANSWERS: answers}
        if not only:
            return new
        named = {one["cell"]: one for one in new["cells"] if one["cell"] in only}
        flags = [flag for flag in old["flags"] if not any(name in flag for name in only)]
        new["cells"] = [named.get(one["cell"], one) for one in old["cells"]]
        new["flags"] = [*dict.fromkeys([*flags, *new["flags"]])]
        new["notes"] = [*dict.fromkeys([*old["notes"], *new["notes"]])]
        new["sandbox"] = min(new["sandbox"], old["sandbox"], key=WEAKEST_FIRST.index)
        whole = total(scores_of(new), failure_of(old), tuple(new["flags"]), tuple(new["notes"]))
        return new | {"total": whole.points, "status": whole.status.value, "reason": whole.reason}

    def _fingerprint(
        self, submission: Submission, result: Result, before: Entry | None, only: Collection[str]
    ) -> Fingerprint:
        now = fingerprint(submission, self.spec, self.level or result.level)
        if not only:
            return now
        named = {name: stamp for name, stamp in now.tests.items() if name in only}
        return replace(before.fingerprint, tests=before.fingerprint.tests | named)

    def _graded_notebook(self, student: str, result: Result, only: Collection[str]) -> bytes:
        path = self._path(student)
        if not only or not path.exists():
            return result.notebook
        kept, new = (nbformat.reads(text.decode(), as_version=4) for text in (path.read_bytes(), result.notebook))
        cells = {name: cell for name, cell in by_grade_id(new).items() if name in only}
        kept.cells = [cells.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell) for cell in kept.cells]
        return nbformat.writes(kept).encode()

    def _path(self, student: str) -> Path:
        return self.course.autograded / student / self.spec.assignment / self.spec.notebook_name

    def _stage(self, student: str, notebook: bytes) -> None:
        """Puts the graded notebook beside its place, safe from a loss of power."""
        path = self._path(student)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _staged(path).open("wb") as handle:
            handle.write(notebook)
            handle.flush()
            os.fsync(handle.fileno())

    def _settle(self, submission: Submission) -> None:
        """Puts what was staged in its place, once the gradebook knows it; the notebook, which says so, last."""
        self._write_beside(submission)
        path = self._path(submission.student)
        _staged(path).replace(path)

    def _write_beside(self, submission: Submission) -> None:
        """What nbgrader expects beside a graded notebook."""
        folder = self._path(submission.student).parent
        # By the secret nbgrader knows whose page it is, when feedback goes back through the exchange.
        secret = submission.files.get(SECRET, b"").decode(errors="replace")
        for name, text in (("timestamp.txt", submission.timestamp), (SECRET, secret)):
            if text:
                with replacing(folder / name) as handle:
                    handle.write(text)


def _staged(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def timestamp(submission: Submission) -> datetime | None:
    """When the submission was handed in (UTC); None where that is unknown or unreadable."""
    try:
        return parse_utc(submission.timestamp)
    except (ValueError, OverflowError):
        return None


def seconds_late(submitted: SubmittedAssignment) -> float:
    """How late a submission is, extensions counted; nbgrader's own stumbles over an extension without a due date."""
    return submitted.total_seconds_late if submitted.assignment.duedate else 0.0


def found(gradebook: Gradebook, submitted: SubmittedAssignment) -> dict:
    """What the grader found on a submission, as its line of `results/PS.jsonl`; empty where it did not grade it."""
    if not inspect(gradebook.engine).has_table(ledger.TABLE.name):
        return {}
    entry = ledger.read(gradebook, submitted)
    return _line(entry) if entry else {}


def lines(gradebook: Gradebook, assignment: str) -> Iterator[dict]:
    """What the grader found on every submission, in the students' order."""
    for _, entry in ledger.entries(gradebook, assignment):
        yield _line(entry)


def _line(entry: Entry) -> dict:
    return {name: value for name, value in entry.found.items() if name != ANSWERS}


def results_path(course: Course, assignment: str) -> Path:
    """Where the grader's findings on an assignment lie, a line a submission."""
    return course.results / f"{assignment}.jsonl"


def answers_of(result: Result) -> dict[str, str]:
    """The source of every answer cell of a graded notebook."""
    return _answers(nbformat.reads(result.notebook.decode(), as_version=4))


def _answers(notebook: NotebookNode) -> dict[str, str]:
    return {name: cell.source for name, cell in by_grade_id(notebook).items() if cell.metadata.nbgrader.solution}
