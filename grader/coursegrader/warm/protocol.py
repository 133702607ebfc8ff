"""What passes between who wants a kernel, the warm process and a kernel's supervisor: one JSON object a line.

A connection to the warm process's Unix socket is one kernel: the client sends a Request, the supervisor forked for it
answers with events (`ready`, `failed`, `usage`, `ended`), the client may send orders (`signal`, `kill`, `usage`). A
connection that closes ends its kernel.
"""

import json
import socket
from dataclasses import asdict, dataclass, field
from typing import Any

from coursegrader.sandbox import Limits

PORTS = {f"{name}_port": number for number, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), start=1)}
_LONGEST = 1 << 20


class ProtocolError(Exception):
    """The other side sent something that is not a message."""


@dataclass(frozen=True)
class Request:
    """One kernel: `folder` is its own below the run's folder, with `files`, `tmp` and `link` in it."""

    folder: str
    level: str
    key: str
    env: dict[str, str] = field(default_factory=dict)
    limits: Limits = Limits()

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Request":
        """From what `to_json` gave; TypeError when it is something else."""
        return cls(**{**data, "limits": Limits(**data["limits"])})


@dataclass(frozen=True)
class Usage:
    """What a kernel and all it started used: seconds, bytes; why it ended (None: it runs); the end of its raw output.

    `ended` is "exit CODE", "signal NAME", "killed", a limit's name ("wall", "cpu", "memory", "processes", "disk",
    "output"), or "lost" when its supervisor vanished.
    """

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_bytes: int = 0
    ended: str | None = None
    log: str = ""


class Line:
    """A socket that carries JSON objects, a line each."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._buffer = b""
        self.closed = False

    def send(self, **message: Any) -> bool:
        """Send one object; False when nobody is at the other end."""
        try:
            self.connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.closed = True
        return not self.closed

    def receive(self, timeout: float | None = 0) -> list[dict[str, Any]]:
        """The objects that have arrived, after waiting up to `timeout` seconds (None: for ever) for something.

        Sets `closed` at the end of the stream. Raises ProtocolError on anything else than lines of objects.
        """
        self.connection.settimeout(timeout)
        try:
            received = self.connection.recv(1 << 16)
            self.closed = not received
        except (BlockingIOError, TimeoutError):
            received = b""
        except OSError:
            received, self.closed = b"", True
        finally:
            self.connection.settimeout(None)
        *lines, self._buffer = (self._buffer + received).split(b"\n")
        if len(self._buffer) > _LONGEST:
            raise ProtocolError(f"a line of more than {_LONGEST} bytes")
        try:
            messages = [json.loads(line) for line in lines]
        except ValueError as error:
            raise ProtocolError(f"not JSON: {error}") from None
        if not all(isinstance(message, dict) for message in messages):
            raise ProtocolError("not an object")
        return messages
