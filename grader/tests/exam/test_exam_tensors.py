"""Tensors across the kernels, and functions of a test inside compiled or differentiated code."""

import pytest
from exam_harness import Room

PROLOGUE = """
import os
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
import numpy as np
import tensorflow as tf
import keras
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    made = Room(tmp_path_factory.mktemp("tensors"), call_seconds=60, prologue=PROLOGUE)
    made.student("def echo(x): return x\ndef kind(x): return type(x).__name__\ndef apply(fn, x): return fn(x)")
    yield made
    made.pair.close()


def test_a_tensor_arrives_as_a_tensor_and_an_array_as_an_array(room):
    room.check_passes("assert kind(tf.ones(2)) == 'EagerTensor' and kind(np.ones(2)) == 'ndarray'")
    room.check_passes(
        "assert kind([tf.ones(2)]) == 'list'\ngot = echo({'a': tf.ones(2)})['a']\nassert tf.is_tensor(got)"
    )


@pytest.mark.parametrize(
    "dtype", ["bfloat16", "float16", "float32", "float64", "int8", "int64", "uint16", "bool", "complex64"]
)
def test_dtypes_shapes_and_values_are_kept(room, dtype):
    room.check_passes(
        f"for x in (tf.cast([[1, 0, 3]], tf.{dtype}), tf.cast(2, tf.{dtype}), tf.zeros((0, 3), tf.{dtype})):\n"
        "    got = echo(x)\n"
        "    assert got.dtype == x.dtype and got.shape == x.shape and got.numpy().tobytes() == x.numpy().tobytes()"
    )


def test_special_numbers_and_text(room):
    room.check_passes(
        "x = tf.constant([np.nan, np.inf, -0.0], tf.float16)\nassert echo(x).numpy().tobytes() == x.numpy().tobytes()"
    )
    room.check_passes(
        "x = tf.constant([[b'a', b''], [b'\\xff', b'd']])\ngot = echo(x)\n"
        "assert got.dtype == tf.string and (got.numpy() == x.numpy()).all()"
    )


def test_shapes_and_dtypes_cross_as_what_they_are(room):
    room.student("variable = tf.Variable(tf.ones((2, 3), tf.float16))\nsymbolic = keras.Input((None, 5))")
    room.check_passes(
        "assert variable.shape == (2, 3) and variable.dtype == tf.float16 and echo(tf.TensorShape([None, 2])).rank == 2"
    )
    room.check_passes("assert symbolic.shape == (None, None, 5)")


@pytest.mark.parametrize("kind", ["tf.Variable", "keras.Variable"])
def test_checks_take_a_variable_for_the_array_that_it_holds(room, kind):
    room.student(f"def held(): return {kind}(np.array([1.0, 2.0], 'float32'))\ndef number(): return {kind}(3.0)")
    room.check_passes(
        "from coursegrader.checks import as_array, as_number, call\n"
        "assert as_array(call(held), 'held', (2,)).tolist() == [1, 2] and as_number(call(number), 'number') == 3"
    )


def test_checks_take_no_other_object_for_an_array(room):
    room.student("class Own:\n    def __array__(self, dtype=None, copy=None): return np.ones(2)")
    room.check_passes(
        "from coursegrader.checks import CheckFailed, as_array, call\n"
        "try:\n    as_array(call(Own), 'own')\nexcept CheckFailed:\n    refused = True\nassert refused"
    )


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        ("tf.ragged.constant([[1], [2, 3]])", "to_tensor"),
        ("tf.sparse.from_dense([[0, 1]])", "tf.sparse.to_dense"),
        ("tf.IndexedSlices(tf.ones(1), tf.constant([0]))", "convert_to_tensor"),
    ],
)
def test_ragged_and_sparse_tensors_are_refused_with_advice(room, make, advice):
    room.student(f"def odd(): return {make}")
    room.fails("odd()", "Unsupported", advice)
    room.fails(f"echo({make})", "NotPlainData", advice)


def test_ragged_tensors_are_refused_inside_containers_too(room):
    room.student("def nested(): return {'a': [1, (tf.ragged.constant([[1], [2, 3]]),)]}")
    room.fails("nested()", "Unsupported", "to_tensor")


def test_containers_that_a_module_keeps_track_of_arrive_as_plain_ones(room):
    room.student(
        "class Net(tf.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.sizes, self.config, self.pair = [1, [2]], {'a': (3,), 'b': []}, (tf.Variable(4.0), 5)\n"
        "net = Net()"
    )
    room.check_passes(
        "assert type(net.sizes) is type(net.sizes[1]) is list and net.sizes == [1, [2]]\n"
        "assert type(net.config) is dict and net.config == {'a': (3,), 'b': []}\n"
        "assert type(net.pair) is tuple and float(net.pair[0]) == 4 and net.pair[1] == 5"
    )


def test_a_tape_in_the_examiner_sees_nothing_of_the_students_code(room):
    room.check_passes(
        "x = tf.Variable(3.0)\nwith tf.GradientTape() as tape:\n    y = echo(x * x)\n"
        "assert float(y) == 9 and tape.gradient(y, x) is None"
    )


def test_variables_are_handles_that_convert(room):
    room.student("w = keras.Variable(np.ones((2, 2), 'float32'))\nv = tf.Variable([1.0, 2.0])")
    room.check_passes(
        "assert np.asarray(w).sum() == 4 and np.allclose(w, 1) and (w + 1).shape == (2, 2) and float(v[0] + 1) == 2"
    )
    room.check_passes(
        "w.assign(np.zeros((2, 2)))\n"
        "assert not np.asarray(w).any() and tuple(w.shape) == (2, 2) and w.numpy().sum() == 0"
    )
    room.fails("assert w == 0", "NotPlainData")
    room.fails("if v: pass", "NotPlainData")


def test_a_keras_object_is_no_argument(room):
    room.fails("echo(keras.layers.Dense(1))", "NotPlainData", "tagged 'candidate'")


def test_a_function_of_the_test_is_refused_where_it_cannot_answer(room):
    room.student(
        "@tf.function\ndef compiled(fn, x): return fn(x)\n"
        "def differentiated(fn, x):\n    x = tf.Variable(x)\n    with tf.GradientTape() as tape:\n"
        "        y = fn(x * 1)\n    return tape.gradient(y, x)"
    )
    room.check_passes("assert float(apply(lambda x: 2 * x, tf.constant(3.0))) == 6")
    # TensorFlow raises it again as a type of its own making.
    assert "factory" in room.seen("compiled(lambda x: x, tf.ones(2))")["message"]
    room.fails("differentiated(lambda x: x, 1.0)", "CallbackRefusedError", "GradientTape")


def test_an_error_of_tensorflow_is_caught_by_its_name(room):
    room.student("def mismatch(): return tf.ones((2, 3)) @ tf.ones((2, 3))")
    room.check_passes("try:\n    mismatch()\nexcept tf.errors.InvalidArgumentError:\n    pass\nelse:\n    assert False")


def test_kernels_draw_the_same_numbers(room):
    room.student("def draw(): return keras.random.normal((2,)), np.random.rand(), tf.random.uniform((1,))")
    room.check_passes(
        "import random\na, b, c = draw()\nassert np.allclose(keras.random.normal((2,)), a) and np.random.rand() == b"
    )
