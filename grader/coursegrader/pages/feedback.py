"""Feedback: nbgrader's own pages for students, without the hidden tests.

What a test's outputs say is the exam's choice already (`exam.verdict`): words that students may read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress

from jinja2 import PackageLoader
from nbconvert.exporters import HTMLExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateFeedback
from traitlets import Bool

from coursegrader.course import Course
from coursegrader.notebooks import (
    BONUS_PREFIX,
    HIDDEN,
    RegionError,
    Role,
    docstring,
    grade_id,
    is_bonus,
    marked_regions,
    points,
    role,
    split,
)

HIDDEN_NOTICE = "# (hidden tests ran here)"
# What nbgrader, and the recorder after it, put as a comment on an untouched answer.
NO_RESPONSE = "No response."
WAITING_NOTICE = "Not marked yet: a person reads this answer. Until then it counts 0 above."


class FeedbackExporter(HTMLExporter):
    """nbgrader's page for students, in this course's template."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options, extra_loaders=[PackageLoader("coursegrader.pages")])
        self.template_file = "feedback.html.j2"


class StudentView(Preprocessor):
    """What a student sees of a graded notebook: no source of hidden tests, and which answers wait for their marks.

    It also names the cells for the page's index, and drops the comments that no person wrote.
    """

    enabled = Bool(True, help="Whether nbgrader uses this step.").tag(config=True)
    show_hidden = Bool(False, help="Show hidden tests on students' pages.").tag(config=True)

    def preprocess(self, notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Runs after `GetGrades`; takes bonus points out of the maximum that heads the page."""
        notebook, resources = super().preprocess(notebook, resources)
        marks = resources["nbgrader"]
        marks["max_score"] -= sum(points(cell) for cell in notebook.cells if is_bonus(cell))
        with Gradebook(marks["db_url"]) as gradebook:
            submitted = gradebook.find_submission_notebook(marks["notebook"], marks["assignment"], marks["student"])
            waiting = {grade.name for grade in submitted.grades if grade.needs_manual_grade}
        for cell in notebook.cells:
            if grade_id(cell) is None:
                continue
            marks = cell.metadata.nbgrader
            if marks.get("comment") == NO_RESPONSE:
                marks["comment"] = None
            marks["title"], marks["waiting"] = _title(cell), grade_id(cell) in waiting
            if marks["waiting"]:
                marks["comment"] = "\n\n".join(filter(None, (WAITING_NOTICE, marks.get("comment"))))
        return notebook, resources

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        """Hides the hidden part of one test cell; other cells stay as they are."""
        if not self.show_hidden and role(cell) is Role.TEST and marked_regions(cell.source, HIDDEN):
            cell.source = f"{split(cell.source, HIDDEN)[0].rstrip()}\n{HIDDEN_NOTICE}"
        return cell, resources


def _title(cell: NotebookNode) -> str:
    """What a cell is about: a test's docstring up to its colon, else its `grade_id` in words."""
    text = ""
    if role(cell) is Role.TEST:
        with suppress(RegionError):
            text = (docstring(cell) or "").split("\n")[0].split(":")[0].rstrip(" .")
    name = grade_id(cell).removeprefix(BONUS_PREFIX)
    text = text or name.removeprefix("test_").replace("_", " ").capitalize()
    return f"Bonus: {text}" if is_bonus(cell) else text


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
