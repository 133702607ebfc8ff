"""Putting one kernel into the sandbox, in four steps shared by its supervisor and itself.

1. `prepare` in the supervisor, before it forks the kernel: namespaces and the file tree.
2. `enter` in the kernel, while it has one thread: user, limits, Landlock, seccomp.
3. `seal` in the supervisor, once the kernel's sockets are bound.
4. `close_doors` in the kernel, before it runs anything of a student's.
"""

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from coursegrader.sandbox import landlock, limits, seccomp, syscalls, tree, visible

NAMESPACES, LANDLOCK, UNSAFE = "namespaces", "landlock", "unsafe"
_INSIDE_ID = 1000
_ID_RANGE = 1 << 30  # user ids that no system hands out; the supervisor's pid on top makes them unique


@dataclass(frozen=True)
class Plan:
    """What the sandbox of one kernel is made from.

    `mount_point` is an empty folder (any number of kernels may share it), `files` the folder with the candidate's
    files, `temporary` an empty one, `link` the folder for its sockets; `read_only` what else it sees.
    """

    level: str
    mount_point: str
    files: str
    temporary: str
    link: str
    read_only: tuple[str, ...]
    limits: limits.Limits


@dataclass(frozen=True)
class Place:
    """Where things are as the kernel sees them, and the user and group it runs as (None: the supervisor's own)."""

    scratch: str
    temporary: str
    link: str
    owner: tuple[int, int] | None


def prepare(plan: Plan) -> Place:
    """Enter new namespaces and build the tree (level `namespaces`), or give the folders to the kernel's user."""
    root = os.geteuid() == 0
    if plan.level == UNSAFE:
        return Place(plan.files, plan.temporary, plan.link, None)
    owner = (_spare_id(),) * 2 if root else (os.geteuid(), os.getegid())
    if plan.level == LANDLOCK:
        if root:
            _hand_over((plan.files, plan.temporary, plan.link), owner)
        return Place(plan.files, plan.temporary, plan.link, owner if root else None)
    spaces = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNET
    spaces |= syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS
    if root:
        os.chown(plan.link, *owner)
        syscalls.unshare(spaces)
    else:
        _unshare_user(spaces, owner)
        owner = (_INSIDE_ID, _INSIDE_ID)
    socket.sethostname("exam")
    os.chdir("/")  # the supervisor's root changes with the kernel's, its working folder would not
    tree.build(plan.mount_point, plan.read_only, plan.files, plan.link, owner, plan.limits)
    return Place(tree.SCRATCH, tree.TEMPORARY, tree.LINK, owner if root else None)


def enter(plan: Plan, place: Place) -> None:
    """Give up everything that a candidate does not need. There must be one thread only."""
    if plan.level == UNSAFE:
        os.chdir(place.scratch)
        return
    if plan.level == NAMESPACES:
        tree.enter(plan.mount_point)
    processes = plan.limits.processes
    if plan.level == LANDLOCK and place.owner is None:
        processes += _tasks_of_user()  # without a user namespace the limit counts all that this user runs
    limits.apply(plan.limits, processes)
    _drop_privileges(plan, place)
    os.chdir(place.scratch)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    # The kernel forgets the death signal when credentials change, so it comes after that.
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    if landlock.version():
        landlock.restrict(_rules(plan, place))
    seccomp.install(seccomp.BASE + (seccomp.FILE_METADATA if plan.level == LANDLOCK else []))


def seal(plan: Plan) -> None:
    """Close the folder of the kernel's sockets to anything new."""
    if plan.level == NAMESPACES:
        tree.seal_link()


def close_doors(plan: Plan) -> None:
    """No socket can be made or connected from now on, in any thread."""
    if plan.level != UNSAFE:
        seccomp.install(seccomp.NO_NEW_SOCKETS)


def _drop_privileges(plan: Plan, place: Place) -> None:
    if place.owner is None and plan.level == LANDLOCK:
        return  # an ordinary user, outside any user namespace: nothing to give up
    kept = []
    syscalls.clear_bounding_set()
    if place.owner is not None:
        uid, gid = place.owner
        # Without a mount tree of its own another user may be unable to reach an interpreter in a private home. Then
        # the capability to read stays; Landlock, which it does not lift, still says what can be read.
        if plan.level == LANDLOCK:
            kept = [syscalls.CAP_DAC_READ_SEARCH]
            syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    syscalls.set_capabilities(kept)


def _rules(plan: Plan, place: Place) -> list[tuple[str | Path, int]]:
    full = landlock.READ | landlock.WRITE
    rules = [(place.scratch, full), (place.temporary, full)]
    rules.append((place.link, landlock.MAKE_SOCK | landlock.REMOVE_FILE | landlock.READ_DIR))
    device = landlock.READ | landlock.WRITE_FILE | landlock.IOCTL_DEV
    rules += [(path, device) for path in visible.DEVICES]
    if plan.level == NAMESPACES:
        return [*rules, ("/", landlock.READ), (tree.SHARED, full), (tree.TERMINALS, device)]
    for path in (*plan.read_only, *visible.PROCESS_FILES, *visible.PROCESSOR_FILES, f"/proc/{os.getpid()}"):
        rules.append((path, landlock.READ))
    return rules


def _unshare_user(spaces: int, owner: tuple[int, int]) -> None:
    # Only a dumpable process may write its own maps; the warm process it comes from is not.
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
    syscalls.unshare(syscalls.CLONE_NEWUSER | spaces)
    Path("/proc/self/setgroups").write_text("deny")
    for name, outside in zip(("uid_map", "gid_map"), owner, strict=True):
        Path(f"/proc/self/{name}").write_text(f"{_INSIDE_ID} {outside} 1")
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)


def _spare_id() -> int:
    wanted = _ID_RANGE + os.getpid()
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= wanted < first + count:
            return wanted
    return 65534  # in a container with few user ids: nobody


def _hand_over(folders: tuple[str, ...], owner: tuple[int, int]) -> None:
    for folder in folders:
        os.chown(folder, *owner)
        for path in Path(folder).rglob("*"):
            os.chown(path, *owner, follow_symlinks=False)


def _tasks_of_user() -> int:
    total = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                if entry.stat().st_uid == os.getuid():
                    total += len(os.listdir(f"/proc/{entry.name}/task"))
            except OSError:  # it ended while we counted
                continue
    return total
