"""The candidate's side of the conversation: carries out what a test asks of the student's objects.

It runs inside the student's kernel, where the student's code can read and change it. So nothing depends on its honesty:
the examiner takes from it plain data and references, and nothing else. It is given names, arguments and positions,
never the text of a test or a value that a test expects.
"""

import builtins
import contextlib
import linecache
import operator
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from IPython.core.error import StdinNotImplementedError

from coursegrader.exam import wire
from coursegrader.exam.errors import known_error
from coursegrader.exam.seeding import seed_everything
from coursegrader.exam.serving import RETURN, Server
from coursegrader.exam.tripwires import OWN_FILE, Tripwires
from coursegrader.exam.withdrawal import withdraw

MAX_MESSAGE = 10_000
MAX_FRAMES = 20
_NOT_THE_STUDENTS = {"name", "limit", "seed", "forbid", "tripped", "withdraw"}
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
ADVICE = (
    "a function that the test passed in was called {where}. It can be called from ordinary code only; "
    "the assignment should make such a function with a factory in a cell tagged 'candidate'"
)


class CallbackRefusedError(RuntimeError):
    """A test's function was called where it cannot answer: in compiled or differentiated code."""


class CallbackError(Exception):
    """A test's function raised; `number` lets the examiner find its own exception again."""

    number = -1


class Missing(NameError):
    """The student's notebook has no such name."""


class Agent:
    """Serves requests against the namespace of an IPython `shell`."""

    def __init__(self, shell: Any):
        self.shell = shell
        self.server = Server(shell, self._carry_out)
        self.objects: dict[int, Any] = {}
        self.num_objects = 0
        self.bounds = wire.BOUNDS
        # What the task of the running test does not allow, and the cells of the course's own.
        self.tripwires: Tripwires | None = None
        self.locked: set[int] = set()
        self.folder = Path.cwd()

    def _carry_out(self, data: bytes) -> bytes:
        try:
            operation, operands, released = wire.decode(data, self._resolve)
            for number in released:
                self.objects.pop(number, None)
            with self._watched(operation, operands):
                value = getattr(self, f"do_{operation}")(*operands)
            return wire.encode(("value", value), self._refer, self.bounds)
        except BaseException as error:
            # The student's code may raise anything, and everything belongs to the test that called it.
            return wire.encode(self._describe(error))

    def _watched(self, operation: str, operands: tuple) -> contextlib.AbstractContextManager:
        """Tripwires stand while a test uses the student's objects, and fall while it calls a factory."""
        if self.tripwires is None or operation in _NOT_THE_STUDENTS:
            return contextlib.nullcontext()
        code = getattr(operands[0], "__code__", None) if operation == "call" else None
        factory = isinstance(code, types.CodeType) and self._cell_of(code) in self.locked
        return self.tripwires.armed(not factory)

    def _cell_of(self, code: types.CodeType) -> int | None:
        """The execution count of the cell that holds the code, or None."""
        return self.shell.compile._filename_map.get(code.co_filename)

    def _where(self, frame: types.FrameType) -> tuple[int, int, str] | None:
        """Cell, line and function of a frame of the student's own code; None for the course's and a library's."""
        count, name = self._cell_of(frame.f_code), frame.f_code.co_name[: wire.MAX_NAME]
        if count is None and Path(frame.f_code.co_filename).is_relative_to(self.folder):
            return OWN_FILE, frame.f_lineno, name
        return None if count is None or count in self.locked else (count, frame.f_lineno, name)

    def _describe(self, error: BaseException) -> tuple:
        if isinstance(error, Missing):
            return ("missing",)
        kind = type(error)
        try:
            message = str(error)[:MAX_MESSAGE]
        except Exception:
            message = ""
        bases = [base.__name__ for base in kind.__mro__ if base is not object][:20]
        if isinstance(error, wire.WireError):
            # What cannot cross is no exception of the student's: a test that expects a ValueError has not seen one.
            bases = ["Exception"]
        number = error.number if isinstance(error, CallbackError) else -1
        return ("error", kind.__name__[: wire.MAX_NAME], bases, message, self._own_lines(error), number)

    def _own_lines(self, error: BaseException) -> list[tuple]:
        """The lines of the notebook's own cells in a traceback, as (execution count, line, function, text)."""
        cells = self.shell.compile._filename_map
        lines = []
        for frame, line in traceback.walk_tb(error.__traceback__):
            code = frame.f_code
            if code.co_filename in cells:
                source = linecache.getline(code.co_filename, line).strip()
                lines.append((cells[code.co_filename], line, code.co_name[: wire.MAX_NAME], source[: wire.MAX_NAME]))
        # A recursion's first and last lines say what there is to know.
        return lines if len(lines) <= MAX_FRAMES else lines[: MAX_FRAMES // 2] + lines[-MAX_FRAMES // 2 :]

    # References

    def _refer(self, value: Any) -> wire.Reference:
        if isinstance(value, type):
            kind, name = "class", type.__dict__["__name__"].__get__(value)
        elif isinstance(value, _FUNCTIONS):
            kind, name = "function", value.__name__
        else:
            kind, name = "object", type.__dict__["__name__"].__get__(type(value))
        self.num_objects += 1
        self.objects[self.num_objects] = value
        return wire.Reference(kind, self.num_objects, name)

    def _resolve(self, reference: wire.Reference) -> Any:
        if reference.kind == "callback":
            return self._callback(reference.number)
        return self.objects[reference.number]

    def _callback(self, number: int) -> Callable:
        """A function that asks the examiner; an interrupt while it waits ends the call."""

        def function(*args, **kwargs):
            _refuse_where_traced()
            if not self.server.serving:
                raise CallbackRefusedError(ADVICE.format(where="after the test that passed it had ended"))
            kind, data = self.server.ask(wire.encode((number, args, kwargs), self._refer, self.bounds))
            if kind == RETURN:
                return wire.decode(data, self._resolve)
            raise _callback_error(*wire.decode(data))

        return function

    # What a test may ask

    def do_name(self, name: str) -> Any:
        namespace = self.shell.user_ns
        if name not in namespace:
            raise Missing(name)
        return namespace[name]

    def do_call(self, function: Any, args: tuple, kwargs: dict) -> Any:
        return function(*args, **kwargs)

    def do_getattr(self, target: Any, name: str) -> Any:
        return getattr(target, name)

    def do_setattr(self, target: Any, name: str, value: Any) -> None:
        setattr(target, name, value)

    def do_delattr(self, target: Any, name: str) -> None:
        delattr(target, name)

    def do_getitem(self, target: Any, key: Any) -> Any:
        return target[key]

    def do_setitem(self, target: Any, key: Any, value: Any) -> None:
        target[key] = value

    def do_delitem(self, target: Any, key: Any) -> None:
        del target[key]

    def do_len(self, target: Any) -> int:
        return len(target)

    def do_iter(self, target: Any) -> Any:
        return iter(target)

    def do_next(self, target: Any) -> tuple:
        try:
            return (next(target),)
        except StopIteration:
            return ()

    def do_enter(self, target: Any) -> Any:
        return type(target).__enter__(target)

    def do_exit(self, target: Any, raised: str | None) -> None:
        error = None if raised is None else _callback_error(raised, -1)
        type(target).__exit__(target, None if error is None else type(error), error, None)

    def do_str(self, target: Any, spec: str | None) -> str:
        return str(target) if spec is None else format(target, spec)

    def do_plain(self, target: Any) -> Any:
        """The number or the array that an object stands for; raises TypeError where it is none."""
        tf = sys.modules.get("tensorflow")
        if hasattr(tf, "Variable") and isinstance(target, tf.Variable):
            return tf.convert_to_tensor(target)
        if not isinstance(target, type):
            for method, convert in (("__index__", operator.index), ("__float__", float), ("__complex__", complex)):
                if hasattr(type(target), method) and not hasattr(type(target), "__array__"):
                    return convert(target)
            if hasattr(type(target), "__array__") or hasattr(type(target), "__getitem__"):
                array = np.asarray(target)
                if wire.dtype_name(array.dtype) is not None:
                    return array
        raise TypeError(f"a {type(target).__name__} is neither a number nor an array")

    def do_limit(self, num_bytes: int) -> None:
        """Say in words, instead of losing the connection, that a value is too large."""
        self.bounds = wire.BOUNDS._replace(num_bytes=num_bytes)

    def do_seed(self, seed: int) -> None:
        """A test begins: nothing of the one before, whose end may not have been told, holds any more."""
        self.tripwires = None
        seed_everything(seed)

    def do_forbid(self, names: list[str], locked: list[int]) -> None:
        """Lay tripwires for the test that begins; `locked` are the execution counts of the course's own cells."""
        self.tripwires, self.locked = Tripwires(names, self._where), set(locked)

    def do_tripped(self) -> list[tuple]:
        """Take the tripwires away and say which of them fired."""
        wires, self.tripwires = self.tripwires, None
        return [tuple(report) for report in wires.reports] if wires else []

    def do_withdraw(self, names: list[str]) -> bool:
        return withdraw(names)


def _callback_error(name: str, number: int) -> BaseException:
    """What the student's code sees of an exception in a test: its builtin type, and no word of the test."""
    known = known_error(name) or Exception
    text = "the function that the test passed in raised"
    try:
        error = type(known.__name__, (CallbackError, known), {})(text)
    except TypeError:
        # A type whose instances are made in a way of their own, such as UnicodeDecodeError.
        error = CallbackError(text)
    error.number = number
    return error


def _refuse_where_traced() -> None:
    tf = sys.modules.get("tensorflow")
    if not hasattr(tf, "executing_eagerly"):
        return
    from tensorflow.python.eager import record

    if not tf.executing_eagerly():
        raise CallbackRefusedError(ADVICE.format(where="while TensorFlow compiled the code around it"))
    if record.could_possibly_record():
        raise CallbackRefusedError(ADVICE.format(where="inside a GradientTape"))


_AGENT: Agent | None = None


def install(shell: Any) -> None:
    """Make this kernel answer requests; called once, before the student's first cell."""
    global _AGENT
    _AGENT = Agent(shell)


def _no_input(prompt: object = "") -> str:
    raise StdinNotImplementedError("nobody is there to answer input(): take what you need as an argument")


def serve() -> None:
    """Answer the request that runs now; the expression that requests evaluate."""
    # ipykernel replaces `input` while a cell runs, and no cell does: the real one would read the kernel's own stdin.
    builtins.input = _no_input
    _AGENT.server.serve()
