"""Restore: puts the instructor's cells back into a submitted notebook, and keeps what is the student's."""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from dataclasses import dataclass

from nbformat import NotebookNode

from coursegrader.notebooks import by_grade_id, nbgrader
from coursegrader.submission.intake import submitted_id


@dataclass(frozen=True)
class Restored:
    """A notebook in the instructor's order.

    `blank` names answers that are the released stub, `copied` those that the file held more than once, `missing` the
    instructor's cells that it did not hold.
    """

    notebook: NotebookNode
    blank: frozenset[str]
    copied: frozenset[str]
    missing: frozenset[str]


def restore(submitted: NotebookNode, reference: NotebookNode) -> Restored:
    """The submitted notebook with every instructor's cell as in `reference`, which holds stubs for answers.

    Locked and test cells come back whole (source, type, order, points, tags, metadata); missing ones are added, copies
    dropped. An answer keeps the student's source and nothing else; a deleted one is the stub; of copies the first that
    differs from the stub counts. A cell of the student's own stays behind the instructor's cell that it followed, and
    loses its metadata. The result depends neither on the order nor on the content of the instructor's cells in the
    file.
    """
    submitted, reference = deepcopy(submitted), deepcopy(reference)
    instructors = by_grade_id(reference)
    submitted_cells: dict[str, list[NotebookNode]] = defaultdict(list)
    own: dict[str | None, list[NotebookNode]] = defaultdict(list)
    followed: str | None = None
    for cell in submitted.cells:
        name = submitted_id(cell)
        if name in instructors:
            followed = name
            submitted_cells[name].append(cell)
        else:
            own[followed].append(cell)

    cells = [*own[None]]
    blank = set()
    for name, cell in instructors.items():
        if nbgrader(cell).get("solution") and not _answer(cell, submitted_cells[name]):
            blank.add(name)
        cells += [cell, *own[name]]
    students = {id(cell) for group in own.values() for cell in group}
    for number, cell in enumerate(cell for cell in cells if id(cell) in students):
        # Metadata of a student's own cell can carry tags that tell a runner to skip it; ids must be unique.
        cell.metadata = NotebookNode()
        cell["id"] = f"own-{number}"

    notebook = NotebookNode(
        nbformat=4, nbformat_minor=5, metadata=NotebookNode(kernelspec=reference.metadata.get("kernelspec", {}))
    )
    notebook.cells = cells
    return Restored(
        notebook,
        blank=frozenset(blank),
        copied=frozenset(
            name
            for name, cell in instructors.items()
            if nbgrader(cell).get("solution") and len(submitted_cells[name]) > 1
        ),
        missing=frozenset(name for name in instructors if not submitted_cells[name]),
    )


def same_source(left: str, right: str) -> bool:
    """Whether two cells say the same but for white space at the ends of lines and of the cell."""
    return _lines(left) == _lines(right)


def _lines(source: str) -> list[str]:
    return [line.rstrip() for line in source.strip().splitlines()]


def _answer(cell: NotebookNode, copies: list[NotebookNode]) -> bool:
    """Puts the student's answer into `cell`, which holds the stub; False when there is none."""
    for copy in copies:
        if not same_source(copy.source, cell.source):
            cell.source = copy.source
            if cell.cell_type == "markdown" and "attachments" in copy:
                cell["attachments"] = copy["attachments"]
            return True
    return False
