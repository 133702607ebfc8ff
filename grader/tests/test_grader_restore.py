"""Restore: the instructor's cells come back whatever a student's file did to them."""

from copy import deepcopy

import nbformat
import pytest
import tiny
from coursegrader.errors import Refused
from coursegrader.notebooks import Role, by_grade_id, role
from coursegrader.submission.intake import take
from coursegrader.submission.restore import restore, same_source
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

SPEC = tiny.spec()
REFERENCE = SPEC.reference_notebook()
NAMES = list(by_grade_id(REFERENCE))
ANSWERS = [name for name, cell in by_grade_id(REFERENCE).items() if role(cell) in (Role.ANSWER, Role.MANUAL)]
OTHERS = [name for name in NAMES if name not in ANSWERS]


def restored(notebook):
    return restore(take(tiny.to_bytes(notebook), SPEC).notebook, REFERENCE)


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def named(notebook, name):
    return by_grade_id(notebook)[name]


def test_an_honest_notebook_stays_as_it_is():
    notebook = tiny.submission()
    result = restored(notebook)
    assert sources(result.notebook) == sources(notebook)
    assert not result.blank and not result.copied and not result.missing
    nbformat.validate(result.notebook)


def test_changed_tests_points_tags_and_types_come_back():
    notebook = tiny.submission()
    test = named(notebook, "test_square")
    test.source = "pass"
    test.metadata.nbgrader.points = 99
    test.metadata["tags"] = ["skip-execution"]
    named(notebook, "setup")["cell_type"] = "raw"
    result = restored(notebook)
    for name in ("test_square", "setup"):
        assert named(result.notebook, name) == named(REFERENCE, name)


def test_an_answer_keeps_its_source_and_nothing_else():
    notebook = tiny.submission()
    answer = named(notebook, "square")
    answer.metadata["tags"] = ["skip-execution"]
    answer["cell_type"] = "markdown"
    cell = named(restored(notebook).notebook, "square")
    assert cell.source == tiny.ANSWERS["square"]
    assert cell.cell_type == "code" and "tags" not in cell.metadata


def test_a_deleted_answer_is_the_stub_and_not_the_solution():
    notebook = tiny.submission()
    notebook.cells.remove(named(notebook, "square"))
    result = restored(notebook)
    cell = named(result.notebook, "square")
    assert "raise NotImplementedError" in cell.source and "x * x" not in cell.source
    assert result.blank == {"square"} and result.missing == {"square"}


def test_of_copies_the_first_that_differs_from_the_stub_counts():
    notebook = tiny.submission(square=None)
    notebook.cells[2].source = named(REFERENCE, "square").source + "\n \n"
    right, wrong = deepcopy(notebook.cells[2]), deepcopy(notebook.cells[2])
    right.source, wrong.source = "first = 1", "second = 2"
    notebook.cells += [right, wrong]
    result = restored(notebook)
    assert named(result.notebook, "square").source == "first = 1"
    assert result.copied == {"square"} and not result.blank


def test_own_cells_stay_behind_what_they_followed_and_lose_their_tags():
    notebook = tiny.submission()
    own = new_code_cell("helper = 1", metadata={"tags": ["skip-execution"], "nbgrader": {"grade_id": "invented"}})
    at = notebook.cells.index(named(notebook, "square"))
    notebook.cells.insert(at + 1, own)
    result = restored(notebook).notebook
    where = next(index for index, cell in enumerate(result.cells) if cell.source == "helper = 1")
    assert result.cells[where - 1].metadata.nbgrader.grade_id == "square"
    assert result.cells[where].metadata == {}


def test_a_picture_in_a_written_answer_stays():
    notebook = tiny.submission()
    named(notebook, "why")["attachments"] = {"a.png": {"image/png": "aGk="}}
    assert named(restored(notebook).notebook, "why").attachments == {"a.png": {"image/png": "aGk="}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mutilated(draw):
    """A submission, and the same with its blocks permuted and its instructor's cells mutilated.

    A block is an instructor's cell and the student's own cells behind it. Of an answer's copies, the first that differs
    from the stub is the one of the plain notebook.
    """
    notebook = tiny.submission(**draw(st.dictionaries(st.sampled_from(ANSWERS), st.none() | st.text(max_size=9))))
    blocks = [[cell] for cell in notebook.cells if "nbgrader" in cell.metadata]
    for number in draw(st.lists(st.integers(0, len(blocks) - 1), max_size=4)):
        blocks[number].append(new_code_cell(f"own = {number}"))
    plain = nbformat.from_dict(notebook)
    plain.cells = [cell for block in blocks for cell in block]
    broken = deepcopy(draw(st.permutations(blocks)))
    for block in broken:
        cell = block[0]
        mutilate(draw, cell)
        name = cell.metadata.nbgrader.grade_id
        if name in OTHERS:
            cell.source = draw(st.text(max_size=20))
            # Without its own cells behind it, a locked cell may also go, or come twice.
            if len(block) == 1:
                block[:] = [deepcopy(cell) for _ in range(draw(st.sampled_from([0, 1, 2])))]
        else:
            stub, other = deepcopy(cell), deepcopy(cell)
            stub.source, other.source = named(REFERENCE, name).source + draw(st.sampled_from(["", "\n", "  \n "])), "no"
            answered = not same_source(cell.source, stub.source)
            block[:1] = draw(st.sampled_from([[cell], [stub, cell], [stub, stub, cell, stub]]))
            block += [other, stub] if answered and draw(st.booleans()) else []
    mess = nbformat.from_dict(notebook)
    mess.cells = [cell for block in broken for cell in block]
    return plain, mess


def mutilate(draw, cell):
    """Everything about an instructor's cell that is neither its name nor its source becomes anything."""
    name = cell.metadata.nbgrader.grade_id
    cell["cell_type"] = draw(st.sampled_from(["code", "markdown", "raw"]))
    cell["id"] = draw(JSON)
    cell["outputs"] = draw(JSON)
    cell["execution_count"] = draw(JSON)
    cell["metadata"] = NotebookNode(
        draw(
            st.dictionaries(st.text(max_size=5) | st.sampled_from(["tags", "deletable", "editable"]), JSON, max_size=3)
        )
    )
    cell.metadata["tags"] = draw(JSON | st.lists(st.sampled_from(["skip-execution", "raises-exception", "candidate"])))
    marks = draw(st.dictionaries(st.sampled_from(["points", "locked", "grade", "solution", "checksum", "task"]), JSON))
    cell.metadata["nbgrader"] = NotebookNode(marks | {"grade_id": name})
    if cell.cell_type != "markdown" or name in OTHERS:
        cell["attachments"] = draw(JSON)


@settings(max_examples=60, deadline=None)
@given(mutilated())
def test_the_result_does_not_depend_on_the_instructors_cells_in_the_file(pair):
    plain, mess = pair
    left, right = restored(plain), restored(mess)
    assert left.notebook == right.notebook
    assert left.blank == right.blank


SOURCES = st.sampled_from(["the stub", "the stub ", "one", "two", ""])


@settings(max_examples=100, deadline=None)
@given(st.lists(SOURCES, max_size=5), st.permutations(range(len(tiny.submission().cells) - 1)), st.data())
def test_of_any_copies_the_first_that_differs_from_the_stub_counts(sources, order, data):
    notebook = tiny.submission()
    model = named(notebook, "square")
    notebook.cells.remove(model)
    notebook.cells = [notebook.cells[number] for number in order]
    stub = named(REFERENCE, "square").source
    at = 0
    for source in sources:
        copy = deepcopy(model)
        copy.source = source.replace("the stub", stub)
        at = data.draw(st.integers(at, len(notebook.cells)))
        notebook.cells.insert(at, copy)
        at += 1
    result = restored(notebook)
    written = [source for source in sources if "stub" not in source]
    assert named(result.notebook, "square").source == (written[0] if written else stub)
    assert ("square" in result.blank) == (not written)
    assert ("square" in result.copied) == (len(sources) > 1)
    assert ("square" in result.missing) == (not sources)


@settings(max_examples=60, deadline=None)
@given(JSON, st.lists(st.text(max_size=10)), st.sampled_from(["code", "markdown", "raw"]))
def test_what_a_student_says_about_a_cell_of_their_own_has_no_effect(value, tags, kind):
    plain, marked = tiny.submission(), tiny.submission()
    own = {"cell_type": kind, "source": "helper = 1", "metadata": {}}
    plain.cells.insert(4, nbformat.from_dict(own))
    own = own | {"id": value, "outputs": value, "metadata": {"tags": tags, "nbgrader": value, "trusted": value}}
    marked.cells.insert(4, nbformat.from_dict(own))
    assert restored(plain).notebook == restored(marked).notebook


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, len(tiny.submission().cells) - 1), st.sampled_from(["source", "metadata", "cell_type", "id"]), JSON
)
def test_no_damaged_cell_stops_intake_with_anything_but_a_refusal(number, key, value):
    notebook = tiny.submission()
    dict.__setitem__(notebook.cells[number], key, value)
    try:
        result = restored(notebook)
    except Refused:
        return
    assert set(by_grade_id(result.notebook)) == set(NAMES)
    nbformat.validate(result.notebook)


def test_text_cells_of_the_student_are_kept():
    notebook = tiny.submission()
    notebook.cells.insert(0, new_markdown_cell("My name is Ann"))
    assert restored(notebook).notebook.cells[0].source == "My name is Ann"


@pytest.mark.parametrize("name", NAMES)
def test_every_instructors_cell_comes_back_when_it_is_missing(name):
    notebook = tiny.submission()
    notebook.cells.remove(named(notebook, name))
    result = restored(notebook)
    assert list(by_grade_id(result.notebook)) == NAMES
    assert named(result.notebook, name) == named(REFERENCE, name)
