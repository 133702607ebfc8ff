"""Mutation testing, and the junk answers: that both see what a weak test lets through."""

from pathlib import Path

import pytest
from coursegrader import notebooks
from coursegrader.authoring import junk, mutation
from coursegrader.authoring.dependencies import code_cells
from coursegrader.authoring.trial import Bench, Limits, Warm
from small_notebooks import answer, graded, locked, notebook

ROOT = Path(__file__).parents[2]
LIMITS = Limits(spare=1.0)

SETUP = locked("setup", "import numpy as np")
SCALE = answer("scale", "def scale(x):\n    '''1 + 1'''\n    return 2 * x - 1")
STRONG = graded("test_scale", 5, "got = scale(np.array([1.0, 2.0]))", "assert got.tolist() == [1, 3]")


@pytest.fixture(scope="module")
def warm():
    with Warm() as process:
        yield process


def mutants_of(source: str) -> dict[str, str]:
    """The mutants of a function's body: what changed, and the operator."""
    cell = answer("a", "def f(x, axis=0):\n    ### BEGIN SOLUTION\n" + indented(source) + "\n    ### END SOLUTION")
    return {mutant.change: mutant.operator for mutant in mutation.mutants(notebook(cell))}


def indented(source: str) -> str:
    return "\n".join(f"    {line}" for line in source.split("\n"))


@pytest.mark.parametrize(
    ("source", "change", "operator"),
    [
        ("return x + 3", "x + 3 -> x - 3", "arithmetic"),
        ("return x // x", "x // x -> x * x", "arithmetic"),
        ("x += x\nreturn x", "x += x -> x -= x", "arithmetic"),
        ("x += x\nreturn x", "x += x -> x = x", "assignment"),
        ("x += x\nreturn x", "x += x -> pass", "dropped"),
        ("return x[3]", "3 -> 4", "constant"),
        ("return x[3]", "3 -> 2", "constant"),
        ("return x < 3", "x < 3 -> x <= 3", "comparison"),
        ("return x and axis", "x and axis -> x or axis", "boolean"),
        ("return f(True)", "True -> False", "boolean"),
        ("return not x", "not x -> x", "boolean"),
        ("return -x", "-x -> x", "sign"),
        ("return x.sum(axis=1)", "x.sum(axis=1) -> x.sum()", "argument"),
        ("return x.sum(axis=1)", "1 -> 2", "constant"),
        ("return x.sum(axis=(0, 1))", "x.sum(axis=(0, 1)) -> x.sum(axis=(1,))", "axis"),
        ("return x.sum()", "x.sum -> x.mean", "function"),
        ("return max(x)", "max -> min", "function"),
        ("return x[1:]", "1: -> :", "slice"),
        ("if x:\n    return 1\nreturn 2", "if x: return 1 -> if not x: return 1", "condition"),
        ("return 1 if x else 2", "1 if x else 2 -> 2 if x else 1", "condition"),
        ("x.clear()\nreturn x", "x.clear() -> pass", "dropped"),
        ("x = x - x.max()\nreturn x", "x = x - x.max() -> pass", "dropped"),
        ("x[0] = axis\nreturn x", "x[0] = axis -> pass", "dropped"),
        ("return x, axis", "return (x, axis) -> return (axis, x)", "order"),
    ],
)
def test_each_kind_of_fault_is_made(source, change, operator):
    assert mutants_of(source)[change] == operator


def test_nothing_outside_a_solution_region_changes():
    cell = answer("a", "LIMIT = 3 + 4\ndef f(x=5):\n    ### BEGIN SOLUTION\n    return x + 6\n    ### END SOLUTION")
    found = mutation.mutants(notebook(cell))
    assert {mutant.line for mutant in found} == {4}
    assert all("LIMIT = 3 + 4" in mutant.source and "x=5" in mutant.source for mutant in found)


def test_a_mutant_with_the_bytecode_of_another_or_of_the_solution_is_left_out():
    # The compiler folds constants, so that a change of the second 1 gives the bytecode of the same change of the first.
    found = mutation.mutants(notebook(answer("a", "def f(x):\n    return 1 * 1")))
    assert [mutant.change for mutant in found] == ["1 * 1 -> 1 / 1", "1 -> 2", "1 -> 0"]
    # `0 * 5` is 0, and so are most of its mutants.
    found = mutation.mutants(notebook(answer("a", "def f(x):\n    return 0 * 5")))
    assert [mutant.change for mutant in found] == ["0 * 5 -> 0 / 5", "0 -> 1", "0 -> -1"]


def test_mutants_have_ids_of_their_own_which_survive_edits_elsewhere():
    def ids(source):
        return [mutant.id for mutant in mutation.mutants(notebook(answer("a", source)))]

    before = ids("def f(x):\n    return x + x + (x + x)")
    after = ids("def f(x):\n    '''A docstring.'''\n\n    return x + x + (x + x)")
    assert before == after and len(set(before)) == len(before) == 3


def test_a_strong_test_rejects_what_a_weak_one_lets_through(warm):
    strong = notebook(SETUP, SCALE, STRONG)
    verdicts = mutation.judge(strong, Bench(strong, warm, limits=LIMITS))
    assert {verdict.status for verdict in verdicts} == {"rejected"} and len(verdicts) > 3
    assert mutation.complaints(verdicts, {}) == []
    weak = notebook(SETUP, SCALE, graded("test_scale", 5, "assert scale(1) > 0"))
    verdicts = mutation.judge(weak, Bench(weak, warm, limits=LIMITS))
    survived = [verdict.mutant for verdict in verdicts if verdict.status == "survived"]
    assert {"2 * x - 1 -> 2 * x + 1", "2 * x -> 2 / x"} <= {mutant.change for mutant in survived}
    found = mutation.complaints(verdicts, {})
    assert "strengthen the tests" in found[0] and len(found) == 1 + len(survived)


def test_a_mutant_that_never_ends_is_rejected_as_a_timeout(warm):
    loop = answer("a", "def f():\n    n = 3\n    while n > 0:\n        n -= 1\n    return n")
    cells = notebook(loop, graded("t", 1, "assert f() == 0"))
    verdicts = {
        verdict.mutant.change: verdict.status for verdict in mutation.judge(cells, Bench(cells, warm, limits=LIMITS))
    }
    assert verdicts["n -= 1 -> n += 1"] == "timeout"


def test_mutants_that_need_a_slow_cell_are_sampled(warm, monkeypatch):
    cells = notebook(
        SETUP,
        SCALE,
        locked("wait", "total = sum(scale(np.ones(1))[0] for _ in range(200_000))", ("candidate",)),
        graded("t", 1, "assert total == 200_000"),
    )
    monkeypatch.setattr(mutation, "SLOW_SECONDS", 0.05)
    bench = Bench(cells, warm, limits=LIMITS)
    first, second = (mutation.judge(cells, bench, num_slow=2) for _ in range(2))
    tried = [verdict.mutant.id for verdict in first if verdict.tried]
    assert len(tried) == 2 and tried == [verdict.mutant.id for verdict in second if verdict.tried]
    assert {verdict.status for verdict in first} == {"rejected", "not tried"}


def test_reasons_are_read_and_broken_files_refused(tmp_path):
    assert mutation.reasons(tmp_path) == {}
    path = tmp_path / mutation.SURVIVORS
    path.write_text('[survivors]\n"a.constant.123456" = "any positive number does"\n')
    assert mutation.reasons(tmp_path) == {"a.constant.123456": "any positive number does"}
    for content, says in (("[survivors", "not TOML"), ('[survivors]\n"a" = " "\n', "no reason for a")):
        path.write_text(content)
        with pytest.raises(mutation.MutationError, match=says):
            mutation.reasons(tmp_path)


def test_complaints_name_survivors_and_stale_reasons():
    def verdict(number, status):
        return mutation.Verdict(mutation.Mutant("a", "constant", 1, f"{number} -> 0", 0, ""), status)

    verdicts = [verdict(number, "rejected") for number in range(10)] + [
        verdict(10, "survived"),
        verdict(11, "not tried"),
    ]
    known = {verdicts[10].mutant.id: "does not matter"}
    assert mutation.complaints(verdicts, known) == []
    assert "survived" in mutation.complaints(verdicts, {})[0]
    assert "does not" in mutation.complaints(verdicts, known | {verdicts[0].mutant.id: "once"})[0]
    assert mutation.complaints(verdicts, known | {verdicts[11].mutant.id: "not tried"}) == []
    assert "strengthen" in mutation.complaints(verdicts[8:11], known)[0]


WEAK_TESTS = {
    "None": "got = scale(np.ones(3))\nassert got is None or got.shape",
    "0": "assert scale(np.ones(3)) is not None and np.ndim(scale(np.ones(3))) == 0 and scale(1) == 0",
    "NaN": "assert not np.any(abs(np.asarray(scale(np.ones(3)), float) - 1) > 0.1)",
    "inf": "assert np.all(np.asarray(scale(np.ones(3)), float) > 0.5)",
    "[]": "assert all(value == 1 for value in scale(np.ones(3)))",
    "empty array": "assert np.allclose(scale(np.ones(3)), 1)",
    "zeros of the right shape": "assert scale(np.ones(3)).shape == (3,)",
    "NaN of the right shape": "assert scale(np.ones(3)).shape == (3,)",
    "own input": "assert scale(np.ones(3)).tolist() == [1, 1, 1]",
    "equals everything": "assert scale(np.ones(3)) == 1",
}


@pytest.mark.parametrize("kind", junk.KINDS)
def test_junk_of_each_kind_earns_points_in_a_weak_test_and_none_in_a_strong_one(warm, kind):
    weak = notebook(SETUP, SCALE, graded("t", 5, WEAK_TESTS[kind]))
    earned = junk.check(weak, Bench(weak, warm, limits=LIMITS), [kind])
    assert earned == [junk.Earned("scale", kind, "t", 5.0)]
    tested = "x = np.array([1.0, 2.0])\nassert type(scale(x)) is np.ndarray and scale(x).tolist() == [1, 3]"
    strong = notebook(SETUP, SCALE, graded("t", 5, tested))
    assert junk.check(strong, Bench(strong, warm, limits=LIMITS), [kind]) == []


def test_junk_replaces_each_part_of_a_tuple_and_each_method_of_a_class(warm):
    cells = notebook(
        locked("setup", "import keras\nimport numpy as np"),
        answer("pair", "def pair(x):\n    return x, {'sum': x.sum()}"),
        graded("t", 1, "a, b = pair(np.ones(2))\nassert a is None or a.shape == (2,) and b['sum'] == 0"),
        answer("layer", "class Twice(keras.layers.Layer):\n    def call(self, x):\n        return 2 * x"),
        graded("u", 1, "got = np.asarray(Twice()(np.ones((1, 2))))\nassert got.shape == (1, 2) and not got.any()"),
    )
    earned = junk.check(cells, Bench(cells, warm, limits=LIMITS), ["zeros of the right shape", "None"])
    assert {(each.answer, each.kind) for each in earned} == {
        ("pair", "zeros of the right shape"),
        ("pair", "None"),
        ("layer", "zeros of the right shape"),
    }


def test_junk_leaves_helpers_that_no_other_cell_uses():
    two = answer("a", "def helper():\n    return 1\ndef f():\n    return helper()")
    assert junk.interface(code_cells(notebook(two, graded("t", 1, "assert f()"))), "a") == ["f"]


def test_junk_methods_that_return_nothing_do_nothing(warm):
    counter = (
        "class Counter:\n    n = 0\n    def up(self):\n        self.n += 1\n    def get(self):\n        return self.n"
    )
    cells = notebook(answer("a", counter), graded("t", 1, "c = Counter()\nc.up()\nassert c.n == 1"))
    assert junk.check(cells, Bench(cells, warm, limits=LIMITS), ["zeros of the right shape"]) == []


def test_junk_answers_that_share_a_test_are_tried_apart(warm):
    cells = notebook(
        answer("a", "def f():\n    return 1"),
        answer("b", "def g():\n    return 2"),
        graded("t", 2, "int(f() == 1) + int(g() == 2)"),
    )
    cells.cells[2].source = "int(f() == 1) + int(g() == 2)"
    earned = junk.check(cells, Bench(cells, warm, limits=LIMITS), ["0"])
    assert earned == [junk.Earned("a", "0", "t", 1.0), junk.Earned("b", "0", "t", 1.0)]


@pytest.mark.full
@pytest.mark.parametrize("name", [path.parent.name for path in notebooks.assignments(ROOT)])
def test_the_tests_of_an_assignment_reject_mutants(warm, name):
    folder = ROOT / "solutions" / name
    content = notebooks.read(folder / f"{name}.ipynb")
    bench = Bench(content, warm, files=folder, limits=mutation.LIMITS)
    assert mutation.complaints(mutation.judge(content, bench), mutation.reasons(folder)) == []
