"""The table of system calls, the filters as programs, and the choice of a level."""

import errno
import platform
import re
import struct
from pathlib import Path

import pytest
from coursegrader import sandbox
from coursegrader.sandbox import levels, seccomp, syscalls
from coursegrader.sandbox.levels import Availability
from coursegrader.sandbox.seccomp import BASE, FILE_METADATA, NO_NEW_SOCKETS, Rule

HEADERS = {0: "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 1: "/usr/include/asm-generic/unistd.h"}
ALLOWED, KILLED = 0x7FFF0000, 0x80000000


@pytest.mark.parametrize("column", HEADERS)
def test_numbers_are_those_of_the_headers(column):
    header = Path(HEADERS[column])
    if not header.exists():
        pytest.skip(f"{header} is not installed (linux-libc-dev)")
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text()))
    ours = {name: numbers[column] for name, numbers in syscalls.NUMBERS.items() if name in found}
    assert len(ours) > 60
    assert ours == {name: int(found[name]) for name in ours}


def decide(rules: list[Rule], name: str | int, *args: int, architecture: int | None = None) -> int:
    """What the filter answers to a call, by running its program here."""
    number = name if isinstance(name, int) else syscalls.number(name)
    architecture = architecture or syscalls.ARCHITECTURES[platform.machine()]
    data = struct.pack("<IIQ6Q", number, architecture, 0, *(args + (0,) * (6 - len(args))))
    program = list(struct.iter_unpack("HBBI", seccomp.assemble(rules)))
    at = value = 0
    while True:
        code, if_true, if_false, k = program[at]
        at += 1
        match code:
            case 0x20:
                value = struct.unpack_from("<I", data, k)[0]
            case 0x54:
                value &= k
            case 0x15:
                at += if_true if value == k else if_false
            case 0x25:
                at += if_true if value > k else if_false
            case 0x06:
                return k


def error(code: int) -> int:
    return 0x50000 | code


@pytest.mark.parametrize(
    ("name", "args", "answer"),
    [
        ("ptrace", (), error(errno.EPERM)),
        ("clone3", (), error(errno.ENOSYS)),
        ("clone", (0x10000000 | 0x11,), error(errno.EPERM)),
        ("clone", (0x3D0F00,), ALLOWED),  # a thread
        ("clone", (0x01200011,), ALLOWED),  # fork
        ("socket", (1, 1), ALLOWED),
        ("socket", (2, 1), error(errno.EACCES)),
        ("socket", (2, 2), error(errno.EACCES)),
        ("socket", (10, 2), error(errno.EACCES)),  # IPv6
        ("socket", (40, 1), error(errno.EACCES)),  # to the host of a virtual machine
        ("socketpair", (1, 1 | 0o2000000), ALLOWED),
        ("socketpair", (1, 2 | 0o2000000), error(errno.EACCES)),
        ("prlimit64", (0, 7), ALLOWED),
        ("prlimit64", (1, 7), error(errno.EPERM)),
        ("prctl", (1, 0), error(errno.EPERM)),
        ("prctl", (15, 0), ALLOWED),  # PR_SET_NAME, of the calling thread
        ("ioctl", (1, 0x5412), error(errno.EPERM)),
        ("ioctl", (1, 0x5401), ALLOWED),
        ("ioctl", (1, 0x5412 | 1 << 32), error(errno.EPERM)),  # the kernel looks at the low half only
        ("chmod", (), ALLOWED),
        (0x40000000 + 101, (), error(errno.ENOSYS)),  # the x32 interface
        (syscalls.LAST_NUMBER + 1, (), error(errno.ENOSYS)),
    ],
)
def test_filter_answers(name, args, answer):
    if platform.machine() != "x86_64" and name in (0x40000000 + 101, "chmod"):
        pytest.skip("a call of x86_64")
    assert decide(BASE, name, *args) == answer


def test_other_architectures_are_killed():
    assert decide(BASE, "ptrace", architecture=0x40000003) == KILLED  # i386


def test_socket_doors_close():
    assert decide(NO_NEW_SOCKETS, "socket", 1, 1) == error(errno.EACCES)
    assert decide(NO_NEW_SOCKETS, "connect") == error(errno.EACCES)


def test_metadata_is_pretended():
    assert decide(FILE_METADATA, "fchmod") == error(0)
    assert decide(FILE_METADATA, "fsetxattr") == error(errno.EPERM)


def test_levels_are_reported():
    found = sandbox.available()
    assert [level.level for level in found] == ["namespaces", "landlock"]
    assert all(level.reason for level in found)


def test_unsafe_is_never_chosen_unasked(monkeypatch):
    nothing = (Availability("namespaces", False, "do this"), Availability("landlock", False, "do that"))
    monkeypatch.setattr(levels, "available", lambda: nothing)
    with pytest.raises(sandbox.NoSandbox, match=r"do this.*do that"):
        sandbox.choose()
    with pytest.raises(sandbox.NoSandbox, match="do that"):
        sandbox.choose("landlock")
    assert sandbox.choose("unsafe") == "unsafe"


def test_the_best_level_is_chosen(monkeypatch):
    both = (Availability("namespaces", True, ""), Availability("landlock", True, ""))
    monkeypatch.setattr(levels, "available", lambda: both)
    assert sandbox.choose() == "namespaces"
    assert sandbox.choose("landlock") == "landlock"
    monkeypatch.setattr(levels, "available", lambda: (Availability("namespaces", False, ""), both[1]))
    assert sandbox.choose() == "landlock"


@pytest.mark.parametrize("function", [sandbox.choose, sandbox.describe])
def test_unknown_level(function):
    with pytest.raises(sandbox.NoSandbox, match="namespaces, landlock or unsafe"):
        function("chroot")


def test_levels_keep_less_and_less():
    kept = [[guarantee.kept for guarantee in sandbox.describe(level)] for level in ("namespaces", "landlock", "unsafe")]
    assert all(kept[0])
    assert sum(kept[0]) > sum(kept[1]) > sum(kept[2])
