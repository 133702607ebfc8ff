"""`coursegrader check`: what it says of a student's notebook, and of files that are none."""

import nbformat
import tiny
from coursegrader.selfcheck import check_notebook
from coursegrader.submission.spec import LimitValues
from nbformat.v4 import new_code_cell, new_notebook


def test_a_notebook_without_tasks_does_not_pass(tmp_path):
    path = tmp_path / "notes.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 + 1")]), path)
    found = check_notebook(path)
    assert not found.passes
    assert found.remarks == (
        "This notebook holds no graded cell: is it the assignment's?",
        "The notebook names no kernel; it is checked and graded with 'dl-course'.",
    )


def of_square(tmp_path, body: str, **limits: float):
    """What the check says on the first task of a notebook whose answer is `body`."""
    path = tmp_path / f"{tiny.PS}.ipynb"
    nbformat.write(tiny.submission(square=body), path)
    return check_notebook(path, LimitValues(**(tiny.LIMITS | limits))).tasks[0]


def test_an_error_in_the_students_code_is_told_with_its_line(tmp_path):
    task = of_square(tmp_path, "def square(x):\n    y = 0\n    return x / y")
    assert task.message == "ZeroDivisionError: division by zero (line 3 of your cell square)"


def test_a_loop_that_never_ends_is_called_so(tmp_path):
    task = of_square(tmp_path, "def square(x):\n    while True:\n        pass", cell_seconds=2)
    assert task.message == "stopped after 2 s: does a loop in your code never end?"
