"""Which levels of the sandbox this machine offers, found by entering them."""

import functools
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from coursegrader.errors import CourseError
from coursegrader.sandbox import landlock, syscalls, visible
from coursegrader.sandbox.confine import LANDLOCK, NAMESPACES, UNSAFE, Plan, enter, prepare, seal
from coursegrader.sandbox.limits import Limits

_PROBE_SECONDS = 20
_REMEDIES = {
    NAMESPACES: (
        "allow unprivileged user namespaces (sysctl user.max_user_namespaces=10000, and on Ubuntu"
        " kernel.apparmor_restrict_unprivileged_userns=0), or run as root on Linux 5.13 or newer;"
        " in a container: --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
    ),
    LANDLOCK: "needs Linux 6.12 or newer with Landlock switched on (lsm=landlock,... on the kernel's command line)",
}


class NoSandbox(CourseError):
    """The sandbox asked for, or any, cannot be entered on this machine; the message says what would help."""


@dataclass(frozen=True)
class Availability:
    """Whether a level can be entered here; if not, why, and what to do."""

    level: str
    ok: bool
    reason: str


@dataclass(frozen=True)
class Guarantee:
    """One thing that a level keeps, or does not, and by what means."""

    name: str
    kept: bool
    how: str


@functools.cache
def available() -> tuple[Availability, ...]:
    """The levels, best first, each tried out in a process of its own (0.2 s)."""
    return tuple(_try(level) for level in (NAMESPACES, LANDLOCK))


def choose(level: str | None = None) -> str:
    """`level` if it can be entered here, by default the best that can; `unsafe` only when asked for by name.

    Raises NoSandbox with the remedy.
    """
    if level == UNSAFE:
        return level
    found = available()
    if level is None:
        for candidate in found:
            if candidate.ok:
                return candidate.level
        reasons = "; ".join(f"{candidate.level}: {candidate.reason}" for candidate in found)
        raise NoSandbox(f"this machine offers no sandbox, so nothing is graded. {reasons}")
    for candidate in found:
        if candidate.level == level:
            if candidate.ok:
                return level
            raise NoSandbox(f"no sandbox of level {level}: {candidate.reason}")
    raise NoSandbox(f"unknown level {level!r}: choose {NAMESPACES}, {LANDLOCK} or {UNSAFE}")


def describe(level: str) -> tuple[Guarantee, ...]:
    """What a level keeps, in words for the doctor and the report. NoSandbox for an unknown level."""
    if level not in (NAMESPACES, LANDLOCK, UNSAFE):
        raise NoSandbox(f"unknown level {level!r}: choose {NAMESPACES}, {LANDLOCK} or {UNSAFE}")
    full, some = level == NAMESPACES, level != UNSAFE
    return (
        Guarantee("no network", some, "seccomp: no sockets" + (", and an empty network namespace" if full else "")),
        Guarantee("files outside unreadable and unwritable", some,
                  "a mount tree of its own, and Landlock" if full else "Landlock"),
        Guarantee("names, sizes and modes of files outside unknown", full, "a mount tree of its own"),
        Guarantee("other processes invisible", full, "a PID namespace"),
        Guarantee("other processes out of reach", some, "seccomp, " + ("a PID namespace" if full else "Landlock")),
        Guarantee("scratch folder bounded", some,
                  "a tmpfs of fixed size" if full else "measured twice a second, ended when too big"),
        Guarantee("memory, processor, processes bounded", True, "rlimits, and a supervisor that adds up"),
        Guarantee("ends with everything it started", True,
                  "the end of its first process" if full else "a supervisor that adopts orphans"),
    )  # fmt: skip


def _try(level: str) -> Availability:
    if not syscalls.supported():
        return Availability(level, False, "only Linux on x86_64 or aarch64 has it; grade on such a machine")
    if level == LANDLOCK and landlock.version() < landlock.CONFINES_SIGNALS:
        have = f"version {landlock.version()} of Landlock is here"
        return Availability(level, False, f"{have}, 6 is the first to confine signals; {_REMEDIES[level]}")
    command = [sys.executable, "-m", "coursegrader.sandbox", level]
    try:
        probe = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROBE_SECONDS, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return Availability(level, False, f"trying it took more than {_PROBE_SECONDS} s; {_REMEDIES[level]}")
    if probe.returncode == 0:
        return Availability(level, True, f"Landlock version {landlock.version()}")
    said = (probe.stderr.strip() or f"status {probe.returncode}").splitlines()[-1]
    return Availability(level, False, f"{said}; {_REMEDIES[level]}")


def probe(level: str) -> None:
    """Enter `level` in a forked child; OSError says what did not work. Changes this process for good."""
    with tempfile.TemporaryDirectory(prefix="exam-") as folder:
        parts = [str(Path(folder, name)) for name in ("root", "files", "tmp", "link")]
        for part in parts:
            os.mkdir(part)
        os.chmod(folder, 0o711)
        child = os.fork()
        if child == 0:
            plan = Plan(level, *parts, visible.read_only(), Limits(scratch_bytes=1 << 20, scratch_files=16))
            _in_child(lambda: _enter_and_end(plan))
        _, status = os.waitpid(child, 0)
    if status:
        sys.exit(1)


def _enter_and_end(plan: Plan) -> None:
    place = prepare(plan)
    child = os.fork()
    if child == 0:
        _in_child(lambda: enter(plan, place))
    _, status = os.waitpid(child, 0)
    seal(plan)
    if status:
        os._exit(1)


def _in_child(step) -> None:
    try:
        step()
    except OSError as error:
        os.write(2, f"{error}\n".encode())
        os._exit(1)
    os._exit(0)
