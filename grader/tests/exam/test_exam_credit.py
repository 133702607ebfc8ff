"""Partial credit: which values of a test's last line are points, and that none is worth more for being no number."""

import ast
import math

import numpy as np
import pytest
from coursegrader.exam.credit import credit
from exam_harness import answer, earned, exam, graded, locked


def worth(source: str, **names: object) -> float | None:
    """What a test cell's last line is worth, `names` being what the student's code gave."""
    *before, last = ast.parse(source).body
    namespace = {"np": np} | names
    exec(compile(ast.Module(before, []), "test", "exec"), namespace)
    return credit(eval(compile(ast.Expression(last.value), "test", "eval"), namespace), last.value, before)


NUMBERS = [3, 3.0, np.float32(3), np.int8(3), np.array(3.0), np.array([3]), np.full((1, 1), 3.0)]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
@pytest.mark.parametrize("source", ["got", "1 * got", "score = 0\nscore += got\nscore", "sum([got, 0])"])
def test_a_number_is_worth_itself(source, value):
    assert worth(source, got=value) == 3


# Lines that compute a number, and what a student can return to make them something else.
LINES = [
    "2 * got",
    "got * 4.0",
    "-(2 * got)",
    "2 * got if got is not None else 0",
    "sum(one == 1 for one in [got])",
    "max([got])",
    "float(2) * got",
    "points = 2 * got\npoints",
    "score = 0\nfor one in [got]:\n    score = got\nscore",
    "score = got\nif True:\n    score *= 2\nscore",
]
NO_NUMBERS = [np.zeros(2), np.empty(0), np.zeros((2, 2)), 1j, np.complex64(1)]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("source", LINES)
def test_what_is_no_number_where_one_is_computed_is_worth_nothing(source, value):
    if source.startswith("sum(") and np.ndim(value) == 0:
        value = np.zeros(3)
    assert math.isnan(worth(source, got=value))


@pytest.mark.parametrize("value", ["III", b"x", [], [1, 2], (1,), ""], ids=repr)
@pytest.mark.parametrize("source", ["2 * got", "points = got * 2\npoints", "max([got])"])
def test_repeated_text_and_lists_are_no_points(source, value):
    assert math.isnan(worth(source, got=value))


def test_a_truth_value_counts_as_a_number_where_one_is_computed():
    assert worth("max([0, got])", got=True) == 1
    assert worth("sum([got, got])", got=np.True_) == 2


@pytest.mark.parametrize(
    "source",
    [
        "None",
        "True",
        "got == 3",
        "not got",
        "1 < 2 < 3",
        "'all' + ' passed'",
        "f'{3} passed'",
        "'%d passed' % 3",
        "print('passed')",
        "[1, 2, 3]",
        "np.ones(3)",
        "{'a': 1}",
        "done = True\ndone",
        "text = 'fine'\ntext",
        "(1 < 2) & (2 < 3)",
        "difference = np.ones(3)\ndifference",
        "a = b = np.ones(2)\na - b",
        "loop = [1]\nloop = loop\nloop",
    ],
)
def test_a_line_that_is_no_points_says_nothing(source):
    assert worth(source, got=3) is None


def test_in_an_exam_a_forged_kind_of_value_earns_nothing():
    cells = [
        locked("setup", "import numpy as np"),
        answer("f", "def f(x):\n    return x / 2"),
        graded("total", "sum(f(n) == n / 2 for n in range(4))", 4),
        graded("scaled", "score = 4 * f(2)\nscore", 4),
        graded("said", "f(1)\n'all passed'", 4),
    ]
    assert earned(exam(cells)) == {"total": 4, "scaled": 4, "said": 4}
    result = exam(cells, {"f": "def f(x):\n    return np.full(2, -1.0)"})
    assert earned(result) == {"total": 0, "scaled": 0, "said": 4}
    assert "no number" in result.outcomes[0].reason


def test_a_tensor_of_one_number_is_a_number():
    tf = pytest.importorskip("tensorflow")
    assert worth("got", got=tf.constant(0.5)) == 0.5
    assert worth("2 * got", got=tf.constant(0.5)) == 1
    assert math.isnan(worth("2 * got", got=tf.zeros(3)))
    assert worth("got", got=tf.constant("text")) is None
