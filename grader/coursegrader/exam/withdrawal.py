"""Taking code away from a kernel: functions, classes or modules that could answer what a test asks.

In the process, the code behind a name is replaced wherever it is referred to, and a withdrawn module is emptied. On
disk, Landlock (where the kernel has it) denies reading the files that hold the code, for good and for every child,
so that they can be neither reloaded nor read; with them, files made later in the folders on the way to them. Threads
that run already keep their access, which is why this happens before the student's first cell.
"""

import ctypes
import gc
import importlib
import importlib.util
import os
import sys
import tempfile
import types
from collections.abc import Iterable
from pathlib import Path

# From <linux/landlock.h> and the syscall table that all architectures share from number 424 on.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_READ_FILE = 1 << 2
_NO_NEW_PRIVILEGES = 38


class Withdrawn(RuntimeError):
    """A function that this part of the assignment may not use was called."""


def _withdrawn(*args, **kwargs):
    from coursegrader.exam.withdrawal import Withdrawn

    raise Withdrawn("this function is not available in the part of the assignment that it could answer")


def withdraw(names: Iterable[str]) -> bool:
    """Take away what the dotted `names` stand for (functions, classes or whole modules).

    Returns whether the files could be hidden as well. Raises ImportError or AttributeError for a name that is nothing.
    """
    files: set[Path] = set()
    for name in names:
        module, target = _locate(name)
        if module.__file__:
            files.add(Path(module.__file__).resolve())
        if isinstance(target, types.ModuleType):
            _empty(target)
        elif isinstance(target, type):
            for attribute in vars(target).values():
                _disable(attribute)
        else:
            _disable(target)
    gc.collect()
    return _hide(files)


def _locate(name: str) -> tuple[types.ModuleType, object]:
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        path = ".".join(parts[:count])
        if path in sys.modules or _is_module(path):
            module = target = importlib.import_module(path)
            for part in parts[count:]:
                target = getattr(target, part)
            return module, target
    raise ImportError(f"{name!r} names no module, function or class that could be withdrawn")


def _is_module(path: str) -> bool:
    try:
        return importlib.util.find_spec(path) is not None
    except ModuleNotFoundError:
        return False


def _disable(target: object) -> None:
    function = getattr(target, "__func__", target)
    function = getattr(function, "fget", function)
    function = getattr(function, "__wrapped__", function)
    if isinstance(function, types.FunctionType):
        # A code object must have as many free variables as the one that it replaces.
        code = _withdrawn.__code__
        function.__code__ = code.replace(co_freevars=function.__code__.co_freevars)
        function.__defaults__ = function.__kwdefaults__ = None
        # The stub's own imports need builtins only; every other global of the module stays out of its reach.


def _empty(module: types.ModuleType) -> None:
    """Disable a module's own functions and classes, take its globals away, and forbid importing it again."""
    for value in list(vars(module).values()):
        if getattr(value, "__module__", None) == module.__name__:
            for one in vars(value).values() if isinstance(value, type) else (value,):
                _disable(one)
    kept = {name: value for name, value in vars(module).items() if name in ("__name__", "__builtins__", "__spec__")}
    vars(module).clear()
    vars(module).update(kept)
    # None in `sys.modules` makes every import of that name fail.
    sys.modules[kept["__name__"]] = None
    parent, _, child = kept["__name__"].rpartition(".")
    if hasattr(sys.modules.get(parent), child):
        delattr(sys.modules[parent], child)


class _Ruleset(ctypes.Structure):
    _fields_ = [("handled_access_fs", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def _hide(files: set[Path]) -> bool:
    """Deny this thread, and what it starts, the reading of `files` and of their compiled forms."""
    if not files or sys.platform != "linux":
        return False
    hidden = files | {Path(importlib.util.cache_from_source(str(path))).parent for path in files}
    libc = ctypes.CDLL(None, use_errno=True)
    ruleset = _Ruleset(_READ_FILE)
    fd = libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0)
    if fd < 0:
        return False
    try:
        # Landlock knows only what is allowed: everything beside each folder on the way to a hidden file.
        ancestors = {parent for path in hidden for parent in path.parents}
        _move_temporary_files(ancestors)
        for folder in ancestors:
            for entry in os.scandir(folder):
                path = Path(entry.path)
                if path in hidden or path in ancestors or entry.is_symlink():
                    continue
                _allow(libc, fd, path)
        return libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0 and libc.syscall(_RESTRICT_SELF, fd, 0) == 0
    finally:
        os.close(fd)


def _move_temporary_files(folders: set[Path]) -> None:
    """Give temporary files a folder of their own, where new ones could not be read in that of now.

    Libraries write code there and import it: AutoGraph does, for each function that `tf.function` compiles.
    """
    if Path(tempfile.gettempdir()).resolve() in folders:
        tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp()


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        # What cannot be opened needs no permission.
        return
    try:
        rule = _PathBeneath(_READ_FILE, beneath)
        libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(beneath)
