"""The examiner's side of the conversation: stand-ins for the student's names and objects.

Values arrive as plain data. Everything else is a `Handle`: it can be used, but it is never asked for a verdict.
"""

import functools
import operator
import sys
import time
import types
import weakref
from collections.abc import Callable, Iterator, Set
from typing import Any

import numpy as np

from coursegrader.exam import wire
from coursegrader.exam.channel import Channel
from coursegrader.exam.errors import (
    BadReply,
    CallTimedOut,
    CandidateDied,
    CandidateError,
    Frame,
    FromCandidate,
    Interrupted,
    NotPlainData,
    candidate_error,
)
from coursegrader.exam.serving import ASK, RAISE, REQUEST, RESULT, RETURN, Payload

SERVE = "__import__('coursegrader.exam.agent', fromlist=['serve']).serve()"
MAX_CALLBACKS = 10_000
MAX_DEPTH = 20
MAX_ITEMS = 100_000
# How long the student's kernel may take to answer once a call has been interrupted.
GRACE_SECONDS = 3.0
_CALLBACK_TYPES = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    functools.partial,
    np.ufunc,
    type(np.mean),
)


class Missing(LookupError):
    """The student's notebook has no such name."""


class Candidate:
    """A conversation with the student's kernel.

    `seconds` bounds each call, callbacks included. A kernel that stays silent after an interrupt is given up:
    `gone` then says why, and every later call raises `CandidateDied` at once.
    """

    def __init__(self, channel: Channel, seconds: float, bounds: wire.Bounds = wire.BOUNDS):
        self.channel, self.seconds, self.bounds = channel, seconds, bounds
        self.gone = ""
        # What ended a call before the student's code did, for whoever must know why a test was cut short.
        self.cut = ""
        self.num_calls = 0
        self._depth = 0
        self._deadline = 0.0
        self._late: CallTimedOut | None = None
        self._num_callbacks = 0
        # Numbers are never used twice: a function that the student's code kept from an earlier test means nothing.
        self._num_passed = 0
        self._callbacks: dict[int, Callable] = {}
        self._raised: dict[int, BaseException] = {}
        self._released: list[int] = []

    def ask(self, operation: str, *operands: Any) -> Any:
        """Have the student's kernel carry out an operation; the answer as plain data and handles.

        Raises what the student's code raised as a `CandidateError`, `NotPlainData` for an argument that cannot cross,
        `BadReply` for an answer that is none, and `CallTimedOut` or `CandidateDied`.
        """
        if self.gone:
            raise CandidateDied(self.gone)
        released, self._released = self._released, []
        try:
            data = wire.encode((operation, operands, released), self._refer, self.bounds)
        except wire.WireError as error:
            raise NotPlainData(str(error)) from None
        outermost = self._depth == 0
        if self._depth >= MAX_DEPTH:
            raise NotPlainData(f"calls between test and answer were nested more than {MAX_DEPTH} levels deep")
        self.num_calls += 1
        self._depth += 1
        try:
            if outermost:
                self._deadline = time.monotonic() + self.seconds
                self._late, self._num_callbacks = None, 0
                self.channel.call(SERVE, data)
            else:
                self.channel.answer(Payload(REQUEST, data))
            data = self._until_result()
            if outermost:
                self._check_callbacks()
            return self._result(data)
        except (Interrupted, KeyboardInterrupt) as error:
            if isinstance(error, CandidateDied):
                self.gone = self.gone or str(error)
            self.cut = self.cut or str(error) or "the test was stopped while your code ran"
            if outermost and isinstance(error, KeyboardInterrupt):
                # The test is over, and what it called must not hold up the next one.
                self.channel.interrupt()
            raise
        except BadReply:
            if outermost:
                self.channel.reopen()
                self.greet(GRACE_SECONDS)
            raise
        finally:
            self._depth -= 1
            if outermost:
                self._raised.clear()

    def greet(self, seconds: float) -> None:
        """Begin, or begin again: tell the student's kernel how much it may send."""
        data = wire.encode(("limit", (self.bounds.num_bytes,), []))
        self.channel.greet(SERVE, data, time.monotonic() + seconds)

    def begin_test(self) -> None:
        """Forget the functions of the test before, and what cut it short."""
        self._callbacks.clear()
        self.cut = ""

    def _until_result(self) -> bytes:
        while True:
            payload = self.channel.next_payload(self._deadline)
            if payload is None:
                if self._late is not None:
                    self.gone = "your kernel no longer answers"
                    raise CandidateDied(f"{self._late}, which it did not heed")
                self._end_late()
                self.channel.interrupt()
            elif payload.kind == RESULT:
                if self._late is not None:
                    # Every call around this one has to come to its end as well.
                    self._deadline = time.monotonic() + GRACE_SECONDS
                    raise self._late
                return payload.data
            elif payload.kind == ASK:
                self._serve(payload.data)
            else:
                raise BadReply("your kernel sent an answer of no known kind")

    def _end_late(self) -> None:
        self._late = CallTimedOut(f"your code did not end within {self.seconds:g} s and was interrupted")
        self._deadline = time.monotonic() + GRACE_SECONDS

    def _decode(self, data: bytes) -> Any:
        try:
            return wire.decode(data, self._resolve, self.bounds)
        except (wire.WireError, RecursionError, MemoryError) as error:
            raise BadReply(f"your kernel sent an answer that cannot be read: {error}") from None

    def _result(self, data: bytes) -> Any:
        answer = self._decode(data)
        if type(answer) is not tuple or not answer or type(answer[0]) is not str:
            raise BadReply("your kernel sent an answer of no known form")
        kind, *parts = answer
        if kind == "value" and len(parts) == 1:
            return parts[0]
        if kind == "missing" and not parts:
            raise Missing
        if kind == "error" and len(parts) == 5:
            raise self._error(*parts)
        raise BadReply("your kernel sent an answer of no known form")

    def _error(self, type_name: Any, bases: Any, message: Any, lines: Any, number: Any) -> BaseException:
        texts = type(type_name) is str and type(message) is str and type(bases) is list and type(lines) is list
        if not texts or not all(type(base) is str for base in bases):
            return BadReply("your kernel sent an exception of no known form")
        if type(number) is int and number in self._raised:
            return self._raised[number]
        frames = []
        for line in lines[:100]:
            if type(line) is tuple and [type(part) for part in line] == [int, int, str, str]:
                frames.append(Frame(*line))
        return candidate_error(type_name, bases, message, frames)

    # Callbacks: functions of a test that the student's code calls

    def _serve(self, data: bytes) -> None:
        """Answer a question; whatever goes wrong is kept for the test, and the student's code learns its type alone."""
        try:
            if self._late is not None:
                raise KeyboardInterrupt
            function, args, kwargs = self._question(data)
            answer = Payload(RETURN, wire.encode(function(*args, **kwargs), self._refer, self.bounds))
            if time.monotonic() > self._deadline:
                # It used up the call's time. The answer tells the student's code so: it waits for it, and an interrupt
                # beside the answer could arrive when the call is over.
                if self._late is None:
                    self._end_late()
                raise KeyboardInterrupt
        except BaseException as error:
            if self.gone:
                raise
            mark = len(self._raised)
            self._raised[mark] = error
            answer = Payload(RAISE, wire.encode((_plain_name(error), mark)))
        self.channel.answer(answer)

    def _question(self, data: bytes) -> tuple[Callable, tuple, dict]:
        self._num_callbacks += 1
        if self._num_callbacks > MAX_CALLBACKS:
            raise BadReply(f"your code called a function of the test more than {MAX_CALLBACKS:,} times in one call")
        question = self._decode(data)
        if type(question) is not tuple or [type(part) for part in question] != [int, tuple, dict]:
            raise BadReply("your kernel asked something of no known form")
        number, args, kwargs = question
        if number not in self._callbacks or not all(type(name) is str for name in kwargs):
            raise BadReply("your kernel asked for a function that the test did not pass")
        return self._callbacks[number], args, kwargs

    def _check_callbacks(self) -> None:
        """A check that failed in a function of the test has failed, whatever the student's code made of it."""
        for error in self._raised.values():
            if isinstance(error, AssertionError) and not isinstance(error, FromCandidate):
                raise error

    # References

    def _refer(self, value: Any) -> wire.Reference:
        if type(value) is Handle:
            number, kind, type_name = _STATE[id(value)][1:]
            return wire.Reference(kind, number, type_name)
        if isinstance(value, _CALLBACK_TYPES) or (callable(value) and type(value).__module__ == "__main__"):
            number = self._num_passed
            self._num_passed += 1
            self._callbacks[number] = value
            # The name of a test's function is part of the test.
            return wire.Reference("callback", number, "function")
        name = type(value).__name__
        raise NotPlainData(
            f"a {name} cannot be an argument of the student's function: pass plain data, "
            "or make it in a cell tagged 'candidate'"
        )

    def _resolve(self, reference: wire.Reference) -> Any:
        if reference.kind == "callback":
            # A function of the test that the student's code gave back is the function itself.
            if reference.number not in self._callbacks:
                raise wire.WireError("a function that the test did not pass")
            return self._callbacks[reference.number]
        handle = object.__new__(Handle)
        _STATE[id(handle)] = (self, reference.number, reference.kind, reference.type_name)
        weakref.finalize(
            handle, _forget, id(handle), weakref.WeakMethod(self._release), reference.number
        ).atexit = False
        return handle

    def _release(self, number: int) -> None:
        self._released.append(number)


def _forget(identity: int, release: weakref.WeakMethod, number: int) -> None:
    _STATE.pop(identity, None)
    if (method := release()) is not None:
        method(number)


def _plain_name(error: BaseException) -> str:
    """The builtin type that an exception extends: all that the student's code learns of an exception in a test."""
    return next(base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins")


# The types' names of tf.Variable and keras.Variable.
_VARIABLES = ("ResourceVariable", "Variable")
# What a handle stands for lies outside it, so that no attribute of it can collide with the student's.
_STATE: dict[int, tuple[Candidate, int, str, str]] = {}


def _ask(handle: "Handle", operation: str, *operands: Any) -> Any:
    return _STATE[id(handle)][0].ask(operation, handle, *operands)


def describe(handle: "Handle") -> str:
    """What a handle stands for, in words for the student."""
    kind, type_name = _STATE[id(handle)][2:]
    return {"function": f"function `{type_name}`", "class": f"class `{type_name}`"}.get(kind, f"`{type_name}`")


def kind_of(handle: "Handle") -> str:
    """`function`, `class` or `object`."""
    return _STATE[id(handle)][2]


def stands_for_variable(value: Any) -> bool:
    """Whether a value is the handle of something that calls itself a variable of TensorFlow or Keras."""
    return type(value) is Handle and _STATE[id(value)][3] in _VARIABLES


def to_plain(handle: "Handle") -> Any:
    """The number or array that the student's object stands for; raises `NotPlainData` where it is none."""
    try:
        value = _ask(handle, "plain")
    except CandidateError as error:
        raise NotPlainData(_message(handle)) from error
    # A list, too, would be converted, item by item: with handles in it, without end.
    if not isinstance(value, bool | int | float | complex | np.generic | np.ndarray) and not _is_tensor(value):
        raise NotPlainData(_message(handle))
    return value


def _is_tensor(value: Any) -> bool:
    tf = sys.modules.get("tensorflow")
    return hasattr(tf, "Tensor") and isinstance(value, tf.Tensor)


def _message(handle: "Handle") -> str:
    return f"your function returned a {describe(handle)}; the test expected an array or other plain data"


def _refused(self, *args, **kwargs):
    raise NotPlainData(_message(self))


def _unary(function: Callable) -> Callable:
    return lambda self: function(to_plain(self))


def _binary(function: Callable) -> tuple[Callable, Callable]:
    def plain(value: Any) -> Any:
        return to_plain(value) if isinstance(value, Handle) else value

    return (lambda self, other: function(to_plain(self), plain(other))), (
        lambda self, other: function(plain(other), to_plain(self))
    )


# Every other special name is one that NumPy, TensorFlow, Keras or IPython look for to find out what an object is.
_FORWARDED_DUNDERS = {"__name__", "__qualname__", "__module__", "__dict__", "__annotations__", "__defaults__"}


class Handle:
    """Stands for an object that stays in the student's kernel.

    Attributes, items, calls, `len`, iteration, `str` and `with` go through it and give plain data or further handles.
    Comparison, truth value, `in` and hashing raise `NotPlainData`: the student's object never judges itself.
    Arithmetic, `float()`, `int()` and `np.asarray()` convert it to plain data first, or fail.
    """

    __slots__ = ("__weakref__",)
    __hash__ = _refused
    __bool__ = __contains__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refused
    # A copy, or a pickle, would be a second name for the same object of the student.
    __reduce_ex__ = __copy__ = __deepcopy__ = _refused

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("__", "_repr_", "_ipython_", "_keras_")) and name not in _FORWARDED_DUNDERS:
            raise AttributeError(name)
        return _ask(self, "getattr", name)

    def __setattr__(self, name: str, value: Any) -> None:
        _ask(self, "setattr", name, value)

    def __delattr__(self, name: str) -> None:
        _ask(self, "delattr", name)

    def __getitem__(self, key: Any) -> Any:
        return _ask(self, "getitem", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _ask(self, "setitem", key, value)

    def __delitem__(self, key: Any) -> None:
        _ask(self, "delitem", key)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _ask(self, "call", args, kwargs)

    def __len__(self) -> int:
        length = _ask(self, "len")
        if type(length) is not int or length < 0:
            raise BadReply("your object has a length that is no number")
        return length

    def __length_hint__(self) -> int:
        # `list(handle)` would ask for a length that the student's object can make up.
        return 0

    def __iter__(self) -> Iterator[Any]:
        # Iterating is the same conversation item by item, ended by a bound where the student's iterator has none.
        iterator = _ask(self, "iter")
        if not isinstance(iterator, Handle):
            raise BadReply("your object gave an iterator that is none")
        for _ in range(MAX_ITEMS):
            try:
                yield next(iterator)
            except StopIteration:
                return
        raise candidate_error(
            "RuntimeError", ["RuntimeError"], f"no end after {MAX_ITEMS:,} items of a {describe(self)}"
        )

    def __next__(self) -> Any:
        item = _ask(self, "next")
        if type(item) is not tuple or len(item) > 1:
            raise BadReply("your iterator gave something that is no item")
        if not item:
            raise StopIteration
        return item[0]

    def __enter__(self) -> Any:
        return _ask(self, "enter")

    def __exit__(self, kind: type | None, error: BaseException | None, trace: Any) -> None:
        # Whether an exception of the test is suppressed is a verdict, and not the student's: nothing is returned.
        if not isinstance(error, Interrupted):
            _ask(self, "exit", None if error is None else _plain_name(error))

    def __str__(self) -> str:
        return _text(_ask(self, "str", None))

    def __format__(self, spec: str) -> str:
        return _text(_ask(self, "str", spec))

    def __repr__(self) -> str:
        return f"<{describe(self)} in the student's notebook>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(to_plain(self), dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        # Comparing arrays element by element is comparing: the handle is asked to be an array by name, or refused.
        if ufunc.types and ufunc.types[0].endswith("->?"):
            raise NotPlainData(_message(self))
        values = [to_plain(value) if isinstance(value, Handle) else value for value in inputs]
        return getattr(ufunc, method)(*values, **kwargs)

    __float__ = _unary(float)
    __int__ = _unary(int)
    __index__ = _unary(operator.index)
    __complex__ = _unary(complex)
    __neg__ = _unary(operator.neg)
    __pos__ = _unary(operator.pos)
    __abs__ = _unary(abs)
    __invert__ = _unary(operator.invert)
    __add__, __radd__ = _binary(operator.add)
    __sub__, __rsub__ = _binary(operator.sub)
    __mul__, __rmul__ = _binary(operator.mul)
    __truediv__, __rtruediv__ = _binary(operator.truediv)
    __floordiv__, __rfloordiv__ = _binary(operator.floordiv)
    __mod__, __rmod__ = _binary(operator.mod)
    __pow__, __rpow__ = _binary(operator.pow)
    __matmul__, __rmatmul__ = _binary(operator.matmul)
    __and__, __rand__ = _binary(operator.and_)
    __or__, __ror__ = _binary(operator.or_)
    __xor__, __rxor__ = _binary(operator.xor)

    def __round__(self, digits: int | None = None) -> Any:
        return round(to_plain(self), digits)


def _text(text: Any) -> str:
    if type(text) is not str:
        raise BadReply("your object has a text that is no text")
    return text


class Names(dict):
    """Builtins of the examiner's cells, behind which the student's names stand.

    Python looks a name up among a function's globals, then here; a name that is in neither is asked of the student's
    kernel. `of_answers` are names that the instructor's own answers bind, which a student defines even where Python
    has a builtin of that name; `of_tests` are names that tests and locked cells bind and answers do not: one that is
    not there, because the test that binds it failed before, is nobody's. Functions and classes are asked for once a
    test (`forget` ends that), values each time.
    """

    def __init__(
        self,
        builtins: dict[str, Any],
        candidate: Callable[[], Candidate | None],
        of_answers: Set[str] = frozenset(),
        of_tests: Set[str] = frozenset(),
    ):
        super().__init__(builtins)
        self._candidate, self._of_tests = candidate, of_tests
        self._originals = {name: self.pop(name) for name in of_answers if name in self}
        self._known: dict[str, Any] = {}
        # Names that the student's notebook did not have when they were used.
        self.missing: set[str] = set()

    def __missing__(self, name: str) -> Any:
        candidate = self._candidate()
        if name in self._known:
            return self._known[name]
        if candidate is None or name in self._of_tests or (name.startswith("__") and name.endswith("__")):
            raise KeyError(name)
        try:
            value = candidate.ask("name", name)
        except Missing:
            if name in self._originals:
                return self._originals[name]
            self.missing.add(name)
            raise KeyError(name) from None
        if isinstance(value, Handle) and kind_of(value) != "object":
            self._known[name] = value
        return value

    def forget(self) -> None:
        """Ask for every name anew."""
        self._known.clear()
        self.missing.clear()
