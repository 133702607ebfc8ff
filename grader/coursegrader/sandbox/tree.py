"""The file system that a candidate in its own namespaces sees, and nothing behind it."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from coursegrader.sandbox import syscalls, visible
from coursegrader.sandbox.limits import Limits

SCRATCH, TEMPORARY, SHARED, LINK, TERMINALS = "/scratch", "/tmp", "/dev/shm", "/run/kernel", "/dev/pts"
_QUIET = syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NODEV
_READ_ONLY = syscalls.MOUNT_ATTR_RDONLY | _QUIET


def build(mount_point: str, read_only: Sequence[str], files: str, link: str, owner: tuple[int, int], limits: Limits):
    """Mount the candidate's tree, all but its /proc, on `mount_point`.

    `read_only` paths keep their names. `files` are copied to SCRATCH, which shares one bounded tmpfs with /tmp and
    /dev/shm; `link` holds the kernel's sockets. Needs a mount namespace of its own and CAP_SYS_ADMIN over it.
    """
    uid, gid = owner
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV
    syscalls.mount("tmpfs", mount_point, "tmpfs", flags, "mode=755,size=1m,nr_inodes=4096")
    root = Path(mount_point)
    for folder in ("proc", "etc", "dev", "run"):
        (root / folder).mkdir(mode=0o755)
    _scratch(root, files, owner, limits)
    for path in read_only:
        _show(root, path, _READ_ONLY)
    for device in visible.DEVICES:
        _show(root, device, 0)
    os.symlink("/proc/self/fd", root / "dev/fd")
    _terminals(root)
    (root / "etc/passwd").write_text(f"student:x:{uid}:{gid}::{SCRATCH}:/bin/sh\n")
    (root / "etc/group").write_text(f"student:x:{gid}:\n")
    (root / LINK[1:]).mkdir(mode=0o755)
    syscalls.mount(link, str(root / LINK[1:]), None, syscalls.MS_BIND)
    syscalls.mount_attributes(str(root / LINK[1:]), _QUIET | syscalls.MOUNT_ATTR_NOEXEC)


def enter(mount_point: str) -> None:
    """Make the tree the root of this mount namespace for all processes in it; only PID 1 of a PID namespace can."""
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    # Before the old root goes: an ordinary user may mount a new /proc only where one is already to be seen.
    syscalls.mount("proc", f"{mount_point}/proc", "proc", flags)
    syscalls.pivot_root(mount_point)
    syscalls.mount_attributes("/", syscalls.MOUNT_ATTR_RDONLY, recursive=False)


def seal_link() -> None:
    """Make the socket folder read-only: its sockets still answer, nothing can be written to the disk behind it."""
    syscalls.mount_attributes(LINK, syscalls.MOUNT_ATTR_RDONLY)


def _scratch(root: Path, files: str, owner: tuple[int, int], limits: Limits) -> None:
    bounded = root / "bounded"
    bounded.mkdir()
    # Room for the three folders below comes on top of the limits.
    options = f"mode=755,size={limits.scratch_bytes},nr_inodes={limits.scratch_files + 4}"
    syscalls.mount("tmpfs", str(bounded), "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, options)
    for target in (SCRATCH, TEMPORARY, SHARED):
        part = bounded / target.replace("/", "_")
        if target == SCRATCH:
            shutil.copytree(files, part)
        else:
            part.mkdir()
        _give(part, owner)
        (root / target[1:]).mkdir(mode=0o755, parents=True, exist_ok=True)
        syscalls.mount(str(part), str(root / target[1:]), None, syscalls.MS_BIND)
        syscalls.mount_attributes(str(root / target[1:]), _QUIET)
    syscalls.unmount(str(bounded))
    bounded.rmdir()


def _terminals(root: Path) -> None:
    # IPython runs `!command` in a pseudo-terminal; this instance has none of the machine's.
    (root / TERMINALS[1:]).mkdir(mode=0o755)
    flags = syscalls.MS_NOSUID | syscalls.MS_NOEXEC
    syscalls.mount("devpts", str(root / TERMINALS[1:]), "devpts", flags, "newinstance,ptmxmode=0666,mode=0600")
    os.symlink("pts/ptmx", root / "dev/ptmx")


def _give(folder: Path, owner: tuple[int, int]) -> None:
    folder.chmod(0o700)
    os.chown(folder, *owner)
    for path in folder.rglob("*"):
        os.chown(path, *owner, follow_symlinks=False)


def _show(root: Path, path: str, attributes: int) -> None:
    place = root / path[1:]
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), place)
        return
    if os.path.isdir(path):
        place.mkdir(mode=0o755, exist_ok=True)
    else:
        place.touch()
    syscalls.mount(path, str(place), None, syscalls.MS_BIND | syscalls.MS_REC)
    if attributes:
        syscalls.mount_attributes(str(place), attributes)
