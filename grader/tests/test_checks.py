"""The checks of test cells: what they accept, what they refuse, and that no message gives the answer away."""

import numpy as np
import pytest
from coursegrader import checks
from coursegrader.checks import CheckFailed

WANT = np.array([[1.25, -2.5, 3.75], [4.0, 5.5, -6.0]])


class EqualsEverything:
    """The object that a careless test takes for any answer."""

    def __eq__(self, other):
        return True

    def __bool__(self):
        return True

    def __array__(self, *args, **kwargs):
        return WANT

    __hash__ = None


class LyingArray(np.ndarray):
    """An array whose methods and operators agree with everybody."""

    shape = WANT.shape

    def __eq__(self, other):
        return np.ones(WANT.shape, bool)

    def __array_ufunc__(self, *args, **kwargs):
        return np.ones(WANT.shape, bool)

    def __array_function__(self, *args, **kwargs):
        return True


@pytest.mark.parametrize(
    "right",
    [
        WANT,
        WANT.astype(np.float32),
        WANT.T.copy().T,
        np.repeat(WANT, 2, axis=1)[:, ::2],
        WANT * (1 + 1e-6),
        WANT.view(LyingArray),
    ],
    ids=["same", "float32", "other order", "view", "rounded", "subclass with right values"],
)
def test_right_arrays_pass(right):
    assert checks.check_array(right, WANT, "out") is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (None, "return"),
        (0, "type int"),
        (float("nan"), "type float"),
        ([], "type list"),
        (WANT.tolist(), "type list"),
        (EqualsEverything(), "EqualsEverything"),
        (np.zeros(WANT.shape).view(LyingArray), "wrong"),
        (np.empty(0), "2 axes"),
        (np.empty((0, 3)), "axis 0"),
        (WANT.T, "another order"),
        (WANT[:1], "axis 0"),
        (WANT[None], "2 axes"),
        (WANT.round().astype(int), "dtype"),
        (np.full(WANT.shape, "a"), "dtype"),
        (WANT.astype(object), "dtype"),
        (np.full(WANT.shape, np.nan), "NaN or infinite"),
        (np.where(WANT == 4, np.inf, WANT), "1 of 6 values"),
        (np.zeros(WANT.shape), "all zero"),
        (-WANT, "opposite sign"),
        (6 * WANT, "constant factor"),
        (WANT + 1, "constant that is added"),
        (np.where(WANT == 4, 4.01, WANT), "index (1, 0)"),
    ],
)
def test_wrong_arrays_are_refused_with_a_reason(wrong, says):
    with pytest.raises(CheckFailed) as failure:
        checks.check_array(wrong, WANT, "conv_forward")
    message = str(failure.value)
    assert message.startswith("conv_forward: ")
    assert says in message
    for value in WANT.flat:
        assert str(value) not in message


def test_the_hint_is_at_the_end():
    with pytest.raises(CheckFailed, match=r"Count the axes\.$"):
        checks.check_array(WANT + [0, 0, 1], WANT, "out", hint="Count the axes.")


def test_an_empty_expectation_is_an_error_of_the_test():
    with pytest.raises(ValueError, match="could not fail"):
        checks.check_array(np.empty(0), np.empty(0), "out")


@pytest.mark.parametrize("right", [0.5, np.float32(0.5), np.array(0.5), 0.5 + 1e-8])
def test_right_numbers_pass(right):
    assert checks.check_number(right, 0.5, "loss") is None


def test_a_python_integer_is_a_number():
    assert checks.as_number(3, "epochs") == 3.0


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        True,
        np.True_,
        "0.5",
        [0.5],
        np.array([0.5]),
        np.empty(0),
        EqualsEverything(),
        float("inf"),
        np.nan,
        0,
        0.51,
    ],
)
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(CheckFailed, match="^loss: "):
        checks.check_number(wrong, 0.5, "loss")


def test_the_direction_of_a_wrong_number_is_told_and_the_number_is_not():
    with pytest.raises(CheckFailed) as failure:
        checks.check_number(7.0, 0.3125, "loss")
    assert "too large" in str(failure.value) and "0.3125" not in str(failure.value)


def test_tensors_of_keras_count_as_arrays():
    keras = pytest.importorskip("keras")
    checks.check_array(keras.ops.convert_to_tensor(WANT), WANT, "out")
    checks.check_array(keras.Variable(WANT.astype("float32")), WANT, "out")
    checks.check_number(keras.ops.mean(keras.ops.convert_to_tensor(WANT)), WANT.mean(), "mean")
    with pytest.raises(CheckFailed, match="are wrong"):
        checks.check_array(keras.ops.convert_to_tensor(WANT + 1), WANT, "out")


@pytest.mark.parametrize("wrong", [None, 3, "ab", np.zeros((2, 3)), (1,), [1, 2, 3], {1: 2, 3: 4}, EqualsEverything()])
def test_items_must_be_a_tuple_or_list_of_the_right_length(wrong):
    with pytest.raises(CheckFailed, match="^backward: expected"):
        checks.check_items(wrong, ["dx", "dw"], "backward")


def test_items_of_a_tuple_or_list():
    assert checks.check_items((1, 2), ["dx", "dw"], "backward") == [1, 2]
    assert checks.check_items([1, 2], ["dx", "dw"], "backward") == [1, 2]


@pytest.mark.parametrize("condition", [False, np.False_, 0, 1, None, "yes", EqualsEverything(), np.array([True])])
def test_require_accepts_true_only(condition):
    with pytest.raises(CheckFailed, match="^no$"):
        checks.require(condition, "no")


def test_require_passes_on_true():
    checks.require(True, "no")
    checks.require(np.float64(1) < 2, "no")


def test_call_protects_the_arguments():
    x, values = np.arange(6.0).reshape(2, 3).T, [[1], [2]]

    def careless(array, numbers, *, scale):
        assert array.strides == x.strides
        array *= scale[0]
        numbers[0].append(0)
        scale[0] = 9
        return array

    scale = np.array([2.0])
    np.testing.assert_array_equal(checks.call(careless, x, values, scale=scale), 2 * np.arange(6.0).reshape(2, 3).T)
    np.testing.assert_array_equal(x, np.arange(6.0).reshape(2, 3).T)
    assert values == [[1], [2]] and scale[0] == 2


def test_numerical_gradient_of_a_product_with_each_argument():
    rng = np.random.default_rng(0)
    a, b, dout = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    got = checks.numerical_gradient(np.matmul, (a, b), 0, dout, step=0.5)
    np.testing.assert_allclose(got, dout @ b.T, rtol=1e-9)
    got = checks.numerical_gradient(np.matmul, (a, b), 1, dout)
    np.testing.assert_allclose(got, a.T @ dout, rtol=1e-6)
