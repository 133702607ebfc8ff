"""What running a notebook gives, whatever ran it: the executed notebook and how each cell ended.

The stages after the exam look at nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nbformat import NotebookNode


class Ended(StrEnum):
    """How a code cell ended."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    DIED = "died"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class CellEnd:
    """How one code cell ended: `reason` in words where it is not `OK`, `seconds` of wall time."""

    kind: Ended
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Run:
    """An executed notebook.

    `ends` is keyed by the cell's index; `seconds` is wall time without the kernel's start; `peak_memory` is the
    greatest resident memory seen, in bytes; `died` says why the kernel ended before the notebook did, or is empty.
    """

    notebook: NotebookNode
    ends: dict[int, CellEnd]
    seconds: float
    peak_memory: int
    died: str = ""


def place(notebook: NotebookNode, index: int) -> str:
    """Where a cell is, in words: its `grade_id`, or that of the cell before it."""
    for back in range(index, -1, -1):
        marks = notebook.cells[back].metadata.get("nbgrader")
        if marks:
            return f"in cell {marks.grade_id}" if back == index else f"in a cell after {marks.grade_id}"
    return "in the first cell"
