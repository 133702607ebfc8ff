"""Landlock: which files a process and its descendants may reach, and that they signal nobody outside (landlock(7))."""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

from coursegrader.sandbox import syscalls

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG, MAKE_SOCK = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 9
MAKE_FIFO, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV = 1 << 10, 1 << 12, 1 << 13, 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
WRITE = (
    WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE
)
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # the rights that make sense for what is no folder

CONFINES_SIGNALS = 6  # the version from which signals and abstract sockets stay inside
_RULE_PATH_BENEATH = 1
_NET_TCP = 0b11
_SCOPES = 0b11
# Rights known to each version of the interface; a ruleset that names an unknown one is refused by the kernel.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_ALL_RIGHTS = (1 << 16) - 1


class _RulesetAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("handled_access_fs", "handled_access_net", "scoped")]


class _PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def version() -> int:
    """The version of Landlock's interface on this machine; 0 where there is none."""
    try:
        return syscalls.call("landlock_create_ruleset", None, 0, 1)
    except OSError:
        return 0


def restrict(rules: Iterable[tuple[str | Path, int]]) -> None:
    """Allow this thread and what it starts only these rights below these paths; paths that are not there are left out.

    Call it before any thread starts, with `no_new_privs` set. Raises OSError where Landlock is missing.
    """
    known = version()
    rights = _RIGHTS.get(known, _ALL_RIGHTS)
    attr = _RulesetAttr(rights, _NET_TCP, _SCOPES)
    size = 8 if known < 4 else 16 if known < CONFINES_SIGNALS else 24
    ruleset = syscalls.call("landlock_create_ruleset", ctypes.byref(attr), size, 0)
    try:
        for path, access in rules:
            _allow(ruleset, path, access & rights)
        syscalls.call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str | Path, access: int) -> None:
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            access &= ON_FILES
        rule = _PathBeneathAttr(access, target)
        syscalls.call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(target)
