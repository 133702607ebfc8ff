"""Everything that grading one submission needs to know about the assignment, as bytes and plain values."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearOutput, ClearSolutions, ComputeChecksums, LockCells
from traitlets import Dict, Float, Integer
from traitlets.config import Config, Configurable

from coursegrader.course import Course
from coursegrader.notebooks import BONUS_PREFIX
from coursegrader.register import KERNEL

# The machine that grades may have a GPU or real data; every submission gets the same small run.
GRADING_ENVIRONMENT = {"COURSE_PROFILE": "small", "COURSE_SOURCE": "bundled", "COURSE_SEED": "0"}


class Limits(Configurable):
    """What one submission may use, as `c.Limits.NAME` in the configuration."""

    cell_seconds = Float(180, help="Wall time of one of the instructor's cells.").tag(config=True)
    answer_seconds = Float(60, help="Wall time of an answer or a cell of the student's own.").tag(config=True)
    submission_seconds = Float(900, help="Wall time of all cells of a submission together.").tag(config=True)
    start_seconds = Float(120, help="Wall time in which a kernel must be ready.").tag(config=True)
    grace_seconds = Float(5, help="How long an interrupted cell has before its kernel is killed.").tag(config=True)
    memory = Integer(4 * 2**30, help="Resident memory of a kernel and what it started, in bytes.").tag(config=True)
    output = Integer(2**20, help="Bytes of output kept of one cell.").tag(config=True)
    notebook = Integer(16 * 2**20, help="Size of a submitted notebook, in bytes.").tag(config=True)
    files = Integer(64 * 2**20, help="Size of a student's other files together, in bytes.").tag(config=True)
    assignments = Dict(help="Limits that differ for an assignment: {PS: {name: value}}.").tag(config=True)

    def of(self, assignment: str) -> LimitValues:
        """The limits of one assignment as plain values."""
        values = {name: getattr(self, name) for name in (entry.name for entry in fields(LimitValues))}
        return LimitValues(**(values | self.assignments.get(assignment, {})))


@dataclass(frozen=True)
class LimitValues:
    """The limits of one submission; `Limits` says what each is."""

    cell_seconds: float = 180
    answer_seconds: float = 60
    submission_seconds: float = 900
    start_seconds: float = 120
    grace_seconds: float = 5
    memory: int = 4 * 2**30
    output: int = 2**20
    notebook: int = 16 * 2**20
    files: int = 64 * 2**20


@dataclass(frozen=True)
class Spec:
    """An assignment as the grader sees it: a value that can be sent to another process or machine.

    `solution` is the instructor's notebook, `reference` the same with stubs instead of answers and hidden tests still
    in place, both as `.ipynb` bytes; `files` are the released files beside it (name to bytes); `environment` is what
    the kernel's environment says, whatever the grading machine's own says.
    """

    assignment: str
    notebook_name: str
    solution: bytes
    reference: bytes
    files: dict[str, bytes] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    limits: LimitValues = field(default_factory=LimitValues)
    kernel: str = KERNEL

    @classmethod
    def load(cls, course: Course, assignment: str, **limits: float) -> Spec:
        """The specification of `solutions/ASSIGNMENT`; keywords replace single limits."""
        source = course.source(assignment)
        ignored = course.directory.ignore
        files = {
            path.relative_to(source).as_posix(): path.read_bytes()
            for path in _walk(source, ignored)
            if path.suffix != ".ipynb"
        }
        values = Limits(config=course.config).of(assignment)
        spec = cls.of_notebook(
            (source / f"{assignment}.ipynb").read_bytes(), assignment, config=course.config, files=files, limits=values
        )
        return spec.with_limits(**limits)

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
    notebook, resources = deepcopy(notebook), {}
    for step in (ClearSolutions, LockCells, ComputeChecksums, ClearOutput):
        notebook, resources = step(config=config or Config()).preprocess(notebook, resources)
    return notebook


def _walk(folder: Path, ignored: list[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored) or path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path, ignored)
        else:
            yield path
