"""What is loaded once for all submissions of an assignment."""

from pathlib import Path

import nbformat
import pytest
import tiny
from coursegrader.course import Course
from coursegrader.notebooks import by_grade_id
from coursegrader.submission.ahead import loading
from coursegrader.submission.spec import Spec

ROOT = Path(__file__).parents[2]
LOADS = """import numpy as np
from coursedata import load_images as load, scenes
hard = scenes.Nuisances(clutter=1)
print('drawing')
data = load('bundled', num_train=12, num_test=12, nuisances=hard)
mean = data.x_train.mean()"""


def spec_with(setup: str) -> Spec:
    """The specification of the tiny assignment whose first locked cell is `setup`."""
    notebook = nbformat.reads(tiny.spec().solution.decode(), as_version=4)
    by_grade_id(notebook)["setup"].source = setup
    return Spec.of_notebook(nbformat.writes(notebook).encode(), tiny.PS)


def test_statements_that_load_and_what_they_need():
    assert loading(spec_with(LOADS)).splitlines() == [
        "from coursedata import load_images as load, scenes",
        "hard = scenes.Nuisances(clutter=1)",
        "data = load('bundled', num_train=12, num_test=12, nuisances=hard)",
    ]


@pytest.mark.parametrize(
    "setup",
    ["import numpy as np", "from coursedata import scenes\nscenes.render(1, seed=0)", "%matplotlib inline\nimport os"],
)
def test_where_nothing_is_loaded_there_is_nothing_to_do(setup):
    assert loading(spec_with(setup)) == ""


def test_the_course_loads_its_data_ahead():
    course = Course.at(ROOT)
    source = loading(Spec.load(course, "ps1_cnn"))
    assert "load_images(" in source and "fit_classifier" not in source
