"""How much one kernel and everything it starts may use in its whole life."""

import resource
from dataclasses import asdict, dataclass
from typing import Any

_MIB, _GIB = 1 << 20, 1 << 30
_RESERVED = (
    1 * _GIB
)  # address space that TensorFlow's and Python's threads reserve as stacks and arenas, mostly untouched


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes; `processes` counts threads too (TensorFlow starts several for each core)."""

    wall: float = 900
    cpu: float = 900
    memory: int = 4 * _GIB
    processes: int = 512
    open_files: int = 512
    file_bytes: int = 256 * _MIB
    scratch_bytes: int = 512 * _MIB
    scratch_files: int = 10_000
    output_bytes: int = 16 * _MIB
    message_bytes: int = 64 * _MIB

    def to_json(self) -> dict[str, Any]:
        """The limits as plain data, for the warm process."""
        return asdict(self)


def apply(limits: Limits, processes: int) -> None:
    """Set the process's own limits, hard and soft, so that they cannot be raised again.

    `processes` is the number of tasks that this process's user may have. They bound one process each; the
    supervisor watches the sum.
    """
    cpu = int(limits.cpu) + 1
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_DATA, limits.memory + _RESERVED),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_NPROC, processes),
    ):
        _, hard = resource.getrlimit(kind)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))
