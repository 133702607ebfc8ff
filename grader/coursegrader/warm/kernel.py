"""The kernel process: from a fork of the warm process to a running IPython kernel that remembers nothing of it."""

import faulthandler
import gc
import os
import random
import signal
import socket
import sys
import tempfile
from typing import Any, NoReturn

import numpy
import zmq
from ipykernel.iostream import IOPubThread
from ipykernel.kernelapp import IPKernelApp

from coursegrader.sandbox import confine, syscalls
from coursegrader.warm.protocol import PORTS, Request

_LOG_FD = 3  # where a crash's traceback goes, past what the kernel does with the standard streams
_LINK_FD = 4


class _ForkedKernelApp(IPKernelApp):
    """An IPKernelApp that takes its connection from the request: no connection file, no configuration files."""

    def init_connection_file(self) -> None:
        """Nothing to read: `connect` has set everything."""

    def write_connection_file(self, **kwargs: Any) -> None:
        """Nothing to write: who asked for the kernel knows the connection."""

    def log_connection_info(self) -> None:
        """Nobody reads it."""

    def load_config_file(self, *args: Any, **kwargs: Any) -> None:
        """Only this class configures the kernel, on any machine."""

    def init_crash_handler(self) -> None:
        """An uncaught exception ends the process; the supervisor keeps what it wrote."""

    def init_iopub(self, context: zmq.Context) -> None:
        """As IPKernelApp's, without the TCP port over which it hears the prints of forked children."""
        self.iopub_socket = context.socket(zmq.XPUB)
        self.iopub_socket.linger = 1000
        self.iopub_port = self._bind_socket(self.iopub_socket, self.iopub_port)
        self.configure_tornado_logger()
        self.iopub_thread = IOPubThread(self.iopub_socket, pipe=False, session=self.session)
        self.iopub_thread.start()
        self.iopub_socket = self.iopub_thread.background_socket
        os.register_at_fork(after_in_child=_print_to_descriptors)

    def connect(self, address: str, key: str) -> None:
        """Take the Unix sockets `address`-PORT and the key that signs messages."""
        self.transport, self.ip = "ipc", address
        for name, port in PORTS.items():
            setattr(self, name, port)
        self.session.key = key.encode()


def run(request: Request, plan: confine.Plan, place: confine.Place, link: socket.socket, log: int) -> NoReturn:
    """Become the kernel that `request` asks for; never returns.

    `link` tells the supervisor that the sockets are bound and waits until it has closed their folder.
    """
    try:
        _only_these_files(link.detach(), log)
        link = socket.socket(fileno=_LINK_FD)
        _forget(request, place)
        confine.enter(plan, place)
        app = _start(request, place)
        link.sendall(b"bound")
        if link.recv(2) != b"go":
            os._exit(1)  # the supervisor has gone
        link.close()
        confine.close_doors(plan)
        app.start()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:
        sys.__excepthook__(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def _print_to_descriptors() -> None:
    # A child of the kernel has no IOPub thread; the kernel captures its descriptors and publishes what comes there.
    for name, fd in (("stdout", 1), ("stderr", 2)):
        setattr(sys, name, open(fd, "w", buffering=1, closefd=False))


def _start(request: Request, place: confine.Place) -> IPKernelApp:
    app = _ForkedKernelApp.instance()
    app.connect(f"{place.link}/k", request.key)
    app.config.HistoryManager.hist_file = ":memory:"
    app.initialize([])
    # The debugger's connection to the shell channel: nobody debugs here, and it could not reconnect.
    app.debug_shell_socket.close(linger=0)
    return app


def _only_these_files(link: int, log: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    # Both out of the way first: the descriptors may already have one of the wanted numbers.
    link, log, null = (os.dup(fd) if fd > _LINK_FD else _above(fd) for fd in (link, log, null))
    for source, target in ((null, 0), (log, 1), (log, 2), (log, _LOG_FD), (link, _LINK_FD)):
        os.dup2(source, target, inheritable=target < _LOG_FD)
    os.closerange(_LINK_FD + 1, os.sysconf("SC_OPEN_MAX"))


def _above(fd: int) -> int:
    """A copy of `fd` with a number above those that the kernel uses."""
    copies = []
    while (copy := os.dup(fd)) <= _LINK_FD:
        copies.append(copy)
    for lower in copies:
        os.close(lower)
    return copy


def _forget(request: Request, place: confine.Place) -> None:
    """Put everything a process inherits into the state of a newly started one."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)  # as Python starts: the call fails instead
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    os.umask(0o077)
    os.environ.clear()
    os.environ.update(
        PATH=f"{sys.prefix}/bin:/usr/bin:/bin",
        LANG="C.UTF-8",
        HOME=place.temporary,
        TMPDIR=place.temporary,
        IPYTHONDIR=f"{place.temporary}/.ipython",
        KERAS_HOME=f"{place.temporary}/.keras",
        MPLCONFIGDIR=f"{place.temporary}/.matplotlib",
        MPLBACKEND="module://matplotlib_inline.backend_inline",
    )
    os.environ.update(request.env)
    tempfile.tempdir = None
    sys.argv[:] = ["ipykernel_launcher.py"]
    random.seed()
    numpy.random.seed()  # noqa: NPY002  the legacy global state is copied by a fork, and students use it
    faulthandler.enable(_LOG_FD)
    gc.enable()
