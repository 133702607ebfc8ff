"""The exam's two kernels from a warm process: the candidate in the sandbox, the examiner beside it."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from coursegrader.exam.kernels import Start
from coursegrader.sandbox import Limits
from coursegrader.warm import Forge, WarmKernelManager

USAGE_SECONDS = 0.5


class WarmKernel:
    """A kernel of a forge, started."""

    def __init__(self, manager: WarmKernelManager, environment: dict[str, str]):
        self._manager = manager
        # jupyter_client's managers are asynchronous; what is asked of this one here is short.
        self._loop = asyncio.new_event_loop()
        self.peak_memory = 0
        self._measured = 0.0
        self._why = ""
        self._closed = False
        self._await(manager.start_kernel(env=environment))
        info = manager.get_connection_info()
        self.connection = {name: value.decode() if isinstance(value, bytes) else value for name, value in info.items()}

    def _await(self, coroutine: Coroutine) -> Any:
        return self._loop.run_until_complete(coroutine)

    def alive(self) -> bool:
        """Whether its process still runs."""
        if self._closed:
            return False
        if time.monotonic() - self._measured > USAGE_SECONDS:
            self._measured = time.monotonic()
            self._use(self._manager.usage())
        return self._manager.control.ended is None

    def _use(self, usage: Any) -> None:
        self.peak_memory = max(self.peak_memory, usage.peak_bytes)

    def why_ended(self) -> str:
        """What ended it: its exit, a signal, or the limit that it went beyond."""
        if not self._closed:
            self._why = self._manager.control.ended or ""
        return self._why

    def interrupt(self) -> None:
        """Interrupt what it runs."""
        if self.alive():
            self._await(self._manager.interrupt_kernel())

    def kill(self) -> None:
        """End it and everything that it started; its folder goes with it."""
        if self._closed:
            return
        self.why_ended()
        self._manager.kill()
        self._use(self._manager.usage())
        self._closed = True
        self._loop.close()


class WarmLauncher:
    """Starts kernels of a forge: candidates in its sandbox, within `limits`; examiners without one."""

    def __init__(self, forge: Forge, limits: Limits | None = None):
        self._forge, self._limits = forge, limits or Limits()

    def candidate(self, start: Start) -> WarmKernel:
        """The kernel of the student's code, confined."""
        return self._start(start, confined=True)

    def examiner(self, start: Start) -> WarmKernel:
        """The kernel of the tests, out of the student's reach."""
        return self._start(start, confined=False)

    def _start(self, start: Start, confined: bool) -> WarmKernel:
        limits = replace(self._limits, memory=start.memory)
        environment = dict(start.environment)
        manager = self._forge.kernel(files=start.files, env=environment, limits=limits, confined=confined)
        return WarmKernel(manager, environment)
