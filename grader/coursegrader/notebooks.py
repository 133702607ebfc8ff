"""Assignment notebooks: reading them, and what nbgrader's metadata says about a cell.

Each cell has exactly one `Role`, the row of the architecture's table that decides who runs it:

| role | nbgrader metadata |
|---|---|
| `ANSWER` | solution, not graded |
| `TEST` | graded, not a solution (autograder tests) |
| `MANUAL` | graded and a solution, or a task: graded by hand |
| `LOCKED` | locked, neither graded nor a solution |
| `FREE` | none of these: text, or a cell of the student's own |
"""

import ast
import json
import threading
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.notebooknode import NotebookNode

from coursegrader.errors import CourseError

BONUS_PREFIX = "bonus_"
CANDIDATE_TAG = "candidate"
TRAINS_TAG = "trains"
_PARSING = threading.Lock()


class NotebookError(CourseError):
    """A file that cannot be read as an assignment notebook; the message names the file and what to do."""


class RegionError(ValueError):
    """A `BEGIN`/`END` region that is nested, unopened or unclosed, or a docstring of a cell that is not Python.

    `line` is the line within the cell, counted from 1.
    """

    def __init__(self, message: str, line: int):
        super().__init__(message)
        self.line = line


class Role(StrEnum):
    """What a cell is to the grader; see the module's table."""

    ANSWER = "answer"
    TEST = "test"
    MANUAL = "manual"
    LOCKED = "locked"
    FREE = "free"


class Region(NamedTuple):
    """A pair of marker lines, as nbgrader looks for them: anywhere in a line."""

    begin: str
    end: str


SOLUTION = Region("BEGIN SOLUTION", "END SOLUTION")
HIDDEN = Region("BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
MARK_SCHEME = Region("BEGIN MARK SCHEME", "END MARK SCHEME")


def read(path: str | Path) -> NotebookNode:
    """The notebook stored at `path`, as nbformat 4.

    Raises `NotebookError` where the file is missing, empty, not JSON or not a notebook of format 4.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotebookError(f"{path}: there is no such file; check the name of the assignment") from error
    except (OSError, UnicodeDecodeError) as error:
        raise NotebookError(f"{path}: cannot be read as text ({error}); save it again from JupyterLab") from error
    if not text.strip():
        raise NotebookError(f"{path}: the file is empty; save the notebook again from JupyterLab")
    try:
        content = json.loads(text)
    except ValueError as error:
        raise NotebookError(f"{path}: not JSON ({error}); save the notebook again from JupyterLab") from error
    if not isinstance(content, dict) or content.get("nbformat") != 4 or not isinstance(content.get("cells"), list):
        raise NotebookError(f"{path}: not a notebook of format 4; open it in JupyterLab and save it again")
    try:
        notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        reason = str(error).splitlines()[0]
        raise NotebookError(f"{path}: not a valid notebook ({reason}); save it again from JupyterLab") from error
    return notebook


def nbgrader(cell: NotebookNode) -> NotebookNode | dict:
    """nbgrader's metadata of a cell, empty where it has none."""
    metadata = cell.metadata.get("nbgrader", {})
    return metadata if isinstance(metadata, dict) else {}


def grade_id(cell: NotebookNode) -> str | None:
    """The cell's `grade_id`, or None for a cell that nbgrader does not know."""
    return nbgrader(cell).get("grade_id") or None


def role(cell: NotebookNode) -> Role:
    """The one role of a cell; see the module's table."""
    metadata = nbgrader(cell)
    graded, solution = bool(metadata.get("grade")), bool(metadata.get("solution"))
    if metadata.get("task") or (graded and solution):
        return Role.MANUAL
    if graded:
        return Role.TEST
    if solution:
        return Role.ANSWER
    return Role.LOCKED if metadata.get("locked") else Role.FREE


def is_answer(cell: NotebookNode) -> bool:
    """Whether the student's code goes here (written answers are `is_manual`)."""
    return role(cell) is Role.ANSWER


def is_test(cell: NotebookNode) -> bool:
    """Whether the cell is an autograded test."""
    return role(cell) is Role.TEST


def is_manual(cell: NotebookNode) -> bool:
    """Whether the cell is graded by hand."""
    return role(cell) is Role.MANUAL


def is_locked(cell: NotebookNode) -> bool:
    """Whether the cell is locked and not graded (test cells are `is_test`)."""
    return role(cell) is Role.LOCKED


def is_candidate(cell: NotebookNode) -> bool:
    """Whether the cell is locked and runs beside the student's code only (tag `candidate`)."""
    return is_locked(cell) and CANDIDATE_TAG in tags(cell)


def trains(cell: NotebookNode) -> bool:
    """Whether the cell's answer trains a model, which takes long (tag `trains`)."""
    return TRAINS_TAG in tags(cell)


def is_bonus(cell: NotebookNode) -> bool:
    """Whether the cell's points come on top of the 100."""
    return (grade_id(cell) or "").startswith(BONUS_PREFIX)


def points(cell: NotebookNode) -> float:
    """The most points the cell can earn; 0 for a cell that is not graded, or whose points are not a number."""
    value = nbgrader(cell).get("points")
    graded = role(cell) in (Role.TEST, Role.MANUAL)
    return float(value) if graded and isinstance(value, int | float) else 0.0


def tags(cell: NotebookNode) -> list[str]:
    """The cell's tags."""
    return list(cell.metadata.get("tags", []))


def by_grade_id(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """The cells that nbgrader knows, by `grade_id`, in the notebook's order; the first of two with the same id."""
    cells: dict[str, NotebookNode] = {}
    for cell in notebook.cells:
        if (name := grade_id(cell)) is not None:
            cells.setdefault(name, cell)
    return cells


def with_role(notebook: NotebookNode, *roles: Role) -> dict[str, NotebookNode]:
    """The cells of these roles by `grade_id`, in the notebook's order."""
    return {name: cell for name, cell in by_grade_id(notebook).items() if role(cell) in roles}


def marked_regions(source: str, region: Region) -> list[tuple[int, int]]:
    """The regions of a cell as pairs of line numbers (from 1) of the two marker lines.

    Raises `RegionError` for nested, unopened and unclosed regions.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for number, line in enumerate(source.split("\n"), 1):
        if region.begin in line:
            if start:
                raise RegionError(
                    f"'{region.begin}' inside the region that line {start} opened; close that first", number
                )
            start = number
        elif region.end in line:
            if not start:
                raise RegionError(f"'{region.end}' without a '{region.begin}' before it", number)
            found.append((start, number))
            start = 0
    if start:
        raise RegionError(f"'{region.begin}' is never closed; add '### {region.end}'", start)
    return found


def split(source: str, region: Region) -> tuple[str, str]:
    """The text outside and the text inside a cell's regions, without the marker lines."""
    spans = marked_regions(source, region)
    outside, inside = [], []
    for number, line in enumerate(source.split("\n"), 1):
        if any(number in span for span in spans):
            continue
        (inside if any(start < number < end for start, end in spans) else outside).append(line)
    return "\n".join(outside), "\n".join(inside)


def docstring(cell: NotebookNode) -> str | None:
    """The string that a code cell opens with, or None; raises `RegionError` where the cell is not Python."""
    return ast.get_docstring(parse(cell))


def parse(cell: NotebookNode) -> ast.Module:
    """The syntax tree of a code cell; raises `RegionError` with the line where it is not Python."""
    try:
        return syntax_tree(cell.source)
    except SyntaxError as error:
        raise RegionError(f"not Python: {error.msg}", error.lineno or 1) from error


def syntax_tree(source: str) -> ast.Module:
    """The syntax tree of Python source, from any thread; raises `SyntaxError`."""
    # Python 3.11 counts the depth of the tree that it builds for all threads together: if two build at a time, one may
    # end in a SystemError ("AST constructor recursion depth mismatch").
    with _PARSING:
        return ast.parse(source)


def assignments(root: str | Path) -> Iterator[Path]:
    """The instructor's notebook `solutions/PS/PS.ipynb` of every assignment, in the order of their names."""
    for folder in sorted((Path(root) / "solutions").glob("*/")):
        if (path := folder / f"{folder.name}.ipynb").is_file():
            yield path
