"""What the exam's tests share: small assignments, submissions, and a pair of kernels to talk through."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import nbformat
from coursegrader.exam import verdict
from coursegrader.exam.division import hidden_lines
from coursegrader.exam.kernels import ColdLauncher, Launcher
from coursegrader.exam.pair import Pair
from coursegrader.exam.session import ExamRun, run
from coursegrader.notebooks import grade_id
from coursegrader.submission.spec import LimitValues, Spec
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

LIMITS = LimitValues(cell_seconds=30, submission_seconds=120, start_seconds=120, grace_seconds=3)
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def _marked(
    cell: NotebookNode, name: str, *, locked=False, solution=False, grade=False, points=0, tags=()
) -> NotebookNode:
    cell.metadata["nbgrader"] = {
        "grade_id": name,
        "schema_version": 3,
        "locked": locked,
        "solution": solution,
        "grade": grade,
        "points": points,
        "task": False,
    }
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


def locked(name: str, source: str, *tags: str) -> NotebookNode:
    """A locked cell that is not graded."""
    return _marked(new_code_cell(source), name, locked=True, tags=tags)


def answer(name: str, source: str) -> NotebookNode:
    """An answer cell with the instructor's solution."""
    return _marked(new_code_cell(f"### BEGIN SOLUTION\n{source}\n### END SOLUTION"), name, solution=True)


def graded(name: str, source: str, points: float = 1, hidden: str = "") -> NotebookNode:
    """An autograded test cell; `hidden` becomes its hidden region."""
    if hidden:
        source = f"{source}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
    return _marked(new_code_cell(source), name, locked=True, grade=True, points=points)


def written(name: str) -> NotebookNode:
    """A written answer, graded by hand."""
    return _marked(new_markdown_cell("your answer"), name, solution=True, grade=True, points=3)


def own(source: str) -> NotebookNode:
    """A cell of the student's own."""
    return new_code_cell(source)


def specification(cells: Sequence[NotebookNode], **limits: float) -> Spec:
    """The specification of an assignment of these cells; `cell_seconds` bounds answers as well."""
    notebook = new_notebook(cells=deepcopy(list(cells)), metadata={"kernelspec": KERNELSPEC})
    spec = Spec.of_notebook(nbformat.writes(notebook).encode(), "tiny", limits=LIMITS)
    return spec.with_limits(**{"answer_seconds": limits.get("cell_seconds", LIMITS.answer_seconds)} | limits)


def submission(
    spec: Spec,
    answers: Mapping[str, str] | None = None,
    extra: Mapping[str | None, Sequence[NotebookNode]] | None = None,
) -> NotebookNode:
    """A restored submission: the instructor's solution, `answers` in its place, `extra` cells behind the named ones."""
    notebook = spec.reference_notebook()
    solution = {grade_id(cell): cell.source for cell in nbformat.reads(spec.solution.decode(), as_version=4).cells}
    cells = [*(extra or {}).get(None, [])]
    for cell in notebook.cells:
        name = grade_id(cell)
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = (answers or {}).get(name, solution[name])
        cells += [cell, *(extra or {}).get(name, [])]
    notebook.cells = cells
    return notebook


def exam(
    cells: Sequence[NotebookNode],
    answers: Mapping[str, str] | None = None,
    *,
    extra: Mapping[str, Sequence[NotebookNode]] | None = None,
    student_files: Mapping[str, bytes] | None = None,
    released: Mapping[str, bytes] | None = None,
    held_out: Mapping[str, bytes] | None = None,
    withdraw: Sequence[str] = (),
    launcher: Launcher | None = None,
    **limits: float,
) -> ExamRun:
    """The exam of a submission, in two cold kernels unless a launcher is given."""
    spec = replace(
        specification(cells, **limits),
        files=dict(released or {}),
        held_out=dict(held_out or {}),
        withdraw=tuple(withdraw),
    )
    with tempfile.TemporaryDirectory() as folder:
        return run(
            submission(spec, answers, extra),
            spec,
            Path(folder),
            launcher=launcher,
            student_files=student_files,
        )


def earned(result: ExamRun) -> dict[str, float]:
    """The points of each test."""
    return {outcome.grade_id: outcome.points for outcome in result.outcomes}


class Room:
    """A pair of kernels that several tests share: `student` defines, `test` examines."""

    def __init__(self, folder: Path, call_seconds: float = 10.0, of_answers: Sequence[str] = (), prologue: str = ""):
        self.pair = Pair(
            ColdLauncher(),
            folder,
            limits=replace(LIMITS, call_seconds=call_seconds, message=8 << 20),
            environment={"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
            candidate_files={},
            examiner_files={},
            of_answers=of_answers,
        )
        if prologue:
            self.student(prologue)
            self.examiner(prologue)

    def student(self, source: str) -> None:
        """Run a cell in the candidate's kernel."""
        reply = self.pair.to_candidate.execute(source, time.monotonic() + 60)
        assert reply.status == "ok", reply

    def examiner(self, source: str) -> None:
        """Run a locked cell in the examiner's kernel."""
        reply = self.pair.to_examiner.execute(source, time.monotonic() + 60)
        assert reply.status == "ok", reply

    def seen(self, source: str, name: str = "test", seconds: float = 30.0) -> dict:
        """What the examiner saw of a test cell."""
        cell = {"id": name, "source": source, "hidden": [list(pair) for pair in hidden_lines(source)]}
        return self.pair.test(cell, seconds)

    def check_passes(self, source: str) -> None:
        """Check that a test cell runs to its end."""
        seen = self.seen(source)
        assert seen["ended"] == "ok", seen["trace"]

    def fails(self, source: str, name: str, words: str = "") -> dict:
        """Check that a test cell ends with an exception of that type, and what it says."""
        seen = self.seen(source)
        assert seen["ended"] != "ok", "the test passed"
        assert seen["type_name"] == name, seen["trace"]
        assert words in seen["message"], seen["message"]
        return seen

    def judged(self, source: str, points: float = 4.0) -> verdict.Outcome:
        """What a test cell earns, and what is said about it."""
        return verdict.judge("test", source, points, self.seen(source), {})
