"""Release: an assignment built, known to the gradebook, and put on the exchange for students to fetch."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

from nbgrader.auth import Authenticator
from nbgrader.exchange import ExchangeError, ExchangeFactory

from coursegrader.authoring.build import build
from coursegrader.course import Course
from coursegrader.errors import CourseError
from coursegrader.gradebook.record import open_gradebook, register_assignment
from coursegrader.submission.spec import Spec


def release(course: Course, assignment: str, *, due: datetime | None = None, force: bool = False) -> Path:
    """Builds an assignment and puts it on the exchange; gives its folder there.

    Raises `CourseError` when it is on the exchange already, unless `force` replaces it.
    """
    build(course.root, assignment)
    register_assignment(course, Spec.load(course, assignment), due)
    return publish(course, assignment, force=force)


def publish(course: Course, assignment: str, *, force: bool = False) -> Path:
    """Puts a built assignment on the exchange, through nbgrader; gives its folder there."""
    directory = type(course.directory)(config=course.config, assignment_id=assignment, log=course.directory.log)
    course.data.mkdir(parents=True, exist_ok=True)
    step = ExchangeFactory(config=course.config).ReleaseAssignment(
        coursedir=directory, authenticator=Authenticator(config=course.config), config=course.config
    )
    step.log = course.directory.log
    step.force = force
    try:
        step.start()
    except ExchangeError as error:
        hint = "" if force else " If it is there already, `--force` replaces it."
        raise CourseError(f"nbgrader cannot release {assignment}: {error}.{hint}") from error
    return Path(step.dest_path)


def import_students(course: Course, table: Path) -> int:
    """Writes the students of a CSV (`id`, `first_name`, `last_name`, `email`) into the gradebook; gives how many."""
    with table.open(newline="", encoding="utf-8") as handle:
        students = list(csv.DictReader(handle))
    with open_gradebook(course) as gradebook:
        for student in students:
            gradebook.update_or_create_student(student.pop("id"), **student)
    return len(students)
