"""Trials: points by the architecture's rule, trouble that stays a result, and pruned runs that equal whole ones."""

import time

import pytest
from coursegrader.authoring.dependencies import Record, affected, code_cells, imports_of, names_of, needed
from coursegrader.authoring.trial import Bench, Limits, TrialError, Warm
from small_notebooks import answer, graded, locked, notebook

# A reach from answer to answer, a fixture that a wrong answer may change in place, an object with state, a factory, an
# iterator that two cells share, and a local name (`x`) that every test cell has.
NOTEBOOK = notebook(
    locked("setup", "import numpy as np"),
    locked("data", "images = np.arange(12.0).reshape(3, 4)\nlabels = iter([1, 2, 3])"),
    answer("double", "def double(x):\n    return 2 * x"),
    graded("test_double", 3, "assert double(2) == 4", "x = np.ones(3)\nassert np.allclose(double(images), 2 * images)"),
    answer("train", "def train(x):\n    return double(x) + 1"),
    locked("fit", "model = train(images)", ("candidate",)),
    graded("test_train", 5, "assert model.shape == (3, 4)", "x = next(labels)\nfloat(model[0, 1])"),
    answer(
        "count", "class Counter:\n    def __init__(self):\n        self.n = 0\n    def up(self):\n        self.n += 1"
    ),
    locked("make", "counter = Counter()", ("candidate",)),
    graded("test_first", 1, "counter.up()\nassert counter.n == 1"),
    graded("test_second", 2, "counter.up()\nassert counter.n == 2", "x = next(labels)\nassert x == 2"),
    answer("mean", "def mean(x):\n    return x.mean()"),
    graded("test_mean", 4, "x = images\nassert mean(x) == 5.5"),
)

VARIANTS = {
    "wrong": {"double": "def double(x):\n    return 3 * x"},
    "wrong downstream": {"train": "def train(x):\n    return double(x)"},
    "changes its argument": {"double": "def double(x):\n    x *= 2\n    return x"},
    "changes a fixture through another name": {"mean": "def mean(x):\n    images[:] = 0\n    return 5.5"},
    "keeps no count": {"count": "class Counter:\n    n = 1\n    def up(self):\n        pass"},
    "counts twice at first": {
        "count": "class Counter:\n    n = 0\n    def up(self):\n        self.n += 1 if self.n else 2"
    },
    "uses up the iterator": {"train": "def train(x):\n    next(labels)\n    return double(x) + 1"},
    "defines another cell's name": {"train": "def train(x):\n    return double(x) + 1\ndef mean(x):\n    return 0"},
    "raises while it is defined": {"count": "raise ValueError('never')"},
    "right in another way": {"double": "def double(x):\n    return x + x"},
    "two answers": {"double": "def double(x):\n    return x", "mean": "def mean(x):\n    return 0"},
    "exits": {"double": "import os\ndef double(x):\n    os._exit(0)"},
}


@pytest.fixture(scope="module")
def warm():
    with Warm() as process:
        yield process


@pytest.fixture(scope="module")
def bench(warm):
    return Bench(NOTEBOOK, warm, limits=Limits(spare=2.0))


def test_the_solution_gets_full_marks_and_partial_credit_where_a_number_says_so(bench):
    assert bench.solution.points == {
        "test_double": 3,
        "test_train": 3,  # model[0, 1] is 3
        "test_first": 1,
        "test_second": 2,
        "test_mean": 4,
    }


@pytest.mark.parametrize("name", VARIANTS)
def test_a_pruned_run_gives_what_the_whole_run_gives(bench, name):
    pruned, whole = bench.run(VARIANTS[name]), bench.run(VARIANTS[name], whole=True)
    assert pruned.points == whole.points
    assert set(pruned.executed) <= set(whole.executed)


def test_only_what_the_answer_reaches_is_executed(bench):
    assert bench.run(VARIANTS["right in another way"]).executed[:4] == ("setup", "data", "double", "test_double")
    result = bench.run({"mean": "def mean(x):\n    return 0"})
    assert result.executed == ("setup", "data", "mean", "test_mean")
    assert result.rejected == {"test_train", "test_mean"} and not result.outcomes["test_train"].reached


def test_a_change_in_place_brings_in_the_cells_that_see_it(bench):
    assert "test_mean" not in bench.plan(VARIANTS["changes its argument"])
    result = bench.run(VARIANTS["changes its argument"])
    assert "test_mean" in result.executed and result.points["test_mean"] == 0


def test_only_the_tests_that_were_asked_for_are_run(bench):
    result = bench.run(VARIANTS["wrong"], ["test_double"])
    assert list(result.outcomes) == ["test_double"] and "test_train" not in result.executed


def test_an_answer_like_the_solution_runs_nothing(bench):
    assert bench.run({"double": NOTEBOOK.cells[2].source}).executed == ()


@pytest.mark.parametrize(
    ("last", "points"),
    [
        ("None", 10),
        ("4", 4),
        ("2.5", 2.5),
        ("np.float32(2.5)", 2.5),
        ("np.int64(3)", 3),
        ("11", 10),
        ("-1", 0),
        ("float('nan')", 0),
        ("True", 10),
        ("np.True_", 10),
        ("'4'", 10),
        ("np.array([1.0])", 10),
        ("x = 4", 10),
        ("1 / 0", 0),
    ],
)
def test_points_follow_from_how_the_cell_ended(warm, last, points):
    cells = notebook(locked("setup", "import numpy as np"), graded("test", 10, last))
    cells.cells[1].source = last
    assert Bench(cells, warm).solution.points == {"test": points}


def test_text_on_stderr_is_no_failure(warm):
    cells = notebook(graded("test", 2, "import sys\nprint('careful', file=sys.stderr)"))
    result = Bench(cells, warm).solution
    assert result.points == {"test": 2} and "careful" in result.output


TROUBLE = {
    "os._exit": ("import os\nos._exit(0)", "exited with 0"),
    "a signal": ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
    "waiting": ("import time\ntime.sleep(600)", "killed after 6 s"),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_the_death_of_a_trial_is_a_result(warm, name):
    code, reason = TROUBLE[name]
    cells = notebook(
        answer("a", "def f():\n    pass"),
        graded("before", 1, "pass"),
        graded("in", 1, "f()"),
        graded("after", 1, "pass"),
    )
    bench = Bench(cells, warm, limits=Limits(wall_spare=6.0, wall_factor=0.0))
    result = bench.run({"a": "def f():\n" + "\n".join(f"    {line}" for line in code.splitlines())})
    assert result.points == {"before": 1, "in": 0, "after": 0}
    assert reason in result.died and "did not run" in result.outcomes["after"].error


ERRORS = {
    "an endless loop": ("while True:\n    pass", "CellTimeout"),
    "an endless loop that swallows exceptions": (
        "while True:\n    try:\n        1 / 0\n    except Exception:\n        pass",
        "",
    ),
    "leaving": ("raise SystemExit", "SystemExit"),
    "an interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "no memory": ("import numpy as np\nnp.ones(2**34)", "MemoryError"),
    "too much output": ("while True:\n    print('yes' * 10000)", "OSError"),
    "an exception that cannot be shown": (
        "class E(Exception):\n    def __str__(self):\n        raise self\nraise E",
        "its message raised",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_cell_that_fails_leaves_the_others_their_points(warm, name):
    code, error = ERRORS[name]
    cells = notebook(answer("a", "def f():\n    pass"), graded("bad", 1, "f()"), graded("good", 1, "assert f"))
    bench = Bench(cells, warm, limits=Limits(spare=1.0))
    result = bench.run({"a": "def f():\n" + "\n".join(f"    {line}" for line in code.splitlines())})
    assert result.points == {"bad": 0, "good": 1}
    assert error in result.errors["bad"] and result.died is None


def test_output_is_bounded(warm):
    cells = notebook(graded("test", 1, "print('a' * 10**6)\nprint('end')"))
    assert len(Bench(cells, warm, limits=Limits(output_bytes=100)).solution.output) == 100


def test_what_a_trial_started_ends_with_it(warm, tmp_path):
    mark = tmp_path / "mark"
    code = f"import subprocess\nsubprocess.Popen(['sh', '-c', 'sleep 3; touch {mark}'])"
    assert Bench(notebook(graded("test", 1, code)), warm).solution.points == {"test": 1}
    time.sleep(4)
    assert not mark.exists()


def test_a_trial_works_on_a_copy_of_the_assignments_files(warm, tmp_path):
    (tmp_path / "mistakes").mkdir()
    (tmp_path / "words.txt").write_text("one")
    (tmp_path / "twin.py").write_text("secret")
    code = "import os\nassert sorted(os.listdir()) == ['words.txt']\nopen('words.txt', 'w').write('two')\nNone"
    assert Bench(notebook(graded("test", 1, code)), warm, files=tmp_path).solution.points == {"test": 1}
    assert (tmp_path / "words.txt").read_text() == "one"


def test_keras_trains_in_a_trial_and_each_trial_alike(warm):
    code = """
model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile("sgd", "mse")
history = model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)
float(history.history["loss"][0])"""
    cells = notebook(locked("setup", "import keras\nimport numpy as np"), graded("test", 100, code))
    cells.cells[1].source = code
    first, second = (Bench(cells, warm).solution for _ in range(2))
    assert 0 < first.points["test"] < 100 and first.points == second.points


def test_many_trials_come_back_in_order(bench):
    trials = [({"mean": f"def mean(x):\n    return {value}"}, ["test_mean"]) for value in (5.5, 1, 5.5, 2)]
    assert [result.points["test_mean"] for result in bench.run_many(trials)] == [4, 0, 4, 0]


def test_an_unknown_cell_is_named(bench):
    with pytest.raises(TrialError, match="no code cell triple"):
        bench.run({"triple": "pass"})


@pytest.mark.parametrize(
    ("source", "reads", "binds", "surely"),
    [
        ("x = a\ny = x", "a", "x y", "x y"),
        ("if a:\n    x = 1\nelse:\n    x = y = 2\nz = x", "a", "x y z", "x z"),
        ("for i in a:\n    x = i\nx", "a x", "i x", ""),
        ("def f(p, q=a):\n    return p + b + f", "a b", "f", "f"),
        ("def f():\n    global g\n    g = 1", "", "f g", "f"),
        ("class A(B):\n    def m(self):\n        return A, c", "B c", "A", "A"),
        ("class A(A):\n    pass", "A", "A", "A"),
        ("import a.b as c, d.e\nfrom f import g", "", "c d g", "c d g"),
        ("a[0] = 1", "a", "a", ""),
        ("a.b.c = d", "a d", "a", ""),
        ("a += 1", "a", "a", "a"),
        ("(b := a)", "a", "b", ""),
        ("x = [y for y in a]", "a", "x", "x"),
        ("with a as b:\n    c = b\nc", "a", "b c", "b c"),
        ("with raises(a):\n    c = 1\nc", "a c raises", "c", ""),
        ("try:\n    x = a\nexcept E as e:\n    y = 1\nx", "a E x", "x y e", ""),
        ("match a:\n    case [b, *c]:\n        d = b\nd", "a d", "b c d", ""),
        ("del a", "a", "a", ""),
        ("f(lambda t: t + u)", "f u", "", ""),
        ("not python (", "", "", ""),
    ],
)
def test_names_that_a_cell_reads_and_binds(source, reads, binds, surely):
    names = names_of(source)
    assert (names.reads, names.binds, names.surely) == tuple(frozenset(text.split()) for text in (reads, binds, surely))


def test_a_name_carries_what_its_value_calls_later():
    cells = code_cells(
        notebook(
            answer("helper", "def helper():\n    return 1"),
            answer("main", "def main():\n    return helper()"),
            locked("make", "made = main", ("candidate",)),
            graded("test_made", 1, "assert made() == 1"),
            answer("other", "def other():\n    return 1"),
            graded("test_other", 1, "assert other() == 1"),
        )
    )
    changed = {"helper": names_of("def helper():\n    return 2")}
    reached = affected(cells, changed, Record())
    assert reached == {"helper", "main", "make", "test_made"}
    assert needed(cells, changed, Record(), {"test_made"}, reached) == ["helper", "main", "make", "test_made"]


def test_an_import_of_what_is_imported_changes_nothing():
    cells = code_cells(
        notebook(
            locked("setup", "import os.path\nimport numpy as np\nfrom math import pi\nimport json, re\nre = None"),
            answer("a", "import json\ndef a():\n    return 1"),
            graded("test_a", 1, "assert a()"),
            graded("test_np", 1, "assert np.pi == pi"),
        )
    )
    imported = imports_of(cells)
    assert imported == {"os": "os.path", "np": "numpy", "pi": "math:pi"}
    same = names_of("import numpy as np\nfrom math import pi\ndef a():\n    return np.ones(1)", imported)
    assert same.binds == {"a"}
    assert affected(cells, {"a": same}, Record()) == {"a", "test_a"}
    for other in ("import math as np", "np = None", "from cmath import pi", "for np in []:\n    pass"):
        assert "test_np" in affected(cells, {"a": names_of(other, imported)}, Record()), other


def test_cells_that_change_settings_always_run():
    cells = code_cells(
        notebook(
            locked("imports", "import os"),
            locked("seeds", "keras.utils.set_random_seed(1)"),
            locked("later", "def f():\n    model.set_weights([])"),
            answer("a", "def a():\n    return 1"),
            graded("test", 1, "assert a()"),
        )
    )
    changed = {"a": names_of("a = 1")}
    assert needed(cells, changed, Record(), {"test"}, {"a", "test"}) == ["imports", "seeds", "a", "test"]
