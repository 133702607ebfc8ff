"""What can end a call from a test to the student's code.

Two families. What the student's code did is an ordinary `Exception`, which a test may expect and catch. What ended the
conversation itself (`Interrupted`) is not: a test that expects "some exception" must not be satisfied by a dead kernel.
"""

import builtins
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class ExamError(Exception):
    """The exam itself cannot go on, through no fault of the student: `reason` says why, `remedy` what to do."""

    def __init__(self, reason: str, remedy: str):
        super().__init__(f"{reason} ({remedy})")
        self.reason, self.remedy = reason, remedy

    def __reduce__(self) -> tuple:
        return type(self), (self.reason, self.remedy)


class KernelKilled(ExamError):
    """A kernel was killed by something else than the exam while the course's own code ran."""


class Frame(NamedTuple):
    """One line of the student's own in a traceback: `In [count]`, line, function and the line's text.

    It comes from the student's kernel and is text to show, never evidence.
    """

    count: int
    line: int
    function: str
    text: str


class FromCandidate:
    """Mixed into every exception that stands for one raised by the student's code.

    `type_name` and `text` are what the student's exception said; `frames` are the student's own lines.
    """

    def __init__(self, type_name: str, message: str, frames: Sequence[Frame] = ()):
        BaseException.__init__(self, message)
        self.type_name = type_name
        self.text = message
        self.frames = tuple(frames)

    def __str__(self) -> str:
        return self.text


class CandidateError(FromCandidate, Exception):
    """An exception that the student's code raised; also an instance of the builtin that the student's type extends."""


class NotPlainData(TypeError):
    """A value that cannot cross between the kernels was used as if it were plain data."""


class BadReply(CandidateError):
    """The student's kernel answered with something that is no answer; that call fails, and nothing else."""

    def __init__(self, message: str):
        super().__init__("BadReply", message)


class Interrupted(BaseException):
    """The conversation with the student's kernel ended before the call did."""


class CallTimedOut(Interrupted):
    """The student's code did not come to an end within the time limit of a call."""


class CandidateDied(Interrupted):
    """The student's kernel is gone, or no longer answers."""


# Types of libraries that tests name in `except`; looked up only where the library is loaded here already.
_LIBRARY_ERRORS = (
    ("numpy.linalg", ("LinAlgError",)),
    ("numpy.exceptions", ("AxisError", "DTypePromotionError", "TooHardError")),
    (
        "tensorflow.errors",
        (
            "InvalidArgumentError",
            "NotFoundError",
            "OutOfRangeError",
            "FailedPreconditionError",
            "UnimplementedError",
            "ResourceExhaustedError",
            "InternalError",
            "OpError",
        ),
    ),
)


def _builtin_errors() -> Iterator[tuple[str, type[BaseException]]]:
    for name in dir(builtins):
        found = getattr(builtins, name)
        if isinstance(found, type) and issubclass(found, BaseException) and "Group" not in name:
            yield name, found


_BUILTIN_ERRORS = dict(_builtin_errors())


def known_error(name: str) -> type[BaseException] | None:
    """The exception type of that name in a fixed table: builtins, and a few of libraries that are loaded."""
    if name in _BUILTIN_ERRORS:
        return _BUILTIN_ERRORS[name]
    for module, names in _LIBRARY_ERRORS:
        if name in names:
            # `tensorflow.errors` is an attribute of a lazily loaded package, not an entry of `sys.modules`.
            package, _, part = module.partition(".")
            return getattr(getattr(sys.modules.get(package), part, None), name, None)
    return None


def candidate_error(type_name: str, bases: Sequence[str], message: str, frames: Sequence[Frame] = ()) -> BaseException:
    """An exception that stands for the student's: `except` clauses treat it as they would the student's own.

    `bases` are the names of the student's type and its bases, nearest first; the first one in the fixed table decides.
    A `SystemExit` or `KeyboardInterrupt` is, as in one process, no `Exception`. The end of an iteration is a
    `RuntimeError`, as in a generator: it would end a test's `for ... in map(function, ...)` without a word.
    """
    known = next((found for name in bases if (found := known_error(name)) is not None), Exception)
    if issubclass(known, StopIteration | StopAsyncIteration):
        known = RuntimeError
    if known is Exception or known is BaseException:
        return CandidateError(type_name, message, frames)
    mixin = CandidateError if issubclass(known, Exception) else FromCandidate
    try:
        error = type(known.__name__, (mixin, known), {"__init__": mixin.__init__, "__str__": mixin.__str__})(
            type_name, message, frames
        )
    except (TypeError, AttributeError):
        # A type whose instances are laid out or made in a way of their own (an OpError takes a node).
        error = CandidateError(type_name, message, frames)
    return error
