"""Record: writes results into nbgrader's gradebook, one transaction a submission, and graded notebooks to the disk.

Only the coordinator records, so that sqlite serves. What a person marked or wrote is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
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
from nbgrader.utils import parse_utc

from coursegrader.course import Course
from coursegrader.errors import GradebookMismatch
from coursegrader.grade import Result
from coursegrader.intake import STUDENT, Submission
from coursegrader.notebooks import by_grade_id
from coursegrader.scores import CellScore, Status
from coursegrader.spec import Spec
from coursegrader.table import replacing


@contextmanager
def open_gradebook(course: Course) -> Iterator[Gradebook]:
    """The course's gradebook, made when there is none."""
    course.data.mkdir(parents=True, exist_ok=True)
    with Gradebook(course.database, course.directory.course_id) as gradebook:
        yield gradebook


def register_assignment(course: Course, spec: Spec, due: datetime | None = None) -> None:
    """Writes an assignment and its cells into the gradebook, as nbgrader does when it makes a release.

    Cells may change their text once students have submitted, but none may come or go: `GradebookMismatch`.
    """
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_assignment(spec.assignment, **({"duedate": due} if due else {}))
    resources = {"nbgrader": {"notebook": spec.assignment, "assignment": spec.assignment, "db_url": course.database}}
    try:
        SaveCells(config=course.config).preprocess(spec.reference_notebook(), resources)
    except RuntimeError:
        raise GradebookMismatch(
            f"The gradebook has submissions of another version of {spec.assignment}: cells were added or removed since."
            f" Give back the old notebook, or start a new gradebook (move {course.data} away) and grade again."
        ) from None


class Recorder:
    """Writes the results of one assignment."""

    def __init__(self, course: Course, spec: Spec, gradebook: Gradebook) -> None:
        self.course, self.spec, self.gradebook = course, spec, gradebook
        late = AssignLatePenalties(config=course.config)
        late.init_plugin()
        self.late_plugin = late.plugin_inst

    def record(self, submission: Submission, result: Result) -> None:
        """Writes one submission: its grades in one transaction, its graded notebook and what was found beside it."""
        if not STUDENT.fullmatch(submission.student):
            return
        session = self.gradebook.db
        before = read_result(self.course, self.spec.assignment, submission.student)
        written = _fingerprints(result)
        try:
            with session.no_autoflush:
                submitted = self._submission(submission)
                notebook = self._notebook(submitted)
                self._grades(notebook, result, before.get("fingerprints", {}), written)
            session.flush()
            self._penalty(submitted, notebook)
            self._write_files(submission, result, written)
            session.commit()
        except BaseException:
            session.rollback()
            raise

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

    def _grades(self, notebook: SubmittedNotebook, result: Result, before: dict, written: dict) -> None:
        scores = {one.cell: one for one in result.scores}
        for grade in notebook.grades:
            score = scores[grade.cell.name]
            changed = score.points != grade.auto_score or before.get(score.cell) != written.get(score.cell)
            grade.auto_score = score.points
            # A person's mark stays; where what it was given for has changed, a person is asked to look again.
            grade.needs_manual_grade = changed if grade.manual_score is not None else score.points is None
        blank = {name for name, source in answers(result).items() if source == _stubs(self.spec).get(name)}
        for comment in notebook.comments:
            comment.auto_comment = "No response." if comment.cell.name in blank else None
        notebook.flagged = result.total.status is Status.FLAGGED

    def _penalty(self, submitted: SubmittedAssignment, notebook: SubmittedNotebook) -> None:
        """What nbgrader's late submission plugin takes off, within the score."""
        notebook.late_submission_penalty = None
        if submitted.total_seconds_late > 0:
            self.gradebook.db.expire(notebook, ["score"])
            penalty = self.late_plugin.late_submission_penalty(
                submitted.student.id, notebook.score, submitted.total_seconds_late
            )
            if penalty is not None:
                notebook.late_submission_penalty = min(max(penalty, 0.0), notebook.score)

    def _write_files(self, submission: Submission, result: Result, written: dict) -> None:
        folder = self.course.autograded / submission.student / self.spec.assignment
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / self.spec.notebook_name) as handle:
            handle.write(result.notebook.decode())
        if submission.timestamp:
            with replacing(folder / "timestamp.txt") as handle:
                handle.write(submission.timestamp)
        path = result_path(self.course, self.spec.assignment, submission.student)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as handle:
            json.dump(as_record(submission.student, result) | {"fingerprints": written}, handle, indent=1)


def timestamp(submission: Submission) -> datetime | None:
    """When the submission was handed in (UTC); None where that is unknown or unreadable."""
    try:
        return parse_utc(submission.timestamp)
    except (ValueError, OverflowError):
        return None


def as_record(student: str, result: Result) -> dict:
    """A result as plain data for JSON; `seconds` is wall time, `peak_memory` in bytes."""
    return {
        "student": student,
        "total": _plain(result.total),
        "failure": result.failure,
        "flags": list(result.flags),
        "notes": list(result.notes),
        "seconds": round(result.seconds, 3),
        "peak_memory": result.peak_memory,
        "cells": [_plain(one) for one in result.scores],
    }


def result_path(course: Course, assignment: str, student: str) -> Path:
    """Where the grader's own findings on a submission lie."""
    return course.results / assignment / f"{student}.json"


def read_result(course: Course, assignment: str, student: str) -> dict:
    """What was found on a submission, as `as_record` says; empty when the grader did not grade it."""
    path = result_path(course, assignment, student)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def answers(result: Result) -> dict[str, str]:
    """The source of every answer cell of a graded notebook."""
    return _answers(nbformat.reads(result.notebook.decode(), as_version=4))


def _answers(notebook: NotebookNode) -> dict[str, str]:
    return {name: cell.source for name, cell in by_grade_id(notebook).items() if cell.metadata.nbgrader.solution}


def _stubs(spec: Spec) -> dict[str, str]:
    return _answers(spec.reference_notebook())


def _fingerprints(result: Result) -> dict[str, str]:
    """What each answer said, shortened: enough to see later whether it changed."""
    return {name: hashlib.sha256(source.encode()).hexdigest()[:16] for name, source in answers(result).items()}


def _plain(score: CellScore) -> dict:
    return asdict(score) | {"status": score.status.value, "seconds": round(score.seconds, 3)}
