# ---
# jupyter:
#   kernelspec:
#     display_name: Deep Learning (GPU if present)
#     language: python
#     name: dl-course
# ---

# %% [markdown]
# # Problem set 4: two players, from the transposed convolution to generated faces
#
# You write the parts of a generative adversarial network yourself (*Generative adversarial nets*, Goodfellow et al.,
# 2014): the layer that makes pictures larger, forward and backward; the two networks of DCGAN (Radford et al., 2016);
# the losses of the game; the discriminator and the losses that translate one kind of picture into another (Isola et
# al., 2017; Zhu et al., 2017); and the loop in which the two players take turns. Then you train a generator of small
# faces, which is scored by a network that only the grader has.
#
# **Time** 4 to 8 hours of yours; the two bonus tasks come on top. Running the finished notebook takes under 60 s on two
# CPU cores.
#
# | task | you write | points | what to read first |
# |---|---|---|---|
# | 1 | transposed convolution, forward | 10 | `5_generation/3_gans`, *Build* |
# | 2 | transposed convolution, backward | 11 | `1_foundations/2_training`, *Idea* |
# | 3 | DCGAN's generator | 9 | `5_generation/3_gans`, *Build* |
# | 4 | DCGAN's discriminator | 7 | `5_generation/3_gans`, *Build* |
# | 5 | the losses of both players | 12 | `5_generation/3_gans`, *Idea* |
# | 6 | a discriminator of patches, and what it sees | 10 | `5_generation/5_image_to_image`, *Build* |
# | 7 | cycle loss, identity loss, and a buffer of images | 8 | `5_generation/5_image_to_image`, *Idea* and *Build*; the rest is in the task |
# | 8 | a step of each player | 10 | `1_foundations/2_training`, *Train*; `5_generation/3_gans`, *Idea* |
# | 9 | the loop of two players | 6 | `5_generation/3_gans`, *Idea* and *Train* |
# | 10 | a generator of faces | 11 | `5_generation/3_gans`, *Train* and *Measure* |
# | 11 | a written answer | 6 | `5_generation/3_gans`, *Idea* and *Measure* |
# | bonus | gradient penalty | 5 | `5_generation/3_gans`, *Idea*; the rest is in the task |
# | bonus | a conditional GAN | 5 | all is in the task |
#
# **How you work.** Write your code where a cell says `YOUR CODE HERE` and delete the line that raises
# `NotImplementedError`. You may add functions and cells of your own; keep the names and the order of the arguments
# that a task gives. The cell behind each answer tests it: what you see there are the public checks. Press *Validate*
# before you submit, or run `coursegrader check ps4_gan.ipynb`.
#
# **How it is graded.** The same test cells run with more checks, on other inputs. A cell gives its points when all of
# its checks pass (only task 10 gives part of its points). Each task says what the checks look at; nothing is tested
# that the text does not say. Your functions are called with copies, so **return** your results; what you write into
# an argument is lost.
#
# **Conventions**
#
# - Images are `(batch, height, width, channels)`. They need not be square, and a batch may hold one image. For the
#   networks, a channel lies between -1 and 1.
# - A discriminator gives **logits**: a sigmoid would turn them into the probability that an image is real. The sigmoid
#   is $\sigma(s) = 1 / (1 + e^{-s})$.
# - Arrays that come in are `float32` or `float64` unless a task says otherwise; what you return holds floating-point
#   numbers, and `float32` and `float64` are both right. Results count as equal within 0.01 % (plus 0.00001), and within
#   0.1 % where a network computes in `float32`.
# - "From scratch" means array operations (NumPy, or the same ones of `keras.ops`: sums, products, `einsum`, indexing,
#   padding, loops). With `keras.ops`, cast everything to one dtype first: unlike NumPy, TensorFlow does not multiply
#   numbers of two dtypes. What a task may not use is named there (a `*` stands for any letters). Your answer
#   and the functions that it calls are searched for it, and what uses it earns nothing for that task. To check your
#   results with it, in a cell of your own, is fine.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import coursekit  # first: it keeps TensorFlow quiet while it is imported

# isort: split
import math
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from coursedata import faces
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

# %% [markdown]
# **The faces** of task 10 are drawn here, before anything else: where your notebook is graded, the program that draws
# them is gone once these cells have run.

# %% nbgrader={"grade": false, "grade_id": "load_data", "locked": true, "schema_version": 3, "solution": false, "task": false}
# 1,024 grown-ups with oval faces, seen from the front, in even light: 16 x 16 pixels, uint8.
VIEW = {"pose": 0.5, "light": 0.5, "age": 0.6, "shape": 1}
real_images = faces.render(1024, seed=4, size=16, labels=VIEW).images

# %%
coursekit.plots.image_grid(real_images[:24], columns=12)

# %% [markdown]
# ## Task 1: transposed convolution, forward (10 points)
#
# A convolution with stride 2 halves an image. A generator goes the other way, from a few numbers to many pixels, and
# its layer does the same thing turned round: each input pixel *puts down* a copy of the filter, multiplied by its
# value, `stride` pixels away from its neighbour's, and what overlaps is added.
#
# Write `conv_transpose_forward(x, w, b, stride, pad)`.
#
# | argument | shape or type | meaning |
# |---|---|---|
# | `x` | `(batch, height, width, channels_in)` | what comes in |
# | `w` | `(kernel_height, kernel_width, channels_out, channels_in)` | filters, not always square; the order of Keras, with the channels that come **in** last |
# | `b` | `(channels_out,)` | one bias a filter |
# | `stride` | int ≥ 1 | how far apart two neighbours put their copies, down and across |
# | `pad` | int ≥ 0 | rows and columns that are cut off each of the four sides, after the adding |
#
# Begin with zeros of height $(\mathrm{height} - 1) \cdot \mathrm{stride} + \mathrm{kernel\_height}$ (the same for the
# width); then, for every input pixel $(i, j)$ and all $k, l$,
#
# $$\mathrm{full}[n,\; i \cdot \mathrm{stride} + k,\; j \cdot \mathrm{stride} + l,\; f] \mathrel{+}= \sum_c x[n, i, j, c]\; w[k, l, f, c].$$
#
# Cut `pad` rows and columns off each side and add $b[f]$ to **every** pixel that is left, also where no copy lies
# (there are gaps where the stride is larger than the filter). The result has the shape `(batch, out_height, out_width,
# channels_out)`, with
#
# $$\mathrm{out\_height} = (\mathrm{height} - 1) \cdot \mathrm{stride} + \mathrm{kernel\_height} - 2\, \mathrm{pad} \;\ge\; 1.$$
#
# The filter is *not* flipped. With filters of 4×4, stride 2 and padding 1, an image becomes exactly twice as large:
# that is DCGAN's layer.
#
# **Hint.** Two loops, over $i$ and $j$, are enough: what the pixels $(i, j)$ of all images put down is one
# `np.einsum`, and is added to one slice of `full`. The bias comes once, at the end.
#
# **Not allowed:** ready-made convolutions: `keras.layers.*Conv*`, `keras.ops.conv`, `keras.ops.conv_transpose`,
# `keras.ops.depthwise_conv`, `keras.ops.separable_conv`, `tf.nn.*conv*`, `tf.raw_ops.*Conv*`,
# `tf.keras.backend.*conv*`, `scipy.signal`, `scipy.ndimage`.
#
# **Graded by** comparing your output with Keras' transposed convolution: strides 1 to 3, padding 0 to 2, filters
# smaller than the stride (there Keras adds rows and columns behind the size above, which are left out), images and
# filters that are not square, one image, one pixel.


# %% nbgrader={"grade": false, "grade_id": "transposed_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_transpose_forward(x, w, b, stride, pad):
    """Put down a copy of the filters w for each pixel of x, add them up, cut the border off, add the bias b."""
    ### BEGIN SOLUTION
    batch, height, width, _ = x.shape
    kernel_height, kernel_width, channels_out, _ = w.shape
    full_height = (height - 1) * stride + kernel_height
    full_width = (width - 1) * stride + kernel_width
    full = np.zeros((batch, full_height, full_width, channels_out))
    for i in range(height):
        for j in range(width):
            top, left = i * stride, j * stride
            copies = np.einsum("nc,klfc->nklf", x[:, i, j], w)
            full[:, top : top + kernel_height, left : left + kernel_width] += copies
    return full[:, pad : full_height - pad, pad : full_width - pad] + b
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_transposed_forward", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""Transposed convolution, forward: where copies of the filter lie, how they add up, what is cut off, the bias."""
# Two pixels, 1 and 10, put down the filter [[1, 2], [3, 4]] side by side (stride 2), then one column apart (stride 1).
pixels = np.array([1.0, 10.0]).reshape(1, 1, 2, 1)
small = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
out = call(conv_transpose_forward, pixels, small, np.array([0.5]), 2, 0)
want = np.array([[1.5, 2.5, 10.5, 20.5], [3.5, 4.5, 30.5, 40.5]]).reshape(1, 2, 4, 1)
check_array(out, want, "conv_transpose_forward with stride 2", hint="Is the filter flipped? Does the bias come once?")
out = call(conv_transpose_forward, pixels, small, np.array([0.5]), 1, 0)
want = np.array([[1.5, 12.5, 20.5], [3.5, 34.5, 40.5]]).reshape(1, 2, 3, 1)
check_array(out, want, "conv_transpose_forward with stride 1", hint="What overlaps is added; the bias comes once.")
# With stride 3 there is a gap between two filters of 2 x 2, in which only the bias is left.
out = call(conv_transpose_forward, pixels, small, np.array([0.5]), 3, 0)
want = np.array([[1.5, 2.5, 0.5, 10.5, 20.5], [3.5, 4.5, 0.5, 30.5, 40.5]]).reshape(1, 2, 5, 1)
check_array(out, want, "conv_transpose_forward with stride 3")
# A filter of 4 x 4 ones, stride 2, padding 1: twice the size, and each inner pixel lies under four copies.
out = call(conv_transpose_forward, np.ones((2, 3, 4, 2)), np.ones((4, 4, 3, 2)), np.zeros(3), 2, 1)
out = as_array(out, "conv_transpose_forward with 4 x 4 filters", (2, 6, 8, 3))
check_array(out[:, 1:-1, 1:-1], np.full((2, 4, 6, 3), 8.0), "the inner pixels with 4 x 4 filters and padding 1")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xCA390F5E92FCC1DE0872FDDFAC)


def transposed_reference(x, w, b, stride, pad):
    """The same by Keras, which gives rows and columns of zeros behind the last copy where the stride is larger."""
    out = keras.ops.conv_transpose(x.astype(np.float64), w.astype(np.float64), strides=stride, padding="valid")
    height, width = ((size - 1) * stride + kernel for size, kernel in zip(x.shape[1:3], w.shape[:2], strict=True))
    return np.asarray(out)[:, pad : height - pad, pad : width - pad] + b


for what, x_shape, w_shape, stride, pad in [
    ("DCGAN's filters", (2, 3, 4, 3), (4, 4, 2, 3), 2, 1),
    ("stride 1 and padding 2", (2, 5, 4, 2), (3, 5, 3, 2), 1, 2),
    ("stride 3 and a filter of 2 x 4", (2, 3, 4, 2), (2, 4, 3, 2), 3, 1),
    ("gaps between the copies", (3, 3, 2, 2), (1, 2, 3, 2), 3, 0),
    ("one image and filters of 1 x 1", (1, 4, 3, 3), (1, 1, 2, 3), 1, 0),
    ("one pixel", (2, 1, 1, 4), (4, 3, 2, 4), 2, 0),
    ("one channel in, many out", (1, 2, 5, 1), (3, 3, 6, 1), 2, 1),
]:
    x, w, b = (rng.normal(size=shape) for shape in (x_shape, w_shape, w_shape[2:3]))
    want = transposed_reference(x, w, b, stride, pad)
    check_array(call(conv_transpose_forward, x, w, b, stride, pad), want, f"conv_transpose_forward with {what}")
x = rng.normal(size=(3, 4, 2, 3)).transpose(2, 0, 1, 3)
w = rng.normal(size=(2, 3, 3, 4)).transpose(3, 1, 0, 2)
out = call(conv_transpose_forward, x, w, np.array([1.0, -2.0]), 2, 1)
want = transposed_reference(x, w, np.array([1.0, -2.0]), 2, 1)
check_array(out, want, "conv_transpose_forward with arrays that are views")
x, w, b = (rng.normal(size=shape).astype("float32") for shape in [(2, 3, 3, 4), (4, 4, 3, 4), (3,)])
want = transposed_reference(x, w, b, 2, 1)
for what in ("float32", "the same arguments once more"):
    check_array(call(conv_transpose_forward, x, w, b, 2, 1), want, f"conv_transpose_forward with {what}", rtol=1e-3)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: transposed convolution, backward (11 points)
#
# Write `conv_transpose_backward(dout, x, w, stride, pad)`. It returns the three gradients `(dx, dw, db)` of some loss
# $L$, of the shapes of `x`, `w` and `b`. `dout` is $\partial L / \partial\, \mathrm{out}$ and has the shape of
# `conv_transpose_forward`'s output; `x`, `w`, `stride` and `pad` are what the forward pass was given.
#
# Let $\mathrm{dfull}$ be `dout` with a border of `pad` zeros on all four sides: what was cut off has no part in the
# loss. Each product of the forward pass sends its gradient back to both of its factors:
#
# $$\frac{\partial L}{\partial x[n, i, j, c]} = \sum_{k, l, f} \mathrm{dfull}[n,\; i \cdot \mathrm{stride} + k,\; j \cdot \mathrm{stride} + l,\; f]\; w[k, l, f, c],$$
#
# $$\frac{\partial L}{\partial w[k, l, f, c]} = \sum_{n, i, j} \mathrm{dfull}[n,\; i \cdot \mathrm{stride} + k,\; j \cdot \mathrm{stride} + l,\; f]\; x[n, i, j, c], \qquad
# \frac{\partial L}{\partial b[f]} = \sum_{n, i, j} \mathrm{dout}[n, i, j, f].$$
#
# Look at the first line: it *is* an ordinary convolution of `dfull` with stride `stride`. Going backward through a
# transposed convolution is a convolution, and the other way round, hence the name.
#
# **Hint.** The loops are those of the forward pass; `np.pad` makes `dfull`. `dw` sums over all pixels: begin with zeros
# and use `+=`. `dx` needs no sum over pixels: each $(i, j)$ is written once.
#
# **Not allowed:** ready-made convolutions (as in task 1: `keras.layers.*Conv*`, `keras.ops.conv`,
# `keras.ops.conv_transpose`, `keras.ops.depthwise_conv`, `keras.ops.separable_conv`, `tf.nn.*conv*`,
# `tf.raw_ops.*Conv*`, `tf.keras.backend.*conv*`, `scipy.signal`, `scipy.ndimage`) and automatic differentiation
# (`tf.GradientTape`, `tf.gradients`, `tf.autodiff`, `tf.keras.backend.gradients`, `tf.test.compute_gradient`).
#
# **Graded by** comparing all three gradients with those of Keras' transposed convolution: strides 1 to 3, padding 0 to
# 2, filters smaller than the stride, images and filters that are not square, one image.


# %% nbgrader={"grade": false, "grade_id": "transposed_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_transpose_backward(dout, x, w, stride, pad):
    """Gradients (dx, dw, db) of the loss, from the gradient dout with respect to conv_transpose_forward's output."""
    ### BEGIN SOLUTION
    kernel_height, kernel_width, _, _ = w.shape
    dfull = np.pad(dout, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            top, left = i * stride, j * stride
            window = dfull[:, top : top + kernel_height, left : left + kernel_width]
            dx[:, i, j] = np.einsum("nklf,klfc->nc", window, w)
            dw += np.einsum("nklf,nc->klfc", window, x[:, i, j])
    return dx, dw, dout.sum(axis=(0, 1, 2))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_transposed_backward", "locked": true, "points": 11, "schema_version": 3, "solution": false, "task": false}
"""Transposed convolution, backward: the gradients with respect to input, filters and bias."""
GRADIENTS = ["dx", "dw", "db"]
# One pixel, 2, puts down one copy of a filter of 1 x 3; the loss is 1 * first + 10 * second + 100 * third.
dout = np.array([1.0, 10.0, 100.0]).reshape(1, 1, 3, 1)
w = np.array([3.0, 4.0, 5.0]).reshape(1, 3, 1, 1)
dx, dw, db = check_items(
    call(conv_transpose_backward, dout, np.full((1, 1, 1, 1), 2.0), w, 1, 0), GRADIENTS, "conv_transpose_backward"
)
check_array(dx, np.full((1, 1, 1, 1), 543.0), "dx of one pixel")
check_array(dw, 2 * dout.reshape(1, 3, 1, 1), "dw of one pixel")
check_array(db, np.array([111.0]), "db of one pixel")


# Anything larger is compared with slopes: move each entry a little, and see what Keras' layer makes of it.
def transposed_reference(x, w, b, stride, pad):
    out = keras.ops.conv_transpose(x.astype(np.float64), w.astype(np.float64), strides=stride, padding="valid")
    height, width = ((size - 1) * stride + kernel for size, kernel in zip(x.shape[1:3], w.shape[:2], strict=True))
    return np.asarray(out)[:, pad : height - pad, pad : width - pad] + b


def check_gradients(rng, x_shape, w_shape, stride, pad, what, dtype=np.float64):
    """Compare the three gradients with slopes; the output is linear in each, so that a long step is exact."""
    x, w, b = (rng.normal(size=shape).astype(dtype) for shape in (x_shape, w_shape, w_shape[2:3]))
    dout = rng.normal(size=transposed_reference(x, w, b, stride, pad).shape)
    got = call(conv_transpose_backward, dout.astype(dtype), x, w, stride, pad)
    got = check_items(got, GRADIENTS, f"conv_transpose_backward with {what}")
    tolerance = dict(rtol=1e-3, atol=1e-4) if dtype is np.float32 else {}
    for number, name in enumerate(GRADIENTS):
        want = numerical_gradient(transposed_reference, (x, w, b, stride, pad), number, dout, step=0.5)
        check_array(got[number], want, f"{name} with {what}", **tolerance)


check_gradients(np.random.default_rng(1), (2, 2, 3, 2), (3, 2, 3, 2), 2, 1, "stride 2 and padding 1")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xBD243D5C347A8714D303E2E4CD)
for what, x_shape, w_shape, stride, pad, dtype in [
    ("DCGAN's filters", (2, 2, 3, 2), (4, 4, 2, 2), 2, 1, np.float64),
    ("stride 1 and padding 2", (2, 4, 3, 1), (3, 5, 2, 1), 1, 2, np.float64),
    ("stride 3 and a filter of 2 x 4", (1, 2, 3, 2), (2, 4, 1, 2), 3, 1, np.float64),
    ("gaps between the copies", (2, 3, 2, 2), (1, 2, 3, 2), 3, 0, np.float64),
    ("one pixel", (3, 1, 1, 2), (2, 3, 2, 2), 2, 0, np.float64),
    ("filters of 1 x 1", (1, 3, 4, 3), (1, 1, 2, 3), 1, 0, np.float64),
    ("float32", (2, 3, 2, 2), (4, 4, 3, 2), 2, 1, np.float32),
    ("the same shapes once more", (2, 3, 2, 2), (4, 4, 3, 2), 2, 1, np.float64),
]:
    check_gradients(rng, x_shape, w_shape, stride, pad, what, dtype)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: DCGAN's generator (9 points)
#
# Radford et al. (2016, section 3) found rules by which convolutional players learn in balance: strided convolutions in
# the place of pooling, batch normalization almost everywhere, no dense layers but at the noise and at the logit, ReLU
# in the generator with tanh at its end. From here on, ready-made Keras layers are allowed.
#
# Write `make_generator(latent_dim, widths, channels)`. It returns a Keras model, sequential or functional, that maps
# noise `(batch, latent_dim)` to images `(batch, size, size, channels)` with
# $\mathrm{size} = 4 \cdot 2^{\,\mathrm{len(widths)}}$. Its layers, from noise to image:
#
# | layers | output |
# |---|---|
# | dense, to $4 \cdot 4 \cdot \mathrm{widths}[0]$ numbers, then reshaped | `(4, 4, widths[0])` |
# | batch normalization → ReLU | |
# | for each further width: transposed convolution 4×4 with stride 2 → batch normalization → ReLU | twice as large, `width` channels |
# | last: transposed convolution 4×4 with stride 2 → tanh | `(size, size, channels)` |
#
# So `make_generator(64, [128, 64, 32], 3)` gives images of 32×32: 4 → 8 → 16 → 32. All transposed convolutions have
# `padding="same"`. A layer that is followed by batch normalization, the dense one too, has **no bias** (the normalization has one);
# the last one, which is not, has a bias. The image itself is not normalized: its distribution is what the generator
# must find. Batch normalization is one layer for each width, over its channels, with a mean and a variance for
# each; it uses the batch's statistics when the model is called with `training=True`, and its running statistics
# otherwise. Its momentum and epsilon (up to 0.001) are up to you, and so are initializers.
#
# **Hint.** `keras.Sequential([keras.Input((latent_dim,)), ...])`. Look at `model.summary()`. Normalize behind the
# reshaping: a normalization of the $4 \cdot 4 \cdot \mathrm{widths}[0]$ numbers would keep a mean for each place.
#
# **Not allowed:** `keras.layers.UpSampling2D`, `keras.layers.Resizing`.
#
# **Graded by** the shapes of the model's weights and which are trainable; by giving it random weights and comparing its
# images with a reference, in training and in inference; by outputs that come close to -1 and 1 and never pass
# them; by other sizes, widths and channels. Widths differ from each other in the tests.


# %% nbgrader={"grade": false, "grade_id": "generator", "locked": false, "schema_version": 3, "solution": true, "task": false}
def make_generator(latent_dim, widths, channels):
    """A model from noise (batch, latent_dim) to images (batch, size, size, channels) between -1 and 1."""
    ### BEGIN SOLUTION
    layers = keras.layers
    model = keras.Sequential([keras.Input((latent_dim,))])
    model.add(layers.Dense(4 * 4 * widths[0], use_bias=False))
    model.add(layers.Reshape((4, 4, widths[0])))
    for width in widths[1:]:
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.Conv2DTranspose(width, 4, strides=2, padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.ReLU())
    model.add(layers.Conv2DTranspose(channels, 4, strides=2, padding="same", activation="tanh"))
    return model
    ### END SOLUTION


# %% [markdown]
# The next cell uses your function for the test. Cells like this one are locked: run them, and leave them as they are.


# %% nbgrader={"grade": false, "grade_id": "factory_generator", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def built_generator(latent_dim, *settings):
    """Your generator; a sequential model that names no input gets its weights here."""
    model = make_generator(latent_dim, *settings)
    if not model.built:
        model.build((None, latent_dim))
    return model


def generator_weights(*settings):
    """Name, shape and whether it is trainable, for each weight of your generator."""
    model = built_generator(*settings)
    return [(weight.name, tuple(weight.shape), bool(weight.trainable)) for weight in model.weights]


def run_generator(settings, weights, noise):
    """The images of your generator with the given weights, in inference and then in training."""
    model = built_generator(*settings)
    for variable, weight in zip(model.weights, weights, strict=True):
        variable.assign(weight)
    return model(noise), model(noise, training=True)


# %% nbgrader={"grade": true, "grade_id": "test_generator", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
"""DCGAN's generator: its weights, the size and range of its images, batch normalization in training and inference."""


def check_weights(found, wanted, name):
    """Compare names, shapes and trainability of weights, whatever their order."""
    require(
        sorted(found) == sorted(wanted),
        f"{name}: its weights should be {sorted(wanted)} (name, shape, trainable); they are {sorted(found)}.",
    )


def normalizations(widths):
    """The weights of a batch normalization for each width."""
    parts = [("gamma", True), ("beta", True), ("moving_mean", False), ("moving_variance", False)]
    return [(name, (width,), trainable) for width in widths for name, trainable in parts]


def generator_wanted(latent_dim, widths, channels):
    outputs = [*widths[1:], channels]
    kernels = [(4, 4, after, before) for before, after in zip(widths, outputs, strict=True)]
    kernels = [("kernel", shape, True) for shape in [(latent_dim, 16 * widths[0]), *kernels]]
    return [*kernels, ("bias", (channels,), True), *normalizations(widths)]


for settings in [(5, [6, 4], 3), (8, [5, 7, 4], 1)]:
    name = f"make_generator{settings}"
    found = [tuple(weight) for weight in call(generator_weights, *settings)]
    check_weights(found, generator_wanted(*settings), name)
    size = 4 * 2 ** len(settings[1])
    rng = np.random.default_rng(0)
    # Large weights, so that tanh is needed: nearly black and nearly white pixels, and none beyond.
    weights = [
        np.abs(rng.normal(size=shape)) if "var" in kind else 2 * rng.normal(size=shape) for kind, shape, _ in found
    ]
    noise = rng.normal(size=(6, settings[0])).astype("float32")
    for image in check_items(call(run_generator, list(settings), weights, noise), ["inference", "training"], name):
        image = as_array(image, f"the images of {name}", (6, size, size, settings[2]))
        require(
            0.9 < image.max() <= 1 and -1 <= image.min() < -0.9,
            f"{name}: with large weights its pixels should fill the range from -1 to 1, and never leave it.",
        )
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xEDCF56A23BBA17CD263DA931C5)


def random_weights(rng, found):
    """Weights that make every layer matter, by name and shape."""
    weights = {}
    for name, shape, _ in found:
        spread = rng.normal(size=shape)
        fan_in = np.prod(shape) / (shape[1] if len(shape) == 2 else shape[2]) if name == "kernel" else 1
        if name == "kernel":
            spread = 1.5 * spread / np.sqrt(fan_in / (1 if len(shape) == 2 else 4))
        weights[name, shape] = {"gamma": 1 + 0.3 * spread, "moving_variance": 1 + spread**2}.get(name, spread)
    return {key: weight.astype("float32") for key, weight in weights.items()}


def generator_reference(weights, noise, latent_dim, widths, channels, training):
    def normalized(x):
        width = (x.shape[-1],)
        mean, variance = weights["moving_mean", width], weights["moving_variance", width]
        if training:
            mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
        scaled = (x - mean) / np.sqrt(variance + 5e-4)
        return np.maximum(scaled * weights["gamma", width] + weights["beta", width], 0)

    x = (noise.astype(np.float64) @ weights["kernel", (latent_dim, 16 * widths[0])]).reshape(-1, 4, 4, widths[0])
    for before, after in zip(widths, [*widths[1:], channels], strict=True):
        kernel = weights["kernel", (4, 4, after, before)].astype(np.float64)
        x = np.asarray(keras.ops.conv_transpose(normalized(x), kernel, strides=2, padding="same"))
    return np.tanh(x + weights["bias", (channels,)])


for settings in [(7, [8, 5], 3), (3, [9, 6, 4], 1), (12, [4, 10, 7], 2), (6, [5], 3), (4, [3, 7, 5, 6], 1)]:
    name = f"make_generator{settings}"
    found = [tuple(weight) for weight in call(generator_weights, *settings)]
    check_weights(found, generator_wanted(*settings), name)
    weights = random_weights(rng, found)
    noise = rng.normal(size=(9, settings[0])).astype("float32")
    images = call(run_generator, list(settings), [weights[key[:2]] for key in found], noise)
    for training, image in zip((False, True), check_items(images, ["inference", "training"], name), strict=True):
        want = generator_reference(weights, noise, *settings, training)
        how = "with training=True" if training else "without training=True"
        check_array(image, want, f"{name}, called {how}", rtol=1e-2, atol=5e-3)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: DCGAN's discriminator (7 points)
#
# Write `make_discriminator(size, widths, channels)`. It returns a Keras model, sequential or functional, that maps
# images `(batch, size, size, channels)` to logits `(batch, 1)`. Its layers:
#
# | layers | output |
# |---|---|
# | convolution 4×4 with stride 2 → leaky ReLU | half as large, `widths[0]` channels |
# | for each further width: convolution 4×4 with stride 2 → batch normalization → leaky ReLU | half as large, `width` channels |
# | flatten → dense, to one number | `(1,)` |
#
# All convolutions have `padding="same"`. `size` is divisible by $2^{\,\mathrm{len(widths)}}$. The leaky ReLU is
# $\max(s, 0.2\, s)$; batch normalization is that of task 3. As before, a convolution with it behind has **no bias**; the first one and
# the dense layer have one. There is **no normalization in the first layer**: it would hide from the discriminator how
# bright and how rich in contrast a batch is, just what gives a bad generator away. And there is **no sigmoid at the
# end**: the losses of task 5 take logits.
#
# **Hint.** `keras.layers.LeakyReLU(negative_slope=0.2)`; the default slope is another one.
#
# **Graded by** the shapes of the model's weights and which are trainable; by giving it random weights and comparing its
# logits with a reference, in training and in inference; by other sizes, widths and channels. Widths differ from
# each other in the tests.


# %% nbgrader={"grade": false, "grade_id": "discriminator", "locked": false, "schema_version": 3, "solution": true, "task": false}
def make_discriminator(size, widths, channels):
    """A model from images (batch, size, size, channels) to logits (batch, 1)."""
    ### BEGIN SOLUTION
    layers = keras.layers
    model = keras.Sequential([keras.Input((size, size, channels))])
    for number, width in enumerate(widths):
        model.add(layers.Conv2D(width, 4, strides=2, padding="same", use_bias=number == 0))
        if number > 0:
            model.add(layers.BatchNormalization())
        model.add(layers.LeakyReLU(negative_slope=0.2))
    model.add(layers.Flatten())
    model.add(layers.Dense(1))
    return model
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_discriminator", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def built_discriminator(size, widths, channels):
    """Your discriminator; a sequential model that names no input gets its weights here."""
    model = make_discriminator(size, widths, channels)
    if not model.built:
        model.build((None, size, size, channels))
    return model


def discriminator_weights(*settings):
    """Name, shape and whether it is trainable, for each weight of your discriminator."""
    model = built_discriminator(*settings)
    return [(weight.name, tuple(weight.shape), bool(weight.trainable)) for weight in model.weights]


def run_discriminator(settings, weights, images):
    """The logits of your discriminator with the given weights, in inference and then in training."""
    model = built_discriminator(*settings)
    for variable, weight in zip(model.weights, weights, strict=True):
        variable.assign(weight)
    return model(images), model(images, training=True)


# %% nbgrader={"grade": true, "grade_id": "test_discriminator", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
"""DCGAN's discriminator: its weights, its logits, where it normalizes and where not."""


def discriminator_wanted(size, widths, channels):
    """Name, shape and trainability of the weights that the table asks for."""
    kernels = [(4, 4, before, after) for before, after in zip([channels, *widths[:-1]], widths, strict=True)]
    flat = (size // 2 ** len(widths)) ** 2 * widths[-1]
    kernels = [("kernel", shape, True) for shape in [*kernels, (flat, 1)]]
    parts = [("gamma", True), ("beta", True), ("moving_mean", False), ("moving_variance", False)]
    normalizations = [(name, (width,), trainable) for width in widths[1:] for name, trainable in parts]
    return [*kernels, ("bias", (widths[0],), True), ("bias", (1,), True), *normalizations]


for settings in [(16, [4, 6], 3), (8, [5, 7, 3], 2)]:
    name = f"make_discriminator{settings}"
    found = [tuple(weight) for weight in call(discriminator_weights, *settings)]
    wanted = discriminator_wanted(*settings)
    require(
        sorted(found) == sorted(wanted),
        f"{name}: its weights should be {sorted(wanted)} (name, shape, trainable); they are {sorted(found)}.",
    )
    # With zeros for all weights but the last bias, every logit is that bias, which no sigmoid may squash.
    weights = [np.full(shape, 70.0 if shape == (1,) else 0.0) for _, shape, _ in found]
    images = np.random.default_rng(0).uniform(-1, 1, (3, settings[0], settings[0], settings[2])).astype("float32")
    for logits in check_items(
        call(run_discriminator, list(settings), weights, images), ["inference", "training"], name
    ):
        check_array(logits, np.full((3, 1), 70.0), f"the logits of {name}, where only the last bias is not 0")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x987629265A57BA31C03919B9B7)


def discriminator_reference(weights, images, size, widths, channels, training):
    x = images.astype(np.float64)
    for number, (before, after) in enumerate(zip([channels, *widths[:-1]], widths, strict=True)):
        kernel = weights["kernel", (4, 4, before, after)].astype(np.float64)
        x = np.asarray(keras.ops.conv(x, kernel, strides=2, padding="same"))
        if number == 0:
            x = x + weights["bias", (after,)]
        else:
            mean, variance = weights["moving_mean", (after,)], weights["moving_variance", (after,)]
            if training:
                mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
            x = (x - mean) / np.sqrt(variance + 5e-4) * weights["gamma", (after,)] + weights["beta", (after,)]
        x = np.where(x > 0, x, 0.2 * x)
    flat = x.reshape(len(x), -1)
    return flat @ weights["kernel", (flat.shape[1], 1)] + weights["bias", (1,)]


for settings in [
    (16, [6, 9], 3),
    (8, [5, 8, 3], 1),
    (32, [4, 6, 3], 2),
    (12, [7, 5], 3),
    (8, [6], 2),
    (16, [3, 6, 4, 5], 1),
]:
    name = f"make_discriminator{settings}"
    found = [tuple(weight) for weight in call(discriminator_weights, *settings)]
    require(
        sorted(found) == sorted(discriminator_wanted(*settings)), f"{name}: its weights are not those of the table."
    )
    weights = {}
    for kind, shape, _ in found:
        spread = rng.normal(size=shape)
        if kind == "kernel":
            spread = 3 * spread / np.sqrt(np.prod(shape[:-1]))
        # Small variances show an epsilon of more than 0.001.
        weights[kind, shape] = {"gamma": 1 + 0.3 * spread, "moving_variance": 0.1 + spread**2}.get(kind, spread)
    images = rng.uniform(-1, 1, (7, settings[0], settings[0], settings[2])).astype("float32")
    logits = call(run_discriminator, list(settings), [weights[key[:2]] for key in found], images)
    for training, got in zip((False, True), check_items(logits, ["inference", "training"], name), strict=True):
        want = discriminator_reference(weights, images, *settings, training)
        what = f"{name}, called {'with' if training else 'without'} training=True"
        scale = np.abs(want).max()
        check_array(as_array(got, what, want.shape) / scale, want / scale, what, rtol=1e-2, atol=1e-2)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: the losses of both players (12 points)
#
# The discriminator wants to give real images a high and generated ones a low probability of being real,
# $D = \sigma(s)$ with the logit $s$; the generator wants the opposite. Three forms of this game are in use:
#
# | `kind` | discriminator minimizes | generator minimizes |
# |---|---|---|
# | `"minimax"` (Goodfellow et al., 2014, equation 1) | $-\log \sigma(s_{\text{real}}) - \log(1 - \sigma(s_{\text{fake}}))$ | $\log(1 - \sigma(s_{\text{fake}}))$ |
# | `"non_saturating"` (the same, section 3) | the same | $-\log \sigma(s_{\text{fake}})$ |
# | `"least_squares"` (Mao et al., 2017) | $\tfrac12 (s_{\text{real}} - 1)^2 + \tfrac12 s_{\text{fake}}^2$ | $\tfrac12 (s_{\text{fake}} - 1)^2$ |
#
# each averaged: over all real logits, plus over all fake ones. The two batches may differ in size, and the logits may
# have any shape (a number for each image, or for each patch of each image), so average real and fake **apart**.
#
# **(a)** Write `discriminator_loss(real_logits, fake_logits, kind="non_saturating", real_label=1.0)`. With
# one-sided **label smoothing** (Salimans et al., 2016, section 3.4), real images get the label $r$ = `real_label`, say
# 0.9, in the place of 1, while fake ones keep 0. In the first two kinds, the term of the real images is then the
# cross-entropy $-r \log \sigma(s_{\text{real}}) - (1 - r) \log(1 - \sigma(s_{\text{real}}))$, in the third
# $\tfrac12 (s_{\text{real}} - r)^2$.
#
# **(b)** Write `generator_loss(fake_logits, kind="non_saturating")`. The label that the generator wants is always 1.
#
# Both return a single number, a tensor of shape `()`, through which gradients flow: they will be called under a tape.
# Logits of $\pm 10^4$ must give the exact loss, and a finite gradient: $\sigma(-200)$ is 0 in `float32`, and its
# logarithm is $-\infty$. An unknown `kind` raises `ValueError`.
#
# **Hint.** $-\log \sigma(s) = \log(1 + e^{-s})$ and $-\log(1 - \sigma(s)) = \log(1 + e^{s})$: both are a *softplus*,
# and `keras.ops.softplus` is exact for all $s$. Use `keras.ops`: NumPy stops gradients. Convert first, with
# `keras.ops.convert_to_tensor`.
#
# **Not allowed:** `keras.losses`, `keras.ops.binary_crossentropy`, `tf.nn.*cross_entropy*`, `tf.keras.backend`,
# `tf.compat.v1.losses`.
#
# **Graded by** comparing losses and their gradients with closed forms: all kinds, batches of different sizes, logits of
# two and of four axes, label smoothing, logits of $\pm 10^4$, an unknown `kind`.


# %% nbgrader={"grade": false, "grade_id": "losses", "locked": false, "schema_version": 3, "solution": true, "task": false}
def discriminator_loss(real_logits, fake_logits, kind="non_saturating", real_label=1.0):
    """What the discriminator minimizes: the mean over real logits plus the mean over fake logits."""
    ### BEGIN SOLUTION
    real, fake = keras.ops.convert_to_tensor(real_logits), keras.ops.convert_to_tensor(fake_logits)
    if kind in ("minimax", "non_saturating"):
        of_real = real_label * keras.ops.softplus(-real) + (1 - real_label) * keras.ops.softplus(real)
        of_fake = keras.ops.softplus(fake)
    elif kind == "least_squares":
        of_real = keras.ops.square(real - real_label) / 2
        of_fake = keras.ops.square(fake) / 2
    else:
        raise ValueError(f"unknown kind of loss: {kind!r}")
    return keras.ops.mean(of_real) + keras.ops.mean(of_fake)
    ### END SOLUTION


def generator_loss(fake_logits, kind="non_saturating"):
    """What the generator minimizes: the mean over fake logits."""
    ### BEGIN SOLUTION
    fake = keras.ops.convert_to_tensor(fake_logits)
    if kind == "minimax":
        return -keras.ops.mean(keras.ops.softplus(fake))
    if kind == "non_saturating":
        return keras.ops.mean(keras.ops.softplus(-fake))
    if kind == "least_squares":
        return keras.ops.mean(keras.ops.square(fake - 1)) / 2
    raise ValueError(f"unknown kind of loss: {kind!r}")
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_losses", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def loss_gradients(real_logits, fake_logits, settings, kind):
    """Both losses with their gradients: the discriminator's for real and fake logits, the generator's for fake ones."""
    real, fake = tf.Variable(real_logits), tf.Variable(fake_logits)
    with tf.GradientTape(persistent=True) as tape:
        d_loss = discriminator_loss(real, fake, kind, **settings)
        g_loss = generator_loss(fake, kind)
    return {"d": d_loss, "g": g_loss, "gradients": [*tape.gradient(d_loss, [real, fake]), tape.gradient(g_loss, fake)]}


# %% nbgrader={"grade": true, "grade_id": "test_losses", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
"""Losses of both players: closed forms, label smoothing, gradients, extreme logits."""
KINDS = ["minimax", "non_saturating", "least_squares"]
# sigmoid(0) = 1/2, and sigmoid(log 3) = 3/4.
logits = np.array([0.0, np.log(3)])
one = np.array([0.0])
check_number(call(discriminator_loss, logits, one), np.log(8 / 3) / 2 + np.log(2), "discriminator_loss")
check_number(call(discriminator_loss, one, logits), np.log(2) + np.log(8) / 2, "discriminator_loss, more fake ones")
check_number(call(generator_loss, logits), np.log(8 / 3) / 2, "generator_loss")
check_number(call(generator_loss, logits, "minimax"), -np.log(8) / 2, "generator_loss, minimax")
squares = np.array([[3.0], [-1.0]])
check_number(call(discriminator_loss, squares, squares, "least_squares"), 4.5, "discriminator_loss, least squares")
check_number(call(generator_loss, squares, "least_squares"), 2.0, "generator_loss, least squares")
# A label of 0.75 is what sigmoid(log 3) says: -(3/4) log(3/4) - (1/4) log(1/4).
check_number(
    call(discriminator_loss, logits[1:], one, "minimax", real_label=0.75),
    np.log(4) - 0.75 * np.log(3) + np.log(2),
    "discriminator_loss with real_label=0.75",
)
for kind in KINDS:
    parts = call(loss_gradients, logits, one, {}, kind)["gradients"]
    for gradient, want in zip(
        check_items(parts, ["real", "fake", "generator's"], "the gradients"), (2, 1, 1), strict=True
    ):
        require(gradient is not None, f"{kind}: no gradient reaches the logits. Is the loss made with keras.ops alone?")
        as_array(gradient, f"a gradient of the loss {kind}", (want,))
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x08322A43EE258040E40034F46C)


def log_sigmoid(s):
    """Its logarithm in float64, whatever s is."""
    return np.minimum(s, 0) - np.log1p(np.exp(-np.abs(s)))


def sigmoid(s):
    return np.exp(log_sigmoid(s))


def losses_reference(real, fake, kind, label):
    """Both losses, and their gradients for real logits, fake logits, and fake logits again."""
    if kind == "least_squares":
        d_loss = ((real - label) ** 2).mean() / 2 + (fake**2).mean() / 2
        g_loss = ((fake - 1) ** 2).mean() / 2
        slopes = [real - label, fake, fake - 1]
    else:
        d_loss = -(label * log_sigmoid(real) + (1 - label) * log_sigmoid(-real)).mean() - log_sigmoid(-fake).mean()
        g_loss = log_sigmoid(-fake).mean() if kind == "minimax" else -log_sigmoid(fake).mean()
        slopes = [sigmoid(real) - label, sigmoid(fake), -sigmoid(fake) if kind == "minimax" else sigmoid(fake) - 1]
    return d_loss, g_loss, [slopes[0] / real.size, slopes[1] / fake.size, slopes[2] / fake.size]


for kind in KINDS:
    for what, real_shape, fake_shape, scale, label, dtype in [
        ("a logit for each image", (9, 1), (9, 1), 2.0, 1.0, np.float32),
        ("more real images than fake ones", (12, 1), (5, 1), 3.0, 0.9, np.float32),
        ("more fake images than real ones", (3,), (8,), 1.0, 0.3, np.float64),
        ("logits of patches", (2, 3, 4, 1), (3, 3, 4, 1), 2.0, 1.0, np.float32),
        ("one image", (1, 1), (1, 1), 1.0, 0.0, np.float64),
        ("logits of hundreds", (20, 1), (15, 1), 300.0, 0.9, np.float32),
        ("logits of ten thousands", (6, 1), (7, 1), 2e4, 1.0, np.float32),
    ]:
        real, fake = (scale * rng.normal(size=shape).astype(dtype) for shape in (real_shape, fake_shape))
        settings = {} if label == 1.0 else {"real_label": label}
        d_loss, g_loss, gradients = losses_reference(real.astype(np.float64), fake.astype(np.float64), kind, label)
        name = f"{kind} with {what}"
        check_number(
            call(discriminator_loss, real, fake, kind, **settings), d_loss, f"discriminator_loss, {name}", rtol=1e-3
        )
        check_number(call(generator_loss, fake, kind), g_loss, f"generator_loss, {name}", rtol=1e-3, atol=1e-5)
        got = call(loss_gradients, real, fake, settings, kind)
        check_number(got["d"], d_loss, f"discriminator_loss under a tape, {name}", rtol=1e-3)
        check_number(got["g"], g_loss, f"generator_loss under a tape, {name}", rtol=1e-3, atol=1e-5)
        for part, gradient, want in zip(["real", "fake", "generator's"], got["gradients"], gradients, strict=True):
            require(gradient is not None, f"{name}: no gradient reaches the {part} logits.")
            check_array(gradient, want, f"the gradient for {part} logits, {name}", rtol=1e-3)
real, fake = rng.normal(size=(6, 1)).astype("float32"), rng.normal(size=(4, 1)).astype("float32")
d_loss, g_loss, _ = losses_reference(real, fake, "non_saturating", 1.0)
check_number(call(discriminator_loss, real, fake), d_loss, "discriminator_loss without a kind", rtol=1e-3)
check_number(call(generator_loss, fake), g_loss, "generator_loss without a kind", rtol=1e-3)
# Each extreme by itself: nothing can hide behind a larger loss.
for s in (-1e4, -150.0, 150.0, 1e4):
    logit = np.full((2, 1), s, "float32")
    for kind in KINDS:
        d_loss, g_loss, gradients = losses_reference(logit.astype(np.float64), logit.astype(np.float64), kind, 1.0)
        got = call(loss_gradients, logit, logit, {}, kind)
        check_number(got["d"], d_loss, f"discriminator_loss, {kind}, logits of {s:g}")
        check_number(got["g"], g_loss, f"generator_loss, {kind}, logits of {s:g}")
        for gradient, want in zip(got["gradients"], gradients, strict=True):
            check_array(gradient, want, f"a gradient of the loss {kind} with logits of {s:g}")
for unknown in ("wasserstein", "mini", "squares", "least", "saturating", ""):
    for fn, arguments in [(discriminator_loss, (real, fake, unknown)), (generator_loss, (fake, unknown))]:
        try:
            call(fn, *arguments)
        except ValueError:
            continue
        except Exception as error:
            require(False, f"An unknown kind of loss should raise ValueError, not {type(error).__name__}.")
        require(False, "An unknown kind of loss should raise ValueError, also a part of a known kind's name.")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: a discriminator of patches, and what it sees (10 points)
#
# Translating pictures (*Image-to-image translation with conditional adversarial networks*, Isola et al., 2017, section
# 3.2.2) needs a discriminator that looks at texture: is each *patch* of the picture like a real one? A network of
# convolutions alone gives just that, a grid of logits, each of which sees one square of the input. How large that
# square is follows from the layers: it is the **receptive field**.
#
# Number outputs and inputs from 0 along one axis. Without padding, unit $i$ of a layer with kernel $k$ and stride $t$
# sees the units $i\,t, \ldots, i\,t + k - 1$ of the layer below. Through several layers, unit $i$ of the last one sees
# the pixels $i\,S, \ldots, i\,S + R - 1$, where $S$ is the product of all strides and
#
# $$R = 1 + \sum_{m} (k_m - 1) \prod_{m' < m} t_{m'}$$
#
# ($m' < m$ are the layers between layer $m$ and the image).
#
# **(a)** Write `receptive_field(layers)`. `layers` is a list of pairs `(kernel, stride)`, from the image upwards. It
# returns the pair `(R, S)` of ints. (The discriminator of Isola et al. has the kernels 4, 4, 4, 4, 4 with the
# strides 2, 2, 2, 1, 1: $R = 70$, the famous "70×70 PatchGAN".) An empty list gives `(1, 1)`.
#
# **(b)** Write `make_patch_discriminator(widths, strides, channels)`. It returns a Keras model, sequential or
# functional, that maps images `(batch, height, width, channels)` of **any** height and width, large enough for one
# patch, to logits `(batch, rows, columns, 1)`:
#
# | layers | |
# |---|---|
# | for each pair `width`, `stride` of `widths` and `strides` | convolution 4×4 with `width` filters and this stride → batch normalization (not in the first of these layers) → leaky ReLU, $\max(s, 0.2\, s)$ |
# | last | convolution 4×4 with one filter and stride 1 |
#
# All convolutions have `padding="valid"`: zeros around the picture would tell a unit where it stands. Batch normalization
# is that of task 3; as in task 4, a convolution with it behind has no bias, the others have one, and there is no sigmoid.
#
# **Hint.** `keras.Input((None, None, channels))`. Go through `layers` with two numbers that you update: the size so
# far, and the product of the strides so far.
#
# **Graded by** comparing (a) with the formula; (b) by changing single pixels and looking at which logits change; by
# comparing logits with a reference, in training and in inference, for pictures of several sizes. Widths differ
# from each other in the tests.


# %% nbgrader={"grade": false, "grade_id": "patch_discriminator", "locked": false, "schema_version": 3, "solution": true, "task": false}
def receptive_field(layers):
    """Size of the square that a unit of the last layer sees, and the step between neighbouring squares, in pixels."""
    ### BEGIN SOLUTION
    size, step = 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * step
        step *= stride
    return size, step
    ### END SOLUTION


def make_patch_discriminator(widths, strides, channels):
    """A model from images (batch, height, width, channels) to a logit for each patch, (batch, rows, columns, 1)."""
    ### BEGIN SOLUTION
    layers = keras.layers
    model = keras.Sequential([keras.Input((None, None, channels))])
    for number, (width, stride) in enumerate(zip(widths, strides, strict=True)):
        model.add(layers.Conv2D(width, 4, strides=stride, use_bias=number == 0))
        if number > 0:
            model.add(layers.BatchNormalization())
        model.add(layers.LeakyReLU(negative_slope=0.2))
    model.add(layers.Conv2D(1, 4))
    return model
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_patch_discriminator", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def built_patch_discriminator(widths, strides, channels):
    """Your discriminator of patches; a sequential model that names no input gets its weights here."""
    model = make_patch_discriminator(widths, strides, channels)
    if not model.built:
        model.build((None, None, None, channels))
    return model


def patch_weights(*settings):
    """Name, shape and whether it is trainable, for each weight of your discriminator of patches."""
    model = built_patch_discriminator(*settings)
    return [(weight.name, tuple(weight.shape), bool(weight.trainable)) for weight in model.weights]


def run_patches(settings, weights, pictures, **training):
    """The logits of your discriminator with the given weights, for each of several batches of pictures."""
    model = built_patch_discriminator(*settings)
    for variable, weight in zip(model.weights, weights, strict=True):
        variable.assign(weight)
    return [model(picture, **training) for picture in pictures]


# %% nbgrader={"grade": true, "grade_id": "test_patch_discriminator", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""Discriminator of patches: receptive fields by formula and by changed pixels, weights, logits for any size."""


def as_field(got, name):
    """A receptive field that a function returned: two whole numbers."""
    pair = check_items(got, ["R", "S"], name)
    require(all(type(number) is int or isinstance(number, np.integer) for number in pair), f"{name}: two ints, please.")
    return [int(number) for number in pair]


def patch_wanted(widths, strides, channels):
    """Name, shape and trainability of the weights that the table asks for."""
    kernels = [(4, 4, before, after) for before, after in zip([channels, *widths], [*widths, 1], strict=True)]
    parts = [("gamma", True), ("beta", True), ("moving_mean", False), ("moving_variance", False)]
    normalizations = [(name, (width,), trainable) for width in widths[1:] for name, trainable in parts]
    biases = [("bias", (widths[0],), True), ("bias", (1,), True)]
    return [*(("kernel", shape, True) for shape in kernels), *biases, *normalizations]


def random_patch_weights(rng, settings):
    """The weights' keys in the model's order, and random values for them."""
    found = [tuple(weight) for weight in call(patch_weights, *settings)]
    name = f"make_patch_discriminator{settings}"
    wanted = patch_wanted(*settings)
    require(
        sorted(found) == sorted(wanted),
        f"{name}: its weights should be {sorted(wanted)} (name, shape, trainable); they are {sorted(found)}.",
    )
    weights = {}
    for kind, shape, _ in found:
        spread = rng.normal(size=shape)
        if kind == "kernel":
            spread = 2 * spread / np.sqrt(np.prod(shape[:-1]))
        weights[kind, shape] = {"gamma": 1 + 0.3 * np.tanh(spread), "moving_variance": 1 + spread**2}.get(kind, spread)
    return [weights[key[:2]] for key in found], weights


def check_fields(rng, settings, height, width):
    """Change one pixel at a time, and see which logits change."""
    name = f"make_patch_discriminator{settings}"
    widths, strides, channels = settings
    size = 1 + sum(3 * math.prod(strides[:number]) for number in range(len(strides) + 1))
    step = math.prod(strides)
    rows, columns = (height - size) // step + 1, (width - size) // step + 1
    picture = rng.uniform(-1, 1, (1, height, width, channels)).astype("float32")
    border = [0, size - 1, size, step - 1, step, height - 1]
    places = [(y, x) for y in border for x in (0, size - 1, size, width - 1) if y < height and x < width]
    places += [(int(rng.integers(height)), int(rng.integers(width))) for _ in range(8)]
    pictures = np.repeat(picture, len(places) + 1, axis=0)
    for number, (y, x) in enumerate(places):
        pictures[number + 1, y, x] += 3
    given, _ = random_patch_weights(rng, settings)
    [logits] = check_items(call(run_patches, list(settings), given, [pictures]), ["logits"], name)
    shape = (len(pictures), rows, columns, 1)
    logits = as_array(logits, f"the logits of {name} for {height} x {width} pixels", shape)
    for (y, x), one in zip(places, logits[1:], strict=True):
        changed = np.abs(one - logits[0])[:, :, 0] > 1e-6
        # Unit i sees pixel y where i * step <= y < i * step + size.
        seen_y = np.array([i * step <= y < i * step + size for i in range(rows)])
        seen_x = np.array([j * step <= x < j * step + size for j in range(columns)])
        require(
            np.array_equal(changed, seen_y[:, None] & seen_x),
            f"{name}: after a change of pixel ({y}, {x}) other logits changed than those whose square it is in.",
        )


for layers, field in [([], (1, 1)), ([(3, 1), (3, 1)], (5, 1)), ([(4, 2), (4, 2), (4, 2), (4, 1), (4, 1)], (70, 8))]:
    got = as_field(call(receptive_field, layers), f"receptive_field({layers})")
    require(tuple(got) == field, f"receptive_field({layers}) is wrong.")
check_fields(np.random.default_rng(0), ([4, 3], [2, 1], 2), 20, 23)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x8BE7C8C3081C8925A66A9C77E0)
for _ in range(12):
    layers = [(int(rng.integers(1, 8)), int(rng.integers(1, 4))) for _ in range(rng.integers(1, 7))]
    # A unit of the last layer sees one pixel more, and one less, for each unit that it sees below.
    seen, step = {0}, 1
    for kernel, stride in layers[::-1]:
        seen = {unit * stride + k for unit in (min(seen), max(seen)) for k in (0, kernel - 1)}
        step *= stride
    got = as_field(call(receptive_field, layers), f"receptive_field({layers})")
    require(got == [max(seen) - min(seen) + 1, step], f"receptive_field({layers}) is wrong.")


def patch_reference(weights, x, widths, strides, channels, training):
    x = x.astype(np.float64)
    for number, (before, after) in enumerate(zip([channels, *widths], [*widths, 1], strict=True)):
        kernel = weights["kernel", (4, 4, before, after)].astype(np.float64)
        x = np.asarray(keras.ops.conv(x, kernel, strides=[*strides, 1][number], padding="valid"))
        if number in (0, len(widths)):
            x = x + weights["bias", (after,)]
        else:
            mean, variance = weights["moving_mean", (after,)], weights["moving_variance", (after,)]
            if training:
                mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
            x = (x - mean) / np.sqrt(variance + 5e-4) * weights["gamma", (after,)] + weights["beta", (after,)]
        if number < len(widths):
            x = np.where(x > 0, x, 0.2 * x)
    return x


for settings, sizes in [
    (([5, 7], [2, 2], 3), [(22, 30), (40, 23)]),
    (([6, 4, 3], [2, 1, 2], 1), [(36, 35), (28, 50)]),
    (([3], [1], 2), [(7, 9), (15, 8)]),
    (([8, 5], [3, 2], 4), [(37, 43)]),
    (([3, 5, 4, 6], [1, 2, 1, 1], 1), [(25, 29)]),
]:
    for height, width in sizes:
        check_fields(rng, settings, height, width)
    given, weights = random_patch_weights(rng, settings)
    pictures = [rng.uniform(-1, 1, (4, *size, settings[2])).astype("float32") for size in sizes]
    for how, training in (("without", {}), ("with", {"training": True})):
        # In training each call moves the running statistics, which a call in training does not use.
        got = call(run_patches, list(settings), given, pictures, **training)
        for picture, logits in zip(pictures, got, strict=True):
            want = patch_reference(weights, picture, *settings, bool(training))
            name = f"make_patch_discriminator{settings} for {picture.shape}, called {how} training=True"
            scale = np.abs(want).max()
            check_array(as_array(logits, name, want.shape) / scale, want / scale, name, rtol=1e-2, atol=1e-2)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 7: cycle loss, identity loss, and a buffer of images (8 points)
#
# pix2pix needs pairs: this map, that photograph. CycleGAN (*Unpaired image-to-image translation using cycle-consistent
# adversarial networks*, Zhu et al., 2017) learns from two heaps of pictures that belong to nobody: horses here, zebras
# there. There are two generators, `forth` from the first domain to the second and `back` the other way, and each has a
# discriminator that says whether what comes out looks like its domain. That alone would let `forth` turn every horse
# into the same zebra. What keeps the content is the **cycle**: there and back again must give the picture itself
# (section 3.2).
#
# **(a)** Write `cycle_loss(forth, back, x, y, weight=10.0)`. `forth` and `back` are functions of images, `x` is a batch
# of the first domain, `y` of the second:
#
# $$\mathrm{weight} \cdot \Big( \mathrm{mean}\, \big| \mathrm{back}(\mathrm{forth}(x)) - x \big| + \mathrm{mean}\, \big| \mathrm{forth}(\mathrm{back}(y)) - y \big| \Big)$$
#
# **(b)** Write `identity_loss(forth, back, x, y, weight=5.0)`. A picture that is already in the domain should be left
# as it is (section 5.2):
#
# $$\mathrm{weight} \cdot \Big( \mathrm{mean}\, \big| \mathrm{forth}(y) - y \big| + \mathrm{mean}\, \big| \mathrm{back}(x) - x \big| \Big)$$
#
# The means run over all values of a batch; `x` and `y` may differ in the number and the size of their pictures.
# Both return a tensor of shape `()`, through which gradients flow into both generators, **through both** of a cycle.
#
# **(c)** Write the class `ImageBuffer(size, seed=0)`, with `size` ≥ 1. The discriminators are shown not only the newest
# generated images, but also some from a history (section 4), so that the players do not chase each other round. Its method `query(images)` takes a
# batch (a NumPy array) and returns one of the same shape. It goes through the images in order: while fewer than `size`
# images are stored, an image is stored and returned. When the buffer is full, with probability one half the image is
# returned and nothing is stored; otherwise a stored image, each with the same probability, is returned, and the new one takes its
# place. Everything random follows from `seed`.
#
# **Hint.** `keras.ops.abs`, `keras.ops.mean`. The loss of a domain's cycle is the same as that of the other one, with
# the names exchanged. In (c), store copies: the batch that a query was given is overwritten afterwards. And let every
# buffer have a random generator of its own, as `np.random.default_rng(seed)`.
#
# **Graded by** (a), (b): values and gradients for generators that are a product and a sum; the same value when both
# generators and both batches are exchanged. (c): images that are told apart by their value: which come back, which
# stay, how often, and from which places, through buffers of several sizes, also when two buffers are used in turn.


# %% nbgrader={"grade": false, "grade_id": "cycle_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cycle_loss(forth, back, x, y, weight=10.0):
    """How far x, sent forth and back, and y, sent back and forth, end from where they began."""
    ### BEGIN SOLUTION
    first = keras.ops.mean(keras.ops.abs(back(forth(x)) - x))
    second = keras.ops.mean(keras.ops.abs(forth(back(y)) - y))
    return weight * (first + second)
    ### END SOLUTION


def identity_loss(forth, back, x, y, weight=5.0):
    """How much each generator changes what is already in the domain that it leads to."""
    ### BEGIN SOLUTION
    first = keras.ops.mean(keras.ops.abs(forth(y) - y))
    second = keras.ops.mean(keras.ops.abs(back(x) - x))
    return weight * (first + second)
    ### END SOLUTION


class ImageBuffer:
    """A history of generated images: gives each new one back, or an older one in its place."""

    def __init__(self, size, seed=0):
        ### BEGIN SOLUTION
        self.size = size
        self.stored = []
        self.rng = np.random.default_rng(seed)
        ### END SOLUTION

    def query(self, images):
        """A batch like `images`, in which some are replaced by stored ones."""
        ### BEGIN SOLUTION
        returned = []
        for image in images:
            image = np.array(image)
            if len(self.stored) < self.size:
                self.stored.append(image)
            elif self.rng.random() < 0.5:
                place = self.rng.integers(self.size)
                image, self.stored[place] = self.stored[place], image
            returned.append(image)
        return np.stack(returned)
        ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_cycle_loss", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def translator_losses(forth, back, x, y, settings=None):
    """Both losses for generators `a * image + b`, and their gradients for (a, b) of `forth` and of `back`."""
    numbers = [tf.Variable(number) for number in (*forth, *back)]
    x, y, settings = tf.constant(x), tf.constant(y), settings or {}
    found = {}
    for name, loss_fn in (("cycle", cycle_loss), ("identity", identity_loss)):
        with tf.GradientTape() as tape:
            loss = loss_fn(
                lambda image: numbers[0] * image + numbers[1],
                lambda image: numbers[2] * image + numbers[3],
                x,
                y,
                **settings,
            )
        found[name] = {"loss": loss, "gradients": tape.gradient(loss, numbers)}
    return found


def feed_buffer(size, batches, seed=None, others=0):
    """What a new ImageBuffer gives for each batch; `others` more buffers are used in between."""
    seeds = {} if seed is None else {"seed": seed}
    buffer, *rest = [ImageBuffer(size, **seeds) for _ in range(1 + others)]
    given = []
    for batch in batches:
        lent = np.array(batch)
        given.append(np.array(buffer.query(lent)))
        # What was lent is used again, as a training loop may do.
        lent[...] = -1
        for other in rest:
            other.query(np.array(batch))
    return given


# %% nbgrader={"grade": true, "grade_id": "test_cycle_loss", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
"""Cycle and identity loss: values, gradients through both generators, symmetry; what the buffer gives and keeps."""
# forth(x) = 2 x + 1 and back(y) = 3 y: x = 1 comes back as 9; y = -1 comes back as -5. forth(y) = -1, back(x) = 3.
ones = np.ones((1, 1, 1, 1))
got = call(translator_losses, (2.0, 1.0), (3.0, 0.0), ones.astype("float32"), -ones.astype("float32"))
check_number(got["cycle"]["loss"], 10 * (8 + 4), "cycle_loss")
check_number(got["identity"]["loss"], 5 * (0 + 2), "identity_loss")
for name in ("cycle", "identity"):
    for gradient in check_items(got[name]["gradients"], ["a", "b"] * 2, f"the gradients of {name}_loss"):
        require(gradient is not None, f"{name}_loss: no gradient reaches a generator. Is the loss made with keras.ops?")
# Images told apart by their value: the first three are stored and returned.
batches = [np.full((2, 2, 2, 1), 0.0) + np.array([2 * n, 2 * n + 1]).reshape(2, 1, 1, 1) for n in range(6)]
buffered = check_items(call(feed_buffer, 3, batches), ["batch"] * 6, "the buffer's answers")
check_array(buffered[0], batches[0], "what a buffer of 3 returns of the first two images")
for number, batch in enumerate(buffered):
    batch = as_array(batch, "a batch from the buffer", (2, 2, 2, 1))
    require(batch.max() <= 2 * number + 1, "The buffer returned an image that it had not seen yet.")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xD4D365D7F091A866F011FEBB62)


def cycle_reference(forth, back, x, y):
    """The two losses with weight 1, and their gradients for a and b of `forth`, a and b of `back`."""
    (a, b), (c, d) = forth, back
    first, second = np.sign(c * (a * x + b) + d - x), np.sign(a * (c * y + d) + b - y)
    cycle = np.abs(c * (a * x + b) + d - x).mean() + np.abs(a * (c * y + d) + b - y).mean()
    of_cycle = [
        (first * c * x).mean() + (second * (c * y + d)).mean(),
        (first * c).mean() + second.mean(),
        (first * (a * x + b)).mean() + (second * a * y).mean(),
        first.mean() + (second * a).mean(),
    ]
    third, fourth = np.sign(a * y + b - y), np.sign(c * x + d - x)
    identity = np.abs(a * y + b - y).mean() + np.abs(c * x + d - x).mean()
    of_identity = [(third * y).mean(), third.mean(), (fourth * x).mean(), fourth.mean()]
    return {"cycle": (cycle, of_cycle), "identity": (identity, of_identity)}


for x_shape, y_shape, weight in [
    ((3, 4, 5, 2), (3, 4, 5, 2), None),
    ((1, 6, 4, 3), (4, 6, 4, 3), 2.5),
    ((5, 3, 3, 1), (2, 4, 6, 1), 0.7),
    ((2, 4, 4, 3), (2, 4, 4, 3), 0.0),
]:
    x, y = (rng.normal(size=shape).astype("float32") for shape in (x_shape, y_shape))
    forth, back = ([float(number) for number in rng.normal(size=2)] for _ in range(2))
    settings = {} if weight is None else {"weight": weight}
    got = call(translator_losses, forth, back, x, y, settings)
    turned = call(translator_losses, back, forth, y, x, settings)
    want = cycle_reference(forth, back, x.astype(np.float64), y.astype(np.float64))
    for name, default in (("cycle", 10.0), ("identity", 5.0)):
        factor = default if weight is None else weight
        what = f"{name}_loss of batches of shape {x_shape} and {y_shape}"
        check_number(got[name]["loss"], factor * want[name][0], what, rtol=1e-3)
        check_number(turned[name]["loss"], factor * want[name][0], f"{what}, all exchanged", rtol=1e-3)
        gradients = check_items(got[name]["gradients"], ["a", "b"] * 2, f"the gradients of {what}")
        for gradient, slope in zip(gradients, want[name][1], strict=True):
            require(gradient is not None, f"{what}: a gradient is missing.")
            check_number(gradient, factor * slope, f"a gradient of {what}", rtol=1e-2, atol=1e-4)

texture = np.arange(6, dtype="float32").reshape(2, 3, 1) / 64


def numbered(num_batches, batch_size):
    """Batches of images that all have one texture, and differ by their number."""
    numbers = np.arange(num_batches * batch_size, dtype="float32").reshape(num_batches, batch_size, 1, 1, 1)
    return list(numbers + texture)


def fed(size, batches, *settings):
    """The numbers of the images that a buffer gives."""
    given = [
        as_array(one, "a batch from the buffer", batches[0].shape)
        for one in call(feed_buffer, size, batches, *settings)
    ]
    numbers = np.concatenate(given)[:, :1, :1]
    require(np.array_equal(np.concatenate(given), numbers + texture), "ImageBuffer: an image came back changed.")
    return numbers.ravel()


def check_history(size, returned):
    """Follow what is stored: which images come back, how often, and from which places."""
    first = np.array_equal(returned[:size], np.arange(size))
    require(first, "ImageBuffer: the first `size` images come back themselves.")
    stored, places, ranks = list(range(size)), [], []
    for image, back_again in zip(range(size, len(returned)), returned[size:], strict=True):
        if back_again != image:
            require(back_again in stored, "ImageBuffer: an image came back that was not stored at that moment.")
            places.append(stored.index(back_again))
            ranks.append(sorted(stored).index(back_again))
            stored[places[-1]] = image
    # Five standard deviations around one half, and of each place and each age around an even share.
    num, swapped = len(returned) - size, len(places)
    require(abs(swapped - num / 2) < 2.5 * np.sqrt(num), "ImageBuffer: about half of the images should be exchanged.")
    for drawn in (places, ranks):
        share = np.bincount(drawn, minlength=size)
        even = (np.abs(share - swapped / size) <= 5 * np.sqrt(swapped / size)).all()
        require(even, "ImageBuffer: every stored image, old or new, should be drawn equally often.")
    exchanged = (returned != np.arange(len(returned)))[size:]
    changes = (exchanged[1:] != exchanged[:-1]).sum()
    by_chance = abs(changes - num / 2) < 2.5 * np.sqrt(num)
    require(by_chance, "ImageBuffer: once it is full, each image should have its own chance.")


for size, num_batches, batch_size in [(1, 60, 2), (10, 20, 8), (7, 100, 1), (4, 50, 3)]:
    batches = numbered(num_batches, batch_size)
    returned = fed(size, batches, 5)
    check_history(size, returned)
require(np.array_equal(returned, fed(4, batches, 5)), "ImageBuffer: the same seed should give the same images.")
require(not np.array_equal(returned, fed(4, batches, 6)), "ImageBuffer: another seed should give other images.")
require(
    np.array_equal(returned, fed(4, batches, 5, 1)),
    "ImageBuffer: another buffer, used in turn, changes what it gives. Has each a random generator of its own?",
)
# So many images that a place which is drawn half as often as another one shows; the buffer is full early in a batch.
returned = fed(3, numbered(30, 50), 7)
check_history(3, returned)
require((returned[3:50] != np.arange(3, 50)).any(), "ImageBuffer: it can become full in the middle of a batch.")
# The image after those that fill the buffer: that none of thirty buffers exchanges it happens once in a billion times.
after = [fed(2, numbered(3, 1), buffer_seed)[2] for buffer_seed in range(30)]
require(min(after) < 2, "ImageBuffer: once it is full, the very next image can be exchanged.")
batches = numbered(40, 1)
default = fed(2, batches)
require(np.array_equal(default[:2], [0, 1]), "ImageBuffer: the first `size` images come back themselves.")
require(np.array_equal(default, fed(2, batches, 0)), "ImageBuffer: where no seed is given, it is 0.")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 8: a step of each player (10 points)
#
# Write the two steps of the game, with `tf.GradientTape`. Both players are Keras models, `optimizer` is the Keras
# optimizer of the player whose turn it is.
#
# **(a)** `discriminator_step(generator, discriminator, optimizer, loss_fn, real, noise)`: the generator makes one batch
# from `noise`; the discriminator judges `real` and this batch, and learns from `loss_fn(real_logits, fake_logits)`.
#
# **(b)** `generator_step(generator, discriminator, optimizer, loss_fn, noise)`: the generator makes one batch from
# `noise`, the discriminator judges it, and the **generator** learns from `loss_fn(fake_logits)`: the gradient comes to
# it *through* the discriminator.
#
# Both return the loss, a single number (a float or a tensor of shape `()`), as it was before the step. (Return the tensor
# if you want to compile your steps in task 10: `float(loss)` fails there.)
#
# - A step changes the trainable variables of the player whose turn it is, all of them, by one
#   `optimizer.apply(gradients, variables)`. The trainable variables of the other player stay **exactly** as they are.
#   (Running statistics of batch normalization are not trainable; they move in both players, and may.)
# - Every call of a player is with `training=True`, and each batch goes through once, whole: `real` and `noise` may differ
#   in the number of their rows. Real and generated images are
#   judged in **two calls**: in one common batch, batch normalization would mix their statistics, and a discriminator in
#   training would see something that it never sees again.
#
# **Hint.** `tape.gradient(loss, discriminator.trainable_variables)` names whose gradients you want; nothing needs to be
# frozen. A gradient of `None` says that the loss does not depend on that variable: was something outside of the tape,
# or made into a NumPy array?
#
# **Not allowed:** `generator.fit`, `discriminator.fit`, `discriminator.train_on_batch`, `keras.Model.fit`,
# `keras.Model.train_on_batch`.
#
# **Graded by** steps with two small models that write down what they are given, and repeating them in NumPy: the
# calls, the loss, the weights of both players after several steps with two kinds of loss. The discriminator normalizes
# with the statistics of the batch.


# %% nbgrader={"grade": false, "grade_id": "steps", "locked": false, "schema_version": 3, "solution": true, "task": false}
def discriminator_step(generator, discriminator, optimizer, loss_fn, real, noise):
    """One step of the discriminator against the generator as it is; gives the loss before the step."""
    ### BEGIN SOLUTION
    fake = generator(noise, training=True)
    with tf.GradientTape() as tape:
        loss = loss_fn(discriminator(real, training=True), discriminator(fake, training=True))
    variables = discriminator.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss
    ### END SOLUTION


def generator_step(generator, discriminator, optimizer, loss_fn, noise):
    """One step of the generator against the discriminator as it is; gives the loss before the step."""
    ### BEGIN SOLUTION
    with tf.GradientTape() as tape:
        loss = loss_fn(discriminator(generator(noise, training=True), training=True))
    variables = generator.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_steps", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
class SmallGenerator(keras.Model):
    """A linear map from noise to points; `remember` is called with what comes in."""

    def __init__(self, kernel, bias, remember):
        super().__init__()
        self.kernel = self.add_weight(shape=kernel.shape, initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=bias.shape, initializer="zeros", name="bias")
        self.offset = self.add_weight(shape=bias.shape, initializer="ones", trainable=False, name="offset")
        self.kernel.assign(kernel)
        self.bias.assign(bias)
        self.remember = remember

    def call(self, noise, training=False):
        tf.py_function(lambda noise: self.remember("generator", bool(training), noise), [noise], [])
        return keras.ops.matmul(noise, self.kernel) + self.bias + self.offset


class SmallDiscriminator(keras.Model):
    """Logits (batch, 1) of points, which are normalized by the statistics of their batch in training."""

    def __init__(self, kernel, bias, remember):
        super().__init__()
        self.kernel = self.add_weight(shape=kernel.shape, initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=bias.shape, initializer="zeros", name="bias")
        self.kernel.assign(kernel)
        self.bias.assign(bias)
        self.remember = remember

    def call(self, x, training=False):
        tf.py_function(lambda x: self.remember("discriminator", bool(training), x), [x], [])
        h = keras.ops.matmul(x, self.kernel)
        if training:
            mean, variance = keras.ops.moments(h, axes=[0], keepdims=True)
            h = (h - mean) / keras.ops.sqrt(variance + 0.1) + 0.2 * mean
        return keras.ops.sum(keras.ops.tanh(h) + self.bias * h, axis=1, keepdims=True)


def d_loss_fn(kind):
    """A loss of the discriminator, as `discriminator_step` takes it."""
    if kind == "cross-entropy":
        return lambda real, fake: keras.ops.mean(keras.ops.softplus(-real)) + keras.ops.mean(keras.ops.softplus(fake))
    return lambda real, fake: keras.ops.mean(keras.ops.square(real - 1)) + keras.ops.mean(keras.ops.square(fake))


def g_loss_fn(kind):
    """A loss of the generator, as `generator_step` takes it."""
    if kind == "cross-entropy":
        return lambda fake: keras.ops.mean(keras.ops.softplus(-fake))
    return lambda fake: keras.ops.mean(keras.ops.square(fake - 1))


def play(weights, turns, kind, learning_rate):
    """Play turns, each (real, noise) or (noise,), with your steps: loss, calls, weights and steps after each turn."""
    calls, played = [], []

    def remember(player, training, x):
        calls.append((player, training, x.numpy()))

    generator = SmallGenerator(*weights["generator"], remember)
    discriminator = SmallDiscriminator(*weights["discriminator"], remember)
    optimizers = {name: keras.optimizers.SGD(learning_rate) for name in ("generator", "discriminator")}
    for turn in turns:
        calls.clear()
        if len(turn) == 2:
            loss = discriminator_step(generator, discriminator, optimizers["discriminator"], d_loss_fn(kind), *turn)
        else:
            loss = generator_step(generator, discriminator, optimizers["generator"], g_loss_fn(kind), *turn)
        played.append(
            {
                "loss": loss,
                "calls": list(calls),
                "generator": [generator.kernel.numpy(), generator.bias.numpy()],
                "discriminator": [discriminator.kernel.numpy(), discriminator.bias.numpy()],
                "offset": generator.offset.numpy(),
                "steps": {name: int(optimizer.iterations.numpy()) for name, optimizer in optimizers.items()},
            }
        )
    return played


# %% nbgrader={"grade": true, "grade_id": "test_steps", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""A step of each player: who is called with what, whose weights move and how far, and whose do not."""
PLAYERS = ("generator", "discriminator")


def logits_reference(x, kernel, bias):
    h = x @ kernel
    mean = h.mean(axis=0)
    h = (h - mean) / np.sqrt(h.var(axis=0) + 0.1) + 0.2 * mean
    return (np.tanh(h) + bias * h).sum(axis=1)


def turn_reference(generator, discriminator, turn, kind):
    """The loss of a turn, with the weights of both players."""
    fake = logits_reference(turn[-1] @ generator[0] + generator[1] + 1, *discriminator)
    if len(turn) == 2:
        real = logits_reference(turn[0], *discriminator)
        if kind == "cross-entropy":
            return np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean()
        return ((real - 1) ** 2).mean() + (fake**2).mean()
    return np.logaddexp(0, -fake).mean() if kind == "cross-entropy" else ((fake - 1) ** 2).mean()


def check_turns(rng, names, kind, learning_rate, sizes, more_real=0):
    """Play turns ("discriminator" or "generator") and repeat each from the weights that the one before it left."""
    latent_dim, num_features, num_hidden = 3, 4, 2
    weights = {
        "generator": [rng.normal(size=(latent_dim, num_features)), rng.normal(size=num_features)],
        "discriminator": [rng.normal(size=(num_features, num_hidden)), rng.normal(size=num_hidden)],
    }
    weights = {name: [one.astype("float32") for one in both] for name, both in weights.items()}
    turns = []
    for name, size in zip(names, sizes, strict=True):
        noise = rng.normal(size=(size, latent_dim)).astype("float32")
        # Real points lie elsewhere and are spread wider than generated ones: common statistics would differ.
        real = (3 + 2 * rng.normal(size=(size + more_real, num_features))).astype("float32")
        turns.append((real, noise) if name == "discriminator" else (noise,))
    played = check_items(call(play, weights, turns, kind, learning_rate), ["turn"] * len(turns), "the turns")
    for number, (name, turn, after) in enumerate(zip(names, turns, played, strict=True)):
        what = f"turn {number} (of the {name}, {kind})"
        before = {player: [one.astype(np.float64) for one in weights[player]] for player in PLAYERS}
        calls = [(player, training, as_array(x, "a batch")) for player, training, x in after["calls"]]
        order = [player for player, _, _ in calls]
        wanted = ["discriminator"] * len(turn) + ["generator"]
        require(
            sorted(order) == wanted,
            f"{what}: the generator should be called once, the discriminator {len(turn)} times; it was {order}.",
        )
        require(all(training for _, training, _ in calls), f"{what}: every call should be with training=True.")
        made = turn[-1] @ before["generator"][0] + before["generator"][1] + 1
        for player, x in [("generator", turn[-1]), *(("discriminator", x) for x in (made, *turn[:-1]))]:
            given = any(
                one == player and seen.shape == x.shape and np.allclose(seen, x, atol=1e-4) for one, _, seen in calls
            )
            require(given, f"{what}: the {player} was not called with what it should judge or start from.")

        def loss_of(kernel, bias, before=before, name=name, turn=turn):
            return turn_reference(**(before | {name: [kernel, bias]}), turn=turn, kind=kind)

        check_number(after["loss"], loss_of(*before[name]), f"{what}: the loss", rtol=1e-3, atol=1e-5)
        for part, got in enumerate(check_items(after[name], ["kernel", "bias"], "weights")):
            want = before[name][part] - learning_rate * numerical_gradient(loss_of, before[name], part)
            check_array(got, want, f"{what}: its {['kernel', 'bias'][part]} after the step", rtol=1e-3, atol=1e-4)
        for other in set(PLAYERS) - {name}:
            same = all(np.array_equal(a, b) for a, b in zip(after[other], weights[other], strict=True))
            require(same, f"{what}: the weights of the other player changed.")
        check_array(after["offset"], np.ones(num_features), f"{what}: a variable that is not trainable")
        steps = {player: names[: number + 1].count(player) for player in PLAYERS}
        require(after["steps"] == steps, f"{what}: the optimizer should be applied once in each turn.")
        weights = {player: [as_array(one, "a weight") for one in after[player]] for player in PLAYERS}


check_turns(np.random.default_rng(0), ["discriminator", "generator"], "cross-entropy", 0.1, [6, 6])
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x2488A544E495364885DBBFFA4A)
for names, kind, learning_rate, sizes, more_real in [
    (["discriminator", "generator"] * 3, "cross-entropy", 0.2, [8, 5, 8, 8, 4, 7], 0),
    (["generator", "generator", "discriminator"], "least squares", 0.05, [7, 4, 9], 4),
    (["discriminator"] * 3 + ["generator"], "least squares", 0.02, [5, 8, 6, 6], -2),
    (["generator", "discriminator"], "cross-entropy", 1.0, [20, 30], 0),
]:
    check_turns(rng, names, kind, learning_rate, sizes, more_real)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 9: the loop of two players (6 points)
#
# Write `play_game(d_step, g_step, images, *, epochs, batch_size, latent_dim, num_d_steps=1, seed=0)`. `d_step(real,
# noise)` and `g_step(noise)` are steps as those of task 8, with all but the last arguments filled in; each returns its
# loss, a number. `images` is an array of real images.
#
# - **An epoch** goes through all images once, in a random order that is new in every epoch, in batches of `batch_size`.
#   What is left at the end and does not fill a batch is **left out** in this epoch: a small batch has poor statistics.
# - **Each batch** is used for one call of `d_step`. After every `num_d_steps` calls of `d_step` (counted through all
#   epochs, not anew in each), `g_step` is called once.
# - **Noise** is drawn from the standard normal distribution, an array or tensor `(batch_size, latent_dim)` of
#   `float32`, and is **new for every call** of `d_step` and of `g_step`.
# - Order and noise follow from `seed`: the same seed gives the same calls, another seed others.
#
# It returns a list with a pair `(d_loss, g_loss)` for each epoch, two Python floats: the means of the losses that the
# calls of this epoch returned. (In the tests every epoch has at least one call of each step.)
#
# **Hint.** One `np.random.default_rng(seed)`, made before the loops, gives both. The steps may be compiled functions;
# your loop must not be.
#
# **Not allowed:** `keras.Model.fit`, `tf.function`.
#
# **Graded by** calling it with steps that write down what they are given: the order of the calls, the batches, the
# noise and its distribution, seeds, and the means, for several sizes and `num_d_steps`.


# %% nbgrader={"grade": false, "grade_id": "game", "locked": false, "schema_version": 3, "solution": true, "task": false}
def play_game(d_step, g_step, images, *, epochs, batch_size, latent_dim, num_d_steps=1, seed=0):
    """Let the two players take turns; gives the mean losses (d_loss, g_loss) of each epoch."""
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)

    def noise():
        return rng.standard_normal((batch_size, latent_dim), dtype=np.float32)

    history, num_calls = [], 0
    for _ in range(epochs):
        order = rng.permutation(len(images))
        d_losses, g_losses = [], []
        for start in range(0, len(images) - batch_size + 1, batch_size):
            d_losses.append(float(d_step(images[order[start : start + batch_size]], noise())))
            num_calls += 1
            if num_calls % num_d_steps == 0:
                g_losses.append(float(g_step(noise())))
        history.append((float(np.mean(d_losses)), float(np.mean(g_losses))))
    return history
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_game", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
"""The loop of two players: whose turn it is, batches and epochs, fresh noise, seeds, the mean losses."""


def watched_game(images, **settings):
    """Play with steps that write down what they are given, and return made-up losses: (calls, history)."""
    calls = []

    def d_step(real, noise):
        calls.append(("d", as_array(real, "a batch of real images"), as_array(noise, "noise")))
        return 1.0 + len(calls) ** 2

    def g_step(noise):
        calls.append(("g", as_array(noise, "noise")))
        return -0.5 * len(calls) ** 2

    return calls, call(play_game, d_step, g_step, images, **settings)


def check_game(images, *, epochs, batch_size, latent_dim, num_d_steps=1, **settings):
    """Check one game; gives the numbers of the images that each epoch used, and all noise, call by call."""
    given = dict(epochs=epochs, batch_size=batch_size, latent_dim=latent_dim, **settings)
    calls, history = watched_game(images, **given, **({} if num_d_steps == 1 else {"num_d_steps": num_d_steps}))
    what = f"{len(images)} images, {epochs} epochs, batches of {batch_size}, num_d_steps={num_d_steps}"
    num_batches = len(images) // batch_size
    turns, want = [], []
    for _ in range(epochs):
        losses = {"d": [], "g": []}
        for _ in range(num_batches):
            turns.append("d")
            losses["d"].append(1.0 + len(turns) ** 2)
            if turns.count("d") % num_d_steps == 0:
                turns.append("g")
                losses["g"].append(-0.5 * len(turns) ** 2)
        want.append((np.mean(losses["d"]), np.mean(losses["g"])))
    got = [kind for kind, *_ in calls]
    require(
        got == turns,
        f"{what}: the turns should be {turns[:12]}..., {len(turns)} in all; yours are {got[:12]}..., {len(got)}.",
    )
    batches = [real for kind, real, *_ in calls if kind == "d"]
    used = []
    for real in batches:
        require(real.shape == (batch_size, *images.shape[1:]), f"{what}: a batch has the wrong shape.")
        distance = np.abs(real[:, None] - images).reshape(batch_size, len(images), -1).sum(axis=2)
        require(distance.min(axis=1).max() < 1e-4, f"{what}: a batch holds something that is no image.")
        used.append(distance.argmin(axis=1))
    used = np.array(used).reshape(epochs, -1)
    for first, second in zip([np.arange(used.shape[1]), *used], used, strict=False):
        require(len(set(second.tolist())) == len(second), f"{what}: an epoch used an image twice.")
        require(not np.array_equal(first, second), f"{what}: each epoch should have a random order of its own.")
    noises = [one[-1] for one in calls]
    require(all(one.shape == (batch_size, latent_dim) for one in noises), f"{what}: noise has the wrong shape.")
    require(all(one.dtype == np.float32 for one in noises), f"{what}: noise should be float32.")
    rows = np.concatenate(noises)
    require(
        len(np.unique(rows.round(5), axis=0)) == len(rows), f"{what}: noise was used twice; draw it anew for each call."
    )
    pairs = check_items(history, [f"epoch {epoch}" for epoch in range(epochs)], f"the history with {what}")
    for epoch, (pair, wanted) in enumerate(zip(pairs, want, strict=True)):
        for name, loss, value in zip(
            ("d_loss", "g_loss"), check_items(pair, ["d", "g"], "a pair"), wanted, strict=True
        ):
            require(type(loss) is float, f"{what}: {name} of epoch {epoch} should be a Python float.")
            check_number(loss, value, f"{name} of epoch {epoch} with {what}")
    return used, noises


# Ten images, told apart by their value.
images = np.arange(10.0, dtype="float32").reshape(10, 1, 1, 1) * np.ones((10, 2, 2, 1), "float32")
check_game(images, epochs=2, batch_size=3, latent_dim=4)
check_game(images, epochs=2, batch_size=2, latent_dim=4, num_d_steps=3)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xA63930B03B8879EFB29C2D08F3)
images = rng.uniform(-1, 1, (23, 3, 2, 1)).astype("float32")
orders, noises = {}, {}
for key, settings in {
    "one": dict(epochs=3, batch_size=4, latent_dim=5, seed=11),
    "the same": dict(epochs=3, batch_size=4, latent_dim=5, seed=11),
    "another seed": dict(epochs=3, batch_size=4, latent_dim=5, seed=12),
    "no seed": dict(epochs=2, batch_size=5, latent_dim=3),
    "seed 0": dict(epochs=2, batch_size=5, latent_dim=3, seed=0),
    "one epoch": dict(epochs=1, batch_size=6, latent_dim=3, seed=6),
    "many epochs": dict(epochs=30, batch_size=5, latent_dim=3, num_d_steps=4, seed=7),
    "two steps": dict(epochs=4, batch_size=7, latent_dim=2, num_d_steps=2, seed=1),
    "five steps": dict(epochs=3, batch_size=3, latent_dim=6, num_d_steps=5, seed=2),
    "all images in one batch": dict(epochs=4, batch_size=23, latent_dim=2, seed=3),
}.items():
    orders[key], noises[key] = check_game(images, **settings)


def same(first, second):
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


require(same(orders["one"], orders["the same"]), "play_game: the same seed should give the same order of the images.")
require(same(noises["one"], noises["the same"]), "play_game: the same seed should give the same noise.")
seedless = same(orders["no seed"], orders["seed 0"]) and same(noises["no seed"], noises["seed 0"])
require(seedless, "play_game: where no seed is given, it is 0.")
require(not same(orders["one"], orders["another seed"]), "play_game: another seed should give another order.")
require(not same(noises["one"], noises["another seed"]), "play_game: another seed should give other noise.")
# All images take part over the epochs: which are left out changes.
left_out = [set(range(23)) - set(epoch.tolist()) for epoch in orders["one"]]
require(
    left_out[0] != left_out[1] or left_out[1] != left_out[2],
    "play_game: it should not always leave out the same images.",
)
# Two images that shared a batch share one in the next epoch no more often than by chance: of 40 pairs in each epoch,
# 6.3 stay together. The limit lies five standard deviations above that.
partners = []
for epoch in [np.arange(20), *orders["many epochs"]]:
    batch_of = np.full(23, np.nan)
    batch_of[epoch] = np.arange(20) // 5
    partners.append(np.triu(batch_of[:, None] == batch_of, 1))
stay = np.mean([(before & after).sum() for before, after in zip(partners, partners[1:], strict=False)])
require(
    stay < 8.4, "play_game: the same images meet in a batch again and again; the order should be random in each epoch."
)
_, drawn = check_game(images, epochs=8, batch_size=8, latent_dim=60, seed=4)
drawn = np.stack(drawn).astype(np.float64)
distinct = len(np.unique(np.abs(drawn))) > 0.9 * drawn.size
# Sums of independent numbers, along each axis, have the variance of their number.
independent = all(0.5 < drawn.sum(axis).var() / drawn.shape[axis] < 1.5 for axis in range(3))
require(distinct and independent, "play_game: the numbers of the noise should be independent of each other.")
moments = [drawn.mean(), drawn.var(), (drawn**3).mean(), (drawn**4).mean(), (drawn**2).sum(axis=2).var() / 120]
for got, want, tolerance in zip(moments, (0, 1, 0, 3, 1), (0.06, 0.09, 0.25, 0.6, 0.5), strict=True):
    require(abs(got - want) < tolerance, "play_game: the noise should be drawn from the standard normal distribution.")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 10: a generator of faces (11 points)
#
# Now play the game. `real_images` are the faces from the top of this notebook, `(1024, 16, 16, 3)`, bytes. The next
# cell defines how generated faces are compared with them: **Fréchet's distance** between two sets of features, the
# distance (squared, as is usual) of two normal distributions with the sets' means and covariances; with a network's
# features it is known as FID (Heusel et al., 2017). The smaller, the more alike. Features are here the strongest principal
# components of the pixels; the grader has a better judge, whose distances are on another scale, and the table below
# speaks of the judge's. The public check asks for at most 6 here, which only tells what was not trained from what was:
# to pass it promises no points. Generators that earn all of them have 0.6 to 0.8 here, and cleaner images than others
# with 1.3. Your own distance is printed when your generator has been trained.


# %% nbgrader={"grade": false, "grade_id": "scores", "locked": true, "schema_version": 3, "solution": false, "task": false}
def frechet_distance(first, second):
    """Fréchet's distance between two sets of features (num, num_features) (Dowson and Landau, 1982)."""
    covariances = [np.cov(features, rowvar=False) for features in (first, second)]
    # The eigenvalues of a product of two covariances are real and not negative; rounding may leave a trace of both.
    shared = np.sqrt(np.maximum(np.linalg.eigvals(covariances[0] @ covariances[1]).real, 0)).sum()
    between = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
    return float(between + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * shared)


flat_images = real_images.reshape(len(real_images), -1) / 255.0
mean_image = flat_images.mean(axis=0)
components = np.linalg.svd(flat_images - mean_image, full_matrices=False)[2][:20].T


def pixel_features(images):
    """The first 20 principal components (num, 20) of images of bytes (num, 16, 16, 3)."""
    return (np.asarray(images).reshape(len(images), -1) / 255.0 - mean_image) @ components


# %% [markdown]
# Write two functions (the third place in the cell is for functions of your own):
#
# - `fit_generator(images)` trains a generator on images `(num, 16, 16, 3)` of bytes. It returns whatever your second
#   function needs.
# - `generate(generator, noise)` takes that and noise `(num, 32)`, `float32`, drawn from the standard normal
#   distribution. It returns `num` images, an array `(num, 16, 16, 3)` of `uint8`. The same noise gives the same image,
#   whatever else is in the batch; another noise gives another image. How many come at once varies.
#
# Your own functions and all of Keras are allowed. Not allowed are weights that were trained elsewhere, and faces other
# than `images` (and what you make of them): the program that drew them, too, stays unused. Copies of training images
# are no generated faces. The training cell below calls your function with `real_images`. Keep it under 90 s by the
# clock on two CPU cores; 40 s are enough. (Where many are graded at once it takes longer; the grader stops it after
# seven minutes.)
#
# **Hint.** A generator of widths 64 and 32 and a discriminator of widths 32 and 64, batches of 64, Adam with a learning
# rate of 0.002 and `beta_1=0.5`, the non-saturating loss with real labels of 0.9, some 60 epochs: these settings find
# believable faces. Compile the step of each player with `tf.function` (the optimizers' variables must exist before:
# `optimizer.build(variables)`); by hand it takes several times as long. Bytes to `[-1, 1]` and back: `x / 127.5 - 1`,
# and do not let `uint8` run over. In `generate`, use `training=False`; a `momentum=0.9` in batch normalization makes
# the running statistics follow faster. Two players never stand still: the mean of the generator's weights over the last
# steps makes cleaner images than its last weights do. Keras keeps it with `Adam(..., use_ema=True, ema_momentum=0.99)`;
# `optimizer.finalize_variable_values(variables)` puts it in their place, and then the running statistics have to
# follow: call the generator some fifty times with `training=True`, each time with new noise. Look at samples while you train.
#
# **Not allowed:** `coursedata.faces`.
#
# **Graded by** a network that was trained on other faces and that your notebook never sees. It looks at 1,000 images of
# yours, for new noise. *Recognized* is the part of them that it takes for a face and in which it is sure about glasses,
# beard and hair: of new real faces 93 %, and it is strict with speckled or blurred ones. Its features give a Fréchet
# distance between yours and new real faces. Your generator is trained anew when it is graded, and may come out a little
# different.
#
# | points | recognized | Fréchet distance |
# |---|---|---|
# | 11 | at least 30 % | at most 4 |
# | 5 | at least 20 % | at most 5 |
#
# For both you also need: images that depend on the noise (at least half as different from each other as real faces are),
# and no copies: for each of your images the nearest training image is compared with the nearest of equally many faces that you never saw,
# and at most 30 % of your images may lie much nearer to the training's (less than 0.8 times as far; of real new faces 7 % do). The same is
# asked of the quarters of your images (less than 0.5 times as far; of real new faces none). Neither a training image that was moved, mirrored or made brighter, nor pieces of several
# of them put together, is an image of your own.


# %% nbgrader={"grade": false, "grade_id": "experiment", "locked": false, "schema_version": 3, "solution": true, "task": false} tags=["trains"]
def fit_generator(images):
    """Train on images (num, 16, 16, 3) of bytes; gives what generate needs."""
    ### BEGIN SOLUTION
    keras.utils.set_random_seed(seed)
    generator, discriminator = face_players()
    # Of the generator's weights, the mean of the last hundred steps or so is what counts in the end.
    optimizers = [keras.optimizers.Adam(0.002, beta_1=0.5, use_ema=one, ema_momentum=0.99) for one in (True, False)]
    for optimizer, player in zip(optimizers, (generator, discriminator), strict=True):
        optimizer.build(player.trainable_variables)

    def softplus_mean(logits):
        return tf.reduce_mean(tf.nn.softplus(logits))

    @tf.function
    def step(real, noise):
        fake = generator(noise[0], training=True)
        with tf.GradientTape() as tape:
            of_real = discriminator(real, training=True)
            of_fake = discriminator(fake, training=True)
            # Labels of 0.9 for real images.
            loss = 0.9 * softplus_mean(-of_real) + 0.1 * softplus_mean(of_real) + softplus_mean(of_fake)
        variables = discriminator.trainable_variables
        optimizers[1].apply(tape.gradient(loss, variables), variables)
        with tf.GradientTape() as tape:
            loss = softplus_mean(-discriminator(generator(noise[1], training=True), training=True))
        variables = generator.trainable_variables
        optimizers[0].apply(tape.gradient(loss, variables), variables)

    rng = np.random.default_rng(seed)
    real, batch_size = images / np.float32(127.5) - 1, 64
    for _ in coursekit.progress_bar(range(NUM_EPOCHS), label="faces"):
        order = rng.permutation(len(real))
        for start in range(0, len(real) - batch_size + 1, batch_size):
            noise = rng.standard_normal((2, batch_size, 32), dtype=np.float32)
            step(real[order[start : start + batch_size]], noise)
    optimizers[0].finalize_variable_values(generator.trainable_variables)
    # The running statistics have to follow the new weights.
    for _ in range(50):
        generator(rng.standard_normal((batch_size, 32), dtype=np.float32), training=True)
    return generator
    ### END SOLUTION


def generate(generator, noise):
    """Images (num, 16, 16, 3) of bytes, one for each row of the noise (num, 32)."""
    ### BEGIN SOLUTION
    images = keras.ops.convert_to_numpy(generator(noise, training=False))
    return np.rint(127.5 * (images + 1)).astype(np.uint8)
    ### END SOLUTION


# Functions of your own go here, if you want any; delete the line that raises.
### BEGIN SOLUTION
NUM_EPOCHS = 64


def face_players(width=32):
    """A generator and a discriminator of faces, by DCGAN's rules."""
    layers = keras.layers
    generator = keras.Sequential([keras.Input((32,))])
    generator.add(layers.Dense(4 * 4 * 2 * width, use_bias=False))
    generator.add(layers.Reshape((4, 4, 2 * width)))
    generator.add(layers.BatchNormalization(momentum=0.9))
    generator.add(layers.ReLU())
    generator.add(layers.Conv2DTranspose(width, 4, strides=2, padding="same", use_bias=False))
    generator.add(layers.BatchNormalization(momentum=0.9))
    generator.add(layers.ReLU())
    generator.add(layers.Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh"))
    discriminator = keras.Sequential([keras.Input((16, 16, 3))])
    discriminator.add(layers.Conv2D(width, 4, strides=2, padding="same"))
    discriminator.add(layers.LeakyReLU(negative_slope=0.2))
    discriminator.add(layers.Conv2D(2 * width, 4, strides=2, padding="same", use_bias=False))
    discriminator.add(layers.BatchNormalization(momentum=0.9))
    discriminator.add(layers.LeakyReLU(negative_slope=0.2))
    discriminator.add(layers.Flatten())
    discriminator.add(layers.Dense(1))
    return generator, discriminator


### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "train_experiment", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
face_generator = fit_generator(real_images)


def draw_faces(noise):
    """Your generator's images for `noise`: what the test cell asks for."""
    return generate(face_generator, noise)


drawn_faces = draw_faces(np.random.default_rng(0).standard_normal((256, 32)).astype("float32"))
features_of_real, features_of_drawn = pixel_features(real_images), pixel_features(drawn_faces)
print(
    "Fréchet distance of the pixels' components:",
    f"{frechet_distance(features_of_drawn, features_of_real):.2f};",
    f"of two halves of the real faces: {frechet_distance(features_of_real[::2], features_of_real[1::2]):.2f}",
)


# %% nbgrader={"grade": true, "grade_id": "test_experiment", "locked": true, "points": 11, "schema_version": 3, "solution": false, "task": false}
"""Generator of faces: images that depend on the noise, how a frozen network judges them, and no copies."""


def drawn(noise, name="generate"):
    """Images for noise, as an array of bytes."""
    images = as_array(call(draw_faces, noise), name, (len(noise), 16, 16, 3))
    require(images.dtype == np.uint8, f"{name}: images of uint8 were expected; their dtype is {images.dtype}.")
    return images


def spread(images):
    """How different images are from each other: the mean difference of two pixels at the same place."""
    rows = images.reshape(len(images), -1).astype(np.float64)
    return np.abs(rows[: len(rows) // 2] - rows[-(len(rows) // 2) :]).mean()


rng = np.random.default_rng(0)
noise = rng.standard_normal((256, 32)).astype("float32")
images = drawn(noise)
again = np.concatenate([drawn(noise[:1]), drawn(noise[1:20])])
difference = np.abs(again.astype(int) - images[:20]).max()
require(difference <= 2, "generate: the same noise gave other images in another batch. Is training=False?")
require(
    spread(images) >= 0.5 * spread(real_images[:256]),
    "generate: the images hardly depend on the noise: they are less than half as different as real faces are.",
)
distance = frechet_distance(pixel_features(images), pixel_features(real_images))
require(
    distance <= 6,
    f"Fréchet distance of the pixels' components: {distance:.1f}. At most 6 is asked for; good faces have less than 1.",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x873BF56C3BB4D815F8F83495B0)
unseen = faces.render(len(real_images), seed=0xA35FDE1EFD4A427E6C498AD423, size=16, labels=VIEW).images
noise = rng.standard_normal((1000, 32)).astype("float32")
images = np.concatenate([drawn(noise[:300]), drawn(noise[300:])])
# Beside the tests in the exam; in its folder where the instructor's notebook runs.
file = next(path for path in (Path("face_judge.npz"), Path("examiner/face_judge.npz")) if path.exists())
with np.load(file) as archive:
    weights = {name: archive[name].astype(np.float32) for name in archive.files}


def judged(pictures):
    """The judge's features (num, 32) of pictures, and whether it is sure about all that it looks for."""
    x = pictures / np.float32(127.5) - 1
    for name, stride in (("conv2d", 1), ("conv2d_1", 2), ("conv2d_2", 2)):
        x = keras.ops.conv(x, weights[f"{name}.kernel"], strides=stride, padding="same") + weights[f"{name}.bias"]
        x = keras.ops.relu(x)
    flat = keras.ops.convert_to_numpy(x).reshape(len(pictures), -1)
    features = np.tanh(flat @ weights["features.kernel"] + weights["features.bias"])
    sure = np.ones(len(pictures), bool)
    # How likely the largest class of each attribute is; that it is a face at all, its class 1, counts as well.
    for head in ("glasses", "beard", "hair", "face"):
        scores = features @ weights[f"{head}.kernel"] + weights[f"{head}.bias"]
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        sure &= (p[:, 1] if head == "face" else p.max(axis=1)) > (0.5 if head == "face" else 0.9) * p.sum(axis=1)
    return features, sure


def nearest(pictures, others, piece):
    """How far a piece of each picture is from the nearest of the others, which may be mirrored and moved a little."""
    rows = pictures[piece].reshape(len(pictures), -1).astype(np.float32)
    smallest = np.full(len(rows), np.inf)
    for down, right in [(y, x) for y in range(-2, 3) for x in range(-2, 3) if abs(y) + abs(x) <= 2]:
        for group in (others, others[:, :, ::-1]):
            moved = np.roll(group, (down, right), axis=(1, 2))[piece]
            flat = moved.reshape(len(group), -1).astype(np.float32)
            squares = (rows**2).sum(axis=1)[:, None] + (flat**2).sum(axis=1) - 2 * rows @ flat.T
            smallest = np.minimum(smallest, squares.min(axis=1))
    return np.sqrt(np.maximum(smallest, 0))


def much_nearer(pictures, piece, factor):
    """Which pieces are nearer to a training image, by this factor, than to the nearest of equally many unseen ones."""
    return nearest(pictures, real_images, piece) < factor * nearest(pictures, unseen, piece)


WHOLE = np.s_[:, :, :]
QUARTERS = [np.s_[:, top : top + 8, left : left + 8] for top in (0, 8) for left in (0, 8)]
features, sure = judged(images)
distance, recognized = frechet_distance(features, judged(unseen)[0]), sure.mean()
require(
    spread(images) >= 0.5 * spread(unseen[:1000]),
    "generate: the images hardly depend on the noise: they are less than half as different as real faces are.",
)
# Pictures that were never seen are as near to training images as to unseen ones; copies are nearer, whole or in pieces.
nearer = much_nearer(images[:300], WHOLE, 0.8).mean()
require(nearer <= 0.3, f"{nearer:.0%} of the images are much nearer to a training image than to any unseen face.")
nearer = np.mean([much_nearer(images[:300], quarter, 0.5) for quarter in QUARTERS])
require(nearer <= 0.3, f"{nearer:.0%} of the images' quarters are much nearer to training images than to unseen faces.")
found = f"recognized: {recognized:.0%}, Fréchet distance: {distance:.1f}"
require(recognized >= 20 / 100 and distance <= 5, f"{found}. Points begin at 20 % and 5.")
11 if recognized >= 30 / 100 and distance <= 4 else 5
### END HIDDEN TESTS

# %% [markdown]
# ## Task 11: a written answer (6 points)
#
# Answer in about 250 words, in the next cell:
#
# 1. For a fixed generator with density $p_g$, and real images of density $p_r$, write down the discriminator that
#    minimizes the loss in the first row of task 5 (its means are integrals over $x$: minimize at every point $x$), and
#    derive it. What is its logit? Which probability does it give where $p_g = p_r$?
# 2. At the beginning the discriminator is sure: $s_{\text{fake}} = -8$. Compare the gradients of the minimax, the
#    non-saturating and the least-squares loss of the generator with respect to that logit, with numbers. What follows
#    for learning, and why is "the generator's loss falls" not the same as "the images become better"?
# 3. Look at samples of *your* generator beside real faces. Name one way in which its distribution (not a single image)
#    differs from the real one, and a measurement that would show it. Then: the Fréchet
#    distance of your generator is measured on 1,000 images against new faces; a classmate's, measured on 200 images
#    against 200 training images, is smaller. Why is that no proof that their generator is better?
#
# **Graded** by hand: 2 points for each part.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_answer", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
# 1. At a point $x$ the loss is $-p_r \log D - p_g \log(1 - D)$. Its derivative, $-p_r / D + p_g / (1 - D)$, is 0 at $D
#    = p_r / (p_r + p_g)$, and the second derivative is positive, so that this is the minimum. Its logit is $\log(D / (1
#    - D)) = \log p_r - \log p_g$: the logarithm of how many times denser the real images lie there. Where both are
#    equal, $D = 1/2$ and the logit is 0: it cannot tell them apart.
# 2. With $\sigma(-8) = 0.000335$: minimax $-\sigma(s) = -0.000335$, non-saturating $\sigma(s) - 1 = -0.9997$, least
#    squares $s - 1 = -9$. With minimax the generator hardly learns while it is worst, three thousand times more slowly
#    than with the non-saturating loss; with least squares it is pulled the harder the further it is off. The loss
#    measures the generator against *this* discriminator, which moves as well: it falls when the discriminator becomes
#    worse, and may rise while images become better. So one looks at images, or at a score that does not move.
# 3. Bald heads are rarer in my samples than in real faces, and rare combinations (bald with a beard and glasses) almost
#    never occur; the shares of the attributes by a classifier that was trained on real faces would show it, compared
#    over 1,000 samples with its shares on unseen real faces. The classmate's number is of few images: Fréchet's
#    distance is biased by the number of samples, and depends on the features. And compared with training images, a
#    generator that has learned them by heart wins. Same number, same features, unseen images, several seeds.

# %% [markdown]
# ## Bonus: gradient penalty (5 points)
#
# *Improved training of Wasserstein GANs* (Gulrajani et al., 2017, section 4) keeps the discriminator from becoming a
# cliff: its gradient with respect to the image should have the norm 1, at points between real and generated images.
#
# Write `gradient_penalty(discriminator, real, fake, mix)`. `discriminator` is a Keras model (call it with
# `training=True`), `real` and `fake` are batches of one shape with **any** number of axes, `mix` is `(batch,)` with a
# number $\epsilon_n$ from 0 to 1 for each pair. It returns
#
# $$\frac{1}{\mathrm{batch}} \sum_n \left( \sqrt{10^{-12} + \left\lVert \nabla_{\hat x_n} D(\hat x_n) \right\rVert^2} - 1 \right)^2, \qquad
# \hat x_n = \epsilon_n\, \mathrm{real}_n + (1 - \epsilon_n)\, \mathrm{fake}_n,$$
#
# a tensor of shape `()`. The norm is that of all values of one image (a Euclidean norm over all axes but the first).
# The penalty is part of the discriminator's loss, so gradients with respect to its *weights* flow through it, and
# through the gradient inside. $D$ gives a logit for each image, and has no layer that mixes the images of a batch.
#
# **Hint.** A tape inside; whoever calls you has another one around. `tape.watch` the mixed images: they are no
# variables. The gradient of the *sum* of the logits holds every image's own gradient in its row. The $10^{-12}$ keeps
# the root's slope finite at 0.
#
# **Graded by** a discriminator with known gradients: values and gradients of its weights, images and points, one pair,
# a discriminator whose gradient with respect to its input is 0 (not `None`).


# %% nbgrader={"grade": false, "grade_id": "bonus_gradient_penalty", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gradient_penalty(discriminator, real, fake, mix):
    """How far the norm of the discriminator's gradient is from 1 between real and generated images."""
    ### BEGIN SOLUTION
    real, fake = keras.ops.convert_to_tensor(real), keras.ops.convert_to_tensor(fake)
    mix = keras.ops.reshape(keras.ops.cast(mix, real.dtype), [-1] + [1] * (len(real.shape) - 1))
    mixed = mix * real + (1 - mix) * fake
    with tf.GradientTape() as tape:
        tape.watch(mixed)
        total = keras.ops.sum(discriminator(mixed, training=True))
    gradient = tape.gradient(total, mixed)
    squares = keras.ops.sum(keras.ops.square(gradient), axis=list(range(1, len(real.shape))))
    return keras.ops.mean(keras.ops.square(keras.ops.sqrt(squares + 1e-12) - 1))
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_gradient_penalty", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
class WavyDiscriminator(keras.Model):
    """The logit `gain * sum(sin(slope * x))`, and its bias alone in inference: a gradient known by hand."""

    def __init__(self, slope, gain, bias):
        super().__init__()
        self.slope = self.add_weight(shape=slope.shape, initializer="zeros", name="slope")
        self.gain = self.add_weight(shape=(), initializer="zeros", name="gain")
        self.slope.assign(slope)
        self.gain.assign(gain)
        self.bias = bias

    def call(self, x, training=False):
        waves = keras.ops.sin(self.slope * x)
        logits = self.gain * keras.ops.sum(waves, axis=list(range(1, len(x.shape))))
        # In inference the logit is a constant, whose gradient is 0.
        return keras.ops.reshape(logits if training else 0 * logits + self.bias, (-1, 1))


def penalty_of(slope, gain, real, fake, mix):
    """The penalty of a WavyDiscriminator, and its gradients for slope and gain."""
    discriminator = WavyDiscriminator(slope, gain, 1.0)
    with tf.GradientTape() as tape:
        penalty = gradient_penalty(discriminator, real, fake, mix)
    return penalty, tape.gradient(penalty, [discriminator.slope.value, discriminator.gain.value])


# %% nbgrader={"grade": true, "grade_id": "bonus_test_gradient_penalty", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
"""Gradient penalty: its value between real and generated images, its gradients for the discriminator's weights."""


def penalty_reference(slope, gain, real, fake, mix):
    mix = np.reshape(mix, [-1] + [1] * (real.ndim - 1))
    x = mix * real + (1 - mix) * fake
    gradient = gain * slope * np.cos(slope * x)
    norms = np.sqrt((gradient**2).reshape(len(x), -1).sum(axis=1) + 1e-12)
    return ((norms - 1) ** 2).mean()


def check_penalty(rng, shape, gain, what):
    real, fake = (rng.normal(size=shape).astype("float32") for _ in range(2))
    mix = rng.random(shape[0]).astype("float32")
    slope = (1 + 0.5 * rng.normal(size=shape[1:])).astype("float32")
    exact = [slope.astype(np.float64), np.float64(gain), *(one.astype(np.float64) for one in (real, fake, mix))]
    got = check_items(call(penalty_of, slope, gain, real, fake, mix), ["penalty", "gradients"], what)
    check_number(got[0], penalty_reference(*exact), f"gradient_penalty of {what}", rtol=1e-3)
    slopes = check_items(got[1], ["slope", "gain"], "gradients")
    require(slopes[0] is not None and slopes[1] is not None, f"{what}: no gradient of the penalty reaches the weights.")
    for number, (name, gradient) in enumerate(zip(["slope", "gain"], slopes, strict=True)):
        want = numerical_gradient(penalty_reference, exact, number)
        check_array(gradient, want, f"the gradient of the penalty for {name}, {what}", rtol=1e-2, atol=1e-3)


# One number, and a discriminator whose slope is 3 at 0: the norm is 2 too large.
got = call(
    penalty_of,
    np.array([1.5], "float32"),
    2.0,
    np.ones((1, 1), "float32"),
    -np.ones((1, 1), "float32"),
    np.array([0.5], "float32"),
)
check_number(got[0], 4.0, "gradient_penalty of one number")
check_penalty(np.random.default_rng(0), (4, 3), 0.7, "points")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x20BA29F93DF8A75F1FD780CEF6)
for shape, gain, what in [
    ((6, 5), 0.4, "points of five numbers"),
    ((3, 4, 5, 2), 0.2, "images"),
    ((1, 3, 3, 1), 1.5, "one pair of images"),
    ((5, 7, 2), -0.6, "sequences"),
    ((8, 1), 2.0, "single numbers"),
]:
    check_penalty(rng, shape, gain, what)
real, fake, mix = rng.normal(size=(3, 4)).astype("float32"), rng.normal(size=(3, 4)).astype("float32"), rng.random(3)
penalty, gradients = call(penalty_of, np.zeros(4, "float32"), 1.0, real, fake, mix.astype("float32"))
check_number(penalty, 1.0, "gradient_penalty of a discriminator that ignores its input", rtol=1e-3)
for gradient in gradients:
    as_array(gradient, "a gradient of the penalty where the discriminator ignores its input")
### END HIDDEN TESTS

# %% [markdown]
# ## Bonus: a conditional GAN (5 points)
#
# *Conditional generative adversarial nets* (Mirza and Osindero, 2014) tell both players what is to be made: the
# generator gets the label with its noise, the discriminator with the image, and so a face without glasses under the
# label "glasses" is a bad fake, however good a face it is.
#
# **(a)** Write `noise_with_labels(noise, labels, num_classes)`: `noise` is `(batch, latent_dim)`, `labels` are integers
# `(batch,)` from 0 to `num_classes - 1`. It returns `(batch, latent_dim + num_classes)`: the noise, followed by the
# label as a one-hot vector.
#
# **(b)** Write `images_with_labels(images, labels, num_classes)`: images `(batch, height, width, channels)` get
# `num_classes` more channels behind their own, maps that are 1 everywhere for the image's class and 0 everywhere for
# the others.
#
# **(c)** Write `conditional_losses(generator, discriminator, num_classes, real, labels, wrong_labels, noise)`. It
# returns the pair `(d_loss, g_loss)` of tensors of shape `()`. The generator makes images from the noise with `labels`.
# With matching-aware training (Reed et al., 2016, section 4.2), the discriminator sees **three** batches, each in a
# call of its own: real images with their `labels`, real images with `wrong_labels` and generated images with `labels`. With
# $\mathrm{sp}$ for softplus,
#
# $$\mathrm{d\_loss} = \mathrm{mean}\; \mathrm{sp}(-s_{\text{real}}) + \tfrac12 \left( \mathrm{mean}\; \mathrm{sp}(s_{\text{wrong}}) + \mathrm{mean}\; \mathrm{sp}(s_{\text{fake}}) \right), \qquad
# \mathrm{g\_loss} = \mathrm{mean}\; \mathrm{sp}(-s_{\text{fake}}).$$
#
# Both players are called with `training=True`, the generator once. No gradient of `d_loss` reaches the generator.
#
# **Hint.** `keras.ops.one_hot`, `keras.ops.concatenate`, `keras.ops.stop_gradient`. For `d_loss`, judge the fake
# images behind a `stop_gradient`, and for `g_loss` once more without it: that makes four calls of the discriminator.
#
# **Graded by** comparing arrays, losses and the gradients of both losses for both players with a reference, and by the
# sizes of the batches that the players are given: at most one call of the generator and four of the discriminator.


# %% nbgrader={"grade": false, "grade_id": "bonus_conditional", "locked": false, "schema_version": 3, "solution": true, "task": false}
def noise_with_labels(noise, labels, num_classes):
    """Noise and one-hot labels side by side, (batch, latent_dim + num_classes)."""
    ### BEGIN SOLUTION
    noise = keras.ops.convert_to_tensor(noise)
    return keras.ops.concatenate([noise, keras.ops.one_hot(labels, num_classes, dtype=noise.dtype)], axis=1)
    ### END SOLUTION


def images_with_labels(images, labels, num_classes):
    """Images with a map of ones or zeros for each class behind their channels."""
    ### BEGIN SOLUTION
    images = keras.ops.convert_to_tensor(images)
    batch, height, width, _ = keras.ops.shape(images)
    maps = keras.ops.one_hot(labels, num_classes, dtype=images.dtype)[:, None, None, :]
    return keras.ops.concatenate([images, keras.ops.broadcast_to(maps, (batch, height, width, num_classes))], axis=3)
    ### END SOLUTION


def conditional_losses(generator, discriminator, num_classes, real, labels, wrong_labels, noise):
    """The losses (d_loss, g_loss) of both players, with images under their own and under wrong labels."""

    ### BEGIN SOLUTION
    def judged(images, of):
        return discriminator(images_with_labels(images, of, num_classes), training=True)

    fake = generator(noise_with_labels(noise, labels, num_classes), training=True)
    of_real, of_wrong = judged(real, labels), judged(real, wrong_labels)
    of_fake = judged(keras.ops.stop_gradient(fake), labels)
    mean_softplus = [keras.ops.mean(keras.ops.softplus(logits)) for logits in (-of_real, of_wrong, of_fake)]
    d_loss = mean_softplus[0] + (mean_softplus[1] + mean_softplus[2]) / 2
    return d_loss, keras.ops.mean(keras.ops.softplus(-judged(fake, labels)))
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_conditional", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
class LinearPlayer(keras.Model):
    """A linear map of all values of an example, reshaped; it gives zeros unless it is called in training.

    `remember` is called with the size of each batch that comes in.
    """

    def __init__(self, kernel, shape, remember):
        super().__init__()
        self.remember = remember
        self.kernel = self.add_weight(shape=kernel.shape, initializer="zeros", name="kernel")
        self.kernel.assign(kernel)
        self.shape = shape

    def call(self, x, training=False):
        tf.py_function(lambda x: self.remember(len(x)), [x], [])
        flat = keras.ops.reshape(x, (keras.ops.shape(x)[0], -1))
        out = keras.ops.reshape(keras.ops.matmul(flat, self.kernel), (-1, *self.shape))
        return out if training else 0 * out


def conditional_gradients(g_kernel, d_kernel, num_classes, real, labels, wrong_labels, noise):
    """Both losses of linear players, their gradients for (generator, discriminator), and the sizes of their batches."""
    sizes = {"generator": [], "discriminator": []}
    generator = LinearPlayer(g_kernel, real.shape[1:], sizes["generator"].append)
    discriminator = LinearPlayer(d_kernel, (1,), sizes["discriminator"].append)
    with tf.GradientTape(persistent=True) as tape:
        losses = conditional_losses(generator, discriminator, num_classes, real, labels, wrong_labels, noise)
    kernels = [generator.kernel.value, discriminator.kernel.value]
    gradients = [tape.gradient(loss, kernels) for loss in losses]
    return {"losses": list(losses), "gradients": gradients, "sizes": sizes}


# %% nbgrader={"grade": true, "grade_id": "bonus_test_conditional", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
"""Conditional GAN: labels beside noise and images, the losses with wrong labels, whom their gradients reach."""
got = call(noise_with_labels, np.array([[0.5, -1.0], [2.0, 3.0]], "float32"), np.array([2, 0]), 3)
check_array(got, np.array([[0.5, -1, 0, 0, 1], [2, 3, 1, 0, 0]]), "noise_with_labels")
got = call(images_with_labels, np.full((1, 1, 2, 2), 0.25, "float32"), np.array([1]), 2)
check_array(got, np.array([[0.25, 0.25, 0, 1], [0.25, 0.25, 0, 1]]).reshape(1, 1, 2, 4), "images_with_labels")


def check_conditional(rng, batch, shape, latent_dim, num_classes, what):
    real, noise = (
        rng.normal(size=(batch, *shape)).astype("float32"),
        rng.normal(size=(batch, latent_dim)).astype("float32"),
    )
    labels = rng.integers(0, num_classes, batch)
    wrong = (labels + rng.integers(1, num_classes, batch)) % num_classes
    one_hot = np.eye(num_classes)
    kernels = [
        rng.normal(size=(latent_dim + num_classes, math.prod(shape))).astype("float32"),
        rng.normal(size=(math.prod(shape[:2]) * (shape[2] + num_classes), 1)).astype("float32") / 2,
    ]

    def with_maps(images, of):
        maps = np.tile(one_hot[of][:, None, None], (1, *images.shape[1:3], 1))
        return np.concatenate([images, maps], axis=3)

    check_array(
        call(images_with_labels, real, labels, num_classes), with_maps(real, labels), f"images_with_labels, {what}"
    )
    want = np.concatenate([noise, one_hot[labels]], axis=1)
    check_array(call(noise_with_labels, noise, labels, num_classes), want, f"noise_with_labels, {what}")

    def losses(g_kernel, d_kernel, fake=None):
        if fake is None:
            fake = (np.concatenate([noise, one_hot[labels]], axis=1) @ g_kernel).reshape(batch, *shape)
        pictures = [(real, labels), (real, wrong), (fake, labels)]
        scores = [(with_maps(images, of).reshape(batch, -1) @ d_kernel)[:, 0] for images, of in pictures]
        d_loss = (
            np.logaddexp(0, -scores[0]).mean() + (np.logaddexp(0, scores[1]) + np.logaddexp(0, scores[2])).mean() / 2
        )
        return np.array([d_loss, np.logaddexp(0, -scores[2]).mean()])

    got = call(conditional_gradients, *kernels, num_classes, real, labels, wrong, noise)
    exact = [kernel.astype(np.float64) for kernel in kernels]
    for loss, wanted, name in zip(
        check_items(got["losses"], ["d_loss", "g_loss"], "the losses"),
        losses(*exact),
        ["d_loss", "g_loss"],
        strict=True,
    ):
        check_number(loss, wanted, f"{name} with {what}", rtol=1e-3)
    for player, most in (("generator", 1), ("discriminator", 4)):
        sizes = [int(size) for size in got["sizes"][player]]
        require(
            0 < len(sizes) <= most and set(sizes) == {batch},
            f"{what}: the {player} should get at most {most} batches of {batch}, each in its own call, not {sizes}.",
        )
    (no_gradient, of_d), (of_g, _) = got["gradients"]
    stays = no_gradient is None or not as_array(no_gradient, "a gradient").any()
    require(stays, f"{what}: a gradient of d_loss reaches the generator.")
    require(of_d is not None and of_g is not None, f"{what}: a player gets no gradient from its own loss.")
    for number, gradient, name in [(1, of_d, "discriminator"), (0, of_g, "generator")]:
        pick = np.array([1.0, 0.0]) if name == "discriminator" else np.array([0.0, 1.0])
        want = numerical_gradient(losses, exact, number, pick)
        check_array(gradient, want, f"the gradient of the {name}'s loss, {what}", rtol=1e-2, atol=1e-4)


check_conditional(np.random.default_rng(0), 3, (2, 2, 1), 2, 2, "two classes")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x3095AA9703D9D09943C23E883C)
for batch, shape, latent_dim, num_classes, what in [
    (5, (2, 3, 2), 3, 4, "four classes"),
    (1, (3, 2, 1), 2, 3, "one image"),
    (4, (1, 1, 3), 1, 2, "images of one pixel"),
    (6, (3, 2, 2), 4, 5, "five classes"),
]:
    check_conditional(rng, batch, shape, latent_dim, num_classes, what)
### END HIDDEN TESTS
