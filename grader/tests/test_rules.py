"""The rules of an assignment's notebook: each has an example that breaks it, and one that only looks so."""

import pytest
from coursegrader.authoring import rules
from small_notebooks import answer, assignment, graded, locked, notebook

STUDENT = answer("a", "def fit(x):\n    return x\n\n\nclass Layer:\n    pass")
FACTORY = locked("f", "def make_layer():\n    return Layer()", ("candidate",))


def broken(*cells):
    """The rules that these cells break, besides those that concern a whole assignment."""
    found = rules.check(notebook(*cells))
    return [(finding.cell, finding.line, finding.rule) for finding in found if finding.cell != "notebook"]


def in_test(code: str) -> list[tuple[int, str]]:
    """Lines (counted from the public part) and rules that a test cell with this code breaks."""
    return [(line - 1, rule) for cell, line, rule in broken(STUDENT, FACTORY, graded("t", 1, code)) if cell == "t"]


def test_a_sound_assignment_breaks_none():
    assert rules.check(assignment()) == []


def whole(change) -> set[str]:
    """The rules that an assignment breaks after a change."""
    changed = assignment()
    change(changed)
    return {finding.rule for finding in rules.check(changed)}


def points(grade_id, value):
    def change(changed):
        next(cell for cell in changed.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id).metadata[
            "nbgrader"
        ]["points"] = value

    return change


def drop(num_tests):
    def change(changed):
        changed.cells = changed.cells[: 1 + 3 * num_tests] + changed.cells[-2:]

    return change


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (points("test_task_0", 12), "points"),
        (points("bonus_test", 11), "points"),
        (points("bonus_test", 0), "metadata"),
        (points("test_task_0", "many"), "metadata"),
        (drop(6), "tests"),
        (lambda changed: changed.cells.pop(-2), "manual"),
        (lambda changed: changed.metadata.kernelspec.update(name="python3"), "kernel"),
        (lambda changed: changed.update(nbformat_minor=4), "cell-ids"),
        (lambda changed: changed.cells[1].update(id=changed.cells[0].id), "cell-ids"),
        (lambda changed: changed.cells.insert(3, answer("task_0", "x = 1")), "unique-ids"),
        (lambda changed: changed.cells[2].metadata.nbgrader.update(schema_version=2), "metadata"),
        (lambda changed: changed.cells[2].metadata.nbgrader.pop("grade_id"), "metadata"),
        (lambda changed: changed.cells[2].metadata.nbgrader.update(cell_type="markdown"), "metadata"),
    ],
)
def test_what_concerns_the_whole(change, rule):
    assert rule in whole(change)


def test_a_finding_names_the_cell_the_line_and_the_remedy():
    (finding,) = [found for found in rules.check(notebook(graded("t", 1, "x == 1"))) if found.cell == "t"]
    assert str(finding) == "t, line 2: this comparison decides nothing; write assert before it [no-effect]"


@pytest.mark.parametrize(
    ("source", "line", "rule"),
    [
        ("assert fit(1)", 1, "docstring"),
        ('"""Two\nlines."""', 1, "docstring"),
        ('"""Public only."""\nassert fit(1)', 0, "hidden-tests"),
        ('"""Empty."""\n### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS', 2, "hidden-tests"),
        ('"""Open."""\n### BEGIN HIDDEN TESTS\npass', 2, "region"),
        ('"""Nested."""\n### BEGIN HIDDEN TESTS\n### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS', 3, "region"),
        ('"""A solution."""\n### BEGIN SOLUTION\n### END SOLUTION', 2, "solution-region"),
        ('"""Not Python."""\nx = (', 2, "region"),
        ('"""A magic."""\n%time fit(1)', 2, "region"),
    ],
)
def test_the_form_of_a_test_cell(source, line, rule):
    cell = graded("t", 1, "pass")
    cell.source = source
    assert ("t", line, rule) in broken(STUDENT, cell)


def test_regions_stand_where_they_belong():
    plain, hidden = answer("a", "x = 1"), locked("l", "### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS")
    plain.source = "x = 1"
    assert broken(plain) == [("a", 0, "solution-region")]
    assert broken(hidden) == [("l", 1, "hidden-tests")]
    assert broken(answer("a", "x = 1")) == []


@pytest.mark.parametrize(
    ("code", "line", "rule"),
    [
        ("import tensorflow as tf\nwith tf.GradientTape() as tape:\n    pass", 2, "tape"),
        ("assert isinstance(fit(1), int)", 1, "isinstance"),
        ("got = fit(1)\nassert isinstance(got[0], int)", 2, "isinstance"),
        ("layer = make_layer()\nassert issubclass(Layer, object)", 2, "isinstance"),
        ("out = fit(1)\nassert type(out) is int", 2, "isinstance"),
        ("import keras\nfit(keras.layers.Dense(3))", 2, "keras-argument"),
        ("import keras\nfit(x=keras.Sequential([]))", 2, "keras-argument"),
        ("from keras import layers\nmodel = layers.Dense(3)\nfit(model)", 3, "keras-argument"),
        ("from keras.optimizers import SGD as sgd\nfit([1, sgd()])", 2, "keras-argument"),
        ("layer = Layer()\nassert layer == 1", 2, "comparison"),
        ("layer = Layer()\nassert layer in [1]", 2, "comparison"),
        ("layer = Layer()\nassert layer", 2, "comparison"),
        ("assert not fit", 1, "comparison"),
        ("x = 1 if Layer() else 2", 1, "comparison"),
        ("x = fit and 1", 1, "comparison"),
        ("fit(1) == 1", 1, "no-effect"),
        ("def fit(x):\n    return x", 1, "shadows"),
        ("fit = 1", 1, "shadows"),
        ("for fit in [1]:\n    pass", 1, "shadows"),
    ],
)
def test_what_a_test_cell_must_not_do(code, line, rule):
    assert (line, rule) in in_test(code)


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\nassert isinstance(np.ones(2), np.ndarray)",
        "out = fit(1)\nassert out == 1 and not out > 2",
        "layer = Layer()\nassert layer.units == 3\nassert len(layer.weights)",
        "import keras\nfit(keras.ops.ones(3))\nfit(keras.random.normal((2,)))\nkeras.layers.Dense(3)",
        "import keras\nwant = keras.layers.Dense(3)(keras.ops.ones((1, 3)))\nassert want.shape == (1, 3)",
        "layer = make_layer()\nlayer.x = 1",
        "squares = [fit for fit in range(3)]",
        "1 if fit(1) > 0.5 else 0",
    ],
)
def test_what_a_test_cell_may_do(code):
    assert in_test(code) == []


def test_a_locked_cell_that_uses_a_students_name_is_tagged():
    use = "model = fit(1)"
    assert broken(STUDENT, locked("l", use)) == [("l", 1, "candidate-tag")]
    assert broken(STUDENT, locked("l", use, ("candidate",))) == []
    # What a candidate cell defines is the candidate's too.
    tagged = locked("l", use, ("candidate",))
    assert broken(STUDENT, tagged, locked("m", "x = 1\ny = model + x")) == [("m", 2, "candidate-tag")]
    # A name that a locked cell imports is not the student's, even where the student imports it as well.
    imports = locked("i", "import numpy as np")
    assert broken(imports, answer("a", "import numpy as np\nx = 1"), locked("l", "y = np.ones(1)")) == []
