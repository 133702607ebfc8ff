"""From what the examiner saw to points and words.

A test that ran to its end earns full marks, or the number that its last line returned; one that raised, or did not run,
earns nothing. No output of any kind is looked at.
"""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbformat.v4 import new_output

from coursegrader.submission.run import CellEnd, Ended

MAX_REASON = 2_000


@dataclass(frozen=True)
class Outcome:
    """What a test cell earned.

    `status` is `graded` or `not_run`; `reason` may be shown to the student, `printed` is what their code printed while
    the public part ran; `staff` is for the course's staff only. `shortcuts` say what the task does not allow and the
    answer uses (`exam.shortcuts`), `doubts` what a person should look at for that reason. `forgeable` says that the
    test ran beside the student's code.
    """

    grade_id: str
    points: float
    max_points: float
    status: str
    reason: str = ""
    printed: str = ""
    staff: str = ""
    seconds: float = 0.0
    ended: Ended = Ended.OK
    shortcuts: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    forgeable: bool = False

    @property
    def end(self) -> CellEnd:
        """How the cell ended, as the stages after the exam see it."""
        first = self.reason.strip().splitlines()
        return CellEnd(self.ended, first[0] if first else "", self.seconds)


def judge(grade_id: str, source: str, max_points: float, seen: Mapping[str, Any], cells: Mapping[int, str]) -> Outcome:
    """The outcome of a test that ran, from the examiner's description (`examiner.Examiner.do_test`).

    `cells` gives, by execution count, the names under which the student knows their cells.
    """
    printed = seen["printed"]["public"]
    staff = _staff(seen)
    seconds = seen["seconds"]
    if seen["ended"] == "ok":
        points = max_points if seen["value"] is None else partial_credit(seen["value"], max_points)
        reason = "" if points == max_points else f"partial credit: {points:g} of {max_points:g} points"
        if seen["value"] is not None and math.isnan(seen["value"]):
            reason += " (what was computed from your answer is no number)"
        return Outcome(grade_id, points, max_points, "graded", reason, printed, staff, seconds)
    reason = _reason(source, seen, cells)
    died = bool(seen["gone"])
    kind = Ended.DIED if died else Ended.TIMEOUT if seen["ended"] == "interrupted" else Ended.ERROR
    status = "not_run" if died else "graded"
    return Outcome(grade_id, 0.0, max_points, status, reason[:MAX_REASON], printed, staff, seconds, kind)


def not_run(grade_id: str, max_points: float, reason: str) -> Outcome:
    """The outcome of a test that did not run."""
    return Outcome(grade_id, 0.0, max_points, "not_run", reason, ended=Ended.SKIPPED)


def partial_credit(value: float, max_points: float) -> float:
    """A returned number as points: within 0 and the maximum, and nothing for what is no finite number."""
    return min(max(value, 0.0), max_points) if math.isfinite(value) else 0.0


def outputs(outcome: Outcome) -> list[Any]:
    """A test cell's outputs: what may be shown, in a form from which nbgrader reads the same points."""
    shown = [new_output("stream", name="stdout", text=outcome.printed)] if outcome.printed else []
    if outcome.status == "not_run" or outcome.ended is not Ended.OK:
        name = "NotRun" if outcome.status == "not_run" else "TestFailed"
        lines = outcome.reason.splitlines() or [name]
        return [*shown, new_output("error", ename=name, evalue=lines[0], traceback=lines)]
    if outcome.points < outcome.max_points:
        return [*shown, new_output("execute_result", data={"text/plain": repr(outcome.points)}, execution_count=None)]
    return [*shown, new_output("stream", name="stdout", text=f"Passed: {outcome.points:g} points.\n")]


def _reason(source: str, seen: Mapping[str, Any], cells: Mapping[int, str]) -> str:
    what = _docstring(source)
    if seen["ended"] == "interrupted":
        why = seen["gone"] or seen["cut"] or "the test did not end within its time"
        return _sentence(what, why)
    if seen["part"] == "hidden":
        if seen["words"]:
            return _sentence(what, seen["words"])
        return _sentence(what, "your code failed in a hidden check" if seen["students"] else "a hidden check failed")
    text = f"{seen['type_name']}: {seen['message']}" if seen["message"] else seen["type_name"]
    where = [
        f"  {cells.get(count, 'your notebook')}, line {line}, in {function}: {code}"
        for count, line, function, code in seen["frames"]
    ]
    return "\n".join([_sentence(what, text), *where])


def _sentence(what: str, why: str) -> str:
    return f"{what} {why}" if what else why


def _docstring(source: str) -> str:
    try:
        text = ast.get_docstring(ast.parse(source))
    except SyntaxError:
        return ""
    return f"[{text.strip().splitlines()[0]}]" if text and text.strip() else ""


def _staff(seen: Mapping[str, Any]) -> str:
    parts = []
    if seen["ended"] != "ok":
        parts.append(f"{seen['part']} part, line {seen['line']}: {seen['type_name']}\n{seen['trace']}")
        parts += [f"In [{count}] line {line}, in {function}: {code}" for count, line, function, code in seen["frames"]]
    if seen["printed"]["hidden"]:
        parts.append(f"printed while the hidden part ran:\n{seen['printed']['hidden']}")
    return "\n".join(parts)
