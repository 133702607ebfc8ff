# ---
# jupyter:
#   kernelspec:
#     display_name: Deep Learning (GPU if present)
#     language: python
#     name: dl-course
# ---

# %% [markdown]
# # Training: gradients by hand, and the tricks that made depth trainable
#
# **Part 1, lecture 2.** You write backpropagation for four layers, check it against two other ways to get a gradient,
# and then watch five tricks at work: momentum, Adam, initialization, batch normalization and dropout.
#
# Papers: Rumelhart, Hinton and Williams, *Learning representations by back-propagating errors* (Nature 1986) ·
# Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks* (AISTATS 2010) ·
# Srivastava et al., *Dropout* (JMLR 2014) · Kingma and Ba, *Adam* (ICLR 2015) · Ioffe and Szegedy, *Batch
# normalization* (ICML 2015) · He et al., *Delving deep into rectifiers* (ICCV 2015) · Srivastava, Greff and
# Schmidhuber, *Highway networks* (2015).
#
# You need NumPy, partial derivatives, and these words. A network is a chain of **layers**: functions whose
# **parameters** (weights, biases) are learned. The numbers between two layers are **activations**, each number a
# **unit**; the last ones, before they are made probabilities, are the **logits**. A **loss** says how wrong the output
# is. **Training** lowers it step by step, each step with a **batch** of examples; an **epoch** is one round over all of
# them. Plain descent on batches is called SGD. The ReLU is $\max(x, 0)$.
#
# Time: about a minute on two CPU cores. These networks are too small to fill a GPU, on which it was not timed.

# %%
import functools
import time

import coursedata
import coursekit  # before Keras: it starts TensorFlow quietly
import keras
import numpy as np
import tensorflow as tf

seed = coursekit.set_seed()
profile = coursekit.get_profile()
device = coursekit.set_device(mixed_precision=False)
print(f"seed {seed}; {profile}; {device}")

# %% [markdown]
# ## Claim
#
# One number is worth remembering from this lecture's papers. Ioffe and Szegedy put batch normalization into an ImageNet
# network and report, in the abstract, **the same accuracy in 14 times fewer training steps**. (That is with a learning
# rate five times higher and a few more changes. With normalization alone it is "less than half" the steps; section
# 4.2.2.) The other papers claim less in numbers and just as much in effect.
#
# Here you check six statements, each against the same network **without** the trick, both at the best of several
# learning rates:
#
# | | helps when | must be true here |
# |---|---|---|
# | backpropagation | always | it agrees to 10⁻⁶ with numerical gradients and with `GradientTape` |
# | momentum | the loss is a narrow valley | training loss at most ¾ of SGD's |
# | Adam | layers see gradients of very different size | training loss at most ¼ of SGD's |
# | initialization | the network is deep | test error at most half |
# | batch normalization | saturating units, high learning rates | SGD's best test error in a quarter of the steps |
# | dropout | the network can learn its training set by heart | a tenth fewer errors than at any width without it |

# %% [markdown]
# ## Data
#
# Small grey images of handwritten digits, so that a network trains in a second. Bundled: the 8×8 digits of
# scikit-learn. Real: MNIST. You train on 1,000 images in either case; `x` is (num, pixels) with values from 0 to 1.

# %%
digits = coursedata.load_digits(profile.source, num_train=1000, num_test=797, seed=seed)
x_train, x_test = (
    images.reshape(len(images), -1).astype("float32") / 255 for images in (digits.x_train, digits.x_test)
)
y_train, y_test = digits.y_train, digits.y_test
num_pixels, num_classes = x_train.shape[1], len(digits.class_names)
coursekit.plots.image_grid(digits.x_train[:16], titles=y_train[:16], title="Sixteen training digits and their labels")

# %% [markdown]
# ## Before
#
# To train is to change each parameter a little in the direction that lowers the loss, so you need the loss's derivative
# with respect to every parameter. Before backpropagation there was the definition of a derivative: move **one**
# parameter by a small $\epsilon$ both ways and look at what the loss does,
#
# $$\frac{\partial L}{\partial w_j} \approx \frac{L(w_j + \epsilon) - L(w_j - \epsilon)}{2\epsilon}.$$
#
# It needs no mathematics, only two passes through the network for each parameter.


# %%
def numerical_gradient(loss_fn, array, epsilon=1e-6):
    """Central differences of loss_fn() with respect to each entry of `array`, which loss_fn reads."""
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        original = array[index]
        array[index] = original + epsilon
        above = loss_fn()
        array[index] = original - epsilon
        below = loss_fn()
        array[index] = original
        gradient[index] = (above - below) / (2 * epsilon)
    return gradient


# %% [markdown]
# Check it on a function whose gradient you know: $L = \sum_j w_j^3$ has the gradient $3 w_j^2$.

# %%
# NBVAL_CHECK_OUTPUT
w = np.array([1.0, -2.0, 0.5])
print(np.round(numerical_gradient(lambda: np.sum(w**3), w), 6), "expected", 3 * w**2)

# %% [markdown]
# ## Idea
#
# ### Backpropagation
#
# If $L$ depends on $x$ only through $out = f(x, w)$, the chain rule gives (for single numbers; arrays follow below)
#
# $$\frac{\partial L}{\partial x} = \frac{\partial L}{\partial out}\,\frac{\partial out}{\partial x},
# \qquad \frac{\partial L}{\partial w} = \frac{\partial L}{\partial out}\,\frac{\partial out}{\partial w}.$$
#
# So a layer needs to know nothing about the rest of the network. It receives `dout` $= \partial L/\partial out$ (an
# array shaped like `out`) and returns `dx`, shaped like `x`, for the layer below, and `dw`, shaped like `w`, for the
# update. One pass forward and one backward give **all** derivatives.

# %%
figure, axis = coursekit.plots.subplots(width=9, height=2.1)
axis.set(xlim=(-1.0, 10.0), ylim=(-1.1, 1.1), title="Values flow to the right, derivatives flow back")
axis.axis("off")
boxes = ["dense", "layer norm", "sigmoid", "dense", "logistic loss"]
values = ["x", "hidden", "normed", "active", "logits", "L"]
for k, name in enumerate(boxes):
    axis.text(2 * k + 0.5, 0, name, ha="center", va="center", bbox={"boxstyle": "round", "fc": "#EEF3F7", "ec": "0.4"})
for k, name in enumerate(values):
    start, end = 2 * k - 0.75, 2 * k - 0.2
    axis.annotate("", (end, 0.25), (start, 0.25), arrowprops={"arrowstyle": "->", "color": "#0072B2"})
    axis.annotate("", (start, -0.25), (end, -0.25), arrowprops={"arrowstyle": "->", "color": "#D55E00"})
    axis.text(2 * k - 0.5, 0.42, name, ha="center", color="#0072B2")
    axis.text(2 * k - 0.5, -0.68, f"d{name}", ha="center", color="#D55E00")
figure

# %% [markdown]
# Read the picture from left to right for the forward pass and from right to left for the backward pass. `dL` is 1, and
# every box needs only what stands at its own two sides.
#
# The four layers, for a batch of $N$ examples in the rows of $x$:
#
# **Dense.** $out = x w + b$. To see what becomes of the chain rule, write out one entry: $out_{nk} = \sum_j x_{nj}
# w_{jk} + b_k$. The input $x_{nj}$ is used in every $out_{nk}$ of its row, with the factor $w_{jk}$. Whenever a value
# is used in several places, its derivatives from there add up, so $dx_{nj} = \sum_k dout_{nk} w_{jk}$. The weight
# $w_{jk}$ is used for every example $n$, with the factor $x_{nj}$, and the bias $b_k$ for every example, with the
# factor 1. As arrays,
#
# $$dx = dout\, w^\top,\qquad dw = x^\top dout,\qquad db = \sum_n dout_n.$$
#
# The other three are found in the same way: ask where a value is used, and with which factor.
#
# **Sigmoid.** $out = \sigma(x) = 1/(1 + e^{-x})$, $\;dx = dout\; \sigma(x)\,(1 - \sigma(x))$. The last factor
# is at most ¼. Remember that for later.
#
# **Layer normalization** makes each example's features zero on average with variance one, then scales and shifts them:
# $\hat{x} = (x - \mu)/s$ with $s = \sqrt{\mathrm{var}(x) + \epsilon}$, $\;out = \gamma \hat{x} + \beta$. Mean and
# variance depend on every feature, so each $dx_i$ gets something from every $dout_j$. With $d\hat{x} = \gamma\, dout$,
# products entry by entry, and $\langle\cdot\rangle$ the mean over the features,
#
# $$dx = \frac{1}{s}\Big(d\hat{x} - \langle d\hat{x}\rangle - \hat{x}\,\langle d\hat{x}\,\hat{x}\rangle\Big).$$
#
# The two subtracted terms are what goes through $\mu$ and through $s$. Adding a constant to all features, or scaling
# them all, does not change $out$; so $dx$ has no component in these two directions, and the two terms take them away.
#
# **Logistic loss.** Ten yes-or-no questions, one a class. With the target $t \in \{0, 1\}$ and the logit $z$,
# $L = \frac{1}{N}\sum_n \sum_c \log(1 + e^{z}) - t z$, $\;dz = (\sigma(z) - t)/N$.
#
# It is the loss to practise on. Where exactly one class is right, networks are trained with **softmax cross-entropy**,
# in this lecture from *Train* on: the logits of an example become probabilities that sum to one,
# $p_c = e^{z_c} / \sum_k e^{z_k}$, and the loss is $-\log p_y$ for the right class $y$, averaged over the batch. A
# network that guesses among ten classes has the loss $\ln 10 \approx 2.3$. (Its gradient is yours to find in `ps1_cnn`.)

# %% [markdown]
# ### Steps: SGD, momentum, Adam
#
# With the gradient $g$ of a batch, *stochastic gradient descent* takes the step $w \leftarrow w - \eta g$. The
# learning rate $\eta$ must suit the steepest direction, and then the flat ones hardly move. **Momentum** sums the
# gradients up: $v \leftarrow \mu v - \eta g,\; w \leftarrow w + v$. Where they keep their sign they add up to
# $1/(1-\mu)$ times the step; where they alternate they cancel. **Adam** gives each parameter a step of its own:
# $m \leftarrow \beta_1 m + (1 - \beta_1) g$ and $s \leftarrow \beta_2 s + (1 - \beta_2) g^2$ are running means of the
# gradient and of its square; both begin at zero and are too small at first, so after step $k$ one takes
# $\hat{m} = m / (1 - \beta_1^k)$ and $\hat{s} = s / (1 - \beta_2^k)$; and
#
# $$w \leftarrow w - \eta\, \frac{\hat{m}}{\sqrt{\hat{s}} + \epsilon},$$
#
# with a tiny $\epsilon$ against division by zero.
#
# Multiply all gradients of a parameter by 1,000 and its step stays the same (Kingma and Ba 2015, abstract: "invariant
# to diagonal rescaling of the gradients").


# %%
def descend(method, learning_rate, num_steps=40):
    """Path of (num_steps + 1, 2) points down the valley L = (w0² + 30 w1²) / 2."""
    curvature, w = np.array([1.0, 30.0]), np.array([-3.0, 0.8])
    v, m, s, path = np.zeros(2), np.zeros(2), np.zeros(2), [w]
    for k in range(1, num_steps + 1):
        g = curvature * w
        if method == "SGD":
            step = -learning_rate * g
        elif method == "momentum":
            step = v = 0.8 * v - learning_rate * g
        else:
            m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
            step = -learning_rate * (m / (1 - 0.9**k)) / (np.sqrt(s / (1 - 0.999**k)) + 1e-8)
        w = w + step
        path.append(w)
    return np.array(path)


# %%
figure, axes = coursekit.plots.subplots(1, 3, width=3.6, height=2.6, sharey=True)
w0, w1 = np.meshgrid(np.linspace(-3.4, 1.4, 80), np.linspace(-1.3, 1.3, 80))
for axis, (method, learning_rate) in zip(axes, {"SGD": 0.06, "momentum": 0.04, "Adam": 0.3}.items(), strict=True):
    path = descend(method, learning_rate)
    axis.contour(w0, w1, (w0**2 + 30 * w1**2) / 2, levels=12, colors="0.8", linewidths=0.8)
    axis.plot(*path.T, "o-", markersize=2.5, linewidth=1)
    axis.plot(0, 0, "k+", markersize=10)
    axis.set(xlim=(-3.4, 1.4), title=f"{method}, η = {learning_rate}", xlabel="parameter $w_0$ (flat direction)")
axes[0].set_ylabel("parameter $w_1$ (steep)")
figure

# %% [markdown]
# Forty steps each, from the left to the minimum at the cross. SGD bounces between the walls and creeps along the floor:
# a higher rate would throw it out. Momentum overshoots and swings, but gets there sooner. Adam sets out diagonally,
# because its steps are equally long in both directions whatever their slopes.

# %% [markdown]
# ### Signals: initialization and batch normalization
#
# A dense layer adds up $n$ inputs. If these have a mean square of $q$ and the weights a variance of $\mathrm{var}(w)$,
# the outputs have the variance $n\,\mathrm{var}(w)\,q$. Ten layers multiply ten such factors, so the signal dies out
# or explodes unless each factor is near 1. Glorot and Bengio (2010) take $\mathrm{var}(w) = 2/(n_{in} + n_{out})$; a
# ReLU throws away half of the signal's power, so He et al. (2015) take $\mathrm{var}(w) = 2/n_{in}$. Gradients are
# multiplied by the same factors on their way back.

# %%
depth, width = 10, 64
schemes = {
    "normal, σ = 0.01": keras.initializers.RandomNormal(stddev=0.01, seed=seed),
    "Glorot uniform": keras.initializers.GlorotUniform(seed=seed),
    "He normal": keras.initializers.HeNormal(seed=seed),
    "normal, σ = 0.5": keras.initializers.RandomNormal(stddev=0.5, seed=seed),
}
figure, axis = coursekit.plots.subplots(width=6, height=3.2)
for name, scheme in schemes.items():
    signal, sizes = x_train[:200], []
    for _ in range(depth):
        signal = np.maximum(signal @ keras.ops.convert_to_numpy(scheme((signal.shape[1], width))), 0)
        sizes.append(np.sqrt(np.mean(signal**2)))
    axis.semilogy(range(1, depth + 1), sizes, "o-", markersize=4, label=name)
axis.set(xlabel="layer", ylabel="root mean square", title="The activations of ten ReLU layers before training")
axis.legend()
figure

# %% [markdown]
# Only He's variance keeps the signal's size. Glorot's loses a factor of about $\sqrt{2}$ a layer (it was made for
# units that do not throw half away); σ = 0.01 leaves nothing to learn from.
#
# **Batch normalization** does not hope that the signal stays in range: it puts it there. During training each
# feature is normalized with mean and variance over the **examples of the batch** (layer normalization takes them over
# the features of one example), then scaled by a learned $\gamma$ and shifted by $\beta$. A test image comes without a
# batch, so the layer keeps running averages of mean and variance during training and uses those afterwards.
#
# ### Noise: dropout
#
# During training each activation is set to zero with probability $p$, and the others are divided by $1 - p$, so that
# their expectation stays the same. At test time nothing is dropped. A unit cannot rely on one particular partner,
# and learning single images by heart becomes hard.

# %% [markdown]
# ## Build
#
# ### The layers, forward and backward
#
# The formulas of *Idea*, line by line. Each backward function gets `dout` and the inputs of its forward function.


# %%
def dense_forward(x, w, b):
    """(batch, num_in) -> (batch, num_out)"""
    return x @ w + b


def dense_backward(dout, x, w):
    """Gradients with respect to x, w and b."""
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


def sigmoid_forward(x):
    # The same as 1 / (1 + exp(-x)), without overflow for x far below zero.
    return 0.5 * (1 + np.tanh(0.5 * x))


def sigmoid_backward(dout, x):
    out = sigmoid_forward(x)
    return dout * out * (1 - out)


# %%
def layer_norm_forward(x, gamma, beta, eps=1e-5):
    """Normalize each row of x (batch, features), then scale and shift its features."""
    centred = x - x.mean(axis=-1, keepdims=True)
    std = np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + eps)
    return gamma * centred / std + beta


def layer_norm_backward(dout, x, gamma, eps=1e-5):
    """Gradients with respect to x, gamma and beta."""
    centred = x - x.mean(axis=-1, keepdims=True)
    std = np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + eps)
    x_hat = centred / std
    dx_hat = dout * gamma
    through_mean = dx_hat.mean(axis=-1, keepdims=True)
    through_std = x_hat * np.mean(dx_hat * x_hat, axis=-1, keepdims=True)
    return (dx_hat - through_mean - through_std) / std, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


# %%
def logistic_loss_forward(logits, targets):
    """Mean over the batch of the summed yes-or-no losses; targets are 0 or 1, shaped like logits."""
    # logaddexp(0, z) is log(1 + exp(z)), without overflow for large z.
    return np.mean(np.sum(np.logaddexp(0, logits) - targets * logits, axis=-1))


def logistic_loss_backward(logits, targets):
    return (sigmoid_forward(logits) - targets) / len(logits)


# %% [markdown]
# Test a layer alone before you build on it. Here the layer sits under a loss whose `dout` you know: in
# $L = \sum out \cdot weights$ it is `weights`.

# %%
rng = np.random.default_rng(seed)
x, gamma, beta = rng.normal(size=(4, 6)), rng.normal(size=6), rng.normal(size=6)
weights = rng.normal(size=(4, 6))
analytic = layer_norm_backward(weights, x, gamma)
for name, array, gradient in zip(("dx", "dgamma", "dbeta"), (x, gamma, beta), analytic, strict=True):
    numeric = numerical_gradient(lambda: np.sum(layer_norm_forward(x, gamma, beta) * weights), array)
    print(f"{name:7} {gradient.shape!s:7} largest difference {np.max(np.abs(gradient - numeric)):.1e}")

# %% [markdown]
# ### The network
#
# The backward pass is the forward pass read from bottom to top. Compare the two halves of `loss_and_gradients`.


# %%
def new_parameters(num_hidden):
    """Parameters of a network with one normalized hidden layer, float64."""
    rng = np.random.default_rng(seed)
    return {
        "w1": rng.normal(size=(num_pixels, num_hidden)) * np.sqrt(1 / num_pixels),
        "b1": np.zeros(num_hidden),
        "gamma": np.ones(num_hidden),
        "beta": np.zeros(num_hidden),
        "w2": rng.normal(size=(num_hidden, num_classes)) * np.sqrt(1 / num_hidden),
        "b2": np.zeros(num_classes),
    }


def forward(p, x):
    hidden = dense_forward(x, p["w1"], p["b1"])
    normed = layer_norm_forward(hidden, p["gamma"], p["beta"])
    active = sigmoid_forward(normed)
    return hidden, normed, active, dense_forward(active, p["w2"], p["b2"])


# %%
def loss_and_gradients(p, x, targets):
    """The loss and its gradient with respect to every parameter, in a dictionary like p."""
    hidden, normed, active, logits = forward(p, x)
    loss = logistic_loss_forward(logits, targets)

    d = {}
    dlogits = logistic_loss_backward(logits, targets)
    dactive, d["w2"], d["b2"] = dense_backward(dlogits, active, p["w2"])
    dnormed = sigmoid_backward(dactive, normed)
    dhidden, d["gamma"], d["beta"] = layer_norm_backward(dnormed, hidden, p["gamma"])
    _, d["w1"], d["b1"] = dense_backward(dhidden, x, p["w1"])
    return loss, d


# %% [markdown]
# ### The same with `GradientTape`
#
# TensorFlow records what you compute while the tape runs, and plays it backwards. To be a check, this version shares no
# line with yours: TensorFlow's own normalization, sigmoid and loss.


# %%
def tape_gradients(p, x, targets):
    """Gradients by automatic differentiation, in a dictionary like p."""
    variables = {name: tf.Variable(value) for name, value in p.items()}
    with tf.GradientTape() as tape:
        hidden = tf.linalg.matmul(x, variables["w1"]) + variables["b1"]
        mean, variance = tf.nn.moments(hidden, axes=[-1], keepdims=True)
        normed = tf.nn.batch_normalization(hidden, mean, variance, variables["beta"], variables["gamma"], 1e-5)
        logits = tf.linalg.matmul(tf.math.sigmoid(normed), variables["w2"]) + variables["b2"]
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)
        loss = tf.reduce_sum(losses) / len(x)
    return {name: gradient.numpy() for name, gradient in tape.gradient(loss, variables).items()}


# %%
x, targets = x_train[:20].astype("float64"), np.eye(num_classes)[y_train[:20]]
p = new_parameters(num_hidden=12)
_, by_hand = loss_and_gradients(p, x, targets)
by_tape = tape_gradients(p, x, targets)
numeric = {
    name: numerical_gradient(lambda: logistic_loss_forward(forward(p, x)[-1], targets), p[name])
    for name in coursekit.progress_bar(p, "numerical gradients", unit="arrays")
}


def largest_difference(one, other):
    """Largest difference between two sets of gradients, relative to the largest entry of each array."""
    return max(np.max(np.abs(one[name] - other[name])) / np.max(np.abs(other[name])) for name in one)


# %%
gradient_gap = max(largest_difference(by_hand, numeric), largest_difference(by_hand, by_tape))
print(f"by hand against numerical: {largest_difference(by_hand, numeric):.1e}")
print(f"by hand against the tape:  {largest_difference(by_hand, by_tape):.1e}")

# %% [markdown]
# The tape differs only in the last digits of a float64. The numerical gradient is the coarse one: $\epsilon$ is not
# zero, and a difference of nearly equal numbers has few digits left. It is also the slow one.


# %%
def seconds_of(function, repeats=5):
    """Median time of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return np.median(times)


sizes = []
times = {"numerical (two passes a parameter)": [], "backpropagation": [], "one pass forward": []}
for num_hidden in (4, 16, 64, 256):
    p = new_parameters(num_hidden)
    sizes.append(sum(array.size for array in p.values()))
    one_pass = seconds_of(functools.partial(logistic_loss_forward, forward(p, x)[-1], targets))
    one_pass += seconds_of(functools.partial(forward, p, x))
    times["one pass forward"].append(one_pass)
    times["numerical (two passes a parameter)"].append(2 * sizes[-1] * one_pass)
    times["backpropagation"].append(seconds_of(functools.partial(loss_and_gradients, p, x, targets)))

# %%
figure, axis = coursekit.plots.subplots(width=6, height=3.2)
for name, seconds in times.items():
    axis.loglog(sizes, seconds, "o-", label=name)
axis.set(xlabel="number of parameters", ylabel="time for one gradient (s)", title="The price of a gradient")
axis.legend()
figure

# %% [markdown]
# The numerical gradient pays two passes for each parameter, so its line climbs with the size of the network. (It is the
# time of one pass times the number of passes.) Backpropagation costs about as much as a few passes, whatever the size.
# That gap is why there is deep learning at all.

# %% [markdown]
# ### A Keras layer
#
# `keras.layers` has dense, normalization and dropout layers. What it lacks you write as a subclass: variables in
# `build`, where the shape of the input is known; the computation in `call`; and in `get_config` what it takes to make
# the layer again. This one is a *highway* block (Srivastava, Greff and Schmidhuber 2015): a gate decides, for each
# feature, how much of the input passes unchanged.


# %%
class Highway(keras.layers.Layer):
    """out = gate * candidate + (1 - gate) * x, for x of (batch, features)."""

    def __init__(self, gate_bias=-1.0, **kwargs):
        super().__init__(**kwargs)
        self.gate_bias = gate_bias  # below zero: at the start most of the input passes

    def build(self, input_shape):
        features = input_shape[-1]
        self.candidate = keras.layers.Dense(features, activation="sigmoid")
        self.gate = keras.layers.Dense(
            features, activation="sigmoid", bias_initializer=keras.initializers.Constant(self.gate_bias)
        )
        self.candidate.build(input_shape)
        self.gate.build(input_shape)

    def call(self, x):
        gate = self.gate(x)
        return gate * self.candidate(x) + (1 - gate) * x

    def get_config(self):
        return {**super().get_config(), "gate_bias": self.gate_bias}


# %%
# NBVAL_CHECK_OUTPUT
block = Highway(gate_bias=-30.0)
closed = block(np.ones((2, 5), "float32"))
print("shape", tuple(closed.shape), "variables", [tuple(v.shape) for v in block.trainable_variables])
print("a closed gate returns its input:", np.allclose(closed, 1.0))
print("made again from its configuration:", Highway.from_config(block.get_config()).gate_bias)

# %% [markdown]
# ### Batch normalization, in training and after
#
# Feed a batch that is far from zero mean and unit variance through Keras's layer, and see which statistics it uses.

# %%
batch = np.random.default_rng(seed).normal(loc=5.0, scale=3.0, size=(64, 1)).astype("float32")
norm = keras.layers.BatchNormalization(momentum=0.9)
steps = [0, 1, 5, 20, 60]
rows, step = [], 0
for stop in steps:
    while step < stop:
        trained_out = norm(batch, training=True)
        step += 1
    tested_out = norm(batch, training=False)
    rows.append((step, float(norm.moving_mean[0]), float(np.mean(tested_out)), float(np.std(tested_out))))
print(f"in training: mean {np.mean(trained_out):.3f}, standard deviation {np.std(trained_out):.3f}, at every step")
print("afterwards, having seen so many batches:")
for row in rows:
    print("{:3d} batches: running mean {:.2f}; output mean {:5.2f}, standard deviation {:.2f}".format(*row))

# %% [markdown]
# In training the output is normalized from the first batch on. At test time the layer trusts its running averages,
# which start at mean 0 and variance 1 and need a few dozen batches. That is the classic trap: a network that trains
# well and tests at chance because its running averages are stale, or because it tests with `training=True`.

# %% [markdown]
# ### Adam, written out
#
# The formulas of *Idea* for a list of variables. `optimizer.apply(gradients)` is one step.


# %%
class Adam:
    """Kingma and Ba (2015), algorithm 1."""

    def __init__(self, variables, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.variables, self.learning_rate, self.epsilon = variables, learning_rate, epsilon
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.m = [tf.Variable(tf.zeros(v.shape)) for v in variables]
        self.s = [tf.Variable(tf.zeros(v.shape)) for v in variables]
        self.k = tf.Variable(0.0)

    def apply(self, gradients):
        self.k.assign_add(1.0)
        for v, m, s, g in zip(self.variables, self.m, self.s, gradients, strict=True):
            m.assign(self.beta_1 * m + (1 - self.beta_1) * g)
            s.assign(self.beta_2 * s + (1 - self.beta_2) * g**2)
            m_hat = m / (1 - self.beta_1**self.k)
            s_hat = s / (1 - self.beta_2**self.k)
            v.assign_sub(self.learning_rate * m_hat / (tf.sqrt(s_hat) + self.epsilon))


# %% [markdown]
# Five steps beside Keras's own Adam, on gradients of very different size:

# %%
gradient = tf.constant([1e-3, 1.0, 1e3])
ours, theirs = tf.Variable(tf.zeros(3)), keras.Variable(np.zeros(3, "float32"))
optimizer, reference = Adam([ours], 0.1), keras.optimizers.Adam(0.1)
reference.build([theirs])
for _ in range(5):
    optimizer.apply([gradient])
    reference.apply([gradient], [theirs])
print("ours  ", ours.numpy().round(3))
print("Keras ", keras.ops.convert_to_numpy(theirs).round(3))

# %% [markdown]
# All three gradients, from a thousandth to a thousand, give the same step of 0.1. (The last digit of the smallest
# differs: Keras's $\epsilon$ is 1e-7, and the paper's, used here, 1e-8.)

# %% [markdown]
# ## Train
#
# ### A network that hardly trains
#
# Three hidden layers of 100 sigmoid units. Each sigmoid multiplies the gradient by at most ¼ on its way back, so the
# first layers learn from next to nothing. Look at it before you train anything.


# %%
def sigmoid_network(batch_norm=False):
    """Three hidden layers of 100 sigmoid units, each after batch normalization if asked."""
    layers = [keras.Input((num_pixels,))]
    for _ in range(3):
        layers.append(keras.layers.Dense(100))
        if batch_norm:
            layers.append(keras.layers.BatchNormalization(momentum=0.9))
        layers.append(keras.layers.Activation("sigmoid"))
    return keras.Sequential([*layers, keras.layers.Dense(num_classes)])


loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

# %%
keras.utils.set_random_seed(seed)
model = sigmoid_network()
with tf.GradientTape() as tape:
    loss = loss_fn(y_train[:200], model(x_train[:200], training=True))
gradients = tape.gradient(loss, model.trainable_variables)
gradient_sizes = [float(np.sqrt(np.mean(np.square(g)))) for g in gradients if len(g.shape) == 2]
figure, axis = coursekit.plots.subplots(width=5, height=2.8)
axis.semilogy(["hidden 1", "hidden 2", "hidden 3", "output"], gradient_sizes, "o-")
axis.set(ylabel="root mean square of dL/dw", title="The gradient fades on its way back")
figure

# %% [markdown]
# From the output to the first layer the gradient shrinks by orders of magnitude. A learning rate that suits
# the last layer leaves the first one where it is. Now you train it in four ways (Adam, SGD, momentum, batch
# normalization); two more networks follow, for initialization and for dropout.

# %% [markdown]
# ### An epoch loop of your own, with Adam
#
# One epoch visits all examples once, in a new order. `tf.function` compiles the step; the gradient comes from the tape.


# %%
def train(model, x, y, *, learning_rate, num_epochs=30, batch_size=50):
    """Train with Adam, written out; returns the mean loss of each epoch."""
    optimizer = Adam(model.trainable_variables, learning_rate)

    @tf.function
    def train_step(x_batch, y_batch):
        with tf.GradientTape() as tape:
            loss = loss_fn(y_batch, model(x_batch, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    rng, losses = np.random.default_rng(seed), []
    for _ in range(num_epochs):
        order = rng.permutation(len(x))
        batches = [order[start : start + batch_size] for start in range(0, len(x), batch_size)]
        losses.append(np.mean([train_step(x[batch], y[batch]) for batch in batches]))
    return losses


# %%
def error(model, x, y):
    """Share of examples whose largest logit is not at their label."""
    return float(np.mean(np.argmax(model(x, training=False), axis=-1) != y))


adam_runs, adam_errors = {}, {}
for learning_rate in coursekit.progress_bar((0.003, 0.01, 0.03, 0.1), "Adam", unit="learning rates"):
    keras.utils.set_random_seed(seed)
    model = sigmoid_network()
    adam_runs[learning_rate] = train(model, x_train, y_train, learning_rate=learning_rate)
    adam_errors[learning_rate] = error(model, x_test, y_test)
for learning_rate, losses in adam_runs.items():
    print(f"learning rate {learning_rate}: loss {losses[-1]:.3f}, test error {adam_errors[learning_rate]:.1%}")

# %% [markdown]
# ### A callback, and `fit` for the rest
#
# `fit` runs the same loop for you. What you want to happen during training goes into a callback: Keras calls its
# methods at fixed moments. This one measures the test error every few steps, which you need to count steps.


# %%
class ErrorCurve(keras.callbacks.Callback):
    """Collects `steps` and the test `errors` there, every so many steps."""

    def __init__(self, x, y, every):
        super().__init__()
        self.x, self.y, self.every = x, y, every

    def on_train_begin(self, logs=None):
        self.step, self.steps, self.errors = 0, [], []

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.step % self.every == 0:
            self.steps.append(self.step)
            self.errors.append(error(self.model, self.x, self.y))


# %%
def fit(model, optimizer, num_epochs=30, y=y_train, every=20):
    """Train with fit; returns the loss of each epoch and the test error every so many steps."""
    curve = ErrorCurve(x_test, y_test, every)
    model.compile(optimizer, loss_fn)
    history = model.fit(x_train, y, batch_size=50, epochs=num_epochs, verbose=0, callbacks=[curve])
    return history.history["loss"], curve


def search(make_model, make_optimizer, learning_rates, label, num_epochs=30, every=20):
    """One run for each learning rate, all from the same seed: {learning_rate: (losses, curve)}."""
    runs = {}
    for learning_rate in coursekit.progress_bar(learning_rates, label, unit="learning rates"):
        keras.utils.set_random_seed(seed)
        runs[learning_rate] = fit(make_model(), make_optimizer(learning_rate), num_epochs, every=every)
    return runs


# %% [markdown]
# ### SGD and momentum
#
# The same network, and each method at several learning rates: a comparison at one rate would only tell whom it suits.

# %%
sgd_runs = search(sigmoid_network, keras.optimizers.SGD, (0.3, 1.0, 3.0), "SGD", every=10)
momentum_runs = search(
    sigmoid_network, lambda rate: keras.optimizers.SGD(rate, momentum=0.9), (0.03, 0.1, 0.3, 1.0), "momentum"
)


# %%
def best_loss(runs):
    """The learning rate with the lowest last training loss; one that diverged counts as infinite."""
    return min(runs, key=lambda rate: np.nan_to_num(runs[rate][0][-1], nan=np.inf))


sgd_rate, momentum_rate = best_loss(sgd_runs), best_loss(momentum_runs)
adam_rate = min(adam_runs, key=lambda rate: adam_runs[rate][-1])
optimizer_losses = {
    f"SGD, η = {sgd_rate}": sgd_runs[sgd_rate][0],
    f"momentum, η = {momentum_rate}": momentum_runs[momentum_rate][0],
    f"Adam, η = {adam_rate}": adam_runs[adam_rate],
}
coursekit.plots.histories(
    optimizer_losses, "loss", log=True, ylabel="training loss", title="Each optimizer at its best learning rate"
)

# %% [markdown]
# For many epochs the losses of SGD and momentum sit on a plateau near $\ln 10$. Once they leave it, momentum falls
# faster. Adam hardly notices the plateau, since it divides each layer's gradient by its own size.

# %% [markdown]
# ### Batch normalization
#
# Plain SGD again, at the same learning rates; the network's sigmoids get a normalized input.

# %%
norm_runs = search(
    lambda: sigmoid_network(batch_norm=True),
    keras.optimizers.SGD,
    (0.3, 1.0, 3.0),
    "batch normalization",
    num_epochs=10,
    every=10,
)

# %%
figure, axes = coursekit.plots.subplots(1, 2, width=4.4, height=3.2, sharex=True, sharey=True)
for axis, (title, runs) in zip(axes, {"plain": sgd_runs, "with batch normalization": norm_runs}.items(), strict=True):
    for rate, (_, curve) in runs.items():
        axis.plot(curve.steps, np.multiply(curve.errors, 100), label=f"η = {rate}")
    axis.set(xlabel="training steps", title=title)
axes[0].set_ylabel("test error (%)")
axes[0].legend()
figure

# %% [markdown]
# The plain network stays near 90 % (chance) for hundreds of steps. With batch normalization every rate works, and most
# of the error is gone in the first few dozen steps; ten epochs are plenty.

# %% [markdown]
# ### Initialization
#
# Ten hidden ReLU layers, from weights of σ = 0.01, from Glorot's and from He's. Three learning rates each.


# %%
def deep_network(initializer):
    hidden = [keras.layers.Dense(64, activation="relu", kernel_initializer=initializer()) for _ in range(depth)]
    return keras.Sequential([keras.Input((num_pixels,)), *hidden, keras.layers.Dense(num_classes)])


initializers = {
    "σ = 0.01": lambda: keras.initializers.RandomNormal(stddev=0.01),
    "Glorot": keras.initializers.GlorotUniform,
    "He": keras.initializers.HeNormal,
}
init_runs = {}
for name, initializer in initializers.items():
    make_model = functools.partial(deep_network, initializer)
    init_runs[name] = search(make_model, keras.optimizers.SGD, (0.03, 0.1, 0.3), name, num_epochs=10)

# %%
best_inits = {name: runs[best_loss(runs)] for name, runs in init_runs.items()}
coursekit.plots.histories(
    {name: losses for name, (losses, _) in best_inits.items()},
    "loss",
    ylabel="training loss",
    title="Ten ReLU layers, each initialization at its best learning rate",
)

# %% [markdown]
# With σ = 0.01 the loss stays at $\ln 10 \approx 2.3$, what guessing costs. The signal never reaches the other end.
# Glorot's weights, which halve the signal's power in every layer, train, but more slowly than He's. Nothing else about
# the networks is different.

# %% [markdown]
# ### Dropout
#
# Dropout is for networks that can learn their training set by heart. So you give this one a reason to: four in ten
# training labels are drawn anew at random; the test labels are all right. Three draws, because one could mislead. A
# narrow network cannot learn by heart either, so the baseline may choose its width.


# %%
def wide_network(width, rate):
    layers = [keras.Input((num_pixels,))]
    for _ in range(2):
        layers += [keras.layers.Dense(width, activation="relu"), keras.layers.Dropout(rate)]
    return keras.Sequential([*layers, keras.layers.Dense(num_classes)])


def noisy_labels(y, share, draw):
    """Labels of which a share is replaced by random ones."""
    rng = np.random.default_rng((seed, draw))
    return np.where(rng.random(len(y)) < share, rng.integers(num_classes, size=len(y)), y)


num_draws = profile.pick(small=3, full=10)
dropout_runs = {(16, 0.0): [], (64, 0.0): [], (256, 0.0): [], (256, 0.5): []}  # (units, dropout rate)
for width, rate in dropout_runs:
    for draw in coursekit.progress_bar(range(num_draws), f"{width} units, dropout {rate}", unit="draws"):
        keras.utils.set_random_seed(seed + draw)
        y_noisy = noisy_labels(y_train, 0.4, draw)
        _, curve = fit(wide_network(width, rate), keras.optimizers.Adam(0.003), num_epochs=15, y=y_noisy)
        dropout_runs[width, rate].append(curve)

# %%
figure, axis = coursekit.plots.subplots(width=6, height=3.4)
dropout_errors = {}
for (width, rate), curves in dropout_runs.items():
    mean_error = np.mean([curve.errors for curve in curves], axis=0)
    dropout_errors[width, rate] = mean_error.min()
    axis.plot(curves[0].steps, 100 * mean_error, label=f"{width} units, dropout {rate}")
axis.set(xlabel="training steps", ylabel="test error (%)", ylim=(0, 50))
axis.set_title(f"Wrong training labels, mean of {num_draws} draws")
axis.legend()
figure

# %% [markdown]
# Without dropout the wide network's error falls, then climbs: first it learns what digits look like, then the wrong
# labels, one by one. A narrower one is safe for longer, but has fewer features to tell digits apart. Dropout has both,
# the features of 256 units and the safety. The fair comparison is between the lowest points of the curves, as if you
# knew when to stop: it leaves out what dropout gains by making the moment matter less.

# %% [markdown]
# ## Measure
#
# Each trick is compared with the network without it, both at the best of their learning rates. First, how many steps
# do the network with batch normalization and the one without need to get to the same test error? (The goal is the best
# that the plain network reaches within its 600 steps.)


# %%
def steps_to(curve, goal):
    """The first step at which the test error is at most the goal; infinity if it never is."""
    return next((step for step, value in zip(curve.steps, curve.errors, strict=True) if value <= goal), np.inf)


plain_curve = min((curve for _, curve in sgd_runs.values()), key=lambda curve: min(curve.errors))
goal = min(plain_curve.errors)
plain_steps = steps_to(plain_curve, goal)
norm_steps = min(steps_to(curve, goal) for _, curve in norm_runs.values())
print(f"test error {goal:.1%}: after {plain_steps} steps plain, after {norm_steps} with batch normalization")

# %%
lecture = "1_foundations/2_training"
coursekit.Claim(
    lecture,
    "The gradient by hand agrees with the numerical gradient and with GradientTape (largest relative difference; "
    "before: the tolerance).",
    paper="–",
    before=1e-6,
    here=gradient_gap,
    margin="below 1e-6, in float64",
    holds=gradient_gap < 1e-6,
).check()

# %%
sgd_loss, momentum_loss, adam_loss = (losses[-1] for losses in optimizer_losses.values())
coursekit.Claim(
    lecture,
    "Momentum reaches a lower training loss than SGD in 30 epochs of a network with three sigmoid layers.",
    paper="–",
    before=sgd_loss,
    here=momentum_loss,
    margin="at most 3/4 of SGD's, each at its best learning rate",
    holds=momentum_loss <= 0.75 * sgd_loss,
).check()

# %%
coursekit.Claim(
    lecture,
    "Adam reaches a lower training loss than SGD in 30 epochs of a network with three sigmoid layers.",
    paper="–",
    before=sgd_loss,
    here=adam_loss,
    margin="at most 1/4 of SGD's, each at its best learning rate",
    holds=adam_loss <= 0.25 * sgd_loss,
).check()

# %%
small_error, he_error = (
    min(np.mean(curve.errors[-4:]) for _, curve in init_runs[name].values()) for name in ("σ = 0.01", "He")
)
coursekit.Claim(
    lecture,
    "Ten ReLU layers have a lower test error from He's initialization than from weights of σ = 0.01 (share wrong).",
    paper="–",
    before=small_error,
    here=he_error,
    margin="at most half, each at its best learning rate",
    holds=he_error <= 0.5 * small_error,
).check()

# %%
coursekit.Claim(
    lecture,
    "With batch normalization, three sigmoid layers reach the plain network's best test error in fewer steps.",
    paper="14 times fewer steps, ImageNet (Ioffe and Szegedy 2015, abstract)",
    before=plain_steps,
    here=norm_steps,
    margin="at most 1/4 of the steps, each at its best learning rate",
    holds=norm_steps <= 0.25 * plain_steps,
).check()

# %%
no_dropout_error = min(value for (_, rate), value in dropout_errors.items() if rate == 0)
coursekit.Claim(
    lecture,
    "With four in ten training labels drawn at random, dropout lowers the test error (share wrong).",
    paper="–",
    before=no_dropout_error,
    here=dropout_errors[256, 0.5],
    margin="at least 1/10 lower, both at their best epoch, the baseline at its best width too",
    holds=dropout_errors[256, 0.5] <= 0.9 * no_dropout_error,
).check()

# %% [markdown]
# ## Go further
#
# **Exercises**
#
# 1. *RMS normalization* leaves the mean alone: $out = \gamma\, x / \sqrt{\langle x^2 \rangle + \epsilon}$. Derive `dx`,
#    write it and check it with `numerical_gradient`. Which term of layer normalization's gradient goes?
# 2. Make `epsilon` of the numerical gradient 1e-2, 1e-4, … 1e-12 and plot the difference to the tape. Why is there a
#    best value, and what is it for float32?
# 3. Replace the three sigmoid layers by four `Highway` blocks behind one dense layer. Does SGD still need a trick?
# 4. Write a callback that multiplies the optimizer's learning rate by 0.9 after each epoch
#    (`self.model.optimizer.learning_rate`), and try it with η = 3.
# 5. Give the dropout experiment clean labels. How much does dropout help then? Why?
#
# **Graded assignment.** `ps1_cnn` asks you for all of this on other layers: convolution, pooling, batch normalization
# and softmax cross-entropy by hand; a residual block as a Keras layer; an epoch loop with momentum and weight decay; a
# callback. A hint: batch normalization's `dx` is layer normalization's, with the means taken over the batch.
#
# **On MNIST, and larger.** Start the notebook with `COURSE_SOURCE=real` for MNIST and with `COURSE_PROFILE=full` for
# ten draws in the dropout experiment.
