"""One kernel as seen by who asked for it: its folder, its connection to the supervisor, what became of it."""

import secrets
import shutil
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from coursegrader.errors import CourseError
from coursegrader.sandbox import Limits
from coursegrader.warm.protocol import PORTS, Line, Request, Usage

_END_SECONDS = 10.0


class KernelFailed(CourseError):
    """A kernel could not be started; the message says why."""


@dataclass(frozen=True)
class Order:
    """What a kernel is to be: its sandbox, the files in its working folder (path: content), its environment."""

    level: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()


def from_folder(folder: str | None, level: str, env: Mapping[str, str]) -> Order:
    """An order whose files are those in `folder`, for callers who know nothing of orders."""
    paths = [] if folder is None else [path for path in Path(folder).rglob("*") if path.is_file()]
    return Order(level, {str(path.relative_to(folder)): path.read_bytes() for path in paths}, env)


def new_folder(run: Path) -> Path:
    """A fresh folder for one kernel below the run's, with `files`, `tmp` and `link` in it."""
    folder = run / secrets.token_hex(4)
    folder.mkdir(mode=0o711)  # root's kernels run as another user, who must be able to walk to their files
    for name in ("files", "tmp", "link"):
        (folder / name).mkdir(mode=0o700)
    return folder


class Control:
    """The connection to a kernel's supervisor. While it is open the kernel lives, at most."""

    def __init__(self, run: Path, order: Order, key: str) -> None:
        self.folder, self.order = new_folder(run), order
        self.ready = False
        self.failure: str | None = None
        self._usage = Usage()
        _write(self.folder / "files", order.files)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(run / "warm.sock"))
        except OSError as error:
            connection.close()
            raise KernelFailed(f"the warm process has ended ({error.strerror}): start the run again") from None
        self._key = key
        self.line = Line(connection)
        self.line.send(**Request(str(self.folder), order.level, key, dict(order.env), order.limits).to_json())

    @property
    def connection(self) -> dict[str, str | int]:
        """What a connection file would say; the sockets are there once the kernel is ready."""
        address = {"transport": "ipc", "ip": f"{self.folder}/link/k", **PORTS}
        return address | {"key": self._key, "signature_scheme": "hmac-sha256"}

    def wait_ready(self, seconds: float) -> None:
        """Wait until the kernel's sockets are bound. Raises KernelFailed, with what it said."""
        deadline = time.monotonic() + seconds
        while not self.ready:
            self._listen(min(deadline - time.monotonic(), 1.0))
            self.check_started()
            if time.monotonic() > deadline:
                raise KernelFailed(f"the kernel was not ready within {seconds:g} s")

    def check_started(self) -> None:
        """Raise KernelFailed where the kernel ended before it was ready."""
        if self._usage.ended and not self.ready:
            usage = self._usage
            raise KernelFailed(self.failure or f"the kernel ended at its start ({usage.ended}); it said:\n{usage.log}")

    @property
    def ended(self) -> str | None:
        """Why the kernel ended; None while it runs."""
        self._listen(0)
        return self._usage.ended

    def usage(self, timeout: float = 2.0) -> Usage:
        """What the kernel has used up to now, or in all when it has ended."""
        before = self._usage
        if not self.ended and self.line.send(usage=True):
            deadline = time.monotonic() + timeout
            while self._usage is before and time.monotonic() < deadline:
                self._listen(deadline - time.monotonic())
        return self._usage

    def end(self, reason: str = "killed") -> None:
        """End the kernel and all it started, and wait until it is so."""
        if self.ended:
            return
        self.line.send(kill=reason)
        deadline = time.monotonic() + _END_SECONDS
        while not self._usage.ended and time.monotonic() < deadline:
            self._listen(0.5)

    def close(self) -> None:
        """End the kernel and delete its folder."""
        self.end()
        self.line.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _listen(self, timeout: float) -> None:
        if self.line.closed or self._usage.ended:
            return
        for message in self.line.receive(max(timeout, 0)):
            match message.pop("event"):
                case "ready":
                    self.ready = True
                case "failed":
                    self.failure = message["reason"]
                case _:
                    self._usage = Usage(**message)
        if self.line.closed and not self._usage.ended:
            self._usage = Usage(ended="lost")


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts:
            raise KernelFailed(f"{name!r} is not a path inside the working folder: use a relative one")
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
