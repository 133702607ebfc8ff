"""The checks that test cells use: kind, shape, dtype and finiteness first, values last, with messages that teach.

No message ever shows an expected value, so that a hidden test may fail in front of a student. A check never asks a
student's object to compare itself: it converts to plain NumPy first, and refuses what does not convert.
"""

import copy
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# What a dtype's kind is called in a message; "number" below is any of the first three.
_KINDS = {"f": "floating-point numbers", "i": "integers", "u": "integers", "b": "booleans", "c": "complex numbers"}


class CheckFailed(AssertionError):
    """A student's result is not what the task asks for; the text says what is wrong and never what is right."""


def require(condition: bool, message: str) -> None:
    """Raise CheckFailed(message) unless `condition` is exactly true (an object that merely claims to be is not)."""
    if not (isinstance(condition, bool | np.bool_) and condition):
        raise CheckFailed(message)


def call(fn: Callable, *args: Any, **kwargs: Any) -> Any:
    """Call `fn` on copies of the arguments, as the exam does: a function that writes into its inputs harms no check."""
    return fn(*(_copied(value) for value in args), **{name: _copied(value) for name, value in kwargs.items()})


def _copied(value: Any) -> Any:
    # copy() would turn a transposed view into C order; a test that passes one means it.
    if isinstance(value, np.ndarray):
        return np.copy(value, order="K")
    return copy.deepcopy(value) if isinstance(value, list | dict) else value


def _is_tensor(value: Any) -> bool:
    # Keras is asked only where it was imported: these checks must not cost seven seconds.
    keras = sys.modules.get("keras")
    return keras is not None and bool(keras.ops.is_tensor(value) or isinstance(value, keras.Variable))


def _is_variable_elsewhere(value: Any) -> bool:
    """Whether it stands for a variable that stays in the student's kernel: where tests run beside it, an array."""
    standin = sys.modules.get("coursegrader.exam.standin")
    return standin is not None and standin.stands_for_variable(value)


def _kind(value: Any) -> str:
    return {type(None): "None (is a `return` missing?)", type(NotImplemented): "NotImplemented"}.get(
        type(value), f"of type {type(value).__name__}"
    )


def as_array(got: Any, name: str, shape: Sequence[int] | None = None) -> np.ndarray:
    """The array or tensor `got` as a plain, finite, numeric numpy.ndarray.

    Raises CheckFailed when it is something else, has another shape than `shape`, or holds NaN or infinity.
    """
    if _is_tensor(got):
        got = sys.modules["keras"].ops.convert_to_numpy(got)
    elif _is_variable_elsewhere(got):
        got = np.asarray(got)
    if not isinstance(got, np.ndarray | np.generic):
        raise CheckFailed(f"{name}: an array was expected, but the value is {_kind(got)}.")
    # A subclass may lie in its methods; its buffer cannot.
    array = np.array(got, subok=False)
    if shape is not None and array.shape != tuple(shape):
        raise CheckFailed(f"{name}: {_shape_message(array.shape, tuple(shape))}")
    if array.dtype.kind not in "fiub":
        raise CheckFailed(f"{name}: an array of numbers was expected, but its dtype is {array.dtype}.")
    bad = np.count_nonzero(~np.isfinite(array))
    if bad:
        raise CheckFailed(
            f"{name}: {bad} of {array.size} values are NaN or infinite. Look for a division by zero, "
            "the logarithm of zero, or an exponential that overflows."
        )
    return array


def as_number(got: Any, name: str) -> float:
    """The single number `got` (Python or NumPy scalar, or an array or tensor of shape ()) as a finite float."""
    if type(got) in (int, float):
        got = np.array(got)
    if not (isinstance(got, np.ndarray | np.generic) or _is_tensor(got) or _is_variable_elsewhere(got)):
        raise CheckFailed(f"{name}: a single number was expected, but the value is {_kind(got)}.")
    array = as_array(got, name)
    if array.shape != ():
        raise CheckFailed(f"{name}: a single number was expected, but the value has shape {array.shape}.")
    if array.dtype.kind == "b":
        raise CheckFailed(f"{name}: a number was expected, but the value is a truth value.")
    return float(array)


def _shape_message(got: tuple[int, ...], want: tuple[int, ...]) -> str:
    message = f"expected shape {want}, got {got}"
    if len(got) != len(want):
        return f"{message}: {len(want)} axes were expected, there are {len(got)}."
    if sorted(got) == sorted(want):
        return f"{message}: the axes are in another order."
    axes = ", ".join(str(axis) for axis, (g, w) in enumerate(zip(got, want, strict=True)) if g != w)
    return f"{message}: look at axis {axes}."


def check_array(
    got: Any, want: np.ndarray, name: str, *, rtol: float = 1e-4, atol: float = 1e-5, hint: str = ""
) -> None:
    """Check `got` against `want`: an array of its shape and kind of dtype, finite, and equal within the tolerance.

    Float32 and float64 both count as floating point. Raises CheckFailed, whose text ends with `hint`, and ValueError
    when `want` is empty: such a test could not fail. Returns nothing: a test cell's last value would count as points.
    """
    want = np.asarray(want)
    if want.size == 0:
        raise ValueError(f"{name}: the expected array is empty, so this check could not fail")
    array = as_array(got, name, want.shape)
    if (array.dtype.kind == "f") != (want.dtype.kind == "f"):
        cut = " An integer array cuts off whatever is written into it." if want.dtype.kind == "f" else ""
        raise CheckFailed(f"{name}: an array of {_KINDS[want.dtype.kind]} was expected, got dtype {array.dtype}.{cut}")
    got64, want64 = array.astype(np.float64), want.astype(np.float64)
    wrong = ~np.isclose(got64, want64, rtol=rtol, atol=atol)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f", the first at index {first}" if first else ""
        count = f"{np.count_nonzero(wrong)} of {wrong.size} values are wrong{where}"
        raise CheckFailed(f"{name}: {count}.{_likely_cause(got64, want64, rtol, atol)}{' ' + hint if hint else ''}")


def _likely_cause(got: np.ndarray, want: np.ndarray, rtol: float, atol: float) -> str:
    """A sentence for the commonest slips: the sign, a constant factor (a sum for a mean), a constant added."""

    def close(a: np.ndarray) -> bool:
        return np.allclose(a, want, rtol=rtol, atol=atol)

    if not got.any():
        return " They are all zero."
    if want.size == 1:
        return ""
    if close(-got):
        return " They have the opposite sign."
    factor = float(np.vdot(got, want) / np.vdot(got, got))
    if want.any() and close(got * factor):
        return " They are right up to one constant factor: a sum for a mean, or a logarithm of another base?"
    if close(got - np.mean(got - want)):
        return " They are right up to one constant that is added."
    return ""


def check_number(got: Any, want: float, name: str, *, rtol: float = 1e-4, atol: float = 1e-6, hint: str = "") -> None:
    """Check that `got` is a single finite number equal to `want` within the tolerance; returns nothing."""
    value = as_number(got, name)
    if not np.isclose(value, want, rtol=rtol, atol=atol):
        direction = "too large" if value > want else "too small"
        raise CheckFailed(f"{name}: the value is {direction}.{' ' + hint if hint else ''}")


def check_items(got: Any, names: Sequence[str], name: str) -> list:
    """Check that `got` is a tuple or list with one item for each of `names`; gives the items."""
    if not isinstance(got, tuple | list):
        raise CheckFailed(f"{name}: expected a tuple ({', '.join(names)}), but the value is {_kind(got)}.")
    items = list(got)
    if len(items) != len(names):
        raise CheckFailed(f"{name}: expected {len(names)} values ({', '.join(names)}), got {len(items)}.")
    return items


def numerical_gradient(
    fn: Callable[..., np.ndarray],
    args: Sequence[Any],
    number: int,
    dout: np.ndarray | float = 1.0,
    *,
    step: float = 1e-5,
) -> np.ndarray:
    """The gradient of sum(fn(*args) * dout) with respect to args[number], by central differences in float64.

    It has that argument's shape. Where `fn` is linear in the argument, a long `step` is exact up to rounding.
    """
    before, x, after = args[:number], np.array(args[number], dtype=np.float64), args[number + 1 :]
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        sides = []
        for sign in (1, -1):
            moved = x.copy()
            moved[index] += sign * step
            sides.append(np.sum(np.asarray(fn(*before, moved, *after), np.float64) * dout))
        gradient[index] = (sides[0] - sides[1]) / (2 * step)
    return gradient
