"""Assignments of a few cells for the tests, in the form nbgrader writes."""

import nbformat
from nbformat.notebooknode import NotebookNode

KERNELSPEC = {"display_name": "Deep Learning (GPU if present)", "language": "python", "name": "dl-course"}


def notebook(*cells: NotebookNode) -> NotebookNode:
    """A notebook of these cells, with ids that do not change from run to run."""
    for index, cell in enumerate(cells):
        cell.id = f"cell-{index}"
    return nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": dict(KERNELSPEC)})


def text(source: str) -> NotebookNode:
    """A markdown cell."""
    return nbformat.v4.new_markdown_cell(source)


def answer(grade_id: str, source: str, tags: tuple[str, ...] = ()) -> NotebookNode:
    """An answer cell; a source without a solution region is put into one."""
    if "BEGIN SOLUTION" not in source:
        source = f"### BEGIN SOLUTION\n{source}\n### END SOLUTION"
    return _cell(grade_id, source, tags, grade=False, solution=True, locked=False)


def graded(grade_id: str, points: float, public: str, hidden: str = "pass", doc: str = "Checks it.") -> NotebookNode:
    """A test cell of a public and a hidden part."""
    source = f'"""{doc}"""\n{public}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS'
    return _cell(grade_id, source, (), grade=True, solution=False, locked=True, points=points)


def locked(grade_id: str, source: str, tags: tuple[str, ...] = ()) -> NotebookNode:
    """A locked cell that is not graded."""
    return _cell(grade_id, source, tags, grade=False, solution=False, locked=True)


def manual(grade_id: str, points: float, source: str = "Because.") -> NotebookNode:
    """A written answer."""
    cell = nbformat.v4.new_markdown_cell(f"### BEGIN SOLUTION\n{source}\n### END SOLUTION")
    cell.metadata["nbgrader"] = _metadata(grade_id, grade=True, solution=True, locked=False, points=points)
    return cell


def assignment() -> NotebookNode:
    """A whole assignment that keeps every rule: eight tasks of a function each, a written answer, a bonus."""
    cells = [locked("setup", "import numpy as np")]
    for index in range(8):
        name = f"task_{index}"
        cells += [
            text(f"Write `{name}(x)`, which adds {index} to `x`."),
            answer(
                name, f"def {name}(x):\n    ### BEGIN SOLUTION\n    return x + {index} * secret\n    ### END SOLUTION"
            ),
            graded(f"test_{name}", 11, f"assert {name}(1) > 0", f"assert {name}(10) == {index} + 10  # hidden {index}"),
        ]
    cells[2].source = f"secret = 1\n\n{cells[2].source}"
    bonus = graded("bonus_test", 10, "assert task_0(3) == 3")
    return notebook(*cells, manual("why", 12, "Because of the chain rule."), bonus)


def _cell(grade_id: str, source: str, tags: tuple[str, ...], **flags) -> NotebookNode:
    cell = nbformat.v4.new_code_cell(source)
    cell.metadata["nbgrader"] = _metadata(grade_id, **flags)
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


def _metadata(grade_id: str, **flags) -> dict:
    return {"grade_id": grade_id, "schema_version": 3, "task": False, **flags}
