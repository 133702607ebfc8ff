# ---
# jupyter:
#   kernelspec:
#     display_name: Deep Learning (GPU if present)
#     language: python
#     name: dl-course
# ---

# %% [markdown]
# # Problem set 1: a convolutional network, from its layers to an attack on it
#
# You write the layers of *ImageNet classification with deep convolutional neural networks* (Krizhevsky et al., 2012)
# and of *Deep residual learning for image recognition* (He et al., 2015) yourself, forward and backward, then a
# training loop, and finally train a classifier on pictures that it has never seen.
#
# **Time** 4 to 8 hours of yours; the two bonus tasks come on top. Running the finished notebook takes under 40 s on two
# CPU cores.
#
# | task | you write | points | what to read first |
# |---|---|---|---|
# | 1 | convolution, forward | 10 | `2_vision/1_imagenet_cnns`, *Idea* and *Build* |
# | 2 | convolution, backward | 12 | `1_foundations/2_training`, *Idea* |
# | 3 | max pooling, forward and backward | 8 | `1_foundations/2_training`, *Idea*; `2_vision/1_imagenet_cnns`, *Build* |
# | 4 | batch normalization, forward | 8 | `1_foundations/2_training`, *Build* |
# | 5 | batch normalization, backward | 8 | `1_foundations/2_training`, *Idea* and *Build* |
# | 6 | softmax cross-entropy and top-k error | 10 | `1_foundations/2_training`, *Idea*; `2_vision/1_imagenet_cnns`, *Measure* |
# | 7 | a residual block, as a Keras layer | 10 | `2_vision/1_imagenet_cnns`, *Build* |
# | 8 | a training loop | 10 | `1_foundations/2_training`, *Train* |
# | 9 | early stopping, as a Keras callback | 6 | `1_foundations/2_training`, *Train* |
# | 10 | an image classifier | 12 | `2_vision/1_imagenet_cnns`, *Train* and *Measure* |
# | 11 | a written answer | 6 | `2_vision/1_imagenet_cnns`, *Idea* and *Measure* |
# | bonus | fast gradient sign method | 5 | `1_foundations/2_training`, *Idea* |
# | bonus | Inception block | 5 | `2_vision/1_imagenet_cnns`, *Build* |
#
# **How you work.** Write your code where a cell says `YOUR CODE HERE` and delete the line that raises
# `NotImplementedError`. You may add functions and cells of your own; keep the names and the order of the arguments
# that a task gives. The cell behind each answer tests it: what you see there are the public checks. Press *Validate*
# before you submit, or run `coursegrader check ps1_cnn.ipynb`.
#
# **How it is graded.** The same test cells run with more checks, on other inputs. A cell gives its points when all of
# its checks pass (only task 10 gives part of its points). Each task says what the checks look at; nothing is tested
# that the text does not say. Your functions are called with copies, so **return** your results; what you write into
# an argument is lost.
#
# **Conventions of tasks 1 to 6**
#
# - Images are `(batch, height, width, channels)`. They need not be square, and a batch may hold one image.
# - Arrays that come in are NumPy's, `float32`, `float64`, or integers where the task says so. Arrays that you return
#   hold floating-point numbers; `float32` and `float64` are both right. A tensor is as good as an array, a nested list
#   is not. Results count as equal within 0.01 % (plus 0.00001).
# - `dout` is the gradient of some loss $L$ with respect to the layer's output, and has the output's shape. The
#   gradient with respect to an input has that input's shape: `dx` is $\partial L/\partial x$.
# - "From scratch" means array operations (NumPy, or the same ones of `keras.ops`: sums, products, `einsum`, indexing,
#   padding, loops). With `keras.ops`, cast everything to one dtype first: unlike NumPy, TensorFlow does not multiply
#   numbers of two dtypes, and `keras.ops.one_hot`, for example, gives `float32`. What a task may not use is named
#   there (a `*` stands for any letters). Your answer and the functions that it calls are searched for it, and what
#   uses it earns nothing for that task. To check your results with it, in a cell of your own, is fine.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import coursekit  # first: it keeps TensorFlow quiet while it is imported

# isort: split
import keras
import numpy as np
import tensorflow as tf
from coursedata import load_images, scenes
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
# ## Task 1: convolution, forward (10 points)
#
# Write `conv_forward(x, w, b, stride, pad)`.
#
# | argument | shape or type | meaning |
# |---|---|---|
# | `x` | `(batch, height, width, channels_in)` | images; floats or integers (`uint8` pictures) |
# | `w` | `(kernel_height, kernel_width, channels_in, channels_out)` | filters, not always square |
# | `b` | `(channels_out,)` | one bias a filter |
# | `stride` | int ≥ 1 | step of the window, down and across |
# | `pad` | int ≥ 0 | rows and columns of zeros put around each image, on all four sides |
#
# It returns `out` of shape `(batch, out_height, out_width, channels_out)`,
#
# $$\mathrm{out}[n, i, j, f] = b[f] + \sum_{k, l, c} \tilde x[n,\; i \cdot \mathrm{stride} + k,\; j \cdot \mathrm{stride} + l,\; c]\; w[k, l, c, f]$$
#
# where $\tilde x$ is $x$ with its border of zeros, and
#
# $$\mathrm{out\_height} = \left\lfloor \frac{\mathrm{height} + 2\,\mathrm{pad} - \mathrm{kernel\_height}}{\mathrm{stride}} \right\rfloor + 1$$
#
# (the same for the width). As in every deep-learning library, the filter is *not* flipped. Rows and columns that no
# whole window covers are left out. A filter is never larger than the image with its border.
#
# **Hint.** Two loops, over $i$ and $j$, are enough: the windows at $(i, j)$ of all images are one slice of
# $\tilde x$, and `np.einsum` (or `np.tensordot`) multiplies them with all filters at once.
#
# **Not allowed:** ready-made convolutions: `keras.layers.*Conv*`, `keras.ops.conv`, `keras.ops.conv_transpose`,
# `keras.ops.depthwise_conv`, `keras.ops.separable_conv`, `tf.nn.*conv*`, `tf.raw_ops.*Conv*`,
# `tf.keras.backend.*conv*`, `scipy.signal`, `scipy.ndimage`.
#
# **Graded by** comparing your output with a reference: stride 1 to 3, padding 0 to 2, images and filters that are not
# square, a stride that does not divide the width, one image, integer images, arrays that are views.


# %% nbgrader={"grade": false, "grade_id": "convolution_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_forward(x, w, b, stride, pad):
    """Convolve images x with the filters w and add the bias b."""
    ### BEGIN SOLUTION
    kernel_height, kernel_width, _, channels_out = w.shape
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    out_height = (padded.shape[1] - kernel_height) // stride + 1
    out_width = (padded.shape[2] - kernel_width) // stride + 1
    out = np.empty((len(x), out_height, out_width, channels_out))
    for i in range(out_height):
        for j in range(out_width):
            top, left = i * stride, j * stride
            window = padded[:, top : top + kernel_height, left : left + kernel_width]
            out[:, i, j] = np.einsum("nklc,klcf->nf", window, w) + b
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_convolution_forward", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""Convolution, forward: the output's shape, the window's steps, the border of zeros, the bias."""
# One image that counts from 0 to 15, one filter that sums each window of 2 x 2 pixels.
counting = np.arange(16.0).reshape(1, 4, 4, 1)
box = np.ones((2, 2, 1, 1))
out = call(conv_forward, counting, box, np.array([0.5]), 2, 0)
check_array(out, np.array([10.5, 18.5, 42.5, 50.5]).reshape(1, 2, 2, 1), "conv_forward with stride 2")
out = call(conv_forward, counting, box, np.array([0.0]), 3, 1)
check_array(out, np.array([0.0, 5.0, 20.0, 50.0]).reshape(1, 2, 2, 1), "conv_forward with stride 3 and padding 1")
out = call(conv_forward, np.ones((2, 5, 7, 3)), np.ones((3, 2, 3, 4)), np.arange(4.0), 1, 0)
check_array(out, np.broadcast_to(18 + np.arange(4.0), (2, 3, 6, 4)), "conv_forward with 3 x 2 filters")
# Bytes and a filter that is not symmetric: 1 * 200 + 2 * 100 + 3 * 10 - 4 * 250 = -570, and 870 one step to the right.
picture = np.array([[200, 100, 50], [10, 250, 20]], dtype=np.uint8).reshape(1, 2, 3, 1)
out = call(conv_forward, picture, np.array([[1.0, 2.0], [3.0, -4.0]]).reshape(2, 2, 1, 1), np.array([0.0]), 1, 0)
hint = "Is the filter flipped or transposed? Are sums kept in the picture's uint8?"
check_array(out, np.array([-570.0, 870.0]).reshape(1, 1, 2, 1), "conv_forward with a uint8 image", hint=hint)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xED4DADED01474C1B2286492627)


def conv_reference(x, w, b, stride, pad):
    padded = np.pad(x.astype(np.float64), ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    return np.asarray(keras.ops.conv(padded, w.astype(np.float64), strides=stride, padding="valid")) + b


for what, x_shape, w_shape, stride, pad in [
    ("padding 1", (2, 7, 7, 3), (3, 3, 3, 4), 1, 1),
    ("stride 2, which does not divide the width", (2, 5, 8, 2), (3, 3, 2, 3), 2, 0),
    ("stride 3, padding 2 and a filter of 2 x 4", (2, 6, 7, 3), (2, 4, 3, 2), 3, 2),
    ("one image and filters of 1 x 1", (1, 6, 5, 3), (1, 1, 3, 2), 1, 0),
    ("a filter as large as the image", (3, 4, 6, 2), (4, 6, 2, 5), 1, 0),
]:
    x, w, b = (rng.normal(size=shape) for shape in (x_shape, w_shape, w_shape[-1:]))
    out = call(conv_forward, x, w, b, stride, pad)
    check_array(out, conv_reference(x, w, b, stride, pad), f"conv_forward with {what}")

x, w, b = rng.integers(0, 256, (2, 5, 6, 3), dtype=np.uint8), rng.normal(size=(3, 3, 3, 2)), rng.normal(size=2)
out = call(conv_forward, x, w.astype(np.float32), b.astype(np.float32), 1, 1)
check_array(out, conv_reference(x, w, b, 1, 1), "conv_forward with uint8 images", atol=1e-2)
x = rng.normal(size=(3, 6, 2, 5)).transpose(3, 1, 0, 2)
w = rng.normal(size=(4, 2, 3, 3)).transpose(2, 3, 1, 0)
out = call(conv_forward, x, w, np.zeros(4), 2, 1)
check_array(out, conv_reference(x, w, np.zeros(4), 2, 1), "conv_forward with arrays that are views")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: convolution, backward (12 points)
#
# Write `conv_backward(dout, x, w, stride, pad)`. It returns the three gradients `(dx, dw, db)`, of the shapes of `x`,
# `w` and `b`. `dout` has the shape of `conv_forward`'s output; `x`, `w`, `stride` and `pad` are what the forward pass
# was given.
#
# Every output is a sum of products, so that each product sends its gradient back to both of its factors:
#
# $$\frac{\partial L}{\partial b[f]} = \sum_{n, i, j} \mathrm{dout}[n, i, j, f] \qquad
# \frac{\partial L}{\partial w[k, l, c, f]} = \sum_{n, i, j} \tilde x[n,\; i \cdot \mathrm{stride} + k,\; j \cdot \mathrm{stride} + l,\; c]\; \mathrm{dout}[n, i, j, f]$$
#
# and $\partial L/\partial \tilde x$ collects, for each window $(i, j)$ and each $k, l$:
# $\;\sum_f \mathrm{dout}[n, i, j, f]\; w[k, l, c, f]$. Windows overlap: **add** what arrives at a pixel. The gradient
# of $x$ is that of $\tilde x$ without its border. A pixel that no window covers has gradient 0.
#
# **Hint.** The loops are those of the forward pass. Begin with `dx_padded` full of zeros. Cutting the border off with
# `[pad:-pad]` goes wrong for one value of `pad`.
#
# **Not allowed:** ready-made convolutions (as in task 1: `keras.layers.*Conv*`, `keras.ops.conv`,
# `keras.ops.conv_transpose`, `keras.ops.depthwise_conv`, `keras.ops.separable_conv`, `tf.nn.*conv*`,
# `tf.raw_ops.*Conv*`, `tf.keras.backend.*conv*`, `scipy.signal`, `scipy.ndimage`), automatic differentiation and
# differences (`tf.GradientTape`, `tf.gradients`, `tf.autodiff`, `coursegrader.checks.numerical_gradient`).
#
# **Graded by** comparing all three gradients with a reference: stride 1 to 3, padding 0 to 2, images and filters that
# are not square, pixels that no window covers, one image, integer images (their gradient is not an integer).


# %% nbgrader={"grade": false, "grade_id": "convolution_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_backward(dout, x, w, stride, pad):
    """Gradients (dx, dw, db) of the loss, from the gradient dout with respect to conv_forward's output."""
    ### BEGIN SOLUTION
    _, height, width, _ = x.shape
    kernel_height, kernel_width, _, _ = w.shape
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    dx_padded = np.zeros(padded.shape)
    dw = np.zeros(w.shape)
    for i in range(dout.shape[1]):
        for j in range(dout.shape[2]):
            rows = slice(i * stride, i * stride + kernel_height)
            columns = slice(j * stride, j * stride + kernel_width)
            dw += np.einsum("nklc,nf->klcf", padded[:, rows, columns], dout[:, i, j])
            dx_padded[:, rows, columns] += np.einsum("nf,klcf->nklc", dout[:, i, j], w)
    dx = dx_padded[:, pad : pad + height, pad : pad + width]
    return dx, dw, dout.sum(axis=(0, 1, 2))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_convolution_backward", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
"""Convolution, backward: the gradients with respect to images, filters and bias."""
# A filter of 1 x 1 with weight 3 only scales the image: every gradient can be worked out by hand.
counting = np.arange(6.0).reshape(1, 2, 3, 1)
dout = np.ones((1, 2, 3, 1))
dx, dw, db = check_items(
    call(conv_backward, dout, counting, np.full((1, 1, 1, 1), 3.0), 1, 0), ["dx", "dw", "db"], "conv_backward"
)
check_array(dx, np.full((1, 2, 3, 1), 3.0), "dx of a 1 x 1 filter")
check_array(dw, np.full((1, 1, 1, 1), 15.0), "dw of a 1 x 1 filter")
check_array(db, np.array([6.0]), "db of a 1 x 1 filter")


# Anything larger is compared with slopes: move each entry a little, and see what Keras' convolution makes of it.
def conv_reference(x, w, b, stride, pad):
    padded = np.pad(x.astype(np.float64), ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    return np.asarray(keras.ops.conv(padded, w.astype(np.float64), strides=stride, padding="valid")) + b


rng = np.random.default_rng(1)
x, w, b, dout = (rng.normal(size=shape) for shape in [(2, 5, 4, 2), (3, 2, 2, 3), (3,), (2, 3, 3, 3)])
dx, dw, db = check_items(call(conv_backward, dout, x, w, 2, 1), ["dx", "dw", "db"], "conv_backward")
hint = "A pixel under several windows gets the sum of what each of them gives back."
want = numerical_gradient(conv_reference, (x, w, b, 2, 1), 0, dout)
check_array(dx, want, "dx with stride 2 and padding 1", hint=hint)
check_array(dw, numerical_gradient(conv_reference, (x, w, b, 2, 1), 1, dout), "dw with stride 2 and padding 1")
check_array(db, numerical_gradient(conv_reference, (x, w, b, 2, 1), 2, dout), "db with stride 2 and padding 1")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x7A52D6A1F2F151D27A1443BF0F)


for what, x_shape, w_shape, stride, pad, dtype in [
    ("padding 1", (2, 4, 5, 2), (3, 3, 2, 3), 1, 1, np.float64),
    ("no padding and pixels that no window covers", (2, 4, 6, 2), (3, 3, 2, 2), 2, 0, np.float64),
    ("stride 3, padding 2 and a filter of 2 x 4", (2, 4, 5, 1), (2, 4, 1, 3), 3, 2, np.float64),
    ("stride 3 and filters of 1 x 1", (1, 5, 4, 2), (1, 1, 2, 3), 3, 0, np.float64),
    ("integer images", (2, 4, 3, 2), (2, 2, 2, 2), 1, 1, np.uint8),
]:
    x, w = rng.normal(size=x_shape), rng.normal(size=w_shape)
    if dtype is np.uint8:
        x = rng.integers(0, 256, x_shape, dtype=np.uint8)
    b = rng.normal(size=w_shape[-1])
    dout = rng.normal(size=conv_reference(x, w, b, stride, pad).shape)
    items = call(conv_backward, dout, x, w, stride, pad)
    dx, dw, db = check_items(items, ["dx", "dw", "db"], f"conv_backward with {what}")
    # The output is linear in each of the three, so that a long step gives the exact slope.
    want = numerical_gradient(conv_reference, (x, w, b, stride, pad), 0, dout, step=0.5)
    check_array(dx, want, f"dx with {what}", hint=hint)
    want = numerical_gradient(conv_reference, (x, w, b, stride, pad), 1, dout, step=0.5)
    check_array(dw, want, f"dw with {what}", atol=1e-3 if dtype is np.uint8 else 1e-5)
    want = numerical_gradient(conv_reference, (x, w, b, stride, pad), 2, dout, step=0.5)
    check_array(db, want, f"db with {what}")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: max pooling, forward and backward (8 points)
#
# Write `max_pool_forward(x, size, stride)`, which returns `out`, and `max_pool_backward(dout, x, size, stride)`,
# which returns `dx`. `x` is `(batch, height, width, channels)` of floats or integers (`uint8` too), `size` and `stride`
# are ints ≥ 1 for both directions, and `size` is at most the image's height and width. There is no padding:
#
# $$\mathrm{out}[n, i, j, c] = \max_{0 \le k, l < \mathrm{size}} x[n,\; i \cdot \mathrm{stride} + k,\; j \cdot \mathrm{stride} + l,\; c], \qquad
# \mathrm{out\_height} = \left\lfloor \frac{\mathrm{height} - \mathrm{size}}{\mathrm{stride}} \right\rfloor + 1$$
#
# Backward, each window gives all of its gradient to its largest pixel. Where several are equally large, the
# **first** of them gets it, in the order in which the window is read: row by row, from left to right. (After a ReLU,
# ties of zeros are common.) Windows may overlap (`stride < size`, as in AlexNet): gradients add up. `dx` is floating
# point even when `x` holds integers; `out` may then hold integers or floating-point numbers.
#
# **Hint.** `np.argmax` of a flattened window gives the first maximum; `np.unravel_index` or `divmod` turns it into
# row and column.
#
# **Not allowed:** ready-made pooling (`keras.layers.*Pool*`, `keras.ops.*_pool`, `tf.nn.*pool*`, `tf.raw_ops.*Pool*`,
# `skimage.measure.block_reduce`, `scipy.ndimage`), automatic differentiation and differences (`tf.GradientTape`,
# `tf.gradients`, `tf.autodiff`, `coursegrader.checks.numerical_gradient`).
#
# **Graded by** comparing with a reference: windows that overlap, that leave gaps, and that do not fill the image;
# images that are not square; negative values, small and huge; ties; integers of several dtypes; one image.


# %% nbgrader={"grade": false, "grade_id": "pooling", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_pool_forward(x, size, stride):
    """The largest value of each window of size x size pixels, for each channel."""
    ### BEGIN SOLUTION
    batch, height, width, channels = x.shape
    out = np.empty((batch, (height - size) // stride + 1, (width - size) // stride + 1, channels))
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            top, left = i * stride, j * stride
            out[:, i, j] = x[:, top : top + size, left : left + size].max(axis=(1, 2))
    return out
    ### END SOLUTION


def max_pool_backward(dout, x, size, stride):
    """The gradient dx of the loss, from the gradient dout with respect to max_pool_forward's output."""
    ### BEGIN SOLUTION
    dx = np.zeros(x.shape)
    for n, i, j, c in np.ndindex(dout.shape):
        top, left = i * stride, j * stride
        row, column = divmod(np.argmax(x[n, top : top + size, left : left + size, c]), size)
        dx[n, top + row, left + column, c] += dout[n, i, j, c]
    return dx
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_pooling", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
"""Max pooling: the largest value of each window, and the way of the gradient back to it."""
x = np.array([[1.0, 5.0, 2.0], [4.0, 3.0, 2.0], [0.0, 5.0, 9.0]]).reshape(1, 3, 3, 1)
out = call(max_pool_forward, x, 2, 1)
check_array(out, np.array([5.0, 5.0, 5.0, 9.0]).reshape(1, 2, 2, 1), "max_pool_forward with windows that overlap")
dx = call(max_pool_backward, np.array([1.0, 10.0, 100.0, 1000.0]).reshape(1, 2, 2, 1), x, 2, 1)
want = np.array([[0.0, 11.0, 0.0], [0.0, 0.0, 0.0], [0.0, 100.0, 1000.0]]).reshape(1, 3, 3, 1)
check_array(dx, want, "max_pool_backward with windows that overlap", hint="Does each window add to the pixel it chose?")
dx = call(max_pool_backward, np.ones((1, 1, 1, 1)), np.zeros((1, 2, 2, 1)), 2, 2)
check_array(dx, np.array([1.0, 0.0, 0.0, 0.0]).reshape(1, 2, 2, 1), "max_pool_backward with a tie")
out = call(max_pool_forward, np.array([-4.0, -2.0, -3.0, -5.0]).reshape(1, 2, 2, 1), 2, 2)
hint = "Where all values are negative, the largest is negative too."
check_array(out, np.full((1, 1, 1, 1), -2.0), "max_pool_forward with negative values", hint=hint)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x47C15AF6A27F4FE76E9E2DD21)
for what, shape, size, stride in [
    ("windows side by side", (2, 4, 6, 3), 2, 2),
    ("windows that overlap", (2, 7, 5, 2), 3, 2),
    ("windows that do not fill the image", (1, 5, 8, 2), 3, 3),
    ("windows with gaps between them", (3, 7, 8, 1), 2, 3),
    ("windows of one pixel", (2, 3, 4, 2), 1, 2),
]:
    negative = -1 - rng.random(shape)
    ties = rng.integers(0, 3, shape)
    kinds = [("", negative), (" and ties", ties.astype(np.float64)), (" of integers", ties)]
    # No number is low enough to begin a maximum with, and bytes have no negative.
    kinds += [(" and huge negative values", 1e12 * negative), (" of bytes", (127 * ties).astype(np.uint8))]
    for kind, x in kinds:
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
        # The kind of dtype is free here: the largest of integers is an integer.
        out = as_array(call(max_pool_forward, x, size, stride), "max_pool_forward").astype(np.float64)
        check_array(out, windows.max(axis=(-2, -1)).astype(np.float64), f"max_pool_forward with {what}{kind}")
        dout = rng.normal(size=out.shape)
        want = np.zeros(shape)
        for n, i, j, c in np.ndindex(dout.shape):
            row, column = divmod(int(windows[n, i, j, c].argmax()), size)
            want[n, i * stride + row, j * stride + column, c] += dout[n, i, j, c]
        dx = call(max_pool_backward, dout, x, size, stride)
        check_array(dx, want, f"max_pool_backward with {what}{kind}")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: batch normalization, forward (8 points)
#
# Write `batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.9, eps=1e-5)` (Ioffe and
# Szegedy, 2015). It returns `(out, running_mean, running_var)`.
#
# `x` has shape `(..., channels)`: `(batch, features)` and `(batch, height, width, channels)` both occur. `gamma`,
# `beta`, `running_mean` and `running_var` have shape `(channels,)`. Each channel is normalized by itself, over **all
# axes but the last**:
#
# $$\mathrm{out} = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$
#
# - **Training** (`training=True`): $\mu$ and $\sigma^2$ are mean and variance of this batch; the variance divides by
#   the number of values (not by one less). The running statistics that you return are new ones:
#   $$\mathrm{running} \leftarrow \mathrm{momentum} \cdot \mathrm{running} + (1 - \mathrm{momentum}) \cdot \mathrm{batch}$$
#   for the mean and (with the same $\sigma^2$) for the variance.
# - **Inference** (`training=False`): $\mu$ and $\sigma^2$ are `running_mean` and `running_var`, which you return as
#   they came. One image gets the same result alone as in a batch.
#
# **Hint.** `tuple(range(x.ndim - 1))` names all axes but the last.
#
# **Not allowed:** `keras.layers.*Normalization`, `keras.ops.batch_normalization`, `keras.ops.moments`,
# `tf.nn.batch_norm*`, `tf.nn.*moments`, `tf.raw_ops.*BatchNorm*`.
#
# **Graded by** comparing all three results with a reference, in training and in inference, with two and with four
# axes, several values of `momentum` and `eps`, small batches, a channel whose values are all equal (variance 0), one
# image in training (its pixels are the values) and one example in inference.


# %% nbgrader={"grade": false, "grade_id": "batch_norm_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.9, eps=1e-5):
    """Normalize each channel of x; gives (out, running_mean, running_var)."""
    ### BEGIN SOLUTION
    mean, var = running_mean, running_var
    if training:
        axes = tuple(range(x.ndim - 1))
        mean, var = x.mean(axis=axes), x.var(axis=axes)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
    out = gamma * (x - mean) / np.sqrt(var + eps) + beta
    return out, running_mean, running_var
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_batch_norm_forward", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
"""Batch normalization, forward: statistics of the batch in training, running statistics in inference."""
names = ["out", "running_mean", "running_var"]
x = np.array([[1.0, 10.0], [3.0, 10.0]])
gamma, beta, running_mean, running_var = np.array([2.0, 1.0]), np.array([0.0, 7.0]), np.zeros(2), np.ones(2)
results = call(batch_norm_forward, x, gamma, beta, running_mean, running_var, training=True, momentum=0.5, eps=0.0001)
out, new_mean, new_var = check_items(results, names, "batch_norm_forward")
check_array(out, np.array([[-2.0, 7.0], [2.0, 7.0]]), "out in training", rtol=1e-3)
check_array(new_mean, np.array([1.0, 5.0]), "running_mean after training")
hint = "The variance divides by the number of values, and the batch counts 1 - momentum."
check_array(new_var, np.array([1.0, 0.5]), "running_var after training", hint=hint)
# Four axes and the default momentum of 0.9. The values 1, 2, 3 and 6 have the mean 3 and the variance 3.5.
x = np.array([1.0, 2.0, 3.0, 6.0]).reshape(2, 1, 2, 1)
results = call(batch_norm_forward, x, np.ones(1), np.zeros(1), np.zeros(1), np.ones(1), training=True, eps=0.5)
out, new_mean, new_var = check_items(results, names, "batch_norm_forward with four axes")
hint = "Each channel is normalized over all axes but the last."
check_array(out, np.array([-1.0, -0.5, 0.0, 1.5]).reshape(2, 1, 2, 1), "out in training with four axes", hint=hint)
hint = "The old value counts 0.9, the batch's 0.1; the variance divides by the number of values."
check_array(
    np.stack([as_array(new_mean, "running_mean", (1,)), as_array(new_var, "running_var", (1,))]),
    np.array([[0.3], [1.25]]),
    "running_mean and running_var after training with four axes",
    hint=hint,
)
x = np.array([[1.0, 10.0], [3.0, 12.0]])
results = call(batch_norm_forward, x, gamma, beta, np.array([1.0, 8.0]), np.array([4.0, 1.0]), training=False, eps=0.0)
out, new_mean, new_var = check_items(results, names, "batch_norm_forward")
check_array(out, np.array([[0.0, 9.0], [2.0, 11.0]]), "out in inference", hint="Inference uses the running statistics.")
check_array(new_mean, np.array([1.0, 8.0]), "running_mean after inference", hint="Inference learns nothing.")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x66B788E6B97C16F22E48352011)
for what, shape, options in [
    ("two axes", (4, 3), {}),
    ("four axes", (2, 3, 4, 5), {}),
    ("momentum 0.7 and eps 0.3", (3, 2, 5, 4), {"momentum": 0.7, "eps": 0.3}),
    ("one image", (1, 3, 2, 4), {}),
]:
    x = 3 + 2 * rng.normal(size=shape)
    # One channel does not vary at all (small, so that rounding its mean in float32 is harmless), and one so little
    # that eps decides.
    x[..., 0] = 0.0625
    x[..., 1] = 0.01 * rng.normal(size=shape[:-1])
    channels = shape[-1]
    gamma, beta, running_mean = (rng.normal(size=channels) for _ in range(3))
    running_var = 0.5 + rng.random(channels)
    running_mean[1], running_var[1] = 0.0, 1e-4
    momentum, eps = options.get("momentum", 0.9), options.get("eps", 1e-5)
    flat = x.reshape(-1, channels)
    mean = flat.sum(axis=0) / len(flat)
    var = ((flat - mean) ** 2).sum(axis=0) / len(flat)

    results = call(batch_norm_forward, x, gamma, beta, running_mean, running_var, training=True, **options)
    out, new_mean, new_var = check_items(results, names, f"batch_norm_forward with {what}")
    check_array(out, (x - mean) * gamma / (var + eps) ** 0.5 + beta, f"out in training with {what}")
    want = running_mean + (1 - momentum) * (mean - running_mean)
    check_array(new_mean, want, f"running_mean after training with {what}")
    want = running_var + (1 - momentum) * (var - running_var)
    check_array(
        new_var,
        want,
        f"running_var after training with {what}",
        hint="Does the variance divide by the number of values?",
    )

    for which, part in [("", x), (" and one example", x[:1])]:
        results = call(batch_norm_forward, part, gamma, beta, running_mean, running_var, training=False, **options)
        out, new_mean, new_var = check_items(results, names, f"batch_norm_forward with {what}{which}")
        want = (part - running_mean) * gamma / (running_var + eps) ** 0.5 + beta
        check_array(out, want, f"out in inference with {what}{which}", hint="Inference uses the running statistics.")
        check_array(new_mean, running_mean, f"running_mean after inference with {what}{which}")
        check_array(new_var, running_var, f"running_var after inference with {what}{which}")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: batch normalization, backward (8 points)
#
# Write `batch_norm_backward(dout, x, gamma, eps=1e-5)`, the gradient of the **training** forward pass. It returns
# `(dx, dgamma, dbeta)`; shapes as in task 4.
#
# With $\hat x = (x - \mu)/\sqrt{\sigma^2 + \varepsilon}$ and $m$ values a channel, all sums and means taken over all
# axes but the last,
#
# $$\frac{\partial L}{\partial \beta} = \sum \mathrm{dout} \qquad \frac{\partial L}{\partial \gamma} = \sum \mathrm{dout} \cdot \hat x \qquad
# \frac{\partial L}{\partial x} = \frac{1}{\sqrt{\sigma^2 + \varepsilon}} \left( g - \frac1m \sum g - \hat x \, \frac1m \sum g \, \hat x \right), \quad g = \gamma \cdot \mathrm{dout}$$
#
# Two of the three terms are there because $\mu$ and $\sigma^2$ depend on $x$ too: derive them once by hand. Over each
# channel, the mean of $\hat x$ is 0 and the mean of $\hat x^2$ is $\sigma^2/(\sigma^2 + \varepsilon)$.
#
# **Hint.** Where `dx` is wrong, look at its sum over a channel: adding a constant to a channel changes no output, so
# that sum is 0.
#
# **Not allowed:** automatic differentiation and differences (`tf.GradientTape`, `tf.gradients`, `tf.autodiff`,
# `coursegrader.checks.numerical_gradient`), and what task 4 names (`keras.layers.*Normalization`,
# `keras.ops.batch_normalization`, `keras.ops.moments`, `tf.nn.batch_norm*`, `tf.nn.*moments`,
# `tf.raw_ops.*BatchNorm*`).
#
# **Graded by** comparing all three gradients with numerical ones, with two and with four axes, small batches, one
# image, and large `eps`.


# %% nbgrader={"grade": false, "grade_id": "batch_norm_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batch_norm_backward(dout, x, gamma, eps=1e-5):
    """Gradients (dx, dgamma, dbeta) of the loss through batch_norm_forward in training."""
    ### BEGIN SOLUTION
    axes = tuple(range(x.ndim - 1))
    scale = 1 / np.sqrt(x.var(axis=axes) + eps)
    x_hat = (x - x.mean(axis=axes)) * scale
    g = gamma * dout
    dx = scale * (g - g.mean(axis=axes) - x_hat * (g * x_hat).mean(axis=axes))
    return dx, (dout * x_hat).sum(axis=axes), dout.sum(axis=axes)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_batch_norm_backward", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
"""Batch normalization, backward: the gradients with respect to x, gamma and beta."""
names = ["dx", "dgamma", "dbeta"]
rng = np.random.default_rng(2)
x, dout, gamma, beta = (rng.normal(size=shape) for shape in [(3, 2, 2, 4), (3, 2, 2, 4), (4,), (4,)])
dx, dgamma, dbeta = check_items(call(batch_norm_backward, dout, x, gamma), names, "batch_norm_backward")


# The slopes: move each entry a little, and see what Keras' batch normalization makes of it.
def batch_norm_reference(x, gamma, beta, eps):
    mean, var = keras.ops.moments(x, axes=tuple(range(x.ndim - 1)))
    return np.asarray(keras.ops.batch_normalization(x, mean, var, -1, offset=beta, scale=gamma, epsilon=eps))


want = numerical_gradient(batch_norm_reference, (x, gamma, beta, 1e-5), 0, dout)
check_array(dx, want, "dx", hint="Mean and variance depend on x too.")
want = numerical_gradient(batch_norm_reference, (x, gamma, beta, 1e-5), 1, dout)
check_array(dgamma, want, "dgamma")
want = numerical_gradient(batch_norm_reference, (x, gamma, beta, 1e-5), 2, dout)
check_array(dbeta, want, "dbeta")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x2175DDC0F3296BD0C73F4DE878)
for what, shape, options in [
    ("two axes", (5, 3), {}),
    ("four axes", (2, 3, 2, 3), {}),
    ("eps 0.5", (2, 2, 3, 2), {"eps": 0.5}),
    ("one image", (1, 3, 2, 2), {}),
]:
    eps = options.get("eps", 1e-5)
    x, dout = 1 + 2 * rng.normal(size=shape), 0.5 + rng.normal(size=shape)
    x[..., 1] *= 0.01
    gamma, beta = rng.normal(size=shape[-1]), rng.normal(size=shape[-1])
    results = call(batch_norm_backward, dout, x, gamma, **options)
    dx, dgamma, dbeta = check_items(results, names, f"batch_norm_backward with {what}")
    want = numerical_gradient(batch_norm_reference, (x, gamma, beta, eps), 0, dout)
    check_array(dx, want, f"dx with {what}")
    want = numerical_gradient(batch_norm_reference, (x, gamma, beta, eps), 1, dout)
    check_array(dgamma, want, f"dgamma with {what}")
    want = numerical_gradient(batch_norm_reference, (x, gamma, beta, eps), 2, dout)
    check_array(dbeta, want, f"dbeta with {what}")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: softmax cross-entropy and top-k error (10 points)
#
# **(a)** Write `cross_entropy_forward(logits, labels)`, which returns the loss (one number), and
# `cross_entropy_backward(logits, labels)`, which returns `dlogits`. `logits` is `(batch, classes)`, `labels` is
# `(batch,)` of integers from 0 to `classes - 1`.
#
# $$L = -\frac{1}{\mathrm{batch}} \sum_n \log p[n, \mathrm{labels}[n]], \quad p[n, c] = \frac{e^{\mathrm{logits}[n, c]}}{\sum_{c'} e^{\mathrm{logits}[n, c']}}, \qquad
# \frac{\partial L}{\partial \mathrm{logits}} = \frac{p - \mathrm{onehot}(\mathrm{labels})}{\mathrm{batch}}$$
#
# Both must stay right for logits of thousands: $e^{1000}$ overflows, and the log of a probability that was rounded to
# 0 is $-\infty$. So never take the log of $p$.
#
# **Hint.** $p$ does not change when the same number is subtracted from all logits of an example. With
# $z = \mathrm{logits} - \max$, $\;\log p = z - \log \sum e^{z}$.
#
# **Not allowed:** ready-made softmax, log-sum-exp and cross-entropy: `keras.losses`, `keras.layers.Softmax`,
# `keras.activations.*softmax`, `keras.ops.*softmax`, `keras.ops.logsumexp`, `keras.ops.*crossentropy`,
# `tf.nn.*softmax*`, `tf.nn.*cross_entropy*`, `tf.math.*softmax`, `tf.math.*logsumexp`, `tf.raw_ops.*Softmax*`,
# `scipy.special.*softmax`, `scipy.special.logsumexp`.
#
# **(b)** Write `top_k_error(scores, labels, k)`: the fraction of examples (from 0 to 1) whose label is **not** among
# the `k` classes with the highest scores. `scores` is `(batch, classes)`, any real numbers (higher is better; no two
# of an example are equal), `1 <= k <= classes`. ILSVRC reports it for $k = 1$ and $k = 5$.
#
# **Not allowed in (b)** either: `keras.metrics`, `keras.ops.in_top_k`, `tf.math.in_top_k`, `tf.raw_ops.InTopK*`,
# `sklearn.metrics`.
#
# **Graded by** comparing with a reference: loss and gradient for ordinary and for huge logits of both signs, one
# example, many classes; the error for `k` = 1, for `k` = `classes` and between, for scores that are negative, close
# together, or in the thousands.


# %% nbgrader={"grade": false, "grade_id": "cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cross_entropy_forward(logits, labels):
    """The mean of -log softmax(logits) at the labels, a number."""
    ### BEGIN SOLUTION
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(labels)), labels].mean()
    ### END SOLUTION


def cross_entropy_backward(logits, labels):
    """The gradient of cross_entropy_forward with respect to the logits."""
    ### BEGIN SOLUTION
    z = logits - logits.max(axis=1, keepdims=True)
    dlogits = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    dlogits[np.arange(len(labels)), labels] -= 1
    return dlogits / len(labels)
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "top_k_error", "locked": false, "schema_version": 3, "solution": true, "task": false}
def top_k_error(scores, labels, k):
    """The fraction of examples whose label is not among the k classes with the highest scores."""
    ### BEGIN SOLUTION
    best = np.argsort(scores, axis=1)[:, -k:]
    return 1 - (best == labels[:, None]).any(axis=1).mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_loss_and_error", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""Softmax cross-entropy, forward and backward, for small and for huge logits; top-k error."""
logits, labels = np.log(np.array([[1.0, 3.0], [1.0, 1.0]])), np.array([1, 0])
check_number(call(cross_entropy_forward, logits, labels), -np.log([0.75, 0.5]).mean(), "cross_entropy_forward")
dlogits = call(cross_entropy_backward, logits, labels)
check_array(dlogits, np.array([[0.125, -0.125], [-0.25, 0.25]]), "cross_entropy_backward")
loss = call(cross_entropy_forward, np.array([[0.0, 1000.0]]), np.array([0]))
check_number(loss, 1000.0, "cross_entropy_forward with a logit of 1000")
scores, labels = np.array([[0.1, 0.9, 0.5], [0.7, 0.2, 0.4]]), np.array([2, 0])
check_number(call(top_k_error, scores, labels, 1), 0.5, "top_k_error with k = 1")
check_number(call(top_k_error, scores, labels, 2), 0.0, "top_k_error with k = 2")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x9D90F3D19E8CFF1EB845F16B6C)
for what, batch, classes, scale in [
    ("ordinary logits", 7, 5, 2.0),
    ("one example", 1, 4, 3.0),
    ("many classes", 3, 200, 1.0),
    ("huge logits", 6, 4, 5000.0),
]:
    logits = scale * rng.normal(size=(batch, classes))
    labels = rng.integers(0, classes, batch)
    for shift, sign in [(0.0, ""), (2 * scale, ", all positive"), (-2 * scale, ", most of them negative")]:
        z = logits + shift
        top = z.max(axis=1)
        log_sum = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
        right = z[range(batch), labels]
        loss = call(cross_entropy_forward, z, labels)
        check_number(
            loss,
            float((log_sum - right).sum() / batch),
            f"cross_entropy_forward with {what}{sign}",
            rtol=1e-3 if scale > 100 else 1e-4,
        )
        want = (np.exp(z - log_sum[:, None]) - np.eye(classes)[labels]) / batch
        check_array(call(cross_entropy_backward, z, labels), want, f"cross_entropy_backward with {what}{sign}")
loss = call(cross_entropy_forward, np.array([[2000.0, -2000.0, 0.0]]), np.array([1]))
check_number(loss, 4000.0, "cross_entropy_forward where the right class seems impossible")

ranks = rng.permuted(np.tile(np.arange(10), (300, 1)), axis=1)
labels = rng.integers(0, 10, 300)
rank = 9 - ranks[range(300), labels]
# In the thousands a softmax overflows or makes ties of the scores, and each example has a level of its own.
for what, scores in [
    ("negative scores", ranks - 12.0),
    ("scores between 0 and 1", (ranks + 0.5 * rng.random(ranks.shape)) / 10),
    ("scores in the thousands", 1000.0 * ranks - 4000 * rng.integers(0, 9, (300, 1))),
]:
    for k in (1, 2, 5, 9, 10):
        check_number(
            call(top_k_error, scores, labels, k),
            int((rank >= k).sum()) / 300,
            f"top_k_error with {what}, k = {k} of 10 classes",
        )
check_number(call(top_k_error, scores[:1], labels[:1], int(rank[0]) + 1), 0.0, "top_k_error with one example")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 7: a residual block as a Keras layer (10 points)
#
# Write the class `ResidualBlock(filters, stride=1)`, a subclass of `keras.layers.Layer`: the block of two layers of
# He et al. (2015), section 3 and figure 2. From here on, ready-made Keras layers are allowed.
#
# | path | layers, in this order |
# |---|---|
# | residual | 3×3 convolution with `stride` → batch normalization → ReLU → 3×3 convolution with stride 1 → batch normalization |
# | shortcut | nothing (the identity) if `stride` is 1 **and** the input has `filters` channels; else a 1×1 convolution with `stride` → batch normalization |
#
# The output is `ReLU(residual + shortcut)`, of shape `(batch, ceil(height / stride), ceil(width / stride), filters)`.
#
# Unlike the lecture's shortcut, which has no weights, yours is a projection where the shape changes.
#
# Convolutions have `filters` filters, `padding="same"` and **no bias** (the normalization behind them has one). Batch
# normalization is `keras.layers.BatchNormalization()` with its default settings (momentum 0.99, epsilon 0.001), and
# uses the batch's statistics when the block is called with `training=True`. A block with an identity shortcut has no
# weights but those of the residual path. Initializers are up to you, and so is the order in which you make the layers.
# A block that has seen images of one size takes other sizes and other batches too.
#
# **Hint.** How many channels the input has is known in `build(self, input_shape)`. Give your layer `**kwargs` and
# hand them to `super().__init__(**kwargs)`, so that it takes a `name` as other layers do. Some attributes of a layer
# are Keras' own (`path`, `input`, `output`, `variables`): choose other names. A method of the skeleton that you do not
# need, you delete.
#
# **Graded by** setting random filters in your block and comparing its output with a reference, in inference and in
# training, with stride 1 to 3, with and without a change of channels; by counting its weights; by the running
# statistics after a call with `training=True`.


# %% nbgrader={"grade": false, "grade_id": "residual_block", "locked": false, "schema_version": 3, "solution": true, "task": false}
class ResidualBlock(keras.layers.Layer):
    """Two 3x3 convolutions with batch normalization, and a shortcut around them."""

    def __init__(self, filters, stride=1, **kwargs):
        super().__init__(**kwargs)
        ### BEGIN SOLUTION
        self.filters = filters
        self.stride = stride
        self.conv1 = keras.layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)
        self.norm1 = keras.layers.BatchNormalization()
        self.conv2 = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)
        self.norm2 = keras.layers.BatchNormalization()
        self.project = None
        ### END SOLUTION

    def build(self, input_shape):
        """Called once, before the first call: input_shape is (batch, height, width, channels)."""
        ### BEGIN SOLUTION
        if self.stride != 1 or input_shape[-1] != self.filters:
            self.project = keras.layers.Conv2D(self.filters, 1, strides=self.stride, use_bias=False)
            self.project_norm = keras.layers.BatchNormalization()
        ### END SOLUTION

    def call(self, x, training=None):
        """The block's output for x of shape (batch, height, width, channels)."""
        ### BEGIN SOLUTION
        shortcut = x
        if self.project is not None:
            shortcut = self.project_norm(self.project(x), training=training)
        residual = keras.ops.relu(self.norm1(self.conv1(x), training=training))
        residual = self.norm2(self.conv2(residual), training=training)
        return keras.ops.relu(residual + shortcut)
        ### END SOLUTION


# %% [markdown]
# The next cell makes a block with your class, for the test. Cells like this one are locked: run them, and leave them
# as they are.


# %% nbgrader={"grade": false, "grade_id": "factory_residual_block", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def make_residual_block(filters, stride, channels):
    """A ResidualBlock that has seen one picture of 8 x 8 pixels with `channels` channels, so that its weights exist."""
    block = ResidualBlock(filters, stride)
    block(np.zeros((1, 8, 8, channels), "float32"), training=False)
    return block


# %% nbgrader={"grade": true, "grade_id": "test_residual_block", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""Residual block: the output's shape, its weights, its output in inference and in training, its running statistics."""
for filters, stride, channels, num_kernels in [(4, 1, 4, 2), (6, 2, 4, 3), (4, 2, 4, 3), (6, 1, 4, 3)]:
    block = make_residual_block(filters, stride, channels)
    name = f"ResidualBlock({filters}, stride={stride}) on {channels} channels"
    out = as_array(
        block(np.ones((2, 7, 8, channels), "float32"), training=False), name, (2, -(-7 // stride), 8 // stride, filters)
    )
    ranks = [as_array(weight, "a weight").ndim for weight in block.get_weights()]
    require(
        ranks.count(4) == num_kernels, f"{name}: it should have {num_kernels} convolutions, it has {ranks.count(4)}."
    )
    require(
        len(ranks) == 5 * num_kernels, f"{name}: each convolution has a batch normalization (4 weights) and no bias."
    )
# With all filters 0 the residual is 0, and what remains of the identity block is ReLU(x).
block = make_residual_block(3, 1, 3)
block.set_weights([np.zeros_like(weight) if np.ndim(weight) == 4 else weight for weight in block.get_weights()])
x = np.linspace(-1, 1, 2 * 4 * 5 * 3, dtype="float32").reshape(2, 4, 5, 3)
check_array(block(x, training=False), np.maximum(x, 0), "ResidualBlock(3) with filters of zeros")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xE7D099CEE494EE55A9BCE1DD12)


def norm_reference(x, training, moments):
    flat = x.reshape(-1, x.shape[-1])
    mean, var = (flat.mean(axis=0), flat.var(axis=0)) if training else (0.0, 1.0)
    moments.append((mean, var))
    return (x - mean) / np.sqrt(var + 1e-3)


def block_reference(x, kernels, stride, training):
    """The block's output, and the mean and variance that each batch normalization met."""
    moments = []
    first, second, *project = [kernel.astype(np.float64) for kernel in kernels]
    x = x.astype(np.float64)
    inner = np.asarray(keras.ops.conv(x, first, strides=stride, padding="same"))
    inner = np.maximum(norm_reference(inner, training, moments), 0)
    inner = norm_reference(np.asarray(keras.ops.conv(inner, second, padding="same")), training, moments)
    if project:
        x = norm_reference(np.asarray(keras.ops.conv(x, project[0], strides=stride, padding="same")), training, moments)
    return np.maximum(inner + x, 0), moments


for filters, stride, channels, shape in [
    (5, 1, 5, (2, 6, 7)),
    (6, 1, 3, (2, 5, 6)),
    (4, 2, 4, (3, 7, 9)),
    (6, 2, 3, (1, 8, 6)),
    (4, 3, 4, (2, 7, 10)),
]:
    name = f"ResidualBlock({filters}, stride={stride}) on {channels} channels"
    block = make_residual_block(filters, stride, channels)
    weights = [as_array(weight, "a weight") for weight in block.get_weights()]
    shapes = [(3, 3, channels, filters), (3, 3, filters, filters)]
    if (stride, channels) != (1, filters):
        shapes.append((1, 1, channels, filters))
    found = [weight.shape for weight in weights if weight.ndim == 4]
    require(sorted(found) == sorted(shapes), f"{name}: its filters do not have the shapes that the table gives.")
    require(
        len(weights) == 5 * len(shapes), f"{name}: each convolution has a batch normalization (4 weights) and no bias."
    )
    weights = [
        rng.normal(size=weight.shape).astype("float32") / 3 if weight.ndim == 4 else weight for weight in weights
    ]
    block.set_weights(weights)
    kernels = [weight for shape_ in shapes for weight in weights if weight.shape == shape_]
    # Two filters of one shape: which comes first depends on the order in which the block made its layers.
    orders = [kernels]
    if len(kernels) > len(shapes):
        same = [weight for weight in weights if weight.shape == shapes[0]]
        rest = [weight for weight in weights if weight.ndim == 4 and weight.shape != shapes[0]]
        orders = [[*same, *rest], [*same[::-1], *rest]]
    x = rng.normal(size=(*shape, channels)).astype("float32")
    for training in (False, True):
        got = as_array(
            block(x, training=training), name, (shape[0], -(-shape[1] // stride), -(-shape[2] // stride), filters)
        )
        references = [block_reference(x, order, stride, training) for order in orders]
        want, moments = min(references, key=lambda reference: np.abs(reference[0] - got).max())
        check_array(got, want, f"{name}, training={training}", rtol=1e-3, atol=1e-3)
    # One call with training=True moves the running statistics by a hundredth of the way (Keras' default momentum 0.99).
    after = [as_array(weight, "a weight") for weight in block.get_weights()]
    for mean, var in moments:
        for want in (0.01 * mean, 0.99 + 0.01 * var):
            moved = any(weight.shape == want.shape and np.allclose(weight, want, atol=1e-4) for weight in after)
            require(moved, f"{name}: after a call with training=True a running statistic is not where it should be.")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 8: a training loop (10 points)
#
# Write
# `train(model, x, y, *, epochs, batch_size, learning_rate, momentum=0.9, weight_decay=0.0, seed=0, on_epoch_end=None)`.
# `model` is a Keras model that gives logits, `x` an array of examples, `y` their integer labels. It trains `model`
# and returns the list of the epochs' losses.
#
# **An epoch** goes once through all examples, in a random order that is new in every epoch and follows from `seed`
# (the same seed gives the same orders; another seed, others). It is the examples that are shuffled, not whole batches:
# who shares a batch with whom changes too. Examples and labels stay together. Each batch holds `batch_size` examples;
# the last one holds what is left, if anything.
#
# **A step.** The loss is the mean softmax cross-entropy of the batch (`keras.losses.sparse_categorical_crossentropy`
# or your own), of the logits `model(batch, training=True)`. Call the model once a step. With its gradient from
# `tf.GradientTape`, *every* trainable variable $w$, bias or not, moves by momentum with weight decay:
#
# $$g = \frac{\partial L}{\partial w} + \mathrm{weight\_decay} \cdot w, \qquad v \leftarrow \mathrm{momentum} \cdot v - \mathrm{learning\_rate} \cdot g, \qquad w \leftarrow w + v$$
#
# The velocities $v$ begin at 0 and live through all epochs.
#
# **After an epoch**, its loss is the mean over **examples** of the loss each had when its batch was trained: the loss
# whose gradient was taken, from before the step (so a smaller last batch counts for less; weight decay is not part of
# it). It is one number, best a Python float. It goes into the list, and if `on_epoch_end` was given, you call
# `on_epoch_end(epoch, loss)` with epochs counted from 0. If that returns `True`, training stops there.
#
# **Hint.** `np.random.default_rng(seed).permutation(len(x))` — but make the generator once. The model gives logits:
# `from_logits=True`. A gradient of `None` says that the model was called outside the tape. Update a variable with
# `assign` or `assign_add`: `w = w + v` makes a new tensor and leaves the variable as it was. Names of variables are not
# unique (every `Dense` has its `kernel`): keep the velocities in a list. `tf.function` around a step is allowed
# (without `jit_compile`), not needed: then keep `on_epoch_end` outside of it.
#
# **Not allowed:** `keras.optimizers`, `model.fit`, `model.train_on_batch`.
#
# **Graded by** training a linear model, which writes down the batches that it is given, and repeating your steps in
# NumPy: order and size of the batches, losses, weights after several epochs with momentum and weight decay,
# untrainable variables that stay, the calls of `on_epoch_end` and the early end.


# %% nbgrader={"grade": false, "grade_id": "training_loop", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train(model, x, y, *, epochs, batch_size, learning_rate, momentum=0.9, weight_decay=0.0, seed=0, on_epoch_end=None):
    """Train `model` by stochastic gradient descent with momentum; gives the mean loss of each epoch."""
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    velocities = None
    losses = []
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        total = 0.0
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            with tf.GradientTape() as tape:
                logits = model(x[batch], training=True)
                loss = keras.ops.mean(keras.losses.sparse_categorical_crossentropy(y[batch], logits, from_logits=True))
            variables = model.trainable_variables
            gradients = tape.gradient(loss, variables)
            if velocities is None:
                velocities = [keras.ops.zeros_like(variable) for variable in variables]
            for i, variable in enumerate(variables):
                gradient = gradients[i] + weight_decay * variable
                velocities[i] = momentum * velocities[i] - learning_rate * gradient
                variable.assign_add(velocities[i])
            total += float(loss) * len(batch)
        losses.append(total / len(x))
        if on_epoch_end is not None and on_epoch_end(epoch, losses[-1]) is True:
            break
    return losses
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_training_loop", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
class LinearClassifier(keras.Model):
    """Logits from a linear model, whose weights are given; `remember` is called with each batch of the training.

    The kernel's rows are shared out between two layers, for the even and the odd numbers of an example.
    """

    def __init__(self, kernel, bias, remember):
        super().__init__()
        self.halves = [keras.layers.Dense(len(bias), use_bias=False) for _ in range(2)]
        self.bias = self.add_weight(shape=bias.shape, initializer="zeros", name="bias")
        self.offset = self.add_weight(shape=bias.shape, initializer="ones", trainable=False, name="offset")
        for first, half in enumerate(self.halves):
            half.build((None, len(kernel[first::2])))
            half.set_weights([kernel[first::2]])
        self.bias.assign(bias)
        self.built = True
        self.remember = remember

    def call(self, x, training=False):
        if training:
            tf.py_function(self.remember, [x], [])
        return self.halves[0](x[:, ::2]) + self.halves[1](x[:, 1::2]) + self.bias + self.offset

    def kernel(self):
        kernels = [half.get_weights()[0] for half in self.halves]
        kernel = np.zeros((sum(map(len, kernels)), kernels[0].shape[1]), "float32")
        kernel[::2], kernel[1::2] = kernels
        return kernel


def train_linear_model(kernel, bias, x, y, **settings):
    """Train a linear model with your `train`; gives the losses, the batches seen, and the final weights."""
    batches = []
    model = LinearClassifier(kernel, bias, lambda batch: batches.append(batch.numpy()))
    losses = train(model, x, y, **settings)
    weights = {"kernel": model.kernel(), "bias": model.bias.numpy(), "offset": model.offset.numpy()}
    return {"losses": losses, "batches": batches, **weights}


# %% nbgrader={"grade": true, "grade_id": "test_training_loop", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""Training loop: batches, losses, momentum and weight decay, on_epoch_end."""
# Seven examples that are told apart by their first number.
x = np.stack([np.arange(7), np.ones(7)], axis=1).astype("float32")
y = np.array([0, 1, 0, 1, 1, 0, 1])
settings = dict(epochs=2, batch_size=3, learning_rate=0.0, momentum=0.0, weight_decay=0.0, seed=0)
run = call(train_linear_model, np.zeros((2, 2)), np.zeros(2), x, y, **settings)
sizes = [len(as_array(batch, "a batch")) for batch in run["batches"]]
require(sizes == [3, 3, 1, 3, 3, 1], f"7 examples in batches of 3, for 2 epochs: your batches have the sizes {sizes}.")
orders = np.concatenate(run["batches"])[:, 0].reshape(2, 7)
require(np.array_equal(np.sort(orders), np.tile(np.arange(7), (2, 1))), "Each epoch should use each example once.")
require(not np.array_equal(orders[0], orders[1]), "Each epoch should have an order of its own.")
# All logits are equal, and a learning rate of 0 changes nothing.
for epoch, loss in enumerate(check_items(run["losses"], ["epoch 0", "epoch 1"], "the losses")):
    check_number(loss, np.log(2), f"the loss of epoch {epoch}")
# From weights of 0, the first step with momentum and weight decay is a plain gradient step.
run = call(
    train_linear_model,
    np.zeros((2, 2)),
    np.zeros(2),
    x,
    y,
    **(settings | dict(epochs=1, batch_size=7, learning_rate=0.5, momentum=0.9, weight_decay=0.1)),
)
check_array(run["bias"], np.array([-1, 1]) / 28, "the bias after one step")
# Two steps from weights of 1. The loss has no slope here (x is 0, each class occurs once), so that only weight decay
# and momentum move the kernel: v = -0.5 * 0.2 * 1 = -0.1, w = 0.9; v = 0.5 * v - 0.5 * 0.2 * w = -0.14, w = 0.76.
two_steps = settings | dict(batch_size=2, learning_rate=0.5, momentum=0.5, weight_decay=0.2)
run = call(train_linear_model, np.ones((2, 2)), np.zeros(2), np.zeros((2, 2), "float32"), np.array([0, 1]), **two_steps)
check_array(run["kernel"], np.full((2, 2), 0.76), "the kernel after two steps of momentum and weight decay")


calls = []


def stop_after_two(epoch, loss):
    calls.append(epoch)
    return len(calls) == 2


run = call(
    train_linear_model, np.zeros((2, 2)), np.zeros(2), x, y, **(settings | dict(epochs=5)), on_epoch_end=stop_after_two
)
require(calls == [0, 1], f"on_epoch_end returned True after epoch 1; your loop called it for the epochs {calls}.")
check_items(run["losses"], ["epoch 0", "epoch 1"], "the losses of a training that was stopped after two epochs")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x5B93AD98AC3859D99B5F2A9DBB)


def training_reference(kernel, bias, y, steps_an_epoch, batches, order, settings):
    """Repeat the steps on the batches that the model saw, in NumPy: the losses, the final kernel and bias."""
    weights = [kernel.astype(np.float64), bias.astype(np.float64)]
    velocities = [0.0, 0.0]
    losses = []
    for step, (batch, rows) in enumerate(zip(batches, order, strict=True)):
        logits = batch @ weights[0] + weights[1]
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        if step % steps_an_epoch == 0:
            losses.append(0.0)
        losses[-1] -= np.log(p[range(len(rows)), y[rows]]).sum() / len(y)
        p[range(len(rows)), y[rows]] -= 1
        for i, gradient in enumerate([batch.T @ p / len(rows), p.sum(axis=0) / len(rows)]):
            gradient = gradient + settings.get("weight_decay", 0.0) * weights[i]
            velocities[i] = settings.get("momentum", 0.9) * velocities[i] - settings["learning_rate"] * gradient
            weights[i] = weights[i] + velocities[i]
    return losses, weights


x, y = rng.normal(size=(23, 4)).astype("float32"), rng.integers(0, 3, 23)
kernel, bias = rng.normal(size=(4, 3)).astype("float32"), rng.normal(size=3).astype("float32")
runs = {}
for what, settings in [
    ("gradient descent", dict(epochs=2, batch_size=8, learning_rate=0.2, momentum=0.0, weight_decay=0.0, seed=1)),
    ("momentum", dict(epochs=3, batch_size=5, learning_rate=0.1, momentum=0.8, weight_decay=0.0, seed=2)),
    ("weight decay", dict(epochs=3, batch_size=8, learning_rate=0.1, momentum=0.7, weight_decay=0.3, seed=1)),
    ("default settings", dict(epochs=2, batch_size=6, learning_rate=0.1)),
    (
        "one batch that holds all",
        dict(epochs=4, batch_size=50, learning_rate=0.3, momentum=0.5, weight_decay=0.1, seed=3),
    ),
]:
    seen = []

    def watch(epoch, loss, seen=seen):
        seen.append((epoch, loss))

    run = call(train_linear_model, kernel, bias, x, y, **settings, on_epoch_end=watch)
    epochs, batch_size = settings["epochs"], settings["batch_size"]
    batches = [as_array(batch, "a batch").astype(np.float64) for batch in run["batches"]]
    steps_an_epoch = -(-len(x) // batch_size)
    sizes = [min(batch_size, len(x) - start) for start in range(0, len(x), batch_size)] * epochs
    require(
        [len(batch) for batch in batches] == sizes,
        f"{what}: number or sizes of the batches are wrong (call the model once a step, with training=True).",
    )
    order = [np.abs(batch[:, None] - x).sum(axis=2).argmin(axis=1) for batch in batches]
    orders = np.concatenate(order).reshape(epochs, len(x))
    require(
        all(np.allclose(batch, x[rows]) for batch, rows in zip(batches, order, strict=True)),
        f"{what}: the examples were changed.",
    )
    require(
        np.array_equal(np.sort(orders), np.tile(np.arange(len(x)), (epochs, 1))),
        f"{what}: each epoch should use each example once.",
    )
    for first, second in zip([np.arange(len(x)), *orders], orders, strict=False):
        require(not np.array_equal(first, second), f"{what}: each epoch should have a random order of its own.")
        neighbours = ((second - np.roll(second, 1)) % len(x) == 1).mean()
        require(neighbours < 0.5, f"{what}: most examples still follow each other as they did in x.")
    if steps_an_epoch > 1:
        starts = range(0, len(x), batch_size)
        groups = [{frozenset(row[start : start + batch_size].tolist()) for start in starts} for row in orders]
        for first, second in zip(groups, groups[1:], strict=False):
            require(first != second, f"{what}: the same examples share a batch in two epochs in a row.")
    want_losses, (want_kernel, want_bias) = training_reference(
        kernel, bias, y, steps_an_epoch, batches, order, settings
    )
    losses = check_items(run["losses"], [f"epoch {epoch}" for epoch in range(epochs)], f"the losses with {what}")
    for epoch, (loss, want) in enumerate(zip(losses, want_losses, strict=True)):
        check_number(loss, want, f"the loss of epoch {epoch} with {what}", rtol=1e-3)
    check_array(
        run["kernel"], want_kernel.astype("float32"), f"the kernel after training with {what}", rtol=1e-3, atol=1e-4
    )
    check_array(run["bias"], want_bias.astype("float32"), f"the bias after training with {what}", rtol=1e-3, atol=1e-4)
    check_array(run["offset"], np.ones(3, "float32"), f"a variable that is not trainable, with {what}")
    require(
        [epoch for epoch, _ in seen] == list(range(epochs)),
        f"{what}: on_epoch_end should be called after each epoch, from 0 on.",
    )
    for (epoch, loss), want in zip(seen, want_losses, strict=True):
        check_number(loss, want, f"the loss given to on_epoch_end after epoch {epoch} with {what}", rtol=1e-3)
    runs[what] = orders
require(
    np.array_equal(runs["gradient descent"], runs["weight decay"][:2]), "The same seed should give the same orders."
)
require(not np.array_equal(runs["momentum"][0], runs["weight decay"][0]), "Another seed should give another order.")

stopped = []


def stop_at_once(epoch, loss):
    stopped.append(epoch)
    return True


settings = dict(epochs=3, batch_size=6, learning_rate=0.1, momentum=0.0, weight_decay=0.0, seed=0)
run = call(train_linear_model, kernel, bias, x, y, **settings, on_epoch_end=stop_at_once)
check_items(run["losses"], ["epoch 0"], "the losses of a training that was stopped after one epoch")
require(
    stopped == [0] and len(run["batches"]) == 4,
    "When on_epoch_end returns True after the first epoch, no other epoch begins.",
)
same = np.array_equal(np.concatenate(run["batches"]), x[runs["default settings"][0]].astype("float32"))
require(same, "The same seed should give the same orders, 0 like every other.")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 9: early stopping as a Keras callback (6 points)
#
# Write the class `EarlyStopping(patience, min_delta=0.0)`, a subclass of `keras.callbacks.Callback`; `patience` is an
# int ≥ 1, `min_delta` a float ≥ 0. Keras calls its methods during `fit`, and gives it the model as `self.model`.
#
# - `on_train_begin(self, logs=None)`: forget everything about an earlier training.
# - `on_epoch_end(self, epoch, logs=None)`: read `logs["val_loss"]`. The epoch is an **improvement** if it is the
#   first, or if its `val_loss` is **less than** the best so far minus `min_delta`; then it becomes the best, and you
#   keep the model's weights (all of them, also those that are not trained, such as the running statistics of batch
#   normalization). When `patience` epochs in a row were no improvement, set
#   `self.model.stop_training = True`.
# - `on_train_end(self, logs=None)`: give the model the weights of the best epoch, whether training was stopped or ran
#   to its end.
#
# Example: with `patience=2` and losses 5, 4, 4.5, 4.2, … training stops after the fourth epoch with the weights of
# the second.
#
# **Hint.** `self.model.get_weights()` gives copies, `set_weights` takes them. The attributes begin in
# `on_train_begin`, not in `__init__`.
#
# **Not allowed:** `keras.callbacks.EarlyStopping`, `keras.callbacks.ModelCheckpoint`.
#
# **Graded by** playing lists of losses (they may be negative or huge) to your callback, with a model all of whose
# weights, trainable or not, are the number of the epoch: after how many epochs it stops, which epoch's weights remain,
# with several values of `patience` and `min_delta`, and in a second training with the same object.


# %% nbgrader={"grade": false, "grade_id": "early_stopping", "locked": false, "schema_version": 3, "solution": true, "task": false}
class EarlyStopping(keras.callbacks.Callback):
    """Stop when the validation loss no longer improves, and return to the best weights."""

    def __init__(self, patience, min_delta=0.0):
        super().__init__()
        self.patience = patience
        self.min_delta = min_delta

    def on_train_begin(self, logs=None):
        ### BEGIN SOLUTION
        self.best_weights = None
        ### END SOLUTION

    def on_epoch_end(self, epoch, logs=None):
        ### BEGIN SOLUTION
        if self.best_weights is None or logs["val_loss"] < self.best_loss - self.min_delta:
            self.best_loss = logs["val_loss"]
            self.best_weights = self.model.get_weights()
            self.waited = 0
        else:
            self.waited += 1
        if self.waited >= self.patience:
            self.model.stop_training = True
        ### END SOLUTION

    def on_train_end(self, logs=None):
        ### BEGIN SOLUTION
        self.model.set_weights(self.best_weights)
        ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_early_stopping", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def play_losses(trainings, **settings):
    """Play lists of validation losses to one EarlyStopping(**settings); gives [epochs run, epoch kept] of each.

    All four weights of the model are the number of the epoch. Where they differ in the end, it gives all four.
    """
    callback = EarlyStopping(**settings)
    results = []
    for val_losses in trainings:
        model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
        model.stop_training = False
        callbacks = keras.callbacks.CallbackList([callback], model=model)
        callbacks.on_train_begin()
        for epoch, val_loss in enumerate(val_losses):
            callbacks.on_epoch_begin(epoch)
            model.set_weights([np.full(1, epoch)] * 4)
            callbacks.on_epoch_end(epoch, {"loss": 1.0 / (epoch + 1), "val_loss": val_loss})
            if model.stop_training:
                break
        callbacks.on_train_end()
        kept = np.ravel(model.get_weights())
        results.append([epoch + 1, float(kept[0]) if np.ptp(kept) == 0 else kept.tolist()])
    return results


# %% nbgrader={"grade": true, "grade_id": "test_early_stopping", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
"""Early stopping: when training stops, and which weights remain."""


def check_stopping(trainings, want, **settings):
    got = call(play_losses, trainings, **settings)
    for number, ((epochs, kept), (want_epochs, want_kept)) in enumerate(zip(got, want, strict=True)):
        which = f"EarlyStopping with {settings}" + (", used again" if number else "")
        check_number(epochs, want_epochs, f"{which}: the number of epochs")
        require(not isinstance(kept, list), f"{which}: only some of the model's weights are those of the best epoch.")
        check_number(kept, want_kept, f"{which}: the epoch whose weights remain (from 0)")


check_stopping([[5.0, 4.0, 4.5, 4.2, 1.0]], [(4, 1)], patience=2)
check_stopping([[3.0, 2.0, 1.0]], [(3, 2)], patience=1)
check_stopping([[1.0, 1.0, 1.0, 1.0]], [(4, 0)], patience=3)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x5525AC88D5332D89E080001909)


def stopping_reference(val_losses, patience, min_delta):
    best = 0
    for epoch, val_loss in enumerate(val_losses):
        if val_loss < val_losses[best] - min_delta:
            best = epoch
        if epoch - best >= patience:
            break
    return epoch + 1, best


for patience, min_delta in [(1, 0.0), (2, 0.0), (3, 0.25), (2, 0.5), (4, 1.0)]:
    # Quarters are exact in floating point, and often equal. Offsets: losses may be large or negative.
    trainings = [
        (rng.integers(0, 12, 12) / 4 + np.linspace(1, 0, 12).round() + offset).tolist() for offset in (0, 100, -7, 0, 3)
    ]
    want = [stopping_reference(training, patience, min_delta) for training in trainings]
    check_stopping(trainings, want, patience=patience, min_delta=min_delta)
# Slow progress adds up to an improvement of more than min_delta; the best epoch may be the first or the last.
slow = [8.0, 7.75, 7.5, 7.25, 7.0, 6.75, 6.5]
check_stopping([slow, slow[::-1], slow], [(7, 6), (3, 0), (7, 6)], patience=3 - 1, min_delta=0.25)
check_stopping([slow], [stopping_reference(slow, 3, 0.5)], patience=3, min_delta=0.5)
# No loss is too large to be the first, 0 is a loss like others, and a training that runs to its end goes back to its
# best epoch too.
ended = [[4e12, 3e12, 2e12, 3e12, 4e12], [9.0, 3.0, 4.0, 5.0], [1.0, 0.0, 0.25, 0.0]]
check_stopping(ended, [(5, 2), (4, 1), (4, 1)], patience=3)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 10: an image classifier (12 points)
#
# The pictures: 32×32 pixels, one object each, of twelve classes, under changing viewpoint, light, occlusion,
# deformation and clutter.

# %% nbgrader={"grade": false, "grade_id": "load_data", "locked": true, "schema_version": 3, "solution": false, "task": false}
difficulty = scenes.Nuisances(
    viewpoint=0.25, illumination=0.3, occlusion=0.1, deformation=0.2, variation=0.4, clutter=0.25
)
data = load_images("bundled", num_train=2400, num_test=480, nuisances=difficulty)
num_classes = len(data.class_names)

# %%
coursekit.plots.image_grid(
    data.x_train[:16], titles=[data.class_names[label] for label in data.y_train[:16]], columns=8
)

# %% [markdown]
# Write two functions:
#
# - `fit_classifier(images, labels)` trains a classifier on `images`, `uint8` of shape `(num, 32, 32, 3)`, and
#   `labels`, integers of shape `(num,)` from 0 to `num_classes - 1`. It returns whatever your second function needs.
# - `class_scores(classifier, images)` takes that and new `uint8` images, and returns an array of shape
#   `(num, num_classes)`: the higher the score, the more likely the class. How many images come at once varies, and
#   an image is not judged by the others that come with it: alone it gets the scores that it gets in a batch.
#
# Everything is allowed: `compile` and `fit` or your `train`, Keras layers or your `ResidualBlock`. Not allowed are
# weights that were trained elsewhere and pictures other than `images` (and what you make of them). The training cell
# below gives your function the 2,400 training images. Keep it under 60 s by the clock on two CPU cores; 15 s are
# enough.
#
# **Not allowed:** making or loading pictures (`coursedata.scenes`, `coursedata.load_images`) and trained weights
# (`keras.applications`).
#
# **Hint.** What the lecture does: pixels scaled to a small range around 0, a few convolutions with batch
# normalization, ever smaller maps of ever more channels, Adam. Scale in **both** functions the same way. Mirrored
# copies are training images that cost nothing. Keep a part of `images` aside for validation while you choose, and
# train on all of them in the end.
#
# **Graded by** your classifier's top-1 error on new pictures of the same kind, whose labels your notebook never sees:
# 12 points for an error of at most 9 %, 6 points for at most 30 %, and no points where an image alone gets other scores
# than in a batch (more than rounding explains: by over 5 % of the spread of its scores). Your network is trained anew
# when it is graded, and may come out a little different: aim for 7 %. A network that was trained on wrong labels, or
# not at all, errs on more than 85 %.


# %% nbgrader={"grade": false, "grade_id": "experiment", "locked": false, "schema_version": 3, "solution": true, "task": false} tags=["trains"]
def fit_classifier(images, labels):
    """Train a classifier on uint8 images (num, 32, 32, 3) and their labels; gives what class_scores needs."""
    ### BEGIN SOLUTION
    layers = keras.layers
    model = keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 127.5, offset=-1)])
    for filters in (16, 32, 64, 64):
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(num_classes))
    model.compile(keras.optimizers.Adam(0.003), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    progress = coursekit.progress_bar(label="classifier")
    model.fit(images, labels, batch_size=64, epochs=8, verbose=0, callbacks=[progress])
    return model
    ### END SOLUTION


def class_scores(classifier, images):
    """Scores (num, num_classes) for uint8 images; the highest marks the class."""
    ### BEGIN SOLUTION
    return classifier.predict(images, verbose=0)
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "train_experiment", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
classifier = fit_classifier(data.x_train, data.y_train)


def predict(images):
    """The scores of your classifier for `images`: what the test cell asks for."""
    return class_scores(classifier, images)


# %% nbgrader={"grade": true, "grade_id": "test_experiment", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
"""Image classifier: its top-1 error on pictures that it has never seen."""


def top_1_error(images, labels):
    scores = as_array(call(predict, images), "class_scores", (len(images), num_classes))
    # A row of equal scores names no class.
    best = np.where(np.ptp(scores, axis=1) > 0, scores.argmax(axis=1), -1)
    return float((best != labels).mean())


def change_alone(images):
    """How much scores change at most when each image comes alone, as a fraction of the spread of its scores."""
    together = as_array(call(predict, images), "class_scores", (len(images), num_classes)).astype(float)
    changes = [0.0]
    for number, scores in enumerate(together):
        alone = call(predict, images[number : number + 1])
        alone = as_array(alone, "class_scores for one image", (1, num_classes)).astype(float)[0]
        if np.ptp(scores) > 0:
            changes.append(np.abs(alone - scores).max() / np.ptp(scores))
    return max(changes)


advice = "An image alone should get the scores that it gets in a batch. Are statistics of the given images used?"
require(change_alone(data.x_test[:4]) <= 0.05, advice)
error = top_1_error(data.x_test, data.y_test)
chance = " That is near chance: are the pixels scaled alike in both functions, labels and classes in one order?"
hint = chance if error > 0.85 else ""
require(
    error <= 0.3, f"top-1 error {error:.1%} on the {len(data.y_test)} public test images: points begin at 30 %.{hint}"
)
### BEGIN HIDDEN TESTS
held_out = scenes.render(1008, seed=0xC0C5CA617DF8579B2C34E1E761D5, nuisances=difficulty)
error = top_1_error(held_out.images, held_out.labels)
require(error <= 0.3, f"top-1 error {error:.1%} on new images: points begin at 30 %.")
require(change_alone(held_out.images[:16]) <= 0.05, advice)
12 if error <= 0.09 else 6
### END HIDDEN TESTS

# %% [markdown]
# ## Task 11: a written answer (6 points)
#
# Answer in about 250 words, in the next cell:
#
# 1. Let $y = x + F(x)$ be a residual block without its last ReLU. Write down $\partial L/\partial x$ in terms of
#    $\partial L/\partial y$ and $F$, and say with it why a chain of twenty such blocks trains when a chain of twenty
#    $y = F(x)$ may not.
# 2. A student calls the model with `training=True` when predicting, and finds that the prediction for an image
#    changes with the other images of its batch. Why, and what happens for a batch of one image where batch
#    normalization comes after a dense layer?
# 3. Look at pictures that *your* classifier gets wrong (`data.x_test`). Name one kind of picture that it confuses,
#    and one change to the data or the model that you would try. Say how you would know that it helped.
#
# **Graded** by hand: 2 points for each part.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_answer", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
# 1. $\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y}\left(I + \frac{\partial F}{\partial x}\right)$.
#    Through a chain, the product of the factors $I + \partial F/\partial x$ contains the term $I$: the gradient of
#    the last block reaches the first one undiminished, whatever the $F$ do, and a block can be close to the identity
#    by having small weights. Without the skip the product $\prod \partial F/\partial x$ remains, which vanishes or
#    explodes when its factors are typically smaller or larger than one, and each layer must first learn to pass its
#    input on.
# 2. With `training=True` batch normalization uses mean and variance of the batch that it is given, so each image's
#    activations depend on its neighbours; the running averages collected in training are ignored (and even moved by
#    the test images). In a batch of one image, statistics come from the pixels of that image alone: the channel's
#    mean, which told images apart, is subtracted; in a layer with one value a channel the normalized value is 0 for
#    every image, and the output is the same for all.
# 3. The classifier confuses objects whose outline is alike when they are small or half hidden. Training images with
#    random patches erased would make it use more than one part of the outline. It helped if the error on validation
#    images that were not used for any choice falls by more than the spread over several seeds, above all on the
#    occluded ones.

# %% [markdown]
# ## Bonus: the fast gradient sign method (5 points)
#
# Write `fgsm(model, images, labels, epsilon)` (Goodfellow et al., 2015, section 4). `model` is a Keras model that
# gives logits, `images` a `float32` array `(batch, height, width, channels)` of values from 0 to 1, `labels` the
# right classes as integers, `(batch,)`. It returns the attacked images, an array or tensor of the same shape:
#
# $$\tilde x = \mathrm{clip}\left(x + \varepsilon \; \mathrm{sign}\, \frac{\partial L(x, \mathrm{labels})}{\partial x},\; 0,\; 1\right)$$
#
# with $\mathrm{sign}(0) = 0$, the softmax cross-entropy $L$ of the logits (mean or sum over the batch: the sign is the
# same), and the model in inference mode (`training=False`).
#
# **Hint.** `tf.GradientTape` watches variables by itself, and a tensor after `tape.watch(tensor)`. A gradient of `None`
# says that the model was called outside the tape, or that the images are not a tensor that it watches. The model gives
# logits: `from_logits=True`.
#
# **Graded by** attacking linear models with dropout, whose gradient is known by hand.


# %% nbgrader={"grade": false, "grade_id": "bonus_fgsm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fgsm(model, images, labels, epsilon):
    """Images moved by epsilon a pixel in the direction that raises the model's loss."""
    ### BEGIN SOLUTION
    x = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(x, training=False)
        loss = keras.ops.mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))
    return tf.clip_by_value(x + epsilon * tf.sign(tape.gradient(loss, x)), 0, 1)
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_bonus_fgsm", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def attack_linear_model(kernel, images, labels, epsilon):
    """The images that your `fgsm` makes against a linear model (with dropout in training) with the given kernel."""
    layers = [keras.Input(images.shape[1:]), keras.layers.Flatten(), keras.layers.Dropout(0.5)]
    model = keras.Sequential([*layers, keras.layers.Dense(kernel.shape[1], use_bias=False)])
    model.set_weights([kernel])
    return fgsm(model, images, labels, epsilon)


# %% nbgrader={"grade": true, "grade_id": "bonus_test_fgsm", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
"""Fast gradient sign method: each pixel moves by epsilon in the direction that raises the loss, within 0 and 1."""
# Two pixels: the first speaks for class 0, the second for class 1. With label 0, the attack must dim the first.
pixels = np.array([0.5, 0.95], "float32").reshape(1, 1, 2, 1)
attacked = call(attack_linear_model, np.eye(2, dtype="float32"), pixels, np.array([0]), 0.25)
check_array(attacked, np.array([0.25, 1.0]).reshape(1, 1, 2, 1), "fgsm on two pixels")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xD87BAB034F75A095D6FFE99738)
for shape, classes, epsilon in [((5, 4, 3, 2), 3, 0.1), ((1, 3, 3, 3), 5, 0.4), ((8, 2, 5, 1), 4, 0.02)]:
    images = rng.random(shape).astype("float32")
    labels = rng.integers(0, classes, shape[0])
    kernel = rng.normal(size=(images[0].size, classes)).astype("float32")
    # The loss does not depend on the first pixel value of each image: its slope is 0, and it stays.
    kernel[0] = 0
    logits = images.reshape(shape[0], -1).astype(np.float64) @ kernel
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    slope = ((p - np.eye(classes)[labels]) @ kernel.T).reshape(shape)
    attacked = call(attack_linear_model, kernel, images, labels, epsilon)
    check_array(attacked, np.clip(images + epsilon * np.sign(slope), 0, 1), f"fgsm with epsilon {epsilon}")
### END HIDDEN TESTS

# %% [markdown]
# ## Bonus: an Inception block (5 points)
#
# Write the class `InceptionBlock(ones, threes_in, threes, fives_in, fives, pooled)`, a subclass of
# `keras.layers.Layer`: the module of Szegedy et al. (2015), section 4 and figure 2b. The arguments are numbers of
# filters. Four branches see the same input, and their outputs are concatenated along the channels in this order:
#
# | branch | layers |
# |---|---|
# | 1 | 1×1 convolution to `ones` |
# | 2 | 1×1 convolution to `threes_in` → 3×3 convolution to `threes` |
# | 3 | 1×1 convolution to `fives_in` → 5×5 convolution to `fives` |
# | 4 | 3×3 max pooling with stride 1 → 1×1 convolution to `pooled` |
#
# Every convolution has a bias and a ReLU behind it; stride is 1 and padding `"same"` everywhere. The output has shape
# `(batch, height, width, ones + threes + fives + pooled)`. A block that has seen images of one size takes other sizes
# too.
#
# **Hint.** `keras.layers.Conv2D(filters, size, padding="same", activation="relu")`. What the 1×1 convolutions save:
# count the multiplications with and without them.
#
# **Graded by** setting random weights in your block and comparing its output with a reference.


# %% nbgrader={"grade": false, "grade_id": "bonus_inception", "locked": false, "schema_version": 3, "solution": true, "task": false}
class InceptionBlock(keras.layers.Layer):
    """Four branches with windows of different sizes, side by side."""

    def __init__(self, ones, threes_in, threes, fives_in, fives, pooled, **kwargs):
        super().__init__(**kwargs)

        ### BEGIN SOLUTION
        def convolution(filters, size):
            return keras.layers.Conv2D(filters, size, padding="same", activation="relu")

        pool = keras.layers.MaxPooling2D(3, strides=1, padding="same")
        self.branches = [
            [convolution(ones, 1)],
            [convolution(threes_in, 1), convolution(threes, 3)],
            [convolution(fives_in, 1), convolution(fives, 5)],
            [pool, convolution(pooled, 1)],
        ]
        ### END SOLUTION

    def call(self, x):
        """The four outputs, concatenated along the channels."""
        ### BEGIN SOLUTION
        outputs = []
        for branch in self.branches:
            out = x
            for layer in branch:
                out = layer(out)
            outputs.append(out)
        return keras.ops.concatenate(outputs, axis=-1)
        ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_bonus_inception", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def make_inception_block(filters, channels):
    """An InceptionBlock(*filters) that has seen one picture with `channels` channels, so that its weights exist."""
    block = InceptionBlock(*filters)
    block(np.zeros((1, 8, 8, channels), "float32"))
    return block


# %% nbgrader={"grade": true, "grade_id": "bonus_test_inception", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
"""Inception block: the output's shape, its weights, its four branches."""
block = make_inception_block([2, 3, 4, 5, 6, 7], 3)
as_array(block(np.ones((2, 5, 6, 3), "float32")), "InceptionBlock", (2, 5, 6, 2 + 4 + 6 + 7))
shapes = sorted(as_array(weight, "a weight").shape for weight in block.get_weights())
require(
    len(shapes) == 12, f"InceptionBlock: six convolutions with a bias each have 12 weights, yours has {len(shapes)}."
)
# Filters of 0 and biases of -1 to 4: each branch gives the bias of its last convolution, after ReLU.
weights = [np.full_like(weight, len(weight) - 3 if np.ndim(weight) == 1 else 0) for weight in block.get_weights()]
block.set_weights(weights)
want = np.tile(np.repeat([0.0, 1.0, 3.0, 4.0], [2, 4, 6, 7]), (1, 5, 6, 1))
hint = "Are the branches in the table's order, each with its ReLU?"
check_array(block(np.ones((1, 5, 6, 3), "float32")), want, "InceptionBlock with filters of zeros", hint=hint)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x96C86C8196D05AB8D1C0FC4E55)
for filters, channels, size in [([2, 3, 4, 5, 6, 7], 8, (2, 6, 7)), ([9, 2, 7, 3, 5, 4], 1, (1, 5, 9))]:
    ones, threes_in, threes, fives_in, fives, pooled = filters
    block = make_inception_block(filters, channels)
    # Every filter's shape and every bias' shape occurs once, so that a shape tells which weight it is.
    wanted = [
        (1, 1, channels, ones),
        (1, 1, channels, threes_in),
        (3, 3, threes_in, threes),
        (1, 1, channels, fives_in),
    ]
    wanted += [(5, 5, fives_in, fives), (1, 1, channels, pooled)]
    weights = [as_array(weight, "a weight") for weight in block.get_weights()]
    found = sorted(weight.shape for weight in weights)
    require(
        found == sorted([*wanted, *((shape[-1],) for shape in wanted)]),
        "InceptionBlock: its weights do not have the shapes that the table gives.",
    )
    weights = [(rng.normal(size=weight.shape) / 2).astype("float32") for weight in weights]
    block.set_weights(weights)
    by_shape = {weight.shape: weight for weight in weights}

    def convolved(x, shape, by_shape=by_shape):
        return np.maximum(np.asarray(keras.ops.conv(x, by_shape[shape], padding="same")) + by_shape[shape[-1:]], 0)

    x = rng.normal(size=(*size, channels)).astype("float32")
    largest = np.asarray(keras.ops.max_pool(x, 3, strides=1, padding="same"))
    want = [convolved(x, wanted[0]), convolved(convolved(x, wanted[1]), wanted[2])]
    want += [convolved(convolved(x, wanted[3]), wanted[4]), convolved(largest, wanted[5])]
    check_array(block(x), np.concatenate(want, axis=-1), "InceptionBlock's output", rtol=1e-3, atol=1e-3)
### END HIDDEN TESTS
