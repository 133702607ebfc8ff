"""nbgrader's own doors: what `nbgrader autograde` and the formgrader's button grade goes through the exam.

nbgrader asks its configuration for an exporter once it knows what to grade. The one that `nbgrader_config.py` names
takes the grading over: nbgrader's own steps would copy what lies beside a submission, read its notebook before anything
checked it, and run it in a kernel with the rights of whoever grades.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import NoReturn

from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException

from coursegrader.course import Course
from coursegrader.errors import CourseError
from coursegrader.gradebook.autograde import Order, autograde, place
from coursegrader.gradebook.record import lines, open_gradebook
from coursegrader.gradebook.table import number
from coursegrader.submission.hall import told
from coursegrader.submission.intake import students_folders
from coursegrader.submission.scores import Status
from coursegrader.submission.spec import Spec


class ExamExporter(NotebookExporter):
    """Stands where nbgrader's converter expects an exporter, and has the exam do what the converter was started for."""

    def __init__(self, parent: Autograde, **options: object) -> None:
        super().__init__(parent=parent, **options)
        parent.convert_notebooks = lambda: examine(parent)

    def from_filename(self, filename: str, *_: object, **__: object) -> NoReturn:
        """Refuses: no step of nbgrader's own may touch a submission."""
        raise NbGraderException(f"{filename} is for the exam: nbgrader's own steps do not grade in this course.")


def examine(converter: Autograde) -> None:
    """Grades and records the submissions that a converter was started for, as `coursegrader autograde` does.

    nbgrader's `--force`, which the formgrader always uses, grades again what is graded already. Raises
    `NbGraderException` when the exam cannot begin, and at the end when a submission could not be graded; the log says
    why and what to do.
    """
    try:
        failed = _examine(converter)
    except CourseError as error:
        converter.log.error(str(error))
        raise NbGraderException(str(error)) from error
    if failed:
        raise NbGraderException(f"Not graded, for the reasons in the log: {', '.join(failed)}.")


def _examine(converter: Autograde) -> list[str]:
    """Grades; gives the students whose submissions failed."""
    course = _course(converter)
    spec = Spec.load(course, converter.coursedir.assignment_id)
    students = _students(converter, course, spec)
    if not students:
        return []
    level, opening = place(course)
    opening = partial(told, opening, converter.log.warning)
    outcome = autograde(course, spec, opening, level, Order(again=converter.force, students=tuple(students)))
    failed = []
    with open_gradebook(course) as gradebook:
        for found in (*lines(gradebook, spec.assignment), *outcome.unrecorded):
            if found["student"] in students:
                _tell(converter, found)
                if found["status"] == Status.FAILED:
                    failed.append(found["student"])
    return failed


def _course(converter: Autograde) -> Course:
    """The converter's course. `CourseError` where its options say otherwise than the course's configuration."""
    directory = converter.coursedir
    course = Course.at(Path(directory.root))
    for name in ("db_url", "source_directory", "submitted_directory", "autograded_directory", "directory_structure"):
        if getattr(directory, name) != getattr(course.directory, name):
            raise CourseError(
                f"nbgrader was given a {name} of its own, and the exam would not see it. Set it in"
                " grader/nbgrader_config.py; another folder for the class's data is named by COURSE_DIR."
            )
    if directory.notebook_id != "*" or converter.config.Execute.get("enabled") is False:
        converter.log.warning("The exam runs the whole submission: --notebook and --no-execute change nothing.")
    return course


def _students(converter: Autograde, course: Course, spec: Spec) -> list[str]:
    """Those with a submission whom the converter's pattern names; the excluded ones left out."""
    pattern, excluded = converter.coursedir.student_id, converter.coursedir.student_id_exclude.split(",")
    found = [path.name for path in students_folders(course.submitted, spec)]
    return [student for student in found if fnmatchcase(student, pattern) and student not in excluded]


def _tell(converter: Autograde, found: dict) -> None:
    """One line of the log on what is known of a submission now."""
    status = Status(found["status"])
    say = {Status.FAILED: converter.log.error, Status.FLAGGED: converter.log.warning}.get(status, converter.log.info)
    words = f"{number(found['total'])} of {number(found['max_points'])} points, {status.replace('_', ' ')}"
    say("%s: %s", found["student"], ". ".join(filter(None, (words, found["reason"]))))
