"""Where the two kernels come from: ordinary kernels of this machine, with no sandbox around them.

The sandbox's warm kernels offer the same `Launcher`; these serve tests, and whoever asks for no sandbox by name.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import psutil
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

from coursegrader.errors import KernelUnavailable

MEMORY_SECONDS = 0.5


class Kernel(Protocol):
    """A kernel that was asked for: who may talk to it, and whether it lives."""

    connection: dict[str, Any]
    peak_memory: int

    def wait_started(self, deadline: float) -> None:
        """Wait until it can be connected to; `KernelUnavailable` when it cannot by `deadline` (`time.monotonic`)."""

    def alive(self) -> bool:
        """Whether its process still runs."""

    def why_ended(self) -> str:
        """What ended it, in words that follow "your kernel died"; empty where nothing is known."""

    def killed(self) -> bool:
        """Whether it was killed by something else than the exam and its limits: from outside, or by its own code."""

    def interrupt(self) -> None:
        """Interrupt what it runs."""

    def kill(self) -> None:
        """End it and everything that it started, at once."""


class Start(NamedTuple):
    """What a kernel is started with: a new folder for what it needs, in whose `work` it runs among `files`.

    `environment` is all that it sees of one; `memory` is the most that it may use, in bytes.
    """

    folder: Path
    files: Mapping[str, bytes]
    environment: Mapping[str, str]
    memory: int


class Launcher(Protocol):
    """Starts kernels."""

    def candidate(self, start: Start) -> Kernel:
        """The kernel of the student's code, confined."""

    def examiner(self, start: Start) -> Kernel:
        """The kernel of the tests, out of the student's reach."""


class ColdKernel:
    """An ipykernel started from nothing, without a sandbox."""

    def __init__(self, start: Start):
        folder, files, environment, memory = start
        work = folder / "work"
        work.mkdir(parents=True)
        for name, content in files.items():
            path = work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self._manager = KernelManager()
        # This Python, whatever kernels the machine has registered, and no library from the student's folder.
        arguments = [sys.executable, "-P", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self._manager._kernel_spec = KernelSpec(argv=arguments, display_name="cold", language="python")
        # A socket's path must be short: a folder of the system's, not the scratch folder.
        self._sockets = tempfile.TemporaryDirectory(prefix="exam")
        self._manager.transport = "ipc"
        self._manager.ip = str(Path(self._sockets.name) / "k")
        self._manager.connection_file = str(Path(self._sockets.name) / "kernel.json")
        home = folder / "home"
        home.mkdir()
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        try:
            self._manager.start_kernel(
                cwd=str(work),
                env=kept | {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")} | dict(environment),
                extra_arguments=["--HistoryManager.hist_file=:memory:"],
            )
        except OSError as error:
            raise KernelUnavailable(f"No kernel could be started ({error}): see `coursegrader doctor`.") from error
        self.connection = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in self._manager.get_connection_info().items()
        }
        self.peak_memory, self._memory, self._measured = 0, memory, 0.0
        self._why = ""
        self._killed = False

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._manager.provisioner.pid

    def wait_started(self, deadline: float) -> None:
        """Nothing to wait for: its sockets may appear later than who connects to them."""

    def alive(self) -> bool:
        """Whether its process still runs; ends it when it uses more memory than it may."""
        if time.monotonic() - self._measured > MEMORY_SECONDS:
            self._measured = time.monotonic()
            self.peak_memory = max(self.peak_memory, self._resident())
            if self.peak_memory > self._memory and not self._killed:
                self._why = f"it used more than {self._memory / 2**30:.1f} GiB of memory"
                self.kill()
        return not self._killed and self._manager.is_alive()

    def _resident(self) -> int:
        try:
            process = psutil.Process(self.pid)
            return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
        except psutil.Error:
            return 0

    def why_ended(self) -> str:
        """What ended it, as far as it is known."""
        if self._why or self._killed:
            return self._why
        code = getattr(self._manager.provisioner.process, "returncode", None)
        if code is None:
            return ""
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    def killed(self) -> bool:
        """Whether something else than `kill` and the limit of memory killed it."""
        return self.why_ended() == f"signal {signal.SIGKILL:d}"

    def interrupt(self) -> None:
        """Interrupt what it runs."""
        if self.alive():
            self._manager.interrupt_kernel()

    def kill(self) -> None:
        """End it and its children, and remove its sockets."""
        if self._killed:
            return
        self._killed = True
        children = []
        try:
            children = psutil.Process(self.pid).children(recursive=True)
        except (psutil.Error, AttributeError, TypeError):
            # It has ended by itself, and its children are no longer known to be its own.
            children = []
        self._manager.shutdown_kernel(now=True)
        for child in children:
            if child.is_running():
                child.kill()
        self._manager.cleanup_resources()
        self._sockets.cleanup()


class ColdLauncher:
    """Starts ordinary kernels without a sandbox: for tests, and for those who ask for it by name."""

    def candidate(self, start: Start) -> Kernel:
        """The kernel of the student's code."""
        return ColdKernel(start)

    def examiner(self, start: Start) -> Kernel:
        """The kernel of the tests."""
        return ColdKernel(start)
