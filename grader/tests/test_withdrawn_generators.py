"""What could answer an assignment's experiment is taken from the student's kernel: a submission that tries it fails.

The exam is the one of the course's configuration, with the assignment's own data cells, sandbox and tests.
"""

import re
from pathlib import Path

import nbformat
import pytest
from coursegrader import sandbox
from coursegrader.authoring import answers
from coursegrader.course import Course
from coursegrader.notebooks import Role, with_role
from coursegrader.submission.grade import grade_submission
from coursegrader.submission.hall import open_hall
from coursegrader.submission.spec import Spec

COURSE = Course.at(Path(__file__).resolve().parents[2])
# Every way to the program that draws faces; where all are closed, `generate` says so.
DRAWS_FACES = """
import importlib


def fit_generator(images):
    reasons = []
    for way in (by_name, by_import, by_reload, by_reading):
        try:
            way()
        except Exception as error:
            reasons.append(type(error).__name__)
        else:
            reasons.append("drawn")
    return reasons


def generate(generator, noise):
    raise RuntimeError("drawing faces: " + ", ".join(generator))


def by_name():
    faces.render(1, seed=1)


def by_import():
    importlib.import_module("coursedata.faces").render(1, seed=1)


def by_reload():
    import sys

    for name in [name for name in sys.modules if name.startswith("coursedata")]:
        del sys.modules[name]
    importlib.import_module("coursedata.faces").render(1, seed=1)


def by_reading():
    from pathlib import Path

    import keras

    # The packages are installed beside Keras.
    (Path(keras.__file__).parents[1] / "coursedata/faces/portrait.py").read_bytes()
"""


@pytest.fixture(scope="module")
def tried() -> tuple[list[str], bool]:
    """How each way to draw faces ended in the exam of ps4, and whether the source files could be hidden as well."""
    spec = Spec.load(COURSE, "ps4_gan")
    released = spec.reference_notebook()
    notebook = answers.replace(released, {"experiment": DRAWS_FACES})
    with open_hall(unsafe=not any(found.ok for found in sandbox.available())) as hall:
        result = grade_submission(nbformat.writes(notebook).encode(), spec, {}, hall)
    assert not result.failure
    points = {score.cell: score.points for score in result.scores}
    assert {points[test] for test in with_role(released, Role.TEST)} == {0}
    [experiment] = [one for one in result.outcomes if one.grade_id == "test_experiment"]
    found = re.search(r"drawing faces: ([A-Za-z, ]+)", f"{experiment.reason} {experiment.staff}")
    assert found, experiment
    return found[1].split(", "), not any("stay readable" in note for note in result.notes)


def test_the_generator_of_faces_cannot_be_called_in_ps4(tried):
    ends, _ = tried
    assert len(ends) == 4 and "drawn" not in ends[:2], ends


def test_the_generator_of_faces_cannot_be_loaded_again_in_ps4(tried):
    ends, hidden = tried
    if not hidden:
        pytest.skip("this machine cannot hide source files (no Landlock)")
    assert "drawn" not in ends, ends
