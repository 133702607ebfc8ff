"""Grading: one submission as a function of bytes, and a class of them in a pool of processes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

import nbformat
from nbformat.v4 import new_markdown_cell

from coursegrader.errors import KernelUnavailable, Refused
from coursegrader.exam.errors import ExamError, KernelKilled
from coursegrader.exam.session import ExamRun, run
from coursegrader.exam.verdict import Outcome
from coursegrader.notebooks import Role, is_candidate, role
from coursegrader.submission.hall import Hall
from coursegrader.submission.intake import Submission, take
from coursegrader.submission.restore import Restored, restore
from coursegrader.submission.run import Ended, place
from coursegrader.submission.scores import CellScore, Status, flagged, score, total
from coursegrader.submission.spec import Spec
from coursegrader.warm import NoForge

# What a student reads where the machine or the course is at fault, as far as anyone knows by then.
BROKE_OFF = "Grading broke off before its end. Your teacher sees why and grades it again; you need do nothing now."


@dataclass(frozen=True)
class Result:
    """What grading one submission gave.

    `notebook` is the graded notebook as `.ipynb` bytes (of a submission that could not be graded: the blank release
    with a notice), `failure` is empty for a graded one, `flags` say why a person must look and `notes` what else staff
    should know, `peak_memory` is in bytes. `level` is the sandbox that the student's code ran in, empty where none
    of it ran. `outcomes` say how each test ended; their `staff` text must not reach a student. `machine` says that it
    failed for reasons of the machine or the course: the next run tries it again.
    """

    notebook: bytes
    scores: tuple[CellScore, ...]
    failure: str = ""
    flags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    peak_memory: int = 0
    level: str = ""
    outcomes: tuple[Outcome, ...] = ()
    machine: bool = False

    @property
    def total(self) -> CellScore:
        """The row of the sum."""
        return total(self.scores, self.failure, self.flags, self.notes)

    @property
    def needs_a_look(self) -> bool:
        """Whether a person should look before marks go out: it failed, is flagged, or was cut short."""
        return self.total.status in (Status.FAILED, Status.FLAGGED, Status.NOT_RUN)


def grade_submission(notebook: bytes, spec: Spec, files: dict[str, bytes] | None, hall: Hall) -> Result:
    """Examines a submitted notebook given as bytes, with the student's other files beside it; nothing else is read.

    What is wrong with a submission ends up in the result. Raises `KernelUnavailable` when no kernel can be started and
    `warm.NoForge` when the hall is closed.
    """
    try:
        taken = take(notebook, spec)
    except Refused as refusal:
        return failed(str(refusal), spec, refusal.to_student)
    restored = restore(taken.notebook, spec.reference_notebook())
    try:
        ran = _examine(restored, spec, files or {}, hall)
    except ExamError as error:
        return replace(failed(str(error), spec), notes=tuple(taken.notes), machine=True)
    return Result(
        nbformat.writes(ran.notebook).encode(),
        flagged(score(restored, ran), ran.outcomes),
        flags=tuple(_flags(restored, ran)),
        notes=(*taken.notes, *_notes(restored, ran)),
        seconds=ran.seconds,
        peak_memory=ran.peak_memory,
        level=hall.level,
        outcomes=ran.outcomes,
    )


def failed(failure: str, spec: Spec, to_student: str = BROKE_OFF) -> Result:
    """The result of a submission that cannot be graded: zero everywhere, and a page that tells the student why.

    `failure` is for staff, `to_student` stands on the page.
    """
    notebook = spec.reference_notebook()
    notebook.cells.insert(0, new_markdown_cell(f"**Your submission could not be graded.** {to_student}", id="notice"))
    scores = tuple(CellScore(name, 0.0, points, Status.FAILED, failure) for name, points in spec.max_points().items())
    return Result(nbformat.writes(notebook).encode(), scores, failure)


def grade_class(
    submissions: Iterable[Submission],
    spec: Spec,
    workers: int | None = None,
    executor: Executor | None = None,
    *,
    hall: Hall,
) -> Iterator[tuple[Submission, Result]]:
    """Examines submissions side by side in `hall` and yields each with its result as it is ready.

    `workers` defaults to the machine's cores; any executor of `concurrent.futures` may be given instead. No submission
    stops another one: what breaks a worker is tried once more by itself, and then failed.
    """
    workers = workers or os.cpu_count() or 1
    if executor is not None:
        yield from _in_pool(executor, submissions, spec, hall, 2 * workers, [])
        return
    lost: list[Submission] = []
    with _pool(workers) as pool:
        yield from _in_pool(pool, submissions, spec, hall, 2 * workers, lost)
    # One at a time: what breaks a worker now is the submission under way.
    while lost:
        with _pool(1) as pool:
            broken: list[Submission] = []
            while lost and not broken:
                yield from _in_pool(pool, [lost.pop(0)], spec, hall, 1, broken)
        yield from ((submission, replace(failed(WORKER_DIED, spec), machine=True)) for submission in broken)


WORKER_DIED = "the process that graded it was killed twice (look at its notebook, and at the machine's memory)"


def _pool(workers: int) -> ProcessPoolExecutor:
    # A fresh interpreter each: nothing of the command's own state, threads or open gradebook is copied into a worker.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_the_coordinator)


def _end_with_the_coordinator() -> None:
    """Sees that this worker does not outlive the process that started it: its kernels end with it."""

    def watch() -> None:
        parent_process().join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _in_pool(
    pool: Executor, submissions: Iterable[Submission], spec: Spec, hall: Hall, window: int, lost: list[Submission]
) -> Iterator[tuple[Submission, Result]]:
    """Results as they come, with at most `window` submissions under way; `lost` receives those of a broken pool."""
    pending: dict[Future, Submission] = {}
    for submission in submissions:
        if submission.refusal:
            refused = failed(str(submission.refusal), spec, submission.refusal.to_student)
            yield submission, replace(refused, notes=submission.notes)
            continue
        try:
            future = pool.submit(grade_submission, submission.notebook, spec, submission.files, hall)
            pending[future] = submission
        except BrokenProcessPool:
            lost.append(submission)
        if len(pending) >= window:
            yield from _finished(pending, spec, lost)
    while pending:
        yield from _finished(pending, spec, lost)


def _finished(
    pending: dict[Future, Submission], spec: Spec, lost: list[Submission]
) -> Iterator[tuple[Submission, Result]]:
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        submission = pending.pop(future)
        error = future.exception()
        if error is None:
            result = future.result()
            yield submission, replace(result, notes=(*submission.notes, *result.notes))
        elif isinstance(error, KernelUnavailable | NoForge):
            raise error
        elif isinstance(error, BrokenProcessPool):
            lost.append(submission)
        else:
            reason = f"the grader stumbled: {type(error).__name__}: {error} (please report it, with the notebook)"
            yield submission, replace(failed(reason, spec), machine=True)


def _examine(restored: Restored, spec: Spec, files: dict[str, bytes], hall: Hall) -> ExamRun:
    """Examines a restored notebook; where a kernel does not come up or is killed from outside, a second time.

    A student's code that kills its own kernel does so in both.
    """
    try:
        ran = _examine_once(restored, spec, files, hall)
        if not ran.killed:
            return ran
    except (KernelUnavailable, KernelKilled):
        pass
    return _examine_once(restored, spec, files, hall)


def _examine_once(restored: Restored, spec: Spec, files: dict[str, bytes], hall: Hall) -> ExamRun:
    with tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as folder:
        launcher = hall.launcher(spec.limits)
        return run(restored.notebook, spec, Path(folder), launcher=launcher, student_files=files)


def _flags(restored: Restored, ran: ExamRun) -> Iterator[str]:
    if restored.copied:
        names = ", ".join(sorted(restored.copied))
        yield f"copied in the file: {names} (see whether the first changed copy, which counts, is the one meant)"
    # A helper that two tasks call is one thing to look at.
    yield from dict.fromkeys(doubt for outcome in ran.outcomes for doubt in outcome.doubts)
    for index, end in ran.ends.items():
        cell = ran.notebook.cells[index]
        where = place(ran.notebook, index)
        if role(cell) in (Role.TEST, Role.LOCKED) and end.kind is Ended.TIMEOUT:
            yield f"{end.reason}: {where} (slow code, or a busy machine: grade again when it is idle)"
        # Where the student's code has no part, the course or this machine is at fault, or the student broke its names.
        elif role(cell) is Role.LOCKED and not is_candidate(cell) and end.kind is Ended.ERROR:
            yield f"{end.reason}: {where} (the course's own cell: see `coursegrader doctor`, then grade again)"


def _notes(restored: Restored, ran: ExamRun) -> Iterator[str]:
    if restored.missing:
        yield f"missing in the file and put back: {', '.join(sorted(restored.missing))}"
    for index, end in ran.ends.items():
        if end.kind is Ended.TIMEOUT and role(ran.notebook.cells[index]) not in (Role.TEST, Role.LOCKED):
            yield f"{end.reason}: {place(ran.notebook, index)}"
    if ran.died:
        yield f"{ran.died}; what came after it did not run"
    yield from ran.notes
