"""Partial credit: the points that the last line of a test returns.

Whoever answers a call chooses what kind of value a calculation with the answer gives: an array of zeros makes a sum of
comparisons an array, and no number. Such a value is worth nothing where the line computes a number.
"""

import ast
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

_MAKES_NUMBERS = {"sum", "mean", "average", "max", "min", "round", "abs", "float", "int", "len"}
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)


def credit(value: Any, line: ast.expr, before: Sequence[ast.stmt]) -> float | None:
    """The points that the value of a test's last `line` says, `nan` where it should say some and does not.

    None where the line is no number and was not meant to be one (a truth value, a text, what a check returns).
    `before` are the statements above it, which tell what a mere name on that line stands for.
    """
    number = as_number(value)
    if number is None and value is not None and means_number(line, before):
        # A truth value counts as Python counts it.
        return float(value) if isinstance(value, bool | np.bool_) else math.nan
    return number


def as_number(value: Any) -> float | None:
    """A number as a float, an array or tensor of one included, or None; a truth value is none.

    A complex number is worth nothing: it comes of arithmetic with what a student returned where a number was meant.
    """
    tf = sys.modules.get("tensorflow")
    if hasattr(tf, "Tensor") and isinstance(value, tf.Tensor):
        value = np.asarray(value)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(())[()]
    kind = type(value)
    if kind is complex or isinstance(value, np.complexfloating | np.datetime64 | np.timedelta64):
        return math.nan
    if kind in (int, float) or isinstance(value, np.integer | np.floating):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    return None


def means_number(line: ast.expr, before: Sequence[ast.stmt]) -> bool:
    """Whether a line computes a number: arithmetic with a number in it, a sum, or a name that was given one."""
    if isinstance(line, ast.Constant):
        return type(line.value) in (int, float)
    if isinstance(line, ast.UnaryOp):
        return isinstance(line.op, ast.USub | ast.UAdd) and means_number(line.operand, before)
    if isinstance(line, ast.BinOp):
        sides = (line.left, line.right)
        return (
            isinstance(line.op, _ARITHMETIC)
            and not any(_is_text(side) for side in sides)
            and any(means_number(side, before) for side in sides)
        )
    if isinstance(line, ast.IfExp):
        return means_number(line.body, before) or means_number(line.orelse, before)
    if isinstance(line, ast.Call):
        return getattr(line.func, "attr", getattr(line.func, "id", "")) in _MAKES_NUMBERS
    if isinstance(line, ast.Name):
        return _was_given_a_number(line.id, before)
    return False


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _was_given_a_number(name: str, before: Sequence[ast.stmt]) -> bool:
    for node in (node for statement in before for node in ast.walk(statement)):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            return True
        # A name on the right is not looked up further: `a = a` would lead around in a circle.
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == name for target in node.targets):
            if means_number(node.value, ()):
                return True
    return False
