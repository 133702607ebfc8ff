"""One exam: a restored notebook in, the executed notebook and what each cell earned out.

The candidate's kernel runs the student's notebook in its order; where a test stands, the examiner's kernel runs it and
asks the candidate's for what it needs.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from coursegrader.exam import shortcuts, verdict
from coursegrader.exam.channel import FLOODED, Reply
from coursegrader.exam.division import Place, Step, data_steps, divide, hidden_lines
from coursegrader.exam.errors import BadReply, CandidateDied, ExamError, KernelKilled
from coursegrader.exam.forbidden import Kind, Verdict
from coursegrader.exam.kernels import ColdLauncher, Launcher
from coursegrader.exam.mentions import Cell
from coursegrader.exam.outputs import CellOutputs
from coursegrader.exam.pair import Pair
from coursegrader.exam.verdict import Outcome
from coursegrader.notebooks import Role, points
from coursegrader.submission.run import CellEnd, Ended, Run
from coursegrader.submission.scores import partial_credit
from coursegrader.submission.spec import Spec


@dataclass(frozen=True)
class ExamRun(Run):
    """An executed notebook with what each test earned; `notes` are for staff.

    `killed` says that the student's kernel was killed, by its own code or from outside: there is no telling which.
    """

    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    killed: bool = False


def run(
    notebook: NotebookNode,
    spec: Spec,
    folder: Path,
    progress: Callable[[int], None] = lambda done: None,
    *,
    launcher: Launcher | None = None,
    student_files: Mapping[str, bytes] | None = None,
) -> ExamRun:
    """Runs a restored notebook as candidate and examiner; `folder` is empty and the caller's to delete.

    `student_files` (name to bytes) lie beside the student's notebook; of two files of one name the specification's
    counts. The examiner never sees them: a file called `numpy.py` would be imported there.

    Whatever the student's code does ends up in the result. Raises `ExamError` where the instructor's own cells fail,
    `KernelKilled` where a kernel is killed from outside meanwhile, `KernelUnavailable` where no kernel can be started.
    When this returns, both kernels are gone.
    """
    solution = nbformat.reads(spec.solution.decode(), as_version=4)
    steps = divide(notebook, spec.reference_notebook(), solution)
    if spec.tests_inside:
        steps = [step._replace(place=Place.CANDIDATE) for step in steps]
    pair = Pair(
        launcher or ColdLauncher(),
        folder,
        limits=spec.limits,
        environment=spec.environment,
        candidate_files=_beside(student_files or {}, spec.files),
        examiner_files=spec.files | spec.held_out,
        of_answers={name for step in steps if step.role is Role.ANSWER for name in step.binds},
        of_tests=_names_of_tests(steps),
    )
    tasks = shortcuts.by_test(solution)
    session = _Session(deepcopy(notebook), steps, spec, pair, progress, tasks, student_files or {})
    with pair:
        try:
            ran = replace(session.run(spec.withdraw), killed=pair.candidate.killed())
        except ExamError as error:
            if pair.examiner.killed() or pair.candidate.killed():
                raise KernelKilled(f"a kernel was killed: {error.reason}", "grade again") from error
            raise
    # What a kernel used in all is known once it has ended.
    return replace(ran, peak_memory=max(pair.candidate.peak_memory, pair.examiner.peak_memory))


def _names_of_tests(steps: list[Step]) -> set[str]:
    """What the examiner's cells bind and the candidate's do not: names that never stand for the student's."""
    bound: dict[bool, set[str]] = {True: set(), False: set()}
    for step in steps:
        bound[step.place in (Place.EXAMINER, Place.BOTH)] |= step.binds
    return bound[True] - bound[False]


def _beside(theirs: Mapping[str, bytes], ours: Mapping[str, bytes]) -> dict[str, bytes]:
    """Both together; where a file of the student's is called like one of ours, or like its folder, ours counts."""
    taken = {part for name in ours for part in _and_folders(name)}
    free = {name: content for name, content in theirs.items() if name not in taken and not ours.keys() & _folders(name)}
    return free | dict(ours)


def _folders(name: str) -> set[str]:
    return {parent.as_posix() for parent in PurePosixPath(name).parents}


def _and_folders(name: str) -> set[str]:
    return {name, *_folders(name)}


class _Session:
    def __init__(
        self,
        notebook: NotebookNode,
        steps: list[Step],
        spec: Spec,
        pair: Pair,
        progress: Callable[[int], None],
        tasks: Mapping[str, shortcuts.Task],
        student_files: Iterable[str],
    ):
        self.notebook, self.steps, self.limits = notebook, steps, spec.limits
        self.pair, self.progress = pair, progress
        # What the task of a test does not allow.
        self.tasks, self.policy, self.student_files = tasks, spec.shortcuts, tuple(student_files)
        self.locked_names = {name for step in steps if step.place is Place.BOTH for name in step.binds}
        # Names that answers have bound so far: the student's.
        self.answered: set[str] = set()
        self.ends: dict[int, CellEnd] = {}
        self.outcomes: dict[int, Outcome] = {}
        # By execution count, the names under which a student knows the cells; and the counts of the course's own.
        self.cells: dict[int, str] = {}
        self.locked_counts: set[int] = set()
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
        outcomes = tuple(self.outcomes[index] for index in sorted(self.outcomes))
        seconds = time.monotonic() - started
        return ExamRun(self.notebook, self.ends, seconds, 0, self.over, outcomes, tuple(notes))

    def _do(self, step: Step) -> None:
        if not self.over and time.monotonic() > self.deadline:
            self.over = f"the submission's {self.limits.submission_seconds:g} s were over before this cell"
        if self.over:
            self._skip(step)
        elif step.place is Place.EXAMINER:
            self._record(step, self._test(step))
        elif step.place is Place.BOTH:
            self._locked(step)
        else:
            self._candidate_cell(step)
            if step.role is Role.ANSWER:
                # As in one process: what an answer defines replaces what a test before it called by the same name.
                self.pair.ask_examiner("answered", sorted(step.binds - self.locked_names))
                self.answered |= step.binds
            elif step.role is Role.TEST:
                self._inside(step)
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

    def _seconds(self, step: Step) -> float:
        instructors = step.role in (Role.TEST, Role.LOCKED)
        seconds = self.limits.cell_seconds if instructors else self.limits.answer_seconds
        return max(min(seconds, self.deadline - time.monotonic()), 0)

    def _candidate_cell(self, step: Step) -> None:
        cell, kernel, channel = self.notebook.cells[step.index], self.pair.candidate, self.pair.to_candidate
        shown = CellOutputs(self.limits.output)
        channel.listen(shown.add)
        channel.lost_output = False
        started, seconds = time.monotonic(), self._seconds(step)
        channel.submit(step.source)
        reply = channel.wait(started + seconds, kernel.alive, lambda: channel.lost_output)
        if reply.status == "stopped" and not kernel.alive():
            reply = Reply("died")
        kind, reason = Ended.OK, ""
        if reply.status == "timeout":
            kind, reason = Ended.TIMEOUT, f"stopped after {seconds:g} s"
            kernel.interrupt()
            grace = time.monotonic() + self.limits.grace_seconds
            reply = channel.wait(grace, kernel.alive, lambda: channel.lost_output)
        channel.listen(None)
        why = {
            "timeout": f"it did not heed an interrupt after {seconds:g} s",
            "stopped": FLOODED,
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
            if step.role is Role.LOCKED:
                self.locked_counts.add(reply.execution_count)
        if kind in (Ended.TIMEOUT, Ended.DIED):
            cell.outputs.append(new_output("error", ename="Stopped", evalue=reason, traceback=[f"Stopped: {reason}"]))
        self.ends[step.index] = CellEnd(kind, reason, time.monotonic() - started)

    def _died(self, why: str, step: Step) -> None:
        self.pair.candidate.kill()
        self.over = f"your kernel died in {step.label}" + (f" ({why})" if why else "")

    def _locked(self, step: Step) -> None:
        """Run a locked cell in both kernels, side by side unless it asks the student's for something."""
        calls = self.pair.ask_examiner("calls")
        asks = not self.answered.isdisjoint(re.findall(r"\w+", step.source))
        if not asks:
            self.pair.to_examiner.submit(step.source)
        self._candidate_cell(step)
        if asks and self.over:
            return
        if asks:
            self.pair.to_examiner.submit(step.source)
        reply = self.pair.end_examiners_cell(self.limits.cell_seconds)
        # A cell that used the student's names may fail through them; the tests will say so.
        if reply.status == "ok" or (reply.status in ("error", "timeout") and self.pair.ask_examiner("calls") > calls):
            return
        why = _first_line(reply) or reply.status
        raise ExamError(
            f"the course's own cell {step.label} does not run in the examiner: {why}",
            "see `coursegrader doctor`, correct the cell, then grade again",
        )

    def _test(self, step: Step) -> Outcome:
        cell = {"id": step.label, "source": step.source, "hidden": [list(pair) for pair in hidden_lines(step.source)]}
        task = self.tasks.get(step.label)
        if task is not None and self.policy.tripwires:
            cell |= {"forbidden": list(task.names), "locked": sorted(self.locked_counts)}
        seconds = self._seconds(step)
        try:
            seen = self.pair.test(cell, seconds)
        except (CandidateDied, BadReply):
            # The examiner is gone, or heeds no interrupt: with it go the tests that are left.
            why = self.pair.examiner.why_ended()
            if self.pair.examiner.killed():
                raise ExamError(f"the kernel of the tests ended in {step.label} ({why})", "grade again") from None
            self.over = f"the test {step.label} could not be ended after {seconds:g} s" + (f" ({why})" if why else "")
            return verdict.not_run(step.label, self._max_points(step), self.over)
        if not self.pair.candidate.alive():
            self._died(self.pair.candidate.why_ended(), step)
        elif seen["gone"]:
            self._died(seen["gone"], step)
        if self.over and seen["ended"] != "ok":
            seen |= {"ended": "interrupted", "gone": self.over}
        elif seen["late"] and not seen["cut"]:
            seen |= {"cut": f"the test did not end within {seconds:g} s"}
        outcome = verdict.judge(step.label, step.source, self._max_points(step), seen, self.cells)
        return outcome if task is None or self.over else self._charged(step, task, outcome, seen["tripped"])

    def _inside(self, step: Step) -> None:
        """What a test earned that ran beside the student's code: what its cell shows, as in plain nbgrader."""
        end, cell, most = self.ends[step.index], self.notebook.cells[step.index], self._max_points(step)
        shown = partial_credit(cell, most) if end.kind is Ended.OK else 0.0
        points = most if shown is None else shown
        status = "not_run" if end.kind is Ended.DIED else "graded"
        outcome = Outcome(
            step.label, points, most, status, end.reason, seconds=end.seconds, ended=end.kind, forgeable=True
        )
        if (task := self.tasks.get(step.label)) is not None and not self.over:
            outcome = self._charged(step, task, outcome, [])
        if outcome.shortcuts:
            self._record(step, outcome)
        self.outcomes[step.index] = outcome

    def _charged(self, step: Step, task: shortcuts.Task, outcome: Outcome, tripped: list) -> Outcome:
        """The outcome of a test, where its task does not allow what the answer uses."""
        before = [one for one in self.steps if one.index < step.index and one.place in (Place.BOTH, Place.CANDIDATE)]
        cells = [
            Cell(one.label, one.source, one.role is not Role.LOCKED, self.ends[one.index].kind is Ended.OK)
            for one in before
            if one.role is not Role.TEST
        ]
        mentioned = shortcuts.read(task, cells, self.student_files)
        paths = shortcuts.paths(task, mentioned)
        answers = self.pair.ask_examiner("shortcuts", list(task.names), paths) if paths else {}
        verdicts = {path: Verdict(Kind(kind), name) for path, (kind, name) in answers.items()}
        found = shortcuts.weigh(task, mentioned, verdicts)
        calls = tuple(shortcuts.tripped(tripped, self.cells))
        return shortcuts.charge(outcome, replace(found, certain=(*found.certain, *calls)), self.policy)


def _first_line(reply: Reply) -> str:
    lines = reply.evalue.strip().splitlines()
    return f"{reply.ename}: {lines[0][:200]}" if lines else reply.ename
