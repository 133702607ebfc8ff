"""A small assignment with a light kernel, and a course around it, for the grader's tests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
from coursegrader.course import Course
from coursegrader.submission.restore import restore
from coursegrader.submission.spec import LimitValues, Spec
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.preprocessors import ClearHiddenTests, ComputeChecksums

GRADER = Path(__file__).resolve().parent.parent
PS = "ps0_tiny"
KERNELSPEC = {"display_name": "Deep Learning (GPU if present)", "language": "python", "name": "dl-course"}
LIMITS = {"cell_seconds": 20, "answer_seconds": 20, "submission_seconds": 60, "grace_seconds": 1}

SQUARE = '''def square(x):
    """x times itself."""
    ### BEGIN SOLUTION
    return x * x
    ### END SOLUTION'''
TEST_SQUARE = '''"""square gives x times itself."""
assert square(2) == 4, "square(2) is 2 times 2"
### BEGIN HIDDEN TESTS
assert square(-7) == 49, "try a negative number"
assert square(7133) == 50879689
### END HIDDEN TESTS'''
HALF = '''def half(x):
    """Half of x."""
    ### BEGIN SOLUTION
    return x / 2
    ### END SOLUTION'''
TEST_HALF = '''"""half gives half of a number, for as many numbers as possible."""
assert half(2) == 1, "half(2) is 1"
### BEGIN HIDDEN TESTS
sum(half(number) == number / 2 for number in range(4))
### END HIDDEN TESTS'''
SHOUT = """def shout(text):
    ### BEGIN SOLUTION
    return text.upper()
    ### END SOLUTION"""
TEST_SHOUT = '''"""shout makes a text loud."""
import sys
print("a remark of a library", file=sys.stderr)
assert shout("a") == "A"'''


def cell(
    source: str, grade_id: str, *, points: int | None = None, answer: bool = False, kind: str = "code"
) -> NotebookNode:
    """A cell with nbgrader's marks: a test or written answer where it has points, an answer, or a locked cell."""
    marks = {
        "grade": points is not None,
        "grade_id": grade_id,
        "locked": not answer,
        "schema_version": 3,
        "solution": answer,
        "task": False,
    }
    if points is not None:
        marks["points"] = points
    make = new_code_cell if kind == "code" else new_markdown_cell
    return make(source=source, metadata={"nbgrader": marks}, id=grade_id.replace("_", "-"))


def tagged(one: NotebookNode, tag: str) -> NotebookNode:
    """The cell with a tag."""
    one.metadata["tags"] = [tag]
    return one


def instructor() -> NotebookNode:
    """The instructor's notebook: three tasks (10 + 4 + 5 bonus points) and a written answer (6)."""
    cells = [
        new_markdown_cell("# A small assignment", id="title"),
        cell("import math", "setup"),
        cell(SQUARE, "square", answer=True),
        cell(TEST_SQUARE, "test_square", points=10),
        cell(HALF, "half", answer=True),
        cell(TEST_HALF, "test_half", points=4),
        cell(
            "=== BEGIN MARK SCHEME ===\nAnything true.\n=== END MARK SCHEME ===\nMy solution.",
            "why",
            points=6,
            answer=True,
            kind="markdown",
        ),
        tagged(cell(SHOUT, "shout", answer=True), "trains"),
        cell(TEST_SHOUT, "bonus_test_shout", points=5),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})


def spec(**limits: float) -> Spec:
    """The small assignment's specification."""
    return Spec.of_notebook(nbformat.writes(instructor()).encode(), PS, limits=LimitValues(**(LIMITS | limits)))


def release() -> NotebookNode:
    """What a student gets, hidden tests included (restoring takes the instructor's cells anyway)."""
    return spec().reference_notebook()


ANSWERS = {
    "square": "def square(x):\n    return x * x",
    "half": "def half(x):\n    return x / 2",
    "why": "Because it is so.",
    "shout": "def shout(text):\n    return text.upper()",
}


def submission(**answers: str) -> NotebookNode:
    """A student's notebook: right answers, except those given here; an answer that is None stays the stub."""
    notebook = release()
    for one in notebook.cells:
        name = one.metadata.get("nbgrader", {}).get("grade_id")
        source = (ANSWERS | answers).get(name)
        if source is not None:
            one.source = source
    return notebook


def to_bytes(notebook: NotebookNode) -> bytes:
    """A notebook as its file's bytes, whatever is in it."""
    return json.dumps(notebook).encode()


def restored(notebook: NotebookNode) -> NotebookNode:
    """A submitted notebook, restored."""
    return restore(notebook, release()).notebook


def make_course(root: Path) -> Course:
    """A course in an empty folder that holds the small assignment and this course's configuration."""
    (root / "grader").mkdir(parents=True)
    shutil.copy(GRADER / "nbgrader_config.py", root / "grader")
    source = root / "solutions" / PS
    (source / "mistakes").mkdir(parents=True)
    (source / "alternatives").mkdir()
    nbformat.write(instructor(), source / f"{PS}.ipynb")
    (source / f"{PS}.py").write_text("# the twin\n")
    released, _ = ClearHiddenTests().preprocess(release(), {})
    released, _ = ComputeChecksums().preprocess(released, {})
    (root / "assignments" / PS).mkdir(parents=True)
    nbformat.write(released, root / "assignments" / PS / f"{PS}.ipynb")
    (source / "mistakes" / "doubles.py").write_text(
        "# answer: square\n# rejected by: test_square\n# why: doubles where it should square\n"
        "def square(x):\n    return 2 * x\n"
    )
    (source / "mistakes" / "quarter.py").write_text(
        "# answer: half\n# rejected by: test_half\n# why: halves twice\ndef half(x):\n    return x / 4\n"
    )
    (source / "alternatives" / "power.py").write_text(
        "# answer: square\n# why: a power instead of a product\ndef square(number):\n    return number**2\n"
    )
    return Course.at(root, root / "course")


def hand_in(course: Course, student: str, notebook: NotebookNode | bytes, timestamp: str | None = None) -> Path:
    """Puts a student's notebook where collected submissions lie."""
    folder = course.submitted / student / PS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{PS}.ipynb"
    path.write_bytes(notebook if isinstance(notebook, bytes) else to_bytes(notebook))
    if timestamp:
        (folder / "timestamp.txt").write_text(timestamp)
    return path
