"""What a student can know before handing in: the public checks, in a fresh kernel, from the first cell to the last."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import nbformat
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from nbgrader.utils import compute_checksum

from coursegrader.notebooks import NotebookError, Role, by_grade_id, docstring, grade_id, nbgrader, points, read, role
from coursegrader.submission.run import CellEnd, Ended
from coursegrader.submission.scores import answers_of
from coursegrader.submission.spec import GRADING_ENVIRONMENT, KERNEL, LimitValues, Spec
from coursegrader.unconfined import run

MAX_FILE_BYTES = 64 * 2**20
CELL_FILE = re.compile(r"\(\d+\.py, (line \d+)\)")
CELL_LINE = re.compile(r"Cell In\[(\d+)\], line (\d+)")


class Outcome(StrEnum):
    """How a task stands."""

    PASSES = "passes"
    FAILS = "fails"
    TO_DO = "not yet done"
    BY_HAND = "marked by hand"


@dataclass(frozen=True)
class Task:
    """One graded cell: what it checks, what it is worth, how it stands, and the message that says why.

    A task `by_hand` is a written answer, which no test judges.
    """

    cell: str
    checks: str
    points: float
    outcome: Outcome
    message: str = ""
    by_hand: bool = False


@dataclass(frozen=True)
class Report:
    """The tasks of a notebook in order, and remarks about the file itself."""

    tasks: tuple[Task, ...]
    remarks: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """Whether there are tasks, every public check passes and every written answer is there."""
        return bool(self.tasks) and all(task.outcome in (Outcome.PASSES, Outcome.BY_HAND) for task in self.tasks)


def check_notebook(path: Path, limits: LimitValues | None = None) -> Report:
    """Runs a student's notebook as grading starts it and says how each task stands.

    Needs nothing but the notebook and the files beside it. Raises `NotebookError` for a file that is no notebook and
    `KernelUnavailable` where the course's kernel is missing.
    """
    if not path.exists():
        raise NotebookError(f"{path}: there is no such file here; give your notebook's path, as ps1_cnn/ps1_cnn.ipynb")
    if path.is_dir():
        inside = next(iter(sorted(path.glob("[!.]*.ipynb"))), path / "NAME.ipynb")
        raise NotebookError(f"{path} is a folder: give the notebook in it, as {inside}")
    notebook = read(path)
    spec = Spec(
        assignment=path.stem,
        notebook_name=path.name,
        solution=b"",
        reference=nbformat.writes(notebook).encode(),
        files=_files_beside(path),
        environment=GRADING_ENVIRONMENT,
        limits=limits or LimitValues(),
        kernel=KERNEL,
    )
    with tempfile.TemporaryDirectory(prefix="check-", ignore_cleanup_errors=True) as folder:
        ran = run(notebook, spec, Path(folder))
    about = answers_of(notebook)
    where = {grade_id(cell): index for index, cell in enumerate(notebook.cells)}
    cells = by_grade_id(ran.notebook)
    tasks = []
    for name, cell in cells.items():
        if role(cell) is Role.MANUAL:
            outcome = Outcome.TO_DO if _untouched(cell) else Outcome.BY_HAND
            tasks.append(Task(name, "a written answer", points(cell), outcome, by_hand=True))
        elif role(cell) is Role.TEST:
            ends = {answer: ran.ends[where[answer]] for answer in about[name]}
            tasks.append(_task(name, cell, ran.ends[where[name]], [cells[answer] for answer in ends], ends))
    return Report(tuple(tasks), tuple(_remarks(notebook)))


def _task(name: str, cell: NotebookNode, end: CellEnd, answers: list[NotebookNode], ends: dict[str, CellEnd]) -> Task:
    outcome, message = Outcome.FAILS, _message(cell) or end.reason
    if end.kind is Ended.TIMEOUT:
        message = f"{end.reason}: does a loop in your code never end?"
    elif place := _place(cell, answers):
        message = f"{message} ({place})"
    if end.kind is Ended.OK:
        outcome, message = Outcome.PASSES, ""
    elif (answers and all(map(_untouched, answers))) or message.startswith("NotImplementedError"):
        outcome, message = Outcome.TO_DO, ""
    else:
        # IPython names a cell's file by a number, which tells a student nothing.
        reasons = {answer: CELL_FILE.sub(r"(\1)", end.reason) for answer, end in ends.items() if end.reason}
        broken = [f"your cell {answer} ends with {reason}" for answer, reason in reasons.items()]
        message = "; ".join(broken) or message
    return Task(name, " ".join((docstring(cell) or "").split()), points(cell), outcome, message)


def _message(cell: NotebookNode) -> str:
    for output in cell.outputs:
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}".strip().removeprefix("CheckFailed: ").removesuffix(":")
    return ""


def _place(cell: NotebookNode, answers: list[NotebookNode]) -> str:
    """The last line of the student's own that a test's exception passed through; empty where it passed none."""
    names = {str(answer.execution_count): grade_id(answer) for answer in answers if answer.get("execution_count")}
    for output in cell.outputs:
        if output.output_type == "error":
            lines = CELL_LINE.findall(strip_ansi("\n".join(output.traceback)))
            own = [(names[count], line) for count, line in lines if count in names]
            if own:
                return f"line {own[-1][1]} of your cell {own[-1][0]}"
    return ""


def _untouched(cell: NotebookNode) -> bool:
    """Whether an answer is as it was released; nbgrader stores the released cell's checksum in it."""
    return nbgrader(cell).get("checksum") == compute_checksum(cell)


def _remarks(notebook: NotebookNode) -> list[str]:
    names = [name for cell in notebook.cells if (name := grade_id(cell))]
    remarks = [
        f"The cell {name} stands here more than once: grading takes the first that you changed. Delete the copies."
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    changed = [
        grade_id(cell)
        for cell in notebook.cells
        if role(cell) in (Role.TEST, Role.LOCKED) and "checksum" in nbgrader(cell) and not _untouched(cell)
    ]
    if changed:
        remarks.append(f"You changed {', '.join(changed)}: grading puts the released cells back.")
    if not names:
        remarks.append("This notebook holds no graded cell: is it the assignment's?")
    kernel = notebook.metadata.get("kernelspec", {}).get("name")
    if kernel != KERNEL:
        named = f"names the kernel {kernel!r}" if kernel else "names no kernel"
        remarks.append(f"The notebook {named}; it is checked and graded with {KERNEL!r}.")
    return remarks


def _files_beside(path: Path) -> dict[str, bytes]:
    """The other files of the notebook's folder, as far as they are small."""
    folder = path.resolve().parent
    files: dict[str, bytes] = {}
    room = MAX_FILE_BYTES
    for other in sorted(folder.rglob("*")):
        name = other.relative_to(folder)
        if other.suffix == ".ipynb" or any(part.startswith(".") for part in name.parts) or not other.is_file():
            continue
        room -= other.stat().st_size
        if room < 0:
            break
        files[name.as_posix()] = other.read_bytes()
    return files
