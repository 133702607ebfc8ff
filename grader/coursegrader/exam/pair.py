"""The two kernels of an exam, started, connected and ended together."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from coursegrader.errors import KernelUnavailable
from coursegrader.exam import wire
from coursegrader.exam.channel import Channel, Reply
from coursegrader.exam.errors import BadReply, CandidateDied, CandidateError, ExamError, Interrupted
from coursegrader.exam.kernels import Kernel, Launcher, Start
from coursegrader.exam.serving import RESULT
from coursegrader.exam.standin import Candidate
from coursegrader.submission.spec import LimitValues

# The working folder comes last on the path, where helper modules beside the notebook are found: a student's file may
# have the name of a library.
_INSTALL = """import sys as _sys
_sys.path[:] = [_folder for _folder in _sys.path if _folder]
__import__("coursegrader.exam.{0}", fromlist=["install"]).install(get_ipython())
_sys.path.append("")
del _sys
"""
_SERVE = "__import__('coursegrader.exam.examiner', fromlist=['serve']).serve()"
INSTALL_SECONDS = 60.0
# How long a test has to notice that the student's kernel is dead before it is interrupted.
DEATH_SECONDS = 1.0


class Pair:
    """The kernels `candidate` and `examiner`, and what talks to them: `to_candidate`, `to_examiner`.

    Used as a context manager; both kernels are gone at its end. `of_answers` are the names that the instructor's
    answers bind, `of_tests` those that only tests and the examiner's locked cells do.
    """

    def __init__(
        self,
        launcher: Launcher,
        folder: Path,
        *,
        limits: LimitValues,
        environment: Mapping[str, str],
        candidate_files: Mapping[str, bytes],
        examiner_files: Mapping[str, bytes],
        of_answers: Iterable[str] = (),
        of_tests: Iterable[str] = (),
    ):
        self.limits = limits
        self._open: list[Kernel | Channel] = []
        # Marks must not depend on which machine grades, and TensorFlow would divide a GPU between all kernels.
        environment = dict(environment) | {"CUDA_VISIBLE_DEVICES": "-1"}
        start = Start(folder / "candidate", candidate_files, environment, limits.memory)
        self.candidate = self._opened(launcher.candidate(start))
        try:
            self.examiner = self._opened(
                launcher.examiner(start._replace(folder=folder / "examiner", files=examiner_files))
            )
            # Both start at the same time.
            deadline = time.monotonic() + limits.start_seconds
            for kernel in (self.candidate, self.examiner):
                kernel.wait_started(deadline)
            self.to_candidate = self._opened(Channel(self.candidate.connection, max_shown=limits.shown))
            self.to_examiner = self._opened(Channel(self.examiner.connection))
            self._install(self.to_candidate, self.candidate, "agent", deadline)
            self._install(self.to_examiner, self.examiner, "examiner", deadline)
            if not self.to_examiner.greet(_SERVE, wire.encode(("hello", ())), deadline, self.examiner.alive):
                raise KernelUnavailable("The examiner's kernel does not answer: see `coursegrader doctor`.")
            bounds = (limits.call_seconds, limits.message, limits.shown)
            self.ask_examiner("connect", self.candidate.connection, bounds, sorted(of_answers), sorted(of_tests))
        except BaseException:
            self.close()
            raise

    def _opened(self, one: Any) -> Any:
        self._open.append(one)
        return one

    def __enter__(self) -> "Pair":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End both kernels and everything that they started."""
        while self._open:
            one = self._open.pop()
            one.close() if isinstance(one, Channel) else one.kill()

    def _install(self, channel: Channel, kernel: Kernel, part: str, deadline: float) -> None:
        if not channel.wait_ready(deadline, kernel.alive):
            raise KernelUnavailable(f"A kernel did not start ({kernel.why_ended()}): see `coursegrader doctor`.")
        channel.submit(_INSTALL.format(part), silent=True)
        reply = channel.wait(deadline, kernel.alive)
        if reply.status != "ok":
            why = " ".join(filter(None, (reply.status, reply.ename, reply.evalue, kernel.why_ended())))
            raise KernelUnavailable(f"A kernel cannot be prepared for the exam ({why}): see `coursegrader doctor`.")

    def withdraw(self, names: Iterable[str]) -> bool:
        """Take away what the dotted `names` stand for from the candidate; False where files stay readable.

        Only before the student's first cell: afterwards the student's code could answer in its place.
        Raises `ExamError` for a name that is nothing.
        """
        names = list(names)
        try:
            return Candidate(self.to_candidate, INSTALL_SECONDS).ask("withdraw", names) is True
        except (CandidateError, Interrupted) as error:
            reason = f"{', '.join(names)} cannot be withdrawn from the student: {error}"
            raise ExamError(reason, "correct c.Exam.withdraw in nbgrader_config.py") from error

    def ask_examiner(self, operation: str, *operands: Any) -> Any:
        """Have the examiner carry out something short; raises `ExamError` where it does not."""
        self.to_examiner.call(_SERVE, wire.encode((operation, operands)))
        try:
            payload = self.to_examiner.next_payload(time.monotonic() + INSTALL_SECONDS, self.examiner.alive)
            return _result(payload)
        except (BadReply, CandidateDied) as error:
            reason = (
                f"the examiner did not carry out {operation!r} ({self.examiner.why_ended() or 'it gave no answer'})"
            )
            raise ExamError(reason, "see `coursegrader doctor`, then grade again") from error

    def end_examiners_cell(self, seconds: float) -> Reply:
        """Wait for the end of a cell that was submitted to the examiner, and interrupt it after `seconds`."""
        watch = _Watch(self.candidate, self.examiner)
        reply = self.to_examiner.wait(time.monotonic() + seconds, watch)
        if reply.status == "timeout":
            self.examiner.interrupt()
            self.to_examiner.wait(time.monotonic() + self.limits.grace_seconds, watch)
        return reply

    def test(self, cell: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Have the examiner run a test cell (see `examiner.Examiner.do_test`), and interrupt it after `seconds`.

        A test that waits for a dead candidate is interrupted as well. Adds `late`, whether the time was over; raises
        `BadReply` or `CandidateDied` when the examiner itself could not be brought to an end.
        """
        watch = _Watch(self.candidate, self.examiner)
        self.to_examiner.call(_SERVE, wire.encode(("test", (dict(cell),))))
        payload = self.to_examiner.next_payload(time.monotonic() + seconds, watch)
        late = payload is None
        if late:
            self.examiner.interrupt()
            payload = self.to_examiner.next_payload(time.monotonic() + self.limits.grace_seconds, watch)
        # What the student's code showed meanwhile went to the examiner.
        self.to_candidate.drain()
        return _result(payload) | {"late": late}


def _result(payload: Any) -> Any:
    if payload is None or payload.kind != RESULT:
        raise BadReply("the examiner did not answer")
    return wire.decode(payload.data)


class _Watch:
    """Asked while a test runs: whether the examiner lives. Interrupts a test whose candidate is dead."""

    def __init__(self, candidate: Kernel, examiner: Kernel):
        self.candidate, self.examiner = candidate, examiner
        self._interrupt_at: float | None = None

    def __call__(self) -> bool:
        now = time.monotonic()
        if self.candidate.alive():
            return self.examiner.alive()
        if self._interrupt_at is None:
            self._interrupt_at = now + DEATH_SECONDS
        elif now > self._interrupt_at:
            self._interrupt_at = now + DEATH_SECONDS
            self.examiner.interrupt()
        return self.examiner.alive()
