"""Feedback: nbgrader's own pages for students, without what only staff may see."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.converters import GenerateFeedback
from traitlets import Bool

from coursegrader.course import Course
from coursegrader.notebooks import HIDDEN, RegionError, Role, docstring, is_bonus, marked_regions, points, role, split

# A message shorter than this says too little to be told from chance in an exception's text.
MIN_MESSAGE = 8
ANSI = re.compile(r"\x1b\[[0-9;]*m")
HIDDEN_NOTICE = "# (hidden tests ran here)"


class StudentView(Preprocessor):
    """What a student sees of a graded notebook: no hidden tests, and nothing that ran under them printed or raised.

    Where a public check failed, its error stays: the student can run it. Where a hidden one failed, the test's
    docstring and those messages stay that the instructor wrote as text; library assertions print expected arrays.
    """

    enabled = Bool(True, help="Whether nbgrader uses this step.").tag(config=True)
    show_hidden = Bool(False, help="Show hidden tests and their errors on students' pages.").tag(config=True)

    def preprocess(self, notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Cleans every test cell, and takes bonus points out of the maximum that heads the page."""
        notebook, resources = super().preprocess(notebook, resources)
        marks = resources.get("nbgrader", {})
        if "max_score" in marks:
            marks["max_score"] -= sum(points(cell) for cell in notebook.cells if is_bonus(cell))
        return notebook, resources

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        """Cleans one test cell; other cells stay as they are."""
        if not self.show_hidden and role(cell) is Role.TEST and cell.cell_type == "code":
            hide(cell)
        return cell, resources


def hide(cell: NotebookNode) -> None:
    """Cleans one executed test cell in place."""
    spans = marked_regions(cell.source, HIDDEN)
    if not spans:
        return
    if not _failed_before(cell, spans[0][0]):
        cell.outputs = [_in_words(cell)] if _error(cell) else []
    cell.source = f"{split(cell.source, HIDDEN)[0].rstrip()}\n{HIDDEN_NOTICE}"


def instructors_words(cell: NotebookNode, message: str) -> str:
    """The longest text that the instructor wrote in the cell and that `message` holds; empty where there is none."""
    texts = (node.value for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Constant))
    found = [text for text in texts if isinstance(text, str) and len(text) >= MIN_MESSAGE and text in message]
    return max(found, key=len, default="")


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


def _error(cell: NotebookNode) -> NotebookNode | None:
    return next((output for output in cell.outputs if output.output_type == "error"), None)


def _failed_before(cell: NotebookNode, line: int) -> bool:
    """Whether the cell failed in its public part, above `line`; unknown places count as hidden."""
    error = _error(cell)
    if error is None:
        return False
    text = ANSI.sub("", "\n".join(error.traceback))
    place = re.search(rf"Cell In\[{cell.execution_count}\], line (\d+)", text)
    return place is not None and int(place[1]) < line


def _in_words(cell: NotebookNode) -> NotebookNode:
    error = _error(cell)
    try:
        checked = docstring(cell) or ""
    except RegionError:
        checked = ""
    words = instructors_words(cell, error.evalue)
    lines = ["A hidden check of this task failed."]
    if checked:
        lines.append(f"What it checks: {' '.join(checked.split())}")
    if words:
        lines.append(f"It says: {words}")
    text = "\n".join(lines)
    return new_output("error", ename="HiddenCheckFailed", evalue=text, traceback=[text])
