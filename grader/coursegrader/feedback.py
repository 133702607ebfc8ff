"""Feedback: nbgrader's own pages for students, without the hidden tests.

What a test's outputs say is the exam's choice already (`exam.verdict`): words that students may read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.converters import GenerateFeedback
from traitlets import Bool

from coursegrader.course import Course
from coursegrader.notebooks import HIDDEN, Role, is_bonus, marked_regions, points, role, split

HIDDEN_NOTICE = "# (hidden tests ran here)"


class StudentView(Preprocessor):
    """What a student sees of a graded notebook: everything but the source of the hidden tests."""

    enabled = Bool(True, help="Whether nbgrader uses this step.").tag(config=True)
    show_hidden = Bool(False, help="Show hidden tests on students' pages.").tag(config=True)

    def preprocess(self, notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Hides the hidden parts, and takes bonus points out of the maximum that heads the page."""
        notebook, resources = super().preprocess(notebook, resources)
        marks = resources.get("nbgrader", {})
        if "max_score" in marks:
            marks["max_score"] -= sum(points(cell) for cell in notebook.cells if is_bonus(cell))
        return notebook, resources

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        """Hides the hidden part of one test cell; other cells stay as they are."""
        if not self.show_hidden and role(cell) is Role.TEST and marked_regions(cell.source, HIDDEN):
            cell.source = f"{split(cell.source, HIDDEN)[0].rstrip()}\n{HIDDEN_NOTICE}"
        return cell, resources


def generate_feedback(course: Course, assignment: str, show_hidden: bool = False) -> Iterator[tuple[str, str]]:
    """Writes each graded student's page and yields the student with an error message, empty when it went well."""
    students = sorted(path.parent.parent.name for path in course.autograded.glob(f"*/{assignment}/*.ipynb"))
    for student in students:
        yield student, _page(course, assignment, student, show_hidden)


def _page(course: Course, assignment: str, student: str, show_hidden: bool) -> str:
    directory = type(course.directory)(config=course.config, assignment_id=assignment, student_id=student)
    converter = GenerateFeedback(coursedir=directory, config=course.config)
    converter.config.StudentView.show_hidden = show_hidden
    converter.log = logging.getLogger("coursegrader.nbgrader")
    converter.force = True
    try:
        converter.start()
    # nbgrader's converter raises anything; a page that cannot be made must not keep the others from being made.
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
