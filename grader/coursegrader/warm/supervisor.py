"""The process between the warm process and one kernel: builds its sandbox, watches its limits, ends all of it."""

import gc
import os
import resource
import select
import signal
import socket
import sys
import time
from typing import NoReturn

from coursegrader.sandbox import confine, syscalls, watch
from coursegrader.warm import kernel
from coursegrader.warm.protocol import Line, ProtocolError, Request, Usage

_TICK = 0.1  # seconds between looks at what the kernel uses
_DISK_EVERY = 5  # ticks; only where the scratch folder is not bounded by its own file system
_LOG_BYTES = 8192
_KILLED_FIRST = 800  # where a machine runs out of memory, the kernel's own killer takes the candidate


def run(connection: socket.socket, read_only: tuple[str, ...], mount_point: str, level: str) -> NoReturn:
    """Serve one kernel for the client at `connection`; never returns.

    `level` is the sandbox of this run: a request may ask for it or for none, for no other.
    """
    warm = os.getppid()
    gc.disable()  # a collection would touch, and so copy, what is shared with the warm process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGTERM)
    line = Line(connection)
    status = 1
    try:
        request = _request(line, level)
        plan = confine.Plan(
            level=request.level,
            mount_point=mount_point,
            files=f"{request.folder}/files",
            temporary=f"{request.folder}/tmp",
            link=f"{request.folder}/link",
            read_only=read_only,
            limits=request.limits,
        )
        _Supervisor(line, request, plan, warm).run()
        status = 0
    except (OSError, ProtocolError) as error:
        line.send(event="failed", reason=str(error))
    except BaseException:
        sys.__excepthook__(*sys.exc_info())
    os._exit(status)


def _request(line: Line, level: str) -> Request:
    messages = line.receive(timeout=10)
    while not messages and not line.closed:
        messages = line.receive(timeout=10)
    if len(messages) != 1:
        raise ProtocolError("expected one request")
    try:
        request = Request.from_json(messages[0])
    except (TypeError, KeyError) as error:
        raise ProtocolError(f"not a request: {error}") from None
    if request.level not in (level, confine.UNSAFE):
        raise ProtocolError(f"this warm process serves level {level}, not {request.level}")
    return request


class _Supervisor:
    def __init__(self, line: Line, request: Request, plan: confine.Plan, warm: int) -> None:
        self.line, self.request, self.plan, self.warm = line, request, plan, warm
        self.reason: str | None = None
        self.peak = 0
        self.log = b""
        self.started = time.monotonic()
        self.in_place = self.over = False

    def run(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self.end("killed"))
        # Only a dumpable process may open its own file here, and only before /proc is the sandbox's.
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
        with open("/proc/self/oom_score_adj", "w") as score:
            syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
            place = confine.prepare(self.plan)
            if self.plan.level != confine.NAMESPACES:
                syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
            self.link, inner = socket.socketpair()
            self.log_fd, log = os.pipe()
            score.write(str(_KILLED_FIRST))
            score.flush()
            self.kernel = os.fork()
            if self.kernel == 0:
                kernel.run(self.request, self.plan, place, inner, log)
            score.seek(0)
            score.write("0")
        inner.close()
        os.close(log)
        self.process = os.pidfd_open(self.kernel)
        self.watch()
        self.finish()

    def watch(self) -> None:
        """Pass orders on and look at the limits until the kernel ends."""
        poll = select.poll()
        for source in (self.line.connection, self.link, self.log_fd, self.process):
            poll.register(source, select.POLLIN)
        next_look, looks = 0.0, 0
        while True:
            ready = {fd for fd, _ in poll.poll(_TICK * 1000)}
            if self.log_fd in ready and not self.read_log():
                poll.unregister(self.log_fd)
            if self.link.fileno() in ready:
                poll.unregister(self.link)
                self.bound()
            if self.process in ready:
                return
            if self.line.connection.fileno() in ready:
                self.orders()
            if time.monotonic() >= next_look:
                self.look(disk=looks % _DISK_EVERY == 0)
                looks += 1
                next_look = time.monotonic() + _TICK

    def bound(self) -> None:
        """The kernel's sockets are there (or the kernel has gone): close their folder and let it start."""
        if self.link.recv(5) == b"bound":
            confine.seal(self.plan)
            self.in_place = True
            self.link.sendall(b"go")
            self.line.send(event="ready")
        self.link.close()

    def orders(self) -> None:
        for message in self.line.receive():
            if "signal" in message and self.reason is None:
                os.kill(self.kernel, int(message["signal"]))
            elif "kill" in message:
                self.end(str(message["kill"]))
            elif "usage" in message:
                self.line.send(event="usage", **self.usage())
        if self.line.closed:
            self.end("killed")

    def processes(self) -> list[int]:
        if not self.in_place:
            return []  # nothing of a student's runs yet, and /proc may still be the machine's
        if self.plan.level == confine.NAMESPACES:
            return watch.everyone_visible()
        return watch.descendants(os.getpid())

    def look(self, disk: bool) -> None:
        """End the kernel when a limit that the system does not keep by itself is passed."""
        limits = self.plan.limits
        if os.getppid() != self.warm:
            self.end("killed")
        if time.monotonic() - self.started > limits.wall:
            self.end("wall")
        used = watch.sample(self.processes())
        self.peak = max(self.peak, used.memory)
        if used.cpu > limits.cpu:
            self.end("cpu")
        if used.memory > limits.memory:
            self.end("memory")
        if used.tasks > limits.processes:
            self.end("processes")
        if disk and self.plan.level == confine.LANDLOCK:
            sizes = [watch.folder_size(folder) for folder in (self.plan.files, self.plan.temporary)]
            size, entries = (sum(part) for part in zip(*sizes, strict=True))
            if size > limits.scratch_bytes or entries > limits.scratch_files:
                self.end("disk")

    def end(self, reason: str) -> None:
        """Kill the kernel; the first reason stands."""
        self.reason = self.reason or reason
        try:
            os.kill(self.kernel, signal.SIGKILL)
        except ProcessLookupError:
            return

    def read_log(self) -> bool:
        received = os.read(self.log_fd, 1 << 16)
        self.log = (self.log + received)[-_LOG_BYTES:]
        return bool(received)

    def usage(self) -> dict[str, object]:
        measured = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = measured.ru_utime + measured.ru_stime if self.over else watch.sample(self.processes()).cpu
        usage = Usage(
            cpu_seconds=round(cpu, 3),
            wall_seconds=round(time.monotonic() - self.started, 3),
            peak_bytes=max(self.peak, measured.ru_maxrss << 10),
            ended=self.reason if self.over else None,
            log=self.log.decode(errors="replace"),
        )
        return vars(usage)

    def finish(self) -> None:
        """The kernel has ended: end all it left behind, and report."""
        _, status = os.waitpid(self.kernel, 0)
        self.over = True
        if self.plan.level != confine.NAMESPACES:  # there, its first process's end was everyone's
            watch.end_all(lambda: watch.descendants(os.getpid()))
        os.set_blocking(self.log_fd, False)
        try:
            while self.read_log():
                continue
        except BlockingIOError:  # something it started still holds the other end
            pass
        code = os.waitstatus_to_exitcode(status)
        if self.reason is None:
            self.reason = f"exit {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        limit = self.plan.limits.cpu
        usage = self.usage()
        if code == -signal.SIGKILL and self.reason == "signal SIGKILL" and usage["cpu_seconds"] >= limit:
            usage["ended"] = "cpu"
        self.line.send(event="ended", **usage)
