"""Tripwires in the student's kernel: forbidden functions that raise when the student's code calls them.

They stand only while a test of the task that forbids them calls the student's code, and fire only when the direct
caller is the student's code: a library, or the course's own cells, may use the same function. They lie where the
student's code can remove them, so that they are evidence and no proof; what they report can harm nobody else.
"""

import contextlib
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from coursegrader.exam.forbidden import Forbidden, Target, members

# Packages that only hand on what others define; code inside a library refers to what it uses elsewhere.
_INNER = {"src", "python"}
MAX_REPORTS = 20
# In place of a cell: a file of the student's own.
OWN_FILE = -1


class ShortcutError(RuntimeError):
    """The student's code called a function that the task does not allow."""


class Report(NamedTuple):
    """A tripwire that fired: the forbidden name, and the cell (its execution count), line and function that called."""

    name: str
    count: int
    line: int
    function: str


class Tripwire:
    """Stands for a forbidden function or class under its public name, and is it for everyone but the student's code."""

    def __init__(self, target: Target, fire: Callable[[str, types.FrameType], None]):
        self.__dict__.update(_target=target, _fire=fire, __wrapped__=target.value, __doc__=target.value.__doc__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._fire(self._target.path, sys._getframe(1))
        return self._target.value(*args, **kwargs)

    def __mro_entries__(self, bases: tuple) -> tuple:
        self._fire(self._target.path, sys._getframe(1))
        return (self._target.value,)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target.value, name)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._target.value)

    def __subclasscheck__(self, subclass: type) -> bool:
        return issubclass(subclass, self._target.value)

    def __eq__(self, other: object) -> bool:
        return other is self or other is self._target.value

    def __hash__(self) -> int:
        return hash(self._target.value)


class Site(NamedTuple):
    """A public name: the module, the attribute, what it is, and the tripwire for it."""

    module: types.ModuleType
    attribute: str
    value: Any
    tripwire: Tripwire


class Tripwires:
    """Tripwires for `names`.

    `where` gives (cell, line, function) for a frame of the student's own code, and None for any other.
    """

    def __init__(self, names: Iterable[str], where: Callable[[types.FrameType], tuple[int, int, str] | None]):
        self.reports: list[Report] = []
        self._where = where
        self._thread = threading.get_ident()
        self._armed = False
        self._sites = list(self._find(Forbidden(names, load=False)))

    def _find(self, forbidden: Forbidden) -> Iterator[Site]:
        wires = {identity: Tripwire(target, self._fire) for identity, target in forbidden.objects.items()}
        for module in list(sys.modules.values()):
            if _hands_on(module, forbidden.roots):
                for attribute, value in members(module):
                    if id(value) in wires:
                        yield Site(module, attribute, value, wires[id(value)])
        for target in forbidden.modules.values():
            for attribute, value in members(target.value):
                if id(value) not in wires:
                    tripwire = Tripwire(Target(f"{target.path}.{attribute}", value), self._fire)
                    yield Site(target.value, attribute, value, tripwire)

    def _fire(self, name: str, caller: types.FrameType) -> None:
        place = self._where(caller) if self._armed and threading.get_ident() == self._thread else None
        if place is not None:
            if len(self.reports) < MAX_REPORTS:
                self.reports.append(Report(name, *place))
            raise ShortcutError(f"this task does not allow {name}")

    @contextlib.contextmanager
    def armed(self, on: bool) -> Iterator[None]:
        """Within the block the tripwires stand (or, inside such a block, do not stand) in place of their functions."""
        before = self._armed
        self._set(on)
        try:
            yield
        finally:
            self._set(before)

    def _set(self, on: bool) -> None:
        if on != self._armed:
            self._armed = on
            for module, attribute, value, tripwire in self._sites:
                # What the student's code has put there itself stays.
                if vars(module).get(attribute) is (value if on else tripwire):
                    setattr(module, attribute, tripwire if on else value)


def _hands_on(module: object, roots: set[str]) -> bool:
    if not isinstance(module, types.ModuleType):
        return False
    parts = str(vars(module).get("__name__", "")).split(".")
    file = str(vars(module).get("__file__") or "")
    return parts[0] in roots and not _INNER & set(parts) and file.endswith("__init__.py")
