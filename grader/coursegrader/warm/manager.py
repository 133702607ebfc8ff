"""A kernel manager and a client whose other end is not to be trusted."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from queue import Empty
from typing import Any

import zmq.asyncio
from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.channels import AsyncZMQSocketChannel
from traitlets import DottedObjectName, Type

from coursegrader.warm.client import Control, Order
from coursegrader.warm.protocol import Usage

_END_SECONDS = 1.0
_QUEUE = 16  # messages that wait unread in this process, each at most `message_bytes` long


def _bounded_context(message_bytes: int) -> zmq.asyncio.Context:
    # Both hold for what a socket takes in before anyone reads it; a longer message closes the connection.
    context = zmq.asyncio.Context()
    context.setsockopt(zmq.MAXMSGSIZE, message_bytes)
    context.setsockopt(zmq.RCVHWM, _QUEUE)
    return context


class CountingChannel(AsyncZMQSocketChannel):
    """A channel that asks, with each message's size, whether it may be delivered, and tells when it is cut.

    A message longer than the socket takes cuts the connection: whoever waits for what follows would wait for ever.
    """

    accept: Callable[[int], bool]
    on_cut: Callable[[], Awaitable[None]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._poller = zmq.asyncio.Poller()
        for socket in (self.socket, self._monitor):
            self._poller.register(socket, zmq.POLLIN)

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """The next message that may be delivered. Raises Empty after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else max(int((deadline - time.monotonic()) * 1000), 0)
            ready = dict(await self._poller.poll(left))
            if not ready:
                raise Empty
            if self.socket in ready:
                parts = await self.socket.recv_multipart()
                if self.accept(sum(map(len, parts))):
                    return self.session.deserialize(self.session.feed_identities(parts)[1])
            elif self._monitor in ready:
                await self._monitor.recv_multipart()
                await self.on_cut()

    def close(self) -> None:
        """Close the channel and its monitor."""
        if self.socket is not None and not self.socket.closed:
            self.socket.disable_monitor()
        super().close()


class BoundedClient(AsyncKernelClient):
    """A client that refuses messages above the order's `message_bytes` and ends a kernel that floods its output."""

    iopub_channel_class = Type(CountingChannel)
    _received = 0

    def _context_default(self) -> zmq.asyncio.Context:
        self._created_context = True
        return _bounded_context(self.parent.order.limits.message_bytes)

    @property
    def iopub_channel(self) -> CountingChannel:
        """The channel of outputs, counted."""
        channel = super().iopub_channel
        channel.accept, channel.on_cut = self._accept, self._cut
        return channel

    def start_channels(self, *args: Any, hb: bool = False, **kwargs: Any) -> None:
        """Start the channels; no heartbeat, which needs a thread: the supervisor knows whether the kernel lives."""
        super().start_channels(*args, hb=hb, **kwargs)

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and its outputs arrive. RuntimeError after `timeout` seconds, or at its end."""
        deadline = time.monotonic() + (timeout or float("inf"))
        while time.monotonic() < deadline:
            request = self.kernel_info()
            try:
                await self._until(self.shell_channel, request, "kernel_info_reply", 1.0)
                # The status of this very request: the subscription is in place, and nothing older is left unread.
                await self._until(self.iopub_channel, request, "status", 0.2, execution_state="idle")
                return
            except Empty:
                if not await self.parent.is_alive():
                    raise RuntimeError(f"the kernel ended before it answered ({self.parent.usage().ended})") from None
        raise RuntimeError(f"the kernel did not answer within {timeout} seconds")

    async def _until(self, channel: AsyncZMQSocketChannel, request: str, kind: str, timeout: float, **content: str):
        deadline = time.monotonic() + timeout
        while True:
            message = await channel.get_msg(timeout=max(deadline - time.monotonic(), 0))
            if message["parent_header"].get("msg_id") != request or message["msg_type"] != kind:
                continue
            if content.items() <= message["content"].items():
                return

    async def _cut(self) -> None:
        # The connection of a kernel that ends by itself is cut too, a little before its end is known.
        deadline = time.monotonic() + _END_SECONDS
        while not self.parent.control.ended and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        self.parent.kill("output")

    def _accept(self, size: int) -> bool:
        self._received += size
        if self._received <= self.parent.order.limits.output_bytes:
            return True
        self.parent.kill("output")
        return False


class WarmKernelManager(AsyncKernelManager):
    """A jupyter_client kernel manager of one warm kernel, from `Forge.kernel`. Also a context manager."""

    order: Order | None = None
    client_class = DottedObjectName(f"{__name__}.BoundedClient")
    client_factory = Type(klass=AsyncKernelClient, default_value=BoundedClient)

    def _context_default(self) -> zmq.asyncio.Context:
        self._created_context = True
        return _bounded_context(self.order.limits.message_bytes)

    @property
    def control(self) -> Control | None:
        """The connection to the kernel's supervisor; None before the start."""
        return getattr(self.provisioner, "control", None)

    def usage(self) -> Usage:
        """Seconds, bytes and the reason of its end; all zero before the start."""
        return Usage() if self.control is None else self.control.usage()

    def kill(self, reason: str = "killed") -> None:
        """End the kernel and all it started now; its folder goes with it. Does nothing the second time."""
        if self.control is not None:
            self.control.end(reason)
            self.control.close()

    async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
        """End the kernel, always at once: it holds nothing that anyone wants to keep."""
        self.shutting_down = True
        self.kill()
        await self.cleanup_resources(restart=restart)

    def __enter__(self) -> "WarmKernelManager":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
