"""For honest notebooks the exam and plain nbgrader give the same points, cell by cell: made-up assignments.

`../test_agreement.py` holds the course's own.
"""

import tempfile
from pathlib import Path

import pytest
from coursegrader.exam.session import run
from coursegrader.notebooks import grade_id
from coursegrader.submission.spec import Spec
from exam_harness import answer, earned, graded, locked, own, specification, submission
from nbclient import NotebookClient
from nbgrader.utils import determine_grade


def plain_points(notebook) -> dict[str, float]:
    """What nbgrader makes of the executed notebook, as `nbgrader autograde` runs it; its stderr rule left aside."""
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, allow_errors=True, timeout=300, resources={"metadata": {"path": folder}}).execute()
    found = {}
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade") and not marks.get("solution"):
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            found[grade_id(cell)] = determine_grade(cell)[0]
    return found


def exam_points(notebook, spec: Spec) -> tuple[dict[str, float], str]:
    """What the exam makes of it, and why."""
    with tempfile.TemporaryDirectory() as folder:
        result = run(notebook, spec, Path(folder))
    return earned(result), "\n".join(f"{one.grade_id}: {one.reason}\n{one.staff}" for one in result.outcomes)


CELLS = [
    locked(
        "setup",
        "import numpy as np\nfrom coursegrader.checks import check_array, check_items, check_number, call, require",
    ),
    locked(
        "data",
        "x_train = np.random.default_rng(0).normal(size=(40, 3))\ny_train = (x_train @ [1.0, -2.0, 0.5] > 0) * 1.0",
    ),
    answer(
        "softmax",
        "def softmax(x):\n    e = np.exp(x - x.max(-1, keepdims=True))\n    return e / e.sum(-1, keepdims=True)",
    ),
    graded(
        "test_softmax",
        '"""softmax gives probabilities."""\np = call(softmax, np.zeros((2, 4)))\n'
        "check_array(p, np.full((2, 4), 0.25), 'softmax')\n"
        "require(abs(p.sum() - 2) < 1e-6, 'rows sum to one')",
        4,
        hidden="big = np.array([[1000.0, 1000.0]])\n"
        "check_array(softmax(big), [[0.5, 0.5]], 'softmax of large numbers')\n"
        "assert softmax(np.zeros(3, np.float32)).dtype.kind == 'f'",
    ),
    answer(
        "layer",
        "class Dense:\n    def __init__(self, units, seed=0):\n"
        "        self.units, self.w, self.calls = units, None, 0\n"
        "    def build(self, n):\n        self.w = np.eye(n, self.units)\n"
        "    def __call__(self, x):\n        if self.w is None:\n            self.build(x.shape[-1])\n"
        "        self.calls += 1\n        return x @ self.w\n"
        "    def gradients(self):\n        return {'w': self.w * 0 + 1}",
    ),
    graded(
        "test_layer",
        "layer = Dense(2)\nout = layer(np.arange(6.0).reshape(2, 3))\n"
        "check_array(out, [[0.0, 1.0], [3.0, 4.0]], 'out')\n"
        "assert layer.calls == 1 and layer.units == 2 and layer.w.shape == (3, 2)",
        3,
        hidden="assert list(layer.gradients()) == ['w'] and np.all(layer.gradients()['w'] == 1)\n"
        "layer.w = 2 * layer.w\nassert layer(np.ones((1, 3))).tolist() == [[2, 2]]",
    ),
    answer(
        "train",
        "def train(x, y, epochs, rate, on_epoch=None):\n    w = np.zeros(x.shape[1])\n    losses = []\n"
        "    for epoch in range(epochs):\n        p = 1 / (1 + np.exp(-x @ w))\n"
        "        losses.append(float(-np.mean(y * np.log(p + 1e-9) + (1 - y) * np.log(1 - p + 1e-9))))\n"
        "        if on_epoch is not None and on_epoch(epoch, losses[-1]):\n            break\n"
        "        w -= rate * x.T @ (p - y) / len(x)\n    return w, losses",
    ),
    locked("factory", "def trained(epochs):\n    return train(x_train, y_train, epochs, 1.0)", "candidate"),
    graded(
        "test_train",
        "w, losses = check_items(train(x_train, y_train, 5, 1.0), ['w', 'losses'], 'train')\n"
        "assert len(losses) == 5 and losses[-1] < losses[0]",
        3,
        hidden="seen = []\ntrain(x_train, y_train, 9, 1.0, on_epoch=lambda e, l: seen.append((e, l)) or e == 2)\n"
        "assert [e for e, _ in seen] == [0, 1, 2]\nw, losses = trained(3)\nassert len(losses) == 3",
    ),
    answer("predict", "def predict(x):\n    return (x @ trained(50)[0] > 0).astype(int)"),
    graded(
        "test_experiment",
        "held_out = np.random.default_rng(73110249318562034551).normal(size=(50, 3))\nguess = predict(held_out)",
        6,
        hidden="accuracy = np.mean(np.asarray(guess) == (held_out @ [1.0, -2.0, 0.5] > 0))\n"
        "min(6, round(8 * float(accuracy), 2))",
    ),
    answer(
        "checked", "def checked(n):\n    if n < 0:\n        raise ValueError(f'{n} is negative')\n    return n ** 0.5"
    ),
    graded(
        "test_checked",
        "for n in (-1, -2):\n    try:\n        checked(n)\n    except ValueError as error:\n"
        "        assert str(n) in str(error)\n"
        "    else:\n        raise AssertionError('no error')\nprint(checked(4))\nassert checked(4) == 2",
        2,
    ),
    answer("settings", "rate, names = 0.5, ['a', 'b']\nconfig = {'depth': 3, 'shape': (2, 2)}"),
    graded(
        "test_settings",
        "assert 0 < rate < 1 and names[0] == 'a' and config['shape'] == (2, 2)\nassert len(names) == 2",
        1,
    ),
]
ANSWERS = {
    "solution": {},
    "blank": dict.fromkeys(
        ["softmax", "layer", "train", "predict", "checked", "settings"], "raise NotImplementedError()"
    ),
    "other but right": {
        "softmax": "def softmax(logits):\n    rows = np.atleast_2d(logits)\n    out = []\n    for row in rows:\n"
        "        e = np.exp(row - max(row))\n        out.append(e / sum(e))\n"
        "    return np.array(out).reshape(logits.shape)",
        "settings": "import collections\nrate = np.float32(0.25)\nnames = ('a', 'b')\n"
        "config = collections.OrderedDict(depth=3, shape=(2, 2))",
        "checked": "class TooSmall(ValueError):\n    pass\ndef checked(n):\n    if n < 0: raise TooSmall(n)\n"
        "    return np.sqrt(n)",
    },
    "wrong in places": {
        "softmax": "def softmax(x):\n    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)",
        "layer": "class Dense:\n    def __init__(self, units):\n        self.units = units\n"
        "    def __call__(self, x):\n        return x",
        "predict": "def predict(x):\n    return (x[:, 0] > 0).astype(int)",
        "checked": "def checked(n):\n    return n ** 0.5",
        "settings": "rate = 2.0\nnames = []\nconfig = None",
    },
    "raising and printing": {
        "softmax": "import sys\ndef softmax(x):\n    print(5.0)\n    print('warning', file=sys.stderr)\n"
        "    return x / 0",
        "train": "def train(*args, **kwargs):\n    return None",
        "predict": "def predict(x):\n    print(6.0)\n    return [1] * len(x)",
    },
}


@pytest.mark.parametrize("kind", list(ANSWERS))
def test_points_agree_with_plain_nbgrader(kind):
    spec = specification(CELLS)
    extra = {"test_softmax": [own("softmax_of_mine = [softmax(np.ones(3))]")]}
    notebook = submission(spec, ANSWERS[kind], extra)
    by_exam, why = exam_points(notebook, spec)
    by_nbgrader = plain_points(notebook)
    assert by_exam == by_nbgrader, why
    total = {"solution": 19, "other but right": 19, "blank": 0}.get(kind)
    assert total is None or sum(by_exam.values()) == total, why
    assert total is not None or 0 < sum(by_exam.values()) < 19


KERAS_CELLS = [
    locked(
        "setup",
        "import os\nos.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\nimport numpy as np\n"
        "import tensorflow as tf\nimport keras",
    ),
    answer(
        "residual",
        "class Residual(keras.layers.Layer):\n    def __init__(self, units, **kwargs):\n"
        "        super().__init__(**kwargs)\n"
        "        self.dense = keras.layers.Dense(units, kernel_initializer='ones')\n"
        "    def call(self, x):\n        return x + self.dense(x)",
    ),
    locked(
        "factory",
        "def make_layer(units):\n    keras.utils.set_random_seed(0)\n    return Residual(units)\n"
        "def weights_of(layer):\n    return [np.asarray(w) for w in layer.weights]\n"
        "def gradient_of(layer, x):\n    x = tf.Variable(x)\n    with tf.GradientTape() as tape:\n"
        "        y = tf.reduce_sum(layer(x))\n    return tape.gradient(y, x)",
        "candidate",
    ),
    graded(
        "test_residual",
        "layer = make_layer(2)\ny = layer(tf.ones((3, 2)))\nassert y.shape == (3, 2) and y.dtype == tf.float32\n"
        "assert np.allclose(y, 3) and float(tf.reduce_sum(y)) == 18 and y.numpy().sum() == 18",
        3,
        hidden="assert [w.shape for w in weights_of(layer)] == [(2, 2), (2,)]\n"
        "assert np.allclose(gradient_of(layer, np.ones((1, 2), np.float32)), 3)\n"
        "assert layer(np.ones((1, 2), np.float32)).shape[0] == 1 and layer.built",
    ),
    answer(
        "train",
        "def train(model, x, y, epochs, on_epoch_end=None):\n    optimizer, losses = keras.optimizers.SGD(0.1), []\n"
        "    for epoch in range(epochs):\n        with tf.GradientTape() as tape:\n"
        "            loss = tf.reduce_mean((model(x) - y) ** 2)\n"
        "        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)\n"
        "        losses.append(float(loss))\n        if on_epoch_end:\n"
        "            on_epoch_end(epoch, losses[-1])\n    return losses",
    ),
    locked(
        "model",
        "def make_model():\n    keras.utils.set_random_seed(1)\n    return keras.Sequential([keras.layers.Dense(1)])",
        "candidate",
    ),
    graded(
        "test_train",
        "model, seen = make_model(), []\nx = tf.reshape(tf.range(8.0), (8, 1)) / 8\n"
        "losses = train(model, x, 2 * x, 4, on_epoch_end=lambda e, l: seen.append(e))\n"
        "assert len(losses) == 4 and losses[-1] < losses[0] and seen == [0, 1, 2, 3]",
        3,
        hidden="before = np.asarray(model.trainable_variables[0])\ntrain(model, x, 2 * x, 1)\n"
        "assert not np.array_equal(before, np.asarray(model.trainable_variables[0]))",
    ),
    answer(
        "stopping",
        "class Stop(keras.callbacks.Callback):\n    def on_epoch_end(self, epoch, logs=None):\n"
        "        self.model.stop_training = logs['loss'] < 1",
    ),
    locked(
        "run_stop",
        "def epochs_run(losses):\n    stop = Stop()\n    stop.set_model(make_model())\n"
        "    for epoch, loss in enumerate(losses):\n"
        "        stop.on_epoch_end(epoch, {'loss': loss})\n        if stop.model.stop_training:\n"
        "            return epoch + 1\n"
        "    return len(losses)",
        "candidate",
    ),
    graded(
        "test_stopping", "assert epochs_run([3.0, 2.0, 0.5, 0.1]) == 3", 2, hidden="assert epochs_run([3.0] * 5) == 5"
    ),
]


def test_keras_answers_agree_with_plain_nbgrader():
    """A layer subclass through factories, a training loop and a callback: the architecture's three worked kinds."""
    spec = specification(KERAS_CELLS, cell_seconds=120, submission_seconds=300)
    notebook = submission(spec)
    by_exam, why = exam_points(notebook, spec)
    assert by_exam == {"test_residual": 3, "test_train": 3, "test_stopping": 2}, why
    assert by_exam == plain_points(notebook)
