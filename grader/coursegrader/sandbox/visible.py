"""What a candidate can read of the machine: the interpreter's environment and the system's libraries, nothing else."""

import os
import sys
from pathlib import Path

_SYSTEM = "/usr/bin /usr/lib /usr/lib32 /usr/lib64 /usr/libx32 /usr/share /bin /lib /lib32 /lib64 /libx32"
_ETC = "ld.so.cache ld.so.conf ld.so.conf.d localtime timezone nsswitch.conf host.conf fonts alternatives mime.types"
# Not `etc` and `share/jupyter`: they hold a grader's configuration, which may name a database and its password.
_PREFIX = "bin lib lib64 include share/zoneinfo pyvenv.cfg"
DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom"))
PROCESS_FILES = tuple(f"/proc/{name}" for name in ("cpuinfo", "meminfo", "stat", "uptime", "version", "filesystems"))
PROCESSOR_FILES = ("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/kernel/mm/transparent_hugepage")


def read_only() -> tuple[str, ...]:
    """Folders and files that Python and its packages need, those that exist, symbolic links as they are."""
    paths = _SYSTEM.split() + [f"/etc/{name}" for name in _ETC.split()]
    for prefix in dict.fromkeys((sys.base_prefix, sys.prefix)):
        # A system Python's environment is the system's, listed above.
        if prefix != "/usr":
            paths += [str(Path(prefix, part)) for part in _PREFIX.split()]
    return tuple(path for path in paths if os.path.lexists(path))
