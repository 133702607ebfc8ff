"""Forbidden shortcuts: what a task names, what an answer mentions, and what it comes to.

NumPy and the standard library serve as the libraries here, so that nothing has to be imported that takes long.
"""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from coursegrader import notebooks
from coursegrader.authoring import answers, rules
from coursegrader.exam import forbidden, shortcuts
from coursegrader.exam.agent import Agent
from coursegrader.exam.forbidden import Kind
from coursegrader.exam.mentions import Cell, Mentions
from coursegrader.exam.verdict import Outcome
from coursegrader.notebooks import Role, grade_id, role
from coursegrader.sandbox import available
from coursegrader.submission.grade import Result, grade_submission
from coursegrader.submission.hall import Hall, open_hall
from coursegrader.submission.run import Ended
from coursegrader.submission.scores import Status
from coursegrader.submission.spec import ShortcutPolicy, Spec
from small_notebooks import answer, graded, locked, notebook, text

SETUP = locked("setup", "import numpy as np\nimport xml.dom")
TEXT = text("## Smooth\n\n**Not allowed:** `np.convolve`,\n`np.linalg`, `xml.dom.*Type` and `model.fit`.\n\nAnd so on.")
SOLUTION = answer("smooth", "def smooth(x, model, k=3):\n    return x")
TEST = graded("test_smooth", 1, "smooth")
OTHER = answer("other", "def other(x):\n    return np.linalg.norm(x)")


def task(*cells):
    (found,) = shortcuts.tasks(notebook(*(cells or (SETUP, TEXT, SOLUTION, TEST, text("## Next"), OTHER))))
    return found


def found(source: str, *before: str, setup: str = SETUP.source, files=()) -> shortcuts.Found:
    """What is found in an answer; `before` are cells of the student's own above it."""
    own = [Cell(f"own {number}", one, True) for number, one in enumerate(before)]
    cells = [Cell("setup", setup, False), *own, Cell("smooth", source, True), Cell("other", OTHER.source, True)]
    mentioned = shortcuts.read(task(), cells, files)
    verdicts = forbidden.judge(task().names, shortcuts.paths(task(), mentioned))
    return shortcuts.weigh(task(), mentioned, verdicts)


def function(*lines: str, head: str = "def smooth(x, model, k=3):") -> str:
    return "\n    ".join([head, *lines])


def test_a_task_says_what_it_does_not_allow():
    found = task()
    assert [one.name for one in found.named] == ["np.convolve", "np.linalg", "xml.dom.*Type", "model.fit"]
    assert [one.line for one in found.named] == [3, 4, 4, 4]
    assert (found.answers, found.tests) == (("smooth",), ("test_smooth",))
    assert found.methods == ("model.fit",)
    # A subheading does not end a task, the next task does.
    part = text("### Part two")
    assert task(TEXT, SOLUTION, part, OTHER, TEST, text("## Next")).answers == ("smooth", "other")
    assert shortcuts.tasks(notebook(text("## A\n\nNot allowed is `np.convolve`."), SOLUTION, TEST)) == []


def test_names_become_the_objects_behind_them():
    assert [one.value for one in forbidden.targets("np.convolve")] == [np.convolve]
    assert {one.path for one in forbidden.targets("np.linalg.*inv")} == {
        "np.linalg.inv",
        "np.linalg.pinv",
        "np.linalg.tensorinv",
    }
    for name in ("np.convolv", "nmpy.convolve", "np.convolve(x)", "np.*.inv", "np.nothing*"):
        with pytest.raises(LookupError):
            forbidden.targets(name)
    verdicts = forbidden.judge(["np.linalg", "np.convolve"], ["numpy.linalg._linalg.inv", "numpy.sum", "numpy.nothing"])
    assert [one.kind for one in verdicts.values()] == [Kind.FORBIDDEN, Kind.OTHER, Kind.UNKNOWN]


@pytest.mark.parametrize(
    "source",
    [
        function("return np.convolve(x, x)"),
        function("import numpy", "return numpy.convolve(x, x)"),
        function("import numpy as n", "return n.convolve(x, x)"),
        function("from numpy import convolve", "return convolve(x, x)"),
        "from numpy import convolve as c\n" + function("return c(x, x)"),
        "from numpy import *\n" + function("return convolve(x, x)"),
        function("lib = np", "again = lib", "return again.convolve(x, x)"),
        function("lib, y = np, x", "return lib.convolve(y, y)"),
        function("if (lib := np):", "    return lib.convolve(x, x)"),
        function("return getattr(np, 'convolve')(x, x)"),
        function("f = getattr(np, 'convolve')", "return f(x, x)"),
        function("return np.linalg.norm(x)"),
        function("from numpy.linalg import norm", "return norm(x)"),
        function("algebra = np.linalg", "return algebra.norm(x)"),
        function("return np.linalg._linalg.inv(x)"),
        function("return list(map(np.convolve, x, x))"),
        function("def inner():", "    return np.convolve(x, x)", "return inner()"),
        function("return [np.convolve(row, row) for row in x]"),
        function("return (lambda y: np.convolve(y, y))(x)"),
        function("return x", head="def smooth(x, model, k=np.convolve):"),
        "@np.linalg.norm\n" + function("return x"),
        "class smooth(xml.dom.NodeType):\n    pass",
        "class smooth:\n    lib = np\n\n    def __call__(self, x):\n        return self.lib.convolve(x, x)",
        "class smooth:\n    def __init__(self):\n        self.f = np.convolve\n\n    def go(self):\n        self.f(1)",
        function("return helper(x)") + "\n\n\ndef helper(y):\n    return np.convolve(y, y)",
        function("return tool(x, x)") + "\n\n\ntool = np.convolve",
        function("return model.fit(x)"),
        function("m = model", "return m.fit(x)"),
        function("return mine.fit(x)", head="def smooth(x, mine, k=3):"),
        "%%time\n" + function("return np.convolve(x, x)"),
    ],
)
def test_a_use_is_found_however_it_is_written(source):
    source = source.replace("xml.dom.NodeType", "np.linalg.LinAlgError")
    one = found(source)
    assert len(one.certain) >= 1, one
    assert "which this task does not allow" in one.certain[0] and "of smooth" in one.certain[0]


def test_tensorflow_1_and_private_parts_of_the_libraries():
    names = ["tf.nn.*conv*", "tf.gradients", "keras.ops.conv_transpose", "keras.losses"]
    kinds = {
        "tensorflow.compat.v1.nn.conv2d_transpose": Kind.FORBIDDEN,
        "tensorflow.compat.v1.nn.conv2d_backprop_filter": Kind.FORBIDDEN,
        "tensorflow.compat.v1.gradients": Kind.FORBIDDEN,
        "keras.metrics.binary_crossentropy": Kind.FORBIDDEN,
        "keras.src.ops.nn.conv_transpose": Kind.FORBIDDEN,
        "keras.src.backend.nn.conv_transpose": Kind.PRIVATE,
        "keras.src.backend": Kind.PRIVATE,
        "tensorflow.python.ops.nn_ops.relu": Kind.PRIVATE,
        "tensorflow.compat.v1.nn.relu": Kind.OTHER,
        "keras.ops.relu": Kind.OTHER,
    }
    assert {path: one.kind for path, one in forbidden.judge(names, kinds).items()} == kinds
    # Where nothing of these libraries is forbidden, nothing in them is looked at.
    assert forbidden.judge(["np.convolve"], ["keras.src.backend.nn"])["keras.src.backend.nn"].kind is Kind.OTHER


def test_a_finding_names_line_cell_function_and_what():
    certain = found(function("y = x", "return np.convolve(y, y)")).certain
    assert certain == ("line 3 of smooth (in smooth) uses np.convolve, which this task does not allow",)
    helper = found(function("return helper(x)"), "a = 1\n\ndef helper(y):\n    return np.convolve(y, y)").certain
    assert helper == ("line 4 of own 0 (in helper) uses np.convolve, which this task does not allow",)
    # Under another name than the task's, both are said.
    [other] = found(function("return np._core.numeric.convolve(x, x)")).certain
    assert other.endswith("uses np.convolve (as numpy._core.numeric.convolve), which this task does not allow")
    # Another task's answer is a helper like any other.
    assert found(function("return other(x)")).certain[0].startswith("line 3 of other (in other) uses np.linalg.norm")


@pytest.mark.parametrize(
    "source",
    [
        function("return np.pad(x, 1)"),
        # Its own name, or somebody else's, that only looks like one of theirs.
        function("def convolve(a, b):", "    return a", "return convolve(x, x)"),
        "def convolve(a, b):\n    return a\n\n\n" + function("return convolve(x, x)"),
        "from numpy import *\n\n\ndef convolve(a, b):\n    return a\n\n\n" + function("return convolve(x, x)"),
        function("return x.convolve(x)"),
        function("np = x", "return np.convolve"),
        function("return np.convolve(x)", head="def smooth(x, np, k=3):"),
        # A check of one's own, beside the answer or in a function that the answer does not call.
        function("return x") + "\n\n\nassert np.allclose(smooth([1], None), np.convolve([1], [1]))",
        function("return x") + "\n\n\ndef check():\n    return np.convolve(smooth(1, None), np.ones(2))",
        function('"""Unlike np.convolve, as np.linalg does."""', "return 'np.convolve'"),
        # Asking what something is, and annotations.
        function("return isinstance(x, np.linalg.LinAlgError)"),
        function(
            "y: np.linalg.LinAlgError = x",
            "return y",
            head="def smooth(x: np.linalg, model: 'np.convolve', k=3) -> np.linalg:",
        ),
        function("return model(x)"),
        function("return [k for k in range(k)]"),
        "import random\n" + function("return random.Random(0).random()"),
    ],
)
def test_what_only_looks_like_a_use_is_none(source):
    assert found(source) == shortcuts.Found()


def test_an_older_version_that_was_replaced_is_no_use():
    old = function("return np.convolve(x, x)")
    assert found(function("return x"), old) == shortcuts.Found()
    # Where it may have stayed, because the answer stopped before its end, a person looks.
    cells = [
        Cell("setup", SETUP.source, False),
        Cell("own", old, True),
        Cell("smooth", function("return x"), True, False),
    ]
    mentioned = shortcuts.read(task(), cells)
    one = shortcuts.weigh(task(), mentioned, forbidden.judge(task().names, shortcuts.paths(task(), mentioned)))
    assert not one.certain and "np.convolve" in one.doubts[0]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (function("return eval('np.conv' + 'olve')(x, x)"), "eval"),
        (function("exec('a = 1')", "return x"), "exec"),
        (function("return __import__('numpy').convolve(x, x)"), "__import__"),
        (function("import importlib", "return importlib.import_module('numpy')"), "importlib"),
        (function("return getattr(np, 'conv' + 'olve')(x, x)"), "made at run time"),
        (function("return globals()['np']"), "globals"),
        (function("import sys", "return sys.modules['numpy']"), "sys.modules"),
        (function("return np.__dict__['convolve'](x, x)"), "numpy.__dict__"),
        (function("return use(np)") + "\n\n\ndef use(lib):\n    return lib.convolve", "hands on numpy"),
        (function("return [np][0].convolve(x, x)"), "hands on numpy"),
        (function("return hidden(x)"), "the name hidden, which no cell defines in plain sight"),
        (function("f = np.sum if k else np.convolve", "return f(x, x)"), "np.convolve"),
        (function("f = np.sum", "f = x", "return (np if k else f).convolve"), "np.convolve"),
        ("np.mine = np.convolve\n\n\n" + function("return np.mine(x, x)"), "an assignment into numpy"),
        ("kept = {}\nkept['f'] = np.convolve\n\n\n" + function("return kept['f'](x, x)"), "np.convolve"),
        ("for f in [np.convolve]:\n    pass\n\n\n" + function("return f(x, x)"), "np.convolve"),
        (function("import tools", "return tools.convolve(x, x)"), "the student's own file tools.py"),
        (function("return [model][0].fit(x)"), ".fit of something that is not followed"),
        (function("a = a if k else a", *["a = a if a else (a if k else a)"] * 20, "return a.b"), "too tangled"),
    ],
)
def test_what_cannot_be_told_is_a_doubt(source, words):
    one = found(source, files=("tools.py", "data.csv"))
    assert any(words in doubt for doubt in one.doubts), one


def test_a_cell_that_is_no_code_raises_no_doubt():
    assert found(function("return x"), "%%html\n<b>np.convolve</b>") == shortcuts.Found()
    assert "code that cannot be read" in found(function("return x"), "%%writefile tools.py\n(").doubts[0]


def test_what_is_said_stays_short():
    (doubt,) = found(function(f"return {'hidden' * 1000}(x)")).doubts
    assert len(doubt) <= 300


def test_reading_never_fails():
    for source in (
        "def smooth(:",
        "x = " + "(" * 500,
        "x = " + "-" * 5000 + "1",
        "\0",
        "return",
        "x" + ".a" * 3000,
        "é = 1",
    ):
        assert isinstance(shortcuts.read(task(), [Cell("smooth", source, True)]), Mentions), source


def test_what_a_use_costs():
    passed = Outcome("test_smooth", 4.0, 4.0, "graded")
    used = shortcuts.Found(certain=("line 1 of smooth uses np.convolve",), doubts=("look at this",))
    lost = shortcuts.charge(passed, used, ShortcutPolicy())
    assert (lost.points, lost.ended, lost.shortcuts) == (0, Ended.ERROR, used.certain)
    assert lost.end.reason == "line 1 of smooth uses np.convolve"
    half = shortcuts.charge(passed, used, ShortcutPolicy(cost=0.5))
    assert (half.points, half.ended, half.doubts) == (2, Ended.OK, ("look at this",))
    only = shortcuts.charge(passed, shortcuts.Found(doubts=("look at this",)), ShortcutPolicy())
    assert (only.points, only.shortcuts, only.doubts) == (4, (), ("look at this",))
    # Where nothing was earned there is nothing to doubt.
    failed = Outcome("test_smooth", 0.0, 4.0, "graded", "it raised", ended=Ended.ERROR)
    assert shortcuts.charge(failed, shortcuts.Found(doubts=("look at this",)), ShortcutPolicy()) == failed


def test_what_the_candidate_reports_is_text_at_most():
    reports = [
        ("np.convolve", 3, 2, "smooth"),
        ("np.convolve", -1, 1, "f"),
        ["x"],
        ("a", "b", 1, "c"),
        ("np", True, 1, ""),
    ]
    assert list(shortcuts.tripped(reports, {3: "smooth"})) == [
        "line 2 of smooth (in smooth) calls np.convolve, which this task does not allow",
        "line 1 of a file of your own (in f) calls np.convolve, which this task does not allow",
    ]
    assert list(shortcuts.tripped("nonsense", {})) == []


def test_a_release_names_only_what_exists():
    def findings(words, solution="return x"):
        cells = [SETUP, text(f"## Smooth\n\n**Not allowed:** {words}"), answer("smooth", function(solution)), TEST]
        return [one.advice for one in rules.check(notebook(*cells)) if one.rule == "not-allowed"]

    assert findings("`np.convolve`, `np.linalg.*inv`, `model.fit`") == []
    (advice,) = findings("`np.convolv`")
    assert advice == "`np.convolv` is nothing that could be used (numpy has no 'convolv'); correct the name"
    (advice,) = findings("`nets.fit`")
    assert "nets" in advice
    (advice,) = findings("`np.convolve`", "return np.convolve(x, x)")
    assert "uses np.convolve" in advice and "a student could not write this solution" in advice
    lonely = rules.check(notebook(SETUP, SOLUTION, TEST, TEXT))
    assert any("put the text above them" in one.advice for one in lonely)
    assert nbformat.validate(notebook(SETUP, TEXT)) is None


# In the exam: tripwires beside the syntax tree

HONEST = "def smooth(x):\n    return [a + b for a, b in zip(x[1:], x[:-1])]"
FACTORY = """def smooth_of_range(n):
    return smooth(list(np.convolve(range(n), [1])))


def ready_made(x):
    return list(np.convolve(x, [1, 1], "valid"))
"""
EXAM = (
    SETUP,
    locked("factory", FACTORY, ("candidate",)),
    text("## Smooth\n\n**Not allowed:** `np.convolve`, `np.linalg`."),
    answer("smooth", HONEST),
    graded("test_smooth", 4, "assert list(smooth([1, 2, 4])) == [3, 6]", "assert list(smooth_of_range(3)) == [1, 3]"),
    text("## Another task, which may"),
    answer("free", "def free(x):\n    return list(np.convolve(x, [1, 1], 'valid'))"),
    graded("test_free", 2, "assert list(free([1, 2, 4])) == [3, 6]"),
)


def examined(hall: Hall, source: str, *before: str, policy: ShortcutPolicy | None = None) -> Result:
    """The result of a submission with this answer to the first task; `before` are cells of the student's own."""
    instructors = notebook(*EXAM)
    spec = Spec.of_notebook(nbformat.writes(instructors).encode(), "tiny")
    spec = replace(spec, shortcuts=policy or ShortcutPolicy())
    submitted = spec.reference_notebook()
    for cell in submitted.cells:
        if grade_id(cell) in ("smooth", "free"):
            cell.source = source if grade_id(cell) == "smooth" else EXAM[6].source
    at = [grade_id(cell) for cell in submitted.cells].index("smooth")
    submitted.cells[at:at] = [nbformat.v4.new_code_cell(one) for one in before]
    return grade_submission(nbformat.writes(submitted).encode(), spec, {}, hall)


def row(result: Result, cell: str = "test_smooth"):
    return next(one for one in result.scores if one.cell == cell)


def smooth(*lines: str) -> str:
    return function(*lines, head="def smooth(x):")


def test_an_honest_answer_is_not_accused(hall):
    result = examined(hall, HONEST)
    assert [(one.points, one.status) for one in result.scores] == [(4, Status.GRADED), (2, Status.GRADED)]
    assert result.flags == () and result.total.points == 6


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (smooth("return np.convolve(x, [1, 1], 'valid')"), "line 2 of smooth (in smooth) uses np.convolve"),
        # The tree shows nothing; the tripwire does, and the fallback does not help.
        (
            smooth("try:", "    return getattr(np, 'conv' + 'olve')(x, [1, 1], 'valid')", "except Exception:")
            + "\n        return [a + b for a, b in zip(x[1:], x[:-1])]",
            "line 3 of smooth (in smooth) calls np.convolve",
        ),
    ],
)
def test_a_use_costs_the_task_and_asks_for_a_look(hall, source, words):
    result = examined(hall, source)
    assert (row(result).points, row(result).status) == (0, Status.FLAGGED)
    assert words in row(result).reason and "which this task does not allow" in row(result).reason
    assert result.total.status is Status.FLAGGED and result.needs_a_look
    # The next task, in which it is allowed, keeps its points.
    assert (row(result, "test_free").points, row(result, "test_free").status) == (2, Status.GRADED)


def test_the_configuration_says_what_a_use_costs(hall):
    result = examined(
        hall, smooth("return np.convolve(x, [1, 1], 'valid')"), policy=ShortcutPolicy(0.5, tripwires=False)
    )
    assert (row(result).points, row(result).status) == (2, Status.FLAGGED)


@pytest.mark.parametrize(
    "source",
    [
        # The course's own function may, whoever calls it; and so may a library.
        smooth("return ready_made(x)"),
        smooth("return np.polynomial.polynomial.polymul(x, [1, 1])[1:-1]"),
    ],
)
def test_only_the_students_own_call_trips(hall, source):
    result = examined(hall, source)
    assert (row(result).points, row(result).status, result.flags) == (4, Status.GRADED, ())


def test_tripwires_do_not_stand_in_a_call_of_a_factory(hall):
    """The answer is honest for the test's own call, and hides what it uses where a factory calls it."""
    result = examined(
        hall,
        smooth("if x[0]:", "    return [a + b for a, b in zip(x[1:], x[:-1])]", "f = getattr(np, 'con' + 'volve')")
        + "\n    return f(x, [1, 1], 'valid')",
    )
    assert (row(result).points, row(result).status) == (4, Status.GRADED)
    assert result.flags and all("calls" not in flag for flag in result.flags)


def test_what_cannot_be_seen_costs_nothing_and_asks_for_a_look(hall):
    result = examined(
        hall, smooth("return eval('np.con' + 'volve')(x, [1, 1], 'valid')"), policy=ShortcutPolicy(tripwires=False)
    )
    assert (row(result).points, row(result).status) == (4, Status.GRADED)
    assert result.flags == ("line 2 of smooth (in smooth) uses eval",)
    assert result.total.status is Status.FLAGGED


def test_a_reference_saved_before_is_seen_in_the_tree(hall):
    kept = "kept = {'f': np.convolve}"
    result = examined(hall, smooth("return kept['f'](x, [1, 1], 'valid')"), kept)
    assert row(result).points == 0 and "line 1 of a cell of your own" in row(result).reason


def test_tripwires_end_with_their_test_even_when_nobody_asks_for_them():
    agent = Agent(SimpleNamespace(kernel=None, user_ns={}))
    agent.do_forbid(["np.convolve"], [])
    assert agent.tripwires is not None
    agent.do_seed(3)
    assert agent.tripwires is None


def test_tampering_with_tripwires_harms_and_helps_nobody(hall):
    """The student's code takes them away, accuses its own task, and answers with the forbidden function."""
    tamper = """import sys
agent = sys.modules["coursegrader.exam.agent"]
agent.Agent.do_forbid = lambda self, names, locked: None
agent.Agent.do_tripped = lambda self: [("np.sum", 1, 1, "x" * 10**6), ("nothing",), 7]"""
    result = examined(hall, smooth("return np.convolve(x, [1, 1], 'valid')"), tamper)
    assert row(result).points == 0 and len(row(result).reason) < 2000
    assert (row(result, "test_free").points, row(result, "test_free").status) == (2, Status.GRADED)
    assert examined(hall, HONEST).total.points == 6


# The course's own assignments: nobody is accused

ROOT = Path(__file__).parents[2]
ASSIGNMENTS = [path.parent for path in notebooks.assignments(ROOT)]


def variants(folder: Path, *kinds: str) -> dict[str, dict[str, str]]:
    """The answers of the solution (none) and of each variant, by name."""
    found = [one for kind in kinds for one in answers.variants(folder / kind)]
    return {"solution": {}} | {one.name: one.answers for one in found}


def cells_before(notebook, task: shortcuts.Task, replaced: dict[str, str]) -> list[Cell]:
    cells = []
    for cell in notebook.cells:
        if grade_id(cell) == task.tests[-1]:
            return cells
        if cell.cell_type == "code" and role(cell) is not Role.TEST:
            source = replaced.get(grade_id(cell), cell.source)
            cells.append(Cell(grade_id(cell) or "own", source, role(cell) is Role.ANSWER))
    raise AssertionError(task.tests)


@pytest.mark.parametrize("folder", ASSIGNMENTS, ids=lambda folder: folder.name)
def test_no_solution_alternative_or_mistake_is_accused_by_the_tree(folder):
    notebook = notebooks.read(folder / f"{folder.name}.ipynb")
    tasks = shortcuts.tasks(notebook)
    assert tasks, "no task says what it does not allow"
    read = {
        (name, number): shortcuts.read(task, cells_before(notebook, task, replaced))
        for name, replaced in variants(folder, answers.MISTAKES, answers.ALTERNATIVES).items()
        for number, task in enumerate(tasks)
    }
    paths = [
        set().union(*(shortcuts.paths(task, one) for (_, at), one in read.items() if at == number))
        for number, task in enumerate(tasks)
    ]
    # Beside the honest ones, a use that must be found: otherwise nothing was looked up.
    probe = next(name for name in tasks[0].names if name.startswith("keras.") and "*" not in name)
    paths[0].add(f"tensorflow.{probe}")
    looked_up = rules.look_up(tuple((task.names, tuple(sorted(one))) for task, one in zip(tasks, paths, strict=True)))
    assert looked_up[0][1][f"tensorflow.{probe}"].kind is Kind.FORBIDDEN
    accused = {
        name: found
        for (name, number), one in read.items()
        if (found := shortcuts.weigh(tasks[number], one, looked_up[number][1])) != shortcuts.Found()
    }
    assert accused == {}


@pytest.mark.full
def test_neither_solution_nor_alternatives_trip_a_wire():
    """The tasks of ps1_cnn from scratch, in the exam, with TensorFlow; one answer that cheats must trip."""
    folder = ROOT / "solutions" / "ps1_cnn"
    notebook = notebooks.read(folder / "ps1_cnn.ipynb")
    last = [grade_id(cell) for cell in notebook.cells].index("test_loss_and_error")
    notebook.cells = notebook.cells[: last + 1]
    spec = Spec.of_notebook(nbformat.writes(notebook).encode(), "ps1_cnn")
    cheat = "def conv_forward(x, w, b, stride, pad):\n    conv = getattr(keras.ops, ''.join('conv'))\n"
    cheat += (
        "    return conv(np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0))).astype(float), w, stride, 'valid') + b"
    )
    names = ("solution", "conv_keras_ops", "conv_im2col", "batch_norm_keras_ops", "loss_float32", "pooling_vectorized")
    of = variants(folder, answers.ALTERNATIVES)
    kinds = {name: of[name] for name in names} | {"cheat": {"convolution_forward": cheat}}
    with open_hall(unsafe=not any(one.ok for one in available())) as opened:
        for name, replaced in kinds.items():
            submitted = answers.replace(notebook, replaced)
            result = grade_submission(nbformat.writes(submitted).encode(), spec, {}, opened)
            accused = {one.cell: one.reason for one in result.scores if one.status is not Status.GRADED}
            if name == "cheat":
                assert "calls keras.ops.conv" in accused["test_convolution_forward"]
                assert row(result, "test_convolution_forward").points == 0 and len(accused) == 1
            else:
                assert (accused, result.flags, result.total.points) == ({}, (), 56), name
