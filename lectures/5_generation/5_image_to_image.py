# ---
# jupyter:
#   kernelspec:
#     display_name: Deep Learning (GPU if present)
#     language: python
#     name: dl-course
# ---

# %% [markdown]
# # From one picture to another: pix2pix and CycleGAN
#
# | | |
# |---|---|
# | **Papers** | P. Isola, J.-Y. Zhu, T. Zhou, A. Efros, *Image-to-image translation with conditional adversarial networks*, CVPR (2017): pix2pix · J.-Y. Zhu, T. Park, P. Isola, A. Efros, *Unpaired image-to-image translation using cycle-consistent adversarial networks*, ICCV (2017): CycleGAN |
# | **You need** | `5_generation/3_gans`: the game of two networks, its losses, the transposed convolution; batch normalization from `1_foundations/2_training` |
# | **Time** | four to five minutes on two CPU cores; on a GPU not timed yet |
#
# You will train a network that turns a map into a photograph of the town from above, see why its pictures are blurred
# when it is told to be close to the truth, and sharpen them with a second network that judges patches. Then you take
# the pairs away: from a heap of plain animals and a heap of striped ones, two networks learn to put stripes on and
# take them off, and you see what they do when nobody asks for the way back.
#
# (*What to see* describes the stored run: small profile, seed 0. Other profiles and seeds give other pictures.)

# %%
import time
from typing import NamedTuple

import coursekit  # First: it imports Keras and TensorFlow without their start-up messages.
import keras
import numpy as np
import tensorflow as tf
from coursedata import domains
from coursekit import plots
from IPython.display import Markdown, display
from keras import layers, ops

seed = coursekit.set_seed()
profile = coursekit.get_profile()
device = coursekit.set_device(mixed_precision=False)  # Two players balance badly enough in full precision.
profile, device

# %% [markdown]
# ## Claim
#
# Colouring a grey picture, drawing a street from a plan of what stands where, a map from a satellite's view: each had
# its own method, with a loss invented for it. pix2pix is **one** method for all of them. A network, the generator,
# gets the one picture and draws the other; a loss that it has to meet is *learned* by a discriminator, which is shown
# pairs and says whether the second picture is real. It needs **pairs**. CycleGAN needs none, only two heaps of
# pictures.
#
# How good is a drawn photograph? Isola et al. asked people, and a machine: a network that tells from a photograph what
# each pixel shows (street, house, car) was trained on real photographs and then read the drawn ones. The better it
# finds what the plan had asked for, the more the drawing says. They call it the *FCN-score*, after the network (*fully
# convolutional network*). The photographs are of *Cityscapes*, streets seen from a car with a label for each pixel; the
# plan is the picture of these labels.

# %%
# Share of pixels read right, Cityscapes, plan to photograph: by loss (Isola et al. 2017, Table 1), patch (section 4.4).
PAPER_LOSSES = {"L1": 0.42, "cGAN": 0.57, "L1 + cGAN": 0.66, "real photographs": 0.80}
PAPER_PATCHES = {"1×1": 0.39, "16×16": 0.65, "70×70": 0.66, "286×286": 0.42}
figure, axes = plots.subplots(1, 2, width=4.2, height=2.2, sharex=True)
titles = "By loss (patches of 70×70)", "By patch (L1 + cGAN, pictures of 256×256)"
for axis, numbers, title in zip(axes, (PAPER_LOSSES, PAPER_PATCHES), titles, strict=True):
    axis.barh(list(numbers), numbers.values(), color=plots.PALETTE[0])
    axis.invert_yaxis()
    axis.set(xlim=(0, 1), xlabel="share of pixels read right", title=title)
figure.suptitle("What the paper reported", fontsize="medium")
figure

# %% [markdown]
# *What to see:* what a generator draws is read best if it learned both from the discriminator (cGAN: *conditional* GAN,
# it sees the input too) and from L1 (the mean absolute difference from the true photograph), and a discriminator of
# middle-sized patches serves better than one of single pixels or of the whole picture. Of the photographs that L1 +
# cGAN made from maps, shown at 256×256, people took 18.9 % for real; of those made with L1 only, 0.8 % (the same
# paper's test on maps and aerial photographs).
#
# **The claims of this lecture**, each checked at the end: (1) with a discriminator of patches (PatchGAN) the pictures
# are sharper than with L1 only, nearer to the truth's sharpness, and what they show is read as well, to within two
# points; (2) without the cycle loss (the term for the way back) a translation loses more of what it should keep. The
# margins were fixed on other seeds than those of the results.

# %% [markdown]
# ## Data
#
# `coursedata.domains` draws scenes. A **pair** is a map and a photograph of the town from above: the map says where
# houses, streets, parks and water are; what the roofs are made of, where trees and cars stand, is the photograph's own.
# The generator of data also says what the centre of each pixel shows: ground, building, street, main road, park or
# water.
#
# The **unpaired** domains are plain and striped animals. No animal is in both heaps. But the generator can draw the
# animal of one heap with the coat of the other: its true **counterpart**, used for scoring and never for training. All
# animals here stand. What varies is their kind (horse, antelope, big cat), place, size and facing (left, right), and
# the surroundings (savanna, meadow, desert).
#
# There is no real data set for this lecture: `COURSE_SOURCE` changes nothing in it. (The papers' sets hold hundreds
# of megabytes and are not the course's to give.)

# %%
SIZE = 32
NUM_TRAIN = profile.pick(small=2000, full=10_000)
NUM_ANIMALS = profile.pick(small=1200, full=6000)
NUM_TEST = 300
# From 0 to 1: how much of a photograph its map leaves open, and how much animals differ in colour and light.
VARIATION = 0.3
STANDING = {"pose": 0}


class Pairs(NamedTuple):
    """Maps and photographs in [-1, 1], float32 (num, SIZE, SIZE, 3), and what each pixel shows, (num, SIZE, SIZE)."""

    maps: np.ndarray
    photographs: np.ndarray
    classes: np.ndarray


class Animals(NamedTuple):
    """Pictures in [-1, 1], where the animal is (num, SIZE, SIZE), labels by name, and (or None) the counterparts."""

    images: np.ndarray
    animal: np.ndarray
    labels: dict[str, np.ndarray]
    counterparts: np.ndarray | None = None


def scaled(images):
    """Bytes as numbers from -1 to 1, the range of a tanh."""
    return images.astype(np.float32) / 127.5 - 1


# %%
def drawn_towns(num, stream):
    drawn = domains.render_pairs("aerial", num, seed=stream, size=SIZE, variation=VARIATION)
    return Pairs(scaled(drawn.inputs), scaled(drawn.targets), drawn.classes)


def drawn_animals(domain, num, stream, with_counterparts=False):
    options = {"seed": stream, "size": SIZE, "variation": VARIATION, "labels": STANDING}
    drawn = domains.render_domain("animals", domain, num, **options)
    others = scaled(domains.counterpart("animals", domain, num, **options).images) if with_counterparts else None
    is_animal = drawn.classes == domains.CLASSES["animals"].index("animal")
    return Animals(scaled(drawn.images), is_animal, drawn.labels, others)


PLAIN, STRIPED = domains.DOMAINS["animals"]
streams = np.random.SeedSequence(seed).spawn(4)
towns, test_towns = drawn_towns(NUM_TRAIN, streams[0]), drawn_towns(NUM_TEST, streams[1])
animals = {domain: drawn_animals(domain, NUM_ANIMALS, streams[2]) for domain in (PLAIN, STRIPED)}
test_animals = {domain: drawn_animals(domain, NUM_TEST, streams[3], True) for domain in (PLAIN, STRIPED)}
NUM_CLASSES = len(domains.CLASSES["aerial"])
print(f"{len(towns.maps)} pairs, {NUM_ANIMALS} animals in each heap; held out: {NUM_TEST} of each")


# %%
def show(rows, columns=6, title=""):
    """Rows of pictures in [-1, 1], by name: the first `columns` of each, enlarged twice, named at the left."""
    frame = ((2, 2), (2, 2), (0, 0))
    lines = [
        np.concatenate(
            [np.pad(x.repeat(2, 0).repeat(2, 1), frame, constant_values=1) for x in images[:columns]], axis=1
        )
        for images in rows.values()
    ]
    height, width, _ = lines[0].shape
    # A point of the figure for each pixel: 100 dpi.
    figure, axis = plots.subplots(width=width / 100, height=len(rows) * height / 100, layout="none")
    axis.set_position((0, 0, 1, 1))
    axis.imshow(np.clip((np.concatenate(lines) + 1) / 2, 0, 1))
    axis.set_yticks(height * (np.arange(len(rows)) + 0.5), list(rows))
    axis.tick_params(length=0)
    axis.set(xticks=[], title=title)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    return figure


plain, striped = test_animals[PLAIN], test_animals[STRIPED]
display(show({"map": test_towns.maps, "photograph": test_towns.photographs}, title="Pairs, held out"))
show(
    {"plain": plain.images, "its counterpart": plain.counterparts, "striped": striped.images},
    title="Two heaps; the counterparts are for scoring only",
)

# %% [markdown]
# ### Three measures
#
# **Sharpness.** The mean squared difference of neighbouring pixels, the *gradient energy*, as a share of the true
# photographs'. 1 is right: below it, pictures are blurred, above it, they are noisy. It cannot tell a tree from a
# speckle; that is what the second measure is for.
#
# **Content.** A reader, trained on real photographs, says what each pixel shows, and we count as Isola et al. do: the
# share of pixels read right; the same within each class, averaged over the classes (*per class*); and for each class
# the pixels that are rightly called by its name, as a share of all that are or are called so (*IoU*, intersection over
# union), averaged.
#
# **Fréchet distance.** As in `3_gans`: the features that a frozen network finds in drawn and in real pictures, each set
# taken as a Gaussian, and the distance of the two. It asks whether the drawn pictures *as a set* look like real ones,
# and not whether each is right. (Of two covariances $C_1$, $C_2$ the distance needs $\operatorname{tr}\,(C_1^{1/2} C_2\,
# C_1^{1/2})^{1/2}$: the sum of the roots of the eigenvalues of $C_1 C_2$, which are the same.)
#
# After the functions all three are tried on something small enough to check by hand.


# %%
def gradient_energy(images):
    """Mean squared difference of pixels that are neighbours, down plus across, of images (num, height, width, 3)."""
    return float(np.mean(np.diff(images, axis=1) ** 2) + np.mean(np.diff(images, axis=2) ** 2))


def sharpness(images, truth):
    """The gradient energy as a share of the truth's."""
    return gradient_energy(images) / gradient_energy(truth)


class Content(NamedTuple):
    """Isola et al. 2017, section 4.1: shares from 0 to 1."""

    per_pixel: float
    per_class: float
    iou: float


def content(read, classes):
    """How classes that were read, (num, height, width), agree with those that were asked for."""
    counts = np.zeros((NUM_CLASSES, NUM_CLASSES))
    np.add.at(counts, (classes.ravel(), read.ravel()), 1)
    right, asked, called = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    there = asked > 0
    per_class, iou = right[there] / asked[there], right[there] / (asked + called - right)[there]
    return Content(right.sum() / counts.sum(), per_class.mean(), iou.mean())


def frechet(first, second):
    """Squared Fréchet distance of two sets of features (num, dim), each taken as Gaussian."""
    c_1, c_2 = np.cov(first.T), np.cov(second.T)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(c_1 @ c_2).real, 0))
    return float(np.sum((first.mean(0) - second.mean(0)) ** 2) + np.trace(c_1 + c_2) - 2 * roots.sum())


# %%
# NBVAL_CHECK_OUTPUT
board = np.indices((8, 8)).sum(axis=0)[None, ..., None] % 2 * 2.0 - 1
print(
    "a chessboard of -1 and 1:",
    gradient_energy(board),
    "= 2² down + 2² across; a flat picture:",
    gradient_energy(0 * board),
)
rows = np.indices((8, 8))[0][None, ..., None] % 2 * 2.0 - 1
print("rows of -1 and 1:", gradient_energy(rows), "; at half the contrast:", gradient_energy(rows / 2))
half_read = content(np.array([[[0, 0]]]), np.array([[[0, 1]]]))
print("two pixels of two classes, both called by the first's name:", [float(share) for share in half_read])
line = np.array([[-1.0, 0], [1.0, 0], [0, 1.0], [0, -1.0]])
print("features, and the same ones 3 to the right:", round(frechet(line, line + [3, 0]), 6), "= 3²")

# %% [markdown]
# ## Before
#
# The obvious way: a network from map to photograph, trained to be close to the true photograph. Its layers halve the
# picture four times and double it four times. With its **skips** each layer on the way up also sees what the layer of
# the same size had on the way down: a **U-Net**. pix2pix has the same kind of generator; *Build* looks at what the
# skips do. In the code `conv` halves, `up`, the transposed convolution, doubles. All rates on pairs will be `falling`.


# %%
def conv(width, stride=2, size=4, bias=False):
    return layers.Conv2D(width, size, strides=stride, padding="same", use_bias=bias)


def up(width, bias=False, activation=None):
    return layers.Conv2DTranspose(width, 4, strides=2, padding="same", use_bias=bias, activation=activation)


def batch_norm():
    return layers.BatchNormalization(momentum=0.9)


def falling(rate, num_steps):
    """A rate that falls to a twentieth: at the end the weights stay near what they have found."""
    return keras.optimizers.schedules.PolynomialDecay(rate, num_steps, rate / 20)


def make_unet(widths, num_outputs=3, activation="tanh", skips=True, norm=batch_norm):
    """A picture (SIZE, SIZE, 3) to (SIZE, SIZE, num_outputs); `widths`: feature maps on the way down."""
    image = keras.Input((SIZE, SIZE, 3))
    levels = [layers.LeakyReLU(0.2)(conv(widths[0], bias=True)(image))]
    for width in widths[1:]:
        levels.append(layers.LeakyReLU(0.2)(norm()(conv(width)(levels[-1]))))
    x = levels[-1]
    for width, level in zip(widths[-2::-1], levels[-2::-1], strict=True):
        x = layers.ReLU()(norm()(up(width)(x)))
        if skips:
            x = layers.Concatenate()([x, level])
    return keras.Model(image, up(num_outputs, bias=True, activation=activation)(x))


# %% [markdown]
# The same function makes the **reader**: a smaller one, with a logit for each class at each pixel. It learns from the
# training photographs and is then frozen. Its deepest feature maps, averaged over the picture, are the features for the
# Fréchet distance, which is taken to the training photographs.

# %%
WIDTHS = profile.pick(small=(16, 32, 64, 64), full=(64, 128, 256, 256))
reader = make_unet(profile.pick(small=(24, 48), full=(64, 128, 256)), NUM_CLASSES, activation=None)
crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
reader.compile(keras.optimizers.Adam(3e-3), loss=crossentropy)
# With the momenta there before the first step, TensorFlow traces the step once, not twice.
reader.optimizer.build(reader.trainable_variables)
progress = coursekit.progress_bar(label="reader")
epochs = profile.pick(small=6, full=12)
reader.fit(towns.photographs, towns.classes, epochs=epochs, batch_size=32, verbose=0, callbacks=[progress])
reader.trainable = False


def outputs(model, inputs, batch=300):
    """What a model gives for many inputs, in batches, as it does when it is not being trained: (num, ...)."""
    parts = [model(inputs[k : k + batch], training=False) for k in range(0, len(inputs), batch)]
    return np.concatenate([ops.convert_to_numpy(part) for part in parts])


# %%
class Score(NamedTuple):
    """L1 distance to the truth, sharpness (1 is the truth), content as read, distance to the training photographs."""

    l1: float
    sharpness: float
    content: Content
    frechet: float


deepest = [layer for layer in reader.layers if isinstance(layer, layers.LeakyReLU)][-1]
features_of = keras.Model(reader.input, layers.GlobalAveragePooling2D()(deepest.output))
town_features = outputs(features_of, towns.photographs)


def score_of(photographs):
    """The score of photographs drawn from the held-out maps."""
    truth = test_towns.photographs
    l1 = float(np.mean(np.abs(photographs - truth)))
    read = content(outputs(reader, photographs).argmax(-1), test_towns.classes)
    distance = frechet(outputs(features_of, photographs), town_features)
    return Score(l1, sharpness(photographs, truth), read, distance)


# %%
def score_table(scores):
    rows = "\n".join(
        f"| {name} | {s.l1:.3f} | {s.sharpness:.2f} | {s.content.per_pixel:.1%} | {s.content.per_class:.1%} "
        f"| {s.content.iou:.2f} | {s.frechet:.2f} |"
        for name, s in scores.items()
    )
    return Markdown(
        "| | L1 | sharpness | read right, per pixel | per class | IoU | Fréchet distance |\n"
        f"|---|---|---|---|---|---|---|\n{rows}"
    )


scores = {"true photographs": score_of(test_towns.photographs)}
score_table(scores)

# %% [markdown]
# That is the ceiling. (It is not 100 %: the reader is small, and trees and cars stand on what it is asked for.) Now the
# network, at two learning rates; the baseline is the better of the two **by each measure**, and in the pictures the one
# nearer in L1. A step draws a batch of pairs by chance:

# %%
BATCH = 8
STEPS = profile.pick(small=400, full=20_000)
pairs = tf.constant(np.concatenate([towns.maps, towns.photographs], axis=-1))
numbers = keras.random.SeedGenerator(seed)


def some(pictures, num):
    """`num` pictures, drawn by chance from a tensor of them."""
    return tf.gather(pictures, keras.random.randint((num,), 0, len(pictures), seed=numbers))


def l1_distance(first, second):
    return ops.mean(ops.abs(first - second))


def adam(rate, variables):
    """Adam as in DCGAN, with its variables made, so that it can be used in a compiled step."""
    optimizer = keras.optimizers.Adam(rate, beta_1=0.5)
    optimizer.build(variables)
    return optimizer


def trained_with_l1(generator, pairs, rate, num_steps, label):
    """Trains to be close to the second picture of each pair, given the first: `pairs` is (num, SIZE, SIZE, 6)."""
    optimizer = adam(falling(rate, num_steps), generator.trainable_variables)

    @tf.function
    def step():
        inputs, targets = ops.split(some(pairs, BATCH), 2, axis=-1)
        with tf.GradientTape() as tape:
            loss = l1_distance(generator(inputs, training=True), targets)
        weights = generator.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    for _ in coursekit.progress_bar(range(num_steps), label, unit="steps"):
        step()
    return generator


# %%
drawn = {}
for rate in (1e-3, 3e-3):
    name = f"L1, rate {rate}"
    drawn[name] = outputs(trained_with_l1(make_unet(WIDTHS), pairs, rate, STEPS, name), test_towns.maps)
    scores[name] = score_of(drawn[name])
l1_names = list(drawn)
nearest = min(l1_names, key=lambda name: scores[name].l1)
display(score_table(scores))
show({"map": test_towns.maps, "L1 only": drawn[nearest], "truth": test_towns.photographs}, title="Close, and blurred")

# %% [markdown]
# *What to see:* everything is in its place, and everything is soft: no tree, no car, no grain, all roofs of nearly one
# colour. The reader, which learned from real photographs, reads less of it right than of those.

# %% [markdown]
# ## Idea
#
# ### Why L1 blurs
#
# A map does not say where the trees stand. Many photographs are right, and the network has to give one. Which picture
# is nearest to all of them on average? The number that is nearest to many numbers by absolute difference is their
# **median** (by squared difference, their mean). So the best that L1 can hope for is, pixel by pixel, the median of
# all photographs that the map allows. Our generator of data can draw them: other **looks** of the same map.

# %%
NUM_LOOKS = 40
looks = np.concatenate(
    [
        domains.render_pairs("aerial", 3, seed=streams[1], size=SIZE, variation=VARIATION, look=look).targets[None]
        for look in range(NUM_LOOKS)
    ]
)
looks = scaled(looks)  # (look, map, SIZE, SIZE, 3)
median = np.median(looks, axis=0)
figures = {
    f"map {k + 1}": np.concatenate([test_towns.maps[k : k + 1], looks[:6, k], median[k : k + 1]]) for k in range(3)
}
print(
    f"sharpness of the medians: {sharpness(median, looks[0]):.2f}; of the network on these maps: "
    f"{sharpness(drawn[nearest][:3], looks[0]):.2f}; of another look: {sharpness(looks[1], looks[0]):.2f}"
)
distance = {"the median": np.abs(looks - median).mean(), "another look": np.abs(looks[1:] - looks[:-1]).mean()}
print("L1 distance to a look: " + ", ".join(f"{name} {value:.3f}" for name, value in distance.items()))
show(figures, columns=8, title="A map · six photographs that it allows · their median")

# %% [markdown]
# *What to see:* each photograph in the middle is right. The median at the right is on average nearer to them than they
# are to each other. It has the middle's colours (where most roofs are red, red), what stands elsewhere in each, trees
# and cars, is faint or gone, and it is less sharp than the photographs. (Sharpness is printed as a share of the first
# photograph's.) But on these maps the network is blurred far beyond the median: the larger part of its blur is that it
# has not yet learned all that the map says. More training would bring it nearer to the median, at best, and not to a
# photograph: that part of the fault is in the question.
#
# ### A loss that is learned
#
# pix2pix asks another question: *could this be the photograph of this map?* A discriminator $D$ sees the map $x$ and
# a photograph, the true $y$ or the drawn $G(x)$, and gives a logit, high for real. The generator should be believed
# **and** stay close:
#
# $$\min_D\; \mathbb{E}\left[\zeta(-D(x, y))\right] + \mathbb{E}\left[\zeta(D(x, G(x)))\right], \qquad
#   \min_G\; \mathbb{E}\left[\zeta(-D(x, G(x)))\right] + \lambda\, \mathbb{E}\,\lvert y - G(x) \rvert,$$
#
# with $\zeta(a) = \log(1 + e^a)$, the softplus of `3_gans`. $\lvert \cdot \rvert$ is here the mean absolute value over
# pixels and colours. The paper takes $\lambda = 100$, we 50; $\lambda = 0$ is the conditional GAN alone, and without
# the first term there is only L1.
#
# L1 already gets right what is large: where, and roughly which colour. What remains is small: texture, edges. So the
# discriminator need not see the whole picture. A **PatchGAN** is a convolutional network without a dense layer at its
# end: it gives a grid of logits, each for one patch, and the loss is their mean. The paper also gives the generator
# noise, as dropout, and finds that it hardly changes the output (section 3.1); ours has none, so it draws one
# photograph per map.
#
# ### Two heaps and a way back
#
# Without pairs there is no true $y$ to be close to: $x$ is now a picture of the first domain, $y$ one of the second, of
# another scene. CycleGAN trains two translators, $G$ from the first domain to the second and $F$ back, and two
# discriminators, each of which sees pictures of one domain, real and translated. That alone (its loss follows in
# *Build*) asks only that $G(x)$ be *some* striped animal. What ties it to $x$ is the way back, added with a weight of
# $\lambda = 10$ in the paper and here:
#
# $$\lambda \left( \mathbb{E}_x \lvert F(G(x)) - x \rvert + \mathbb{E}_y \lvert G(F(y)) - y \rvert \right).$$
#
# Whatever of $x$ is lost in $G(x)$, $F$ cannot know. (It need not be visible there: exercise 5.) A third term, used in
# the paper for paintings, asks that a picture which is already in the domain be left alone,
# $\lvert G(y) - y \rvert + \lvert F(x) - x \rvert$: the **identity loss**.

# %% [markdown]
# ## Build
#
# ### The skips of the U-Net
#
# Without skips all that the generator knows of a map must pass through its narrowest layer, here of 2×2 pixels (with 64
# feature maps in the small profile: 256 numbers for a map of 3,072). The same network, trained in the same way at the
# rate 0.001, with its skips cut:

# %%
cut = trained_with_l1(make_unet(WIDTHS, skips=False), pairs, 1e-3, STEPS, "L1, skips cut")
drawn["L1, skips cut"] = outputs(cut, test_towns.maps)
scores["L1, skips cut"] = score_of(drawn["L1, skips cut"])
display(score_table({name: scores[name] for name in (*l1_names, "L1, skips cut")}))
show(
    {"map": test_towns.maps, "with skips": drawn[nearest], "skips cut": drawn["L1, skips cut"]},
    title="What the skips carry",
)

# %% [markdown]
# *What to see:* after as many steps the network without skips has the large shapes (water) and not the houses, although
# the map says plainly where each stands. (Longer training is not shown. *With skips* is the L1 run nearer in L1.)
#
# ### Patches
#
# How large a patch is follows from the layers. Each convolution of 4×4 widens it, and each halving doubles what later
# layers add. Instead of counting, we ask the network: the gradient of **one** logit with respect to the input is zero
# at each pixel that the logit does not see. (In the code a discriminator is given by its hidden layers; the layer of
# logits after them has the last one's kernel, and stride 1.)


# %%
# For each hidden layer: feature maps, size of the kernel, stride.
PATCH_LAYERS = {
    "pixel": ((24, 1, 1), (48, 1, 1)),
    "small patches": ((32, 4, 2),),
    "middle patches": ((32, 4, 2), (64, 4, 2)),
    "whole picture": ((32, 4, 2), (64, 4, 2), (64, 4, 2)),
}


def make_patchgan(hidden, channels, normalized=True):
    """Pictures (height, width, channels) to a grid of logits (rows, columns, 1), one a patch."""
    x = image = keras.Input((None, None, channels))
    for number, (width, size, stride) in enumerate(hidden):
        x = conv(width, stride, size, bias=number == 0 or not normalized)(x)
        if number and normalized:
            x = batch_norm()(x)
        x = layers.LeakyReLU(0.2)(x)
    return keras.Model(image, conv(1, 1, hidden[-1][1], bias=True)(x))


def seen(model, channels, size=64):
    """Which pixels of a picture (size, size) the logit next to the middle depends on: bool (size, size)."""
    image = tf.random.normal((1, size, size, channels), seed=1)
    with tf.GradientTape() as tape:
        tape.watch(image)
        logits = model(image, training=False)
        logit = logits[0, logits.shape[1] // 2, logits.shape[2] // 2, 0]
    return np.any(tape.gradient(logit, image)[0].numpy() != 0, axis=-1)


# %%
figure, axes = plots.subplots(1, len(PATCH_LAYERS), width=2.2, height=2.4)
patch_sizes = {}
for axis, (name, hidden) in zip(axes, PATCH_LAYERS.items(), strict=True):
    model = make_patchgan(hidden, 6)
    mask = seen(model, 6)
    patch_sizes[name] = int(mask.any(axis=0).sum())
    grid = model(np.zeros((1, SIZE, SIZE, 6), np.float32)).shape[1:3]
    axis.imshow(mask, vmin=0, vmax=1)
    axis.grid(False)
    axis.set(xticks=[0, 32, 63], yticks=[0, 32, 63], xlabel="pixel")
    axis.set_title(
        f"{name}: {patch_sizes[name]}×{patch_sizes[name]}\n"
        f"{grid[0]}×{grid[1]} logits, {model.count_params():,} weights",
        fontsize=8,
    )
axes[0].set_ylabel("pixel")
figure.suptitle("What one logit sees of a picture of 64×64 (bright)", fontsize="medium")
figure

# %% [markdown]
# *What to see:* the square is the patch. (It is not quite in the middle: a grid of even size has no middle logit, and
# the padding is not the same on all sides.) Our pictures have 32×32 pixels, so a logit of the last one sees all or,
# near the rim of its grid, most of a picture. The grids of logits are those of a 32×32 picture.
#
# ### One step of both players
#
# The generator draws once. The discriminator judges the drawn and the true photograph, in two calls, each beside its
# map. Both losses come from these, and each player's gradient is taken with respect to its own weights only: a
# **persistent** tape gives more than one gradient. The paper halves the discriminator's loss to slow it down; so do we,
# but Adam divides a gradient by its usual size, so that a factor hardly matters, and it is the smaller learning rate
# that slows ours. (The paper steps one after the other. Stepping at once saves a pass through each of them.)


# %%
def discriminator_loss(real_logits, fake_logits):
    """Cross-entropy, halved as in the paper (section 3.3 of the published text)."""
    return (ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))) / 2


def make_pix2pix_step(generator, discriminator, rates, l1_weight):
    """A compiled step of both players on maps and photographs; gives the loss of each."""
    weights = generator.trainable_variables, discriminator.trainable_variables
    optimizers = [adam(rate, variables) for rate, variables in zip(rates, weights, strict=True)]

    @tf.function
    def step(maps, photographs):
        with tf.GradientTape(persistent=True) as tape:
            fakes = generator(maps, training=True)
            fake_logits = discriminator(ops.concatenate([maps, fakes], axis=-1), training=True)
            real_logits = discriminator(ops.concatenate([maps, photographs], axis=-1), training=True)
            believed = ops.mean(ops.softplus(-fake_logits))
            losses = (
                believed + l1_weight * l1_distance(fakes, photographs),
                discriminator_loss(real_logits, fake_logits),
            )
        for loss, variables, optimizer in zip(losses, weights, optimizers, strict=True):
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return losses

    return step


# %% [markdown]
# ### CycleGAN's parts
#
# The paper's translator is a residual network without long skips, trained for 200 epochs. Ours has a few hundred steps,
# so it is a U-Net again, a level less deep. **Instance normalization** takes mean and variance of each feature map over
# the pixels of one picture, not over the batch: a translation does not depend on the other pictures of its batch. (The
# discriminators of the heaps are not normalized at all: in trials with instance normalization they let colours pass
# that no animal has.)


# %%
class InstanceNorm(layers.Layer):
    """Each feature map of each picture with mean 0 and variance 1, then scaled and shifted by learned numbers."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")
        self.offset = self.add_weight(shape=(shape[-1],), initializer="zeros")

    def call(self, x):
        mean, variance = ops.moments(x, axes=[1, 2], keepdims=True)
        return (x - mean) * ops.rsqrt(variance + 1e-5) * self.scale + self.offset


def make_translator(widths):
    """A picture (SIZE, SIZE, 3) to another of the same size, in [-1, 1]."""
    return make_unet(widths, norm=InstanceNorm)


# %% [markdown]
# The discriminators are shown **old** translations, too. A history keeps about fifty earlier ones (the paper 50, we 48
# of each domain). Of a new batch, about half of the pictures are exchanged for old ones and stay behind in their place.
# This is meant to keep the players from chasing each other round: what fooled the discriminator a while ago must not do
# so again.


# %%
class History:
    """Translated pictures of the past, as variables of a compiled step: `num` pictures of the given shape."""

    def __init__(self, num, shape, seeds):
        self.pictures = tf.Variable(tf.zeros((num, *shape)))
        self.num_seen = tf.Variable(0)
        self.seeds = seeds

    def exchanged(self, fresh):
        """The batch `fresh`, in which about half are old ones once the history is full; a batch fits into it."""
        num, batch = self.pictures.shape[0], fresh.shape[0]
        full = self.num_seen >= num
        # Places of their own for all pictures of the batch: by chance when full, in order before.
        by_chance = ops.argsort(keras.random.uniform((num,), seed=self.seeds))[:batch]
        places = tf.where(full, by_chance, (self.num_seen + tf.range(batch)) % num)
        swapped = (full & (keras.random.uniform((batch,), seed=self.seeds) < 0.5))[:, None, None, None]
        old = tf.gather(self.pictures, places)
        self.pictures.scatter_nd_update(places[:, None], tf.where(swapped | ~full, fresh, old))
        self.num_seen.assign(tf.where(full, self.num_seen, self.num_seen + batch))
        return tf.where(swapped, old, fresh)


# %% [markdown]
# CycleGAN's discriminators use **least squares** (`3_gans`): real pictures should have the logit 1, translated ones the
# logit 0, and the translators want 1 for theirs. The discriminators' loss is halved, the translators' is not (in
# `3_gans` both were). In the code the two discriminators are the domains' judges. A step moves the translators first,
# both by one loss, then the discriminators, on pictures from the history.


# %%
class TwoWays(NamedTuple):
    """Two translators and the discriminators (judges) of the domains that they lead to."""

    forth: keras.Model
    back: keras.Model
    judge_second: keras.Model
    judge_first: keras.Model


def translators_loss(ways, first, second, cycle_weight, identity_weight):
    """The loss of both translators on a batch of each domain, and their translations."""
    to_second, to_first = ways.forth(first, training=True), ways.back(second, training=True)
    loss = 0.0
    for judge, fakes in ((ways.judge_second, to_second), (ways.judge_first, to_first)):
        loss += ops.mean(ops.square(judge(fakes, training=True) - 1))
    if cycle_weight:
        home = ways.back(to_second, training=True), ways.forth(to_first, training=True)
        loss += cycle_weight * (l1_distance(home[0], first) + l1_distance(home[1], second))
    if identity_weight:
        same = ways.back(first, training=True), ways.forth(second, training=True)
        loss += identity_weight * (l1_distance(same[0], first) + l1_distance(same[1], second))
    return loss, to_second, to_first


def judges_loss(judge, real, fakes):
    """Least squares: 1 for real pictures, 0 for translated ones (Zhu et al. 2017, section 4)."""
    return (
        ops.mean(ops.square(judge(real, training=True) - 1)) + ops.mean(ops.square(judge(fakes, training=True)))
    ) / 2


# %%
def make_cycle_step(ways, rates, cycle_weight, identity_weight, histories):
    """A compiled step of all four networks on a batch of each domain; gives the translators' and the judges' loss."""
    translator_weights = ways.forth.trainable_variables + ways.back.trainable_variables
    judge_weights = ways.judge_second.trainable_variables + ways.judge_first.trainable_variables
    optimizers = adam(rates[0], translator_weights), adam(rates[1], judge_weights)

    @tf.function
    def step(first, second):
        with tf.GradientTape() as tape:
            loss, to_second, to_first = translators_loss(ways, first, second, cycle_weight, identity_weight)
        gradients = tape.gradient(loss, translator_weights)
        optimizers[0].apply_gradients(zip(gradients, translator_weights, strict=True))
        old_second, old_first = (
            history.exchanged(x) for history, x in zip(histories, (to_second, to_first), strict=True)
        )
        with tf.GradientTape() as tape:
            judged = judges_loss(ways.judge_second, second, old_second) + judges_loss(
                ways.judge_first, first, old_first
            )
        gradients = tape.gradient(judged, judge_weights)
        optimizers[1].apply_gradients(zip(gradients, judge_weights, strict=True))
        return loss, judged

    return step


# %% [markdown]
# ## Train
#
# ### L1 and the discriminator, apart and together
#
# First the pairs: the generator of *Before* against middle patches, once with the discriminator alone ($\lambda = 0$),
# once with both terms.

# %%
RATES = (3e-3, 1e-3)  # the generator's, the discriminator's, as they begin


def trained_pix2pix(hidden, l1_weight, num_steps, label):
    generator, discriminator = make_unet(WIDTHS), make_patchgan(hidden, 6)
    step = make_pix2pix_step(generator, discriminator, [falling(rate, num_steps) for rate in RATES], l1_weight)
    history = [
        step(*ops.split(some(pairs, BATCH), 2, axis=-1))
        for _ in coursekit.progress_bar(range(num_steps), label, unit="steps")
    ]
    return generator, np.array(history, np.float32)


L1_WEIGHT = 50
losses = {}
start = time.process_time()
for name, weight in (("cGAN only", 0), ("L1 + cGAN", L1_WEIGHT)):
    generator, losses[name] = trained_pix2pix(PATCH_LAYERS["middle patches"], weight, STEPS, name)
    drawn[name] = outputs(generator, test_towns.maps)
    scores[name] = score_of(drawn[name])
print(f"{time.process_time() - start:.0f} s of CPU for both")

# %% [markdown]
# The two losses of both runs, each the mean over 25 steps. The scales differ: at the right the generator's loss
# contains $\lambda$ times its L1. Below the dotted line a discriminator tells drawn from true better than by guessing:

# %%
figure, axes = plots.subplots(1, 2, width=4.2, height=2.6)
for axis, (name, history) in zip(axes, losses.items(), strict=True):
    smooth = history[: len(history) // 25 * 25].reshape(-1, 25, 2).mean(axis=1)
    axis.plot(25 * np.arange(1, len(smooth) + 1), smooth[:, 0], label="generator")
    axis.plot(25 * np.arange(1, len(smooth) + 1), smooth[:, 1], label="discriminator")
    axis.axhline(np.log(2), color="0.5", linestyle=":", label="a discriminator that guesses (log 2)")
    axis.set(xlabel="step", ylabel="loss", title=name, ylim=(0, None))
axes[0].legend(fontsize=8)
figure

# %%
shown = {"map": test_towns.maps, "L1 only": drawn[nearest], "cGAN only": drawn["cGAN only"]}
show({**shown, "L1 + cGAN": drawn["L1 + cGAN"], "truth": test_towns.photographs}, title="Input, three losses, truth")

# %% [markdown]
# *What to see:* with the discriminator as its only guide the generator covers the picture with coloured speckles,
# through which water and blocks can be made out, and the curves at the left stay near guessing: in so few steps it
# learns from it that photographs have contrast and red in them, and little of what is where. L1 alone says what the map says, softly. Together (the discriminator now stays below the
# line) they put harder edges on the roofs and grain on the rest. Some of the grain is a regular grid, which our
# sharpness counts too, and what exactly they put there is invented: compare with the truth.
#
# ### The patch
#
# The same with the other discriminators (the study of the paper's section 4.4). Only the discriminator differs: its
# patch, and with it its layers and weights. *Middle patches* is the run from above.

# %%
for name, hidden in PATCH_LAYERS.items():
    if name != "middle patches":
        drawn[name] = outputs(trained_pix2pix(hidden, L1_WEIGHT, STEPS, name)[0], test_towns.maps)
        scores[name] = score_of(drawn[name])
drawn["middle patches"], scores["middle patches"] = drawn["L1 + cGAN"], scores["L1 + cGAN"]
by_patch = {f"{name}: {patch_sizes[name]}×{patch_sizes[name]}": scores[name] for name in PATCH_LAYERS}
display(score_table({"L1 only": scores[nearest], **by_patch, "true photographs": scores["true photographs"]}))
show(
    {"L1 only": drawn[nearest], **{name: drawn[name] for name in PATCH_LAYERS}, "truth": test_towns.photographs},
    title="By the patch of the discriminator",
)

# %% [markdown]
# *What to see:* single pixels can ask for the right colours only, and the small patches leave the pictures as soft as
# L1 does. The two larger ones ask for texture and get it, with artefacts: a grid, speckles. The paper's numbers (top of
# this lecture) fall again for the whole picture; ours hardly do, on pictures eight times smaller a side and with one
# run of each, where a point or two says nothing.

# %% [markdown]
# ### Two heaps of animals
#
# A **judge** as in `3_gans`, a classifier outside the game (`judge_first` and `judge_second` above are players), is to
# say whether a translation keeps what it should: kind of animal, facing, surroundings. It learns from the real pictures
# of both heaps and is then frozen. It is also asked for the coat, because the translator that does nothing keeps
# everything. The table gives the shares kept and the mean absolute distance to the true counterpart, on the pixels of
# the animal and elsewhere, and the Fréchet distance to the training pictures with the coat asked for, by the features of
# the judge's last hidden layer; its first rows are what to compare with. (The judge learned from clean pictures: about
# smeared ones it is less to be trusted.)

# %%
KEPT = {"animal": 3, "facing": 2, "surroundings": 3}
HEADS = {"animal": 3, "facing": 2, "surroundings": 3, "coat": 2}


def make_judge():
    """A classifier with a head for each of `HEADS`."""
    x = image = keras.Input((SIZE, SIZE, 3))
    for width in (16, 32, 64):
        x = layers.ReLU()(batch_norm()(conv(width)(x)))
    x = layers.Dense(64, activation="relu", name="features")(layers.Flatten()(x))
    return keras.Model(image, {name: layers.Dense(num, name=name)(x) for name, num in HEADS.items()})


def labels_of(drawn, coat):
    return {**{name: drawn.labels[name] for name in KEPT}, "coat": np.full(len(drawn.images), coat)}


real = np.concatenate([animals[PLAIN].images, animals[STRIPED].images])
both = [labels_of(animals[domain], coat) for coat, domain in enumerate((PLAIN, STRIPED))]
judge = make_judge()
judge.compile(keras.optimizers.Adam(2e-3), loss=dict.fromkeys(HEADS, crossentropy))
judge.optimizer.build(judge.trainable_variables)
progress = coursekit.progress_bar(label="judge")
labels = {name: np.concatenate([part[name] for part in both]) for name in HEADS}
judge.fit(real, labels, epochs=6, batch_size=32, verbose=0, callbacks=[progress])
judge.trainable = False
judge_features = keras.Model(judge.input, judge.get_layer("features").output)
heap_features = [outputs(judge_features, animals[domain].images) for domain in (PLAIN, STRIPED)]


# %%
class Kept(NamedTuple):
    """Shares of translated pictures by the judge, differences from the true counterparts (mean), Fréchet distance."""

    animal: float
    facing: float
    surroundings: float
    everything: float
    new_coat: float
    error_animal: float
    error_elsewhere: float
    frechet: float


def kept(translated, originals, coat):
    """What is kept of `originals` (Animals with counterparts), and whether the coat is the one asked for."""
    answers = judge(translated, training=False)
    right = {name: ops.convert_to_numpy(answers[name]).argmax(-1) == originals.labels[name] for name in KEPT}
    everything = np.all(list(right.values()), axis=0)
    new_coat = ops.convert_to_numpy(answers["coat"]).argmax(-1) == coat
    error = np.abs(translated - originals.counterparts).mean(axis=-1)
    shares = [float(share.mean()) for share in (*right.values(), everything, new_coat)]
    distance = frechet(outputs(judge_features, translated), heap_features[coat])
    return Kept(*shares, float(error[originals.animal].mean()), float(error[~originals.animal].mean()), distance)


# %%
def kept_table(results):
    distances = "distance to the counterpart, animal", "elsewhere", "Fréchet distance"
    columns = " | ".join((*KEPT, "all three", "new coat", *distances))
    rows = "\n".join(
        f"| {name} | "
        + " | ".join(f"{share:.0%}" for share in k[:5])
        + f" | {k.error_animal:.3f} | {k.error_elsewhere:.3f} | {k.frechet:.1f} |"
        for name, k in results.items()
    )
    return Markdown(f"| | {columns} |\n|---|---|---|---|---|---|---|---|---|\n{rows}")


found = {"true counterparts": kept(plain.counterparts, plain, 1), "nothing done": kept(plain.images, plain, 1)}
shuffled = np.random.default_rng(seed).permutation(NUM_TEST)
found["counterparts of others (chance)"] = kept(plain.counterparts[shuffled], plain, 1)
kept_table(found)

# %% [markdown]
# Now CycleGAN, and the same four networks without the term for the way back: from the same weights, on the same
# pictures. Without that term what comes out differs much from run to run, so it is trained *again* with other judges and
# pictures in another order, and the claim takes the mean of both. Then once more with the identity loss.
#
# All translators start as **copiers**: a short training on L1, with each picture as its own truth, so that they begin
# by doing nothing. The paper starts from random weights, and trains on about a hundred times as many pictures. From
# random weights, in one of three trials, our two translators agreed to exchange light and dark: the way back undoes it,
# so the cycle loss does not mind.

# %%
CYCLE_STEPS, COPY_STEPS = profile.pick(small=(600, 100), full=(20_000, 1000))
CYCLE_BATCH, CYCLE_RATES = 4, (1e-3, 1e-3)
CYCLE_WIDTHS = profile.pick(small=(16, 32, 64), full=(64, 128, 256))
heaps = [tf.constant(animals[domain].images) for domain in (PLAIN, STRIPED)]
twice = ops.concatenate([ops.concatenate(heaps)] * 2, axis=-1)
copier = trained_with_l1(make_translator(CYCLE_WIDTHS), twice, CYCLE_RATES[0], COPY_STEPS, "copier")


def trained_cyclegan(cycle_weight, identity_weight, again, num_steps, label):
    """Four networks, trained on both heaps; the same `again` gives the same judges and pictures in the same order."""
    start = seed + 1000 * again
    keras.utils.set_random_seed(start)
    order, seeds = np.random.default_rng(start), keras.random.SeedGenerator(start)
    judges = [make_patchgan(PATCH_LAYERS["middle patches"], 3, normalized=False) for _ in range(2)]
    ways = TwoWays(*[make_translator(CYCLE_WIDTHS) for _ in range(2)], *judges)
    for translator in (ways.forth, ways.back):
        translator.set_weights(copier.get_weights())
    histories = [History(48, (SIZE, SIZE, 3), seeds) for _ in range(2)]
    step = make_cycle_step(ways, CYCLE_RATES, cycle_weight, identity_weight, histories)
    for _ in coursekit.progress_bar(range(num_steps), label, unit="steps"):
        step(*[tf.gather(heap, order.integers(len(heap), size=CYCLE_BATCH)) for heap in heaps])
    return ways


# %%
# (weight of the cycle loss, of the identity loss, again): 10 and half of it in the paper.
RUNS = {
    "CycleGAN": (10, 0, False),
    "without the cycle loss": (0, 0, False),
    "without it, again": (0, 0, True),
    "CycleGAN + identity": (10, 5, False),
}
start = time.process_time()
trained = {name: trained_cyclegan(*weights, CYCLE_STEPS, name) for name, weights in RUNS.items()}
print(f"{time.process_time() - start:.0f} s of CPU for the four")

# %% [markdown]
# ## Measure
#
# ### Pairs
#
# All that was trained on pairs, in one table and one figure, whose horizontal axis is logarithmic. (*L1 + cGAN* has the
# middle patches.) The column L1 is the baseline's whole loss, one of two terms with a discriminator, and no part of
# *cGAN only*.

# %%
shown_scores = {name: score for name, score in scores.items() if name != "middle patches"}
display(score_table(shown_scores))
figure, axis = plots.subplots(width=7.5, height=3.4)
for number, (name, score) in enumerate(shown_scores.items()):
    style = {"color": plots.PALETTE[number % 7], "marker": "os"[number // 7]}
    axis.scatter(score.sharpness, score.content.per_pixel, s=50, label=name, **style)
axis.axvline(1, color="0.5", linestyle=":")
axis.set(xlabel="sharpness (gradient energy, share of the truth's)", ylabel="share of pixels read right", xscale="log")
axis.set_title("Sharp and right is at the top, on the dotted line")
axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
figure

# %% [markdown]
# *What to see:* the runs nearest in L1 are not the sharpest: whoever is punished for every pixel draws the blurred
# middle. The sharpest, *cGAN only*, is read badly: no measure is enough alone. Against the better L1 run *L1 + cGAN*
# gains in sharpness, hardly in the share of pixels read right, more when each class counts alike (per class, IoU). As a
# set its photographs are nearer to real ones, too: the Fréchet distance is half of the L1 run's, while *cGAN only* is as
# far away as the other L1 run. One run of each cannot tell which is nearer in L1 by a few thousandths.
#
# ### Heaps

# %%
translated = {
    name: (outputs(ways.forth, plain.images), outputs(ways.back, striped.images)) for name, ways in trained.items()
}
found_back = {
    "true counterparts": kept(striped.counterparts, striped, 0),
    "nothing done": kept(striped.images, striped, 0),
}
for name, (to_striped, to_plain) in translated.items():
    found[name], found_back[name] = kept(to_striped, plain, 1), kept(to_plain, striped, 0)
display(Markdown("**Stripes on**"), kept_table(found), Markdown("**Stripes off**"), kept_table(found_back))
rows = {
    "plain": plain.images,
    **{name: pictures[0] for name, pictures in translated.items()},
    "true counterpart": plain.counterparts,
}
display(show(rows, title="Stripes on: input, four translators, truth"))
rows = {
    "striped": striped.images,
    **{name: pictures[1] for name, pictures in translated.items()},
    "true counterpart": striped.counterparts,
}
show(rows, title="Stripes off: input, four translators, truth")

# %% [markdown]
# *What to see:* the rows with and without the cycle loss, column by column. Is it still the same animal, on the same
# ground, looking the same way? With the stripes put on, all three are kept clearly less often without the cycle loss, in both runs
# (tables). With the stripes taken off, one of the two runs loses the surroundings, the other hardly anything, so much does
# it depend on chance; the claim below is on the mean of both ways and both runs. Beside the animal CycleGAN is nearer
# to the counterpart both ways. With the identity loss the kind survives better when stripes come off, and worse when
# they are put on; that is one run.
#
# The Fréchet distance cannot answer the question: the counterparts of *other* animals, which keep nothing, are exactly as
# near to the real pictures as the true ones. It says whether striped (or plain) animals come out at all. With stripes put
# on, the runs without the cycle loss are more than twice as far away as CycleGAN; with stripes taken off, one of them is
# the nearest. And all are far from the 3 of real pictures.
#
# And the way home: CycleGAN was trained to find back, the pair without the cycle loss was not. Compare the differences
# that are printed, and look for stripes that stay on the way:

# %%
home = {name: outputs(ways.back, translated[name][0]) for name, ways in trained.items()}
for name, pictures in home.items():
    print(f"{name}: there and back, mean absolute difference {np.abs(pictures - plain.images).mean():.3f}")
show(
    {"plain": plain.images, **{f"{name}: and back": pictures for name, pictures in home.items()}},
    title="There and back",
)

# %% [markdown]
# ### Failures
#
# The six held-out pictures on which CycleGAN is farthest from the true counterpart, measured on the animal:

# %%
error = np.abs(translated["CycleGAN"][0] - plain.counterparts).mean(axis=-1)
on_animal = (error * plain.animal).sum(axis=(1, 2)) / plain.animal.sum(axis=(1, 2))
worst = on_animal.argsort()[::-1][:6]
rows = {
    "input": plain.images[worst],
    "CycleGAN": translated["CycleGAN"][0][worst],
    "true counterpart": plain.counterparts[worst],
}
show(rows, title="CycleGAN at its worst")

# %% [markdown]
# *What to see:* stripes of colours that no zebra has, and stripes that spill over the outline. Nothing in the losses
# knows where an animal ends. No loss asks for the stripes of the counterpart either: *some* stripes will do, so with
# stripes put on the distance on the animal stays near that of doing nothing (tables above). Taken off, it falls: one
# plain coat is nearer to another than stripes are to other stripes.
#
# ### The claims

# %%
LECTURE = "5_generation/5_image_to_image"
l1_sharpness = max(scores[name].sharpness for name in l1_names)
l1_content = max(scores[name].content.per_pixel for name in l1_names)
ours = scores["L1 + cGAN"]
coursekit.Claim(
    lecture=LECTURE,
    statement="PatchGAN with L1 draws sharper photographs than L1 alone, read at least as well "
    "(gradient energy, share of the truth's)",
    paper="L1 0.42, L1 + cGAN 0.66 of pixels read right, Cityscapes (Isola et al. 2017, Table 1); "
    "sharpness shown in pictures",
    before=l1_sharpness,
    here=ours.sharpness,
    margin="its distance from 1 at most 3/4 of that of L1 alone, at most 2 points fewer pixels read right",
    holds=abs(1 - ours.sharpness) <= 0.75 * abs(1 - l1_sharpness) and ours.content.per_pixel >= l1_content - 0.02,
    source="bundled",
).check()

# %% [markdown]
# **How this was tuned.** At first the second half of the margin failed: with seeds 1 to 4 between 2.8 and 7.7 points
# fewer pixels were read right. The generator had one rate, 0.001, while the networks with L1 only had the better of
# two, and all rates stayed as they were until the end, so that a network was measured wherever its last steps had led.
# Now all rates fall, and this generator begins with the one that is better for L1. That was tried on seeds 10 and 12,
# then all five seeds were run again. The margins stayed. Claim 2 was first about one run without the cycle loss, and
# held with five seeds; in a later run of seed 0 it failed (8 points instead of 10), since such a run varies so much.
# Since then it is about the mean of two.


# %%
def both_ways(names, measure):
    """A measure of what is kept, the mean over stripes on and stripes off, and over the runs of these names."""
    return float(np.mean([getattr(way[name], measure) for way in (found, found_back) for name in names]))


NAMES = (("without the cycle loss", "without it, again"), ("CycleGAN",))
before, here = (both_ways(names, "everything") for names in NAMES)
distance_before, distance_here = (both_ways(names, "error_elsewhere") for names in NAMES)
coats = min(found["CycleGAN"].new_coat, found_back["CycleGAN"].new_coat)
print(f"distance to the counterpart beside the animal: {distance_here:.3f}, without {distance_before:.3f}")
coursekit.Claim(
    lecture=LECTURE,
    statement="Without the cycle loss content is lost "
    "(share of animals that keep kind, facing and surroundings, mean of both ways; before: of two runs)",
    paper="photographs to labels, IoU: adversarial loss alone 0.07, CycleGAN 0.16 (Zhu et al. 2017, Table 5)",
    before=before,
    here=here,
    margin="at least 10 points more than without, at most 3/4 of the distance to the true counterpart beside "
    "the animal, and the new coat in at least half of the animals, each way",
    holds=here >= before + 0.10 and distance_here <= 0.75 * distance_before and coats >= 0.5,
    source="bundled",
).check()

# %% [markdown]
# ## Go further
#
# 1. **More or less L1.** Train with `L1_WEIGHT` 3 and 300. Where do sharpness and content go?
# 2. **Blind.** Give the discriminator of pix2pix the photograph without its map. What does the generator still have
# to respect, and what keeps it there?
# 3. **One way only.** Ask for the way back in one direction. Which direction suffers? (Zhu et al., Tables 4 and 5.)
# 4. **No history.** In `make_cycle_step` give the discriminators the fresh translations only. Try three seeds before
# you say anything.
# 5. **Hidden messages.** After training, round CycleGAN's translations to 16 levels before they are sent back. What
# happens to the way home? (Chu et al. 2017 found the reason.)
# 6. **Other scenes.** `render_pairs("facades", ...)`, `render_pairs("edges", ...)`, `render_domain("seasons", ...)`.
# Which is hardest, and what does the judge have to ask?
# 7. **The full profile.** `COURSE_PROFILE=full` has four times the feature maps and more than thirty times the steps.
# It wants a GPU.
#
# **The graded assignment** `ps4_gan` asks you to work out a patch's size from the layers, to write the discriminator
# of patches, the cycle and identity losses and the buffer of images, and to train a generator for a judge that you do
# not have.
#
# ### Sources
#
# The papers in the first cell, and: O. Ronneberger, P. Fischer, T. Brox, *U-Net: convolutional networks for
# biomedical image segmentation*, MICCAI (2015) · X. Mao et al., *Least squares generative adversarial networks*, ICCV
# (2017) · D. Ulyanov, A. Vedaldi, V. Lempitsky, *Instance normalization: the missing ingredient for fast
# stylization*, arXiv 1607.08022 (2016) · A. Shrivastava et al., *Learning from simulated and unsupervised images
# through adversarial training*, CVPR (2017): the history of pictures · C. Chu, A. Zhmoginov, M. Sandler, *CycleGAN, a
# master of steganography*, arXiv 1712.02950 (2017).
