"""Everything that grading one submission needs to know about the assignment, as bytes and plain values."""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode
from traitlets import Bool, Dict, Float, Integer, Unicode
from traitlets.config import Config, Configurable

from coursegrader.notebooks import BONUS_PREFIX
from coursegrader.register import KERNEL

if TYPE_CHECKING:
    from coursegrader.course import Course

# Where nbgrader's own steps tell what they do: nobody who grades wants to read it.
QUIET = logging.getLogger("coursegrader.nbgrader")
# The machine that grades may have a GPU or real data; every submission gets the same small run.
GRADING_ENVIRONMENT = {
    "COURSE_PROFILE": "small",
    "COURSE_SOURCE": "bundled",
    "COURSE_SEED": "0",
    "NBGRADER_EXECUTION": "autograde",
}
# What only the examiner sees, beside the instructor's notebook.
HELD_OUT = "examiner"


class Limits(Configurable):
    """What one submission may use, as `c.Limits.NAME` in the configuration."""

    cell_seconds = Float(180, help="Wall time of one of the instructor's cells.").tag(config=True)
    answer_seconds = Float(60, help="Wall time of an answer or a cell of the student's own.").tag(config=True)
    submission_seconds = Float(900, help="Wall time of all cells of a submission together.").tag(config=True)
    call_seconds = Float(60, help="Wall time of one call from a test to the student's code.").tag(config=True)
    cpu_seconds = Float(1800, help="CPU time of a submission's code, all its processes together.").tag(config=True)
    start_seconds = Float(120, help="Wall time in which a kernel must be ready.").tag(config=True)
    grace_seconds = Float(5, help="How long an interrupted cell has before its kernel is killed.").tag(config=True)
    memory = Integer(4 * 2**30, help="Resident memory of a kernel and what it started, in bytes.").tag(config=True)
    processes = Integer(512, help="Processes and threads of a kernel together.").tag(config=True)
    open_files = Integer(512, help="Open files of one process.").tag(config=True)
    file_size = Integer(256 * 2**20, help="Size of one file that a kernel writes, in bytes.").tag(config=True)
    scratch = Integer(512 * 2**20, help="Size of all files that a kernel writes, in bytes.").tag(config=True)
    scratch_files = Integer(10_000, help="Number of files that a kernel writes.").tag(config=True)
    output = Integer(2**20, help="Bytes of output kept of one cell.").tag(config=True)
    shown = Integer(128 * 2**20, help="Bytes that a kernel may show in its life; more ends it.").tag(config=True)
    message = Integer(64 * 2**20, help="Size of one value that crosses between the kernels, in bytes.").tag(config=True)
    notebook = Integer(16 * 2**20, help="Size of a submitted notebook, in bytes.").tag(config=True)
    files = Integer(64 * 2**20, help="Size of a student's other files together, in bytes.").tag(config=True)
    assignments = Dict(help="Limits that differ for an assignment: {PS: {name: value}}.").tag(config=True)

    def of(self, assignment: str) -> LimitValues:
        """The limits of one assignment as plain values."""
        values = {name: getattr(self, name) for name in (entry.name for entry in fields(LimitValues))}
        return LimitValues(**(values | self.assignments.get(assignment, {})))


class Exam(Configurable):
    """How submissions are examined, as `c.Exam.NAME` in the configuration."""

    level = Unicode("namespaces", help="The sandbox that marks need; empty: the best that the machine has.").tag(
        config=True
    )
    withdraw = Dict(
        help="Functions, classes and modules that the candidate loses after the data cells: {PS: [dotted name]}."
    ).tag(config=True)


class Shortcuts(Configurable):
    """What the use of something that a task does not allow leads to, as `c.Shortcuts.NAME` in the configuration."""

    cost = Float(1.0, min=0.0, max=1.0, help="The part of the task's points that a certain use costs.").tag(config=True)
    tripwires = Bool(True, help="Whether forbidden functions raise while a test calls the student's code.").tag(
        config=True
    )

    @property
    def policy(self) -> ShortcutPolicy:
        """The same as plain values."""
        return ShortcutPolicy(self.cost, self.tripwires)


@dataclass(frozen=True)
class ShortcutPolicy:
    """`Shortcuts` as plain values."""

    cost: float = 1.0
    tripwires: bool = True


@dataclass(frozen=True)
class LimitValues:
    """The limits of one submission; `Limits` says what each is."""

    cell_seconds: float = 180
    answer_seconds: float = 60
    submission_seconds: float = 900
    call_seconds: float = 60
    cpu_seconds: float = 1800
    start_seconds: float = 120
    grace_seconds: float = 5
    memory: int = 4 * 2**30
    processes: int = 512
    open_files: int = 512
    file_size: int = 256 * 2**20
    scratch: int = 512 * 2**20
    scratch_files: int = 10_000
    output: int = 2**20
    shown: int = 128 * 2**20
    message: int = 64 * 2**20
    notebook: int = 16 * 2**20
    files: int = 64 * 2**20


@dataclass(frozen=True)
class Spec:
    """An assignment as the grader sees it: a value that can be sent to another process or machine.

    `solution` is the instructor's notebook, `reference` the same with stubs instead of answers and hidden tests still
    in place, both as `.ipynb` bytes; `files` are the released files beside it (name to bytes); `environment` is what
    the kernel's environment says, whatever the grading machine's own says. `held_out` are files (name to bytes) that
    only the examiner sees; `withdraw` names functions, classes or modules that the candidate loses after the data
    cells. With `tests_inside` the tests run beside the student's code, which can then forge their results.
    """

    assignment: str
    notebook_name: str
    solution: bytes
    reference: bytes
    files: dict[str, bytes] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    limits: LimitValues = field(default_factory=LimitValues)
    kernel: str = KERNEL
    held_out: dict[str, bytes] = field(default_factory=dict)
    withdraw: tuple[str, ...] = ()
    shortcuts: ShortcutPolicy = field(default_factory=ShortcutPolicy)
    tests_inside: bool = False

    @classmethod
    def load(cls, course: Course, assignment: str, **limits: float) -> Spec:
        """The specification of `solutions/ASSIGNMENT`; keywords replace single limits."""
        source = course.source(assignment)
        ignored = course.directory.ignore
        files = {name: content for name, content in _contents(source, ignored).items() if not name.endswith(".ipynb")}
        values = Limits(config=course.config).of(assignment)
        spec = cls.of_notebook(
            (source / f"{assignment}.ipynb").read_bytes(), assignment, config=course.config, files=files, limits=values
        )
        return replace(
            spec.with_limits(**limits),
            held_out=_contents(source / HELD_OUT, [".*", "__pycache__"]),
            withdraw=tuple(Exam(config=course.config).withdraw.get(assignment, ())),
            shortcuts=Shortcuts(config=course.config).policy,
        )

    @classmethod
    def of_notebook(
        cls,
        solution: bytes,
        assignment: str,
        *,
        config: Config | None = None,
        files: dict[str, bytes] | None = None,
        limits: LimitValues | None = None,
    ) -> Spec:
        """The specification of an instructor's notebook given as bytes."""
        notebook = nbformat.reads(solution.decode(), as_version=4)
        return cls(
            assignment=assignment,
            notebook_name=f"{assignment}.ipynb",
            solution=solution,
            reference=nbformat.writes(reference(notebook, config)).encode(),
            files=files or {},
            environment=dict(GRADING_ENVIRONMENT),
            limits=limits or LimitValues(),
            kernel=notebook.metadata.get("kernelspec", {}).get("name", KERNEL),
        )

    def with_limits(self, **limits: float) -> Spec:
        """The same assignment with some limits replaced."""
        return replace(self, limits=LimitValues(**(asdict(self.limits) | limits)))

    def reference_notebook(self) -> NotebookNode:
        """A fresh copy of the reference notebook."""
        return nbformat.reads(self.reference.decode(), as_version=4)

    def max_points(self) -> dict[str, float]:
        """The points of every graded cell, in the notebook's order."""
        return dict(_max_points(self.reference))


@lru_cache(maxsize=8)
def _max_points(reference_bytes: bytes) -> tuple[tuple[str, float], ...]:
    cells = nbformat.reads(reference_bytes.decode(), as_version=4).cells
    return tuple(
        (cell.metadata.nbgrader.grade_id, float(cell.metadata.nbgrader.points)) for cell in cells if is_graded(cell)
    )


def is_graded(cell: NotebookNode) -> bool:
    """Whether a cell carries points: a test, an answer that a person marks, or nbgrader's task cell."""
    marks = cell.metadata.get("nbgrader", {})
    return bool(marks.get("grade") or marks.get("task"))


def is_bonus(grade_id: str) -> bool:
    """Whether a cell's points come on top of the 100."""
    return grade_id.startswith(BONUS_PREFIX)


def reference(notebook: NotebookNode, config: Config | None = None) -> NotebookNode:
    """The instructor's notebook with the released stubs as answers and the hidden tests in place, without outputs."""
    # Not at the top: it takes a second, and a worker, which gets a finished specification, never needs it.
    from nbgrader.preprocessors import ClearOutput, ClearSolutions, ComputeChecksums, LockCells

    notebook, resources = deepcopy(notebook), {}
    for step in (ClearSolutions, LockCells, ComputeChecksums, ClearOutput):
        notebook, resources = step(config=config or Config(), log=QUIET).preprocess(notebook, resources)
    return notebook


def _contents(folder: Path, ignored: list[str]) -> dict[str, bytes]:
    """The files below a folder, name to bytes; none where there is no such folder."""
    if not folder.is_dir():
        return {}
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _walk(folder, ignored)}


def _walk(folder: Path, ignored: list[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored) or path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path, ignored)
        else:
            yield path
