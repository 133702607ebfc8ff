"""The exam's two kernels from a warm process: the candidate in the sandbox, the examiner beside it."""

import signal
import time
from dataclasses import replace

from coursegrader.errors import KernelUnavailable
from coursegrader.exam.kernels import Start
from coursegrader.sandbox import Limits
from coursegrader.warm import Forge, KernelFailed

USAGE_SECONDS = 0.5
# How a kernel ends that nobody here ended: `warm.Usage` says what each is.
_FROM_OUTSIDE = ("signal SIGKILL", "killed", "lost")


class WarmKernel:
    """A kernel of a forge, asked for and on its way."""

    def __init__(self, forge: Forge, start: Start, limits: Limits, confined: bool):
        self.peak_memory = 0
        self._measured = 0.0
        self._why = ""
        self._closed = False
        try:
            self._control = forge.launch(
                files=start.files,
                env=start.environment,
                limits=replace(limits, memory=start.memory),
                confined=confined,
            )
        except KernelFailed as error:
            raise _unavailable(error) from error
        self.connection = self._control.connection

    def wait_started(self, deadline: float) -> None:
        """Wait until it can be connected to."""
        try:
            self._control.wait_ready(max(deadline - time.monotonic(), 0))
        except KernelFailed as error:
            raise _unavailable(error) from error

    def alive(self) -> bool:
        """Whether its process still runs."""
        if self._closed:
            return False
        if time.monotonic() - self._measured > USAGE_SECONDS:
            self._measure()
        return self._control.ended is None

    def _measure(self) -> None:
        self._measured = time.monotonic()
        self.peak_memory = max(self.peak_memory, self._control.usage().peak_bytes)

    def why_ended(self) -> str:
        """What ended it: its exit, a signal, or the limit that it went beyond."""
        if not self._closed:
            self._why = self._control.ended or ""
        return self._why

    def killed(self) -> bool:
        """Whether something else than `kill` and the limits killed it, or the process that it was forked from."""
        return self.why_ended() in _FROM_OUTSIDE

    def interrupt(self) -> None:
        """Interrupt what it runs."""
        if self.alive():
            self._control.line.send(signal=signal.SIGINT)

    def kill(self) -> None:
        """End it and everything that it started; its folder goes with it."""
        if self._closed:
            return
        self.why_ended()
        self._control.end()
        self._measure()
        self._control.close()
        self._closed = True


def _unavailable(error: KernelFailed) -> KernelUnavailable:
    return KernelUnavailable(f"A kernel did not start ({error}): see `coursegrader doctor`.")


class WarmLauncher:
    """Starts kernels of a forge: candidates in its sandbox, within `limits`; examiners without one."""

    def __init__(self, forge: Forge, limits: Limits | None = None):
        self._forge, self._limits = forge, limits or Limits()

    def candidate(self, start: Start) -> WarmKernel:
        """The kernel of the student's code, confined."""
        return WarmKernel(self._forge, start, self._limits, confined=True)

    def examiner(self, start: Start) -> WarmKernel:
        """The kernel of the tests, out of the student's reach."""
        return WarmKernel(self._forge, start, self._limits, confined=False)
