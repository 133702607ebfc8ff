"""What a forger does to the file, or puts beside it: tests and points are the instructor's all the same."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from coursegrader.submission.intake import find_submissions, take
from coursegrader.submission.restore import restore
from coursegrader.submission.scores import Status
from forging import HONEST, REST, SQUARE_ONLY, WRONG, Grade, earned, handed_in, specification, told
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output


def of(notebook: NotebookNode, name: str) -> NotebookNode:
    """The cell of that grade_id."""
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def marks(notebook: NotebookNode, name: str) -> dict:
    """nbgrader's marks of that cell."""
    return of(notebook, name).metadata.nbgrader


def graded_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The test cells."""
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]


def tag_everything(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception", "candidate", "remove-cell"]


def tag_an_answer(notebook: NotebookNode) -> None:
    of(notebook, "rest").metadata["tags"] = ["candidate"]


def edit_tests(notebook: NotebookNode) -> None:
    for cell in graded_cells(notebook):
        cell.source = "4.0"


def edit_locked(notebook: NotebookNode) -> None:
    of(notebook, "setup").source = "import numpy as np\ndef same(*args): pass"


def raise_points(notebook: NotebookNode) -> None:
    for cell in graded_cells(notebook):
        cell.metadata.nbgrader["points"] = 1000


def lower_points_of_what_is_hard(notebook: NotebookNode) -> None:
    marks(notebook, "test_label")["points"] = 0


def delete_tests(notebook: NotebookNode) -> None:
    notebook.cells = [cell for cell in notebook.cells if cell not in graded_cells(notebook)]


def copy_tests(notebook: NotebookNode) -> None:
    passing = of(notebook, "test_square")
    for cell in graded_cells(notebook):
        if cell is not passing:
            cell.source, cell.metadata = passing.source, cell.metadata
    notebook.cells += [NotebookNode(passing) for _ in range(20)]


def make_tests_text(notebook: NotebookNode) -> None:
    for cell in graded_cells(notebook):
        cell.cell_type = "markdown"
        del cell["outputs"], cell["execution_count"]


def make_tests_raw(notebook: NotebookNode) -> None:
    for cell in graded_cells(notebook):
        cell.cell_type = "raw"
        del cell["outputs"], cell["execution_count"]


def put_tests_first(notebook: NotebookNode) -> None:
    tests = graded_cells(notebook)
    notebook.cells = tests + [cell for cell in notebook.cells if cell not in tests]


def everything_backwards(notebook: NotebookNode) -> None:
    notebook.cells.reverse()


def swap_ids(notebook: NotebookNode) -> None:
    marks(notebook, "test_square")["grade_id"] = "other"
    marks(notebook, "test_label")["grade_id"] = "test_square"
    marks(notebook, "other")["grade_id"] = "test_label"


def make_tests_answers(notebook: NotebookNode) -> None:
    for cell in graded_cells(notebook):
        cell.metadata.nbgrader |= {"grade": False, "solution": True, "locked": False}


def answers_as_tests(notebook: NotebookNode) -> None:
    marks(notebook, "rest").update(grade=True, solution=False, locked=True, points=100)


def written_answers(notebook: NotebookNode) -> None:
    for cell in graded_cells(notebook):
        cell.metadata.nbgrader |= {"grade": True, "solution": True, "task": True}


def wrong_schema(notebook: NotebookNode) -> None:
    for version, cell in enumerate(notebook.cells):
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["schema_version"] = (0, 1, 99, "x", None, [], {}, 2.5, -1, True, 7)[version % 11]


def marks_of_wrong_types(notebook: NotebookNode) -> None:
    wrong = iter([7, "x", [], None, True, {"grade_id": []}, {"grade_id": None}, {"grade_id": {"a": 1}}, 1.5])
    for cell in graded_cells(notebook):
        cell.metadata["nbgrader"] = next(wrong)


def metadata_of_wrong_types(notebook: NotebookNode) -> None:
    wrong = iter([7, "x", [], None, True, 0.5, -1, "", [[]]])
    for cell in graded_cells(notebook):
        cell["metadata"] = next(wrong)


def outputs_with_points(notebook: NotebookNode) -> None:
    for cell in graded_cells(notebook):
        cell.outputs = [new_output("execute_result", data={"text/plain": "4.0"}, execution_count=1)]


def attachments(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell["attachments"] = {"x.png": {"image/png": "AAAA"}, "../../x": {"text/html": "<script>"}}


def another_kernel(notebook: NotebookNode) -> None:
    notebook.metadata["kernelspec"] = {"name": "../../evil", "display_name": "x", "language": "bash"}
    notebook.metadata["language_info"] = {"name": "bash"}


def widgets(notebook: NotebookNode) -> None:
    state = {"application/vnd.jupyter.widget-state+json": {"state": {"a": {"model_name": "x"}}, "version_major": 99}}
    notebook.metadata["widgets"] = state


def checksums(notebook: NotebookNode) -> None:
    for cell in graded_cells(notebook):
        cell.metadata.nbgrader |= {"checksum": "0" * 32, "cell_type": "markdown"}


def fake_cells(notebook: NotebookNode) -> None:
    for name in ("test_label2", "bonus_test", "setup-"):
        notebook.cells.append(tiny.cell("1000.0", name, points=1000))


def magics_in_own_cells(notebook: NotebookNode) -> None:
    for source in ("%load_ext autoreload", "%%script true\nx", "%run -i nothing.ipynb", "%autoindent", "!kill -9 1"):
        notebook.cells.insert(0, new_code_cell(source))


# What is left of an edited file is exactly what is left of the file that was not edited.
EDITS = {function.__name__.replace("_", " "): function for function in (
    tag_everything, tag_an_answer, edit_tests, edit_locked, raise_points, lower_points_of_what_is_hard, delete_tests,
    copy_tests, make_tests_text, make_tests_raw, put_tests_first, everything_backwards, swap_ids, make_tests_answers,
    answers_as_tests, written_answers, wrong_schema, marks_of_wrong_types, metadata_of_wrong_types,
    outputs_with_points, attachments, another_kernel, widgets, checksums,
)}  # fmt: skip


def examined(notebook: NotebookNode) -> list[NotebookNode]:
    """What the exam gets of a file: its cells, but those of the student's own (a test without its name is one)."""
    return of_the_course(json.dumps(notebook).encode())


def of_the_course(data: bytes) -> list[NotebookNode]:
    """As `examined`, of a file's bytes."""
    spec = specification()
    restored = restore(take(data, spec).notebook, spec.reference_notebook()).notebook
    return [cell for cell in restored.cells if "nbgrader" in cell.metadata]


@pytest.mark.parametrize("edit", EDITS, ids=lambda name: name.replace(" ", "-"))
def test_an_edited_file_is_examined_as_if_it_were_not(edit: str):
    edited, untouched = handed_in(WRONG), handed_in(WRONG)
    EDITS[edit](edited)
    assert edited != untouched
    assert examined(edited) == examined(untouched)


# The whole way, for edits that have fooled graders, and for those that leave something of their own in the file.
WHOLE = (tag_everything, edit_tests, make_tests_text, outputs_with_points, swap_ids, fake_cells, magics_in_own_cells)


@pytest.mark.parametrize("edit", WHOLE, ids=lambda edit: edit.__name__.replace("_", "-"))
@pytest.mark.parametrize("rest", [WRONG, REST], ids=["wrong", "right"])
def test_an_edited_file_earns_what_its_answers_are_worth(grade: Grade, edit: Callable, rest: str):
    notebook = handed_in(rest)
    edit(notebook)
    result = grade(notebook=notebook)
    assert earned(result) == (SQUARE_ONLY if rest is WRONG else HONEST), told(result)
    assert sum(score.max_points for score in result.scores) == sum(HONEST.values())


def test_of_two_cells_with_one_id_the_first_that_was_changed_counts(grade: Grade):
    notebook = handed_in(WRONG)
    copy = tiny.cell(REST, "rest", answer=True)
    notebook.cells.append(copy)
    result = grade(notebook=notebook)
    assert earned(result) == SQUARE_ONLY, told(result)
    assert result.total.status is Status.FLAGGED


REFUSED = {
    "nothing": b"",
    "not JSON": b"\x00\x01",
    "half a file": json.dumps(handed_in(REST)).encode()[:-200],
    "a deep nest": b"[" * 100_000,
    "a deep nest of objects": b'{"a":' * 100_000,
    "a number of 10^6 digits": b'{"nbformat": ' + b"9" * 10**6 + b"}",
    "a format that is no number": b'{"nbformat": NaN, "cells": []}',
    "a format that is a truth value": b'{"nbformat": true, "cells": []}',
    "a format to come": b'{"nbformat": 99, "cells": []}',
    "cells that are none": b'{"nbformat": 4, "cells": 7}',
    "a cell that is none": b'{"nbformat": 4, "cells": [7]}',
    "100,000 cells": json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [new_markdown_cell("")] * 100_000}
    ).encode()[: 4 << 20],
    "a huge file": b" " * (5 << 20),
    "another encoding": json.dumps(handed_in(REST)).encode("utf-16"),
    "invalid UTF-8": json.dumps(handed_in(REST)).encode().replace(b"square", b"\xff\xfe"),
}


@pytest.mark.parametrize("name", REFUSED, ids=lambda name: name.replace(" ", "-"))
def test_what_is_no_notebook_fails_with_a_reason(grade: Grade, name: str):
    result = grade(notebook=REFUSED[name])
    assert result.failure and "(" in result.failure, told(result)
    assert not any(earned(result).values()) and result.total.status is Status.FAILED


ACCEPTED = {
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text,
    "NaN in its metadata": lambda text: text.replace(b'{"kernelspec"', b'{"x": NaN, "kernelspec"'),
    "keys that are there twice": lambda text: text.replace(b'"points": 4', b'"points": 400, "points": 4'),
    "half characters": lambda text: text.replace(b'{"kernelspec"', b'{"\\ud800": 1, "kernelspec"'),
}


@pytest.mark.parametrize("name", ACCEPTED, ids=lambda name: name.replace(" ", "-"))
def test_what_is_odd_in_a_file_changes_nothing(name: str):
    text = json.dumps(handed_in(WRONG)).encode()
    odd = ACCEPTED[name](text)
    assert odd != text
    assert of_the_course(odd) == examined(handed_in(WRONG))


# Files beside the notebook, which a kernel or the grader could take for its own.
LIE = b"import builtins\nbuiltins.forged = True\nraise SystemExit\n"
BESIDE = {
    name: LIE
    for name in (
        "numpy.py", "sitecustomize.py", "usercustomize.py", "conftest.py", "json.py", "zmq.py", "ipykernel_launcher.py",
        "coursegrader/__init__.py", "coursegrader/exam/agent.py", "coursegrader/checks.py", "nbgrader_config.py",
        "ipython_config.py", "profile_default/startup/00.py", "ast.py", "math/__init__.py", "tensorflow/__init__.py",
    )
} | {"kernel.json": b'{"argv": ["false"]}', "tiny.ipynb.bak": b"x", "pyvenv.cfg": b"home = /"}  # fmt: skip


def test_files_beside_the_notebook_are_nobodys_modules(grade: Grade):
    result = grade(REST, files=BESIDE)
    assert earned(result) == HONEST, told(result)
    result = grade(WRONG, files=BESIDE)
    assert earned(result) == SQUARE_ONLY, told(result)


NAMES = (
    "a" * 200, "-rf", "$(touch x)", "`touch x`", "a\nb", "a;b", " ", "é\u202ec", "%s", "x" * 99 + "/" + "y" * 99,
)  # fmt: skip


def test_names_of_files_are_names_only(grade: Grade):
    listing = "import os\nlabel = roman = apply = reject = Count = lambda *args: None\nprint(sorted(os.listdir()))"
    result = grade(listing, files=dict.fromkeys(NAMES, b""))
    assert earned(result) == SQUARE_ONLY, told(result)


def test_links_are_not_followed(tmp_path: Path):
    secret = tmp_path / "secret.ipynb"
    secret.write_text(json.dumps(handed_in(REST)))
    for student in ("file", "folder", "beside"):
        (tmp_path / "class" / student).mkdir(parents=True)
    (tmp_path / "class/file/tiny").mkdir()
    (tmp_path / "class/file/tiny/tiny.ipynb").symlink_to(secret)
    (tmp_path / "real").mkdir()
    (tmp_path / "real/tiny.ipynb").write_text(secret.read_text())
    (tmp_path / "class/folder/tiny").symlink_to(tmp_path / "real")
    (tmp_path / "class/beside/tiny").mkdir()
    (tmp_path / "class/beside/tiny/tiny.ipynb").write_text(secret.read_text())
    (tmp_path / "class/beside/tiny/notes.txt").symlink_to("/etc/passwd")
    (tmp_path / "class/beside/tiny/all").symlink_to("/etc")
    found = {one.student: one for one in find_submissions(tmp_path / "class", specification())}
    assert found["file"].refusal and found["folder"].refusal
    assert found["beside"].refusal is None and not found["beside"].files
