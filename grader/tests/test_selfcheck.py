"""`coursegrader check` on files that are notebooks, but not the assignment's."""

import nbformat
from coursegrader.selfcheck import check_notebook
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
