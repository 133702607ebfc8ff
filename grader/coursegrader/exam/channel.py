"""A client's end of one kernel: the ordinary Jupyter channels, with bounds on all that a hostile kernel may send.

`jupyter_client.BlockingKernelClient` trusts the kernel it talks to: it buffers without limit and waits without end.
Here a message has a largest size, every wait has a deadline, and what cannot be read counts as not sent.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import zmq
from jupyter_client.session import Session

from coursegrader.exam.errors import BadReply, CandidateDied
from coursegrader.exam.outputs import printable
from coursegrader.exam.serving import Payload

# A message's signature and the parts that are parsed as JSON; binary content travels in the parts after them.
NUM_PARSED_FRAMES = 5
MAX_PARSED = 1 << 20
MAX_OUTPUT_PARSED = 1 << 24
MAX_FRAMES = 16
# Messages that wait unread in this process, each at most as long as its socket takes: a conversation has one under way.
HIGH_WATER = 8
HIGH_WATER_OUTPUT = 32
# What a kernel may show in its life unless told otherwise.
MAX_SHOWN = 1 << 27
FLOODED = "far more output than a notebook can hold"
TICK = 0.1
# How long a result may be on its way after the reply that says the request is over.
STRAGGLING = 1.0


class Reply(NamedTuple):
    """How an execution ended: `ok` or `error`, as the kernel says; `timeout`, `died` or `stopped`, as we saw."""

    status: str
    ename: str = ""
    evalue: str = ""
    execution_count: int | None = None


class Channel:
    """Sockets to the kernel of `connection` (the content of its connection file).

    `max_bytes` bounds one answer, `max_shown` all that the kernel shows.

    `call` and `answer` hold a conversation with code inside the kernel: the request travels as the buffer of an
    `execute_request` whose `user_expressions` run `expression`, the kernel sends through the stdin channel
    (`input_request`), and answers go back the same way.
    """

    def __init__(self, connection: dict[str, Any], max_bytes: int = 8 << 20, max_shown: int = MAX_SHOWN):
        self._connection = connection
        self._context = zmq.Context()
        self._max_bytes = max_bytes + MAX_PARSED
        self._max_shown, self._num_shown = max_shown, 0
        self._request: dict[str, Any] | None = None
        self._said: dict[str, Any] | None = None
        self._reply: Reply | None = None
        self._idle = False
        self._on_output: Callable[[dict[str, Any]], None] | None = None
        self._heard: set[str] = set()
        self._open()
        self.iopub = self._connect("iopub", zmq.SUB)
        self._poller.register(self.iopub, zmq.POLLIN)
        self._monitor = self.iopub.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        # Whether the kernel showed something too large to be read, or that is no message.
        self.lost_output = False

    @property
    def flooded(self) -> bool:
        """Whether the kernel showed more than it may in its life: nothing that it shows is read any more."""
        return self._num_shown > self._max_shown

    def _open(self) -> None:
        key = self._connection["key"]
        self.session = Session(
            key=key.encode() if isinstance(key, str) else key, signature_scheme=self._connection["signature_scheme"]
        )
        self.shell = self._connect("shell", zmq.DEALER)
        self.stdin = self._connect("stdin", zmq.DEALER)
        self.control = self._connect("control", zmq.DEALER)
        self._poller = zmq.Poller()
        for socket in (self.shell, self.stdin):
            self._poller.register(socket, zmq.POLLIN)

    def reopen(self) -> None:
        """Begin anew as another client, after the kernel has said what broke a connection."""
        for socket in (self.shell, self.stdin, self.control):
            socket.close(linger=0)
        self._open()
        self._poller.register(self.iopub, zmq.POLLIN)

    def _connect(self, name: str, kind: int) -> zmq.Socket:
        connection = self._connection
        socket = self._context.socket(kind)
        socket.linger = 0
        is_output = kind == zmq.SUB
        socket.rcvhwm = HIGH_WATER_OUTPUT if is_output else HIGH_WATER
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_OUTPUT_PARSED if is_output else self._max_bytes)
        # stdin is routed by the identity of the client whose request runs.
        socket.identity = self.session.bsession
        if is_output:
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        port = connection[f"{name}_port"]
        address = f"{connection['transport']}://{connection['ip']}"
        socket.connect(f"{address}:{port}" if connection["transport"] == "tcp" else f"{address}-{port}")
        return socket

    def close(self) -> None:
        """Close all sockets."""
        self._context.destroy(linger=0)

    def send(
        self,
        socket: zmq.Socket,
        msg_type: str,
        content: dict[str, Any],
        buffers: list[bytes] | None = None,
        parent: dict[str, Any] | None = None,
    ) -> dict:
        """Send a message; returns it with its header."""
        message = self.session.send(socket, msg_type, content, parent=parent, buffers=buffers or [])
        self._heard.add(message["header"]["msg_id"])
        return message

    def receive(self, socket: zmq.Socket) -> dict[str, Any] | None:
        """The next message of a socket that is ready, or None where it cannot be read as one."""
        frames = socket.recv_multipart(zmq.NOBLOCK, copy=True)
        limit = MAX_PARSED
        if socket is self.iopub:
            limit = MAX_OUTPUT_PARSED
            self._num_shown += sum(map(len, frames))
            if self.flooded:
                return None
        try:
            _, frames = self.session.feed_identities(frames)
            if len(frames) > MAX_FRAMES or any(len(frame) > limit for frame in frames[:NUM_PARSED_FRAMES]):
                return None
            message = self.session.deserialize(frames)
            usable = isinstance(message["content"], dict) and isinstance(message["parent_header"], dict)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            # Whatever the kernel sent, it is no Jupyter message: nothing was said.
            return None
        return message if usable else None

    def _poll(self, deadline: float) -> dict[zmq.Socket, int]:
        if self._monitor.poll(0):
            # A message beyond the largest size ends the connection, and was at least that long.
            self._monitor.recv_multipart()
            self.lost_output = True
            self._num_shown += MAX_OUTPUT_PARSED
        wait = min(TICK, max(deadline - time.monotonic(), 0))
        return dict(self._poller.poll(wait * 1000))

    def _output(self) -> dict[str, Any] | None:
        message = self.receive(self.iopub)
        if message is None:
            self.lost_output = True
        elif self._on_output is not None and self._is_heard(message["parent_header"].get("msg_id")):
            self._on_output(message)
        return message

    def _is_heard(self, request: Any) -> bool:
        return isinstance(request, str) and request in self._heard

    def listen(self, on_output: Callable[[dict[str, Any]], None] | None) -> None:
        """Give what the requests sent from now on show to `on_output`, or to nobody.

        What earlier requests, and those of other clients, led to can arrive late: it belongs to no cell and no test
        that follows, and may hold what only staff should see.
        """
        self._on_output, self._heard = on_output, set()

    def wait_ready(self, deadline: float, alive: Callable[[], bool]) -> bool:
        """Wait until the kernel answers and what it shows arrives here; False when it does not."""
        while time.monotonic() < deadline and alive():
            # A subscription takes effect a moment after the connection: until then, what is shown is lost.
            self.submit("", silent=True)
            if self.wait(deadline, alive).status == "ok" and self._idle:
                return True
        return False

    def submit(self, code: str, silent: bool = False) -> None:
        """Send a cell; `wait` gives how it ended."""
        content = {"code": code, "silent": silent, "store_history": not silent, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": False}
        self._request = self.send(self.shell, "execute_request", content)
        self._reply, self._idle = None, False

    def wait(
        self,
        deadline: float,
        alive: Callable[[], bool] = lambda: True,
        enough: Callable[[], bool] = lambda: False,
    ) -> Reply:
        """Wait for the end of the cell that was submitted; what it shows goes to who listens.

        After the reply, waits for the kernel's `idle`, so that all the output of the cell has come. `timeout` when
        `deadline` (of `time.monotonic`) passes: then `wait` can be called again; `died` when `alive` denies;
        `stopped` when `enough` says so.
        """
        request = self._request["header"]["msg_id"]
        while self._reply is None or not self._idle:
            ready = self._poll(deadline)
            if self.iopub in ready:
                message = self._output()
                self._idle = self._idle or (message is not None and _is_idle(message, request))
            if self.stdin in ready:
                self.receive(self.stdin)
            if self.shell in ready:
                message = self.receive(self.shell)
                if message is not None and message["parent_header"].get("msg_id") == request and self._reply is None:
                    self._reply = _reply(message["content"])
                    # A kernel can withhold its `idle`, but not for long.
                    deadline = min(deadline, time.monotonic() + STRAGGLING)
            if enough():
                return Reply("stopped")
            if not ready and not alive():
                return Reply("died")
            if time.monotonic() > deadline:
                return self._reply or Reply("timeout")
        return self._reply

    def execute(self, code: str, deadline: float, silent: bool = False) -> Reply:
        """Run a cell and wait for its end, as `submit` and `wait` do."""
        self.submit(code, silent)
        return self.wait(deadline)

    def drain(self) -> None:
        """Read, and forget, what the kernel has shown until now."""
        while self.iopub.poll(0) and not self.flooded:
            self.receive(self.iopub)

    def interrupt(self) -> None:
        """Ask the kernel, through its control channel, to interrupt what runs."""
        self.send(self.control, "interrupt_request", {})
        for _ in range(HIGH_WATER):
            if self.control.poll(0):
                self.receive(self.control)

    def call(self, expression: str, data: bytes) -> None:
        """Begin a conversation: `expression` runs in the kernel and finds `data` in its request."""
        content = {"code": "", "silent": True, "store_history": False, "user_expressions": {"exam": expression}}
        self._request = self.send(
            self.shell, "execute_request", content | {"allow_stdin": False, "stop_on_error": False}, [data]
        )

    def greet(self, expression: str, data: bytes, deadline: float, alive: Callable[[], bool] = lambda: True) -> bool:
        """Repeat a harmless request until it is answered: what a kernel says before a socket is connected is lost."""
        while time.monotonic() < deadline and alive():
            self.call(expression, data)
            try:
                if self.next_payload(deadline, alive) is not None:
                    return True
            except BadReply:
                continue
        return False

    def answer(self, payload: Payload) -> None:
        """Answer what the kernel said last in the conversation that is under way."""
        self.send(self.stdin, "input_reply", {"value": ""}, [payload.kind + payload.data], self._said)

    def next_payload(self, deadline: float, alive: Callable[[], bool] = lambda: True) -> Payload | None:
        """The next thing that the kernel says in the conversation, or None when `deadline` passes.

        Raises `BadReply` when it ends the request without a word or says what cannot be read, `CandidateDied` when
        `alive` denies or the kernel floods its output.
        """
        request = self._request["header"]["msg_id"]
        over = False
        while True:
            ready = self._poll(deadline)
            if self.iopub in ready:
                self._output()
            if self.flooded:
                raise CandidateDied(FLOODED)
            if self.stdin in ready:
                message = self.receive(self.stdin)
                if message is None:
                    raise BadReply("your kernel sent something that is no message")
                if message["parent_header"].get("msg_id") == request:
                    buffers = message["buffers"]
                    if len(buffers) != 1 or not len(buffers[0]):
                        raise BadReply("your kernel sent an answer without content")
                    self._said = message
                    return Payload(bytes(buffers[0][:1]), bytes(buffers[0][1:]))
            elif over and not ready:
                raise BadReply("your kernel ended a call without an answer")
            if self.shell in ready:
                message = self.receive(self.shell)
                if message is None or message["parent_header"].get("msg_id") == request:
                    over = True
                    deadline = min(deadline, time.monotonic() + STRAGGLING)
            if not ready and not alive():
                raise CandidateDied("your kernel died")
            if time.monotonic() > deadline:
                if over:
                    raise BadReply("your kernel ended a call without an answer")
                return None


def _is_idle(message: dict[str, Any], request: str) -> bool:
    return (
        message["header"].get("msg_type") == "status"
        and message["content"].get("execution_state") == "idle"
        and message["parent_header"].get("msg_id") == request
    )


def _reply(content: dict[str, Any]) -> Reply:
    """An execute_reply's content, whatever the kernel put into it."""
    count = content.get("execution_count")
    return Reply(
        "ok" if content.get("status") == "ok" else "error",
        _text(content.get("ename"))[:1000],
        _text(content.get("evalue"))[:10_000],
        count if type(count) is int and 0 <= count < 1 << 31 else None,
    )


def _text(value: Any) -> str:
    # Anything else is not shown: lists nested a thousand deep have no text that could be made.
    return printable(value) if type(value) is str else ""
