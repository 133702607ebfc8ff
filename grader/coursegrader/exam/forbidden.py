"""What the names of forbidden functions stand for: the objects behind them, and whether a path leads to one.

Only the instructor's names are ever imported. A path that a student wrote is followed from object to object through
packages that those names belong to; nothing of the student's is imported, called or evaluated.
"""

import contextlib
import fnmatch
import importlib
import sys
import types
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple

# The names under which the field writes these packages.
SHORT = {"tf": "tensorflow", "np": "numpy"}
# TensorFlow offers all of Keras under a name of its own.
_TOGETHER = ({"keras", "tensorflow"},)
# What these packages do not offer: the functions behind the public ones, for whoever looks there.
_PRIVATE = ("keras.src.", "tensorflow.python.")
MAX_PATH = 200


class Target(NamedTuple):
    """Something forbidden: its public path as the instructor writes it, and the object or module."""

    path: str
    value: Any


class Kind(StrEnum):
    """What a path leads to."""

    FORBIDDEN = "forbidden"
    MODULE = "module"
    UNKNOWN = "unknown"
    HIDDEN = "hidden"
    PRIVATE = "private"
    OTHER = "other"


class Verdict(NamedTuple):
    """What a path leads to, and the instructor's name of it where that is forbidden."""

    kind: Kind
    name: str = ""


def targets(name: str, *, load: bool = True) -> list[Target]:
    """What `name` stands for; its last part may be a pattern, as in `keras.layers.*Conv*`.

    Without `load`, what is not imported yet stands for nothing. Raises `LookupError` for a name that is nothing.
    """
    parts = name.split(".")
    if not all(part.replace("*", "").isidentifier() or part == "*" for part in parts) or "*" in "".join(parts[:-1]):
        raise LookupError(f"{name!r} is no dotted name (a * may stand in its last part)")
    owner, shown = _module(SHORT.get(parts[0], parts[0]), load), parts[0]
    for part in parts[1:-1]:
        owner, shown = _step(owner, part, load), f"{shown}.{part}"
    if len(parts) == 1:
        return [Target(name, owner)]
    if "*" not in parts[-1]:
        return [Target(name, _step(owner, parts[-1], load))]
    found = [
        Target(f"{shown}.{attribute}", value)
        for attribute, value in sorted(vars(owner).items())
        if fnmatch.fnmatchcase(attribute, parts[-1]) and callable(value) and not attribute.startswith("_")
    ]
    if not found:
        raise LookupError(f"{name!r} matches nothing")
    return found


def _module(name: str, load: bool) -> types.ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    if not load:
        raise LookupError(f"{name!r} is not imported")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise LookupError(f"{name!r} is no module that can be imported here ({error})") from error


def _step(owner: Any, part: str, load: bool) -> Any:
    try:
        return getattr(owner, part)
    except AttributeError as error:
        if isinstance(owner, types.ModuleType) and hasattr(owner, "__path__"):
            with contextlib.suppress(LookupError):
                return _module(f"{owner.__name__}.{part}", load)
        raise LookupError(f"{getattr(owner, '__name__', owner)} has no {part!r}") from error


class Forbidden:
    """The objects behind the instructor's `names`; those that cannot be found are left out."""

    def __init__(self, names: Iterable[str], *, load: bool = True):
        self.objects: dict[int, Target] = {}
        self.modules: dict[int, Target] = {}
        names = list(names)
        self.roots = packages(names)
        for name in [*names, *(older for one in names for older in _of_version_1(one))]:
            try:
                found = targets(name, load=load)
            except LookupError:
                continue
            for target in found:
                self._add(target)

    def _add(self, target: Target) -> None:
        if not isinstance(target.value, types.ModuleType):
            self.objects.setdefault(id(target.value), target)
            return
        self.modules[id(target.value)] = target
        for attribute, value in members(target.value):
            # What only visits this module (`keras.metrics` lists losses, too) is forbidden under this module's name.
            if target.path.rpartition(".")[2] in str(getattr(value, "__module__", "")).split("."):
                self.objects.setdefault(id(value), Target(f"{target.path}.{attribute}", value))

    def verdict(self, path: str) -> Verdict:
        """What a student's dotted path leads to."""
        found = self._follow(path)
        private = path.startswith(_PRIVATE) and path.partition(".")[0] in self.roots
        return Verdict(Kind.PRIVATE) if private and found.kind in (Kind.OTHER, Kind.MODULE) else found

    def _follow(self, path: str) -> Verdict:
        first, *rest = path.split(".")
        if first not in self.roots or first not in sys.modules or len(path) > MAX_PATH:
            return Verdict(Kind.OTHER)
        value: Any = sys.modules[first]
        for number, part in enumerate([None, *rest]):
            if part is not None:
                if part.startswith("__"):
                    return Verdict(Kind.HIDDEN)
                try:
                    value = getattr(value, part)
                except Exception:
                    # A package that is loaded bit by bit may raise anything where a part is missing.
                    value = sys.modules.get(".".join([first, *rest[:number]]))
                    if value is None:
                        return Verdict(Kind.UNKNOWN)
            if id(value) in self.modules:
                module = self.modules[id(value)].path
                return Verdict(Kind.FORBIDDEN, ".".join([module, *rest[number : number + 1]]))
            if id(value) in self.objects:
                return Verdict(Kind.FORBIDDEN, self.objects[id(value)].path)
            if not isinstance(value, types.ModuleType | type):
                return Verdict(Kind.OTHER)
        return Verdict(Kind.MODULE if isinstance(value, types.ModuleType) else Kind.OTHER)


def _of_version_1(name: str) -> Iterator[str]:
    """The name that TensorFlow still offers for version 1 of what `name` says, which is another object."""
    first, _, rest = name.partition(".")
    if root_of(first) == "tensorflow" and rest and not rest.startswith(("compat", "keras")):
        yield f"{first}.compat.v1.{rest}"


def members(module: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """The public functions and classes of a module."""
    for name, value in list(vars(module).items()):
        if not name.startswith("_") and callable(value) and not isinstance(value, types.ModuleType):
            yield name, value


def root_of(name: str) -> str:
    """The package that a dotted name begins with."""
    first = name.partition(".")[0]
    return SHORT.get(first, first)


def unknown(names: Iterable[str]) -> dict[str, str]:
    """The names that stand for nothing, with the reason."""
    problems = {}
    for name in names:
        try:
            targets(name)
        except LookupError as error:
            problems[name] = str(error)
    return problems


def packages(names: Iterable[str]) -> set[str]:
    """The packages that a path must begin with to lead to one of `names`."""
    roots = {root_of(name) for name in names}
    return roots.union(*(group for group in _TOGETHER if roots & group))


def judge(names: Iterable[str], paths: Iterable[str]) -> dict[str, Verdict]:
    """What each of a student's `paths` leads to, where `names` are forbidden.

    Packages are imported only where a path begins with one of theirs.
    """
    paths = list(paths)
    begun = packages(path.partition(".")[0] for path in paths)
    forbidden = Forbidden([name for name in names if root_of(name) in begun])
    return {path: forbidden.verdict(path) for path in paths}
