"""Export: the gradebook's marks as `grades.csv`, through nbgrader's export plugin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.plugins import ExportPlugin

from coursegrader.course import Course
from coursegrader.errors import NothingSubmitted
from coursegrader.gradebook.lines import failure_of
from coursegrader.gradebook.record import found, open_gradebook, seconds_late
from coursegrader.gradebook.table import row, write_table
from coursegrader.submission.scores import CellScore, Status, total


class CellExportPlugin(ExportPlugin):
    """A row a cell and a total for each submission, in the columns of `grades.csv`.

    `nbgrader export --exporter=coursegrader.gradebook.export.CellExportPlugin` uses it too.
    """

    def export(self, gradebook: Gradebook) -> None:
        """Writes the chosen assignments (default: all) to `to` (default: grades.csv)."""
        rows = []
        for assignment in sorted(gradebook.assignments, key=lambda one: one.name):
            if self.assignment and assignment.name not in self.assignment:
                continue
            for submission in sorted(assignment.submissions, key=lambda one: one.student.id):
                if self.student and submission.student.id not in map(str, self.student):
                    continue
                rows += [row(submission.student.id, one) for one in submission_scores(gradebook, submission)]
        write_table(Path(self.to or "grades.csv"), rows)


def export_marks(course: Course, assignment: str, path: Path) -> None:
    """Writes the marks of one assignment to a CSV file; `NothingSubmitted` when none is recorded."""
    plugin = CellExportPlugin(to=str(path), assignment=[assignment])
    with open_gradebook(course) as gradebook:
        if not any(one.name == assignment and one.submissions for one in gradebook.assignments):
            raise NothingSubmitted(
                f"The gradebook has no submission of {assignment}: `coursegrader autograde {assignment}` comes first."
            )
        plugin.export(gradebook)


def submission_scores(gradebook: Gradebook, submission: SubmittedAssignment) -> Iterator[CellScore]:
    """What the gradebook says of a submission now, cell by cell and in total, with the grader's reasons.

    A person's mark takes the place of the grader's. The total has the late penalty taken off.
    """
    line = found(gradebook, submission)
    known = {one["cell"]: one for one in line.get("cells", [])}
    scores = tuple(
        _score(grade, known) for notebook in submission.notebooks for grade in _ordered(notebook, list(known))
    )
    yield from scores
    penalty = submission.late_submission_penalty or 0.0
    notes = [*line.get("notes", [])]
    if seconds_late(submission) > 0:
        notes.append(f"{seconds_late(submission) / 3600:.1f} h late" + (f", {penalty:g} off" if penalty else ""))
    whole = total(scores, failure_of(line), tuple(line.get("flags", [])), tuple(notes))
    yield CellScore(whole.cell, max(0.0, whole.points - penalty), whole.max_points, whole.status, whole.reason)


def _ordered(notebook: SubmittedNotebook, order: list[str]) -> list[Grade]:
    place = {name: number for number, name in enumerate(order)}
    return sorted(notebook.grades, key=lambda grade: (place.get(grade.name, len(place)), grade.name))


def _score(grade: Grade, known: dict[str, dict]) -> CellScore:
    one = known.get(grade.name, {})
    points = grade.score
    status, reason = Status(one.get("status", Status.GRADED)), one.get("reason", "")
    if grade.manual_score is not None:
        status, reason = Status.GRADED, "marked by a person"
        if grade.needs_manual_grade:
            reason += "; the answer or its score changed since"
    elif grade.auto_score is None:
        points = None
        status = status if status is Status.FLAGGED else Status.NEEDS_MANUAL
    return CellScore(grade.name, points, grade.max_score, status, reason)
