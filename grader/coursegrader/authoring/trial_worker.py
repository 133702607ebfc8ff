"""The warm process behind `trial`: it imports TensorFlow once and forks a child for each trial.

Run as `python -m coursegrader.authoring.trial_worker SOCKET`. It writes `ready` to stdout once everything is imported
and serves until its stdin closes. A connection to the socket is a trial: one line of JSON asks, lines of JSON answer:
first the child's process id, then a line a cell, last how the child ended. No TensorFlow operation runs before a fork,
so children start with whole thread pools of their own.
"""

import ast
import builtins
import contextlib
import gc
import hashlib
import importlib
import json
import linecache
import math
import numbers
import os
import resource
import selectors
import signal
import socket
import sys
import time
import traceback
import types
import zlib
from typing import Any

from coursegrader.exam.seeding import seed_everything, seed_of

PRELOAD = (
    "numpy",
    "tensorflow",
    "keras",
    "matplotlib.pyplot",
    "IPython.display",
    "coursedata",
    "coursekit",
    "coursegrader.checks",
    "coursegrader.authoring.junk",
)
MAX_MESSAGE = 600
MAX_NODES = 20_000

_PLAIN = (type(None), bool, int, float, complex, str, bytes, range, slice, type(...))


class CellTimeout(BaseException):
    """A cell used up its CPU time; not an `Exception`, so that student code does not catch it by accident."""


def main() -> None:
    """Serves trials on the socket named on the command line until stdin closes."""
    warnings = preload()
    gc.collect()
    gc.freeze()  # a collection in a child would otherwise copy most of what it shares
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(sys.argv[1])
        listener.listen(64)
        sys.stdout.write(json.dumps({"ready": True, "missing": warnings}) + "\n")
        sys.stdout.flush()
        serve(listener)


def preload() -> list[str]:
    """Imports what notebooks import; gives the modules of the course that are not there yet."""
    missing = []
    for name in PRELOAD:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not name.startswith("course"):
                raise
            missing.append(f"{name}: {error}")
    return missing


def serve(listener: socket.socket) -> None:
    """Forks a child for each connection and reports how it ended."""
    children: dict[int, socket.socket] = {}
    wake, woken = socket.socketpair()
    for end in (wake, woken):
        end.setblocking(False)
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        for source in (listener, wake, sys.stdin.fileno()):
            selector.register(source, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if sys.stdin.fileno() in ready and not os.read(sys.stdin.fileno(), 4096):
                break
            if wake in ready:
                with contextlib.suppress(BlockingIOError):
                    wake.recv(4096)
            _reap(children)
            if listener in ready:
                connection, _ = listener.accept()
                children[_fork(connection, [listener, wake, woken, *children.values()])] = connection
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _reap(children: dict[int, socket.socket]) -> None:
    for pid in list(children):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            with children.pop(pid) as connection, contextlib.suppress(OSError):
                code = os.waitstatus_to_exitcode(status)
                connection.sendall(json.dumps({"exit": code}).encode() + b"\n")
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)  # what the trial left running


def _fork(connection: socket.socket, close: list[socket.socket]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in close:
            other.close()
        with connection, connection.makefile("rw", encoding="utf-8") as channel:
            _send(channel, {"pid": os.getpid()})
            request = json.loads(channel.readline())
            run(request, lambda message: _send(channel, message))
        status = 0
    except BaseException:  # a forked child must never return into the server's loop
        traceback.print_exc()
    finally:
        os._exit(status)


def _send(channel, message: dict[str, Any]) -> None:
    channel.write(json.dumps(message) + "\n")
    channel.flush()


def run(request: dict[str, Any], send) -> None:
    """Runs the cells of a request in this process and sends what became of each.

    `request`: `folder` (the working directory), `output` (the file for both streams), `threads`, `cells` (`name`,
    `source`, `seconds` of CPU time), `watch` (whether to tell which names a cell changed), `cpu_seconds`,
    `memory_bytes` beyond what the imports take, `file_bytes`.
    """
    os.chdir(request["folder"])
    _capture(request)
    _limit(request)
    _threads(request["threads"])
    module = types.ModuleType("__main__")
    namespace = module.__dict__
    namespace.update(__builtins__=builtins, display=_display)
    sys.modules["__main__"] = module
    before = fingerprints(namespace) if request["watch"] else {}
    for cell in request["cells"]:
        started, cpu = time.monotonic(), time.process_time()
        error, value = _execute(cell, namespace)
        message = {"cell": cell["name"], "error": error, "value": value}
        message |= {"seconds": time.monotonic() - started, "cpu": time.process_time() - cpu}
        if request["watch"]:
            after = fingerprints(namespace)
            names = before.keys() | after.keys()
            message["changed"] = sorted(name for name in names if before.get(name) != after.get(name))
            message["opaque"] = sorted(name for name in after if after[name] is None)
            before = after
        send(message)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _capture(request: dict[str, Any]) -> None:
    """Sends both output streams to a file that the asking process reads the end of."""
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _limit(request: dict[str, Any]) -> None:
    mapped = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() if os.path.exists("/proc") else 0
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: math.ceil(request["cpu_seconds"]),
        resource.RLIMIT_FSIZE: request["file_bytes"],
    }
    if mapped:  # the limit is on address space, of which the imports alone take more than a gigabyte
        limits[resource.RLIMIT_AS] = mapped + request["memory_bytes"]
    for name, limit in limits.items():
        hard = resource.getrlimit(name)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(name, (limit, hard))


def _threads(threads: int) -> None:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.set_visible_devices([], "GPU")


def _display(*values: Any, **_: Any) -> None:
    for value in values:
        sys.stdout.write(f"{value!r}\n")


def _execute(cell: dict[str, Any], namespace: dict[str, Any]) -> tuple[str | None, float | None]:
    """Runs a cell as a notebook does: `(error, value)`, value being the last expression's where it is a number."""
    filename = f"<{cell['name']}>"
    # Keras and TensorFlow look up the source of functions (AutoGraph does), as they can in a notebook.
    linecache.cache[filename] = (len(cell["source"]), None, cell["source"].splitlines(True), filename)
    seed_everything(seed_of(cell["name"]))
    value = None
    signal.signal(signal.SIGPROF, _timed_out)
    try:
        tree = ast.parse(cell["source"], filename)
        signal.setitimer(signal.ITIMER_PROF, cell["seconds"])
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, filename, "exec"), namespace)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), filename, "eval"), namespace)
        signal.setitimer(signal.ITIMER_PROF, 0)
    except BaseException as error:  # SystemExit and KeyboardInterrupt end a cell too, not the notebook
        signal.setitimer(signal.ITIMER_PROF, 0)
        return _describe(error, filename), None
    return None, partial_credit(value)


def _timed_out(*_: Any) -> None:
    raise CellTimeout("the cell used up its CPU time")


def partial_credit(value: Any) -> float | None:
    """The number that a cell's last expression gave as partial credit, NaN as zero; None where it is not a number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    number = float(value)
    return 0.0 if math.isnan(number) else number


def _describe(error: BaseException, filename: str) -> str:
    """`Type: message (line N)`; student code may have made even the message raise."""
    line = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == filename:
            line = f" (line {frame.lineno})"
    try:
        text = str(error)
    except Exception as second:
        text = f"its message raised {type(second).__name__}"
    return f"{type(error).__name__}: {text}"[:MAX_MESSAGE] + line


def fingerprints(namespace: dict[str, Any]) -> dict[str, Any]:
    """A fingerprint of each name's value: equal before and after a cell where the cell left the value alone.

    None for a value that cannot be looked into (an iterator, a graph of too many objects): every cell that can reach
    it must count as changing it.
    """
    return {
        name: _Fingerprint().of(value)
        for name, value in namespace.items()
        if not name.startswith("__") and not isinstance(value, types.ModuleType)
    }


class _Fingerprint:
    """The content of a value as a hash, functions by identity and closure, Keras objects by their variables."""

    def __init__(self) -> None:
        self.hash = hashlib.blake2b(digest_size=16)
        self.seen: dict[int, tuple[int, Any]] = {}  # the values too, so that no id is used twice
        self.nodes = 0
        self.opaque = False

    def of(self, value: Any) -> bytes | None:
        """The fingerprint, or None where the value cannot be looked into."""
        try:
            self._add(value)
        except Exception:  # a value of the student's may raise at anything that is asked of it
            self.opaque = True
        return None if self.opaque else self.hash.digest()

    def _note(self, *parts: Any) -> None:
        self.hash.update(repr(parts).encode())

    def _add(self, value: Any) -> None:
        import keras
        import numpy as np
        import tensorflow as tf

        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.opaque = True
        if self.opaque:
            return
        kind = type(value)
        if kind in _PLAIN:
            self._note(kind.__name__, value)
            return
        if id(value) in self.seen:
            self._note("again", self.seen[id(value)][0])
            return
        self.seen[id(value)] = self.nodes, value
        if isinstance(value, np.ndarray | np.generic):
            self._array(value)
        elif isinstance(value, tf.Tensor | tf.Variable | keras.Variable):
            self._array(np.asarray(value))
        elif isinstance(value, list | tuple | set | frozenset | dict):
            self._container(value)
            self._add(getattr(value, "__dict__", None))
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, type | types.BuiltinFunctionType | types.ModuleType | np.ufunc):
            self._note("identity", id(value))
        elif isinstance(value, types.MethodType):
            self._add([value.__self__, value.__func__])
        elif kind.__module__.split(".")[0] == "matplotlib":
            self._note("figure", id(value))
        elif isinstance(value, keras.Layer | keras.optimizers.Optimizer | keras.metrics.Metric):
            plain = {name: item for name, item in vars(value).items() if type(item) in _PLAIN}
            self._note(kind.__name__, id(value), plain)
            self._add([np.asarray(variable) for variable in value.variables])
        elif isinstance(value, np.random.Generator):
            self._note("generator", value.bit_generator.state)
        elif hasattr(value, "__dict__") and not hasattr(value, "__next__"):
            self._note(kind.__name__, id(kind))
            self._add(vars(value))
        else:
            self.opaque = True

    def _array(self, array: Any) -> None:
        self._note(type(array).__name__, array.shape, str(array.dtype))
        if array.dtype.hasobject:
            self._add(array.tolist())
        else:
            self._note(zlib.crc32(array.tobytes()), zlib.adler32(array.tobytes()))

    def _container(self, value: Any) -> None:
        self._note(type(value).__name__, len(value))
        items = list(value.items()) if isinstance(value, dict) else list(value)
        if isinstance(value, set | frozenset):
            items.sort(key=repr)
        for item in items:
            self._add(item)

    def _function(self, function: types.FunctionType) -> None:
        self._note("function", id(function.__code__))
        for cell in function.__closure__ or ():
            try:
                self._add(cell.cell_contents)
            except ValueError:  # a closure that is not filled yet
                self._note("empty")
        self._add([function.__defaults__, function.__kwdefaults__, function.__dict__])


if __name__ == "__main__":
    main()
