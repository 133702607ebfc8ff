"""Where submissions are examined: kernels forked from one warm process, each candidate in the machine's sandbox.

The coordinator opens a hall once a run and sends it to its workers, which start kernels in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coursegrader import sandbox, warm
from coursegrader.exam.kernels import ColdLauncher, Launcher
from coursegrader.exam.warm_kernels import WarmLauncher
from coursegrader.sandbox import UNSAFE
from coursegrader.submission.ahead import loading
from coursegrader.submission.spec import Exam, LimitValues, Spec

if TYPE_CHECKING:
    from coursegrader.course import Course


@dataclass(frozen=True)
class Hall:
    """A place to examine in, as a value that workers can be sent.

    `level` is the candidates' sandbox: `namespaces`, `landlock` or `unsafe` (none). `address` is that of the warm
    process, None for cold kernels without a sandbox. `message` says why kernels start cold where they should not.
    """

    level: str
    address: str | None = None
    message: str = ""

    def launcher(self, limits: LimitValues) -> Launcher:
        """What starts one submission's kernels; raises `warm.NoForge` when the warm process has gone."""
        if self.address is None:
            return ColdLauncher()
        return WarmLauncher(warm.connect(self.address), _of_kernel(limits))


COLD = Hall(UNSAFE)
CANNOT_FORK = "kernels start cold, each in seconds: only Linux on x86_64 or aarch64 forks them from a warm process"


@contextmanager
def open_hall(
    level: str | None = None,
    *,
    unsafe: bool = False,
    preload: Sequence[str] = warm.forge.PRELOAD,
    spec: Spec | None = None,
) -> Iterator[Hall]:
    """Starts the warm process and ends it, with every kernel that came of it, when the block is left.

    `level` asks for one level of the sandbox, None for the best that this machine has; `unsafe` is the only way to do
    without one, and stands above `level`. `preload` is what the warm process imports; then it loads the data that the
    cells of `spec` load. Raises `sandbox.NoSandbox` with the remedy, `warm.NoForge` when no warm process starts.
    """
    if level == UNSAFE and not unsafe:
        raise sandbox.NoSandbox("grading without a sandbox must be asked for by name: --unsafe-no-sandbox")
    if unsafe and not sandbox.supported():
        yield replace(COLD, message=CANNOT_FORK)
        return
    with warm.start(UNSAFE if unsafe else level, preload, loading(spec) if spec else "") as forge:
        yield Hall(forge.level, forge.address, forge.message or "")


@contextmanager
def told(
    opening: Callable[[Spec], AbstractContextManager[Hall]], say: Callable[[str], object], spec: Spec
) -> Iterator[Hall]:
    """The hall that `opening` opens for `spec`; where kernels start cold, `say` is told why grading takes longer."""
    with opening(spec) as hall:
        if hall.message:
            say(hall.message)
        yield hall


def level_for_marks(course: Course) -> str | None:
    """The level that this course's marks need, as `c.Exam.level` says; None where the best there is will do."""
    return Exam(config=course.config).level or None


def _of_kernel(limits: LimitValues) -> sandbox.Limits:
    """An assignment's limits as those of one kernel's whole life."""
    # The exam ends a submission at its own deadline; this one is for a coordinator that no longer does.
    slack = limits.start_seconds + limits.cell_seconds + 4 * limits.grace_seconds
    return sandbox.Limits(
        wall=limits.submission_seconds + slack,
        cpu=limits.cpu_seconds,
        memory=limits.memory,
        processes=limits.processes,
        open_files=limits.open_files,
        file_bytes=limits.file_size,
        scratch_bytes=limits.scratch,
        scratch_files=limits.scratch_files,
        output_bytes=limits.shown,
        message_bytes=limits.message,
    )
