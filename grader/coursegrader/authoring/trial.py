"""Trials: an instructor's notebook with some answers replaced, and the points its test cells then give.

A trial is a plain run, as nbgrader's: one process, one namespace, names are the student's objects. It takes well under
a second where nothing trains, for two reasons. A `Warm` process has imported TensorFlow and forks a child for each
trial; and a trial executes only the cells that the changed answers can reach (`dependencies`), so that what trains a
model runs only for answers that the model depends on. Test cells out of reach keep the points of the instructor's run.

A cell's points follow the architecture's rule: it ran to its end (full), its last expression is a number (partial
credit, clipped), it raised or did not run (zero).
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode

from coursegrader.authoring.dependencies import Names, Record, affected, code_cells, imports_of, names_of, needed, reads
from coursegrader.errors import CourseError
from coursegrader.notebooks import Role

START_SECONDS = 180.0
FIRST_RUN_SECONDS = 60.0  # what a cell may take by when nothing is recorded yet
# Not copied into a trial's folder: what nbgrader does not release either, and the notebooks themselves.
NOT_COPIED = ("*.ipynb", "*.py", "mistakes", "alternatives", "__pycache__", ".ipynb_checkpoints", ".*")

_ENVIRONMENT = {
    "COURSE_PROFILE": "small",
    "COURSE_SOURCE": "bundled",
    "COURSE_SEED": "0",
    "PYTHONHASHSEED": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "MPLBACKEND": "Agg",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class TrialError(CourseError):
    """The bench itself failed: the warm process did not start, or a notebook names no such cell."""


@dataclass(frozen=True)
class Limits:
    """Bounds of a trial; a cell gets `factor` times the CPU time of the instructor's run, and `spare` seconds more."""

    factor: float = 5.0
    spare: float = 10.0
    wall_factor: float = 10.0
    wall_spare: float = 60.0
    memory_bytes: int = 6 * 2**30
    file_bytes: int = 64 * 2**20
    output_bytes: int = 4000


@dataclass(frozen=True)
class Outcome:
    """What a test cell gave. `reached` is False where the changed answers cannot touch it and it was not executed."""

    points: float
    max_points: float
    error: str | None
    reached: bool = True

    @property
    def full(self) -> bool:
        """Whether it earned all its points."""
        return self.points >= self.max_points


@dataclass(frozen=True)
class Result:
    """A trial's outcome by test cell, the cells it executed, why it died where it did, CPU and wall time in seconds."""

    outcomes: dict[str, Outcome]
    executed: tuple[str, ...]
    errors: dict[str, str]
    died: str | None
    output: str
    cpu: float
    seconds: float

    @property
    def points(self) -> dict[str, float]:
        """Points by test cell."""
        return {name: outcome.points for name, outcome in self.outcomes.items()}

    @property
    def rejected(self) -> set[str]:
        """The test cells that gave less than all their points."""
        return {name for name, outcome in self.outcomes.items() if not outcome.full}


class Warm:
    """The warm process, as a context manager; `run` may be called from as many threads as there are jobs."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="trials-")
        self._process: subprocess.Popen | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> "Warm":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.stdin.close()
            self._process.stdout.close()
            self._process.wait()
            self._process = None
        self._folder.cleanup()

    def run(self, request: Mapping[str, Any], seconds: float) -> tuple[list[dict], str | None]:
        """The messages of a child that runs `request`, and why it died; it is killed after `seconds` of wall time."""
        self._start()
        messages: list[dict] = []
        exit_code, pid, late = None, None, False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(self._socket))
            deadline = time.monotonic() + seconds
            connection.sendall(json.dumps(request).encode() + b"\n")
            for message in _lines(connection, deadline):
                if message is None:
                    late = True
                elif "pid" in message:
                    pid = message["pid"]
                elif "exit" in message:
                    exit_code = message["exit"]
                else:
                    messages.append(message)
                if late and pid is not None and exit_code is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGKILL)
        if late:
            return messages, f"killed after {seconds:.0f} s"
        if exit_code is None:
            raise TrialError(f"the warm process went away:\n{self._errors()}")
        complete = len(messages) == len(request["cells"])
        return messages, None if complete and exit_code == 0 else _death(exit_code)

    @property
    def _socket(self) -> Path:
        return Path(self._folder.name) / "socket"

    def _errors(self) -> str:
        return (Path(self._folder.name) / "stderr").read_text(errors="replace")[-2000:]

    def _start(self) -> None:
        with self._lock:
            if self._process is not None:
                return
            with open(Path(self._folder.name) / "stderr", "wb") as errors:
                process = subprocess.Popen(
                    [sys.executable, "-m", "coursegrader.authoring.trial_worker", str(self._socket)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=self._folder.name,
                    env={**os.environ, **_ENVIRONMENT},
                )
            timer = threading.Timer(START_SECONDS, process.kill)
            timer.start()
            line = process.stdout.readline()
            timer.cancel()
            if not line:
                process.wait()
                raise TrialError(f"the warm process did not start (exit {process.returncode}):\n{self._errors()}")
            self._process = process


class Bench:
    """An instructor's notebook, its own run recorded once, and any number of trials of other answers.

    `files`: the folder of the assignment, whose supplementary files a trial finds in its working directory.
    `jobs`: how many trials `run_many` runs at once.
    """

    def __init__(
        self,
        notebook: NotebookNode,
        warm: Warm,
        *,
        files: Path | None = None,
        jobs: int | None = None,
        limits: Limits = Limits(),
    ) -> None:
        self.cells = code_cells(notebook)
        self.limits = limits
        self.jobs = jobs or os.cpu_count() or 1
        self._warm = warm
        self._files = files
        self._by_name = {cell.name: cell for cell in self.cells}
        self._imports = imports_of(self.cells)
        self._lock = threading.Lock()
        self._recorded: _Recorded | None = None

    @property
    def tests(self) -> dict[str, float]:
        """The test cells and their points, in order."""
        return {cell.name: cell.points for cell in self.cells if cell.role is Role.TEST}

    @property
    def solution(self) -> Result:
        """The instructor's own run, whole."""
        return self._record().result

    def cost(self, names: Iterable[str]) -> float:
        """CPU seconds that these cells took in the instructor's run."""
        spent = self._record().cpu
        return sum(spent.get(name, 0.0) for name in names)

    def plan(self, answers: Mapping[str, str], tests: Iterable[str] | None = None) -> list[str]:
        """The cells that a trial of `answers` executes, unless it then sees a cell change further names."""
        return self._plan(answers, tests, self._record().record)[0]

    def reach(self, answers: Mapping[str, str]) -> list[str]:
        """The test cells that these answers can reach, in order."""
        reached = affected(self.cells, self._changed(answers), self._record().record)
        return [test for test in self.tests if test in reached]

    def run(self, answers: Mapping[str, str], tests: Iterable[str] | None = None, *, whole: bool = False) -> Result:
        """What `tests` (all) give with `answers` (source by `grade_id`) in place of the instructor's.

        `whole` executes every cell of the notebook instead of those that the answers can reach.
        """
        started = time.monotonic()
        recorded = self._record()
        wanted = tuple(self.tests if tests is None else tests)
        if unknown := (set(answers) | set(wanted)) - self._by_name.keys():
            raise TrialError(f"the notebook has no code cell {', '.join(sorted(unknown))}")
        if whole:
            names = [cell.name for cell in self.cells]
            run = self._execute(names, answers, watch=False)
            return self._result(wanted, set(names), run, started)
        record = recorded.record
        cpu = 0.0
        while True:
            names, reached = self._plan(answers, wanted, record)
            if not names:
                run = _Run((), {}, {}, None, "", cpu)
                return self._result(wanted, set(), run, started)
            run = self._execute(names, answers, watch=True)
            cpu += run.cpu
            learned = self._learn(record, run, answers)
            if learned is None or set(self._plan(answers, wanted, learned)[0]) <= set(names):
                return self._result(wanted, reached, replace(run, cpu=cpu), started)
            record = learned

    def run_many(self, trials: Sequence[tuple[Mapping[str, str], Iterable[str] | None]]) -> Iterator[Result]:
        """The results of many trials `(answers, tests)`, in their order, `jobs` at a time."""
        self._record()
        with ThreadPoolExecutor(self.jobs) as pool:
            yield from pool.map(lambda trial: self.run(*trial), trials)

    def _record(self) -> "_Recorded":
        with self._lock:
            if self._recorded is None:
                self._recorded = self._run_solution()
            return self._recorded

    def _run_solution(self) -> "_Recorded":
        started = time.monotonic()
        names = [cell.name for cell in self.cells]
        run = self._execute(names, {}, watch=True)
        record = self._learn(Record(raised=set(run.errors)), run, {}) or Record(raised=set(run.errors))
        cpu = {name: message["cpu"] for name, message in run.messages.items()}
        seconds = {name: message["seconds"] for name, message in run.messages.items()}
        result = self._result(tuple(self.tests), set(names), run, started)
        return _Recorded(record, result, cpu, seconds)

    def _plan(
        self, answers: Mapping[str, str], tests: Iterable[str] | None, record: Record
    ) -> tuple[list[str], set[str]]:
        changed = self._changed(answers)
        reached = affected(self.cells, changed, record)
        targets = reached & set(self.tests if tests is None else tests)
        return (needed(self.cells, changed, record, targets, reached) if targets else []), reached

    def _changed(self, answers: Mapping[str, str]) -> dict[str, Names]:
        return {
            name: names_of(source, self._imports)
            for name, source in answers.items()
            if source.strip() != self._by_name[name].source.strip()
        }

    def _learn(self, record: Record, run: "_Run", answers: Mapping[str, str]) -> Record | None:
        """`record` with the names that cells were now seen to change, or None where that is nothing new."""
        changed = {name: set(names) for name, names in record.changed.items()}
        new = self._changed(answers)
        for index, cell in enumerate(self.cells):
            if (message := run.messages.get(cell.name)) is None:
                continue
            known = changed.setdefault(cell.name, set())
            opaque = set(message["opaque"]) & reads(self.cells, index, new)
            known |= (set(message["changed"]) | opaque) - cell.names.binds
        if all(names <= record.changed.get(name, set()) for name, names in changed.items()):
            return None
        return Record(changed, record.raised)

    def _execute(self, names: Sequence[str], answers: Mapping[str, str], *, watch: bool) -> "_Run":
        limits = self.limits
        recorded = self._recorded
        cells = []
        cpu_seconds = wall_seconds = 0.0
        for name in names:
            cpu = recorded.cpu.get(name, 0.0) if recorded else FIRST_RUN_SECONDS
            wall = recorded.seconds.get(name, 0.0) if recorded else FIRST_RUN_SECONDS
            seconds = limits.spare + limits.factor * cpu
            cpu_seconds += seconds
            wall_seconds += limits.wall_factor * wall
            cells.append({"name": name, "source": answers.get(name, self._by_name[name].source), "seconds": seconds})
        with tempfile.TemporaryDirectory(prefix="trial-") as scratch:
            folder = Path(scratch) / "work"
            _copy_files(self._files, folder)
            request = {
                "folder": str(folder),
                "output": str(Path(scratch) / "output"),
                "threads": max(1, (os.cpu_count() or 1) // self.jobs),
                "cells": cells,
                "watch": watch,
                "cpu_seconds": cpu_seconds + limits.spare,
                "memory_bytes": limits.memory_bytes,
                "file_bytes": limits.file_bytes,
            }
            messages, died = self._warm.run(request, limits.wall_spare + wall_seconds)
            output = _tail(Path(scratch) / "output", limits.output_bytes)
        by_name = {message["cell"]: message for message in messages}
        errors = {name: message["error"] for name, message in by_name.items() if message["error"] is not None}
        return _Run(tuple(names), by_name, errors, died, output, sum(message["cpu"] for message in messages))

    def _result(self, tests: Sequence[str], reached: set[str], run: "_Run", started: float) -> Result:
        outcomes = {name: self._outcome(name, reached, run) for name in tests}
        executed = tuple(run.messages)
        return Result(outcomes, executed, run.errors, run.died, run.output, run.cpu, time.monotonic() - started)

    def _outcome(self, name: str, reached: set[str], run: "_Run") -> Outcome:
        most = self._by_name[name].points
        order = [cell.name for cell in self.cells]
        lost = next((cell for cell in run.names if cell not in run.messages), None)
        if lost is not None and order.index(name) >= order.index(lost):
            return Outcome(0.0, most, f"did not run: the process died in '{lost}' ({run.died})")
        if name not in reached:
            return replace(self._recorded.result.outcomes[name], reached=False)
        message = run.messages[name]
        if message["error"] is not None:
            return Outcome(0.0, most, message["error"])
        value = message["value"]
        return Outcome(most if value is None else min(max(value, 0.0), most), most, None)


@dataclass(frozen=True)
class _Run:
    names: tuple[str, ...]
    messages: dict[str, dict]
    errors: dict[str, str]
    died: str | None
    output: str
    cpu: float


@dataclass(frozen=True)
class _Recorded:
    record: Record
    result: Result
    cpu: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def _lines(connection: socket.socket, deadline: float) -> Iterator[dict | None]:
    """The messages of a connection until it closes; None once where the deadline passes."""
    buffer = b""
    late = False
    while True:
        connection.settimeout(None if late else max(deadline - time.monotonic(), 0.001))
        try:
            chunk = connection.recv(65536)
        except TimeoutError:
            late = True
            yield None
            continue
        except ConnectionResetError:
            return
        if not chunk:
            return
        *lines, buffer = (buffer + chunk).split(b"\n")
        yield from (json.loads(line) for line in lines)


def _death(exit_code: int) -> str:
    if exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"exited with {exit_code} before the last cell"


def _copy_files(source: Path | None, folder: Path) -> None:
    if source is None:
        folder.mkdir()
    else:
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))


def _tail(path: Path, size: int) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - size))
        return stream.read().decode(errors="replace")
