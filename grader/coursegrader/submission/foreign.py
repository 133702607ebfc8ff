"""Assignments of other nbgrader courses: a solution notebook and the files beside it, with no course around them."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator, SchemaTooNewError, SchemaTooOldError, ValidationError

from coursegrader.authoring import rules
from coursegrader.errors import CourseError
from coursegrader.gradebook.table import number
from coursegrader.notebooks import SOLUTION, Role, role
from coursegrader.submission.grade import Result, grade_submission
from coursegrader.submission.hall import Hall
from coursegrader.submission.spec import Spec

# The machine decides nothing about a run; that a notebook is being graded, nbgrader says in this way.
ENVIRONMENT = {"NBGRADER_EXECUTION": "autograde"}


class ForeignError(CourseError):
    """A solution notebook that cannot be graded with; the message says what to do."""


class TestsDoNotFit(CourseError):
    """The solution itself does not earn its points in the exam: its tests need the student's objects beside them."""

    # The name is no test of pytest's.
    __test__ = False


def load(path: Path, assignment: str | None = None, *, tests_inside: bool = False) -> Spec:
    """The specification of an assignment given by its solution notebook.

    `assignment` is the folder of it in `STUDENT/PS/`, by default the notebook's name. The files beside the notebook
    are the released ones. nbgrader's metadata of any version is brought up to date by nbgrader itself. With
    `tests_inside`, tests run beside the student's code, and every result is marked as forgeable.

    Raises `ForeignError`, with what to do, for a notebook that nbgrader would not grade either.
    """
    notebook = _upgraded(_read(path), path)
    language = notebook.metadata.get("kernelspec", {}).get("language") or "python"
    if language.lower() != "python":
        raise ForeignError(f"{path}: the notebook is written in {language}; the exam runs Python only.")
    if not any(role(cell) in (Role.TEST, Role.MANUAL) for cell in notebook.cells):
        raise ForeignError(f"{path}: no cell has points; give the instructor's version, from nbgrader's source folder.")
    if not _holds_answers(notebook):
        raise ForeignError(
            f"{path}: no answer differs from what students get, so that this is the released version; give the"
            " instructor's version, from nbgrader's source folder."
        )
    files = {
        one.relative_to(path.parent).as_posix(): one.read_bytes()
        for one in sorted(path.parent.rglob("*"))
        if _is_released(one, path.parent)
    }
    spec = Spec.of_notebook(nbformat.writes(notebook).encode(), assignment or path.stem, files=files)
    return replace(spec, notebook_name=path.name, environment=ENVIRONMENT, tests_inside=tests_inside)


def check_fits(spec: Spec, hall: Hall) -> Result:
    """Examines the solution itself and gives its result.

    Raises `TestsDoNotFit`, which names each test that rejects it and why, as far as its text tells.
    """
    result = grade_submission(spec.solution, spec, {}, hall)
    if result.failure:
        raise TestsDoNotFit(f"The solution cannot be graded: {result.failure}.")
    tests = {one.grade_id for one in result.outcomes}
    lost = [one for one in result.scores if one.cell in tests and one.points < one.max_points]
    if lost:
        why: dict[str, list[str]] = {}
        for finding in rules.misfits(nbformat.reads(spec.solution.decode(), as_version=4)):
            why.setdefault(finding.cell, []).append(f"line {finding.line}: {finding.advice}")
        lines = [
            f"  {one.cell} ({number(one.points)} of {number(one.max_points)} points): "
            + "; ".join(why.get(one.cell) or [one.reason])
            for one in lost
        ]
        remedy = (
            "Correct the solution or these tests."
            if spec.tests_inside
            else "Rewrite them, or run all tests beside the student's code with --tests-inside: whoever sets out to"
            " can then forge a result, and every result is marked so."
        )
        raise TestsDoNotFit("The solution itself loses points in the exam:\n" + "\n".join(lines) + f"\n{remedy}")
    return result


def _read(path: Path) -> NotebookNode:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
            raise ForeignError(f"{path}: no notebook; give the solution's .ipynb file.")
        notebook = nbformat.convert(nbformat.from_dict(content), 4)
        # The present format gives each cell an id.
        notebook = nbformat.v4.upgrade(notebook, 4, notebook.get("nbformat_minor", 0))
        nbformat.validate(notebook)
    except OSError as error:
        raise ForeignError(f"{path}: cannot be read ({error.strerror}); give the solution's .ipynb file.") from error
    except (ValueError, nbformat.ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise ForeignError(f"{path}: no valid notebook ({reason}); save it again from Jupyter.") from error
    return notebook


def _upgraded(notebook: NotebookNode, path: Path) -> NotebookNode:
    """The notebook with nbgrader's metadata in the present schema."""
    validator = MetadataValidator()
    # It tells its log of every cell that has no stored type, which old notebooks do not have.
    validator.log = logging.getLogger("coursegrader.submission.foreign")
    validator.v1.log = validator.v2.log = validator.log
    notebook.cells = [validator.upgrade_cell_metadata(cell) for cell in notebook.cells]
    try:
        validator.validate_nb(notebook)
    except (ValidationError, SchemaTooOldError, SchemaTooNewError) as error:
        reason = (getattr(error, "message", None) or str(error)).splitlines()[0]
        raise ForeignError(f"{path}: nbgrader's metadata is broken ({reason}); set it anew in JupyterLab.") from error
    return notebook


def _holds_answers(notebook: NotebookNode) -> bool:
    answers = [cell for cell in notebook.cells if role(cell) is Role.ANSWER]
    stubs = ("YOUR CODE HERE", "NotImplementedError")
    return not answers or any(
        SOLUTION.begin in cell.source or not any(stub in cell.source for stub in stubs) for cell in answers
    )


def _is_released(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
    return path.is_file() and not path.is_symlink() and not hidden and path.suffix != ".ipynb"
