"""Fuzzing of intake and restore: a mutated notebook never stops a run and never changes what is asked of a student.

Each example is a valid notebook changed in its bytes or in its JSON tree. What comes of it is either a `Refused` with
a remedy or a notebook in which everything but answers and a student's own cells is the instructor's, bit by bit.
"""

import json
from collections.abc import Callable
from copy import deepcopy

import nbformat
import pytest
import tiny
from coursegrader.errors import Refused
from coursegrader.notebooks import Role, by_grade_id, role
from coursegrader.submission.grade import grade_submission
from coursegrader.submission.intake import take
from coursegrader.submission.restore import restore
from coursegrader.submission.scores import Status
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell

SPEC = tiny.spec()
REFERENCE = by_grade_id(SPEC.reference_notebook())
TESTS = [name for name, cell in REFERENCE.items() if role(cell) in (Role.TEST, Role.MANUAL)]
ANSWERS = {name for name, cell in REFERENCE.items() if role(cell) in (Role.ANSWER, Role.MANUAL)}


def _bases() -> list[dict]:
    """Notebooks to start from: an honest one, one with cells of the student's own, and one of an old format."""
    plain = json.loads(tiny.to_bytes(tiny.submission()))
    busy = tiny.submission()
    own = new_code_cell("helper = 1", metadata={"tags": ["skip-execution"]})
    busy.cells[3:3] = [own, deepcopy(busy.cells[2])]
    busy.cells[-2]["attachments"] = {"a.png": {"image/png": "aGk="}}
    for cell in busy.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="50\n")]
    cells = [
        {"cell_type": "code", "input": ["def square(x):\n", "    return x"], "outputs": [], "language": "python"},
        {"cell_type": "heading", "source": "A title", "level": 1},
        {"cell_type": "markdown", "source": "Because."},
    ]
    for cell, name in zip(cells, ("square", "setup", "why"), strict=True):
        cell["metadata"] = {"nbgrader": {"grade_id": name}}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    return [plain, json.loads(tiny.to_bytes(busy)), old]


BASES = _bases()
# No change of a few bytes or cells makes an answer of these right. (A base with right answers could gain nothing.)
WRONG = [json.loads(tiny.to_bytes(tiny.submission(square="square = None", half="half = []", shout="shout = 0")))]
WRONG.append(deepcopy(WRONG[0]))
OWN_CELL = {"cell_type": "code", "metadata": {}, "source": "x = 50", "outputs": []}
WRONG[1]["cells"][3:3] = [OWN_CELL, WRONG[0]["cells"][2]]
WORDS = st.sampled_from(
    [*REFERENCE, *"cells cell_type metadata nbgrader grade_id source attachments outputs tags points id".split()]
    + ["code", "markdown", "raw", "skip-execution", "", "\ud800", "\0", "x" * 300]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(st.characters(), max_size=8)
)  # NaN, infinities and lone surrogates are no JSON, and yet Python writes and reads them.
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def _inner_nodes(tree: object, found: list | None = None) -> list:
    """Every list and dict with something in it, in a fixed order."""
    found = [] if found is None else found
    if isinstance(tree, dict | list) and tree:
        found.append(tree)
        for inner in tree.values() if isinstance(tree, dict) else tree:
            _inner_nodes(inner, found)
    return found


def _mutate_once(draw: Callable, tree: dict) -> None:
    """Changes one place of a JSON tree: replaces, deletes, doubles, moves, renames or exchanges."""
    nodes = _inner_nodes(tree)
    if not nodes:
        return
    node = nodes[draw(st.integers(0, len(nodes) - 1))]
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    key, other = (keys[draw(st.integers(0, len(keys) - 1))] for _ in range(2))
    match draw(st.sampled_from(["replace", "delete", "double", "swap", "graft", "permute"])):
        case "replace":
            node[key] = draw(TREES)
        case "delete":
            del node[key]
        case "double" if isinstance(node, list):
            node.insert(other, deepcopy(node[key]))
        case "double":
            node[draw(WORDS)] = deepcopy(node[key])
        case "swap":
            node[key], node[other] = node[other], node[key]
        case "graft":
            # A copy, so that the tree stays one; of a small part, so that it stays small.
            part = nodes[draw(st.integers(0, len(nodes) - 1))]
            node[key] = deepcopy(part) if len(json.dumps(part)) < 20_000 else None
        case "permute" if isinstance(node, list):
            node[:] = draw(st.permutations(node))


@st.composite
def changed_trees(draw, bases: list[dict] = BASES) -> bytes:
    """A notebook with a few changes in its JSON tree."""
    tree = deepcopy(draw(st.sampled_from(bases)))
    for _ in range(draw(st.integers(1, 6))):
        _mutate_once(draw, tree)
    return json.dumps(tree).encode()


@st.composite
def changed_bytes(draw, bases: list[dict] = BASES) -> bytes:
    """A notebook with bytes flipped, cut out, put in or repeated."""
    data = bytearray(json.dumps(draw(st.sampled_from(bases))).encode())
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 40))
        match draw(st.sampled_from(["flip", "cut", "put", "repeat", "truncate"])):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at : at + length]
            case "put":
                data[at:at] = draw(st.binary(max_size=6) | st.sampled_from([b"{", b"]", b'"', b"\\ud800", b"null,"]))
            case "repeat":
                data[at:at] = data[at : at + 20 * length]
            case "truncate":
                del data[at:]
    return bytes(data)


def _sources(data: bytes) -> set[str]:
    """Every text of a file that could be a cell's source, as intake reads it."""
    found = {""}

    def look(tree: object) -> None:
        if isinstance(tree, str):
            found.add(tree.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        elif isinstance(tree, list) and tree and all(isinstance(line, str) for line in tree):
            look("".join(tree))
        if isinstance(tree, dict | list):
            for inner in tree.values() if isinstance(tree, dict) else tree:
                look(inner)

    look(json.loads(data.decode("utf-8-sig")))
    return found


def check_harmless(data: bytes) -> None:
    """Check that a file is refused with a remedy, or comes out as the instructor's notebook with the file's answers."""
    try:
        result = restore(take(data, SPEC).notebook, SPEC.reference_notebook())
    except Refused as refusal:
        assert refusal.reason and refusal.remedy
        assert len(str(refusal).encode()) < 500
        return
    notebook = result.notebook
    nbformat.validate(notebook)
    assert nbformat.reads(nbformat.writes(notebook).encode().decode(), as_version=4) == notebook
    assert list(by_grade_id(notebook)) == list(REFERENCE)
    sources = _sources(data)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name is None:
            # A heading of the old format gains its marks.
            assert cell.source in sources or cell.source.lstrip("#").lstrip() in sources
            assert cell.metadata == {} and not cell.get("outputs")
        elif name in ANSWERS:
            stub = REFERENCE[name]
            assert cell.source == stub.source or cell.source in sources
            assert (cell.source == stub.source) or name not in result.blank
            left, right = dict(cell), dict(stub)
            for one in (left, right):
                one.pop("source")
                one.pop("attachments", None)
            assert json.dumps(left) == json.dumps(right)
        else:
            assert json.dumps(cell) == json.dumps(REFERENCE[name])
    assert notebook.metadata == {"kernelspec": tiny.KERNELSPEC}


@settings(max_examples=300, deadline=None)
@given(changed_trees())
def test_a_changed_tree_does_no_harm(data):
    check_harmless(data)


@settings(max_examples=150, deadline=None)
@given(changed_bytes())
def test_changed_bytes_do_no_harm(data):
    check_harmless(data)


@settings(max_examples=100, deadline=None)
@given(TREES.map(json.dumps).map(str.encode) | st.binary(max_size=200))
def test_what_never_was_a_notebook_is_refused(data):
    with pytest.raises(Refused):
        take(data, SPEC)


@pytest.mark.full
@settings(max_examples=20_000, deadline=None)
@given(changed_trees() | changed_bytes())
def test_a_long_run_of_changed_files_does_no_harm(data):
    check_harmless(data)


@pytest.mark.full
@settings(max_examples=400, deadline=None)
@given(data=changed_trees(WRONG) | changed_bytes(WRONG))
def test_no_change_of_a_file_gains_points_in_the_exam(hall, data):
    result = grade_submission(data, SPEC, {}, hall)
    assert not result.machine, result.failure
    assert [one.cell for one in result.scores] == TESTS
    assert not any(one.points for one in result.scores)


def test_that_base_earns_nothing_unchanged_either_and_its_tests_run(hall):
    result = grade_submission(json.dumps(WRONG[0]).encode(), SPEC, {}, hall)
    assert {one.cell: one.points for one in result.scores if one.status is Status.GRADED} == {
        "test_square": 0,
        "test_half": 0,
        "bonus_test_shout": 0,
    }
