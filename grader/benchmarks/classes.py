"""The classes that are measured: one whose submissions hardly do anything but import, and one of ps1_cnn."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import nbformat
from coursegrader.course import CONFIG_NAME, Course
from coursegrader.sample.sample_class import make_class, write_class
from coursegrader.submission.spec import Spec, reference
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.preprocessors import ClearHiddenTests

GRADER = Path(__file__).resolve().parent.parent
IMPORTS = "ps0_imports"
KERNELSPEC = {"display_name": "Deep Learning (GPU if present)", "language": "python", "name": "dl-course"}
SOLUTION = "def square(x):\n    ### BEGIN SOLUTION\n    return x * x\n    ### END SOLUTION"
TEST = """'''square gives x times itself.'''
assert square(3) == 9, "square(3) is 3 times 3"
### BEGIN HIDDEN TESTS
assert square(-7) == 49, "try a negative number"
### END HIDDEN TESTS"""
# What the students hand in, in turn; the points that each is worth.
HANDED_IN = {
    "def square(x):\n    return x * x": 10.0,
    "def square(x):\n    return 3 * x": 0.0,
    "def square(x):\n    return x**2": 10.0,
    "def square(x):\n    return abs(x) ** 2 if x > 0 else 0": 0.0,
}


def _cell(source: str, grade_id: str, **marks: object) -> NotebookNode:
    marks = {"grade": False, "locked": True, "solution": False, "task": False, "schema_version": 3} | marks
    return new_code_cell(source, id=grade_id.replace("_", "-"), metadata={"nbgrader": marks | {"grade_id": grade_id}})


def imports_notebook() -> NotebookNode:
    """The instructor's notebook: it imports TensorFlow and Keras and checks one function."""
    cells = [
        _cell("import keras\nimport tensorflow as tf", "setup"),
        _cell(SOLUTION, "square", locked=False, solution=True),
        _cell(TEST, "test_square", grade=True, points=10),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})


def imports_submissions(students: int) -> dict[str, bytes]:
    """A class of that notebook: name to notebook."""
    release, _ = ClearHiddenTests().preprocess(reference(imports_notebook()), {})
    submissions = {}
    answers = list(HANDED_IN)
    for number in range(students):
        release.cells[1].source = answers[number % len(answers)]
        submissions[f"student{number:04d}"] = json.dumps(release).encode()
    return submissions


def imports_course(root: Path, students: int) -> Course:
    """A course in an empty folder, with that class handed in."""
    source = root / "solutions" / IMPORTS
    source.mkdir(parents=True)
    nbformat.write(imports_notebook(), source / f"{IMPORTS}.ipynb")
    (root / "grader").mkdir()
    shutil.copy(GRADER / CONFIG_NAME, root / "grader")
    course = Course.at(root, root / "course")
    hand_in(course.submitted, IMPORTS, imports_submissions(students))
    return course


def ps1_course(root: Path, students: int, trainers: int, seed: int) -> Course:
    """The course's own ps1_cnn with a sample class handed in; nothing in it is broken or never ends.

    `trainers` of the students train a network of their own.
    """
    own = Course.at(GRADER.parent)
    course = Course.at(own.root, root / "course")
    # Two of three samples are whole; as many as are needed are drawn.
    samples = make_class(own, "ps1_cnn", 2 * students + 6, seed=seed, trainers=trainers)
    whole = [sample for sample in samples if not sample.kind.startswith(("broken", "forger"))]
    write_class(whole[:students], "ps1_cnn", root / "class")
    course.submitted.mkdir(parents=True)
    for folder in sorted((root / "class").iterdir()):
        if folder.is_dir():
            shutil.copytree(folder, course.submitted / folder.name)
    return course


def hand_in(submitted: Path, assignment: str, notebooks: Mapping[str, bytes]) -> None:
    """Puts notebooks where collected submissions lie."""
    for student, notebook in notebooks.items():
        folder = submitted / student / assignment
        folder.mkdir(parents=True)
        (folder / f"{assignment}.ipynb").write_bytes(notebook)


def specification(course: Course) -> Spec:
    """The specification of the course's one assignment that has submissions."""
    assignment = next(course.submitted.glob("*/*")).name
    return Spec.load(course, assignment)
