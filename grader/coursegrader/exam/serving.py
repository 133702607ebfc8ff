"""The kernel's side of a conversation: carrying out requests inside an IPython kernel.

A request is the buffer of an `execute_request`; what comes of it, and questions on the way, go out through the stdin
channel as the buffers of `input_request` messages, answers come in as buffers of `input_reply`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import zmq

# A result; a question on the way to it; a request inside a question; and the two answers to a question.
RESULT, ASK, REQUEST, RETURN, RAISE = b"R", b"A", b"Q", b"V", b"E"


class Payload(NamedTuple):
    """One binary message of a conversation: a kind (one byte) and its content."""

    kind: bytes
    data: bytes


class Server:
    """Serves the requests that reach the kernel of an IPython `shell`; `carry_out` maps a request to its result."""

    def __init__(self, shell: Any, carry_out: Callable[[bytes], bytes]):
        self.kernel = shell.kernel
        self._carry_out = carry_out
        # Questions can be asked only while somebody listens.
        self.serving = False

    def serve(self) -> None:
        """Carry out the request that came with the running `execute_request`, and send what came of it."""
        request = self.kernel.get_parent("shell")
        self.serving = True
        try:
            result = self._carry_out(bytes(request["buffers"][0]))
        finally:
            self.serving = False
        self._send(RESULT, result)

    def ask(self, question: bytes) -> Payload:
        """Send a question and wait for its answer; requests that come instead of one are carried out."""
        self._send(ASK, question)
        while True:
            payload = self._receive()
            if payload.kind != REQUEST:
                return payload
            self._send(RESULT, self._carry_out(payload.data))

    def _send(self, kind: bytes, data: bytes) -> None:
        self._said = self.kernel.session.send(
            self.kernel.stdin_socket,
            "input_request",
            {"prompt": "", "password": False},
            parent=self.kernel.get_parent("shell"),
            # The kernel offers the identity of the client that it serves to `input()` alone.
            ident=self.kernel._get_shell_context_var(self.kernel._shell_parent_ident),
            buffers=[kind + data],
        )

    def _receive(self) -> Payload:
        while True:
            # Short waits, so that an interrupt gets through.
            if self.kernel.stdin_socket.poll(100, zmq.POLLIN):
                _, message = self.kernel.session.recv(self.kernel.stdin_socket)
                # The answer to a question whose call was interrupted may still come: it answers no other one.
                is_answer = message is not None and message["parent_header"].get("msg_id") == self._said["msg_id"]
                if is_answer and message["buffers"]:
                    data = bytes(message["buffers"][0])
                    return Payload(data[:1], data[1:])
