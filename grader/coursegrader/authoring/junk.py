"""Worthless answers: each function and class of a solution replaced by one that returns the same junk for anything.

A hidden test that gives points to one of these has a hole: `np.allclose(np.empty(0), 3.0)` is true, NaN slips through
`abs(x - y) > tolerance`, and an object can claim to equal everything. The replaced names are those that other cells
use, so that a solution's own helpers keep working where its true result is needed for the shape.
"""

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from nbformat.notebooknode import NotebookNode

from coursegrader.authoring.dependencies import Code, code_cells
from coursegrader.authoring.trial import Bench, Result
from coursegrader.notebooks import Role, syntax_tree


class Agreeable:
    """An object that equals everything, is true, and takes part in any arithmetic as itself."""

    def _itself(self, *_: Any, **__: Any) -> "Agreeable":
        return self

    def _true(self, *_: Any, **__: Any) -> bool:
        return True

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = __instancecheck__ = _true
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _itself
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _itself
    __neg__ = __pos__ = __abs__ = __invert__ = __and__ = __rand__ = __or__ = __ror__ = __xor__ = _itself
    __call__ = __getitem__ = __enter__ = __array_ufunc__ = __array_function__ = __round__ = _itself

    def __getattr__(self, name: str) -> Any:
        # `__array__` and the like must be absent, or NumPy asks them for something that they cannot give.
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __hash__(self) -> int:
        return 0

    def __len__(self) -> int:
        return 1

    def __iter__(self):
        return iter((self,))

    def __exit__(self, *_: Any) -> None:
        return None

    def __float__(self) -> float:
        return 0.0

    def __int__(self) -> int:
        return 0

    __index__ = __int__


# What each kind gives where it needs no true result: a fresh value each time.
CONSTANTS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "0": lambda: 0,
    "NaN": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "[]": list,
    "empty array": lambda: np.empty(0),
    "equals everything": Agreeable,
}
# What each kind makes of every array and number of the true result; texts become empty.
SHAPED: dict[str, float] = {"zeros of the right shape": 0.0, "NaN of the right shape": float("nan")}
OWN_INPUT = "own input"
KINDS = (*CONSTANTS, *SHAPED, OWN_INPUT)
# Where a true result takes longer than this (it trains a model), only the first shaped kind is tried.
SLOW_SECONDS = 5.0


class Earned(NamedTuple):
    """Points that junk earned: the answer it replaced, its kind, the test cell and the points."""

    answer: str
    kind: str
    test: str
    points: float


def replaced(value: Any, kind: str) -> Any:
    """A function or class like `value` whose calls, or whose methods, give junk of this kind. Runs inside trials."""
    if not isinstance(value, type):
        return _function(value, kind)
    methods = {
        name: _function(method, kind)
        for name, method in vars(value).items()
        if inspect.isfunction(method) and not name.startswith("__")
    }
    # Made as a subclass: `super().__init__` inside the original still finds its class.
    return type(value.__name__, (value,), methods)


def _function(fn: Callable, kind: str) -> Callable:
    returned = [node.value for node in _returns(fn) if node.value is not None]
    parts = next((len(value.elts) for value in returned if isinstance(value, ast.Tuple)), None)
    # What works by its side effects alone would be no junk with them; only a layer's `build` must make its weights.
    idle = not returned and fn.__name__ != "build"

    @functools.wraps(fn)
    def junk(*args: Any, **kwargs: Any) -> Any:
        if kind in SHAPED and idle:
            return None
        if kind == OWN_INPUT:
            arrays = [value for value in (*args, *kwargs.values()) if hasattr(value, "shape")]
            return arrays[0] if arrays else (args[-1] if args else None)
        if kind in SHAPED:
            return _filled(fn(*args, **kwargs), SHAPED[kind])
        make = CONSTANTS[kind]
        return make() if parts is None else tuple(make() for _ in range(parts))

    return junk


def _returns(fn: Callable) -> list[ast.Return]:
    tree = syntax_tree(textwrap.dedent(inspect.getsource(fn)))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Return)]


def _filled(truth: Any, value: float) -> Any:
    """`truth` with each array, tensor and number, and a model's outputs, replaced by `value`, each text by ""."""
    import keras

    if isinstance(truth, tuple | list):
        items = [_filled(item, value) for item in truth]
        return type(truth)(items) if type(truth) in (tuple, list) else tuple(items)
    if isinstance(truth, dict):
        return {key: _filled(item, value) for key, item in truth.items()}
    if isinstance(truth, np.ndarray):
        return np.full(truth.shape, value, truth.dtype if truth.dtype.kind == "f" or value == 0 else float)
    if isinstance(truth, int | float | np.number):
        return value
    if isinstance(truth, str):
        return ""
    if isinstance(truth, keras.Model):
        # Its weights stay, so that it is looked at and not only counted.
        return keras.Model(truth.inputs, _filled(truth.outputs, value))
    if keras.ops.is_tensor(truth) or isinstance(truth, keras.KerasTensor):
        return keras.ops.zeros_like(truth) + keras.ops.cast(value, truth.dtype)
    return truth


def interface(cells: Iterable[Code], answer: str) -> list[str]:
    """The functions and classes of an answer that other cells use; all of them where none is."""
    cells = list(cells)
    own = next(cell for cell in cells if cell.name == answer)
    used = set().union(*(cell.names.reads for cell in cells if cell.name != answer))
    return [name for name in own.names.called if name in used] or list(own.names.called)


def junk_answer(cells: Iterable[Code], answer: str, kind: str) -> str:
    """The source of an answer cell that replaces what the solution defines there by junk of this kind."""
    cells = list(cells)
    own = next(cell for cell in cells if cell.name == answer)
    lines = [f"{name} = _replaced({name}, {kind!r})" for name in interface(cells, answer)]
    return "\n".join([own.source, "from coursegrader.authoring.junk import replaced as _replaced", *lines])


def tests_of(cells: Iterable[Code], answer: str) -> list[str]:
    """The test cells of an answer's own task: those that use it themselves or through locked cells, in order."""
    cells = list(cells)
    names = set(interface(cells, answer))
    found: list[str] = []
    for cell in cells:
        if cell.role is Role.ANSWER or not names & (cell.names.reads | set().union(*cell.names.called.values())):
            continue
        if cell.role is Role.TEST:
            found.append(cell.name)
        else:
            names |= cell.names.binds
    return found


def check(notebook: NotebookNode, bench: Bench, kinds: Iterable[str] = KINDS) -> list[Earned]:
    """The points that junk earns in the tests of its own task: an empty list where the tests are sound.

    Answers that share no test and cannot reach each other's are replaced in one trial, which saves most of the time.
    """
    cells = code_cells(notebook)
    groups = _groups(cells, bench)
    trials = [(_tried(group, kind, bench), kind) for kind in kinds for group in groups]
    requests = []
    for group, kind in trials:
        answers = {answer: junk_answer(cells, answer, kind) for answer in group}
        requests.append((answers, [test for tests in group.values() for test in tests]))
    earned: list[Earned] = []
    for (group, kind), (answers, _), result in zip(trials, requests, bench.run_many(requests), strict=True):
        for answer, tests in group.items():
            # Where one answer brought the process down, each is tried on its own.
            own = result if result.died is None else bench.run({answer: answers[answer]}, tests)
            earned += _earned(answer, kind, tests, own)
    return earned


def _earned(answer: str, kind: str, tests: Iterable[str], result: Result) -> list[Earned]:
    return [Earned(answer, kind, test, result.points[test]) for test in tests if result.points[test] > 0]


def _tried(group: Mapping[str, list[str]], kind: str, bench: Bench) -> Mapping[str, list[str]]:
    """A group without the answers whose true results take too long for this kind."""
    if kind not in list(SHAPED)[1:]:
        return group
    return {
        answer: tests for answer, tests in group.items() if bench.cost(bench.plan({answer: ""}, tests)) < SLOW_SECONDS
    }


def _groups(cells: list[Code], bench: Bench) -> list[Mapping[str, list[str]]]:
    """The answers with their tests, in as few groups as keep those apart that could disturb each other."""
    tests = {cell.name: tests_of(cells, cell.name) for cell in cells if cell.role is Role.ANSWER}
    reach = {answer: set(bench.reach({answer: junk_answer(cells, answer, KINDS[0])})) for answer in tests}
    groups: list[dict[str, list[str]]] = []
    for answer, own in tests.items():
        for group in groups:
            if not any(reach[answer] & set(others) or reach[other] & set(own) for other, others in group.items()):
                group[answer] = own
                break
        else:
            groups.append({answer: own})
    return groups
