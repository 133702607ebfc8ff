"""Three small assignments as other nbgrader courses write them, with submissions: honest, wrong and forged.

`squares` is of the kind that every nbgrader course begins with, in the metadata of an early nbgrader; `shapes` puts
a class under test, with a file beside the notebook; `beside` tests in ways that need the student's objects at hand.
"""

from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode

EVERYTHING = "lambda self, other: True"
# Wins in a grader that runs tests in the student's process: later cells become empty.
EMPTIES_TESTS = """
import ast
class Nothing(ast.NodeTransformer):
    def visit_Module(self, tree):
        tree.body = []
        return tree
get_ipython().ast_transformers.append(Nothing())
"""


@dataclass(frozen=True)
class Foreign:
    """An assignment: the solution, files beside it, answers by kind of submission, and what each is worth."""

    name: str
    solution: NotebookNode
    submissions: dict[str, dict[str, str]]
    points: dict[str, float]
    files: dict[str, bytes] = field(default_factory=dict)


def squares() -> Foreign:
    """Two functions and a written answer; nbgrader's first schema, no cell ids, the kernel `python3`."""
    answer = (
        "def squares(n):\n    ### BEGIN SOLUTION\n    if n < 1:\n        raise ValueError('n must be at least 1')\n"
        "    return [i ** 2 for i in range(1, n + 1)]\n    ### END SOLUTION"
    )
    total = "def sum_of_squares(n):\n    ### BEGIN SOLUTION\n    return sum(squares(n))\n    ### END SOLUTION"
    cells = [
        nbformat.v4.new_markdown_cell("# Problem 1"),
        _code("cell-1", answer, 1, solution=True),
        _code(
            "squares_ok",
            "assert squares(1) == [1]\nassert squares(3) == [1, 4, 9]\nassert isinstance(squares(2), list)",
            1,
            points=1,
        ),
        _code(
            "squares_invalid",
            "for bad in (0, -1):\n    try:\n        squares(bad)\n    except ValueError:\n        pass\n"
            '    else:\n        raise AssertionError("did not raise")',
            1,
            points=1,
        ),
        _code("cell-2", total, 1, solution=True),
        # A locked cell between them that uses the student's function, as a table to look at.
        _code("table", "table = {n: sum_of_squares(n) for n in (1, 2, 10)}\ntable", 1),
        _code("sums", "assert table[1] == 1 and table[10] == 385\nassert sum_of_squares(2) == 5", 1, points=2),
        _text("explain", "Because.", 1, points=3),
    ]
    right = {"cell-1": answer, "cell-2": total}
    return Foreign(
        "squares",
        _notebook(cells, minor=0),
        {
            "honest": right,
            "wrong": right | {"cell-1": "def squares(n):\n    return [i ** 2 for i in range(n)]"},
            "empties": right | {"cell-1": EMPTIES_TESTS + "def squares(n):\n    return 0"},
            "equal": right
            | {"cell-1": f"class All(list):\n    __eq__ = {EVERYTHING}\ndef squares(n):\n    return All()"},
        },
        {"honest": 4, "wrong": 0, "empties": 0, "equal": 0},
    )


def shapes() -> Foreign:
    """A class under test, with helpers of NumPy and pytest, and a file that is handed out; second schema."""
    answer = '''class Polygon:
    """A closed line through points."""

    def __init__(self, points):
        ### BEGIN SOLUTION
        if len(points) < 3:
            raise ValueError("a polygon has three corners")
        self.points = [tuple(point) for point in points]
        ### END SOLUTION

    def area(self):
        ### BEGIN SOLUTION
        pairs = zip(self.points, self.points[1:] + self.points[:1])
        return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2
        ### END SOLUTION

    def moved(self, dx, dy):
        ### BEGIN SOLUTION
        return Polygon([(x + dx, y + dy) for x, y in self.points])
        ### END SOLUTION


def by_area(polygons):
    ### BEGIN SOLUTION
    return sorted(polygons, key=lambda polygon: polygon.area())
    ### END SOLUTION'''
    tests = """import pytest
from numpy.testing import assert_allclose, assert_equal, assert_raises

triangle = Polygon([(0, 0), (2, 0), (0, 2)])
square = Polygon(corners)
assert triangle.area() == pytest.approx(2)
assert_allclose(square.moved(1, 1).points, np.array(corners) + 1)
assert_equal(square.area(), 1.0)
with pytest.raises(ValueError, match="three"):
    Polygon([(0, 0), (1, 1)])
assert_raises(ValueError, Polygon, [])
### BEGIN HIDDEN TESTS
found = by_area([triangle, square, triangle.moved(1, 0)])
assert [one.area() for one in found] == [1, 2, 2]
assert [len(one.points) for one in found] == [4, 3, 3]
assert found[0].points == [(0, 0), (1, 0), (1, 1), (0, 1)]
assert sorted(one.area() for one in (square, triangle)) == [1, 2]
assert hasattr(square, "points") and not hasattr(square, "corners")
assert square.area() < triangle.area() and float(square.area()) == 1
### END HIDDEN TESTS"""
    cells = [
        _code("imports", "import json\n\nimport numpy as np\n\ncorners = json.load(open('corners.json'))", 2),
        _code("polygon", answer, 2, solution=True),
        _code("test_polygon", tests, 2, points=5),
        # Code that a person marks, and that a later test uses.
        _code(
            "drawn", "def outline(polygon):\n    return polygon.points + polygon.points[:1]", 2, solution=True, points=2
        ),
        _code("test_outline", "assert len(outline(square)) == 5", 2, points=1),
    ]
    right = {"polygon": answer, "drawn": cells[3].source}
    wrong = answer.replace("/ 2", "/ 3")
    return Foreign(
        "shapes",
        _notebook(cells, minor=4),
        {
            "honest": right,
            "wrong": right | {"polygon": wrong},
            "empties": right | {"polygon": EMPTIES_TESTS + wrong},
            "equal": right
            | {
                "polygon": answer.replace("return abs(", "return All(")
                + f"\n\nclass All(float):\n    __eq__ = __lt__ = {EVERYTHING}\n    __hash__ = None"
                "\n    def __truediv__(self, other):\n        return self"
            },
        },
        # What empties later cells empties the student's own as well.
        {"honest": 6, "wrong": 1, "empties": 0, "equal": 1},
        {"corners.json": b"[[0, 0], [1, 0], [1, 1], [0, 1]]"},
    )


def beside() -> Foreign:
    """Tests that need the student's own objects: a patched global, `isinstance`, the source, a changed argument."""
    answer = """class Account:
    def __init__(self, owner):
        self.owner, self.log = owner, []


def now():
    return 7


def open_account(owner):
    ### BEGIN SOLUTION
    account = Account(owner)
    account.log.append(now())
    return account
    ### END SOLUTION


def sort_in_place(values):
    ### BEGIN SOLUTION
    for i in range(len(values)):
        for j in range(i):
            if values[i] < values[j]:
                values[i], values[j] = values[j], values[i]
    ### END SOLUTION"""
    cells = [
        _code("account", answer, 3, solution=True),
        _code(
            "test_patch",
            "from unittest.mock import patch\nwith patch('__main__.now', return_value=3):\n"
            "    assert open_account('me').log == [3]",
            3,
            points=1,
        ),
        _code("test_kind", "assert isinstance(open_account('me'), Account)", 3, points=1),
        _code(
            "test_source",
            "import inspect\nassert 'sorted(' not in inspect.getsource(sort_in_place)",
            3,
            points=1,
        ),
        _code("test_in_place", "values = [3, 1, 2]\nsort_in_place(values)\nassert values == [1, 2, 3]", 3, points=1),
        _code("test_plain", "assert open_account('me').owner == 'me'", 3, points=1),
    ]
    wrong = answer.replace("account.log.append(now())", "pass")
    forged = EMPTIES_TESTS + "def now():\n    return 7"
    return Foreign(
        "beside",
        _notebook(cells, minor=5),
        {"honest": {"account": answer}, "wrong": {"account": wrong}, "empties": {"account": forged}},
        # Beside the student's code, whoever sets out to forge, forges.
        {"honest": 5, "wrong": 4, "empties": 5},
    )


def submission(foreign: Foreign, kind: str) -> NotebookNode:
    """What a student of that course hands in."""
    notebook = nbformat.from_dict(foreign.solution)
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("solution") and cell.cell_type == "code":
            cell.source = foreign.submissions[kind][marks["grade_id"]]
        elif marks.get("grade"):
            # A student has no hidden tests.
            cell.source = cell.source.split("### BEGIN HIDDEN TESTS")[0]
    return notebook


def _notebook(cells: list[NotebookNode], minor: int) -> NotebookNode:
    for number, cell in enumerate(cells):
        if minor < 5:
            cell.pop("id")
        else:
            cell.id = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.from_dict(
        {"nbformat": 4, "nbformat_minor": minor, "metadata": {"kernelspec": kernel}, "cells": cells}
    )


def _code(name: str, source: str, schema: int, *, solution: bool = False, points: float | None = None) -> NotebookNode:
    return _marked(nbformat.v4.new_code_cell(source), name, schema, solution, points)


def _text(name: str, source: str, schema: int, *, points: float) -> NotebookNode:
    return _marked(nbformat.v4.new_markdown_cell(source), name, schema, True, points)


def _marked(cell: NotebookNode, name: str, schema: int, solution: bool, points: float | None) -> NotebookNode:
    marks = {"grade": points is not None, "grade_id": name, "locked": not solution, "solution": solution}
    if points is not None:
        # Early versions wrote points as text.
        marks["points"] = str(points) if schema == 1 else points
    if schema > 1:
        marks["schema_version"] = schema
    cell.metadata["nbgrader"] = marks
    return cell
