"""What a candidate may not ask the kernel for: two seccomp filters, as classic BPF.

Written out, about a hundred lines, instead of libseccomp's Python bindings: those need a shared library that a fresh
machine may lack. Calls that need a capability are mostly left out: a candidate has none. See seccomp(2).
"""

import ctypes
import errno
import platform
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple

from coursegrader.sandbox import syscalls
from coursegrader.sandbox.syscalls import ARCHITECTURES, LAST_NUMBER, number

_SET_MODE_FILTER, _FLAG_TSYNC = 1, 1
_RET_KILL_PROCESS, _RET_ERRNO, _RET_ALLOW = 0x8000_0000, 0x0005_0000, 0x7FFF_0000
_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06  # BPF_LD|W|ABS, BPF_ALU|AND|K, BPF_RET|K
_JUMP_EQUAL, _JUMP_GREATER = 0x15, 0x25  # BPF_JMP|JEQ|K, BPF_JMP|JGT|K
_NEW_NAMESPACES = (
    syscalls.CLONE_NEWNS | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUSER
    | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWCGROUP
)  # fmt: skip


class Rule(NamedTuple):
    """Refuse `name` with the error `code` (0: pretend that it was done).

    With `arg`, only where (argument & mask) == value, or != where `unless`.
    """

    name: str
    code: int = errno.EPERM
    arg: int | None = None
    mask: int = 0xFFFF_FFFF
    value: int = 0
    unless: bool = False


def _all(names: str) -> list[Rule]:
    return [Rule(name) for name in names.split()]


OTHER_PROCESSES = [
    *_all("ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd"),
    *_all("move_pages migrate_pages perf_event_open userfaultfd bpf"),
    # Own limits, priority and processors only (who == 0); a hard limit can be lowered, never raised.
    *(Rule(name, arg=0, unless=True) for name in ("prlimit64", "sched_setaffinity", "sched_setattr")),
    # Pretended to succeed: ZeroMQ does this to each of its own threads and aborts when refused.
    *(Rule(name, 0, arg=0, unless=True) for name in ("sched_setscheduler", "sched_setparam")),
    *(Rule(name, arg=1, unless=True) for name in ("setpriority", "ioprio_set")),
    # What ties a process to its supervisor stays: the death signal, being undumpable, who reaps orphans.
    *(Rule("prctl", arg=0, value=option) for option in (
        syscalls.PR_SET_PDEATHSIG, syscalls.PR_SET_DUMPABLE, syscalls.PR_SET_MM,
        syscalls.PR_SET_CHILD_SUBREAPER, syscalls.PR_SET_PTRACER,
    )),
]  # fmt: skip
NAMESPACES = [
    *_all("unshare setns mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick"),
    *_all("mount_setattr open_tree_attr name_to_handle_at open_by_handle_at fanotify_init"),
    Rule("clone3", errno.ENOSYS),  # its flags lie in memory, out of a filter's sight; libc then uses clone
    *(Rule("clone", arg=0, mask=1 << bit, value=1 << bit) for bit in range(32) if _NEW_NAMESPACES >> bit & 1),
]
# Memory that belongs to no process (the memory limit cannot see it), and the kernel's keyrings.
HIDDEN_MEMORY = _all("memfd_create memfd_secret shmget msgget semget mq_open add_key request_key keyctl")
ODD_DOORS = [
    *_all("io_uring_setup io_uring_enter io_uring_register modify_ldt"),
    Rule("personality", arg=0, value=0xFFFF_FFFF, unless=True),
    *(Rule("ioctl", arg=1, value=request) for request in (0x5412, 0x541C)),  # TIOCSTI, TIOCLINUX: typing into a tty
]
UNIX_SOCKETS_ONLY = [
    Rule("socket", errno.EACCES, arg=0, value=socket.AF_UNIX, unless=True),
    Rule("socketpair", errno.EACCES, arg=0, value=socket.AF_UNIX, unless=True),
    # A datagram socket could send to any address without `connect`.
    *(Rule("socketpair", errno.EACCES, arg=1, mask=0xF, value=int(kind)) for kind in (
        socket.SOCK_DGRAM, socket.SOCK_RAW)),
]  # fmt: skip
# Landlock does not govern a file's mode, owner, times and attributes: without a mount tree these reach any file.
# Mode, owner and times are pretended to be set: `shutil.copy` would fail otherwise.
FILE_METADATA = [
    *(Rule(name, 0) for name in (
        "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat"
    ).split()),
    *_all("setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat mknod mknodat"),
]  # fmt: skip
NO_NEW_SOCKETS = [Rule(name, errno.EACCES) for name in ("socket", "bind", "connect", "listen")]

BASE = [*OTHER_PROCESSES, *NAMESPACES, *HIDDEN_MEMORY, *ODD_DOORS, *UNIX_SOCKETS_ONLY]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def _instruction(code: int, k: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, k)


def assemble(rules: Iterable[Rule]) -> bytes:
    """The rules as a BPF program over `struct seccomp_data` (number, architecture, instruction, six arguments).

    A foreign architecture's call kills the process; a call newer than this table, or of the x32 interface, is ENOSYS.
    """
    refuse_unknown = _instruction(_RETURN, _RET_ERRNO | errno.ENOSYS)
    program = [
        _instruction(_LOAD, 4),
        _instruction(_JUMP_EQUAL, ARCHITECTURES[platform.machine()], if_true=1),
        _instruction(_RETURN, _RET_KILL_PROCESS),
        _instruction(_LOAD, 0),
        _instruction(_JUMP_GREATER, LAST_NUMBER, if_false=1),
        refuse_unknown,
    ]
    for rule in rules:
        if number(rule.name) is None:
            continue
        refuse = _instruction(_RETURN, _RET_ERRNO | rule.code)
        if rule.arg is None:
            program += [_instruction(_JUMP_EQUAL, number(rule.name), if_false=1), refuse]
            continue
        # Low half of the argument: flags, ids and requests are ints. Both supported architectures are little endian.
        program += [
            _instruction(_JUMP_EQUAL, number(rule.name), if_false=5),
            _instruction(_LOAD, 16 + 8 * rule.arg),
            _instruction(_AND, rule.mask),
            _instruction(_JUMP_EQUAL, rule.value, *((1, 0) if rule.unless else (0, 1))),
            refuse,
            _instruction(_LOAD, 0),
        ]
    program.append(_instruction(_RETURN, _RET_ALLOW))
    return b"".join(program)


def install(rules: Iterable[Rule]) -> None:
    """Bind the rules to every thread of this process and all that it starts, for good.

    Needs `no_new_privs`. Raises OSError where the kernel has no seccomp filters.
    """
    code = assemble(rules)
    program = _Program(len(code) // 8, code)
    syscalls.call("seccomp", _SET_MODE_FILTER, _FLAG_TSYNC, ctypes.byref(program))
