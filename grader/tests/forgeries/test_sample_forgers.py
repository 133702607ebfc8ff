"""The forgers of the sample class: on the course's own assignment they earn what their honest answers are worth."""

import pytest
from coursegrader.course import Course
from coursegrader.sample.forgers import FORGERS
from coursegrader.sample.sample_class import PATTERN, make_class
from coursegrader.submission.grade import grade_submission
from coursegrader.submission.hall import Hall, open_hall
from coursegrader.submission.scores import TOTAL
from coursegrader.submission.spec import Spec
from forging import earned, told

PS = "ps1_cnn"


def _forgers() -> list:
    size = len(PATTERN) * (1 + len(FORGERS) // PATTERN.count("forger"))
    samples = make_class(Course.find(), PS, size, trainers=0)
    return list({one.kind: one for one in reversed(samples) if one.kind.startswith("forger")}.values())


def test_the_class_holds_every_forger_and_none_where_none_may_be():
    assert {one.kind for one in _forgers()} == {f"forger {name}" for name in FORGERS}
    without = make_class(Course.find(), PS, len(PATTERN), trainers=0, forgers=False)
    assert not any(one.kind.startswith("forger") for one in without)
    assert all(0 < one.total.points < 60 for one in _forgers())


@pytest.fixture(scope="module")
def trained(hall: Hall):
    """A hall whose warm process has imported TensorFlow."""
    if hall.level == "unsafe":
        pytest.skip("no sandbox on this machine: forgers are not run")
    with open_hall(hall.level) as opened:
        yield opened


@pytest.mark.full
@pytest.mark.parametrize("name", FORGERS)
def test_a_forger_of_the_course_earns_the_honest_part(trained: Hall, name: str):
    sample = next(one for one in _forgers() if one.kind == f"forger {name}")
    result = grade_submission(sample.notebook, Spec.load(Course.find(), PS), {}, trained)
    true = {score.cell: score.points for score in sample.truth if score.points is not None}
    assert {cell: points for cell, points in earned(result).items() if cell in true} == true, told(result)
    assert result.total.points == sample.total.points and TOTAL not in true
