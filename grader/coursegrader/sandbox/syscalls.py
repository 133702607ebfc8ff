"""The system calls that Python does not offer, through ctypes; each raises OSError naming the call.

Numbers and constants: Linux `uapi` headers (a test compares the numbers with the headers where these are installed).
"""

import ctypes
import os
import platform
import sys
from collections.abc import Iterable

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x0002_0000, 0x0400_0000, 0x0800_0000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x1000_0000, 0x2000_0000, 0x4000_0000
CLONE_NEWCGROUP = 0x0200_0000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 0x1, 0x2, 0x4, 0x8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x4_0000
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 0x1, 0x2, 0x4, 0x8
AT_FDCWD, AT_RECURSIVE = -100, 0x8000

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS = 1, 4, 8
PR_CAPBSET_DROP, PR_SET_MM, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 24, 35, 36, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, PR_SET_PTRACER = 47, 4, 0x5961_6D61
CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN = 2, 21

# The calls named in this package: (x86_64, aarch64), None where an architecture does not have it.
NUMBERS: dict[str, tuple[int, int | None]] = {
    "capset": (126, 91),
    "prctl": (157, 167),
    "seccomp": (317, 277),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "unshare": (272, 97),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "setns": (308, 268),
    "clone": (56, 220),
    "clone3": (435, 435),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "bind": (49, 200),
    "connect": (42, 203),
    "listen": (50, 201),
    "ioctl": (16, 29),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "fchmodat2": (452, 452),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "open_tree_attr": (467, 467),
}
LAST_NUMBER = 467  # of Linux 6.15; what came later is unknown here and is refused inside the sandbox
ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}  # AUDIT_ARCH_* values

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def supported() -> bool:
    """True on Linux on an architecture whose system call numbers are known here."""
    return sys.platform == "linux" and platform.machine() in ARCHITECTURES


def number(name: str) -> int | None:
    """The number of a system call on this machine; None where it has none."""
    return NUMBERS[name][list(ARCHITECTURES).index(platform.machine())]


def call(name: str, *args: object) -> int:
    """Make the system call `name`; integers, bytes, None and ctypes pointers are passed as they are."""
    words = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    result = _libc.syscall(ctypes.c_long(number(name)), *words)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


def prctl(option: int, *args: int) -> None:
    """`prctl(2)`: set an attribute of this process (missing arguments are zero)."""
    call("prctl", option, *(args + (0,) * (4 - len(args))))


def unshare(flags: int) -> None:
    """`unshare(2)`: leave namespaces for new ones."""
    call("unshare", flags)


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """`mount(2)`."""
    try:
        call("mount", *(None if text is None else text.encode() for text in (source, target, kind)), flags,
             None if options is None else options.encode())  # fmt: skip
    except OSError as error:
        raise OSError(error.errno, f"mount {kind or source} on {target}: {os.strerror(error.errno)}") from None


class _MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


def mount_attributes(target: str, attributes: int, recursive: bool = True) -> None:
    """`mount_setattr(2)`: set MOUNT_ATTR_* flags on a mount and, if `recursive`, all that is mounted below it."""
    attr = _MountAttr(attr_set=attributes)
    flags = AT_RECURSIVE if recursive else 0
    call("mount_setattr", AT_FDCWD, target.encode(), flags, ctypes.byref(attr), ctypes.sizeof(attr))


def unmount(target: str) -> None:
    """`umount2(2)` with MNT_DETACH: away at once, freed when its last user ends."""
    call("umount2", target.encode(), MNT_DETACH)


def pivot_root(new_root: str) -> None:
    """Make `new_root`, a mount point, the root of this mount namespace and detach the old one."""
    os.chdir(new_root)
    call("pivot_root", b".", b".")  # the old root now lies on top of the new one: pivot_root(2), "pivot_root(".", ".")"
    unmount(".")
    os.chdir("/")


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def set_capabilities(kept: Iterable[int] = ()) -> None:
    """`capset(2)`: keep these capabilities (effective and permitted, below 32), give up every other one."""
    mask = sum(1 << capability for capability in kept)
    data = (_CapData * 2)(_CapData(mask, mask, 0), _CapData(0, 0, 0))
    header = _CapHeader(0x2008_0522, 0)  # _LINUX_CAPABILITY_VERSION_3
    call("capset", ctypes.byref(header), ctypes.byref(data))


def clear_bounding_set() -> None:
    """Empty the capability bounding and ambient sets; needs CAP_SETPCAP."""
    with open("/proc/sys/kernel/cap_last_cap") as file:
        last = int(file.read())
    for capability in range(last + 1):
        prctl(PR_CAPBSET_DROP, capability)
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
