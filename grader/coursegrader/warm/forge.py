"""Starting the warm process, and asking it for kernels."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager

from coursegrader import sandbox
from coursegrader.errors import CourseError
from coursegrader.warm import packages, provisioner
from coursegrader.warm.client import Control, Order
from coursegrader.warm.manager import WarmKernelManager
from coursegrader.warm.protocol import Line

KERNEL_NAME = "dl-exam"
PRELOAD = (
    "coursekit",
    "coursedata",
    "numpy",
    "tensorflow",
    "keras",
    "matplotlib.pyplot",
    "coursegrader.checks",
    "coursegrader.exam.agent",
    "coursegrader.exam.examiner",
)
_START_SECONDS = 180
_LONGEST_PATH = 60  # a Unix socket's path has at most 107 bytes, and a kernel's comes on top of the folder's


class NoForge(CourseError):
    """The warm process did not start, or has ended; the message holds what it said."""


class Forge:
    """Kernels from one warm process. `level`: its sandbox; `seconds`: its start-up; `message`: why it is cold, or None.

    `address` is a string with which `connect` reaches it from another process of this user. A context manager.
    """

    def __init__(self, folder: Path, level: str, message: str | None, seconds: float, process=None, owner=None) -> None:
        self.folder, self.level, self.message, self.seconds = folder, level, message, seconds
        self._process, self._owner = process, owner

    @property
    def address(self) -> str:
        """Where the warm process is: picklable, for `connect`."""
        return str(self.folder)

    @property
    def pid(self) -> int | None:
        """The warm process, where this object started it."""
        return self._process.pid if self._process else None

    def order(
        self,
        *,
        files: Mapping[str, bytes] | None = None,
        env: Mapping[str, str] | None = None,
        limits: sandbox.Limits | None = None,
        confined: bool = True,
    ) -> Order:
        """What one kernel is to be: its working folder holds `files` (relative paths), its environment is `env` and a
        few neutral names. `confined=False` is for the examiner: no sandbox.
        """
        level = self.level if confined else sandbox.UNSAFE
        return Order(level, dict(files or {}), dict(env or {}), limits or sandbox.Limits())

    def launch(self, **order: Any) -> Control:
        """Ask for a kernel as `order` describes it, for callers with sockets of their own; it starts meanwhile."""
        return Control(self.folder, self.order(**order), secrets.token_hex(16))

    def kernel(self, **order: Any) -> WarmKernelManager:
        """A kernel manager for one new kernel as `order` describes it, which `start_kernel` starts."""
        provisioner.register()
        manager = WarmKernelManager(
            kernel_name=KERNEL_NAME,
            kernel_spec_manager=KernelSpecManager(
                kernel_dirs=[str(self.folder / "jupyter/kernels")], ensure_native_kernel=False
            ),
        )
        manager.order = self.order(**order)
        return manager

    def close(self) -> None:
        """End the warm process and every kernel forked from it (only where this object started it)."""
        if self._process is None:
            return
        self._owner.connection.close()
        self._process.wait()
        self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Forge":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start(level: str | None = None, preload: Sequence[str] = PRELOAD, ahead: str = "", cold: bool = False) -> Forge:
    """Start a warm process whose kernels run in a sandbox of `level` (None: the best there is here).

    `ahead` is Python that it runs after the imports, in an environment of its own: what modules remember of it, every
    kernel has. `cold` skips both. Raises `sandbox.NoSandbox`, and NoForge when the process does not start.
    """
    level = sandbox.choose(level)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="exam-"))
    if len(str(folder)) > _LONGEST_PATH:
        folder.rmdir()
        raise NoForge(
            f"the path of the temporary folder is too long for sockets ({folder}): set TMPDIR to a shorter one"
        )
    if os.geteuid() == 0:
        folder.chmod(0o711)  # root's kernels run as another user, who must be able to walk to their own folder
    try:
        packages.stage(folder / "packages")
        _write_kernelspec(folder, level)
        process, owner = _spawn(folder, level, preload, ahead, cold)
        message = _await_warm(process, owner, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    (folder / "forge.json").write_text(json.dumps({"level": level, "message": message}))
    return Forge(folder, level, message, time.monotonic() - began, process, owner)


def connect(address: str) -> Forge:
    """The forge that another process started; NoForge when it is gone."""
    folder = Path(address)
    try:
        facts = json.loads((folder / "forge.json").read_text())
    except OSError as error:
        raise NoForge(f"no warm process at {address} ({error.strerror}): start the run again") from None
    return Forge(folder, facts["level"], facts["message"], 0.0)


def _write_kernelspec(folder: Path, level: str) -> None:
    spec = {
        "argv": [],
        "display_name": "Deep Learning (exam)",
        "language": "python",
        "metadata": {
            "kernel_provisioner": {
                "provisioner_name": provisioner.NAME,
                "config": {"address": str(folder), "level": level},
            }
        },
    }
    place = folder / "jupyter/kernels" / KERNEL_NAME
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps(spec))


def _spawn(folder: Path, level: str, preload: Sequence[str], ahead: str, cold: bool) -> tuple[subprocess.Popen, Line]:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-s", "-P", "-m", "coursegrader.warm", str(folder), level, str(theirs.fileno())]
    command += ["--preload", *preload, "--ahead", ahead, *(["--cold"] if cold else [])]
    with theirs, open(folder / "warm.log", "wb") as log:
        process = subprocess.Popen(
            command, env=_environment(folder), cwd=folder, pass_fds=[theirs.fileno()], start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    return process, Line(ours)


def _environment(folder: Path) -> dict[str, str]:
    """The warm process's own environment: a kernel can read it in its /proc, so nothing of the machine's is in it."""
    cache = os.environ.get("MPLCONFIGDIR") or str(Path.home() / ".cache/matplotlib")
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "MPLCONFIGDIR": cache,  # matplotlib's list of fonts takes seconds to make
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "KERAS_HOME": str(folder / "keras"),
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": str(folder / "packages"),
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "OPENBLAS_NUM_THREADS": "1",  # its threads would start at import, and a process with threads cannot be forked
    }


def _await_warm(process: subprocess.Popen, owner: Line, folder: Path) -> str | None:
    deadline = time.monotonic() + _START_SECONDS
    message = None
    while time.monotonic() < deadline and not owner.closed:
        for event in owner.receive(timeout=1):
            if event["event"] == "warm":
                return message
            message = message or f"kernels start cold: {event.get('reason', 'asked for')}"
    owner.connection.close()
    process.kill()
    process.wait()
    said = (folder / "warm.log").read_text(errors="replace")[-2000:] if (folder / "warm.log").exists() else ""
    raise NoForge(f"the warm process did not start; run `coursegrader doctor`. It said:\n{said}")
