# ---
# jupyter:
#   kernelspec:
#     display_name: Deep Learning (GPU if present)
#     language: python
#     name: dl-course
# ---

# %% [markdown]
# # Problem set 3: translation, from gates to sentences
#
# You write the parts of a neural translator yourself: the cell that remembers (Hochreiter & Schmidhuber, 1997) and its
# gradient, attention in its two classic forms (Bahdanau et al., 2015; Luong et al., 2015), word pieces, the loss and
# the training loop of sequence to sequence learning, and BLEU, the measure by which translators are compared (Papineni
# et al., 2002). Then you train a translator from English to French, which is scored on sentences that it has never seen.
#
# **Time** 4 to 8 hours of yours; the bonus task comes on top. Running the finished notebook takes under 40 s on two CPU
# cores.
#
# | task | you write | points | what to read first |
# |---|---|---|---|
# | 1 | an LSTM: one step, and a sequence with padding | 10 | `4_language/3_machine_translation`, *Idea* and *Build* |
# | 2 | one step of an LSTM backwards | 12 | `1_foundations/2_training`, *Build* |
# | 3 | a softmax with a mask, and dot attention | 8 | `4_language/3_machine_translation`, *Idea* |
# | 4 | additive attention, as a Keras layer | 12 | `4_language/3_machine_translation`, *Idea* and *Build* |
# | 5 | word pieces | 10 | `4_language/4_gnmt`, *Idea* and *Build* |
# | 6 | BLEU | 12 | `4_language/3_machine_translation`, *Data* |
# | 7 | a masked loss with label smoothing | 8 | `4_language/3_machine_translation`, *Train* |
# | 8 | a training loop with teacher forcing | 10 | `4_language/3_machine_translation`, *Train* |
# | 9 | a translator | 12 | `4_language/3_machine_translation`, *Build* and *Train* |
# | 10 | a written answer | 6 | `4_language/3_machine_translation`, *Idea* and *Measure* |
# | bonus | beam search, with length normalization and a coverage penalty | 10 | `4_language/3_machine_translation`, *Train*; `4_language/4_gnmt`, *Idea* |
#
# **How you work.** Write your code where a cell says `YOUR CODE HERE` and delete every line that raises
# `NotImplementedError`, also the one at the end of some cells: that place is room for functions of your own. You may add functions and cells of your own; keep the names and the order of the arguments
# that a task gives. The cell behind each answer tests it: what you see there are the public checks. Press *Validate*
# before you submit, or run `coursegrader check ps3_nmt.ipynb`.
#
# **How it is graded.** The same test cells run with more checks, on other inputs. A cell gives its points when all of
# its checks pass (only task 9 gives part of its points). Each task says what the checks look at; nothing is tested
# that the text does not say. Your functions are called with copies, so **return** your results; what you write into
# an argument is lost.
#
# **Conventions**
#
# - Arrays that come in are `float32` or `float64`, integers or truth values where the task says so. Where you return
#   numbers that are no whole numbers, `float32` and `float64` are both right. Results count as equal within 0.01 %
#   (plus 0.00001), those of layers and of training within 0.1 % (plus 0.0001).
# - Sentences of different lengths share an array: shorter ones are filled up with **padding**. A *mask* is an array of
#   truth values, `True` where something real stands and `False` where there is padding. What stands in the padding of
#   an array is any number up to $10^{30}$ in size, positive or negative, and must change nothing.
# - Tokens are numbers where networks see them. 0 is the padding, and no token.
# - An *encoder* turns the source sentence into one vector for each token; a *decoder* writes the translation token by
#   token, from its state and the token before. A *greedy search* takes the most probable token each time, until the end.
# - "From scratch" means array operations (NumPy, or the same ones of `keras.ops`: sums, products, `matmul`, `einsum`,
#   exponentials, `where`, indexing, loops). With `keras.ops`, cast everything to one dtype first: unlike NumPy,
#   TensorFlow does not multiply numbers of two dtypes. What a task may not use is named there (a `*` stands for any
#   letters). Your answer and the functions that it calls are searched for it, and what uses it earns nothing for that
#   task. To check your results with it, in a cell of your own, is fine.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import coursekit  # first: it keeps TensorFlow quiet while it is imported

# isort: split
from collections import Counter

import keras
import numpy as np
import tensorflow as tf
from coursedata.translation import Phenomena, Vocabulary, detokenize, load_translation, normalize, tokenize
from coursegrader.checks import (
    as_array,
    call,
    check_array,
    check_items,
    check_number,
    numerical_gradient,
    require,
)

seed = coursekit.set_seed()


def as_strings(got, name):
    """Texts that a function returned, as a list of str."""
    require(type(got) in (list, tuple), f"{name}: a list was expected, not a value of type {type(got).__name__}.")
    require(all(type(text) is str for text in got), f"{name}: the list should hold texts (str) and nothing else.")
    return list(got)


# %% [markdown]
# The sentences for task 9 are made here, by the course's grammar of English and French: 4,000 pairs of 3 to 8 words to
# learn from, and 150 sentences to look at, of three kinds in turn: some like those, some with combinations of words
# that training lacks, and some that are longer (9 to 11 words).
# When your notebook is graded, the grammar is taken away after this cell.

# %% nbgrader={"grade": false, "grade_id": "load_data", "locked": true, "schema_version": 3, "solution": false, "task": false}
SENTENCES = dict(phenomena=Phenomena(rare_words=False), max_train_words=8, max_words=11)
translation = load_translation("bundled", num_train=4000, num_valid=0, num_test=150, **SENTENCES)
train_pairs = list(translation.train)
test_sources = [english for english, _ in translation.test]
test_references = list(translation.test_references)
for example in train_pairs[:5]:
    print("{:45} {}".format(*example))

# %% [markdown]
# ## Task 1: an LSTM: one step, and a sequence with padding (10 points)
#
# A long short-term memory keeps a state $c$ to which each step adds and from which it forgets, and shows a part of it,
# $h$. Three gates between 0 and 1 decide: what comes in ($i$), what stays ($f$), what is shown ($o$).
#
# **(a)** Write `lstm_step(x, h, c, kernel, recurrent, bias)`, one step for a whole batch.
#
# | argument | shape |
# |---|---|
# | `x` | `(batch, features)` |
# | `h`, `c` | `(batch, units)` |
# | `kernel`, `recurrent`, `bias` | `(features, 4 * units)`, `(units, 4 * units)`, `(4 * units,)` |
#
# The columns of the weights come in four blocks of `units`, in the order $i, f, g, o$ (that of Keras). With
# $z = x\,\mathrm{kernel} + h\,\mathrm{recurrent} + \mathrm{bias}$ cut into these blocks,
#
# $$i = \sigma(z_i), \quad f = \sigma(z_f), \quad g = \tanh(z_g), \quad o = \sigma(z_o), \qquad
# c' = f \cdot c + i \cdot g, \quad h' = o \cdot \tanh(c').$$
#
# It returns `(h', c')`, both `(batch, units)`. Numbers in $z$ may be in the thousands: the result stays finite.
#
# **(b)** Write `lstm_sequence(x, mask, kernel, recurrent, bias)`. `x` is `(batch, time, features)`, `mask` is
# `(batch, time)`. It starts with $h = c = 0$ and goes through the steps in order. In a step whose mask is `False`, a
# row of the batch keeps its $h$ and $c$ as they are (so what stands in `x` there does not matter); padding may be
# anywhere, also at the beginning. It returns `(outputs, h, c)`: $h$ after each step, `(batch, time, units)`, and the
# last $h$ and $c$, both `(batch, units)`.
#
# **(c)** Write `initial_bias(units)`, the bias that a new LSTM begins with: floats of shape `(4 * units,)`, 0 but for
# the forget gate, whose bias is 1. So a new network forgets little, and gradients live long enough to teach it what to
# keep (Jozefowicz et al., 2015, section 4).
#
# **Hint.** `np.split(z, 4, axis=1)`. A gate that is computed as $e^z / (1 + e^z)$ is NaN for $z = 1000$; what is
# $(1 + \tanh(z / 2)) / 2$? In (b), `np.where(mask[:, t, None], new, old)`. The public checks have one unit
# and weights of 0. Compare with Keras where there are more, in a cell of your own (with zeros in the padding of `x`, for
# Keras computes with them):
#
# ```python
# layer = keras.layers.LSTM(units, return_sequences=True, return_state=True)
# layer.build(x.shape)
# layer.set_weights([kernel, recurrent, bias])
# outputs, h, c = layer(x, mask=mask)
# ```
#
# **Not allowed:** `keras.layers`, `tf.keras`, `tf.raw_ops`, `tf.compat.v1.nn.*rnn*`.
#
# **Graded by** comparing with `keras.layers.LSTM`: steps from random states, sequences with padding behind, before and
# between, with huge numbers in the padding, rows that are padding only, one step, one unit, and numbers in the
# thousands.


# %% nbgrader={"grade": false, "grade_id": "lstm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def lstm_step(x, h, c, kernel, recurrent, bias):
    """The states (h, c), both (batch, units), after one step."""
    ### BEGIN SOLUTION
    i, f, g, o = gates(x, h, kernel, recurrent, bias)
    c = f * c + i * g
    return o * np.tanh(c), c
    ### END SOLUTION


def lstm_sequence(x, mask, kernel, recurrent, bias):
    """All h (batch, time, units) of a sequence, and the last h and c; padding leaves the states as they are."""
    ### BEGIN SOLUTION
    h = c = np.zeros((len(x), len(recurrent)))
    outputs = []
    for t in range(x.shape[1]):
        real = mask[:, t, None]
        new_h, new_c = lstm_step(np.where(real, x[:, t], 0), h, c, kernel, recurrent, bias)
        h, c = np.where(real, new_h, h), np.where(real, new_c, c)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c
    ### END SOLUTION


def initial_bias(units):
    """The bias (4 * units,) of a new LSTM: it remembers."""
    ### BEGIN SOLUTION
    return np.repeat([0.0, 1.0, 0.0, 0.0], units)
    ### END SOLUTION


### BEGIN SOLUTION
def sigmoid(z):
    """The logistic function, finite for any z."""
    return (1 + np.tanh(z / 2)) / 2


def gates(x, h, kernel, recurrent, bias):
    """The three gates and the proposal of one step: i, f, g, o."""
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)


### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_lstm", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""LSTM: one step with its gates in order, a sequence with padding anywhere, and the bias that it begins with."""
# All weights are 0, so that the bias decides: i = 1 (nearly), f = 1/2, g = 1/2, o = 1/2. From c = 3 to 3/2 + 1/2.
bias = np.array([50.0, 0.0, np.arctanh(0.5), 0.0])
got = call(lstm_step, np.ones((1, 2)), np.zeros((1, 1)), np.array([[3.0]]), np.zeros((2, 4)), np.zeros((1, 4)), bias)
new_h, new_c = check_items(got, ["h", "c"], "lstm_step")
check_array(new_c, np.array([[2.0]]), "c after lstm_step", hint="Are the blocks in the order i, f, g, o?")
check_array(new_h, np.array([[np.tanh(2.0) / 2]]), "h after lstm_step", hint="Are the blocks in the order i, f, g, o?")
# The same gates in three steps from 0: c is 1/2, 3/4, 7/8. The second row's middle step is padding.
x, mask = np.ones((2, 3, 2)), np.array([[True, True, True], [True, False, True]])
got = call(lstm_sequence, x, mask, np.zeros((2, 4)), np.zeros((1, 4)), bias)
outputs, last_h, last_c = check_items(got, ["outputs", "h", "c"], "lstm_sequence")
want = np.tanh([[1 / 2, 3 / 4, 7 / 8], [1 / 2, 1 / 2, 3 / 4]])[:, :, None] / 2
check_array(outputs, want, "the outputs of lstm_sequence", hint="A step of padding leaves h and c as they are.")
check_array(last_h, want[:, -1], "the last h of lstm_sequence")
check_array(last_c, np.array([[7 / 8], [3 / 4]]), "the last c of lstm_sequence")
check_array(call(initial_bias, 1), np.array([0.0, 1.0, 0.0, 0.0]), "initial_bias(1)")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xA43C3B6C59BD1E8A7E0F35BD27)


def keras_lstm(x, mask, kernel, recurrent, bias, states=None):
    """What `keras.layers.LSTM` makes of it, in float64: all h, the last h, the last c."""
    layer = keras.layers.LSTM(len(recurrent), return_sequences=True, return_state=True, dtype="float64")
    layer.build(x.shape)
    layer.set_weights([kernel, recurrent, bias])
    return [value.numpy() for value in layer(x, mask=mask, initial_state=states)]


for batch, features, units, scale, dtype in [
    (5, 3, 4, 1.0, "float64"),
    (1, 6, 1, 1.0, "float64"),
    (4, 1, 7, 2.0, "float64"),
    (2, 4, 4, 1.0, "float64"),
    (5, 3, 4, 0.3, "float32"),
]:
    name = f"with {features} features and {units} units ({dtype})"
    x, h, c = (rng.normal(size=(batch, size)).astype(dtype) for size in (features, units, units))
    c = 2 * c
    kernel, recurrent, bias = (
        (scale * rng.normal(size=shape)).astype(dtype)
        for shape in [(features, 4 * units), (units, 4 * units), (4 * units,)]
    )
    _, want_h, want_c = keras_lstm(x[:, None], None, kernel, recurrent, bias, [h, c])
    got_h, got_c = check_items(call(lstm_step, x, h, c, kernel, recurrent, bias), ["h", "c"], f"lstm_step {name}")
    check_array(got_h, want_h, f"h after lstm_step {name}")
    check_array(got_c, want_c, f"c after lstm_step {name}")
    want = np.where(np.arange(4 * units) // units == 1, 1.0, 0.0)
    check_array(call(initial_bias, units), want, f"initial_bias({units})")

    for time, padding in [(7, "behind"), (6, "before"), (9, "anywhere"), (1, "nowhere")]:
        lengths = rng.integers(0, time + 1, (batch, 1))
        mask = {
            "behind": np.arange(time) < lengths,
            "before": np.arange(time) >= lengths,
            "anywhere": rng.random((batch, time)) < 0.6,
            "nowhere": np.ones((batch, time), bool),
        }[padding]
        x = rng.normal(size=(batch, time, features)).astype(dtype)
        # Keras computes with what stands in the padding: zeros for it.
        wanted = keras_lstm(np.where(mask[:, :, None], x, 0), mask, kernel, recurrent, bias)
        x = np.where(mask[:, :, None], x, rng.choice([0, 1e4, -1e30], x.shape)).astype(dtype)
        name = f"lstm_sequence, {time} steps, padding {padding} ({dtype})"
        got = check_items(call(lstm_sequence, x, mask, kernel, recurrent, bias), ["outputs", "h", "c"], name)
        for part, value, want in zip(["outputs", "last h", "last c"], got, wanted, strict=True):
            check_array(value, want, f"{name}: {part}")
# Numbers in the thousands: every gate is open or closed, and g is 1 or -1.
x = np.array([[1000.0, 0], [0, 2000], [-3000, -800]])
kernel = np.array([[1.0, -1, 1, 1, -1, 1, 1, -1], [-1, 1, 1, 1, -1, -1, 1, 1]])
got = call(lstm_step, x, np.zeros((3, 2)), np.full((3, 2), 0.25), kernel, np.zeros((2, 8)), np.zeros(8))
z = np.split(x @ kernel, 4, axis=1)
want = (z[1] > 0) * 0.25 + (z[0] > 0) * np.sign(z[2])
got_h, got_c = check_items(got, ["h", "c"], "lstm_step with numbers in the thousands")
check_array(got_c, want, "c with numbers in the thousands")
check_array(got_h, (z[3] > 0) * np.tanh(want), "h with numbers in the thousands")
x, mask = np.stack([x, -x], axis=1), np.array([[True, True], [True, True], [False, True]])
wanted = keras_lstm(np.where(mask[:, :, None], x, 0), mask, kernel, np.zeros((2, 8)), np.zeros(8))
got = call(lstm_sequence, x, mask, kernel, np.zeros((2, 8)), np.zeros(8))
got = check_items(got, ["outputs", "h", "c"], "lstm_sequence with numbers in the thousands")
for part, value, want in zip(["outputs", "last h", "last c"], got, wanted, strict=True):
    check_array(value, want, f"lstm_sequence with numbers in the thousands: {part}")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: one step of an LSTM backwards (12 points)
#
# Training goes through the steps in reverse. Of a loss $L$ you know the gradients with respect to both results of a
# step, $\partial L / \partial h'$ and $\partial L / \partial c'$ (each counts only what happens **after** the step: $h'$
# also depends on $c'$, and that is yours to add). Write
# `lstm_step_backward(dh_next, dc_next, x, h, c, kernel, recurrent, bias)`. The first two arguments are these gradients,
# `(batch, units)`; the others are those that `lstm_step` got. It returns six gradients, each with the shape of what it
# belongs to:
#
# $$\left(\frac{\partial L}{\partial x},\; \frac{\partial L}{\partial h},\; \frac{\partial L}{\partial c},\;
# \frac{\partial L}{\partial\, \mathrm{kernel}},\; \frac{\partial L}{\partial\, \mathrm{recurrent}},\;
# \frac{\partial L}{\partial\, \mathrm{bias}}\right).$$
#
# Go back in this order. All of $c'$: $\delta c = \partial L / \partial c' + \partial L / \partial h' \cdot o \cdot
# (1 - \tanh^2 c')$. The gates before their squashing:
#
# $$\delta z_i = \delta c \cdot g \cdot i\,(1 - i), \quad \delta z_f = \delta c \cdot c \cdot f\,(1 - f), \quad
# \delta z_g = \delta c \cdot i\,(1 - g^2), \quad
# \delta z_o = \frac{\partial L}{\partial h'} \cdot \tanh c' \cdot o\,(1 - o).$$
#
# The rest is the backward step of a dense layer with the four $\delta z$ side by side as one $\delta z$, and
# $\partial L / \partial c = \delta c \cdot f$. Gradients of weights are sums over the batch.
#
# **Hint.** Compute the gates again; nothing needs to be kept from the forward step. A matrix product's gradient is the
# matrix product with the other factor transposed, whichever way makes the shapes fit. The public checks see little of
# this. In a cell of your own, with `float64` arrays, compare the k-th gradient with
# `numerical_gradient(lambda *args: np.stack(lstm_step(*args)), args, k, np.stack([dh_next, dc_next]))`, where
# `args = [x, h, c, kernel, recurrent, bias]`. This needs an `lstm_step` that computes in `float64`: the differences are
# too small for `float32`. If yours does not, take `cell(x, [h, c])[1]` in its place, the states `h` and `c` of
# `cell = keras.layers.LSTMCell(units, dtype="float64")`, which gets its weights as the layer in task 1 does.
#
# **Not allowed:** automatic differentiation and finite differences (`tf.GradientTape`, `tf.gradients`, `tf.autodiff`,
# `coursegrader.checks.numerical_gradient`), `keras.layers`, `tf.keras`, `tf.raw_ops`.
#
# **Graded by** comparing with finite differences of the step that `keras.layers.LSTMCell` makes: random states, gradients through `h'` only,
# through `c'` only and through both, one row and many, one unit and many; by going back through several steps; numbers
# in the thousands.


# %% nbgrader={"grade": false, "grade_id": "lstm_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def lstm_step_backward(dh_next, dc_next, x, h, c, kernel, recurrent, bias):
    """The gradients (dx, dh, dc, dkernel, drecurrent, dbias) of one step, each in its argument's shape."""
    ### BEGIN SOLUTION
    z_i, z_f, z_g, z_o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    i, f, o = ((1 + np.tanh(z / 2)) / 2 for z in (z_i, z_f, z_o))
    g = np.tanh(z_g)
    shown = np.tanh(f * c + i * g)
    dc = dc_next + dh_next * o * (1 - shown**2)
    dz = np.concatenate(
        [dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh_next * shown * o * (1 - o)], axis=1
    )
    return dz @ kernel.T, dz @ recurrent.T, dc * f, x.T @ dz, h.T @ dz, dz.sum(axis=0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_lstm_backward", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
"""LSTM backwards: the gradients with respect to input, states and weights, through h and through c."""
PARTS = ["x", "h", "c", "kernel", "recurrent", "bias"]


def check_backward(dh_next, dc_next, args, wanted, name):
    got = check_items(call(lstm_step_backward, dh_next, dc_next, *args), [f"d{part}" for part in PARTS], name)
    for part, value, want in zip(PARTS, got, wanted, strict=True):
        check_array(value, want, f"{name}: the gradient with respect to {part}")


# All weights are 0 and c is 0: i, f and o are 1/2 and g is 0. With dc' = 8, only c and g matter: dc = 4, dz_g = 4.
args = [np.array([[3.0]]), np.array([[2.0]]), np.zeros((1, 1)), np.zeros((1, 4)), np.zeros((1, 4)), np.zeros(4)]
dz = np.array([[0.0, 0, 4, 0]])
wanted = [np.zeros((1, 1)), np.zeros((1, 1)), np.array([[4.0]]), 3 * dz, 2 * dz, dz[0]]
check_backward(np.array([[0.0]]), np.array([[8.0]]), args, wanted, "lstm_step_backward, the gradient comes by c alone")
# h' = tanh(c') / 2, whose slope is 1/2 at c' = 0: with dh' = 16, it is as if dc' were 8.
check_backward(np.array([[16.0]]), np.array([[0.0]]), args, wanted, "lstm_step_backward, the gradient comes by h alone")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xC6F0F4B73A4E0B6E2B5E23A2D1)


def cell_reference(x, h, c, kernel, recurrent, bias):
    """h and c after a step, side by side."""
    z = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-z[k])) for k in (0, 1, 3))
    new_c = f * c + i * np.tanh(z[2])
    return np.concatenate([o * np.tanh(new_c), new_c], axis=1)


def keras_reference(x, h, c, kernel, recurrent, bias):
    """The same by Keras' cell, in float64."""
    cell = keras.layers.LSTMCell(len(recurrent), dtype="float64")
    cell.build(x.shape)
    cell.set_weights([kernel, recurrent, bias])
    return np.concatenate(cell(x, [h, c])[1], axis=1)


for batch, features, units, through, dtype in [
    (3, 2, 3, "both", "float64"),
    (1, 4, 1, "both", "float64"),
    (4, 3, 2, "h", "float64"),
    (2, 2, 2, "c", "float64"),
    (3, 2, 3, "both", "float32"),
]:
    name = f"lstm_step_backward, {batch} rows, {features} features, {units} units, gradient by {through} ({dtype})"
    shapes = [(batch, features), (batch, units), (batch, units), (features, 4 * units), (units, 4 * units), 4 * units]
    args = [rng.normal(size=shape).astype(dtype).astype("float64") for shape in shapes]
    require(
        np.allclose(cell_reference(*args), keras_reference(*args)),
        "the reference of lstm_step_backward is not Keras' cell",
    )
    dout = rng.normal(size=(batch, 2 * units)).astype(dtype)
    dout *= np.repeat([through != "c", through != "h"], units)
    wanted = [numerical_gradient(cell_reference, args, number, dout) for number in range(6)]
    check_backward(*np.split(dout, 2, axis=1), [arg.astype(dtype) for arg in args], wanted, name)

# Back through three steps, with the same weights: dx, and the sums of the weights' gradients.
features, units = 2, 3
weights = [rng.normal(size=shape) for shape in [(features, 4 * units), (units, 4 * units), (4 * units,)]]
x = rng.normal(size=(2, 3, features))
states = [np.zeros((2, 2 * units))]
for t in range(3):
    states.append(cell_reference(x[:, t], *np.split(states[-1], 2, axis=1), *weights))


def unrolled(x, *weights):
    state = np.zeros((2, 2 * units))
    for t in range(3):
        state = cell_reference(x[:, t], *np.split(state, 2, axis=1), *weights)
    return state[:, :units]


dout = rng.normal(size=(2, units))
wanted = [numerical_gradient(unrolled, [x, *weights], number, dout) for number in range(4)]
dh, dc, sums, dx = dout, np.zeros((2, units)), [np.zeros_like(weight) for weight in weights], np.zeros_like(x)
for t in (2, 1, 0):
    got = call(lstm_step_backward, dh, dc, x[:, t], *np.split(states[t], 2, axis=1), *weights)
    got = check_items(got, [f"d{part}" for part in PARTS], "three steps backwards")
    dh, dc = as_array(got[1], "dh", (2, units)), as_array(got[2], "dc", (2, units))
    dx[:, t] = as_array(got[0], "dx", (2, features))
    sums = [
        total + as_array(value, f"d{part}", total.shape)
        for total, value, part in zip(sums, got[3:], PARTS[3:], strict=True)
    ]
for part, value, want in zip(["x", *PARTS[3:]], [dx, *sums], wanted, strict=True):
    check_array(value, want, f"three steps backwards: the gradient with respect to {part}")
# Gates that are wide open or closed do not change: no gradient, and no NaN.
args = [np.array([[1.0]]), np.zeros((1, 1)), np.array([[0.5]]), np.array([[2000.0, -3000, 1500, -900]])]
args += [np.zeros((1, 4)), np.zeros(4)]
wanted = [np.zeros_like(arg) for arg in args]
check_backward(np.array([[2.0]]), np.array([[3.0]]), args, wanted, "lstm_step_backward with numbers in the thousands")
args[3] = np.array([[-2000.0, 3000, -1500, 900]])
wanted[2] = np.array([[3.0 + 2 * (1 - np.tanh(0.5) ** 2)]])
check_backward(np.array([[2.0]]), np.array([[3.0]]), args, wanted, "lstm_step_backward with a forget gate that is open")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: a softmax with a mask, and dot attention (8 points)
#
# Attention looks at all words of the source and takes a weighted mean of what the encoder says about them. Padding must
# get the weight 0: not a small one, zero.
#
# **(a)** Write `masked_softmax(scores, mask)`. Both have the same shape `(..., num_keys)`, with any number of axes
# before the last. Over the last axis,
#
# $$w_k = \frac{\mathrm{mask}_k\; e^{s_k}}{\sum_{k'} \mathrm{mask}_{k'}\; e^{s_{k'}}},$$
#
# and where the mask of a whole row is `False`, all of its weights are 0. Weights are exactly 0 where the mask is
# `False`. Scores are numbers up to $10^{30}$ in size: the exponential of large ones overflows, and all real scores of a
# row may be far below 0. Those of padding may be larger than all others, so that subtracting a large number from them
# is not enough.
#
# **(b)** Write `dot_attention(queries, keys, values, mask)` (Luong et al., 2015, section 3.1: the score *dot*).
#
# | argument | shape | meaning |
# |---|---|---|
# | `queries` | `(batch, num_queries, units)` | the decoder's states |
# | `keys` | `(batch, num_keys, units)` | what the queries are compared with |
# | `values` | `(batch, num_keys, channels)` | what is averaged |
# | `mask` | `(batch, num_keys)` | which keys are real |
#
# $$s[n, q, k] = \sum_u \mathrm{queries}[n, q, u]\; \mathrm{keys}[n, k, u], \qquad
# \mathrm{context}[n, q, c] = \sum_k w[n, q, k]\; \mathrm{values}[n, k, c],$$
#
# where $w$ is the masked softmax of $s$ over the keys. It returns `(context, w)`, of shapes
# `(batch, num_queries, channels)` and `(batch, num_queries, num_keys)`. Scores are *not* divided by
# $\sqrt{\mathrm{units}}$.
#
# **Hint.** Replace the scores of padding by $-\infty$ first: then they are neither the largest nor in the sum. What is then the largest score of a row without keys, and what the sum that it is divided by? One mask serves all queries: `mask[:, None, :]`
# with `np.broadcast_to`.
#
# **Not allowed:** `keras.ops.softmax`, `tf.nn.softmax`, `keras.ops.dot_product_attention`,
# `keras.layers`, `keras.activations`, `keras.ops.log_softmax`, `tf.nn.log_softmax`, `tf.keras`, `scipy.special`.
#
# **Graded by** comparing with a reference that is written as loops: one to four axes, masks of all kinds, rows without a
# key, huge scores, rows whose real scores are all far below 0, huge numbers in the padding of scores, keys and values;
# that the weights of padding are exactly 0. `float32` is exact enough for all of it.


# %% nbgrader={"grade": false, "grade_id": "dot_attention", "locked": false, "schema_version": 3, "solution": true, "task": false}
def masked_softmax(scores, mask):
    """Weights of the scores' shape that sum to 1 over the last axis, with exactly 0 where the mask is False."""
    ### BEGIN SOLUTION
    scores = np.where(mask, scores, -np.inf)
    largest = scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(largest), 0, largest))
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total == 0, 1, total)
    ### END SOLUTION


def dot_attention(queries, keys, values, mask):
    """The context (batch, num_queries, channels) and the weights (batch, num_queries, num_keys)."""
    ### BEGIN SOLUTION
    scores = queries @ keys.swapaxes(1, 2)
    weights = masked_softmax(scores, np.broadcast_to(mask[:, None, :], scores.shape))
    return weights @ values, weights
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_dot_attention", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
"""Masked softmax and dot attention: weights that sum to 1, exactly 0 on padding, and 0 in rows without a key."""
scores = np.log([[1.0, 2.0, 5.0], [3.0, 7.0, 1.0], [2.0, 2.0, 2.0]])
mask = np.array([[True, True, True], [True, False, True], [False, False, False]])
want = np.array([[1 / 8, 2 / 8, 5 / 8], [3 / 4, 0, 1 / 4], [0, 0, 0]])
got = as_array(call(masked_softmax, scores, mask), "masked_softmax", (3, 3))
check_array(got, want, "masked_softmax", hint="A row without a key has only zeros.")
require(not got[~mask].any(), "masked_softmax: the weights of padding should be exactly 0.")
# One query (1, 0) and three keys, the last one padding: scores log 1 and log 3.
got = call(
    dot_attention,
    np.array([[[1.0, 0.0]]]),
    np.array([[[0.0, 9.0], [np.log(3), -9.0], [50.0, 0.0]]]),
    np.array([[[4.0, 0.0, 1.0], [8.0, 4.0, 1.0], [1e9, 1e9, 1e9]]]),
    np.array([[True, True, False]]),
)
context, weights = check_items(got, ["context", "weights"], "dot_attention")
check_array(weights, np.array([[[1 / 4, 3 / 4, 0]]]), "the weights of dot_attention")
check_array(context, np.array([[[7.0, 3.0, 1.0]]]), "the context of dot_attention")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x3FA9F4D0E1C8C7A51B92D6AD33)


def softmax_reference(scores, mask):
    weights = np.zeros(scores.shape)
    for place in np.ndindex(scores.shape[:-1]):
        real = np.flatnonzero(mask[place])
        if len(real):
            s = scores[place][real].astype(np.float64)
            weights[(*place, real)] = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
    return weights


def check_weights(got, want, mask, name):
    got = as_array(got, name, want.shape)
    require(not got[~mask].any(), f"{name}: the weights of padding should be exactly 0.")
    check_array(got, want, name)


for shape, scale in [
    ((7,), 1.0),
    ((5, 4), 3.0),
    ((2, 3, 6), 900.0),
    ((2, 2, 3, 5), 1.0),
    ((6, 1), 1.0),
    ((3, 40), 9.0),
    ((4, 5), 1e29),
]:
    for share in (0.3, 0.7, 1.0):
        mask = rng.random(shape) < share
        # Numbers that float32 holds, too: who computes in it is asked the same.
        scores = (scale * rng.normal(size=shape)).astype("float32").astype("float64")
        want = softmax_reference(scores, mask)
        name = f"masked_softmax of shape {shape}, scores around {scale}, {share:.0%} real"
        check_weights(call(masked_softmax, scores, mask), want, mask, name)
        padded = np.where(mask, scores, rng.choice([1e5, 1e12, -1e12, 1e30], shape))
        check_weights(call(masked_softmax, padded, mask), want, mask, f"{name}, huge scores of padding")
        for shift in (5_000, 100_000):
            lower = np.where(mask, scores - shift, 0).astype("float32").astype("float64")
            want = softmax_reference(lower, mask)
            check_weights(call(masked_softmax, lower, mask), want, mask, f"{name}, real scores lower by {shift:,}")
mask = np.array([[True, True, False, True], [False, True, False, False], [True] * 4, [False] * 4])
want = mask / np.maximum(mask.sum(axis=1, keepdims=True), 1)
for score in (-1e30, -1e10, 1e30):
    for padding in (0, -1e30, 1e30):
        name = f"masked_softmax, all real scores are {score:g}"
        check_weights(call(masked_softmax, np.where(mask, score, padding), mask), want, mask, name)
empty = np.zeros((2, 3), bool)
check_weights(call(masked_softmax, np.full((2, 3), 7.0), empty), np.zeros((2, 3)), empty, "masked_softmax, no keys")
single = rng.normal(size=(4, 5)).astype("float32")
check_weights(
    call(masked_softmax, single, single > 0),
    softmax_reference(single, single > 0),
    single > 0,
    "masked_softmax, float32",
)

for batch, num_queries, num_keys, units, channels, dtype in [
    (3, 4, 6, 5, 2, np.float64),
    (1, 1, 9, 3, 7, np.float64),
    (4, 5, 5, 5, 5, np.float32),
    (2, 3, 1, 64, 4, np.float64),
]:
    queries = rng.normal(size=(batch, num_queries, units))
    keys = rng.normal(size=(batch, num_keys, units))
    values = rng.normal(size=(batch, num_keys, channels))
    mask = rng.random((batch, num_keys)) < 0.6
    mask[-1] = batch == 1
    scores = np.einsum("nqu,nku->nqk", queries, keys)
    everywhere = np.stack([mask] * num_queries, axis=1)
    want = softmax_reference(scores, everywhere)
    keys = np.where(mask[:, :, None], keys, rng.choice([1e8, -1e8, 1e20], keys.shape))
    values_padded = np.where(mask[:, :, None], values, 1e25)
    name = f"dot_attention, {num_queries} queries, {num_keys} keys, {units} units"
    got = call(dot_attention, queries.astype(dtype), keys.astype(dtype), values_padded.astype(dtype), mask)
    context, weights = check_items(got, ["context", "weights"], name)
    check_weights(weights, want, everywhere, f"the weights of {name}")
    check_array(context, np.einsum("nqk,nkc->nqc", want, values), f"the context of {name}")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: additive attention, as a Keras layer (12 points)
#
# Bahdanau's attention compares a query and a place of the memory by a small network (Bahdanau et al., 2015, appendix
# A.1.2). So both may have different sizes. Write the class `AdditiveAttention(units)`, a subclass of
# `keras.layers.Layer`, with three weights and no others:
#
# | weight | shape |
# |---|---|
# | $W$, for the queries | `(query_size, units)` |
# | $U$, for the memory | `(memory_size, units)` |
# | $v$ | `(units,)` |
#
# It is called as `layer(queries, memory, memory_mask)`, with `queries` of shape `(batch, num_queries, query_size)`,
# `memory` of shape `(batch, num_keys, memory_size)` and `memory_mask` of shape `(batch, num_keys)`, and computes
#
# $$s[n, q, k] = \sum_u v_u \tanh\!\big(\mathrm{queries}[n, q]\, W + \mathrm{memory}[n, k]\, U\big)_u, \qquad
# \mathrm{context}[n, q] = \sum_k w[n, q, k]\; \mathrm{memory}[n, k],$$
#
# where $w$ is the softmax of $s$ over the keys with the mask of task 3: exactly 0 for padding, all 0 in a row without
# a key. It returns `(context, w)`, of shapes `(batch, num_queries, memory_size)` and `(batch, num_queries, num_keys)`.
# Initializers are up to you.
#
# Your layer is trained: its gradients must be right, and finite, also where a row has no key. NumPy functions break the
# tape: compute with `keras.ops` (or `tf`). Unlike in task 3, the softmax may be a ready-made one here.
#
# **Hint.** `build(self, queries_shape, memory_shape, memory_mask_shape)` gets the shapes of the three arguments of
# `call`. Two extra axes let every query meet every key: `(batch, num_queries, 1, units)` and
# `(batch, 1, num_keys, units)`. The gradient of `where(m, a, b)` is 0 · (gradient of `a`) where `m` is `False`, and 0 ·
# infinity is NaN: make what goes into the softmax and into the division harmless, and not only what comes out. As no
# $s$ can be larger than $\sum |v|$ in size, a large negative number in the place of the scores of padding does no harm
# here. $-\infty$ does: a softmax over nothing else is NaN, and so is `0 * -inf` where a mask is made into numbers that
# are added to the scores.
#
# **Not allowed:** `keras.layers.*Attention*`, `keras.ops.dot_product_attention`.
#
# **Graded by** setting random weights in your layer and comparing its output with a reference: one and many queries,
# masks of all kinds, rows without a key, huge numbers in the padding; by the gradients with respect to weights, queries
# and memory; by using it in a model whose inputs have no fixed lengths.


# %% nbgrader={"grade": false, "grade_id": "additive_attention", "locked": false, "schema_version": 3, "solution": true, "task": false}
class AdditiveAttention(keras.layers.Layer):
    """Attention whose scores come from a small network; padding gets no weight."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        ### BEGIN SOLUTION
        self.units = units
        ### END SOLUTION

    def build(self, queries_shape, memory_shape, memory_mask_shape):
        """Called once, before the first call, with the shapes of what `call` gets."""
        ### BEGIN SOLUTION
        self.query_kernel = self.add_weight(shape=(queries_shape[-1], self.units), name="query_kernel")
        self.memory_kernel = self.add_weight(shape=(memory_shape[-1], self.units), name="memory_kernel")
        self.score = self.add_weight(shape=(self.units,), initializer="random_normal", name="score")
        ### END SOLUTION

    def call(self, queries, memory, memory_mask):
        """The context (batch, num_queries, memory_size) and the weights (batch, num_queries, num_keys)."""
        ### BEGIN SOLUTION
        ops = keras.ops
        real = ops.expand_dims(ops.cast(memory_mask, "bool"), 1)
        # What is huge in the padding becomes NaN as soon as it meets a weight: it goes first.
        memory = ops.where(ops.expand_dims(memory_mask, -1), memory, 0.0)
        asked = ops.expand_dims(ops.matmul(queries, self.query_kernel), 2)
        held = ops.expand_dims(ops.matmul(memory, self.memory_kernel), 1)
        scores = ops.sum(self.score * ops.tanh(asked + held), axis=-1)
        weights = ops.softmax(ops.where(real, scores, -1e9), axis=-1) * ops.cast(real, scores.dtype)
        return ops.matmul(weights, memory), weights
        ### END SOLUTION


# %% [markdown]
# The next cell uses your class for the test. Cells like this one are locked: run them, and leave them as they are.


# %% nbgrader={"grade": false, "grade_id": "factory_additive_attention", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def make_attention(units, query_size, memory_size):
    """An AdditiveAttention that was called once, so that its weights exist."""
    layer = AdditiveAttention(units)
    layer(np.zeros((1, 2, query_size), "float32"), np.zeros((1, 3, memory_size), "float32"), np.ones((1, 3), bool))
    return layer


def attention_with(weights):
    """A layer with the weights (W, U, v), in whatever order it made them; the sizes are all different."""
    (query_size, units), (memory_size, _), _ = (weight.shape for weight in weights)
    layer = make_attention(units, query_size, memory_size)
    by_shape = {weight.shape: weight for weight in weights}
    layer.set_weights([by_shape[weight.shape] for weight in layer.get_weights()])
    return layer


def attention_gradients(weights, queries, memory, mask, dcontext):
    """The gradients of sum(context * dcontext) with respect to W, U, v, queries and memory."""
    layer = attention_with(weights)
    queries, memory = tf.Variable(queries), tf.Variable(memory)
    with tf.GradientTape() as tape:
        context, _ = layer(queries, memory, mask)
        total = keras.ops.sum(context * dcontext)
    own = {tuple(variable.shape): variable for variable in layer.trainable_variables}
    return tape.gradient(total, [*(own[weight.shape] for weight in weights), queries, memory])


def attention_in_model(weights, batches):
    """What a model of one layer with the given weights, built for any lengths, gives for each batch."""
    trained = attention_with(weights)
    queries = keras.Input((None, weights[0].shape[0]))
    memory = keras.Input((None, weights[1].shape[0]))
    mask = keras.Input((None,), dtype="bool")
    layer = AdditiveAttention(weights[0].shape[1])
    model = keras.Model([queries, memory, mask], list(layer(queries, memory, mask)))
    model.set_weights(trained.get_weights())
    return [model.predict_on_batch(list(batch)) for batch in batches]


# %% nbgrader={"grade": true, "grade_id": "test_additive_attention", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
"""Additive attention: its weights, scores and context, masks of all kinds, finite and right gradients, in a model."""
layer = make_attention(4, 2, 3)
shapes = sorted(as_array(weight, "a weight").shape for weight in layer.get_weights())
wanted = sorted([(2, 4), (3, 4), (4,)])
require(shapes == wanted, f"AdditiveAttention: its weights should have the shapes {wanted}; they have {shapes}.")
# One unit. The query gives 0; the memory's first number is turned into the scores log 1, log 3, and padding.
layer_weights = [np.zeros((2, 1), "float32"), np.array([[1.0], [0.0], [0.0]], "float32"), np.array([2.0], "float32")]
memory = np.array([[[0.0, 4, 0], [np.arctanh(np.log(3) / 2), 8, 4], [9.0, 9, 9]]], "float32")
mask = np.array([[True, True, False]])
parts = call(attention_with, layer_weights)(np.ones((1, 1, 2), "float32"), memory, mask)
context, weights = check_items(parts, ["context", "weights"], "AdditiveAttention")
check_array(weights, np.array([[[1 / 4, 3 / 4, 0]]]), "the weights of AdditiveAttention", rtol=1e-3)
want = np.array([[[0.75 * memory[0, 1, 0], 7.0, 3.0]]])
check_array(context, want, "the context of AdditiveAttention", rtol=1e-3)
parts = call(attention_with, layer_weights)(np.ones((1, 1, 2), "float32"), memory, ~np.ones((1, 3), bool))
context, weights = check_items(parts, ["context", "weights"], "AdditiveAttention without a key")
check_array(weights, np.zeros((1, 1, 3)), "the weights of AdditiveAttention without a key")
check_array(context, np.zeros((1, 1, 3)), "the context of AdditiveAttention without a key")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x86E83B6C7BD51EA77D9A6D4D9E)


def attention_reference(w, u, v, queries, memory, mask):
    """Context and weights, one query and one key after the other."""
    batch, num_queries, _ = queries.shape
    weights = np.zeros((batch, num_queries, memory.shape[1]))
    context = np.zeros((batch, num_queries, memory.shape[2]))
    for n, q in np.ndindex(batch, num_queries):
        real = np.flatnonzero(mask[n])
        e = np.array([np.exp(v @ np.tanh(queries[n, q] @ w + memory[n, k] @ u)) for k in real])
        for k, share in zip(real, e / e.sum(), strict=True):
            weights[n, q, k] = share
            context[n, q] += share * memory[n, k]
    return context, weights


def check_attention(got, wanted, mask, name):
    context, weights = check_items(got, ["context", "weights"], name)
    weights = as_array(weights, f"the weights of {name}", wanted[1].shape)
    padding = np.broadcast_to(~mask[:, None], weights.shape)
    require(not weights[padding].any(), f"{name}: the weights of padding should be exactly 0.")
    check_array(weights, wanted[1], f"the weights of {name}", rtol=1e-3, atol=1e-4)
    check_array(context, wanted[0], f"the context of {name}", rtol=1e-3, atol=1e-4)


for batch, num_queries, num_keys, units, query_size, memory_size, scale in [
    (3, 4, 5, 6, 2, 3, 1.0),
    (2, 1, 7, 2, 5, 4, 1.0),
    (4, 3, 2, 5, 4, 2, 2.0),
    (1, 2, 6, 3, 1, 7, 3.0),
]:
    layer_weights = [
        (scale * rng.normal(size=shape)).astype("float32")
        for shape in [(query_size, units), (memory_size, units), (units,)]
    ]
    exact = [weight.astype(np.float64) for weight in layer_weights]
    queries = rng.normal(size=(batch, num_queries, query_size)).astype("float32")
    memory = rng.normal(size=(batch, num_keys, memory_size)).astype("float32")
    for what in ("all real", "some padding", "rows without a key"):
        mask = np.ones((batch, num_keys), bool) if what == "all real" else rng.random((batch, num_keys)) < 0.6
        mask[:, 0] |= what == "some padding"
        if what == "rows without a key":
            mask[rng.integers(batch)] = False
        name = f"AdditiveAttention({units}) with {num_queries} queries and {num_keys} keys, {what}"
        wanted = attention_reference(*exact, queries, memory, mask)
        padded = np.where(mask[:, :, None], memory, rng.choice([0, 1e4, -1e6, 1e20], memory.shape)).astype("float32")
        check_attention(call(attention_with, layer_weights)(queries, padded, mask), wanted, mask, name)
        dcontext = rng.normal(size=wanted[0].shape).astype("float32")

        def context_of(*args, mask=mask):
            return attention_reference(*args, mask)[0]

        args = [*exact, queries, memory]
        got = check_items(
            call(attention_gradients, layer_weights, queries, memory, mask, dcontext),
            ["W", "U", "v", "queries", "memory"],
            f"the gradients of {name}",
        )
        for number, part in enumerate(["W", "U", "v", "the queries", "the memory"]):
            require(got[number] is not None, f"{name}: no gradient reaches {part}. Is all computed with keras.ops?")
            want = numerical_gradient(context_of, args, number, dcontext)
            check_array(got[number], want, f"{name}: the gradient with respect to {part}", rtol=1e-3, atol=1e-3)

batches = []
for batch, num_queries, num_keys in [(2, 5, 3), (3, 1, 6), (1, 4, 9)]:
    mask = rng.random((batch, num_keys)) < 0.7
    shapes = [(batch, num_queries, query_size), (batch, num_keys, memory_size)]
    batches.append((*(rng.normal(size=shape).astype("float32") for shape in shapes), mask))
try:
    outputs = call(attention_in_model, layer_weights, batches)
except Exception:
    require(False, "AdditiveAttention fails in a keras.Model for sequences of any length, whose shapes hold None.")
for (queries, memory, mask), got in zip(batches, outputs, strict=True):
    name = f"a model for any lengths, given {queries.shape[1]} queries and {memory.shape[1]} keys"
    check_attention(got, attention_reference(*exact, queries, memory, mask), mask, name)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: word pieces (10 points)
#
# A network has a list of tokens, and language does not: there is always a word that was not on the list. Word pieces
# (Wu et al., 2016, section 4.1) keep frequent words whole and cut rare ones into parts that are on the list.
#
# **(a)** Write `segment(text, pieces)`. `text` is a `str`, `pieces` a set of non-empty `str` of any length; the set may be
# empty. It returns a list of `str`:
#
# 1. Words are what white space separates (as `str.split()` does).
# 2. Each word is written with the mark `▁` (U+2581, not an underscore) before its first letter. No word of `text` holds that character.
# 3. A word is cut from left to right. The next part is the **longest** piece with which the rest of the word begins.
#    If the rest begins with no piece at all, the next part is its first character alone, although it is no piece.
#
# Every word is cut by itself: a part never reaches over the end of a word, whatever `pieces` holds.
#
# With `pieces = {"▁un", "▁", "u", "happi", "happ", "ness", "y"}`, the text `"unhappiness"` becomes
# `["▁un", "happi", "ness"]`, and `"un happy"` becomes `["▁un", "▁", "happ", "y"]`.
#
# **(b)** Write `restore(parts)`, the way back: the words of such a list, with one space between them. For every `text`,
# `restore(segment(text, pieces))` equals `" ".join(text.split())`.
#
# Letters are characters of Python's `str`, of any script; nothing is changed about them (no lower case, no
# normalization). Pieces hold any characters, also such that mean something in a regular expression. A word may have
# thousands of letters: too many to call a function inside itself for each part.
#
# **Hint.** Look no further than the longest piece: at each place, try that length first, then one less.
#
# **Not allowed:** `sentencepiece`, `keras.layers.TextVectorization`.
#
# **Graded by** comparing with a reference: pieces that are the beginnings of others, short and long pieces and none,
# words that could be cut in several ways or have no piece at all, letters that look like a mark, repeated letters, other scripts, emoji, combining
# accents, all kinds of white space, empty texts, long words; that the way back gives the words of random texts.


# %% nbgrader={"grade": false, "grade_id": "word_pieces", "locked": false, "schema_version": 3, "solution": true, "task": false}
MARK = "▁"


def segment(text, pieces):
    """The parts of a text's words, each the longest piece that fits, from left to right."""
    ### BEGIN SOLUTION
    longest = max(map(len, pieces), default=1)
    parts = []
    for word in text.split():
        rest, start = MARK + word, 0
        while start < len(rest):
            end = min(start + longest, len(rest))
            while end > start + 1 and rest[start:end] not in pieces:
                end -= 1
            parts.append(rest[start:end])
            start = end
    return parts
    ### END SOLUTION


def restore(parts):
    """The text that was cut into these parts, with single spaces."""
    ### BEGIN SOLUTION
    return "".join(parts).replace(MARK, " ")[1:]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_word_pieces", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""Word pieces: the longest piece from left to right, word by word, and the way back."""


def check_segment(text, pieces, want, name):
    got = as_strings(call(segment, text, pieces), name)
    require("".join(got) == "".join(want), f"{name}: the parts together should be the words, each with its mark.")
    where = next((n for n, (a, b) in enumerate(zip(got, want, strict=False)) if a != b), min(len(got), len(want)))
    require(got == want, f"{name}: part {where} is wrong (there should be {len(want)} parts, there are {len(got)}).")
    back = call(restore, got)
    require(type(back) is str, f"restore, {name}: a str was expected, not a value of type {type(back).__name__}.")
    require(back == " ".join(text.split()), f"restore, {name}: that is another text than the one that was cut.")


pieces = {"▁un", "▁", "u", "happi", "happ", "ness", "y"}
check_segment("unhappiness", pieces, ["▁un", "happi", "ness"], "segment of 'unhappiness'")
check_segment("un happy", pieces, ["▁un", "▁", "happ", "y"], "segment of 'un happy'")
# No piece fits at the "h", at the "n" or at the "t".
check_segment("hunt", pieces, ["▁", "h", "u", "n", "t"], "segment of 'hunt'")
check_segment("", pieces, [], "segment of an empty text")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xD2A54C91FFB73A5E0D6C8E1B47)


def segment_reference(text, pieces):
    parts = []
    for word in text.split():
        rest = f"\u2581{word}"
        while rest:
            fits = [piece for piece in pieces if rest[: len(piece)] == piece]
            part = max(fits, key=len, default=rest[0])
            parts.append(part)
            rest = rest[len(part) :]
    return parts


for name, text, pieces in [
    ("no pieces at all", "a bc  d", set()),
    ("pieces that never fit", "hello you", {"xyz", "o▁y", "you ", " hello", "▁▁"}),
    ("pieces that reach over the end of a word", "new york new", {"▁new▁york", "▁new", "w▁y", "▁new york", "york"}),
    ("a dead end", "abcdx abcde", {"▁a", "▁ab", "abcd", "bcde", "c", "cd", "cde", "de", "e"}),
    ("the whole word is a piece", "dog dogs hotdog", {"▁dog", "▁d", "dog", "s", "▁hot", "o", "g"}),
    ("the longest piece, not the first or the most", "aaaaaaa aa a", {"a", "aa", "aaa", "▁a", "▁aaaa"}),
    ("marks", "_under _ __x ▂ _▁"[:13], {"_", "__", "▁_", "▁__", "under", "▁under"}),
    ("regular expressions", "a.c abc (x|y)* $1^ [ab]+ \\d 1+1", {"a.c", ".", "▁a.c", "(x|y)*", "[ab]+", "▁\\d", "+"}),
    ("upper and lower case", "Paris PARIS paris", {"▁paris", "▁Paris", "P", "paris", "▁P", "ARIS"}),
    ("other scripts", "Привет, 世界! שלום नमस्ते", {"▁При", "вет", "▁世", "界", "▁שלו", "नमस्ते", "▁", "!"}),
    (
        "emoji and combining accents",
        "👩‍🚀🚀 e\u0301e\u0301 é 👍🏽 n\u0303o",
        {"👩", "▁👩‍🚀", "🚀", "e\u0301", "▁é", "👍🏽", "▁e", "\u0301"},
    ),
    ("white space of all kinds", "\t a\n\nb\u00a0c\u3000d \r e ", {"▁a", "▁b", "c", "▁", "e", "\n"}),
    ("rare white space", "a\x0bb\x0ca\x1cb\x1fa\x85b\u2003a\u2028b", {"▁a", "b", "a\x1cb", "\u2003"}),
    ("white space only", " \n\t ", {"▁", " "}),
    (
        "marks inside words",
        "l'ami d’un “porte-clés” a\u200bb ☀\ufe0f \ufeffa",
        {"▁l", "'", "ami", "’", "▁porte", "-", "▁a"},
    ),
    (
        "long pieces",
        "internationalization internationally antidisestablishmentarianism donaudampfschifffahrt",
        {"▁", "inter", "▁internat", "▁internationalizati", "ionally", "ion", "dis", "establish", "mentarianism"}
        | {"▁antidisestablishmentarianism", "▁donau", "▁donaudampfschi", "dampf", "fffahrt"},
    ),
    *(
        ("long pieces", "a" * (250 + n), {"aa", "▁aaa", "▁" + "a" * n, "a" * n})
        for n in (6, 7, 8, 10, 15, 16, 20, 30, 99, 600)
    ),
    ("numbers and dates", "3 1999 14.7. 1,000 , 5 !", {"1", "19", "9", "99", "▁1", "▁14", ".7", "000", "▁"}),
]:
    check_segment(text, pieces, segment_reference(text, pieces), f"segment, {name}")
for letters, longest, num_pieces in [("ab", 5, 12), ("abc", 4, 25), ("▁aé🚀"[1:], 6, 20), ("xyz_ ", 3, 15)]:
    for _ in range(25):
        text = "".join(rng.choice(list(letters + "  "), rng.integers(0, 40)))
        pieces = {
            "▁" * int(rng.integers(2)) + "".join(rng.choice(list(letters), rng.integers(1, longest + 1)))
            for _ in range(num_pieces)
        }
        check_segment(text, pieces, segment_reference(text, pieces), f"segment of a random text of '{letters}'")
word = "".join(rng.choice(list("ab"), 4000))
check_segment(
    f"{word} b", {"a", "ab", "aab"}, segment_reference(f"{word} b", {"a", "ab", "aab"}), "segment, a long word"
)
check_segment("q" * 3000, {"▁"}, ["▁", *("q" * 3000)], "segment, a long word without a piece")
# The way back knows the parts, and not the text that was cut last.
require(call(restore, ["▁un", "happi", "▁", "y"]) == "unhappi y", "restore of the parts of two words is wrong.")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: BLEU (12 points)
#
# BLEU (Papineni et al., 2002) counts which word sequences of a translation, its **n-grams**, occur in a reference. A
# sentence may have several references.
#
# **(a)** Write `ngram_matches(hypothesis, references, order)` for one sentence. `hypothesis` is a list of words,
# `references` a list of such lists (at least one), `order` the length of the n-grams (≥ 1). It returns the pair
# `(matches, total)` of `int`: how many of the hypothesis' n-grams are matched, and how many
# n-grams it has (each occurrence counts). An n-gram that occurs $a$ times in the hypothesis and at most $b$ times in any **one** reference counts
# $\min(a, b)$ times as matched ("clipping": saying a right word again and again does not help).
#
# **(b)** Write `bleu(hypotheses, references, max_order=4)` for a whole corpus: `hypotheses` is a list of sentences
# (lists of words), `references` a list that has, for each, the list of its references. With the sums of matches and
# totals over **all** sentences,
#
# $$p_n = \frac{\sum \mathrm{matches}_n}{\sum \mathrm{total}_n}, \qquad
# \mathrm{BLEU} = 100 \cdot \min\!\left(1,\; e^{1 - r / h}\right) \cdot \left(\prod_{n=1}^{N} p_n\right)^{1 / N},$$
#
# with $N$ = `max_order`. $h$ is the number of words in all hypotheses together, $r$ the sum of the reference lengths:
# of each sentence, the reference counts whose length is closest to the hypothesis' (of two that are equally close, the shorter one: for 6
# words, of references with 4 and 7 words the one with 7, of 5 and 7 the one with 5). It returns a `float`. Where some $p_n$ is 0 (or has no n-grams to count), BLEU is 0: there is no
# smoothing.
#
# **Hint.** `Counter(tuple(words[i : i + n]) for i in ...)`; `a & b` of two counters takes the smaller counts, `a | b`
# the larger ones. Add logarithms, or the product of many small numbers gets lost. The mean of the sentences' BLEU is
# something else.
#
# **Not allowed:** `sacrebleu`.
#
# **Graded by** comparing with a reference and with values of sacrebleu: repeated words, several references of different
# lengths, translations that are too short, too long, empty, perfect or without any match; `max_order` from 1 to 6;
# words that are texts or numbers.


# %% nbgrader={"grade": false, "grade_id": "bleu", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ngram_matches(hypothesis, references, order):
    """How many n-grams of a sentence are in its references, and how many it has."""
    ### BEGIN SOLUTION
    counts = ngrams(hypothesis, order)
    allowed = Counter()
    for reference in references:
        allowed |= ngrams(reference, order)
    return (counts & allowed).total(), counts.total()
    ### END SOLUTION


def bleu(hypotheses, references, max_order=4):
    """BLEU of a corpus, from 0 to 100."""
    ### BEGIN SOLUTION
    log_precision = 0.0
    for order in range(1, max_order + 1):
        pairs = [ngram_matches(*pair, order) for pair in zip(hypotheses, references, strict=True)]
        matches, total = map(sum, zip(*pairs, strict=True))
        if matches == 0:
            return 0.0
        log_precision += np.log(matches / total) / max_order
    h = sum(map(len, hypotheses))
    r = sum(closest_length(*pair) for pair in zip(hypotheses, references, strict=True))
    return float(100 * np.exp(min(0.0, 1 - r / h) + log_precision))
    ### END SOLUTION


### BEGIN SOLUTION
def ngrams(words, order):
    """How often each n-gram occurs."""
    return Counter(tuple(words[i : i + order]) for i in range(len(words) - order + 1))


def closest_length(hypothesis, references):
    """The length of the reference that is nearest to the hypothesis' length, the shorter one of two."""
    return min((abs(len(reference) - len(hypothesis)), len(reference)) for reference in references)[1]


### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_bleu", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
"""BLEU: clipped matches, sums over the corpus, the brevity penalty, several references, no smoothing."""


def check_matches(hypothesis, references, order, want, name):
    got = check_items(call(ngram_matches, hypothesis, references, order), ["matches", "total"], name)
    for part, value, wanted in zip(["matches", "total"], got, want, strict=True):
        check_number(value, wanted, f"{name}: {part}")


# The example of the paper (section 2.1): seven times "the", of which a reference has at most two.
the = ["the"] * 7
references = ["the cat is on the mat".split(), "there is a cat on the mat".split()]
check_matches(the, references, 1, (2, 7), "ngram_matches of seven 'the'")
check_matches("the cat the cat".split(), references, 2, (1, 3), "ngram_matches of pairs")
check_matches(["the"], references, 2, (0, 0), "ngram_matches of pairs in one word")
hypotheses = ["the cat is on a mat".split(), "it rains".split()]
pairs = [references, [["it", "rains", "today"]]]
# All 8 words and 4 of 6 pairs match; 8 words against 6 + 3.
want = 100 * np.exp(1 - 9 / 8) * np.sqrt(8 / 8 * 4 / 6)
check_number(call(bleu, hypotheses, pairs, 2), want, "bleu of two sentences with max_order=2")
check_number(call(bleu, hypotheses[1:], pairs[1:]), 0.0, "bleu of two words")
check_number(call(bleu, references, [[reference] for reference in references]), 100.0, "bleu of the references")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xBE1D5B6A8F4D09ECC0ACB94C65)


def count_ngrams(words, order):
    counts = {}
    for end in range(order, len(words) + 1):
        key = tuple(words[end - order : end])
        counts[key] = counts.get(key, 0) + 1
    return counts


def matches_reference(hypothesis, references, order):
    counts = count_ngrams(hypothesis, order)
    others = [count_ngrams(reference, order) for reference in references]
    matched = sum(min(count, max(other.get(key, 0) for other in others)) for key, count in counts.items())
    return matched, sum(counts.values())


def bleu_reference(hypotheses, references, max_order):
    product = 1.0
    for order in range(1, max_order + 1):
        matched = total = 0
        for hypothesis, own in zip(hypotheses, references, strict=True):
            more = matches_reference(hypothesis, own, order)
            matched, total = matched + more[0], total + more[1]
        product *= matched / total if total else 0.0
    length, wanted = sum(map(len, hypotheses)), 0
    for hypothesis, own in zip(hypotheses, references, strict=True):
        wanted += sorted(map(len, own), key=lambda size: (abs(size - len(hypothesis)), size))[0]
    penalty = 1.0 if length >= wanted else np.exp(1 - wanted / length) if length else 0.0
    return 100 * penalty * product ** (1 / max_order)


def random_corpus(rng, num_sentences, vocabulary, most_references, change, longest=14):
    """Sentences, each with references that are copies with words changed, left out and put in."""
    hypotheses, references = [], []
    for _ in range(num_sentences):
        words = rng.integers(0, vocabulary, rng.integers(4, longest)).tolist()
        own = []
        for _ in range(rng.integers(1, most_references + 1)):
            other = [int(rng.integers(vocabulary)) if rng.random() < change else word for word in words]
            place = int(rng.integers(len(other) + 1))
            own.append(other[:place] + rng.integers(0, vocabulary, rng.integers(3)).tolist() + other[place + 1 :])
        hypotheses.append(words)
        references.append(own)
    return hypotheses, references


# Values of sacrebleu 2.6 for the same corpora (no tokenization, no smoothing, all orders).
SACREBLEU = {
    (0x5D7A91, 4): 62.751346,
    (0x5D7A91, 2): 79.815122,
    (0x81C3F5, 4): 60.385824,
    (0x81C3F5, 1): 86.228353,
    (0xE40B27, 3): 74.725211,
    (0xE40B27, 6): 49.423182,
}
for (number, max_order), want in SACREBLEU.items():
    corpus = random_corpus(np.random.default_rng(number), 30, 40, 3, 0.2)
    check_number(call(bleu, *corpus, max_order), want, f"bleu of a random corpus with max_order={max_order}")

for num_sentences, vocabulary, most_references, change in [
    (40, 30, 1, 0.15),
    (25, 12, 4, 0.3),
    (60, 200, 2, 0.1),
    (1, 9, 3, 0.1),
    (20, 3, 2, 0.5),
]:
    hypotheses, references = random_corpus(rng, num_sentences, vocabulary, most_references, change)
    for order in (1, 2, 3, 5):
        for hypothesis, own in list(zip(hypotheses, references, strict=True))[:8]:
            want = matches_reference(hypothesis, own, order)
            check_matches(hypothesis, own, order, want, f"ngram_matches, order {order}, {vocabulary} words")
    for what, cut in [("as they are", slice(None)), ("without their last two words", slice(-2)), ("empty", slice(0))]:
        shorter = [hypothesis[cut] for hypothesis in hypotheses]
        for max_order in (1, 2, 4, 6):
            want = bleu_reference(shorter, references, max_order)
            name = f"bleu of {num_sentences} sentences, {what}, max_order={max_order}"
            check_number(call(bleu, shorter, references, max_order), want, name)
    longer = [hypothesis + hypothesis[:3] for hypothesis in hypotheses]
    check_number(call(bleu, longer, references), bleu_reference(longer, references, 4), "bleu of too long sentences")
    words = [[f"w{number}" for number in hypothesis] for hypothesis in hypotheses]
    own = [[[f"w{number}" for number in one] for one in some] for some in references]
    check_number(call(bleu, words, own), bleu_reference(hypotheses, references, 4), "bleu of words that are texts")
check_matches(list("ab"), [list("abc")], 5, (0, 0), "ngram_matches, a hypothesis much shorter than the order")
check_matches([], [list("ab")], 3, (0, 0), "ngram_matches, an empty hypothesis")
check_matches(["a", "bc", "d"], [["ab", "c", "d"]], 2, (0, 2), "ngram_matches of words that join to the same letters")
check_matches(["The", "cat", "."], [["the", "cat"]], 1, (1, 3), "ngram_matches of capital letters and marks")
# Of lengths 6 and 8 for 7 words, the shorter one counts: no penalty.
seven, six, eight = list("abcdefg"), list("abcdef"), list("abcdefgh")
for order_of_references in ([six, eight], [eight, six]):
    check_number(call(bleu, [seven], [order_of_references], 1), 100.0, "bleu, two references equally close in length")
# Of lengths 5 and 12 for 8 words, the closest counts, although a longer one is there; for 9 words, the longer one is.
five, twelve = list("abcde"), list("abcdefghijkl")
check_number(call(bleu, [twelve[:8]], [[twelve, five]], 1), 100.0, "bleu, the closest reference is the shorter one")
want = 100 * np.exp(1 - 12 / 9)
check_number(call(bleu, [twelve[:9]], [[five, twelve]], 1), want, "bleu, the closest reference is the longer one")
check_number(call(bleu, [list("xyzw")], [[list("abcd")]]), 0.0, "bleu without any match")
check_number(call(bleu, [list("abcxefgh")], [[list("abcyefgz")]]), 0.0, "bleu without a match of four words")
check_number(
    call(bleu, [[], list("abcde")], [[list("ab")], [list("abcde")]]), 100 * np.exp(1 - 7 / 5), "bleu, one empty"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 7: a masked loss with label smoothing (8 points)
#
# Write `translation_loss(logits, targets, smoothing)`. `logits` are scores before the softmax, `(batch, time, num_tokens)`,
# a `float32` array or tensor; `targets` are integers `(batch, time)` from 0 to `num_tokens - 1`, an array or a tensor,
# where 0 is padding; `smoothing` is a number $\varepsilon$ from 0 to below 1.
#
# With $p$ the softmax of a place's logits, its loss is the cross-entropy between $p$ and the **smoothed** target, which
# gives $1 - \varepsilon$ to the right token $y$ and shares $\varepsilon$ evenly among all $V$ = `num_tokens` tokens, the
# right one and padding included (Szegedy et al., 2016, section 7):
#
# $$\ell = -\sum_{k=0}^{V-1} q_k \log p_k, \qquad q_k = (1 - \varepsilon)\,[k = y] + \frac{\varepsilon}{V}.$$
#
# The result is the sum of $\ell$ over all places that are no padding, divided by **their** number: one number (a scalar
# array or tensor). A longer sentence counts for more, and the batch's width changes nothing. A batch of padding only
# has the loss 0.
#
# Your training loop differentiates this function: compute with `keras.ops` (or `tf`).
#
# **Hint.** $\log p$ is `keras.ops.log_softmax`: the logarithm of a softmax overflows. $\ell$ is
# $-(1 - \varepsilon) \log p_y - \frac{\varepsilon}{V} \sum_k \log p_k$, and `keras.ops.one_hot(targets, num_tokens)`
# picks $\log p_y$.
#
# **Not allowed:** `keras.losses`, `tf.losses`, `tf.nn.*cross_entropy*`, `keras.ops.*crossentropy*`,
# `tf.keras.losses`, `keras.metrics`, `tf.compat.v1.losses`.
#
# **Graded by** comparing with a reference: with and without smoothing, different amounts of padding, in the middle too,
# huge logits, one and many tokens; by the gradient with respect to the logits, which is 0 at padding.


# %% nbgrader={"grade": false, "grade_id": "translation_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def translation_loss(logits, targets, smoothing):
    """The mean cross-entropy of the real tokens with their smoothed targets, a scalar."""
    ### BEGIN SOLUTION
    ops = keras.ops
    log_p = ops.log_softmax(ops.convert_to_tensor(logits), axis=-1)
    num_tokens = log_p.shape[-1]
    right = ops.sum(ops.one_hot(targets, num_tokens, dtype=log_p.dtype) * log_p, axis=-1)
    each = -(1 - smoothing) * right - smoothing * ops.mean(log_p, axis=-1)
    real = ops.cast(ops.not_equal(targets, 0), log_p.dtype)
    return ops.sum(each * real) / ops.maximum(ops.sum(real), 1)
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_translation_loss", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def loss_and_gradient(logits, targets, smoothing):
    """The loss by your function, and its gradient with respect to the logits."""
    logits = tf.Variable(logits)
    with tf.GradientTape() as tape:
        loss = tf.convert_to_tensor(translation_loss(logits, targets, smoothing))
    return loss, tape.gradient(loss, logits)


# %% nbgrader={"grade": true, "grade_id": "test_translation_loss", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
"""Translation loss: the mean over real tokens only, smoothing over all tokens, huge logits, and the gradient."""
# Probabilities 1/2, 1/4, 1/4 at each place; the target 2 has -log(1/4). The last place is padding.
logits = np.log(np.array([[[0.5, 0.25, 0.25]] * 3], "float32"))
got = call(translation_loss, logits, np.array([[2, 1, 0]]), 0.0)
check_number(got, np.log(4), "translation_loss without smoothing", hint="Divide by the number of real tokens.")
# With 0.3: 0.7 * log 4 + 0.1 * (log 2 + log 4 + log 4).
got = call(translation_loss, logits, np.array([[2, 1, 0]]), 0.3)
check_number(got, (0.7 * 2 + 0.1 * 5) * np.log(2), "translation_loss with smoothing 0.3")
check_number(call(translation_loss, logits, np.array([[0, 0, 0]]), 0.3), 0.0, "translation_loss of padding only")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x1FA9C1B8D7F7B2E6D3FC8C0A55)


def loss_reference(logits, targets, smoothing):
    """The loss, and its gradient: in each place, what the softmax says minus what it should say."""
    logits = logits.astype(np.float64)
    num_tokens, num_real, total, gradient = logits.shape[-1], np.count_nonzero(targets), 0.0, np.zeros(logits.shape)
    for place in np.argwhere(targets):
        z = logits[tuple(place)]
        log_p = z - z.max() - np.log(np.exp(z - z.max()).sum())
        wanted = np.full(num_tokens, smoothing / num_tokens)
        wanted[targets[tuple(place)]] += 1 - smoothing
        total -= wanted @ log_p / num_real
        gradient[tuple(place)] = (np.exp(log_p) - wanted) / num_real
    return total, gradient


for batch, time, num_tokens, scale, share in [
    (4, 6, 5, 1.0, 0.7),
    (1, 1, 3, 2.0, 1.0),
    (3, 9, 40, 1.0, 0.4),
    (6, 4, 2, 3.0, 0.5),
    (2, 30, 7, 1.0, 0.1),
    (5, 3, 6, 4000.0, 0.7),
]:
    for smoothing in (0.0, 0.1, 0.6):
        logits = (scale * rng.normal(size=(batch, time, num_tokens))).astype("float32")
        targets = rng.integers(1, num_tokens, (batch, time)) * (rng.random((batch, time)) < share)
        targets[0, 0] = 1
        want, want_gradient = loss_reference(logits, targets, smoothing)
        logits[targets == 0] = rng.choice([0, 500, -1e20], (np.count_nonzero(targets == 0), num_tokens))
        name = f"translation_loss of shape {logits.shape}, smoothing {smoothing}, logits around {scale}"
        check_number(call(translation_loss, logits, targets, smoothing), want, name, rtol=1e-3, atol=1e-4)
        wider = np.concatenate([targets, np.zeros_like(targets)], axis=1)
        got = call(translation_loss, np.concatenate([logits, logits], axis=1), wider, smoothing)
        check_number(got, want, f"{name}, twice as wide", rtol=1e-3, atol=1e-4)
        try:
            got = call(translation_loss, tf.constant(logits), tf.constant(targets, tf.int32), smoothing)
        except Exception:
            require(False, "translation_loss fails where logits and targets are tensors.")
        check_number(got, want, f"{name}, as tensors", rtol=1e-3, atol=1e-4)
        try:
            got = call(loss_and_gradient, logits, targets, smoothing)
        except Exception:
            require(False, "translation_loss fails in a tf.GradientTape.")
        loss, gradient = check_items(got, ["loss", "gradient"], name)
        require(gradient is not None, f"{name}: no gradient reaches the logits. Is all computed with keras.ops?")
        check_array(gradient, want_gradient, f"the gradient of {name}", rtol=1e-3, atol=1e-4)
loss, gradient = call(loss_and_gradient, logits, np.zeros_like(targets), 0.1)
check_number(loss, 0.0, "translation_loss of padding only, under a tape")
if gradient is not None:  # A loss that is the constant 0 has none, and is right.
    check_array(gradient, np.zeros(logits.shape), "the gradient of padding only")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 8: a training loop with teacher forcing (10 points)
#
# A decoder predicts each word from the words before it. In training these are the right ones, whatever the network
# would have said: **teacher forcing**. So all places of a sentence are computed at once.
#
# **(a)** Write `decoder_inputs(targets, begin)`. `targets` are integers `(batch, time)`, 0 where there is padding. The
# result is of integers and has their shape: in each row stands the number `begin`, then the row's targets, each one place
# later; the last one falls off. So at place $t$ the decoder sees target $t - 1$, and never the one that it has to say.
# Where the target itself is padding, the loss does not look: what stands there in the result does not matter, here and
# in (b).
#
# **(b)** Write `train(model, optimizer, sources, targets, *, epochs, batch_size, smoothing, max_norm, begin=1, seed=0)`.
# `sources` and `targets` are equally long lists of sentences, which are lists of tokens (integers above 0, at least
# one each and any number of them; targets end with their end token already). `model` is a Keras model;
# `model([x, y], training=True)` gives logits
# `(batch, time, num_tokens)` for a batch of sources `x` and of decoder inputs `y`, two integer arrays. It trains
# `model` and returns the list of the epochs' losses.
#
# **An epoch** goes once through all sentences, in a random order that is new in every epoch and follows from `seed`
# (the same seed gives the same orders; another seed, others). Each batch holds `batch_size` sentences; the last one
# holds what is left, if anything. Shorter sentences of a batch are filled up with 0 **behind** their tokens.
#
# **A step.** The loss is the `translation_loss` of the batch's logits, targets and `smoothing`. Call the model once a
# step. The gradients of the loss with respect to all trainable variables, from `tf.GradientTape`, are clipped together:
# if their common norm $\sqrt{\sum_i \sum g_i^2}$ is larger than `max_norm`, each is multiplied by
# $\mathrm{max\_norm} / \mathrm{norm}$. Then they are given to `optimizer` once.
#
# **After an epoch**, its loss is the sum over all its batches of loss × number of real target tokens, divided by the
# number of real target tokens of the epoch: a mean over **tokens**, as a Python float.
#
# **Hint.** `tf.clip_by_global_norm(gradients, max_norm)` is allowed here; it returns two things. `optimizer.apply(gradients, variables)`.
# Batches may be wider than their longest sentence: filled to the next multiple of 8, say, a compiled step
# (`tf.function`, allowed and not needed) sees fewer different shapes.
#
# **Not allowed:** `keras.losses`, `tf.losses`, `tf.nn.*cross_entropy*`, `keras.ops.*crossentropy*`,
# `tf.keras.losses`, `keras.optimizers`, `model.fit`, `model.train_on_batch`.
#
# **Graded by** shifting targets with and without padding; by training a model whose logits are sums of rows of two
# tables, which writes down the batches that it is given, and repeating your steps in NumPy: order and size of the
# batches, zeros behind the sources, decoder inputs, losses, weights after several epochs with and without clipping
# and smoothing, untrainable variables that stay. For this, it uses your `translation_loss`, too.


# %% nbgrader={"grade": false, "grade_id": "training_loop", "locked": false, "schema_version": 3, "solution": true, "task": false}
def decoder_inputs(targets, begin):
    """The targets one place later, behind `begin`."""
    ### BEGIN SOLUTION
    return np.concatenate([np.full_like(targets[:, :1], begin), targets[:, :-1]], axis=1)
    ### END SOLUTION


def train(model, optimizer, sources, targets, *, epochs, batch_size, smoothing, max_norm, begin=1, seed=0):
    """Train `model` by teacher forcing; gives the mean loss of a token in each epoch."""
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(sources))
        total = num_tokens = 0.0
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            x, y = (side_by_side([sentences[n] for n in batch]) for sentences in (sources, targets))
            with tf.GradientTape() as tape:
                loss = translation_loss(model([x, decoder_inputs(y, begin)], training=True), y, smoothing)
            gradients = tape.gradient(loss, model.trainable_variables)
            gradients, _ = tf.clip_by_global_norm(gradients, max_norm)
            optimizer.apply(gradients, model.trainable_variables)
            total += float(loss) * np.count_nonzero(y)
            num_tokens += np.count_nonzero(y)
        losses.append(total / num_tokens)
    return losses
    ### END SOLUTION


### BEGIN SOLUTION
def side_by_side(sentences, multiple=1):
    """Sentences of different lengths as one array, with zeros behind the shorter ones."""
    width = -(-max(map(len, sentences)) // multiple) * multiple
    return np.array([[*sentence, *[0] * (width - len(sentence))] for sentence in sentences], "int32")


### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_training_loop", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
class TableTranslator(keras.Model):
    """Logits that are sums of table rows: for the word before and each source word; `remember` sees batches."""

    def __init__(self, before, source, remember):
        super().__init__()
        self.before = self.add_weight(shape=before.shape, initializer="zeros", name="before")
        self.source = self.add_weight(shape=source.shape, initializer="zeros", name="source")
        self.offset = self.add_weight(shape=(), initializer="ones", trainable=False, name="offset")
        self.before.assign(before)
        self.source.assign(source)
        self.remember = remember

    def call(self, inputs, training=False):
        x, y = inputs
        if training:
            tf.py_function(self.remember, [x, y], [])
        ops = keras.ops
        real = ops.expand_dims(ops.cast(ops.not_equal(x, 0), "float32"), -1)
        words = ops.sum(ops.one_hot(x, self.source.shape[0]) * real, axis=1, keepdims=True)
        before = ops.one_hot(y, self.before.shape[0])
        return ops.matmul(before, self.before) + ops.matmul(words, self.source) + self.offset


def train_tables(before, source, learning_rate, sources, targets, **settings):
    """Train two tables with your `train`; gives losses, batches seen, number of steps, weights."""
    batches = []
    model = TableTranslator(before, source, lambda x, y: batches.append((x.numpy(), y.numpy())))
    optimizer = keras.optimizers.SGD(learning_rate)
    losses = train(model, optimizer, sources, targets, **settings)
    weights = {"before": model.before.numpy(), "source": model.source.numpy(), "offset": model.offset.numpy()}
    return {"losses": losses, "batches": batches, "steps": int(optimizer.iterations.numpy()), **weights}


# %% nbgrader={"grade": true, "grade_id": "test_training_loop", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""Training loop: decoder inputs, batches and their padding, the mean over tokens, clipping, the weights."""
some = np.array([[5, 6, 2], [7, 2, 0]])
got = as_array(call(decoder_inputs, some, 1), "decoder_inputs", some.shape) * (some > 0)
check_array(got, np.array([[1, 5, 6], [1, 7, 0]]), "decoder_inputs", hint="Each target stands one place later.")

# Five sentences, told apart by their first token. All tables are 0, so that all four tokens are equally likely.
sources = [[1, 4], [2], [3, 6, 6, 6], [4, 5, 6], [5, 1]]
targets = [[3, 2], [3, 3, 2], [2], [1, 3, 3, 3, 2], [1, 2]]
settings = dict(epochs=2, batch_size=2, smoothing=0.1, max_norm=1.0, begin=1, seed=0)
run = call(train_tables, np.zeros((4, 4)), np.zeros((7, 4)), 0.0, sources, targets, **settings)
batches = [[as_array(part, "a batch") for part in check_items(pair, "xy", "a batch")] for pair in run["batches"]]
sizes = [len(x) for x, _ in batches]
require(sizes == [2, 2, 1] * 2, f"5 sentences in batches of 2, for 2 epochs: your batches have the sizes {sizes}.")
require(run["steps"] == 6, "The optimizer should be applied once a step.")
seen = [sorted(int(number) for x, _ in batches[k : k + 3] for number in x[:, 0]) for k in (0, 3)]
require(seen == [[1, 2, 3, 4, 5]] * 2, f"Each epoch should use each sentence once; yours uses {seen}.")
for epoch, loss in enumerate(check_items(run["losses"], ["epoch 0", "epoch 1"], "the losses")):
    check_number(loss, np.log(4), f"the loss of epoch {epoch}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x96F9A6E3C2B5D17F0E1CBB7A29)
for batch, time, begin in [(1, 1, 1), (4, 6, 1), (3, 9, 7), (5, 2, 3)]:
    shifted = rng.integers(1, 9, (batch, time)) * (np.arange(time) < rng.integers(1, time + 1, (batch, 1)))
    want = np.array([[begin, *row][:time] for row in shifted.tolist()])
    name = f"decoder_inputs of shape {shifted.shape}, begin {begin}"
    got = as_array(call(decoder_inputs, shifted, begin), name, shifted.shape)
    check_array(got * (shifted > 0), want * (shifted > 0), name)


def step_reference(rows, tables, smoothing, begin):
    """The loss of a batch of sentences (numbers in `rows`), its number of tokens, and the gradients of the loss."""
    before, source = tables
    num_tokens, total, gradients = sum(len(targets[n]) for n in rows), 0.0, [np.zeros_like(table) for table in tables]
    for n in rows:
        words = np.bincount(sources[n], minlength=len(source))
        for last, token in zip([begin, *targets[n]], targets[n], strict=False):
            logits = before[last] + words @ source
            log_p = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
            wanted = np.full(len(logits), smoothing / len(logits))
            wanted[token] += 1 - smoothing
            total -= wanted @ log_p / num_tokens
            d_logits = (np.exp(log_p) - wanted) / num_tokens
            gradients[0][last] += d_logits
            gradients[1] += np.outer(words, d_logits)
    return total, num_tokens, gradients


def random_sentences(num_sentences, num_tokens, longest):
    return [rng.integers(1, num_tokens, rng.integers(1, longest + 1)).tolist() for _ in range(num_sentences)]


def alike(first, second):
    """Whether two epochs (lists of batches) go the same way: most neighbours stay, or all batches hold the same."""
    pairs = [
        {frozenset(pair) for pair in zip(rows, rows[1:], strict=False)} for rows in (sum(first, []), sum(second, []))
    ]
    same_batches = len(first) > 1 and {*map(frozenset, first)} == {*map(frozenset, second)}
    return same_batches or len(pairs[0] & pairs[1]) > len(pairs[0]) * 2 / 3


def mixes(epoch, sentences):
    """Whether some batch holds a longer sentence than another batch's shortest, and a shorter one, too."""
    lengths = sorted((min(sizes), max(sizes)) for sizes in ([len(sentences[n]) for n in rows] for rows in epoch))
    return any(longest > shortest for (_, longest), (shortest, _) in zip(lengths, lengths[1:], strict=False))


sources = [[n + 1, *words] for n, words in enumerate(random_sentences(17, 20, 6))]
targets = random_sentences(17, 6, 9)
sources[3] += rng.integers(1, 20, 130).tolist()
targets[8] += rng.integers(1, 6, 130).tolist()
before, source = 0.5 * rng.normal(size=(6, 6)), 0.5 * rng.normal(size=(20, 6))
orders = {}
for what, settings, learning_rate in [
    ("no clipping, no smoothing", dict(epochs=2, batch_size=4, smoothing=0.0, max_norm=1e9, seed=1), 0.5),
    ("clipping", dict(epochs=3, batch_size=4, smoothing=0.0, max_norm=0.1, begin=1, seed=2), 2.0),
    ("smoothing, some steps clipped", dict(epochs=3, batch_size=5, smoothing=0.3, max_norm=0.6, seed=0), 0.5),
    # Uphill: training goes on where the loss rises.
    ("another begin, the default seed", dict(epochs=3, batch_size=5, smoothing=0.1, max_norm=1.0, begin=4), -0.5),
    ("one batch that holds all", dict(epochs=1, batch_size=50, smoothing=0.1, max_norm=5.0, seed=3), 0.5),
]:
    run = call(
        train_tables, before.astype("float32"), source.astype("float32"), learning_rate, sources, targets, **settings
    )
    epochs, batch_size, begin = settings["epochs"], settings["batch_size"], settings.get("begin", 1)
    steps_an_epoch = -(-len(sources) // batch_size)
    batches = [[as_array(part, "a batch") for part in check_items(pair, "xy", "a batch")] for pair in run["batches"]]
    sizes = [min(batch_size, len(sources) - start) for start in range(0, len(sources), batch_size)] * epochs
    require(
        [len(x) for x, _ in batches] == sizes,
        f"{what}: number or sizes of the batches are wrong (one call a step).",
    )
    require(run["steps"] == len(batches), f"{what}: the optimizer should be applied once a step.")
    order = []
    require(
        all(part.dtype.kind in "iu" for pair in batches for part in pair),
        f"{what}: the model should get arrays of integers, sources and decoder inputs.",
    )
    for x, y in batches:
        rows = [int(number) - 1 for number in x[:, 0]]
        order.append(rows)
        require(all(0 <= n < len(sources) for n in rows), f"{what}: the batch of sources holds something else.")
        for n, of_source, of_target in zip(rows, x, y, strict=True):
            length = len(sources[n])
            require(
                of_source[:length].tolist() == sources[n] and not of_source[length:].any(),
                f"{what}: a batch should hold the tokens of its sources, with zeros behind the shorter ones.",
            )
            length = len(targets[n])
            require(
                of_target[:length].tolist() == [begin, *targets[n]][:length],
                f"{what}: decoder inputs should be `begin`, and then the targets, each one place later.",
            )
    seen = [order[step : step + steps_an_epoch] for step in range(0, len(order), steps_an_epoch)]
    require(
        all(sorted(sum(epoch, [])) == list(range(len(sources))) for epoch in seen),
        f"{what}: each epoch should use each sentence once.",
    )
    as_given = [list(range(len(sources)))[start : start + batch_size] for start in range(0, len(sources), batch_size)]
    for number, epoch in enumerate(seen):
        again = any(alike(before_it, epoch) for before_it in [as_given, *seen[:number]])
        require(not again, f"{what}: each epoch should have a random order of its own.")
    # The offset of the model is 1 for all tokens, which changes no probability.
    tables, want_losses, counts = [before, source], np.zeros(epochs), np.zeros(epochs)
    for step, rows in enumerate(order):
        loss, num_tokens, gradients = step_reference(rows, tables, settings["smoothing"], begin)
        want_losses[step // steps_an_epoch] += loss * num_tokens
        counts[step // steps_an_epoch] += num_tokens
        norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
        factor = min(1.0, settings["max_norm"] / norm)
        tables = [table - learning_rate * factor * gradient for table, gradient in zip(tables, gradients, strict=True)]
    losses = check_items(run["losses"], [f"epoch {epoch}" for epoch in range(epochs)], f"the losses with {what}")
    for epoch, (loss, want) in enumerate(zip(losses, want_losses / counts, strict=True)):
        check_number(loss, want, f"the loss of epoch {epoch} with {what}", rtol=1e-3)
    for part, want in zip(["before", "source"], tables, strict=True):
        check_array(run[part], want, f"the table `{part}` after training with {what}", rtol=1e-3, atol=1e-4)
    check_array(run["offset"], np.ones((), "float32"), f"a variable that is not trainable, with {what}")
    orders[what] = seen
require(
    orders["smoothing, some steps clipped"] == orders["another begin, the default seed"],
    "The same seed should give the same orders, and 0 should be the default.",
)
require(
    orders["clipping"][0] != orders["no clipping, no smoothing"][0],
    "Another seed should give another order.",
)
for sentences in (sources, targets):
    require(
        any(mixes(epoch, sentences) for seen in orders.values() for epoch in seen),
        "The order should be random: your batches hold sentences of similar lengths.",
    )
### END HIDDEN TESTS

# %% [markdown]
# ## Task 9: a translator (12 points)
#
# Write two functions:
#
# - `fit_translator(pairs)` trains a translator. `pairs` is a list of tuples `(english, french)` of `str`: a sentence and
#   its translation. It returns whatever your second function needs.
# - `translate(translator, sentences)` takes that and a list of English sentences, and returns a list with a French
#   sentence (`str`) for each. How many sentences come at once varies.
#
# Everything is allowed: ready-made layers, your own functions of the tasks above, `tokenize` and `detokenize` (and the
# rest of what `coursedata.translation.text` offers, such as `Vocabulary`). Not allowed are weights that were trained
# elsewhere and text other than `pairs` (and what you make of it): neither the course's grammar nor word lists and rules
# of your own. The training cell below gives your function the 4,000 pairs. Keep it under 60 s by the clock on two CPU
# cores; 25 s are enough. The grader stops a cell after three minutes and a call of `translate` after one, and grades
# several notebooks at once, so that yours gets less of a computer than it has at home: translate all sentences as one
# batch.
#
# **Hint.** Small letters, and a token for each word: `tokenize(normalize(text))`,
# and back with `detokenize(tokens, "fr")`. `Vocabulary` numbers padding 0, start 1, end 2 and unknown words 3. An encoder that reads both ways, a decoder that begins with the
# encoder's last states, and attention as in Luong et al. (2015): the decoder's states are the queries; keys and values
# come from `concatenate([encoder outputs, embedded words])` of the source (with the words, attention is learned much
# sooner); `concatenate([state, context])` goes through a dense layer with tanh, and that into the softmax over the
# words. With GRUs of 64 to 128 units (they learn faster than LSTMs here), Adam with a learning rate around 0.006 that
# falls to 0 (`keras.optimizers.schedules.CosineDecay`), and batches of 32, six epochs are enough. Retracing costs seconds: give your `tf.function` an `input_signature` with `None` for batch and
# time, and make the optimizer's variables before the first step (`optimizer.build(variables)`, once the layers have
# theirs). Put sentences of similar lengths into a
# batch (in a loop of its own: `train` of task 8 has to mix them). A greedy search is enough; let it go on for some words more than
# the longest sentence of the training has. Your `bleu` measures how well you do:
#
# ```python
# written = [tokenize(normalize(text)) for text in predict(test_sources)]
# bleu(written, [[tokenize(normalize(one)) for one in some] for some in test_references])
# ```
#
# **Graded by** the BLEU of your translations of 240 sentences that your notebook never sees, of the three kinds of
# `test_sources`, with all their right translations as references: 12 points from BLEU 50 on, 6 points from 35 on.
# Small and capital letters and spaces make no difference, punctuation does. Your network is trained anew when it is
# graded, and may come out a little different: aim for 60 on `test_sources`. A translation word by word, without order
# and agreement, reaches 27. The public check only asks that at least one in a hundred of the 150 `test_sources` comes out
# exactly right, word for word like a reference (the training cell prints the share). It finds what does not work at all;
# passing it promises no points, which the BLEU alone decides.


# %% nbgrader={"grade": false, "grade_id": "experiment", "locked": false, "schema_version": 3, "solution": true, "task": false} tags=["trains"]
def fit_translator(pairs):
    """Train on pairs of an English and a French sentence; gives what translate needs."""
    ### BEGIN SOLUTION
    english, french = ([tokenize(text.lower()) for text in texts] for texts in zip(*pairs, strict=True))
    vocabularies = Vocabulary(english), Vocabulary(french)
    sources = [vocabularies[0].encode(words) for words in english]
    targets = [[*vocabularies[1].encode(words), END] for words in french]
    model = Translator(*map(len, vocabularies))
    num_epochs, batch_size = 6, 32
    num_steps = num_epochs * -(-len(pairs) // batch_size)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.006, num_steps), global_clipnorm=1.0)

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)] * 2)
    def step(x, y):
        shifted = tf.concat([tf.fill(tf.shape(y[:, :1]), BEGIN), y[:, :-1]], axis=1)
        with tf.GradientTape() as tape:
            logits, _ = model.decode(shifted, *model.encode(x, training=True), training=True)
            log_p = tf.nn.log_softmax(logits)
            each = -0.9 * tf.gather(log_p, y, batch_dims=2) - 0.1 * tf.reduce_mean(log_p, axis=-1)
            real = tf.cast(y != 0, tf.float32)
            loss = tf.reduce_sum(each * real) / tf.reduce_sum(real)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    # The layers make their weights when they are first called.
    model.decode(filled(targets[:1]), *model.encode(filled(sources[:1])))
    # Were the optimizer's made in the first step, it would be compiled twice.
    optimizer.build(model.trainable_variables)
    order = np.argsort([len(target) for target in targets], kind="stable")
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    rng = np.random.default_rng(seed)
    for _ in coursekit.progress_bar(range(num_epochs), label="translator"):
        for number in rng.permutation(len(batches)):
            step(*(filled([sentences[n] for n in batches[number]]) for sentences in (sources, targets)))
    return model, vocabularies
    ### END SOLUTION


def translate(translator, sentences):
    """A French sentence for each English one."""
    ### BEGIN SOLUTION
    model, (english, french) = translator
    x = filled([english.encode(tokenize(sentence.lower())) for sentence in sentences])
    memory, real, state = model.encode(x)
    tokens, written = np.full((len(x), 1), BEGIN, "int32"), []
    for _ in range(LONGEST):
        logits, state = model.decode(tokens, memory, real, state)
        tokens = keras.ops.convert_to_numpy(logits).argmax(axis=-1).astype("int32")
        written.append(tokens)
    return [detokenize(french.decode(row), "fr") for row in np.concatenate(written, axis=1).tolist()]
    ### END SOLUTION


### BEGIN SOLUTION
BEGIN, END, LONGEST = 1, 2, 24


class Translator(keras.Model):
    """GRUs that read and write, with dot attention in between."""

    def __init__(self, num_english, num_french, width=64):
        super().__init__()
        layers = keras.layers
        self.read_words = layers.Embedding(num_english, width)
        self.write_words = layers.Embedding(num_french, width)
        self.reader = layers.Bidirectional(layers.GRU(width, return_sequences=True, return_state=True))
        self.writer = layers.GRU(2 * width, return_sequences=True, return_state=True)
        self.key = layers.Dense(2 * width, use_bias=False)
        self.mix = layers.Dense(2 * width, activation="tanh")
        self.dropout = layers.Dropout(0.1)
        self.output_layer = layers.Dense(num_french)

    def encode(self, x, training=False):
        """What the decoder looks at, which of it is real, and the state that it begins with."""
        real = keras.ops.not_equal(x, 0)
        words = self.dropout(self.read_words(x), training=training)
        read, forward, backward = self.reader(words, mask=real)
        # With the words themselves in the memory, attention pays from the first steps on.
        memory = keras.ops.concatenate([read, words], axis=-1)
        return memory, real, keras.ops.concatenate([forward, backward], axis=-1)

    def decode(self, y, memory, real, state, training=False):
        """Logits for the tokens behind y, and the state after them."""
        words = self.dropout(self.write_words(y), training=training)
        h, state = self.writer(words, initial_state=state)
        scores = keras.ops.einsum("nqu,nku->nqk", h, self.key(memory))
        weights = keras.ops.softmax(keras.ops.where(real[:, None], scores, -1e9))
        mixed = self.mix(keras.ops.concatenate([h, keras.ops.matmul(weights, memory)], axis=-1))
        return self.output_layer(self.dropout(mixed, training=training)), state


def filled(sentences):
    """Sentences of different lengths as one array, with zeros behind the shorter ones."""
    width = max(1, *map(len, sentences))
    return np.array([[*sentence, *[0] * (width - len(sentence))] for sentence in sentences], "int32")


### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "train_experiment", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
translator = fit_translator(train_pairs)


def predict(sentences):
    """Your translations: what the test cell asks for."""
    return translate(translator, sentences)


written = predict(test_sources)
for pair in zip(test_sources[:6], written[:6], strict=True):
    print("{:60} {}".format(*pair))
word_for_word = [
    tokenize(normalize(str(text))) in [tokenize(normalize(one)) for one in some]
    for text, some in zip(written, test_references, strict=True)
]
print(f"{np.mean(word_for_word):.1%} of the test sentences are exactly right. The points depend on BLEU.")


# %% nbgrader={"grade": true, "grade_id": "test_experiment", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
"""Translator: the BLEU of its translations of sentences that were not in the training."""


def words_of(text):
    return tokenize(normalize(text))


def translations(sentences):
    """What `predict` makes of the sentences, as lists of words."""
    got = as_strings(call(predict, sentences), "translate")
    require(len(got) == len(sentences), f"translate: {len(sentences)} translations were expected, not {len(got)}.")
    return [words_of(text) for text in got]


require(len(translations(test_sources[:1])) == 1, "translate for one sentence")
right = [
    words in [words_of(reference) for reference in references]
    for words, references in zip(translations(test_sources), test_references, strict=True)
]
require(
    np.mean(right) >= 0.01,
    f"Only {sum(right)} of the {len(right)} test sentences are exactly right. (The points depend on BLEU, from 35 on.)",
)
### BEGIN HIDDEN TESTS


def corpus_bleu(hypotheses, references):
    """BLEU as in task 6, with four orders."""
    logs, lengths = [], np.zeros(2)
    for hypothesis, own in zip(hypotheses, references, strict=True):
        lengths += len(hypothesis), min((abs(len(one) - len(hypothesis)), len(one)) for one in own)[1]
    for order in range(1, 5):
        matched = total = 0
        for hypothesis, own in zip(hypotheses, references, strict=True):
            counts, *others = (
                Counter(tuple(words[k : k + order]) for k in range(len(words) - order + 1))
                for words in (hypothesis, *own)
            )
            matched += sum(min(count, max(other[key] for other in others)) for key, count in counts.items())
            total += counts.total()
        logs.append(np.log(matched / total) if matched else -np.inf)
    return 100 * np.exp(np.mean(logs) + min(0.0, 1 - lengths[1] / max(lengths[0], 1)))


unseen = load_translation("bundled", num_train=0, num_valid=0, num_test=240, seed=0xD67C0F3E1A94B85273A1, **SENTENCES)
learned = {english for english, _ in train_pairs}
chosen = [n for n, (english, _) in enumerate(unseen.test) if english not in learned]
require(len(chosen) > 200, "too many of the unseen sentences are in the training")
score = corpus_bleu(
    translations([unseen.test[n][0] for n in chosen]),
    [[words_of(one) for one in unseen.test_references[n]] for n in chosen],
)
require(score >= 35, f"BLEU {score:.1f} on new sentences: points begin at 35.")
12 if score >= 50 else 6
### END HIDDEN TESTS

# %% [markdown]
# ## Task 10: a written answer (6 points)
#
# Answer in about 250 words, in the next cell:
#
# 1. In training, the decoder sees the right words before each place, and when it translates it sees its own. What
#    goes wrong from this, and in which sentences most? Then: why must padding be left out of the loss, although
#    predicting it is easy?
# 2. A student reports a BLEU of 75 on sentences whose subject is always "I" or "we", another one a BLEU of 35 for newspaper text. What does
#    that say about their translators? Name a wrong translation that BLEU hardly punishes, and a right one that it does.
# 3. Look at sentences that *your* translator gets wrong (`test_sources`). Which kind of error is the most frequent one
#    (an agreement, a missing or repeated part, another word, the order), and in which of the three kinds of sentences (`test_sources[0::3]`:
#    like training, `[1::3]`: new combinations, `[2::3]`: longer)?
#    Name one change that you would try, and say how you would know that it helped.
#
# **Graded** by hand: 2 points for each part.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_answer", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
# 1. The decoder never saw its own mistakes in training. After a wrong word it stands in a place that it knows nothing
#    about, and often goes on wrongly or repeats itself: the longer the sentence, the more chances for a first mistake,
#    and the more words behind it. Padding is predicted perfectly after a few steps. In the mean it would make the loss
#    look small, the more so the more padding a batch happens to have; the gradient would be spent on it, and a sentence's
#    weight would depend on the sentences beside it.
# 2. Nothing about which is better. BLEU compares translators on the *same* sentences with the same references and the
#    same tokens: short sentences with few possible words are easy, and more references give a higher BLEU. "Elle ne voit pas le chat"
#    for "She sees the cat" changes two words and turns the meaning round; "Aujourd'hui elle travaille" for a reference
#    "Elle travaille aujourd'hui" is right, and loses most of its pairs of words.
# 3. Of twenty wrong translations that I read, eight break off one clause of two or mix them ("Les armoires sont de thomas de les articles est jolie"),
#    most in the long sentences; the next kind is another word of the same sort (a lamp for a table). Agreements are
#    nearly always right. Attention seems to lose its place in the second clause: I would feed the context into the decoder's next step
#    (Luong's input feeding), so that it knows what it has looked at. It helped if the BLEU of long sentences that were not used for choosing
#    rises by more than it differs between five seeds, and that of the others does not fall.

# %% [markdown]
# ## Bonus: beam search, with length normalization and a coverage penalty (10 points)
#
# The most probable next word is not always the beginning of the best sentence. A beam search keeps the `beam_width`
# best beginnings. But it likes short sentences, as each further word makes a probability smaller, and it does not mind
# leaving parts of the source untranslated. Google's translator scores finished translations by more than their probability
# (Wu et al., 2016, section 7).
#
# **(a)** (3 points) Write `hypothesis_score(log_p, attention, alpha, beta)` for one translation. `log_p` is the sum of
# the logarithms of its tokens' probabilities, `attention` the weights with which each of its $m$ tokens was written,
# an array `(m, num_source)` (so $m$ is the translation's length, its end token included). The score is
#
# $$\frac{\mathrm{log\_p}}{\mathrm{lp}} + \mathrm{cp}, \qquad
# \mathrm{lp} = \left(\frac{5 + m}{5 + 1}\right)^{\alpha}, \qquad
# \mathrm{cp} = \beta \sum_i \log\!\left(\min\!\left(\sum_j \mathrm{attention}[j, i],\; 1\right)\right),$$
#
# a `float`. With $\beta = 0$ there is no $\mathrm{cp}$, even where some source token got no attention at all; with
# $\beta > 0$, every source token got some.
#
# **(b)** (7 points) Write `beam_search(step, end, beam_width, max_length, alpha=0.0, beta=0.0)`. `step` is the network:
# `step(prefixes)` takes a list of prefixes (lists of `int`, all equally long; in the beginning, one that is empty), and
# returns two arrays, with a row for each prefix: the logarithms of the next token's probabilities,
# `(num_prefixes, num_tokens)`, and the attention with which that token is written, `(num_prefixes, num_source)`.
#
# It begins with the empty prefix. In each step, all continuations of all prefixes by every token are ranked by the sum of their
# logarithms of probabilities (nothing else), and the best `beam_width` are kept (in every step the
# same number, however many have finished before). Of these, those that end with the token `end`
# are **finished**: they are put aside and not continued. The others are the prefixes of the next step (so there may be fewer than
# `beam_width`). It ends when no prefix is left or after `max_length` steps; prefixes that are left then count as
# finished, too, just as they are.
#
# It returns all finished translations, the one with the highest `hypothesis_score` first: a list of pairs
# `(tokens, score)` of a list of `int` (with the end token, where there is one) and a `float`.
#
# **Hint.** A beam of width 1 is a greedy search. Keep of each prefix its tokens, its sum, and its rows of attention.
# All continuations at once are one array `(num_prefixes, num_tokens)`; its flattened `argsort` gives both numbers by
# `np.divmod`.
#
# **Graded by** comparing with a reference: scores of random translations; the search against all sentences that there
# are, where the beam is wide, against the greedy sentence, where its width is 1, and step by step otherwise; with
# translations that finish early, late and never; with and without length normalization and coverage. No two sums of a
# step are equal.


# %% nbgrader={"grade": false, "grade_id": "bonus_beam_search", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hypothesis_score(log_p, attention, alpha, beta):
    """The log-probability, normalized by length, plus the penalty for what was not looked at."""
    ### BEGIN SOLUTION
    score = log_p / ((5 + len(attention)) / 6) ** alpha
    if beta:
        score += beta * np.log(np.minimum(attention.sum(axis=0), 1)).sum()
    return float(score)
    ### END SOLUTION


def beam_search(step, end, beam_width, max_length, alpha=0.0, beta=0.0):
    """Finished translations with their scores, best first."""
    ### BEGIN SOLUTION
    beam, finished = [([], 0.0, [])], []
    for _ in range(max_length):
        log_p, attention = step([tokens for tokens, _, _ in beam])
        sums = np.array([total for _, total, _ in beam])[:, None] + log_p
        grown = []
        for place in np.argsort(-sums, axis=None)[:beam_width]:
            row, token = divmod(int(place), sums.shape[1])
            tokens, _, rows = beam[row]
            longer = ([*tokens, token], sums[row, token], [*rows, attention[row]])
            (finished if token == end else grown).append(longer)
        beam = grown
        if not beam:
            break
    scored = [(tokens, hypothesis_score(total, np.array(rows), alpha, beta)) for tokens, total, rows in finished + beam]
    return sorted(scored, key=lambda pair: -pair[1])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bonus_test_hypothesis_score", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
"""Scores of translations: length normalization and the coverage penalty."""
attention = np.array([[0.5, 0.5, 0.0], [0.25, 0.0, 0.75], [0.75, 0.0, 0.25]])
got = call(hypothesis_score, -6.0, attention, 1.0, 0.0)
check_number(got, -6 / (8 / 6), "hypothesis_score with alpha = 1 and beta = 0")
# The first source token was looked at more than enough, the second one half.
got = call(hypothesis_score, -6.0, attention, 0.0, 0.5)
check_number(got, -6 + 0.5 * np.log(0.5), "hypothesis_score with alpha = 0 and beta = 0.5")
got = call(hypothesis_score, -1.0, attention[:1], 0.7, 0.0)
check_number(got, -1.0, "hypothesis_score of one token that leaves a source token out, with beta = 0")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xE9A25F6CC1D07B3A4D80F6D1C7)
for length, num_source, alpha, beta in [
    (1, 4, 0.6, 0.2),
    (7, 3, 0.0, 1.0),
    (12, 9, 1.0, 0.0),
    (3, 8, 0.8, 0.3),
    (5, 12, 1.0, 0.5),
    (20, 25, 0.5, 0.1),
]:
    for _ in range(3):
        attention = rng.dirichlet(np.full(num_source, 0.5), length)
        log_p = -float(rng.exponential(length))
        coverage = [min(1.0, sum(row[i] for row in attention)) for i in range(num_source)]
        want = log_p * 6**alpha / (length + 5) ** alpha + beta * sum(np.log(covered) for covered in coverage)
        name = f"hypothesis_score of {length} tokens, alpha = {alpha}, beta = {beta}"
        check_number(call(hypothesis_score, log_p, attention, alpha, beta), want, name)
blind = np.zeros((5, 3))
check_number(call(hypothesis_score, -2.0, blind, 0.5, 0.0), -2 * (6 / 10) ** 0.5, "hypothesis_score without attention")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "bonus_test_beam_search", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
"""Beam search: exact where the beam is wide, greedy where it is narrow; nothing finished is forgotten or continued."""


def check_beam(got, want, name):
    require(type(got) in (list, tuple), f"{name}: a list of pairs was expected.")
    require(len(got) == len(want), f"{name}: {len(want)} translations were expected, there are {len(got)}.")
    for place, (entry, (tokens, score)) in enumerate(zip(got, want, strict=True)):
        got_tokens, got_score = check_items(entry, ["tokens", "score"], f"an entry of {name}")
        require(type(got_tokens) in (list, tuple, np.ndarray), f"{name}: the tokens at place {place} are no list.")
        require([int(token) for token in got_tokens] == tokens, f"{name}: the tokens at place {place} are wrong.")
        check_number(got_score, score, f"{name}: the score at place {place}")


# Token 0 is the end. First 0.4 for it and 0.6 for going on, then 0.45 and 0.55, then 0.9 and 0.1.
TABLE = np.log([[0.4, 0.6], [0.45, 0.55], [0.9, 0.1]])


def table_network(prefixes):
    return np.array([TABLE[min(len(prefix), 2)] for prefix in prefixes]), np.ones((len(prefixes), 1))


want = [([0], np.log(0.4)), ([1, 1, 0], np.log(0.297)), ([1, 0], np.log(0.27)), ([1, 1, 1], np.log(0.033))]
check_beam(call(beam_search, table_network, 0, 4, 3), want, "beam_search with room for all")
check_beam(call(beam_search, table_network, 0, 1, 3), want[1:2], "beam_search of width 1")
check_beam(call(beam_search, table_network, 0, 2, 1), [([1], np.log(0.6)), want[0]], "beam_search of one step")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xB8D3A12E55C96F70BB0E3C8D41)


def network_of(seed, num_tokens, num_source, end, scale=1.0, end_bonus=0.0):
    """A network as `step` describes it, whose answer depends on the whole prefix."""

    def network(prefixes):
        rows = [np.random.default_rng([seed, *prefix]) for prefix in prefixes]
        logits = np.array([row.normal(size=num_tokens) for row in rows]) * scale
        logits[:, end] += end_bonus
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return log_p, np.array([row.dirichlet(np.full(num_source, 0.3)) + 1e-6 for row in rows])

    return network


def score_reference(total, rows, alpha, beta):
    covered = np.minimum(np.sum(rows, axis=0), 1.0)
    return total * (6 / (5 + len(rows))) ** alpha + (beta * np.log(covered).sum() if beta else 0.0)


def all_translations(network, end, max_length, alpha, beta):
    """Every sentence that ends, and every one that is cut off, with its score."""
    found, open_ones = [], [([], 0.0, [])]
    for _ in range(max_length):
        longer = []
        for prefix, total, rows in open_ones:
            log_p, attention = network([prefix])
            for token, more in enumerate(log_p[0]):
                one = ([*prefix, token], total + more, [*rows, attention[0]])
                (found if token == end else longer).append(one)
        open_ones = longer
    return sorted(((t, score_reference(p, a, alpha, beta)) for t, p, a in found + open_ones), key=lambda one: -one[1])


def beam_reference(network, end, beam_width, max_length, alpha, beta):
    found, alive = [], {(): (0.0, [])}
    for _ in range(max_length):
        continuations = {}
        for prefix, (total, rows) in alive.items():
            (log_p,), (row,) = network([list(prefix)])
            for token in range(len(log_p)):
                continuations[(*prefix, token)] = (total + log_p[token], [*rows, row])
        kept = sorted(continuations, key=lambda tokens: continuations[tokens][0])[-beam_width:]
        found += [(tokens, *continuations[tokens]) for tokens in kept if tokens[-1] == end]
        alive = {tokens: continuations[tokens] for tokens in kept if tokens[-1] != end}
        if not alive:
            break
    found += [(tokens, *rest) for tokens, rest in alive.items()]
    scored = [(list(tokens), score_reference(total, rows, alpha, beta)) for tokens, total, rows in found]
    return sorted(scored, key=lambda one: -one[1])


def new_network(num_tokens, end, scale=1.0, end_bonus=0.0):
    return network_of(int(rng.integers(2**63)), num_tokens, 4, end, scale, end_bonus)


for num_tokens, end, max_length in [(3, 0, 4), (2, 1, 5), (4, 2, 3), (5, 4, 1)]:
    for alpha, beta in [(0.0, 0.0), (0.8, 0.0), (1.0, 0.4)]:
        network = new_network(num_tokens, end)
        want = all_translations(network, end, max_length, alpha, beta)
        got = call(beam_search, network, end, 1000, max_length, alpha, beta)
        check_beam(got, want, f"beam_search over all sentences of {num_tokens} tokens, alpha = {alpha}, beta = {beta}")
for num_tokens, end in [(5, 0), (7, 3), (20, 19)]:
    network = new_network(num_tokens, end, 2.0)
    greedy, total, rows = [], 0.0, []
    while len(greedy) < 9 and greedy[-1:] != [end]:
        (log_p,), (row,) = network([greedy])
        greedy, total, rows = [*greedy, int(log_p.argmax())], total + log_p.max(), [*rows, row]
    want = [(greedy, score_reference(total, rows, 0.6, 0.2))]
    check_beam(call(beam_search, network, end, 1, 9, 0.6, 0.2), want, "beam_search of width 1 against greedy search")
for what, num_tokens, end, beam_width, max_length, end_bonus in [
    ("some finish", 6, 0, 3, 8, 0.0),
    ("some finish", 9, 4, 5, 10, 0.5),
    ("most finish early", 5, 1, 4, 9, 3.0),
    ("none finishes", 4, 3, 3, 7, -60.0),
    ("a wide beam", 8, 7, 30, 4, 0.0),
    ("two at a time", 3, 2, 2, 12, 0.0),
]:
    for alpha, beta in [(0.0, 0.0), (1.0, 0.0), (0.7, 0.6)]:
        network = new_network(num_tokens, end, 1.5, end_bonus)
        want = beam_reference(network, end, beam_width, max_length, alpha, beta)
        got = call(beam_search, network, end, beam_width, max_length, alpha, beta)
        check_beam(got, want, f"beam_search of width {beam_width}, {what}, alpha = {alpha}, beta = {beta}")
network = new_network(6, 0, 1.5)
check_beam(call(beam_search, network, 0, 4, 6), beam_reference(network, 0, 4, 6, 0.0, 0.0), "beam_search by default")
### END HIDDEN TESTS
