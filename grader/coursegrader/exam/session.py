"""One exam: a restored notebook in, the executed notebook and what each cell earned out.

The candidate's kernel runs the student's notebook in its order; where a test stands, the examiner's kernel runs it and
asks the candidate's for what it needs.
"""

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from coursegrader.exam import verdict
from coursegrader.exam.channel import Reply
from coursegrader.exam.division import Place, Step, data_steps, divide, hidden_lines
from coursegrader.exam.errors import BadReply, CandidateDied, ExamError
from coursegrader.exam.kernels import ColdLauncher, Launcher
from coursegrader.exam.outputs import CellOutputs
from coursegrader.exam.pair import Pair
from coursegrader.exam.verdict import Outcome
from coursegrader.notebooks import Role, points
from coursegrader.run import CellEnd, Ended, Run
from coursegrader.spec import Spec


@dataclass(frozen=True)
class Options:
    """What an exam needs beyond the assignment's specification.

    `held_out` are files (name to bytes) that only the examiner sees. `withdraw` names functions, classes or modules
    that are taken from the candidate after the data cells. `call_seconds` bounds one call from a test,
    `message_bytes` what crosses in one message.
    """

    held_out: Mapping[str, bytes] = field(default_factory=dict)
    withdraw: tuple[str, ...] = ()
    call_seconds: float = 60.0
    message_bytes: int = 64 << 20


@dataclass(frozen=True)
class ExamRun(Run):
    """An executed notebook with what each test earned; `notes` are for staff."""

    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()


def run(
    notebook: NotebookNode,
    spec: Spec,
    folder: Path,
    progress: Callable[[int], None] = lambda done: None,
    *,
    launcher: Launcher | None = None,
    options: Options | None = None,
    student_files: Mapping[str, bytes] | None = None,
) -> ExamRun:
    """Runs a restored notebook as candidate and examiner; `folder` is empty and the caller's to delete.

    `student_files` (name to bytes) lie beside the student's notebook; of two files of one name the specification's
    counts. The examiner never sees them: a file called `numpy.py` would be imported there.

    Whatever the student's code does ends up in the result. Raises `ExamError` where the instructor's own cells fail,
    `KernelUnavailable` where no kernel can be started. When this returns, both kernels are gone.
    """
    options = options or Options()
    solution = nbformat.reads(spec.solution.decode(), as_version=4)
    steps = divide(notebook, spec.reference_notebook(), solution)
    pair = Pair(
        launcher or ColdLauncher(),
        folder,
        limits=spec.limits,
        environment=spec.environment,
        candidate_files=dict(student_files or {}) | spec.files,
        examiner_files=spec.files | dict(options.held_out),
        of_answers={name for step in steps if step.role is Role.ANSWER for name in step.binds},
        call_seconds=options.call_seconds,
        message_bytes=options.message_bytes,
    )
    with pair:
        return _Session(deepcopy(notebook), steps, spec, pair, progress).run(options.withdraw)


class _Session:
    def __init__(
        self, notebook: NotebookNode, steps: list[Step], spec: Spec, pair: Pair, progress: Callable[[int], None]
    ):
        self.notebook, self.steps, self.limits = notebook, steps, spec.limits
        self.pair, self.progress = pair, progress
        self.locked_names = {name for step in steps if step.place is Place.BOTH for name in step.binds}
        self.ends: dict[int, CellEnd] = {}
        self.outcomes: dict[int, Outcome] = {}
        # By execution count, the names under which a student knows the cells.
        self.cells: dict[int, str] = {}
        # Why the rest is not run, once something ended it.
        self.over = ""
        self.deadline = 0.0

    def run(self, withdraw: tuple[str, ...]) -> ExamRun:
        """Run every cell where it belongs."""
        started = time.monotonic()
        self.deadline = started + self.limits.submission_seconds
        notes = []
        first = data_steps(self.steps) if withdraw else []
        for step in first:
            self._do(step)
        if withdraw and not self.over and not self.pair.withdraw(withdraw):
            notes.append("withdrawn functions are disabled, but their source files stay readable on this machine")
        for step in self.steps:
            if step not in first:
                self._do(step)
        peak = max(self.pair.candidate.peak_memory, self.pair.examiner.peak_memory)
        outcomes = tuple(self.outcomes[index] for index in sorted(self.outcomes))
        seconds = time.monotonic() - started
        return ExamRun(self.notebook, self.ends, seconds, peak, self.over, outcomes, tuple(notes))

    def _do(self, step: Step) -> None:
        if not self.over and time.monotonic() > self.deadline:
            self.over = f"the submission's {self.limits.submission_seconds:g} s were over before this cell"
        if self.over:
            self._skip(step)
        elif step.place is Place.NEITHER:
            self.ends[step.index] = CellEnd(Ended.OK)
        elif step.place is Place.EXAMINER:
            self._record(step, self._test(step))
        elif step.place is Place.BOTH:
            calls = self.pair.ask_examiner("calls")
            self.pair.to_examiner.submit(step.source)
            self._candidate_cell(step)
            self._end_locked(step, calls)
        else:
            self._candidate_cell(step)
            if step.role is Role.ANSWER:
                # As in one process: what an answer defines replaces what a test before it called by the same name.
                self.pair.ask_examiner("answered", sorted(step.binds - self.locked_names))
        self.progress(step.index)

    def _skip(self, step: Step) -> None:
        if step.role is Role.TEST:
            self._record(step, verdict.not_run(step.label, self._max_points(step), self.over))
        else:
            self.ends[step.index] = CellEnd(Ended.SKIPPED, self.over)
            self.notebook.cells[step.index].outputs = []

    def _record(self, step: Step, outcome: Outcome) -> None:
        self.outcomes[step.index] = outcome
        self.ends[step.index] = outcome.end
        cell = self.notebook.cells[step.index]
        cell.outputs, cell.execution_count = verdict.outputs(outcome), None

    def _max_points(self, step: Step) -> float:
        return points(self.notebook.cells[step.index])

    def _seconds(self) -> float:
        return min(self.limits.cell_seconds, self.deadline - time.monotonic())

    def _candidate_cell(self, step: Step) -> None:
        cell, kernel, channel = self.notebook.cells[step.index], self.pair.candidate, self.pair.to_candidate
        shown = CellOutputs(self.limits.output)
        channel.on_output, channel.lost_output = shown.add, False
        started, seconds = time.monotonic(), self._seconds()
        channel.submit(step.source)
        reply = channel.wait(started + seconds, kernel.alive, lambda: shown.flooded or channel.lost_output)
        if reply.status == "stopped" and not kernel.alive():
            reply = Reply("died")
        kind, reason = Ended.OK, ""
        if reply.status == "timeout":
            kind, reason = Ended.TIMEOUT, f"stopped after {seconds:g} s"
            kernel.interrupt()
            grace = time.monotonic() + self.limits.grace_seconds
            reply = channel.wait(grace, kernel.alive, lambda: shown.flooded or channel.lost_output)
        channel.on_output = None
        why = {
            "timeout": f"it did not heed an interrupt after {seconds:g} s",
            "stopped": "far more output than a notebook can hold",
            "died": kernel.why_ended(),
        }.get(reply.status)
        if why is not None:
            self._died(why, step)
            kind, reason = Ended.DIED, self.over
        elif reply.status == "error" and kind is Ended.OK:
            kind, reason = Ended.ERROR, _first_line(reply)
        cell.outputs, cell.execution_count = shown.finished(), reply.execution_count
        if reply.execution_count is not None:
            self.cells[reply.execution_count] = step.label
        if kind in (Ended.TIMEOUT, Ended.DIED):
            cell.outputs.append(new_output("error", ename="Stopped", evalue=reason, traceback=[f"Stopped: {reason}"]))
        self.ends[step.index] = CellEnd(kind, reason, time.monotonic() - started)

    def _died(self, why: str, step: Step) -> None:
        self.pair.candidate.kill()
        self.over = f"your kernel died in {step.label}" + (f" ({why})" if why else "")

    def _end_locked(self, step: Step, calls: int) -> None:
        reply = self.pair.to_examiner.wait(time.monotonic() + self.limits.cell_seconds, self.pair.examiner.alive)
        # A cell that used the student's names may fail through them; the tests will say so.
        if reply.status == "ok" or (reply.status == "error" and self.pair.ask_examiner("calls") > calls):
            return
        why = f"{reply.status}, {_first_line(reply)}"
        raise ExamError(f"The locked cell {step.label} does not run in the examiner ({why}): see that it runs alone.")

    def _test(self, step: Step) -> Outcome:
        cell = {"id": step.label, "source": step.source, "hidden": [list(pair) for pair in hidden_lines(step.source)]}
        seconds = self._seconds()
        try:
            seen = self.pair.test(cell, seconds)
        except (CandidateDied, BadReply):
            # The examiner is gone, or heeds no interrupt: with it go the tests that are left.
            self.over = f"the test {step.label} could not be ended after {seconds:g} s"
            return verdict.not_run(step.label, self._max_points(step), self.over)
        if not self.pair.candidate.alive():
            self._died(self.pair.candidate.why_ended(), step)
        elif seen["gone"]:
            self._died(seen["gone"], step)
        if self.over and seen["ended"] != "ok":
            seen |= {"ended": "interrupted", "gone": self.over}
        elif seen["late"] and not seen["cut"]:
            seen |= {"cut": f"the test did not end within {seconds:g} s"}
        return verdict.judge(step.label, step.source, self._max_points(step), seen, self.cells)


def _first_line(reply: Reply) -> str:
    lines = reply.evalue.strip().splitlines()
    return f"{reply.ename}: {lines[0][:200]}" if lines else reply.ename
