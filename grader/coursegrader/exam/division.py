"""Which kernel runs a cell.

| cell | candidate | examiner |
|---|---|---|
| locked, not graded | runs | runs |
| locked, tagged `candidate` | runs | - |
| answer, or any cell of the student's own | runs | - |
| graded test | - | runs |
| code graded by hand | runs | - |

Only what the instructor's notebook holds, word for word, ever runs in the examiner: a cell that merely says that it is
locked is the student's.
"""

import symtable
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from coursegrader.notebooks import HIDDEN, Role, by_grade_id, grade_id, is_candidate, marked_regions, role


class Place(StrEnum):
    """Where a code cell runs."""

    BOTH = "both"
    CANDIDATE = "candidate"
    EXAMINER = "examiner"


class Step(NamedTuple):
    """A code cell of the restored notebook: its index, where it runs, and how students know it.

    `role` is the instructor's word on what the cell is (`FREE` for the student's own); `binds` are the names that the
    instructor's cell gives to later ones.
    """

    index: int
    place: Place
    label: str
    source: str
    role: Role = Role.FREE
    binds: frozenset[str] = frozenset()


def divide(notebook: NotebookNode, reference: NotebookNode, solution: NotebookNode) -> list[Step]:
    """The code cells of a restored notebook in the order they run.

    `reference` is the instructor's notebook with stubs for answers, and decides what may run in the examiner;
    `solution` is the one with answers, and says which names answers bind.
    """
    return list(_steps(notebook, by_grade_id(reference), by_grade_id(solution)))


def _steps(notebook: NotebookNode, reference: dict, solution: dict) -> Iterator[Step]:
    seen: set[str] = set()
    label = "the first cell"
    for index, cell in enumerate(notebook.cells):
        name = grade_id(cell)
        known = name in reference and name not in seen
        if known:
            seen.add(name)
            label = name
        if cell.cell_type != "code":
            continue
        if not known:
            yield Step(index, Place.CANDIDATE, f"a cell of your own after {label}" if seen else label, cell.source)
            continue
        kind = role(reference[name])
        if kind in (Role.LOCKED, Role.TEST) and cell.source != reference[name].source:
            kind = Role.FREE
        instructors = solution[name].source if name in solution and kind is not Role.FREE else ""
        yield Step(index, _place(kind, reference[name]), name, cell.source, kind, bound_names(instructors))


def _place(kind: Role, cell: NotebookNode) -> Place:
    if kind is Role.TEST:
        return Place.EXAMINER
    if kind is Role.LOCKED and not is_candidate(cell):
        return Place.BOTH
    # Code that a person grades is the student's, and later cells may use it.
    return Place.CANDIDATE


def data_steps(steps: list[Step]) -> list[Step]:
    """The locked cells before the instructor's first answer: imports and data, which may need what is withdrawn."""
    instructors = [step for step in steps if step.role is not Role.FREE]
    first = next((number for number, step in enumerate(instructors) if step.role is Role.ANSWER), len(instructors))
    return [step for step in instructors[:first] if step.role is Role.LOCKED]


def bound_names(source: str) -> frozenset[str]:
    """The global names that a cell binds (assignments, functions, classes, imports); none where it is not Python."""
    try:
        table = symtable.symtable(TransformerManager().transform_cell(source), "cell", "exec")
    except SyntaxError:
        return frozenset()
    return frozenset(
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    )


def hidden_lines(source: str) -> list[tuple[int, int]]:
    """The hidden regions of a test cell as pairs of first and last line, markers included, counted from 1."""
    return marked_regions(source, HIDDEN)
