# ---
# jupyter:
#   kernelspec:
#     display_name: Deep Learning (GPU if present)
#     language: python
#     name: dl-course
# ---

# %% [markdown]
# # Problem set 2: speech, from samples to digit strings
#
# You write the parts of an end-to-end speech recognizer yourself: the features, the layer that WaveNet made famous
# (van den Oord et al., 2016), the loss that needs no alignment (*Connectionist temporal classification*, Graves et
# al., 2006) with its gradient, and the search for the best string. Then you train a recognizer of spoken digits, which
# is scored on voices that it has never heard.
#
# **Time** 4 to 8 hours of yours; the bonus task comes on top. Running the finished notebook takes under 40 s on two CPU
# cores.
#
# | task | you write | points | what to read first |
# |---|---|---|---|
# | 1 | frames and their power spectrum | 6 | `3_speech/1_speech_recognition`, *Data* |
# | 2 | a mel filter bank | 8 | `3_speech/1_speech_recognition`, *Data* |
# | 3 | μ-law, there and back | 6 | `3_speech/2_wavenet`, *Data* |
# | 4 | a causal dilated convolution, as a Keras layer | 10 | `3_speech/2_wavenet`, *Idea* and *Build* |
# | 5 | the CTC loss | 13 | `3_speech/1_speech_recognition`, *Before* and *Idea* |
# | 6 | the gradient of the CTC loss | 9 | `3_speech/1_speech_recognition`, *Idea* |
# | 7 | greedy decoding and prefix beam search | 14 | `3_speech/1_speech_recognition`, *Build* and *Train* |
# | 8 | word error rate | 7 | `3_speech/1_speech_recognition`, *Before* |
# | 9 | a training loop with clipped gradients | 9 | `1_foundations/2_training`, *Train*; `3_speech/1_speech_recognition`, *Train* |
# | 10 | a recognizer of digit strings | 12 | `3_speech/1_speech_recognition`, *Build* and *Train* |
# | 11 | a written answer | 6 | `3_speech/1_speech_recognition`, *Idea* and *Measure* |
# | bonus | WaveNet's cached generation | 10 | `3_speech/2_wavenet`, *Build* and *Measure* |
#
# **How you work.** Write your code where a cell says `YOUR CODE HERE` and delete the line that raises
# `NotImplementedError`. You may add functions and cells of your own; keep the names and the order of the arguments
# that a task gives. The cell behind each answer tests it: what you see there are the public checks. Press *Validate*
# before you submit, or run `coursegrader check ps2_speech.ipynb`.
#
# **How it is graded.** The same test cells run with more checks, on other inputs. A cell gives its points when all of
# its checks pass (only task 10 gives part of its points). Each task says what the checks look at; nothing is tested
# that the text does not say. Your functions are called with copies, so **return** your results; what you write into
# an argument is lost.
#
# **Conventions**
#
# - A wave is a one-dimensional array of samples, between -1 and 1 unless the task says otherwise. Times and lengths are
#   in samples or in frames, frequencies in hertz; `rate` is the number of samples a second.
# - Arrays that come in are NumPy's, `float32` or `float64`, or integers where the task says so. An array that you return
#   is NumPy's or a tensor, not a list. Where you return numbers that are no whole numbers, `float32` and `float64` are
#   both right. Results count as equal within 0.01 % (plus 0.00001), and within more where many roundings add up.
# - $\log$ is the natural logarithm. A condition in brackets, as $[a \ne b]$, stands for 1 where it holds, and for 0
#   elsewhere.
# - Of CTC's classes, number 0 is the **blank**, and 1 to `num_classes - 1` are the labels.
# - Some of these parts are written out in the lectures as well, with other conventions (there the blank is the last class,
#   a filter bank has a row a filter, windows are Hamming's, a word error rate is in percent). Learn from them how it
#   works, then write your own: what is copied fails here.
# - "From scratch" means array operations (NumPy, or the same ones of `keras.ops`: sums, products, `matmul`, indexing,
#   padding, logarithms, loops). With `keras.ops`, cast everything to one dtype first: unlike NumPy, TensorFlow does not
#   multiply numbers of two dtypes. What a task may not use is named there (a `*` stands for any letters). Your answer
#   and the functions that it calls are searched for it, and what uses it earns nothing for that task. To check your
#   results with it, in a cell of your own, is fine.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import coursekit  # first: it keeps TensorFlow quiet while it is imported

# isort: split
from pathlib import Path
from time import perf_counter

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from coursedata import load_speech
from coursedata.speech import RATE, bundled
from coursegrader.checks import as_array, as_number, call, check_array, check_items, check_number, require
from IPython.display import Audio

seed = coursekit.set_seed()


def as_labels(got, name):
    """Labels that a function returned, as a list of int."""
    require(
        type(got) in (list, tuple, np.ndarray),
        f"{name}: a list of whole numbers was expected, but the value is of type {type(got).__name__}.",
    )
    require(
        all(type(label) is int or isinstance(label, np.integer) for label in got),
        f"{name}: the list should hold whole numbers (int) and nothing else.",
    )
    return [int(label) for label in got]


# %% [markdown]
# ## Task 1: frames and their power spectrum (6 points)
#
# Speech changes slowly enough that 25 ms of it have *one* spectrum. So a wave is cut into short windows that overlap,
# the **frames**, and each is transformed by itself.
#
# **(a)** Write `frames(wave, length, step)`. `wave` is `(num_samples,)`, `length` and `step` are numbers of samples
# (≥ 1; `step` may be smaller or larger than `length`). It returns an array of shape `(num_frames, length)`,
#
# $$\mathrm{frame}[i, n] = \mathrm{wave}[i \cdot \mathrm{step} + n], \qquad
# \mathrm{num\_frames} = \left\lfloor \frac{\mathrm{num\_samples} - \mathrm{length}}{\mathrm{step}} \right\rfloor + 1.$$
#
# What does not fill a whole frame at the end is left out; a wave that is shorter than one frame gives an array of shape
# `(0, length)`.
#
# **(b)** Write `power_spectrum(wave, length, step, fft_size)`. Each frame of `wave` (floats or integers) is multiplied
# by the Hann window $h[n] = \tfrac12 - \tfrac12 \cos\frac{2 \pi n}{\mathrm{length} - 1}$, filled with zeros to
# `fft_size` samples (`fft_size` is even and ≥ `length` ≥ 2), and transformed. The result has the shape
# `(num_frames, fft_size // 2 + 1)`:
#
# $$P[i, k] = \left| \sum_{n=0}^{\mathrm{length} - 1} h[n]\; \mathrm{frame}[i, n]\; e^{-2 \pi \mathrm{i}\, k n / \mathrm{fft\_size}} \right|^2,
# \qquad k = 0, \ldots, \mathrm{fft\_size} / 2.$$
#
# Bin $k$ stands for the frequency $k \cdot \mathrm{rate} / \mathrm{fft\_size}$.
#
# **Hint.** The indices of all frames are one sum: `step * np.arange(num_frames)[:, None] + np.arange(length)`.
# `np.fft.rfft(x, fft_size)` fills with zeros and gives just the bins that are asked for.
#
# **Not allowed:** `tf.signal`, `scipy.signal`, `keras.ops.stft`, `keras.ops.extract_sequences`,
# `keras.layers.STFTSpectrogram`, `keras.layers.MelSpectrogram`.
#
# **Graded by** comparing with a reference: overlapping frames, frames with gaps between them, a step that does not
# divide the rest, waves of exactly one frame and shorter ones (in (b), too: no frames, but all bins), an `fft_size`
# above the length, waves of 16-bit integers in (b).


# %% nbgrader={"grade": false, "grade_id": "framing", "locked": false, "schema_version": 3, "solution": true, "task": false}
def frames(wave, length, step):
    """The frames (num_frames, length) of a wave, one every `step` samples."""
    ### BEGIN SOLUTION
    num_frames = max(0, (len(wave) - length) // step + 1)
    return wave[step * np.arange(num_frames)[:, None] + np.arange(length)]
    ### END SOLUTION


def power_spectrum(wave, length, step, fft_size):
    """The power (num_frames, fft_size // 2 + 1) of each windowed frame at each frequency."""
    ### BEGIN SOLUTION
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / (length - 1))
    return np.abs(np.fft.rfft(frames(wave, length, step) * window, fft_size)) ** 2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_framing", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
"""Frames: their number, length and step; the power spectrum of windowed frames."""
got = call(frames, np.arange(8.0), 4, 2)
check_array(got, np.array([[0.0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]), "frames of 4 samples, one every 2")
got = call(frames, np.arange(8.0), 3, 4)
check_array(got, np.array([[0.0, 1, 2], [4, 5, 6]]), "frames of 3 samples, one every 4")
as_array(call(frames, np.arange(3.0), 4, 2), "frames of a wave that is too short", (0, 4))
# The window of three samples is 0, 1, 0: of each frame its middle remains, whose spectrum is flat.
got = call(power_spectrum, np.array([5.0, 2.0, 7.0, -3.0, 1.0]), 3, 2, 4)
check_array(got, np.array([[4.0, 4, 4], [9, 9, 9]]), "power_spectrum of frames of 3 samples")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x270DADD3C6B11F2B9854F1C955)


def frames_reference(wave, length, step):
    starts = range(0, len(wave) - length + 1, step)
    return np.array([wave[start : start + length] for start in starts]).reshape(-1, length)


for num_samples, length, step in [(100, 25, 10), (97, 16, 16), (60, 5, 13), (53, 20, 7), (31, 1, 1), (40, 40, 3)]:
    wave = rng.normal(size=num_samples)
    got = call(frames, wave, length, step)
    check_array(got, frames_reference(wave, length, step), f"frames({num_samples} samples, {length}, {step})")
for num_samples, length in [(1, 2), (9, 10), (5, 200)]:
    got = call(frames, rng.normal(size=num_samples), length, 3)
    as_array(got, f"frames of {num_samples} samples, fewer than a frame", (0, length))

for num_samples, length, step, fft_size, dtype in [
    (90, 16, 8, 16, np.float64),
    (75, 12, 5, 32, np.float64),
    (64, 20, 30, 24, np.float32),
    (50, 9, 4, 10, np.int16),
    (8, 8, 4, 8, np.float64),
]:
    wave = (rng.normal(size=num_samples) * (9000 if dtype is np.int16 else 1)).astype(dtype)
    cut = frames_reference(wave.astype(np.float64), length, step)
    n = np.arange(length)
    waves = np.exp(-2j * np.pi * np.outer(n, np.arange(fft_size // 2 + 1)) / fft_size)
    want = np.abs((cut * np.sin(np.pi * n / (length - 1)) ** 2) @ waves) ** 2
    what = f"power_spectrum({num_samples} samples of {np.dtype(dtype).name}, {length}, {step}, {fft_size})"
    scale = want.max()
    got = as_array(call(power_spectrum, wave, length, step, fft_size), what, want.shape)
    check_array(got / scale, want / scale, what, hint="Does the window end with 0 on both sides?")
for num_samples, length, step, fft_size in [(7, 8, 3, 16), (4, 30, 10, 32)]:
    got = call(power_spectrum, rng.normal(size=num_samples), length, step, fft_size)
    as_array(got, f"power_spectrum of {num_samples} samples, fewer than a frame", (0, fft_size // 2 + 1))
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: a mel filter bank (8 points)
#
# From 200 to 300 hertz is a wide step for the ear (seven semitones), from 3,200 to 3,300 a narrow one (half a semitone).
# The **mel** scale has equal steps where the ear has them:
#
# $$m(f) = 2595\, \log_{10}\!\left(1 + \frac{f}{700}\right).$$
#
# **(a)** Write `mel_filters(num_filters, fft_size, rate, low, high)`. Take `num_filters + 2` points from
# $m(\mathrm{low})$ to $m(\mathrm{high})$, both included and equally far apart on the mel scale, and turn them back into
# frequencies $e_0 < e_1 < \ldots$ in hertz. Filter $j = 0, 1, \ldots$ is a triangle over the frequencies
# $f_k = k \cdot \mathrm{rate} / \mathrm{fft\_size}$: it rises linearly from 0 at $e_j$ to 1 at $e_{j+1}$ and falls
# linearly to 0 at $e_{j+2}$,
#
# $$H[k, j] = \max\!\left(0,\; \min\!\left(\frac{f_k - e_j}{e_{j+1} - e_j},\; \frac{e_{j+2} - f_k}{e_{j+2} - e_{j+1}}\right)\right).$$
#
# So neighbouring filters overlap. The result has the shape `(fft_size // 2 + 1, num_filters)`. Corners are *not*
# rounded to bins, and filters are *not* divided by their area, as some libraries do.
#
# **(b)** Write `log_mel(power, filters)`: `power` is `(num_frames, num_bins)`, `filters` is `(num_bins, num_filters)`.
# It returns the natural logarithm of each filter's energy, kept finite in silence:
# $\log\left(10^{-6} + \sum_k \mathrm{power}[i, k]\; \mathrm{filters}[k, j]\right)$.
#
# **Hint.** The inverse of $m$ is $700\,(10^{m/2595} - 1)$. With $f$ as a column and the corners as rows, the triangles
# are three lines without a loop. Draw them: `plt.plot(mel_filters(10, 256, 8000, 0, 4000))`.
#
# **Not allowed:** `tf.signal`, `keras.layers.MelSpectrogram`, `keras.layers.STFTSpectrogram`, `keras.ops.stft`,
# `scipy.signal`.
#
# **Graded by** comparing with a reference that is written as loops: several rates and numbers of filters, `low` above
# 0, `high` below half the rate, few and many bins; `log_mel` also of silence.


# %% nbgrader={"grade": false, "grade_id": "mel_filter_bank", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mel_filters(num_filters, fft_size, rate, low, high):
    """Triangles (fft_size // 2 + 1, num_filters) that are equally wide on the mel scale."""
    ### BEGIN SOLUTION
    low_mel, high_mel = (2595 * np.log10(1 + hertz / 700) for hertz in (low, high))
    corners = 700 * (10 ** (np.linspace(low_mel, high_mel, num_filters + 2) / 2595) - 1)
    frequencies = np.arange(fft_size // 2 + 1)[:, None] * rate / fft_size
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    return np.maximum(0, np.minimum(rising, falling))
    ### END SOLUTION


def log_mel(power, filters):
    """The logarithm (num_frames, num_filters) of the energy in each filter."""
    ### BEGIN SOLUTION
    return np.log(1e-6 + power @ filters)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_mel_filter_bank", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
"""Mel filter bank: where its triangles stand, how high and how wide they are; the logarithm of their energies."""
# From 0 to 700 hertz, 2595 * log10(2) = 781.2 mel: halfway lie 700 * (sqrt(2) - 1) = 289.95 hertz. A bin is 100 hertz.
peak = 700 * (2**0.5 - 1)
want = np.array([0, 100 / peak, 200 / peak, *((700 - f) / (700 - peak) for f in (300, 400, 500, 600)), 0, 0])
check_array(call(mel_filters, 1, 16, 1600, 0, 700), want[:, None], "mel_filters with one filter")
# From 100 to 700 hertz the middle is 700 * (sqrt(8/7 * 2) - 1) = 358.3 hertz.
peak = 700 * ((16 / 7) ** 0.5 - 1)
want = np.array(
    [0, 0, *((f - 100) / (peak - 100) for f in (200, 300)), *((700 - f) / (700 - peak) for f in (400, 500, 600)), 0, 0]
)
check_array(call(mel_filters, 1, 16, 1600, 100, 700), want[:, None], "mel_filters with one filter, from 100 hertz on")
got = as_array(call(mel_filters, 12, 256, 8000, 60, 3800), "mel_filters", (129, 12))
require(got.min() >= 0 and got.max() <= 1, "mel_filters: values lie between 0 and 1.")
require((got[:, :-1] * got[:, 1:]).sum(axis=0).all(), "mel_filters: neighbouring filters should overlap.")
got = call(log_mel, np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]), np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]))
check_array(got, np.log([[2.000001, 4.000001], [1e-6, 1e-6]]), "log_mel")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xEB416952BB173A2907E88839E3)


def mel_reference(num_filters, fft_size, rate, low, high):
    def mel(hertz):
        return 1127.01048 * np.log1p(hertz / 700)

    corners = [
        700 * np.expm1((mel(low) + (mel(high) - mel(low)) * i / (num_filters + 1)) / 1127.01048)
        for i in range(num_filters + 2)
    ]
    bank = np.zeros((fft_size // 2 + 1, num_filters))
    for k in range(fft_size // 2 + 1):
        f = rate * k / fft_size
        for j in range(num_filters):
            left, top, right = corners[j : j + 3]
            if left < f <= top:
                bank[k, j] = (f - left) / (top - left)
            elif top < f < right:
                bank[k, j] = (right - f) / (right - top)
    return bank


for settings in [
    (20, 256, 8000, 0, 4000),
    (32, 512, 16000, 80, 7600),
    (5, 64, 8000, 300, 3400),
    (40, 128, 11025, 20, 5000),
]:
    bank = mel_reference(*settings)
    got = call(mel_filters, *settings)
    check_array(
        got,
        bank,
        f"mel_filters{settings}",
        hint="Are the corners equally far apart in mel, the triangles straight in hertz?",
    )
    power = rng.exponential(size=(7, len(bank))) * 10.0 ** rng.integers(-9, 5, (7, 1))
    power[3] = 0
    want = np.log(1e-6 + np.einsum("ik,kj->ij", power, bank))
    check_array(call(log_mel, power, bank), want, f"log_mel with filters of shape {bank.shape}")
power, filters = rng.exponential(size=(1, 6)).astype("float32"), rng.random((6, 9)).astype("float32")
check_array(call(log_mel, power, filters), np.log(power @ filters + 1e-6), "log_mel of one frame", rtol=1e-3)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: μ-law, there and back (6 points)
#
# A network that predicts the next sample as one of 256 classes needs samples of eight bits. Rounding them evenly would
# drown quiet sounds in noise; μ-law compresses first (van den Oord et al., 2016, section 2.2).
#
# Write `mu_law_encode(wave, mu=255)` and `mu_law_decode(codes, mu=255)`, for arrays of any shape. Samples outside of
# $[-1, 1]$ are clipped first. Then
#
# $$F(x) = \mathrm{sign}(x)\, \frac{\ln(1 + \mu\,|x|)}{\ln(1 + \mu)}, \qquad
# \mathrm{code} = \mathrm{round}\!\left(\frac{F(x) + 1}{2}\, \mu\right),$$
#
# so that codes are integers from 0 to $\mu$ (an integer dtype; where $\mu$ is odd, $x = 0$ lies between two codes: with
# 255 it becomes the upper one, 128; with other $\mu$ both are right). Back again, with $F = 2\, \mathrm{code} / \mu - 1$,
#
# $$x = \mathrm{sign}(F)\, \frac{(1 + \mu)^{|F|} - 1}{\mu}.$$
#
# **Hint.** `np.log1p` and `np.expm1`. Eight bits are too few to compute with: `int8` ends at 127, and twice a `uint8` overflows.
#
# **Not allowed:** `coursedata.speech.companding`.
#
# **Graded by** comparing with a reference: loud, quiet, negative and clipped samples, other `mu` than 255, arrays of
# one and of two axes; every code decoded and encoded again is itself.


# %% nbgrader={"grade": false, "grade_id": "mu_law", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mu_law_encode(wave, mu=255):
    """Codes, integers from 0 to mu, of samples in [-1, 1]."""
    ### BEGIN SOLUTION
    wave = np.clip(wave, -1, 1)
    companded = np.sign(wave) * np.log1p(mu * np.abs(wave)) / np.log1p(mu)
    return np.round((companded + 1) / 2 * mu).astype(np.int32)
    ### END SOLUTION


def mu_law_decode(codes, mu=255):
    """Samples in [-1, 1] of codes from 0 to mu."""
    ### BEGIN SOLUTION
    companded = 2 * codes / mu - 1
    return np.sign(companded) * ((1 + mu) ** np.abs(companded) - 1) / mu
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_mu_law", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
"""μ-law: codes of samples and samples of codes, loud, quiet, negative and clipped."""
check_array(
    call(mu_law_encode, np.array([-1.0, 0.0, 1.0, 3.0, -1.5])), np.array([0, 128, 255, 255, 0]), "mu_law_encode"
)
# With mu = 3, F(1/3) is log 2 / log 4 = 1/2; a quarter of the way down from the top lies code 2 of 0 to 3.
check_array(call(mu_law_encode, np.array([1 / 3, -1 / 3]), 3), np.array([2, 1]), "mu_law_encode with mu = 3")
want = np.array([-1.0, 1.0, -(4 ** (1 / 3) - 1) / 3])
check_array(call(mu_law_decode, np.array([0, 3, 1]), 3), want, "mu_law_decode with mu = 3")
codes = np.arange(256)
check_array(call(mu_law_encode, call(mu_law_decode, codes)), codes, "codes decoded and encoded again")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x6B56B6B998DA5A2C286948C840)
for mu in (255, 63, 15):
    for what, wave in [
        ("loud samples", rng.uniform(-1, 1, 300)),
        ("quiet samples", rng.normal(size=(20, 15)) * 0.002),
        ("clipped samples", rng.normal(size=(2, 40)).astype("float32") * 3),
    ]:
        # What lies next to the border between two codes may be rounded either way.
        place = (np.sign(wave) * np.log(1 + mu * np.minimum(np.abs(wave), 1.0)) / np.log(1 + mu) + 1) / 2 * mu
        wave = np.where(np.abs(place % 1 - 0.5) < 1e-3, np.float32(0.5), wave)
        place = (np.sign(wave) * np.log(1 + mu * np.minimum(np.abs(wave), 1.0)) / np.log(1 + mu) + 1) / 2 * mu
        check_array(
            call(mu_law_encode, wave, mu), np.floor(place + 0.5).astype(int), f"mu_law_encode of {what} with mu = {mu}"
        )
    codes = np.arange(mu + 1)
    size = np.abs(2 * codes / mu - 1)
    want = np.where(2 * codes > mu, 1, -1) * (np.exp(size * np.log(1 + mu)) - 1) / mu
    check_array(call(mu_law_decode, codes, mu), want, f"mu_law_decode with mu = {mu}")
    again = rng.permutation(codes).reshape(4, -1)
    check_array(call(mu_law_decode, again, mu), want[again], f"mu_law_decode of two axes with mu = {mu}")
    back = call(mu_law_encode, call(mu_law_decode, again, mu), mu)
    check_array(back, again, f"codes decoded and encoded again with mu = {mu}")
default = np.array([0.01, -0.01, 0.3])
check_array(call(mu_law_encode, default), np.array([157, 98, 228]), "mu_law_encode with the default mu")
check_array(
    call(mu_law_decode, np.array([200, 20])), np.array([0.0878802, -0.4167437]), "mu_law_decode with the default mu"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: a causal dilated convolution, as a Keras layer (10 points)
#
# Write the class `CausalConv1D(filters, kernel_size, dilation=1)`, a subclass of `keras.layers.Layer`: the layer that
# WaveNet is built of. Its input `x` is `(batch, time, channels)`, its output `(batch, time, filters)`. It has two
# weights, a kernel of shape `(kernel_size, channels, filters)` and a bias of shape `(filters,)`, and computes
#
# $$\mathrm{out}[n, t, f] = \mathrm{bias}[f] + \sum_{k=0}^{K-1} \sum_c \tilde x[n,\; t - (K - 1 - k) \cdot \mathrm{dilation},\; c]\; \mathrm{kernel}[k, c, f],$$
#
# with $K$ = `kernel_size`, and $\tilde x = 0$ before the beginning. So the *last* row of the kernel meets the present,
# and no output depends on what comes later. The output is as long as the input. Initializers are up to you.
#
# **Hint.** How many channels the input has is known in `build(self, input_shape)`; make the weights there with
# `self.add_weight(shape=..., initializer=..., name=...)`. Put $(K-1) \cdot \mathrm{dilation}$ zeros before `x` with
# `keras.ops.pad`: each `k` is then a `keras.ops.matmul` of one slice. The length of that slice is not always known when
# a model is built (`x.shape[1]` may be `None`, and `x.shape[0]`, the size of the batch, too): count slices from both
# ends, or use `keras.ops.shape(x)[1]`.
#
# **Not allowed:** `keras.layers.*Conv*`, `keras.ops.conv`, `keras.ops.conv_transpose`, `keras.ops.depthwise_conv`,
# `keras.ops.separable_conv`, `tf.nn.*conv*`, `tf.raw_ops.*Conv*`, `tf.keras.backend.*conv*`, `scipy.signal`,
# `scipy.ndimage`.
#
# **Graded by** setting random weights in your layer and comparing its output with a reference: kernels of 1 to 4 rows,
# dilations from 1 to 9, inputs shorter than the receptive field; by changing the future of an input; by the gradients
# with respect to its weights and its input; by using it in a model whose input has no fixed length.


# %% nbgrader={"grade": false, "grade_id": "causal_convolution", "locked": false, "schema_version": 3, "solution": true, "task": false}
class CausalConv1D(keras.layers.Layer):
    """A convolution over time that looks back, at every `dilation`-th step, and never ahead."""

    def __init__(self, filters, kernel_size, dilation=1, **kwargs):
        super().__init__(**kwargs)
        ### BEGIN SOLUTION
        self.filters = filters
        self.kernel_size = kernel_size
        self.dilation = dilation
        ### END SOLUTION

    def build(self, input_shape):
        """Called once, before the first call: input_shape is (batch, time, channels)."""
        ### BEGIN SOLUTION
        shape = (self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        ### END SOLUTION

    def call(self, x):
        """The output (batch, time, filters) for x of shape (batch, time, channels)."""
        ### BEGIN SOLUTION
        look_back = (self.kernel_size - 1) * self.dilation
        padded = keras.ops.pad(x, ((0, 0), (look_back, 0), (0, 0)))
        time = keras.ops.shape(x)[1]
        out = self.bias
        for k in range(self.kernel_size):
            start = k * self.dilation
            out = out + keras.ops.matmul(padded[:, start : start + time], self.kernel[k])
        return out
        ### END SOLUTION


# %% [markdown]
# The next cell uses your class for the test. Cells like this one are locked: run them, and leave them as they are.


# %% nbgrader={"grade": false, "grade_id": "factory_causal_convolution", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
def make_causal_conv(filters, kernel_size, dilation, channels):
    """A CausalConv1D that has seen one input with `channels` channels, so that its weights exist."""
    layer = CausalConv1D(filters, kernel_size, dilation)
    layer(np.zeros((1, 5, channels), "float32"))
    return layer


def causal_conv_gradients(kernel, bias, dilation, x, dout):
    """The gradients of sum(out * dout) with respect to kernel, bias and x, for a layer with the given weights."""
    layer = make_causal_conv(kernel.shape[2], kernel.shape[0], dilation, kernel.shape[1])
    layer.set_weights([kernel if np.ndim(weight) == 3 else bias for weight in layer.get_weights()])
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = keras.ops.sum(layer(x) * dout)
    weights = sorted(layer.trainable_variables, key=lambda weight: -len(weight.shape))
    return tape.gradient(total, [*weights, x])


def causal_conv_in_model(kernel, bias, dilation, inputs):
    """What a model of one layer with the given weights, built for any length, predicts for each input."""
    layer = CausalConv1D(kernel.shape[2], kernel.shape[0], dilation)
    model = keras.Sequential([keras.Input((None, kernel.shape[1])), layer])
    layer.set_weights([kernel if np.ndim(weight) == 3 else bias for weight in layer.get_weights()])
    predict = tf.function(model, input_signature=[tf.TensorSpec((None, None, kernel.shape[1]))])
    return [predict(x).numpy() for x in inputs]


# %% nbgrader={"grade": true, "grade_id": "test_causal_convolution", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""Causal dilated convolution: its weights, its output, that it never looks ahead, and its gradients."""


def set_causal_conv(layer, kernel, bias):
    """Give a layer its weights, in whatever order it made them."""
    shapes = sorted(as_array(weight, "a weight").shape for weight in layer.get_weights())
    wanted = sorted([kernel.shape, bias.shape])
    require(shapes == wanted, f"CausalConv1D: its weights should have the shapes {wanted}; they have {shapes}.")
    layer.set_weights([kernel if np.ndim(weight) == 3 else bias for weight in layer.get_weights()])


# One channel that counts: 100 * (two steps back) + 10 * (one step back) + now, with dilation 1, then 2.
layer = make_causal_conv(1, 3, 1, 1)
counting = np.arange(1.0, 6.0, dtype="float32").reshape(1, 5, 1)
kernel = np.array([100.0, 10.0, 1.0], "float32").reshape(3, 1, 1)
set_causal_conv(layer, kernel, np.zeros(1, "float32"))
want = np.array([1.0, 12, 123, 234, 345]).reshape(1, 5, 1)
check_array(layer(counting), want, "CausalConv1D(1, 3)", hint="Does the last row of the kernel meet the present?")
layer = make_causal_conv(1, 3, 2, 1)
set_causal_conv(layer, kernel, np.full(1, 0.5, "float32"))
want = np.array([1.5, 2.5, 13.5, 24.5, 135.5]).reshape(1, 5, 1)
check_array(layer(counting), want, "CausalConv1D(1, 3, dilation=2)")
got = check_items(
    call(causal_conv_in_model, kernel, np.full(1, 0.5, "float32"), 2, [counting, counting[:, :3]]),
    ["five steps", "three steps"],
    "a model whose input has no fixed length",
)
check_array(got[0], want, "a model whose input has no fixed length, given 5 steps")
check_array(got[1], want[:, :3], "a model whose input has no fixed length, given 3 steps")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x71BBBF7EC29F0C4EA28CB8B2CE)


def causal_reference(kernel, bias, dilation, x):
    out = np.tile(bias.astype(np.float64), (*x.shape[:2], 1))
    for t in range(x.shape[1]):
        for k, row in enumerate(kernel[::-1]):
            if t >= k * dilation:
                out[:, t] += x[:, t - k * dilation] @ row
    return out


for filters, kernel_size, dilation, shape in [
    (4, 2, 1, (2, 9, 3)),
    (3, 2, 4, (2, 13, 5)),
    (5, 3, 3, (3, 12, 2)),
    (2, 4, 2, (1, 10, 4)),
    (6, 1, 5, (2, 7, 3)),
    (3, 3, 9, (2, 6, 3)),
]:
    name = f"CausalConv1D({filters}, {kernel_size}, dilation={dilation})"
    kernel = rng.normal(size=(kernel_size, shape[2], filters)).astype("float32")
    bias = rng.normal(size=filters).astype("float32")
    x = rng.normal(size=shape).astype("float32")
    layer = make_causal_conv(filters, kernel_size, dilation, shape[2])
    set_causal_conv(layer, kernel, bias)
    want = causal_reference(kernel, bias, dilation, x)
    check_array(layer(x), want, name, rtol=1e-3, atol=1e-4)
    for now in range(0, shape[1], 3):
        other = x.copy()
        other[:, now + 1 :] = rng.normal(size=other[:, now + 1 :].shape) + 50
        out = as_array(layer(other), name, want.shape)
        require(
            np.allclose(out[:, : now + 1], want[:, : now + 1], atol=1e-3),
            f"{name}: an output depends on what comes later.",
        )
    dout = rng.normal(size=want.shape).astype("float32")
    parts = check_items(
        call(causal_conv_gradients, kernel, bias, dilation, x, dout),
        ["kernel", "bias", "x"],
        f"the gradients of {name}",
    )
    d_kernel, d_x = np.zeros(kernel.shape), np.zeros(x.shape)
    for k in range(kernel_size):
        back = (kernel_size - 1 - k) * dilation
        kept = max(shape[1] - back, 0)
        d_kernel[k] = np.einsum("ntc,ntf->cf", x[:, :kept], dout[:, shape[1] - kept :])
        d_x[:, :kept] += dout[:, shape[1] - kept :] @ kernel[k].T
    for part, got, want in zip(["kernel", "bias", "x"], parts, [d_kernel, dout.sum(axis=(0, 1)), d_x], strict=True):
        require(got is not None, f"{name}: no gradient reaches the {part}. Is the output made with keras.ops alone?")
        check_array(got, want, f"{name}: the gradient with respect to the {part}", rtol=1e-3, atol=1e-4)

kernel, bias = rng.normal(size=(2, 3, 4)).astype("float32"), rng.normal(size=4).astype("float32")
inputs = [rng.normal(size=(2, time, 3)).astype("float32") for time in (11, 5, 17)]
for x, got in zip(inputs, call(causal_conv_in_model, kernel, bias, 3, inputs), strict=True):
    want = causal_reference(kernel, bias, 3, x)
    check_array(got, want, f"a model of any length, given {x.shape[1]} steps", rtol=1e-3, atol=1e-4)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: the CTC loss (13 points)
#
# A recognizer gives a row of class scores every few hundredths of a second; a transcript says *what* was said and not
# *when*. CTC (Graves et al., 2006) sums over every "when". A **path** names one class a row; merging neighbours that
# are equal, and then dropping the blanks, turns it into labels: with blank 0, the paths `0 3 3 0 5` and `3 0 0 5 5`
# both read `3 5`, and `3 0 3` reads `3 3`. The probability of the target is the sum over all paths that read as it, and
# the loss is minus its logarithm.
#
# Write `ctc_loss(logits, targets, logit_lengths, target_lengths)`.
#
# | argument | shape | meaning |
# |---|---|---|
# | `logits` | `(batch, time, num_classes)` | scores before the softmax; class 0 is the blank |
# | `targets` | `(batch, longest)` | integers from 1 to `num_classes - 1` |
# | `logit_lengths` | `(batch,)` | rows of `logits` that count, ≥ 1; what stands behind them is padding: any numbers |
# | `target_lengths` | `(batch,)` | labels of `targets` that count, ≥ 0; what stands behind them is padding: any integers, also such as are no classes |
#
# It returns the losses, an array of shape `(batch,)`: no mean, no division by a length. A target that no path reads as
# has the loss `inf` (never NaN). That is so where there are too few rows: a target needs one for each label, and one
# more for each pair of equal neighbours, which must have a blank between them.
#
# For one utterance of $T$ rows, let $y_t(k)$ be the softmax of row $t$, and $\ell'$ the target with a blank before,
# between and behind its labels: $\ell' = (0, \ell_1, 0, \ell_2, \ldots, 0)$, of length $S = 2L + 1$. With
# $\alpha_t(s)$, the log-probability of all beginnings that are at place $s$ in row $t$,
#
# $$\alpha_0(0) = \log y_0(0), \quad \alpha_0(1) = \log y_0(\ell_1), \quad \alpha_0(s) = -\infty \text{ otherwise},$$
# $$\alpha_t(s) = \log y_t(\ell'_s) + \log\left(e^{\alpha_{t-1}(s)} + e^{\alpha_{t-1}(s-1)} + \big[\ell'_s \ne 0 \text{ and } \ell'_s \ne \ell'_{s-2}\big]\, e^{\alpha_{t-1}(s-2)}\right),$$
# $$\mathrm{loss} = -\log\left(e^{\alpha_{T-1}(S-1)} + e^{\alpha_{T-1}(S-2)}\right),$$
#
# where places before the first count as $-\infty$. Stay in logarithms all the way: hundreds of rows multiply to
# probabilities that no `float64` can hold.
#
# **Hint.** `np.logaddexp(a, b)` is $\log(e^a + e^b)$, and $-\infty$ where both are. All places of a row at once: shift
# $\alpha_{t-1}$ by one and by two, and fill with `-np.inf`. An empty target has $S = 1$, and one path. The logarithm of
# a softmax is $z - \log \sum e^{z}$ with $z = \mathrm{logits} - \max$. Check your function against all paths, with 3
# classes and 4 rows: there are 81.
#
# **Not allowed:** `keras.ops.ctc_*`, `keras.losses.CTC`, `tf.nn.ctc_*`, `tf.compat.v1.nn.ctc_*`, `tf.raw_ops.CTC*`,
# `tf.keras.backend.ctc_*`.
#
# **Graded by** comparing with `tf.nn.ctc_loss`: random batches of different lengths, repeated labels, empty targets,
# targets that just fit and targets that do not, hundreds of rows, huge logits, integer padding of any value.


# %% nbgrader={"grade": false, "grade_id": "ctc_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ctc_loss(logits, targets, logit_lengths, target_lengths):
    """Minus the log-probability (batch,) of each target, summed over all alignments."""
    ### BEGIN SOLUTION
    losses = []
    for rows, target, num_rows, num_labels in zip(logits, targets, logit_lengths, target_lengths, strict=True):
        alphas = log_alphas(log_softmax(rows[:num_rows]), target[:num_labels])
        losses.append(-np.logaddexp.reduce(alphas[-1, -2:]))
    return np.array(losses)
    ### END SOLUTION


# Functions of your own go here, if you want any; delete the line that raises.
### BEGIN SOLUTION
def log_softmax(logits):
    """The logarithm of the softmax over the last axis."""
    z = logits - logits.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def log_alphas(log_y, target):
    """The log-probabilities (num_rows, 2 * len(target) + 1) of all beginnings of paths."""
    places = np.zeros(2 * len(target) + 1, int)
    places[1::2] = target
    may_skip = np.zeros(len(places), bool)
    may_skip[2:] = places[2:] != places[:-2]
    alphas = np.full((len(log_y), len(places)), -np.inf)
    alphas[0, :2] = log_y[0, places[:2]]
    for t in range(1, len(log_y)):
        alpha = np.logaddexp(alphas[t - 1], shifted(alphas[t - 1], 1))
        alpha = np.logaddexp(alpha, np.where(may_skip, shifted(alphas[t - 1], 2), -np.inf))
        alphas[t] = alpha + log_y[t, places]
    return alphas


def shifted(alpha, by):
    """The same values `by` places later."""
    return np.concatenate([np.full(by, -np.inf), alpha])[: len(alpha)]


### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_ctc_loss", "locked": true, "points": 13, "schema_version": 3, "solution": false, "task": false}
"""CTC loss: repeated labels, empty and impossible targets, batches of different lengths, long and extreme inputs."""


def check_losses(got, want, name, **tolerance):
    """Check losses of which some are infinite."""
    want = np.asarray(want, np.float64)
    got = np.asarray(got)
    require(got.dtype.kind == "f" and got.shape == want.shape, f"{name}: floats of shape {want.shape} were expected.")
    require(not np.isnan(got).any(), f"{name}: a loss is NaN. Is something infinite subtracted from itself?")
    impossible = np.isinf(want)
    require(
        np.array_equal(got == np.inf, impossible),
        f"{name}: a loss should be inf where no path reads as the target, and nowhere else.",
    )
    check_array(np.where(impossible, 0, got), np.where(impossible, 0, want), name, **tolerance)


# Two rows, three classes with the probabilities 1/2, 1/4, 1/4. The paths "1 1", "0 1" and "1 0" read "1".
logits = np.log(np.array([[[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]]))
one = np.array([1])
check_losses(call(ctc_loss, logits, np.array([[1]]), 2 * one, one), [-np.log(5 / 16)], "ctc_loss of one label")
check_losses(call(ctc_loss, logits, np.array([[1, 2]]), 2 * one, 2 * one), [-np.log(1 / 16)], "ctc_loss of two labels")
check_losses(call(ctc_loss, logits, np.array([[1]]), 2 * one, 0 * one), [-np.log(1 / 4)], "ctc_loss of an empty target")
# Two equal labels need a blank between them, and so three rows: with two, no path reads "1 1".
check_losses(call(ctc_loss, logits, np.array([[1, 1]]), 2 * one, 2 * one), [np.inf], "ctc_loss of an impossible target")
# A batch of different lengths, with padding in the logits and in the targets.
batch = np.concatenate([logits, logits])
batch[1, 1] = [-3.0, 8.0, 50.0]
got = call(ctc_loss, batch, np.array([[2, 2], [1, -1]]), np.array([2, 1]), np.array([1, 1]))
check_losses(got, [-np.log(5 / 16), -np.log(1 / 4)], "ctc_loss of a batch")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xA0FD151A530F1EF38DE1686090)


def ctc_reference(logits, targets, logit_lengths, target_lengths):
    """The losses by tf.nn.ctc_loss; inf where it gives but a large number: where the target does not fit."""
    behind = np.arange(targets.shape[1]) >= target_lengths[:, None]
    labels = np.where(behind, 0, targets)
    losses = tf.nn.ctc_loss(
        labels, logits.astype("float32"), target_lengths, logit_lengths, logits_time_major=False, blank_index=0
    )
    repeated = ((labels[:, 1:] == labels[:, :-1]) & ~behind[:, 1:]).sum(axis=1)
    return np.where(target_lengths + repeated > logit_lengths, np.inf, losses.numpy())


for what, batch, time, num_classes, longest, scale in [
    ("random batches", 6, 9, 4, 4, 1.0),
    ("two classes, so that all labels are equal", 6, 10, 2, 5, 1.5),
    ("one utterance", 1, 6, 5, 3, 2.0),
    ("many classes", 4, 12, 30, 6, 1.0),
    ("large logits", 5, 8, 4, 4, 20.0),
]:
    for _ in range(2):
        logits = scale * rng.normal(size=(batch, time, num_classes))
        targets = rng.integers(1, num_classes, (batch, longest))
        logit_lengths = rng.integers(1, time + 1, batch)
        target_lengths = np.minimum(rng.integers(0, longest + 1, batch), logit_lengths + 1)
        want = ctc_reference(logits, targets, logit_lengths, target_lengths)
        got = call(ctc_loss, logits, targets, logit_lengths, target_lengths)
        check_losses(got, want, f"ctc_loss with {what}", rtol=1e-3, atol=1e-4)
        targets = np.where(np.arange(longest) < target_lengths[:, None], targets, rng.choice([0, -1, 1, 999]))
        padded = np.where(
            np.arange(time)[:, None] < logit_lengths[:, None, None], logits, 60 * rng.normal(size=logits.shape)
        )
        got = call(ctc_loss, padded, targets, logit_lengths, target_lengths)
        check_losses(got, want, f"ctc_loss with {what} and other padding", rtol=1e-3, atol=1e-4)

# Padding that is no class, of a size that no list of classes has.
logits = rng.normal(size=(3, 6, 4))
targets, lengths = np.array([[2, 2, 1], [3, 1, 1], [1, 1, 1]]), np.array([2, 1, 0])
want = ctc_reference(logits, targets, np.array([6, 4, 5]), lengths)
for padding in (-999, 4, 10**6):
    padded = np.where(np.arange(3) < lengths[:, None], targets, padding)
    got = call(ctc_loss, logits, padded, np.array([6, 4, 5]), lengths)
    check_losses(got, want, "ctc_loss of targets with padding that is no class", rtol=1e-3, atol=1e-4)

# Targets that just fit, and that need one row more.
logits = rng.normal(size=(4, 7, 4))
targets = np.array([[1, 2, 2, 3, 3, 0], [1, 1, 1, 1, 0, 0], [3, 2, 1, 3, 2, 1], [2, 2, 2, 2, 2, 2]])
lengths = np.array([5, 4, 6, 6])
for logit_lengths in ([7, 7, 6, 7], [6, 6, 5, 6]):
    want = ctc_reference(logits, targets, np.array(logit_lengths), lengths)
    check_losses(
        call(ctc_loss, logits, targets, np.array(logit_lengths), lengths),
        want,
        "ctc_loss of targets that (just) fit",
        rtol=1e-3,
    )

# Hundreds of rows: the probability is smaller than any number. Sparse labels take TensorFlow's fast path.
logits = rng.normal(size=(3, 600, 6)) * np.array([1.0, 4.0, 2.0])[:, None, None]
targets = rng.integers(1, 6, (3, 60))
logit_lengths, target_lengths = np.array([600, 480, 300]), np.array([30, 60, 1])
labels = tf.sparse.from_dense(np.where(np.arange(60) < target_lengths[:, None], targets, 0).astype("int32"))
want = tf.nn.ctc_loss(
    labels, logits.astype("float32"), None, logit_lengths, logits_time_major=False, blank_index=0
).numpy()
require(want.min() > 300 and want.max() > 750, "the reference of the long utterances is wrong")
got = call(ctc_loss, logits, targets, logit_lengths, target_lengths)
check_losses(got, want, "ctc_loss of hundreds of rows", rtol=1e-3)

# Logits of thousands: e to that power overflows. The rows speak for "2 0 1", the target is "2 1".
rows = np.array([[0.0, -3000, 3000], [5000, 0, 0], [-4000, 2000, -9000], [6000, -6000, 0]])
for shift in (0, 3000, -8000):
    got = call(ctc_loss, (rows + shift)[None], np.array([[2, 1]]), np.array([4]), np.array([2]))
    check_losses(got, [0.0], "ctc_loss of huge logits", atol=1e-3)
got = call(ctc_loss, rows[None], np.array([[1]]), np.array([4]), np.array([1]))
check_losses(got, [3000.0], "ctc_loss of huge logits that speak against the target", rtol=1e-3)
got = call(ctc_loss, 8 * rows[None], np.array([[1]]), np.array([4]), np.array([1]))
check_losses(got, [24000.0], "ctc_loss of huge logits that speak against the target", rtol=1e-3)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: the gradient of the CTC loss (9 points)
#
# Write `ctc_gradient(logits, targets, logit_lengths, target_lengths)`, with the arguments of task 5. It returns the
# gradient of the **sum** of the batch's losses with respect to `logits`, an array of their shape. It is 0 behind each
# utterance's length, and 0 for an utterance whose loss is infinite (no step could help it).
#
# Let $\beta_t(s)$ be the log-probability of all *endings*, given that the path is at place $s$ in row $t$ (so row $t$
# itself is not in it). Then $\alpha_t(s) + \beta_t(s)$ is the log-probability of all paths through place $s$ in row
# $t$, and
#
# $$\beta_{T-1}(S-1) = \beta_{T-1}(S-2) = 0, \quad \beta_{T-1}(s) = -\infty \text{ otherwise}, \qquad
# \beta_t(s) = \log \sum_{s'} e^{\beta_{t+1}(s') + \log y_{t+1}(\ell'_{s'})},$$
#
# where $s'$ runs over the places that a path may go to from $s$: $s$, $s + 1$, and $s + 2$ if $\ell'_{s+2}$ is neither
# the blank nor $\ell'_s$. The fraction of the paths (weighted by probability) that are at class $k$ in row $t$ is
#
# $$\gamma_t(k) = \sum_{s:\, \ell'_s = k} e^{\alpha_t(s) + \beta_t(s) + \mathrm{loss}}, \qquad
# \frac{\partial\, \mathrm{loss}}{\partial\, \mathrm{logits}_t(k)} = y_t(k) - \gamma_t(k).$$
#
# The same form as in every classifier: what the network says, minus what it should have said.
#
# **Hint.** Both $\gamma_t$ and $y_t$ sum to 1 in every row, so each row of the gradient sums to 0. A label that occurs
# twice in the target collects from both its places: `np.add.at`, or a loop over places. If your task 5 gives all
# $\alpha_t$, the endings of an utterance are the beginnings of the reversed one, but for row $t$ itself: $\alpha$ holds
# it and $\beta$ does not, so take $\log y_t(\ell'_s)$ off again.
#
# **Not allowed:** automatic differentiation and differences (`tf.GradientTape`, `tf.gradients`, `tf.autodiff`,
# `coursegrader.checks.numerical_gradient`), and what task 5 names (`keras.ops.ctc_*`, `keras.losses.CTC`,
# `tf.nn.ctc_*`, `tf.compat.v1.nn.ctc_*`, `tf.raw_ops.CTC*`, `tf.keras.backend.ctc_*`).
#
# **Graded by** comparing with TensorFlow's gradient: random batches of different lengths, repeated labels, empty and
# impossible targets, hundreds of rows (where a `float32` cannot be exact: 0.01 is near enough there), large logits,
# padding of any value.


# %% nbgrader={"grade": false, "grade_id": "ctc_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ctc_gradient(logits, targets, logit_lengths, target_lengths):
    """The gradient (batch, time, num_classes) of the sum of the CTC losses with respect to the logits."""
    ### BEGIN SOLUTION
    gradient = np.zeros(logits.shape)
    for n, (rows, target) in enumerate(zip(logits, targets, strict=True)):
        log_y = log_softmax(rows[: logit_lengths[n]])
        target = target[: target_lengths[n]]
        alphas = log_alphas(log_y, target)
        log_p = np.logaddexp.reduce(alphas[-1, -2:])
        if np.isinf(log_p):
            continue
        places = np.zeros(2 * len(target) + 1, int)
        places[1::2] = target
        # Endings with their first row, which the beginnings hold already.
        betas = log_alphas(log_y[::-1], target[::-1])[::-1, ::-1] - log_y[:, places]
        gamma = np.zeros(log_y.shape)
        for s, label in enumerate(places):
            gamma[:, label] += np.exp(alphas[:, s] + betas[:, s] - log_p)
        gradient[n, : len(log_y)] = np.exp(log_y) - gamma
    return gradient
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_ctc_gradient", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
"""Gradient of the CTC loss: repeated labels, empty and impossible targets, different lengths, long inputs."""
# Probabilities 1/2, 1/4, 1/4 in both rows. Of "1" (5/16), the path "1 1" has 1/16 and "0 1" and "1 0" have 2/16 each.
logits = np.log(np.array([[[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]]))
row = [0.5 - 2 / 5, 0.25 - 3 / 5, 0.25]
got = call(ctc_gradient, logits, np.array([[1, 2]]), np.array([2]), np.array([1]))
hint = "Is row t in alpha and not in beta as well? Is the gradient 0 behind the length?"
check_array(got, np.array([[row, row, [0, 0, 0]]]), "ctc_gradient of one label", hint=hint)
# An empty target has one path, all blanks; two equal labels have none in two rows.
got = call(ctc_gradient, logits, np.array([[1, 2]]), np.array([2]), np.array([0]))
row = [0.5 - 1, 0.25, 0.25]
check_array(got, np.array([[row, row, [0, 0, 0]]]), "ctc_gradient of an empty target")
got = call(ctc_gradient, np.repeat(logits, 2, axis=0), np.array([[1, 1], [1, 2]]), np.array([2, 2]), np.array([2, 2]))
want = np.zeros((2, 3, 3))
want[1, :2] = [[0.5, 0.25 - 1, 0.25], [0.5, 0.25, 0.25 - 1]]
check_array(got, want, "ctc_gradient of an impossible target, and of one with one path")
# In three rows "1 1" has one path, "1 0 1".
got = call(ctc_gradient, logits, np.array([[1, 1]]), np.array([3]), np.array([2]))
want = np.exp(logits) - np.eye(3)[None, [1, 0, 1]]
check_array(got, want, "ctc_gradient of a repeated label", hint="Does a class collect from all its places?")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0x3F12A3CB7F1B4B43B84130FE53)


def ctc_gradient_reference(logits, targets, logit_lengths, target_lengths):
    """The gradient that TensorFlow's operation gives, which has its blank last, and knows no empty targets."""
    want = np.zeros(logits.shape)
    for n, (num_rows, num_labels) in enumerate(zip(logit_lengths, target_lengths, strict=True)):
        rows, target = logits[n, :num_rows].astype(np.float64), targets[n, :num_labels]
        if num_labels == 0:
            p = np.exp(rows - np.log(np.exp(rows - rows.max()).sum(axis=1, keepdims=True)) - rows.max())
            want[n, :num_rows] = p - np.eye(p.shape[1])[0]
        elif num_labels + np.count_nonzero(target[1:] == target[:-1]) <= num_rows:
            _, gradient = tf.raw_ops.CTCLoss(
                inputs=tf.constant(np.roll(rows, -1, axis=1)[:, None], tf.float64),
                labels_indices=[[0, i] for i in range(num_labels)],
                labels_values=(target - 1).astype("int32"),
                sequence_length=[int(num_rows)],
            )
            want[n, :num_rows] = np.roll(gradient.numpy()[:, 0], 1, axis=1)
    return want


for what, batch, time, num_classes, longest, scale in [
    ("random batches", 6, 9, 4, 4, 1.0),
    ("two classes, so that all labels are equal", 5, 11, 2, 5, 1.5),
    ("one utterance", 1, 6, 5, 3, 2.0),
    ("many classes", 4, 12, 20, 6, 1.0),
    ("large logits", 4, 8, 4, 4, 10.0),
    ("hundreds of rows", 2, 500, 5, 60, 2.0),
]:
    for _ in range(2):
        logits = scale * rng.normal(size=(batch, time, num_classes))
        targets = rng.integers(1, num_classes, (batch, longest))
        logit_lengths = rng.integers((time + 1) // 2, time + 1, batch)
        target_lengths = np.minimum(rng.integers(0, longest + 1, batch), logit_lengths)
        want = ctc_gradient_reference(logits, targets, logit_lengths, target_lengths)
        # In float32, log-probabilities of -1000 are exact to 0.0001, and hundreds of such roundings add up.
        atol = 1e-2 if time > 100 else 1e-4
        got = call(ctc_gradient, logits, targets, logit_lengths, target_lengths)
        check_array(got, want, f"ctc_gradient with {what}", atol=atol)
        targets = np.where(np.arange(longest) < target_lengths[:, None], targets, rng.choice([0, -1, 999]))
        rows_count = np.arange(time)[:, None] < logit_lengths[:, None, None]
        padded = np.where(rows_count, logits, 60 * rng.normal(size=logits.shape))
        got = call(ctc_gradient, padded, targets, logit_lengths, target_lengths)
        check_array(got, want, f"ctc_gradient with {what} and other padding", atol=atol)
logits = rng.normal(size=(4, 6, 4))
targets = np.array([[2, 2, 2, 0], [1, 2, 1, 2], [3, 3, 3, 3], [1, 1, 2, 2]])
logit_lengths, target_lengths = np.array([5, 4, 6, 6]), np.array([3, 4, 4, 4])
want = ctc_gradient_reference(logits, targets, logit_lengths, target_lengths)
got = call(ctc_gradient, logits.astype("float32"), targets, logit_lengths, target_lengths)
check_array(got, want, "ctc_gradient of targets that just fit, and of one that does not", atol=1e-4)
# One row: an empty target, a label, and two labels that do not fit.
logits, targets = rng.normal(size=(3, 3, 4)), np.array([[1, 2], [3, 1], [2, 1]])
lengths = np.array([1, 1, 1]), np.array([0, 1, 2])
want = ctc_gradient_reference(logits, targets, *lengths)
check_array(call(ctc_gradient, logits, targets, *lengths), want, "ctc_gradient of utterances of one row", atol=1e-4)
rows = np.array([[[900.0, 0, 0], [0, 0, 800], [0, 850, 0]]])
# The first target's best path is that of the rows; the second's is "0 1 2", with 900 against 800.
want = np.zeros((2, 3, 3))
want[1, 1:] = [[0, -1, 1], [0, 1, -1]]
# What is added to all scores of a row changes no probability.
for added in (0, np.array([[0], [-2000], [3000]])):
    logits = np.tile(rows + added, (2, 1, 1))
    got = call(ctc_gradient, logits, np.array([[2, 1], [1, 2]]), np.array([3, 3]), np.array([2, 2]))
    check_array(got, want, "ctc_gradient of huge logits", atol=1e-3)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 7: greedy decoding and prefix beam search (14 points)
#
# **(a)** (4 points) Write `greedy_decode(logits, logit_lengths)`, with `logits` of shape `(batch, time, num_classes)`
# and lengths as in task 5. In each of its rows, an utterance has the class with the highest score; equal neighbours are
# merged, **then** the blanks (class 0) are dropped. It returns a list with a list of labels (`int`) for each utterance.
# No two scores of a row are equal.
#
# **(b)** (10 points) The best path is not always the best string: many small paths of one string can outweigh it. Write
# `beam_search(log_y, beam_width)` for **one** utterance; `log_y` is `(time, num_classes)`, logarithms of probabilities.
# It keeps label strings (prefixes), and of each the log-probability of all paths so far that read as it, apart for
# those that end with a blank, $b$, and those that end with the prefix' last label, $e$. It begins with the empty
# prefix, $b = 0$, $e = -\infty$. In each row $t$, a kept prefix $\ell$ gives to new entries what the four lines of this
# table say (the empty prefix has no last label; whatever several give to one entry is added up, as probabilities):
#
# | to | what | for |
# |---|---|---|
# | $b$ of $\ell$ | $\log(e^{b} + e^{e}) + \log y_t(0)$ | |
# | $e$ of $\ell$ | $e + \log y_t(c)$ | $c$ the last label of $\ell$ (the label goes on) |
# | $e$ of $\ell c$ | $\log(e^{b} + e^{e}) + \log y_t(c)$ | every label $c$ that is **not** the last one of $\ell$ |
# | $e$ of $\ell c$ | $b + \log y_t(c)$ | $c$ the last label of $\ell$ (said again, after a blank) |
#
# After each row, the `beam_width` prefixes with the largest $\log(e^b + e^e)$ are kept. The result is a list of
# `(labels, log_probability)` after the last row, best first: lists of `int` and that sum as `float`, at most
# `beam_width` of them. A prefix without any path need not be in it. No two prefixes are equally probable.
#
# **Hint.** A dictionary from prefix (a tuple) to its pair; `dict.get(prefix, (-np.inf, -np.inf))`. With a beam that
# holds all prefixes, the log-probabilities are exact: minus your `ctc_loss`.
#
# **Not allowed:** `keras.ops.ctc_*`, `tf.nn.ctc_*`, `tf.compat.v1.nn.ctc_*`, `tf.raw_ops.CTC*`,
# `tf.keras.backend.ctc_*`.
#
# **Graded by** comparing with references: greedy decoding of batches with different lengths, long runs and empty
# results; the beam search against the sum over all paths where the beam is wide, and step by step where it is narrow;
# hundreds of rows.


# %% nbgrader={"grade": false, "grade_id": "greedy_decoding", "locked": false, "schema_version": 3, "solution": true, "task": false}
def greedy_decode(logits, logit_lengths):
    """The labels of each utterance's best path."""
    ### BEGIN SOLUTION
    decoded = []
    for rows, num_rows in zip(logits, logit_lengths, strict=True):
        path = rows[:num_rows].argmax(axis=1)
        first = np.concatenate([[True], path[1:] != path[:-1]])
        decoded.append([int(label) for label in path[first] if label != 0])
    return decoded
    ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "beam_search", "locked": false, "schema_version": 3, "solution": true, "task": false}
def beam_search(log_y, beam_width):
    """The most probable label strings of one utterance, best first: pairs of labels and log-probability."""
    ### BEGIN SOLUTION
    nothing = (-np.inf, -np.inf)
    beam = {(): (0.0, -np.inf)}
    for row in log_y:
        grown = {}
        for prefix, (blank, label) in beam.items():
            both = np.logaddexp(blank, label)
            old = grown.get(prefix, nothing)
            goes_on = label + row[prefix[-1]] if prefix else -np.inf
            grown[prefix] = np.logaddexp(old[0], both + row[0]), np.logaddexp(old[1], goes_on)
            for c in range(1, len(row)):
                longer = (*prefix, c)
                old = grown.get(longer, nothing)
                before = blank if prefix and prefix[-1] == c else both
                grown[longer] = old[0], np.logaddexp(old[1], before + row[c])
        ranked = sorted(grown, key=lambda prefix: np.logaddexp(*grown[prefix]), reverse=True)
        beam = {prefix: grown[prefix] for prefix in ranked[:beam_width]}
    return [(list(prefix), float(np.logaddexp(*pair))) for prefix, pair in beam.items()]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_greedy_decoding", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
"""Greedy decoding: equal neighbours are merged before blanks are dropped, rows behind the length do not count."""


def check_greedy(logits, logit_lengths, want, name):
    got = call(greedy_decode, logits, logit_lengths)
    got = check_items(got, [f"utterance {n}" for n in range(len(want))], name)
    for n, (labels, wanted) in enumerate(zip(got, want, strict=True)):
        labels = as_labels(labels, f"{name}, utterance {n}")
        require(
            labels == wanted,
            f"{name}: the labels of utterance {n} are wrong (there should be {len(wanted)}, there are {len(labels)}).",
        )


def scores_of(paths, num_classes, noise):
    """Scores whose best class is the path's, in each row."""
    return np.eye(num_classes)[np.array(paths)] + noise


paths = [[0, 3, 3, 0, 3, 1], [2, 2, 2, 2, 0, 0], [0, 0, 0, 0, 0, 0]]
check_greedy(scores_of(paths, 4, 0.0) + np.arange(4) / 100, np.array([6, 6, 6]), [[3, 3, 1], [2], []], "greedy_decode")
check_greedy(
    scores_of(paths, 4, -5.0) + np.arange(4) / 100,
    np.array([5, 3, 1]),
    [[3, 3], [2], []],
    "greedy_decode of fewer rows",
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xF2CA5361E269E455A1ADA7F62E)


def greedy_reference(path):
    labels, last = [], 0
    for label in path:
        if label not in (0, last):
            labels.append(int(label))
        last = label
    return labels


for batch, time, num_classes, shares in [(8, 30, 3, 0.6), (5, 12, 11, 0.2), (1, 40, 6, 0.8), (6, 9, 2, 0.5)]:
    paths = rng.integers(0, num_classes, (batch, time))
    for t in range(1, time):
        paths[:, t] = np.where(rng.random(batch) < shares, paths[:, t - 1], paths[:, t])
    lengths = rng.integers(1, time + 1, batch)
    want = [greedy_reference(path[:length]) for path, length in zip(paths, lengths, strict=True)]
    # Scores from far below 0 to far above: only their order counts.
    logits = scores_of(paths, num_classes, 0.9 * rng.random((batch, time, num_classes))) * 50 - rng.choice([0, 100, 25])
    check_greedy(logits, lengths, want, f"greedy_decode of {batch} utterances")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test_beam_search", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""Prefix beam search: exact where the beam is wide, pruned after each row where it is narrow, best first."""


def check_beam(log_y, beam_width, want, name):
    """Check the whole list against the `want`ed (labels, log-probability), best first."""
    got = call(beam_search, log_y, beam_width)
    require(type(got) in (list, tuple), f"{name}: a list of pairs was expected.")
    require(len(got) <= beam_width, f"{name}: there are {len(got)} entries in a beam of {beam_width}.")
    found = []
    for entry in got:
        labels, log_p = check_items(entry, ["labels", "log_probability"], f"an entry of {name}")
        labels, log_p = as_labels(labels, name), np.asarray(log_p, np.float64)
        require(log_p.shape == (), f"{name}: a log-probability is a single number.")
        if log_p > -np.inf or np.isnan(log_p):
            found.append((labels, as_number(log_p, f"{name}: a log-probability")))
    require(len(found) == len(want), f"{name}: {len(want)} label strings were expected, there are {len(found)}.")
    hint = "Does each string collect what comes from all its prefixes, with and without a blank at their end?"
    if beam_width < 100:
        hint += " Are only the `beam_width` best prefixes kept after each row?"
    for place, ((labels, log_p), (want_labels, want_log_p)) in enumerate(zip(found, want, strict=True)):
        require(labels == list(want_labels), f"{name}: the labels at place {place} are wrong. {hint}")
        check_number(log_p, want_log_p, f"{name}: the log-probability at place {place}", hint=hint)


# Two rows with 0.6 for the blank: the best path is "0 0" (0.36), the best string is "1" (0.24 + 0.24 + 0.16).
log_y = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
check_beam(log_y, 5, [([1], np.log(0.64)), ([], np.log(0.36))], "beam_search of two rows")
# A third row: "1 1" needs a blank between its labels, and has the one path "1 0 1".
log_y = np.log(np.array([[0.6, 0.4], [0.6, 0.4], [0.3, 0.7]]))
want = [([1], np.log(1 - 0.108 - 0.168)), ([1, 1], np.log(0.168)), ([], np.log(0.108))]
check_beam(log_y, 5, want, "beam_search of three rows")
# A beam of one keeps the empty string twice (0.4, then 0.16) and so has forgotten all that "1" had before: 0.16 * 0.6.
log_y = np.log(np.array([[0.4, 0.35, 0.25], [0.4, 0.35, 0.25], [0.1, 0.6, 0.3]]))
check_beam(log_y, 1, [([1], np.log(0.096))], "beam_search of three rows with a beam of 1")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xD4D08BCDEF47BA5FD788F2A1B5)


def all_strings(log_y):
    """Every label string with the sum over all its paths, best first."""
    paths = np.stack(np.meshgrid(*[np.arange(log_y.shape[1])] * len(log_y), indexing="ij"), axis=-1).reshape(
        -1, len(log_y)
    )
    totals = {}
    for path, log_p in zip(paths, log_y[np.arange(len(log_y)), paths].sum(axis=1), strict=True):
        labels, last = [], 0
        for label in path:
            if label not in (0, last):
                labels.append(int(label))
            last = label
        totals[tuple(labels)] = np.logaddexp(totals.get(tuple(labels), -np.inf), log_p)
    return sorted(totals.items(), key=lambda item: -item[1])


def beam_reference(log_y, beam_width):
    """Prefixes with the logarithms of their probabilities that end with a blank and with a label."""
    ends = {(): [0.0, -np.inf]}
    for row in log_y:
        parts = {}
        for prefix, (blank, label) in ends.items():
            for c, log_p in enumerate(row):
                if c == 0:
                    given = [(prefix, 0, np.logaddexp(blank, label))]
                elif prefix and c == prefix[-1]:
                    given = [(prefix, 1, label), ((*prefix, c), 1, blank)]
                else:
                    given = [((*prefix, c), 1, np.logaddexp(blank, label))]
                for target, side, amount in given:
                    sides = parts.setdefault(target, [-np.inf, -np.inf])
                    sides[side] = np.logaddexp(sides[side], amount + log_p)
        parts = {prefix: sides for prefix, sides in parts.items() if max(sides) > -np.inf}
        kept = sorted(parts, key=lambda prefix: -np.logaddexp(*parts[prefix]))[:beam_width]
        ends = {prefix: parts[prefix] for prefix in kept}
    return [(prefix, np.logaddexp(*sides)) for prefix, sides in ends.items()]


def log_probabilities(time, num_classes, scale):
    z = scale * rng.normal(size=(time, num_classes))
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


for time, num_classes, scale in [(4, 3, 1.0), (5, 2, 1.0), (5, 3, 2.0), (1, 6, 1.0), (4, 4, 0.5)]:
    log_y = log_probabilities(time, num_classes, scale)
    check_beam(log_y, 1000, all_strings(log_y), f"beam_search of {time} rows with a wide beam")
for time, num_classes, scale, beam_width in [
    (8, 4, 1.0, 3),
    (12, 3, 1.5, 5),
    (10, 6, 1.0, 1),
    (15, 11, 2.0, 8),
    (9, 2, 1.0, 2),
    (100, 5, 3.0, 4),
]:
    log_y = log_probabilities(time, num_classes, scale)
    want = beam_reference(log_y, beam_width)
    check_beam(log_y, beam_width, want, f"beam_search of {time} rows with a beam of {beam_width}")
# Hundreds of rows: the probabilities are smaller than any number.
log_y = log_probabilities(800, 12, 0.7)
want = beam_reference(log_y, 4)[0][1]
require(want < -750, "the reference of the long utterance is wrong")
got = call(beam_search, log_y, 4)
require(type(got) in (list, tuple) and len(got) > 0, "beam_search of 800 rows: a list of pairs was expected.")
log_p = check_items(got[0], ["labels", "log_probability"], "an entry of beam_search of 800 rows")[1]
check_number(log_p, want, "beam_search of 800 rows: the best log-probability", rtol=1e-3)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 8: word error rate (7 points)
#
# **(a)** Write `edit_distance(reference, hypothesis)`: the smallest number of words to replace, leave out or put in so
# that the list `hypothesis` becomes the list `reference`; an `int`. Words are strings or integers, and two are the same
# where `==` says so; either list may be empty.
#
# With $D[i, j]$ for the first $i$ words of the reference and the first $j$ of the hypothesis,
#
# $$D[i, 0] = i, \quad D[0, j] = j, \quad
# D[i, j] = \min\left(D[i-1, j] + 1,\; D[i, j-1] + 1,\; D[i-1, j-1] + [\mathrm{reference}_i \ne \mathrm{hypothesis}_j]\right).$$
#
# **(b)** Write `word_error_rate(references, hypotheses)` for two equally long lists of such lists: all errors together,
# divided by the number of words in all **references** together; a `float`. At least one reference has a word. The rate
# can exceed 1.
#
# **Hint.** One row of $D$ at a time is enough. A mean of the utterances' rates is something else: a string of one word
# would count as much as one of six.
#
# **Not allowed:** `tf.edit_distance`, `tf.raw_ops.EditDistance`, `difflib`, `jiwer`.
#
# **Graded by** comparing with a reference: equal and disjoint lists, empty ones, many insertions, words and integers,
# lists of different lengths.


# %% nbgrader={"grade": false, "grade_id": "word_errors", "locked": false, "schema_version": 3, "solution": true, "task": false}
def edit_distance(reference, hypothesis):
    """The smallest number of replaced, missing and extra words."""
    ### BEGIN SOLUTION
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        above, row = row, [i]
        for j, other in enumerate(hypothesis, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (word != other)))
    return row[-1]
    ### END SOLUTION


def word_error_rate(references, hypotheses):
    """All errors divided by the number of words in all references."""
    ### BEGIN SOLUTION
    errors = sum(map(edit_distance, references, hypotheses))
    return errors / sum(map(len, references))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_word_errors", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
"""Word error rate: replaced, missing and extra words, over the number of words in the references."""


def check_distance(reference, hypothesis, want, name):
    check_number(call(edit_distance, reference, hypothesis), want, f"edit_distance, {name}")


check_distance(["one", "two", "three"], ["one", "too", "three"], 1, "one word replaced")
check_distance(["one", "two", "three"], ["one", "three"], 1, "one word missing")
check_distance(["one", "two"], ["one", "oh", "two", "two"], 2, "two words too many")
check_distance([], [4, 4], 2, "an empty reference")
check_distance([4, 1], [], 2, "an empty hypothesis")
check_distance([1, 2, 3, 4], [2, 3, 4, 5], 2, "everything moved by one place")
rate = call(word_error_rate, [[1, 2, 3, 4, 5], [6]], [[1, 2, 3, 4, 5], [7]])
check_number(rate, 1 / 6, "word_error_rate", hint="Every word counts the same, whatever string it is in.")
check_number(call(word_error_rate, [["no"], []], [["well", "yes", "so"], []]), 3.0, "word_error_rate above 1")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xDBB4BF2F5F420C40B9CA5C687E)


def distance_reference(a, b):
    table = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for i in range(len(a)):
        for j in range(len(b)):
            table[i + 1, j + 1] = min(table[i, j] + int(a[i] != b[j]), table[i, j + 1] + 1, table[i + 1, j] + 1)
    return int(table[-1, -1])


words = ["zero", "one", "two", "three"]
for vocabulary, longest in [([0, 1], 6), (list(range(10)), 9), (words, 5), ([3], 5), (words[:2], 12)]:
    references, hypotheses = (
        [[vocabulary[i] for i in rng.integers(0, len(vocabulary), rng.integers(0, longest + 1))] for _ in range(25)]
        for _ in range(2)
    )
    references[0], hypotheses[0] = vocabulary[:1] * 3, []
    hypotheses[1] = references[1] + vocabulary[:1] * 4
    distances = [distance_reference(*pair) for pair in zip(references, hypotheses, strict=True)]
    for reference, hypothesis, want in zip(references, hypotheses, distances, strict=True):
        check_distance(reference, hypothesis, want, f"{len(reference)} words against {len(hypothesis)}")
    want = sum(distances) / sum(map(len, references))
    check_number(
        call(word_error_rate, references, hypotheses), want, f"word_error_rate with {len(vocabulary)} different words"
    )
check_distance(list("kitten"), list("sitting"), 3, "letters as words")
check_distance([12, 3], [1, 23], 2, "integers of several digits")
# Words that are equal, and not the same objects.
check_distance([1000, 2000], [int("1000"), int("2000")], 0, "equal integers")
check_distance(["twenty", "one"], ["-twenty"[1:], "-one"[1:]], 0, "equal strings")
check_distance(["no", "No"], ["no", "no"], 1, "a capital letter")
check_number(call(word_error_rate, [[1, 2, 3]], [[1, 2, 3]]), 0.0, "word_error_rate without an error")
check_number(call(word_error_rate, [[], [5]], [[1, 2, 3], []]), 4.0, "word_error_rate with an empty reference")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 9: a training loop with clipped gradients (9 points)
#
# The loss of a whole string is steep where the network is far off, above all in the beginning: one step can undo
# hundreds. So the gradient is cut to a largest length (Pascanu et al., 2013, section 3.2). From here on, ready-made
# losses are allowed.
#
# **(a)** Write `clip_gradients(gradients, max_norm)`. `gradients` is a list of arrays or tensors of any shapes. Their
# common norm is $\lVert g \rVert = \sqrt{\sum_i \sum g_i^2}$, over all entries of all of them. If it is larger than
# `max_norm`, every gradient is multiplied by $\mathrm{max\_norm} / \lVert g \rVert$; else all stay as they are. It
# returns a list.
#
# **(b)** Write `train(model, optimizer, inputs, targets, *, epochs, batch_size, max_norm, stride=1, seed=0)`. `inputs`
# is a list of `float32` arrays `(num_frames, num_features)`, `targets` a list of lists of labels, from 1 on (at least
# one each). `model` is a Keras model that makes logits `(batch, num_rows, num_classes)` of a batch
# `(batch, num_frames, num_features)`: one row for every `stride` frames, so that an utterance has `ceil(num_frames / stride)` rows. Class 0
# is the blank. It trains `model` and returns the list of the epochs' losses.
#
# **What can be learned.** An utterance with fewer rows than its target needs (task 5: labels, and one more row for each
# pair of equal neighbours) has an infinite loss. Leave it out of the training altogether.
#
# **An epoch** goes once through all the others, in a random order of the utterances that is new in every epoch and
# follows from `seed` (the same seed gives the same orders; another seed, others). Each batch holds `batch_size`
# utterances; the last one holds what is left, if anything. Shorter utterances of a batch are filled up with zeros
# **behind** their frames.
#
# **A step.** The loss is the mean of the batch's CTC losses, of the logits `model(batch, training=True)` and each
# utterance's own number of rows. Call the model once a step. Its gradient with respect to all trainable variables, from
# `tf.GradientTape`, is clipped to `max_norm` and given to `optimizer` once.
#
# **After an epoch**, its loss is the mean over its **utterances** of the loss each had when its batch was trained (so
# a smaller last batch counts for less), as a Python float.
#
# **Hint.** `tf.nn.ctc_loss(labels, logits, label_length, logit_length, logits_time_major=False, blank_index=0)` gives
# the loss of each utterance. `optimizer.apply(gradients, variables)`. Outside of a `tf.function`, that loss and its
# gradient take about half a second a call, whatever the batch: fine for this task's few steps, too slow for task 10,
# where you want a compiled step. (A batch may be longer than its longest utterance: filled to the next multiple of 32,
# say, a compiled step sees few different shapes. TensorFlow may print `'tfg.While' ... not compatible` while it
# compiles the loss; nothing is wrong then.)
#
# **Not allowed:** `tf.clip_by_*`, `tf.linalg.global_norm`, `keras.optimizers`, `model.fit`, `model.train_on_batch`.
#
# **Graded by** clipping lists of arrays of different shapes, with norms above and below the limit, and zeros; by
# training a linear model, which writes down the batches that it is given, and repeating your steps in NumPy: order and
# size of the batches, zeros behind the utterances, losses, weights after several epochs with and without clipping, a
# stride, utterances that must be left out, untrainable variables that stay.


# %% nbgrader={"grade": false, "grade_id": "training_loop", "locked": false, "schema_version": 3, "solution": true, "task": false}
def clip_gradients(gradients, max_norm):
    """The gradients, made smaller together where their common norm is larger than max_norm."""
    ### BEGIN SOLUTION
    norm = keras.ops.sqrt(sum(keras.ops.sum(keras.ops.square(gradient)) for gradient in gradients))
    factor = max_norm / keras.ops.maximum(norm, max_norm)
    return [gradient * keras.ops.cast(factor, gradient.dtype) for gradient in gradients]
    ### END SOLUTION


def train(model, optimizer, inputs, targets, *, epochs, batch_size, max_norm, stride=1, seed=0):
    """Train `model` with the CTC loss; gives the mean loss of each epoch."""
    ### BEGIN SOLUTION
    num_rows = [-(-len(frames_) // stride) for frames_ in inputs]
    needed = [len(target) + sum(a == b for a, b in zip(target, target[1:], strict=False)) for target in targets]
    usable = [n for n in range(len(inputs)) if needed[n] <= num_rows[n]]
    rng = np.random.default_rng(seed)
    losses = []
    for _ in range(epochs):
        order = rng.permutation(usable)
        total = 0.0
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            x = filled([inputs[n] for n in batch])
            labels = filled([np.array(targets[n], "int32") for n in batch])
            label_lengths = np.array([len(targets[n]) for n in batch], "int32")
            row_lengths = np.array([num_rows[n] for n in batch], "int32")
            with tf.GradientTape() as tape:
                logits = model(x, training=True)
                each = tf.nn.ctc_loss(
                    labels, logits, label_lengths, row_lengths, logits_time_major=False, blank_index=0
                )
                loss = keras.ops.mean(each)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply(clip_gradients(gradients, max_norm), model.trainable_variables)
            total += float(loss) * len(batch)
        losses.append(total / len(order))
    return losses
    ### END SOLUTION


# Functions of your own go here, if you want any; delete the line that raises.
### BEGIN SOLUTION
def filled(arrays):
    """Arrays of different lengths as one, with zeros behind the shorter ones."""
    together = np.zeros((len(arrays), max(map(len, arrays)), *arrays[0].shape[1:]), arrays[0].dtype)
    for row, array in zip(together, arrays, strict=True):
        row[: len(array)] = array
    return together


### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "factory_training_loop", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
class FrameClassifier(keras.Model):
    """Logits of each `stride`-th frame from one linear layer; `remember` is called with each batch of the training."""

    def __init__(self, kernel, bias, stride, remember):
        super().__init__()
        self.kernel = self.add_weight(shape=kernel.shape, initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=bias.shape, initializer="zeros", name="bias")
        self.offset = self.add_weight(shape=bias.shape, initializer="ones", trainable=False, name="offset")
        self.kernel.assign(kernel)
        self.bias.assign(bias)
        self.stride, self.remember = stride, remember

    def call(self, x, training=False):
        if training:
            tf.py_function(self.remember, [x], [])
        return keras.ops.matmul(x[:, :: self.stride], self.kernel) + self.bias + self.offset


def train_frame_classifier(kernel, bias, learning_rate, inputs, targets, **settings):
    """Train a linear model with your `train`; gives losses, batches seen, number of steps, weights."""
    batches = []
    model = FrameClassifier(kernel, bias, settings.get("stride", 1), lambda batch: batches.append(batch.numpy()))
    optimizer = keras.optimizers.SGD(learning_rate)
    losses = train(model, optimizer, inputs, targets, **settings)
    weights = {"kernel": model.kernel.numpy(), "bias": model.bias.numpy(), "offset": model.offset.numpy()}
    return {"losses": losses, "batches": batches, "steps": int(optimizer.iterations.numpy()), **weights}


# %% nbgrader={"grade": true, "grade_id": "test_training_loop", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
"""Training loop: clipping by the common norm, batches and their padding, CTC losses, what is left out, the weights."""
clipped = check_items(
    call(clip_gradients, [np.array([[3.0]]), np.array([0.0, 4.0])], 1.0), ["first", "second"], "clip_gradients"
)
check_array(clipped[0], np.array([[0.6]]), "the first of two gradients with the common norm 5, clipped to 1")
check_array(clipped[1], np.array([0.0, 0.8]), "the second of two gradients with the common norm 5, clipped to 1")
clipped = check_items(call(clip_gradients, [np.array([3.0, 4.0])], 6.0), ["the only one"], "clip_gradients")
check_array(clipped[0], np.array([3.0, 4.0]), "a gradient with the norm 5, clipped to 6")

# Five utterances, told apart by their first feature; the third has two frames for "1 1", which needs three.
lengths, targets = [4, 6, 2, 3, 5], [[1], [2, 2], [1, 1], [2, 1], [1, 2, 1]]
inputs = [
    np.stack([np.full(length, n + 1.0), np.arange(length)], axis=1).astype("float32")
    for n, length in enumerate(lengths)
]
settings = dict(epochs=2, batch_size=3, max_norm=1.0, seed=0)
run = call(train_frame_classifier, np.zeros((2, 3)), np.zeros(3), 0.0, inputs, targets, **settings)
batches = [as_array(batch, "a batch") for batch in run["batches"]]
sizes = [len(batch) for batch in batches]
require(
    sizes == [3, 1, 3, 1],
    "Of five utterances one has too few rows and stays out; the 4 others come in batches of 3, for 2 epochs: "
    f"your batches have the sizes {sizes}.",
)
require(run["steps"] == 4, "The optimizer should be applied once a step.")
seen = [sorted(int(number) for batch in batches[k : k + 2] for number in batch[:, 0, 0]) for k in (0, 2)]
require(seen == [[1, 2, 4, 5]] * 2, f"Each epoch should use each utterance but the third once; yours uses {seen}.")
for batch in batches:
    for row in batch:
        length = lengths[int(row[0, 0]) - 1]
        require(np.array_equal(row[:length, 1], np.arange(length)), "An utterance's frames were changed.")
        require(not row[length:].any(), "Behind an utterance's frames there should be zeros.")
# All classes are equally likely, and a learning rate of 0 changes nothing. Of the 81 paths of four rows, 10 read
# "1"; of 729, 35 read "2 2"; of 27, 5 read "2 1"; of 243, 28 read "1 2 1".
want = np.mean(np.log([81 / 10, 729 / 35, 27 / 5, 243 / 28]))
for epoch, loss in enumerate(check_items(run["losses"], ["epoch 0", "epoch 1"], "the losses")):
    check_number(loss, want, f"the loss of epoch {epoch}")
# A row for every other frame: 2, 3, 1, 2, 3 rows. "1" has 3 of 9 paths, "2 2" 1 of 27, "2 1" 1 of 9, "1 2 1" 1 of 27.
settings = dict(epochs=5, batch_size=4, max_norm=1.0, stride=2, seed=1)
run = call(train_frame_classifier, np.zeros((2, 3)), np.zeros(3), 0.0, inputs, targets, **settings)
orders = [as_array(batch, "a batch")[:, 0, 0].tolist() for batch in run["batches"]]
require(
    [sorted(order) for order in orders] == [[1, 2, 4, 5]] * 5,
    f"Two frames a row, five epochs of one batch: each should hold utterances 1, 2, 4 and 5; yours hold {orders}.",
)
require(len(set(map(tuple, orders))) > 1, "Each epoch should have a random order of its own; yours are all the same.")
check_number(run["losses"][-1], np.log([3, 27, 9, 27]).mean(), "the loss of an epoch with two frames a row")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xD490AB46BC27E7A74583EBC123)
for what, shapes, scale, max_norm in [
    ("three arrays", [(3, 4), (4,), (2, 3, 2)], 1.0, 0.7),
    ("a norm below the limit", [(5,), (2, 2)], 0.01, 0.7),
    ("a norm far above the limit", [(6, 5), (5,)], 1e4, 10.0),
    ("one number each", [(), (1,)], 5.0, 0.1),
    ("zeros", [(3,), (2, 2)], 0.0, 1.0),
]:
    gradients = [np.asarray(scale * (0.1 + rng.random(shape)), "float32") for shape in shapes]
    norm = np.sqrt(sum((gradient.astype(np.float64) ** 2).sum() for gradient in gradients))
    got = check_items(
        call(clip_gradients, gradients, max_norm), [f"gradient {i}" for i in range(len(shapes))], "clip_gradients"
    )
    for i, (gradient, clipped) in enumerate(zip(gradients, got, strict=True)):
        want = gradient * (max_norm / norm if norm > max_norm else 1.0)
        check_array(clipped, want, f"clip_gradients, {what}: gradient {i}")


def step_reference(batch, rows, weights, stride):
    """The losses of a batch's utterances (numbers in `rows`), and the gradients of their mean."""
    kernel, bias = weights
    losses, gradients = [], [np.zeros(kernel.shape), np.zeros(bias.shape)]
    for padded, n in zip(batch, rows, strict=True):
        x = padded[: len(inputs[n])][::stride]
        logits = x @ kernel + bias
        target = np.array(targets[n])
        loss, gradient = tf.raw_ops.CTCLoss(
            inputs=tf.constant(np.roll(logits, -1, axis=1)[:, None], tf.float64),
            labels_indices=[[0, i] for i in range(len(target))],
            labels_values=(target - 1).astype("int32"),
            sequence_length=[len(logits)],
        )
        gradient = np.roll(gradient.numpy()[:, 0], 1, axis=1) / len(rows)
        losses.append(float(loss[0]))
        gradients[0] += x.T @ gradient
        gradients[1] += gradient.sum(axis=0)
    return losses, gradients


inputs = [rng.normal(size=(length, 4)).astype("float32") for length in (9, 12, 5, 17, 8, 12, 4, 10, 3, 6, 11)]
targets = [[1, 2], [3, 3, 1], [2], [1, 2, 3, 1], [3], [2, 2], [1, 1, 1], [1, 3], [2, 1, 2], [1, 1], [3, 2]]
kernel, bias = rng.normal(size=(4, 4)).astype("float32"), rng.normal(size=4).astype("float32")
orders = {}
for what, settings, learning_rate, stride, left_out in [
    ("no clipping", dict(epochs=2, batch_size=4, max_norm=1e9, seed=1), 0.1, 1, {6}),
    ("clipping", dict(epochs=3, batch_size=4, max_norm=0.5, seed=2), 0.2, 1, {6}),
    ("some steps clipped", dict(epochs=3, batch_size=3, max_norm=2.0, seed=1), 0.1, 1, {6}),
    ("a stride of 2", dict(epochs=2, batch_size=5, max_norm=1.0, stride=2, seed=3), 0.2, 2, {6, 8}),
    ("one batch that holds all, and the default seed", dict(epochs=2, batch_size=50, max_norm=1.0), 0.5, 1, {6}),
]:
    run = call(train_frame_classifier, kernel, bias, learning_rate, inputs, targets, **settings)
    epochs, batch_size = settings["epochs"], settings["batch_size"]
    usable = [n for n in range(len(inputs)) if n not in left_out]
    steps_an_epoch = -(-len(usable) // batch_size)
    batches = [as_array(batch, "a batch").astype(np.float64) for batch in run["batches"]]
    sizes = [min(batch_size, len(usable) - start) for start in range(0, len(usable), batch_size)] * epochs
    require(
        [len(batch) for batch in batches] == sizes,
        f"{what}: number or sizes of the batches are wrong (one call a step; without what has too few rows).",
    )
    require(run["steps"] == len(batches), f"{what}: the optimizer should be applied once a step.")
    firsts = np.array([x[0] for x in inputs])
    order = [np.abs(batch[:, 0][:, None] - firsts).sum(axis=2).argmin(axis=1) for batch in batches]
    for batch, rows in zip(batches, order, strict=True):
        for padded, n in zip(batch, rows, strict=True):
            length = len(inputs[n])
            require(
                np.allclose(padded[:length], inputs[n]) and not padded[length:].any(),
                f"{what}: a batch should hold the frames of its utterances, with zeros behind the shorter ones.",
            )
    seen = np.concatenate(order).reshape(epochs, len(usable))
    require(
        all(sorted(epoch) == usable for epoch in seen.tolist()),
        f"{what}: each epoch should use each utterance once, but for those with too few rows.",
    )
    for first, second in zip([np.array(usable), *seen], seen, strict=False):
        require(not np.array_equal(first, second), f"{what}: each epoch should have a random order of its own.")
    # The offset of the model is 1 for all classes, which changes no probability.
    weights, want_losses = [kernel.astype(np.float64), bias.astype(np.float64)], []
    for step, (batch, rows) in enumerate(zip(batches, order, strict=True)):
        losses, gradients = step_reference(batch, rows, weights, stride)
        if step % steps_an_epoch == 0:
            want_losses.append(0.0)
        want_losses[-1] += sum(losses) / len(usable)
        norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
        factor = min(1.0, settings["max_norm"] / norm)
        weights = [
            weight - learning_rate * factor * gradient for weight, gradient in zip(weights, gradients, strict=True)
        ]
    losses = check_items(run["losses"], [f"epoch {epoch}" for epoch in range(epochs)], f"the losses with {what}")
    for epoch, (loss, want) in enumerate(zip(losses, want_losses, strict=True)):
        check_number(loss, want, f"the loss of epoch {epoch} with {what}", rtol=1e-3)
    check_array(run["kernel"], weights[0], f"the kernel after training with {what}", rtol=1e-3, atol=1e-4)
    check_array(run["bias"], weights[1], f"the bias after training with {what}", rtol=1e-3, atol=1e-4)
    check_array(run["offset"], np.ones(4, "float32"), f"a variable that is not trainable, with {what}")
    orders[what] = seen
require(
    np.array_equal(orders["no clipping"], orders["some steps clipped"][:2]),
    "The same seed should give the same orders.",
)
require(not np.array_equal(orders["clipping"][0], orders["no clipping"][0]), "Another seed should give another order.")
### END HIDDEN TESTS

# %% [markdown]
# ## Task 10: a recognizer of digit strings (12 points)
#
# The speech: strings of one to six digits, read as one phrase by synthetic voices of several accents. You train on
# twenty voices (480 strings: 400 of `speech.train`, 80 of `speech.valid`); four others, `speech.test`, are there to
# listen to, and to see how well you do on voices that were not in the training.

# %% nbgrader={"grade": false, "grade_id": "load_data", "locked": true, "schema_version": 3, "solution": false, "task": false}
speech = load_speech("bundled")
train_waves = [utterance.wave for utterance in speech.train + speech.valid]
train_digits = [list(utterance.digits) for utterance in speech.train + speech.valid]
test_waves = [utterance.wave for utterance in speech.test]
test_digits = [list(utterance.digits) for utterance in speech.test]

# %%
utterance = speech.test[24]
figure, (above, below) = plt.subplots(2, 1, figsize=(8, 4), sharex=True, layout="constrained")
above.plot(np.arange(len(utterance.wave)) / RATE, utterance.wave, linewidth=0.5)
above.set(title=f"Voice {utterance.speaker} says {' '.join(word.label for word in utterance.words)}", ylabel="sample")
# A little noise, so that silence has a logarithm.
noisy = utterance.wave + 1e-4 * np.random.default_rng(0).standard_normal(len(utterance.wave))
below.specgram(noisy, NFFT=256, Fs=RATE, noverlap=176, cmap="viridis", vmin=-120)
below.set(xlabel="time in s", ylabel="frequency in Hz")
for word in utterance.words:
    below.axvline(word.end / RATE, color="white", linewidth=1)
plt.show()
Audio(utterance.wave, rate=RATE)

# %% [markdown]
# Write two functions:
#
# - `fit_recognizer(waves, transcripts)` trains a recognizer. `waves` is a list of `float32` arrays `(num_samples,)` at
#   8,000 samples a second, `transcripts` a list of lists of digits, integers from 0 to 9. It returns whatever your
#   second function needs.
# - `transcribe(recognizer, waves)` takes that and a list of new waves, and returns a list with a list of digits (`int`,
#   0 to 9) for each. How many waves come at once varies.
#
# Everything is allowed: ready-made layers, losses and decoders, your own functions of the tasks above. Not allowed are
# weights that were trained elsewhere and speech other than `waves` (and what you make of it): the synthesizer, too,
# stays unused. The training cell below gives your function the strings of the twenty voices, and prints how long it
# took. Keep it under 60 s by the clock on two CPU cores; 20 s are enough. (Grading ends the cell after 180 s, on a
# machine that may be slower than yours.)
#
# **Hint.** Digit $d$ becomes CTC's label $d + 1$. Log-mel features of windows of 25 ms every 10 ms, each band with its
# mean subtracted and divided by its standard deviation over the utterance, say little about the voice. Two or three
# convolutions over time with batch normalization, two of them with stride 2, leave a row every 40 ms, which is enough
# for digits (how many rows does "3 3" need?). Voices differ in pitch and pace: copies of the waves, played a little
# faster or slower, are new voices that cost nothing (`np.interp`). Keep some *voices* aside for validation while you
# choose (`speech.valid` are four of the twenty), and train on all of them in the end.
#
# **Graded by** your recognizer's word error rate on eight voices that nobody else has heard, whose transcripts your
# notebook never sees: 12 points for a word error rate of at most 12 %, 6 points for at most 40 %. Your network is
# trained anew when it is graded, and may come out a little different: aim for 5 % on `speech.test`. Replaced, missing
# and extra digits all count; a recognizer that was not trained, or on wrong transcripts, errs on more than 70 %.


# %% nbgrader={"grade": false, "grade_id": "experiment", "locked": false, "schema_version": 3, "solution": true, "task": false} tags=["trains"]
def fit_recognizer(waves, transcripts):
    """Train on waves (num_samples,) and their lists of digits; gives what transcribe needs."""
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    faster = [played_faster(wave, np.exp(rng.uniform(-0.18, 0.18))) for wave in waves]
    inputs = [features(wave) for wave in [*waves, *faster]]
    labels = [np.array(digits) + 1 for digits in [*transcripts, *transcripts]]
    model = acoustic_model()
    num_epochs, batch_size = 8, 16
    num_steps = num_epochs * -(-len(inputs) // batch_size)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.004, num_steps), global_clipnorm=5.0)
    # Were its variables made in the first step, that would be compiled twice.
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(x, y, num_rows):
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            # Sparse labels take TensorFlow's fast path.
            losses = tf.nn.ctc_loss(
                tf.sparse.from_dense(y), logits, None, num_rows, logits_time_major=False, blank_index=0
            )
            loss = tf.reduce_mean(losses)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    order = np.argsort([len(x) for x in inputs], kind="stable")
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    for _ in coursekit.progress_bar(range(num_epochs), label="recognizer"):
        for number in rng.permutation(len(batches)):
            batch = batches[number]
            y = np.zeros((len(batch), max(len(labels[n]) for n in batch)), "int32")
            for row, n in zip(y, batch, strict=True):
                row[: len(labels[n])] = labels[n]
            step(side_by_side([inputs[n] for n in batch]), y, rows_of([inputs[n] for n in batch]))
    return model
    ### END SOLUTION


def transcribe(recognizer, waves):
    """The digits that are heard in each wave."""
    ### BEGIN SOLUTION
    inputs = [features(wave) for wave in waves]
    paths = recognizer.predict(side_by_side(inputs), verbose=0).argmax(axis=-1)
    heard = []
    for path, num_rows in zip(paths, rows_of(inputs), strict=True):
        path = path[:num_rows]
        first = np.append(True, path[1:] != path[:-1])
        heard.append([int(label) - 1 for label in path[first] if label > 0])
    return heard
    ### END SOLUTION


# Functions of your own go here, if you want any; delete the line that raises.
### BEGIN SOLUTION
NUM_BANDS = 32


def features(wave, length=200, step=80, fft_size=256):
    """Log-mel features (num_frames, NUM_BANDS) of a wave, each band with mean 0 and variance 1."""
    low, high = (np.log1p(hertz / 700) for hertz in (60, 3800))
    corners = 700 * np.expm1(np.linspace(low, high, NUM_BANDS + 2))
    frequencies = np.arange(fft_size // 2 + 1)[:, None] * RATE / fft_size
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    starts = np.arange(0, len(wave) - length + 1, step)
    spectrum = np.fft.rfft(wave[starts[:, None] + np.arange(length)] * np.hanning(length), fft_size)
    bands = np.log(np.abs(spectrum) ** 2 @ np.maximum(0, np.minimum(rising, falling)) + 1e-5)
    return ((bands - bands.mean(axis=0)) / (bands.std(axis=0) + 1e-3)).astype("float32")


def played_faster(wave, factor):
    """The wave at another speed: pitch and pace change together."""
    return np.interp(np.arange(0, len(wave) - 1, factor), np.arange(len(wave)), wave)


def acoustic_model(width=96):
    """Convolutions over time that give logits of the blank and ten digits, a row for every four frames."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((None, NUM_BANDS))])
    for strides, dropout in [(2, 0.0), (2, 0.2), (1, 0.2), (1, 0.2)]:
        model.add(layers.Conv1D(width, 5, strides=strides, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(11))
    return model


def side_by_side(inputs, multiple=32):
    """Features as one array (batch, time, NUM_BANDS), with zeros behind the shorter ones."""
    time = -(-max(map(len, inputs)) // multiple) * multiple
    return np.stack([np.pad(x, ((0, time - len(x)), (0, 0))) for x in inputs])


def rows_of(inputs):
    """How many rows of logits each utterance has."""
    return np.array([-(-len(x) // 4) for x in inputs], "int32")


### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "train_experiment", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["candidate"]
start = perf_counter()
recognizer = fit_recognizer(train_waves, train_digits)
print(f"trained in {perf_counter() - start:.0f} s")


def predict(waves):
    """What your recognizer hears in `waves`: what the test cell asks for."""
    return transcribe(recognizer, waves)


# %% nbgrader={"grade": true, "grade_id": "test_experiment", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
"""Digit recognizer: its word error rate on voices that were not in the training."""


def error_rate(waves, transcripts):
    """The word error rate of what `predict` hears."""
    heard = check_items(call(predict, waves), [f"wave {n}" for n in range(len(waves))], "transcribe")
    heard = [as_labels(digits, "transcribe") for digits in heard]
    require(all(0 <= digit <= 9 for digits in heard for digit in digits), "transcribe: digits lie between 0 and 9.")
    sparse = [tf.ragged.constant(strings, tf.int64, ragged_rank=1).to_sparse() for strings in (heard, transcripts)]
    return float(tf.reduce_sum(tf.edit_distance(*sparse, normalize=False))) / sum(map(len, transcripts))


check_items(call(predict, test_waves[:1]), ["wave 0"], "transcribe for one wave")
rate = error_rate(test_waves, test_digits)
chance = " That is what guessing gives: are features, labels and lengths made alike in both functions?"
hint = chance if rate > 0.7 else ""
require(rate <= 0.4, f"word error rate {rate:.1%} on the four public test voices: points begin at 40 %.{hint}")
print(f"Word error rate {rate:.1%} on the four public test voices. On others, 12 % give 12 points, and 40 % give 6.")
### BEGIN HIDDEN TESTS
# Beside the tests in the exam; in its folder where the instructor's notebook runs.
file = next(path for path in (Path("unseen_voices.npz.xz"), Path("examiner/unseen_voices.npz.xz")) if path.exists())
unseen = bundled.unpack(file.read_bytes())
rate = error_rate([utterance.wave for utterance in unseen], [list(utterance.digits) for utterance in unseen])
require(rate <= 0.4, f"word error rate {rate:.1%} on new voices: points begin at 40 %.")
12 if rate <= 0.12 else 6
### END HIDDEN TESTS

# %% [markdown]
# ## Task 11: a written answer (6 points)
#
# Answer in about 250 words, in the next cell:
#
# 1. What is the blank for? Say what would go wrong without it with the string "3 3", and what a network would have to
#    do in the rows between two words. Then: how many paths of five rows read as "3", and why does the loss sum over
#    all of them instead of taking the best one?
# 2. A student splits all 480 strings at random into training and test, and reports a word error rate half as high as
#    yours. What does that number measure, and what does it not? What would you have to know about a *real* data set to
#    avoid the same mistake?
# 3. Look at strings that *your* recognizer gets wrong (`test_waves`). Which kind of error is the most frequent one
#    (replaced, missing, extra), and for which digits? Name one change that you would try, and say how you would know
#    that it helped.
#
# **Graded** by hand: 2 points for each part.

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_answer", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
# 1. Reading a path merges equal neighbours, so that a label may last. Without a blank, no path could read as "3 3": a
#    blank between the two keeps them apart. In the rows between two words nothing is said, and the network would have
#    to go on with one of the labels; the blank lets it say nothing, and commit itself only where it is sure. In five
#    rows, "3" has $5 \cdot 6 / 2 = 15$ paths: every run of neighbouring rows. Where in the audio the word lies is
#    unknown, and no one path is the right one: the sum trains all paths that read as the target, each by its share,
#    while the best one alone would make the first guess of an untrained network its own teacher.
# 2. It measures how well new strings of *known* voices are recognized: each test voice was in the training. It says
#    nothing about new speakers, for whom a recognizer is made. Of a real data set I would need to know who speaks in
#    each recording (and the room, the microphone and the session: they give a speaker away, too), and split by that.
# 3. Of the six errors on the four test voices, four are missing digits, one is an extra digit and one a replaced one. The
#    missing ones are the second of two equal digits (of "6 2 2 0" my recognizer writes "6 2 0") and short words inside a
#    long string. A row lasts 40 ms, and the blank between two equal digits needs one: I would try one stride of 2 less.
#    It helped if the word error rate falls on *validation voices* by more than it differs from seed to seed, and there
#    the number of missing digits above all.

# %% [markdown]
# ## Bonus: WaveNet's cached generation (10 points)
#
# WaveNet makes sound one code at a time, and each code needs the whole network. Computed anew over the receptive field,
# a sample costs more the longer the network looks back. But of a dilated convolution with two rows, only **one** input
# of the past is new in each step, and it was computed `dilation` steps ago. Keep it, and a step costs the same however
# far the network looks back.
#
# The network is a dictionary of plain data:
#
# | key | shape | meaning |
# |---|---|---|
# | `dilations` | list of int | one for each layer, from the bottom |
# | `embedding` | `(num_codes, channels)` | the bottom layer's input for each code |
# | `layers` | list of dictionaries | `past`, `now`: `(channels, 2 * channels)`; `bias`: `(2 * channels,)`; `residual`: `(channels, channels)`; `skip`: `(channels, num_skip)` |
# | `output`, `output_bias` | `(num_skip, num_codes)`, `(num_codes,)` | from the skip sums to logits |
#
# In step $t$, $h_t$ is the embedding of the step's code. Each layer, with its dilation $d$ and its own input $h$
# ($h_t = 0$ before the beginning; $\sigma(a) = 1 / (1 + e^{-a})$), computes
#
# $$a = h_{t-d}\,\mathrm{past} + h_t\,\mathrm{now} + \mathrm{bias}, \qquad z = \tanh(a_{\text{first half}}) \cdot \sigma(a_{\text{second half}}),$$
#
# adds $z\,\mathrm{skip}$ to the sum of all layers' skips, and hands $h_t + z\,\mathrm{residual}$ to the next layer. The
# logits of the **next** code are $\mathrm{ReLU}(\text{sum of skips})\,\mathrm{output} + \mathrm{output\_bias}$.
#
# **(a)** Write `wavenet_step(network, queues, t, code)`. `queues` is a list with an array `(dilation, channels)` for
# each layer: a ring, in which row $t \bmod d$ holds the layer's input of step $t - d$ when step $t$ begins, and its
# input of step $t$ afterwards; the other rows stay. `code` is the code of step $t$. It returns `(logits, queues)`: an
# array `(num_codes,)`, and the list of rings as they are after the step.
#
# **(b)** Write `generate(network, queues, t, code, uniforms)`, which goes on from there: `code` is the code of step
# `t`, and each number of `uniforms` (from 0 to 1) draws one more. With the softmax $p$ of the logits, the code drawn by
# $u$ is the number of classes $k$ whose cumulative sum $p_0 + \ldots + p_k$ is at most $u$ (or the last class, where
# rounding makes that all of them); it is the code of the next step. Return `(codes, queues)`: the drawn codes, integers
# of shape `(len(uniforms),)`, and the rings after the last step (the last code drawn has not been a step yet).
#
# **Hint.** `queue[t % len(queue)]` is read first, then written. `np.searchsorted(cumulative, u, side="right")` counts
# what is at most $u$.
#
# **Not allowed:** `tf.nn.*conv*`, `keras.ops.conv`, `keras.layers.*Conv*`, `tf.raw_ops.*Conv*`,
# `tf.keras.backend.*conv*`.
#
# **Graded by** comparing logits, codes and rings, step by step, with a network that is computed over the whole
# sequence, and from rings with arbitrary content; with dilations up to 64, in any order; logits of thousands.


# %% nbgrader={"grade": false, "grade_id": "bonus_cached_generation", "locked": false, "schema_version": 3, "solution": true, "task": false}
def wavenet_step(network, queues, t, code):
    """Logits for the code after step t, and the rings after it."""
    ### BEGIN SOLUTION
    queues = [np.array(queue) for queue in queues]
    h, skips = network["embedding"][code], 0.0
    for queue, layer in zip(queues, network["layers"], strict=True):
        place = t % len(queue)
        a = queue[place] @ layer["past"] + h @ layer["now"] + layer["bias"]
        queue[place] = h
        first, second = np.split(a, 2)
        z = np.tanh(first) / (1 + np.exp(-second))
        skips = skips + z @ layer["skip"]
        h = h + z @ layer["residual"]
    return np.maximum(skips, 0) @ network["output"] + network["output_bias"], queues
    ### END SOLUTION


def generate(network, queues, t, code, uniforms):
    """The codes that the random numbers draw after step t, and the rings after the last step."""
    ### BEGIN SOLUTION
    codes = []
    for u in uniforms:
        logits, queues = wavenet_step(network, queues, t, code)
        p = np.exp(logits - logits.max())
        code = int(np.searchsorted(np.cumsum(p / p.sum()), u, side="right"))
        code = min(code, len(logits) - 1)
        codes.append(code)
        t += 1
    return np.array(codes), queues
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bonus_test_cached_generation", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
"""Cached generation: logits, rings and codes, step by step, as a network over the whole sequence gives them."""


def random_network(rng, dilations, num_codes, channels, num_skip):
    """A WaveNet with random weights, whose outputs are far from even."""

    def normal(*shape):
        return rng.normal(size=shape) / np.sqrt(shape[0])

    layers = [
        {
            "past": 2 * normal(channels, 2 * channels),
            "now": 2 * normal(channels, 2 * channels),
            "bias": normal(2 * channels),
            "residual": normal(channels, channels),
            "skip": normal(channels, num_skip),
        }
        for _ in dilations
    ]
    return {
        "dilations": list(dilations),
        "embedding": rng.normal(size=(num_codes, channels)),
        "layers": layers,
        "output": 2 * normal(num_skip, num_codes),
        "output_bias": normal(num_codes),
    }


def whole_sequence(network, codes):
    """Each layer's inputs (num_steps, channels), and the logits (num_steps, num_codes), all steps at once."""
    h, inputs, skips = network["embedding"][codes], [], 0.0
    for dilation, layer in zip(network["dilations"], network["layers"], strict=True):
        inputs.append(h)
        before = np.concatenate([np.zeros((dilation, h.shape[1])), h])[: len(h)]
        first, second = np.split(before @ layer["past"] + h @ layer["now"] + layer["bias"], 2, axis=1)
        z = np.tanh(first) / (1 + np.exp(-second))
        skips = skips + z @ layer["skip"]
        h = h + z @ layer["residual"]
    return inputs, np.maximum(skips, 0) @ network["output"] + network["output_bias"]


def ring_of(inputs, dilation, num_steps):
    """The last inputs of a layer, each at its place, after `num_steps` steps."""
    ring = np.zeros((dilation, inputs.shape[1]))
    for step in range(max(0, num_steps - dilation), num_steps):
        ring[step % dilation] = inputs[step]
    return ring


def check_rings(rings, want, name):
    for number, (ring, wanted) in enumerate(
        zip(check_items(rings, [f"ring {i}" for i in range(len(want))], name), want, strict=True)
    ):
        check_array(ring, wanted, f"{name}, ring {number}")


network = random_network(np.random.default_rng(0), [1, 2, 4], 8, 3, 5)
codes = np.array([4, 1, 7, 7, 0, 2, 5, 3, 6])
inputs, logits = whole_sequence(network, codes)
rings = [np.zeros((dilation, 3)) for dilation in network["dilations"]]
for t, code in enumerate(codes.tolist()):
    got, rings = check_items(call(wavenet_step, network, rings, t, code), ["logits", "queues"], "wavenet_step")
    check_array(got, logits[t], f"wavenet_step: the logits of step {t}")
    want = [ring_of(*layer, t + 1) for layer in zip(inputs, network["dilations"], strict=True)]
    check_rings(rings, want, f"wavenet_step: the rings after step {t}")
# With an output of zeros, the classes have the probabilities of the softmax of their biases: 1/2, 1/4, 1/4.
even = random_network(np.random.default_rng(1), [2], 3, 2, 2)
even["output"], even["output_bias"] = np.zeros((2, 3)), np.log([2.0, 1.0, 1.0])
drawn, rings = check_items(
    call(generate, even, [np.zeros((2, 2))], 0, 1, np.array([0.4, 0.6, 0.8, 0.1])), ["codes", "queues"], "generate"
)
check_array(drawn, np.array([0, 1, 2, 0]), "generate: the codes drawn by 0.4, 0.6, 0.8 and 0.1")
# The steps were those of the codes 1, 0, 1 and 2: the last two of them are in the ring.
check_rings(rings, [even["embedding"][[1, 2]]], "generate: the rings after four steps")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(0xC80AFD320F737A78A14E2DBB97)
for dilations, num_codes, channels, num_skip, num_steps in [
    ([1, 2, 4, 8, 1, 2, 4, 8], 16, 4, 6, 40),
    ([3, 1, 5], 9, 3, 4, 21),
    ([64, 16], 32, 5, 3, 80),
    ([1], 4, 2, 2, 6),
]:
    network = random_network(rng, dilations, num_codes, channels, num_skip)
    name = f"dilations {dilations}"
    # From silence: drawn one by one, each from the logits that the whole sequence before it gives.
    uniforms = rng.random(num_steps)
    want = [int(rng.integers(num_codes))]
    for u in uniforms:
        last = whole_sequence(network, np.array(want))[1][-1]
        cumulative = np.cumsum(np.exp(last)) / np.exp(last).sum()
        want.append(int((cumulative <= u).sum()))
    rings = [np.zeros((dilation, channels)) for dilation in dilations]
    drawn, rings = check_items(call(generate, network, rings, 0, want[0], uniforms), ["codes", "queues"], "generate")
    check_array(drawn, np.array(want[1:]), f"generate: the codes with {name}")
    inputs = whole_sequence(network, np.array(want[:-1]))[0]
    wanted = [ring_of(*layer, num_steps) for layer in zip(inputs, dilations, strict=True)]
    check_rings(rings, wanted, f"generate: the rings with {name}")
    # From rings with a content that no sequence of codes would leave, at any time.
    for t in (0, 7, 1000):
        rings = [rng.normal(size=(dilation, channels)) for dilation in dilations]
        want_rings, code = [ring.copy() for ring in rings], int(rng.integers(num_codes))
        h, skips = network["embedding"][code], np.zeros(num_skip)
        for ring, layer in zip(want_rings, network["layers"], strict=True):
            a = layer["past"].T @ ring[t % len(ring)] + layer["now"].T @ h + layer["bias"]
            ring[t % len(ring)] = h
            z = np.tanh(a[:channels]) * 0.5 * (1 + np.tanh(a[channels:] / 2))
            skips, h = skips + layer["skip"].T @ z, h + layer["residual"].T @ z
        want_logits = network["output"].T @ np.maximum(skips, 0) + network["output_bias"]
        got, after = check_items(call(wavenet_step, network, rings, t, code), ["logits", "queues"], "wavenet_step")
        check_array(got, want_logits, f"wavenet_step: the logits of step {t} with {name}")
        check_rings(after, want_rings, f"wavenet_step: the rings after step {t} with {name}")
        p = np.exp(want_logits) / np.exp(want_logits).sum()
        inside = [np.cumsum(p)[k] - p[k] / 2 for k in range(num_codes) if p[k] > 1e-6]
        for u in rng.permutation(inside)[:4]:
            drawn, after = check_items(
                call(generate, network, rings, t, code, np.array([u])), ["codes", "queues"], "generate"
            )
            check_array(drawn, np.array([(np.cumsum(p) <= u).sum()]), f"generate: one code after step {t} with {name}")
            check_rings(after, want_rings, f"generate: the rings after step {t} with {name}")
drawn, rings = check_items(
    call(generate, network, [np.zeros((1, 2))], 3, 0, np.array([0.0, 1.0])), ["codes", "queues"], "generate"
)
drawn = as_array(drawn, "generate: the codes drawn by 0 and 1", (2,))
require(
    drawn[0] == 0 and drawn[1] == 3,
    "generate: 0 draws the first class, and 1 (by rounding) no class behind the last one.",
)
loud = even | {"output_bias": np.array([1000.0, 3000.0, -3000.0])}
drawn, _ = check_items(
    call(generate, loud, [np.zeros((2, 2))], 0, 1, np.array([0.1, 0.9])), ["codes", "queues"], "generate"
)
check_array(drawn, np.array([1, 1]), "generate: the codes drawn from logits of thousands")
# There the first class has the probability 0: its cumulative sum is at most 0.
drawn, _ = check_items(call(generate, loud, [np.zeros((2, 2))], 0, 1, np.array([0.0])), ["codes", "queues"], "generate")
check_array(drawn, np.array([1]), "generate: the code that 0 draws, where the first class has the probability 0")
### END HIDDEN TESTS
