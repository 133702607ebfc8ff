"""Reading notebooks: roles, points, regions, and files that are no notebooks."""

import gc
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from coursegrader import notebooks
from coursegrader.notebooks import HIDDEN, SOLUTION, NotebookError, RegionError, Role
from small_notebooks import answer, graded, locked, manual, notebook, text


def test_each_cell_has_the_role_of_its_metadata():
    cells = [text("Read."), locked("setup", "x = 1"), answer("a", "y = 1"), graded("t", 3, "pass"), manual("w", 6)]
    assert [notebooks.role(cell) for cell in cells] == [Role.FREE, Role.LOCKED, Role.ANSWER, Role.TEST, Role.MANUAL]
    assert [notebooks.points(cell) for cell in cells] == [0, 0, 0, 3, 6]
    assert [notebooks.grade_id(cell) for cell in cells] == [None, "setup", "a", "t", "w"]
    predicates = (notebooks.is_locked, notebooks.is_answer, notebooks.is_test, notebooks.is_manual)
    assert [[predicate(cell) for predicate in predicates] for cell in cells[1:]] == [
        [row == column for column in range(4)] for row in range(4)
    ]


def test_a_task_cell_is_graded_by_hand():
    cell = text("Draw the network.")
    cell.metadata["nbgrader"] = {"grade_id": "t", "task": True, "grade": False, "solution": False, "points": 4}
    assert notebooks.is_manual(cell) and notebooks.points(cell) == 4


def test_only_locked_cells_with_the_tag_are_candidate_cells():
    assert notebooks.is_candidate(locked("f", "f = g", ("candidate",)))
    assert not notebooks.is_candidate(locked("f", "f = g"))
    assert not notebooks.is_candidate(answer("f", "f = 1", ("candidate",)))


def test_bonus_is_told_by_the_name():
    assert notebooks.is_bonus(graded("bonus_test_fgsm", 5, "pass"))
    assert not notebooks.is_bonus(graded("test_bonus", 5, "pass"))


def test_of_two_cells_with_one_id_the_first_counts():
    found = notebooks.by_grade_id(notebook(answer("a", "first = 1"), answer("a", "second = 2")))
    assert "first" in found["a"].source


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("not a notebook", "not JSON"),
        ("[]", "not a notebook"),
        ('{"nbformat": 3, "worksheets": []}', "not a notebook"),
        (
            '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "id": "a"}]}',
            "not a valid notebook",
        ),
        (b"\xff\xfe\x00", "cannot be read as text"),
    ],
)
def test_a_file_that_is_no_notebook_is_named_with_the_remedy(tmp_path, content, says):
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(NotebookError, match=says) as caught:
        notebooks.read(path)
    assert "broken.ipynb" in str(caught.value) and "save" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotebookError, match=r"absent\.ipynb.*no such file"):
        notebooks.read(tmp_path / "absent.ipynb")


def test_reading_gives_what_was_written(tmp_path):
    written = notebook(text("Read.\nThen write."), answer("a", "x = 1\ny = 2"))
    nbformat.write(written, tmp_path / "a.ipynb")
    assert notebooks.read(tmp_path / "a.ipynb") == written


def test_splitting_takes_every_region_out():
    source = "a\n# BEGIN SOLUTION\nb\n  # END SOLUTION\nc\n# BEGIN SOLUTION\nd\n# END SOLUTION"
    assert notebooks.split(source, SOLUTION) == ("a\nc", "b\nd")
    assert notebooks.split(source, HIDDEN) == (source, "")


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        ("x\n### BEGIN HIDDEN TESTS\ny", 2, "never closed"),
        ("x\ny\n### END HIDDEN TESTS", 3, "without"),
        ("### BEGIN HIDDEN TESTS\n### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS", 2, "close that first"),
    ],
)
def test_broken_regions_are_refused_with_their_line(source, line, says):
    with pytest.raises(RegionError, match=says) as caught:
        notebooks.marked_regions(source, HIDDEN)
    assert caught.value.line == line


def test_the_docstring_of_a_cell():
    assert notebooks.docstring(graded("t", 1, "pass", doc="Shapes are right.")) == "Shapes are right."
    assert notebooks.docstring(locked("a", "x = 1")) is None
    with pytest.raises(RegionError, match="not Python") as caught:
        notebooks.docstring(locked("a", "x = 1\ny ="))
    assert caught.value.line == 2


def test_assignments_are_folders_with_a_notebook_of_their_name(tmp_path):
    for folder, file in (("ps2", "ps2"), ("ps1", "ps1"), ("draft", "other")):
        (tmp_path / "solutions" / folder).mkdir(parents=True)
        (tmp_path / "solutions" / folder / f"{file}.ipynb").touch()
    assert [path.name for path in notebooks.assignments(tmp_path)] == ["ps1.ipynb", "ps2.ipynb"]


def test_two_threads_may_ask_for_a_syntax_tree_at_once():
    sources = [f"x = {'-' * depth}y + " + " + ".join(f"g{k}(x)" for k in range(200)) for depth in (2, 40)]

    def let_the_other_go_on(phase, info):
        time.sleep(0)

    threshold = gc.get_threshold()
    gc.callbacks.append(let_the_other_go_on)
    gc.set_threshold(20)
    try:
        with ThreadPoolExecutor(2) as pool:
            trees = list(pool.map(notebooks.syntax_tree, sources * 50))
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(let_the_other_go_on)
    assert len(trees) == 100
