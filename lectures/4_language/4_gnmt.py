# ---
# jupyter:
#   kernelspec:
#     display_name: Deep Learning (GPU if present)
#     language: python
#     name: dl-course
# ---

# %% [markdown]
# # GNMT: word pieces, depth, eight bits, and a pair of languages never seen
#
# | | |
# |---|---|
# | **Papers** | Y. Wu et al., *Google's neural machine translation system: bridging the gap between human and machine translation*, arXiv 1609.08144 (2016) · M. Schuster, K. Nakajima, *Japanese and Korean voice search*, ICASSP (2012): word pieces · M. Johnson et al., *Google's multilingual neural machine translation system: enabling zero-shot translation*, arXiv 1611.04558 (2016), TACL 5 (2017) |
# | **You need** | `4_language/3_machine_translation`: encoder, decoder, attention, beam search, BLEU. What is used again is defined again, in short |
# | **Time** | two to four minutes on two CPU cores with the bundled data; on a GPU not timed yet |
#
# The last lecture's network knows a list of words, has one layer, and computes in 32 bits. In September 2016 Google put
# a network into service that had none of these limits, and two months later one network for many languages. You will
# build both in miniature: pieces of words, a deep stack, a search that counts what it has read, a translation in
# whole numbers, and at the end a pair of languages that the network has never seen together.
#
# (*What to see* under a figure or a table describes the stored run: the small profile, the bundled data, seed 0.
# Other profiles, seeds and real sentences give other pictures.)

# %%
import itertools
import math
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import coursekit  # First: it imports Keras and TensorFlow without their start-up messages.
import keras
import numpy as np
import tensorflow as tf
from coursedata.translation import Phenomena, Vocabulary, load_translation, normalize, tokenize
from coursekit import plots
from coursekit.definitions import definitions
from IPython.display import Markdown
from keras import layers, ops

seed = coursekit.set_seed()
profile = coursekit.get_profile()
# Many small operations: two at a time, each on one core. Two cores for one would mostly wait for each other.
tf.config.threading.set_inter_op_parallelism_threads(profile.pick(small=2, full=0))
tf.config.threading.set_intra_op_parallelism_threads(profile.pick(small=1, full=0))
device = coursekit.set_device(mixed_precision=False)
tf.get_logger().setLevel("ERROR")  # It warns when the same function is compiled for one network after another.
profile, device

# %% [markdown]
# ## Claim
#
# | what the papers report | where |
# |---|---|
# | 8 layers read and 8 layers write, with residual connections and attention between them | Wu et al., abstract |
# | English to French (WMT 2014), one model: 38.95 BLEU, 7.5 more than a single model of Luong, Sutskever et al. (2015) before its unknown words are repaired by copying | Wu et al., section 1 |
# | people, comparing side by side: 60 % fewer translation errors than Google's phrase-based system, on average over isolated simple sentences | Wu et al., abstract |
# | one model translates between pairs of languages never seen explicitly in training | Johnson et al., abstract |
#
# What stood between the network of the last lecture and a service used by everybody, by Wu et al.'s introduction: it is
# slow to train and to run, it fails on rare words, and it sometimes leaves out parts of the sentence. Each part of GNMT
# answers one of these.
#
# **The claims of this lecture**, each checked at the end: (1) word pieces write rare words (here: words that no
# training sentence has), of which a vocabulary of words has none, by construction; (2) translating with 8-bit weights
# and activations loses less than 0.5 BLEU; (3) a pair of languages that the network never saw together is translated
# well above chance.
#
# ## Data
#
# English to German, from the course's grammar, this time with **rare words**: names of people and towns put together
# from syllables, and compounds, which German writes as one word. They are what a list of words cannot hold. Some
# compounds are kept for the test: the training has both of their halves, but not the whole. Sentences are short (at
# most six English words; seven in a third of the test), so that two cores can learn them. With `COURSE_SOURCE=real`
# the same notebook runs on Tatoeba's sentences.
#
# The next cell prints how many sentences were *drawn* and why others were dropped, as in the last lecture: from the
# training, those with a combination of words that is kept for the test; from the third of the test that has such
# combinations, those without; and sentences that came twice, or that are in the validation set or the test as well.

# %%
IS_REAL = profile.source == "real"
# What people write takes longer to learn: more sentences and steps.
MAX_WORDS = profile.pick(small=8 if IS_REAL else 6, full=12)
SIZES = {
    "num_train": 22000 if IS_REAL else profile.pick(small=9000, full=30000),
    "num_valid": 150,
    "num_test": 1500,
}


def load(languages, sizes, max_words, share, **phenomena):
    """A split of the bundled grammar without numbers, or of Tatoeba."""
    if IS_REAL:
        return load_translation("real", languages=languages, seed=seed, max_words=max_words + 2, **sizes)
    return load_translation(
        "bundled",
        languages=languages,
        seed=seed,
        phenomena=Phenomena(numbers=False, **phenomena),
        share=share,
        max_train_words=max_words,
        max_words=max_words + 1,
        **sizes,
    )


split = load(("en", "de"), SIZES, MAX_WORDS, share=profile.pick(small=0.6, full=1.0))
print(split.report)


# %% [markdown]
# A word is **rare** in this lecture if *no* training sentence has it. Few test sentences have such a word, so these
# get a list of their own. Five of them are printed: English, German, and the rare words.


# %%
def tokens(text):
    return tokenize(normalize(text))


pairs = {
    part: [(tokens(source), tokens(target)) for source, target in getattr(split, part)]
    for part in ("train", "valid", "test")
}
# In how many pairs of sentences a word is, on either side.
counts = Counter(word for source, target in pairs["train"] for word in {*source, *target})


def rare_words(target):
    """The words of a target sentence that training does not have at all."""
    return [word for word in target if word not in counts]


is_rare = np.array([bool(rare_words(target)) for _, target in pairs["test"]])
# Few sentences have rare words: they get a list of their own.
NUM_TEST = 240
chosen = {
    "all": np.arange(NUM_TEST),
    "with rare words": np.flatnonzero(is_rare)[:NUM_TEST],
}
references = {
    "valid": [[tokens(text) for text in texts] for texts in split.valid_references],
    "test": [[tokens(text) for text in texts] for texts in split.test_references],
}
print(f"{len(pairs['train'])} training sentences, {len(counts)} different words in both languages,")
print(f"{sum(count == 1 for count in counts.values())} of them in one pair only;", end=" ")
print(f"{is_rare.sum()} test sentences have words that no training sentence has")
for k in chosen["with rare words"][:5]:
    print(" ".join(pairs["test"][k][0]), "|", " ".join(pairs["test"][k][1]), "|", *rare_words(pairs["test"][k][1]))

# %% [markdown]
# **BLEU**, from the last lecture: the geometric mean of the shares of n-grams (one to four words) that are in a reference, each
# counted at most as often as the reference has it, times a penalty for being shorter than the reference. We count
# whole *words* for every system, whatever pieces it wrote: BLEU over pieces would be another measure.


# %%
def ngrams(tokens, n):
    return Counter(tuple(tokens[k : k + n]) for k in range(len(tokens) - n + 1))


def bleu(hypotheses, references, max_n=4):
    """BLEU (0 to 100) of a corpus: token lists, and for each a list of references, themselves token lists."""
    matched, total = np.zeros(max_n), np.zeros(max_n)
    length = reference_length = 0
    for hypothesis, options in zip(hypotheses, references, strict=True):
        length += len(hypothesis)
        reference_length += min((abs(len(one) - len(hypothesis)), len(one)) for one in options)[1]
        for n in range(1, max_n + 1):
            found, allowed = ngrams(hypothesis, n), Counter()
            for option in options:
                allowed |= ngrams(option, n)
            matched[n - 1] += (found & allowed).total()
            total[n - 1] += found.total()
    if not length or not matched.all():
        return 0.0
    return 100 * math.exp(min(0.0, 1 - reference_length / length) + np.mean(np.log(matched / total)))


# %% [markdown]
# ## Before
#
# **Phrases.** The phrase-based system of the last lecture, on this lecture's sentences: word alignments in both directions
# by IBM's model 1, a table of phrases of up to four words, a language model of German word triples, and stack decoding. Its code
# is read from that lecture's text; `definitions` takes over functions and classes, and runs none of its cells. On the validation
# sentences it may choose how much its language model weighs; its other settings, all near the best there, are the
# defaults. A word that its table lacks is copied. Printed are the first German phrases for *the dog* and for *never*.

# %%
lecture_3 = definitions(Path("3_machine_translation.py"))
# Its functions find these three by their names.
lecture_3.t_forward = lecture_3.word_table(pairs["train"]).as_dict()
lecture_3.t_backward = lecture_3.word_table([pair[::-1] for pair in pairs["train"]]).as_dict()
lecture_3.language_model = lecture_3.KneserNey([target for _, target in pairs["train"]])
table = lecture_3.phrase_table(pairs["train"])


def phrase_based(sources, settings):
    return [list(lecture_3.stack_decode(source, table, settings)[0]) for source in sources]


tried = {}
for weight in (0.5, 1.0, 2.0):
    settings = lecture_3.Settings(language_model=weight)
    tried[settings] = bleu(phrase_based([source for source, _ in pairs["valid"]], settings), references["valid"])
settings = max(tried, key=tried.get)
print(f"{len(table):,} phrases; language model {settings.language_model}: {tried[settings]:.1f} BLEU on validation")
for phrase in (("the", "dog"), ("never",)):
    print(" ".join(phrase), "->", " | ".join(" ".join(one.words) for one in table.get(phrase, [])[:4]))

# %% [markdown]
# **A vocabulary of words.** Like the network of the last lecture, this one knows a list of words: those that came at
# least three times, of both languages. All others are one token, *unknown*, and what it writes for them is this
# token. Luong, Sutskever et al. (*Addressing the rare word problem in neural machine translation*, ACL 2015) repair
# it afterwards: copy the source word that belongs there, or look it up. We will measure with and without copying; the
# attention says which word belongs there. How good could a word-level system be at best, without the repair? Send the
# references themselves through the vocabulary.


# %%
class Words:
    """A vocabulary of words, both languages in one; padding 0, start 1, end 2, unknown 3."""

    def __init__(self, sentences, min_count=3):
        self.vocabulary = Vocabulary(sentences, min_count=min_count)

    def __len__(self):
        return len(self.vocabulary)

    def encode(self, words):
        return self.vocabulary.encode(words)

    def decode(self, ids):
        return [self.vocabulary.words[k] for k in ids]


words_only = Words([sentence for pair in pairs["train"] for sentence in pair])
perfect = [words_only.decode(words_only.encode(target)) for _, target in pairs["test"]]
rows = [
    f"| {name} | {len(which)} | {bleu([perfect[k] for k in which], [references['test'][k] for k in which]):.1f} |"
    for name, which in chosen.items()
]
Markdown(
    f"{len(words_only)} entries\n\n| test sentences | number | BLEU of the reference itself, rare words unknown |\n"
    "|---|---|---|\n" + "\n".join(rows)
)

# %% [markdown]
# *What to see:* on sentences with rare words even a perfect translator that cannot write them is far from 100.
# (Unknown here are also the words that came once or twice.) And copying helps with names only: a compound has another
# name in German.
#
# ## Idea
#
# ### Word pieces
#
# Between letters (any word can be written, but sentences get long) and words (short, but never complete) lie **pieces**:
# frequent words whole, rare ones in parts. Which pieces? Those that make the training text most likely (Schuster and
# Nakajima). Take the text as a row of $N$ units drawn one by one, unit $u$ with the share $n_u / N$ that it has. Its log-likelihood
# is
#
# $$\mathcal{L} = \sum_u n_u \log \frac{n_u}{N} = \sum_u f(n_u) - f(N), \qquad f(n) = n \log n.$$
#
# (The logarithm is the natural one, and $f(0) = 0$.) Start with letters. If two neighbours $a$, $b$ that stand
# together $n$ times become one unit, $a$ and $b$ lose $n$ each, the new unit has $n$, and the text has $N - n$ units:
#
# $$\Delta = f(n_a - n) + f(n_b - n) + f(n) - f(n_a) - f(n_b) - f(N - n) + f(N).$$
#
# Merge the pair with the largest $\Delta$, again and again, until there are as many units as you want, or no pair
# that came at least five times has a $\Delta$ above 0. (If the new unit is there already, $m$ times, $f(n)$ becomes
# $f(m + n) - f(m)$. Merging the most *frequent* pair instead is byte-pair encoding; a frequent pair of letters that
# are frequent anyway gains little here.)
# Words start with the mark `▁`, so that they can be put together again. To **cut** a new word, replay the merges in the order
# in which they were learned: the same word is always cut the same way. Pieces are learned on both languages at once and shared, so
# that a name is the same pieces on both sides and can be copied piece by piece.

# %% [markdown]
# ### Deep, and still trainable; deep, and still fast
#
# A second layer of LSTMs reads the states of the first, and so on. Many layers are hard to train: a gradient that
# passes through all of them shrinks or explodes. The remedy is that of ResNet (`2_vision/1_imagenet_cnns`), a way
# past each layer: if $x^k_t$ goes into layer $k$ at token $t$, the next one gets
# $x^{k+1}_t = x^k_t + \text{LSTM}^k(x^k)_t$. (In the paper from the third layer on, here from the first.)
#
# Only the **bottom** layer of the encoder reads in both directions, and the decoder's **bottom** layer computes the
# attention, for all layers above. Both for speed: a layer that also reads backwards cannot begin before the one below
# has finished, and an attention that needs the decoder's top layer makes its lower layers wait for it at each word. The
# picture shows the encoder's layers (0 is the bottom) and the GPUs that they live on: one each, or two for
# a layer that reads in both directions. In the boxes stands the time slot in which a layer has done a word, if a step takes one slot.


# %%
def earliest(num_layers, length, both_ways):
    """The first time slot (layers, length) at which each step of each layer is done; `both_ways`: a flag per layer."""
    slots = np.zeros((num_layers, length), int)
    for layer in range(num_layers):
        below = slots[layer - 1] if layer else np.zeros(length, int)
        if both_ways[layer]:
            # Two processors: one walks to the right, one to the left; a step is done when both have been there.
            ready = below.max() if layer else 0
            slots[layer] = ready + np.maximum(np.arange(length), np.arange(length)[::-1]) + 1
        else:
            for t in range(length):
                slots[layer, t] = max(below[t], slots[layer, t - 1] if t else 0) + 1
    return slots


figure, axes = plots.subplots(1, 2, width=4.6, height=2.4)
for axis, name, both_ways in zip(
    axes,
    ("GNMT: bottom layer in both directions", "all layers in both directions"),
    ([1, 0, 0, 0], [1] * 4),
    strict=True,
):
    slots = earliest(4, 8, both_ways)
    picture = axis.imshow(slots, origin="lower", vmin=1, vmax=32, aspect="auto")
    for (layer, t), slot in np.ndenumerate(slots):
        axis.text(t, layer, slot, ha="center", va="center", fontsize=8, color="w" if slot < 20 else "k")
    axis.grid(False)
    devices = itertools.count()
    places = [" + ".join(str(next(devices)) for _ in range(1 + both)) for both in both_ways]
    axis.set_yticks(range(4), [f"layer {layer}: GPU {place}" for layer, place in enumerate(places)])
    axis.set(title=f"{name}: {slots.max()} slots", xlabel="word")
figure.colorbar(picture, ax=axes, label="time slot")
figure

# %% [markdown]
# *What to see:* the numbers, and the colours, are time slots. Left, all layers above the bottom one run at once like
# a wave, each one word behind the layer below; right, each layer has to wait until the one below has read the whole
# sentence.
#
# ### Translate everything, and not too briefly
#
# A sum of log-probabilities gets smaller with each word, so a beam search likes short sentences; and nothing in it asks whether
# all of the source was translated. Wu et al. (section 7) score a finished translation $Y$ of $X$ by
#
# $$s(Y, X) = \frac{\log P(Y \mid X)}{\left(\frac{5 + |Y|}{6}\right)^\alpha}
# + \beta \sum_{i} \log \min\Big(\sum_{j} p_{ij},\, 1\Big),$$
#
# where $|Y|$ is the number of tokens and $p_{ij}$ the attention that output token $j$ pays to source token $i$ (each
# with the token that ends the sentence): a source token that got less than one token's worth of attention in all
# costs something. With $\alpha = 0$ the length does not count, with $\alpha = 1$ nearly the mean per token does;
# $\beta = 0$ turns coverage off. Both are chosen on validation sentences.
#
# ### Eight bits
#
# Nearly all the time goes into products of a vector $x$ with a matrix $W$. Write both in whole numbers from -127 to
# 127 (with a hat): with $s_j = \max_k |W_{kj}|$ for each column and a fixed limit $\delta$ for the inputs,
#
# $$W_{kj} \approx \frac{s_j}{127} \hat W_{kj}, \quad x_k \approx \frac{\delta}{127} \hat x_k, \qquad
# y_j \approx \frac{\delta\, s_j}{127^2} \sum_k \hat x_k \hat W_{kj}.$$
#
# Rounding is off by half a step at most, so the error is bounded: with $\hat x$, $\hat W$ rounded to the nearest, and
# no $|x_k|$ above $\delta$,
#
# $$|\text{error}_j| \le \frac{s_j}{254} \sum_k \frac{\delta |\hat x_k|}{127} + \frac{\delta}{254} \sum_k |W_{kj}|.$$
#
# But a sum of many residual layers, or a cell state $c$ to which every step adds, may grow large. So the network is
# **trained with the limit**: $c$ and the inputs of the products are clipped to $[-\delta, \delta]$, with a $\delta$
# that begins wide and narrows during training (Wu et al., section 6). The weights learn to live within it, and the
# same clipping at translation time takes nothing more away. (An LSTM's output $h$ and the input of the softmax, a
# $\tanh$, are within 1 anyway.)
#
# ### Many languages, one network
#
# Change nothing, but add a token that names the language to write, and train on all directions at once (Johnson et al.). Pieces, layers,
# attention are shared. The paper puts the token in front of the source. Here it stands where the decoder begins, in the place of `<s>`: so the encoder
# cannot know what will be asked, and a network as small as this one has to read a sentence in one way for all languages.

# %% [markdown]
# ## Build
#
# ### Word pieces
#
# First the mark in front of a word, the gain $\Delta$ of a merge, and a merge of one word's parts.

# %%
MARK = "▁"
PADDING, START, END, UNKNOWN = 0, 1, 2, 3


def escaped(word):
    """The word behind its mark; a mark inside the word is written as another sign."""
    return MARK + word.replace("\\", "\\\\").replace(MARK, "\\-")


def unescaped(text):
    return text.replace("\\\\", "\\\0").replace("\\-", MARK).replace("\\\0", "\\")


def x_log_x(n):
    return n * np.log(np.maximum(n, 1))


def merge_gain(together, first, second, joined, total):
    """Log-likelihood (nats) that a text of `total` units gains if a pair that stands together becomes one unit.

    `first`, `second`, `joined`: how often the two units of the pair, and the one that they become, are there before.
    """
    after = x_log_x(first - together) + x_log_x(second - together) + x_log_x(joined + together)
    before = x_log_x(first) + x_log_x(second) + x_log_x(joined)
    return after - before - x_log_x(total - together) + x_log_x(total)


def merged(parts, pair):
    """The parts of a word, each occurrence of a pair made one, from left to right."""
    found, k = [], 0
    while k < len(parts):
        step = 2 if (parts[k], *parts[k + 1 : k + 2]) == pair else 1
        found.append("".join(parts[k : k + step]))
        k += step
    return found


# %% [markdown]
# Learning keeps three counts up to date: of the units, of the pairs of neighbours, and of the words in which a pair
# stands, so that a merge touches only these words.


# %%
def learn_merges(counts, num_merges, min_together=5):
    """Letters, merges in the order learned, and the log-likelihoods before and after each: of words with counts."""
    words = {word: list(escaped(word)) for word in sorted(counts)}
    units, pairs, places = Counter(), Counter(), {}

    def add(word, sign):
        for part in words[word]:
            units[part] += sign * counts[word]
        for pair in itertools.pairwise(words[word]):
            # Twice the same unit would overlap with itself ("lll"): such pairs stay apart.
            if pair[0] != pair[1]:
                pairs[pair] += sign * counts[word]
                places.setdefault(pair, set()).add(word)

    for word in words:
        add(word, 1)
    letters, merges, likelihoods = sorted(units), [], []
    while True:
        total = units.total()
        likelihoods.append(x_log_x(np.array(list(units.values()))).sum() - x_log_x(total))
        open_pairs = [pair for pair, together in pairs.items() if together >= min_together]
        table = [(pairs[a, b], units[a], units[b], units[a + b]) for a, b in open_pairs]
        gains = merge_gain(*np.array(table or [(0, 1, 1, 0)], float).T, total)
        if len(merges) == num_merges or gains.max() <= 1e-9:
            return letters, merges, likelihoods
        best = open_pairs[int(gains.argmax())]
        for word in sorted(places[best]):
            add(word, -1)
            words[word] = merged(words[word], best)
            add(word, 1)
        merges.append(best)


# %% [markdown]
# A vocabulary takes only as many of the merges as its size allows: learn once, and have every size.


# %%
class WordPieces:
    """Letters and the first of some merges, `size` pieces with the four special ones; numbers as those of `Words`."""

    def __init__(self, letters, merges, size):
        units, self.rank = dict.fromkeys(letters), {}
        for pair in merges:
            if len(units) + 4 == size:
                break
            self.rank[pair] = len(self.rank)
            units["".join(pair)] = None
        self.pieces = ("<pad>", "<s>", "</s>", "<unk>", *units)
        self.ids = {piece: k for k, piece in enumerate(self.pieces)}
        self.known = {}

    def __len__(self):
        return len(self.pieces)

    def cut(self, word):
        """The parts of a word: the merges replayed, the first learned first."""
        if word not in self.known:
            parts = list(escaped(word))
            while len(parts) > 1:
                best = min(itertools.pairwise(parts), key=lambda pair: self.rank.get(pair, math.inf))
                if best not in self.rank:
                    break
                parts = merged(parts, best)
            self.known[word] = parts
        return self.known[word]

    def restore(self, parts):
        """The words that were cut into these parts."""
        return [unescaped(word) for word in "".join(parts).split(MARK)[1:]]

    def encode(self, words):
        return [self.ids.get(part, UNKNOWN) for word in words for part in self.cut(word)]

    def decode(self, ids):
        """Words of numbers; a network may forget the first mark."""
        text = "".join(self.pieces[k] for k in ids)
        return self.restore([text if text.startswith(MARK) else MARK + text])


# %% [markdown]
# Learn them, and cut the first rare words of the test, a frequent word, and an invented one of signs that the
# training lacks, with a mark and a space inside.

# %%
NUM_PIECES, SMALL_SIZE = profile.pick(small=(1600, 800), full=(8000, 2000))


def word_counts(sentences):
    return Counter(word for sentence in sentences for word in sentence)


letters, merges, likelihoods = learn_merges(word_counts(one for pair in pairs["train"] for one in pair), NUM_PIECES)
pieces = WordPieces(letters, merges, NUM_PIECES)
print(len(letters), "letters; the first merges:", *("".join(pair) for pair in merges[:12]))
print("the likelihood rises at each merge:", bool(np.all(np.diff(likelihoods) > 0)))
for word in [rare_words(pairs["test"][k][1])[0] for k in chosen["with rare words"][:4]] + ["schön", "日本▁語 ☃"]:
    print(f"{word:14}", *pieces.cut(word), "| back:", *pieces.restore(pieces.cut(word)))

# %% [markdown]
# *What to see:* what is frequent is whole, what is rare falls apart, the compound at its seam, and every string comes
# back, even one of signs that the training never had. (Those are *unknown* for the network, and nothing else is. The
# *letters* count all signs, also the mark and punctuation; a mark inside a word is written as `\-`.)
#
# ### Layers
#
# A product with its limit, which can be turned into whole numbers later; an LSTM made of two such products. The
# product with the inputs does not depend on the state, so all of a sentence's steps are multiplied at once; only the
# product with the state is left for the loop. First the rounding and the product of whole numbers, as in the formulas
# above.
#
# The products are written `ops.dot(x, kernel)`. For a batch of sentences, `x @ kernel` gives the same numbers, but TensorFlow then
# multiplies sentence by sentence, and makes a gradient of the kernel for each of them before it adds them up: a
# training step takes nearly three times as long.

# %%
EXACT = 16_777_216  # 2 to the 24: whole numbers up to here are exact in float32.


def rounded(kernel):
    """Whole numbers (int8) of a matrix, and the scale of each column: kernel ≈ int8 * scale / 127."""
    scale = np.maximum(np.abs(kernel).max(axis=0), 1e-12)
    return np.round(kernel / scale * 127).astype(np.int8), scale.astype(np.float32)


def int8_product(x, limit, int8, scale):
    """x @ kernel in whole numbers: exact sums, carried by float32, which every machine multiplies fast."""
    if len(int8) * 127**2 > EXACT:
        raise ValueError(f"sums of {len(int8)} products are not exact in float32")
    whole = ops.round(x * (127 / limit))
    return ops.dot(whole, ops.cast(int8, "float32")) * (limit * scale / 127**2)


# %% [markdown]
# The layer that multiplies: with floats until `to_int8` is called, with whole numbers afterwards.


# %%
class Product(layers.Layer):
    """x @ kernel + bias of inputs within [-limit, limit]; `to_int8` makes it a product of whole numbers.

    Inputs beyond the limit are clipped; `clips=False` is for inputs that cannot be.
    """

    def __init__(self, units, limit, use_bias=True, clips=True, **options):
        super().__init__(**options)
        self.units, self.limit, self.use_bias, self.clips, self.int8 = units, limit, use_bias, clips, None

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias") if self.use_bias else 0.0

    def to_int8(self):
        """Round the weights, and from now on the inputs, to 8 bits."""
        self.int8, self.scale = rounded(ops.convert_to_numpy(self.kernel))

    def call(self, x):
        if self.clips:
            x = ops.clip(x, -self.limit, self.limit)
        if self.int8 is None:
            return ops.dot(x, self.kernel) + self.bias
        return int8_product(x, self.limit, self.int8, self.scale) + self.bias


# %% [markdown]
# The LSTM. Its four gates come out of the sum of both products, cut in four; the state $c$ is clipped to the limit.


# %%
class Cell(layers.Layer):
    """A step of an LSTM whose inputs were multiplied before; the state c stays in [-limit, limit]."""

    def __init__(self, units, limit, **options):
        super().__init__(**options)
        self.units, self.limit = units, limit
        self.state_size, self.output_size = [units, units], units
        self.recurrent = Product(4 * units, 1.0, use_bias=False, clips=False)  # |h| < 1

    def build(self, shape):
        self.recurrent.build((None, self.units))

    def call(self, z, states, training=False):
        h, c = states
        i, f, new, o = ops.split(z + self.recurrent(h), 4, axis=-1)
        # One is added to the forget gate: a new network remembers.
        c = ops.clip(ops.sigmoid(f + 1) * c + ops.sigmoid(i) * ops.tanh(new), -self.limit, self.limit)
        h = ops.sigmoid(o) * ops.tanh(c)
        return h, [h, c]


class LSTM(layers.Layer):
    """(batch, time, inputs) to (batch, time, units); `step` does one step with given states."""

    def __init__(self, units, limit, **options):
        super().__init__(**options)
        self.product, self.cell = Product(4 * units, limit), Cell(units, limit)
        self.loop = layers.RNN(self.cell, return_sequences=True)

    def build(self, shape):
        self.product.build(shape)
        self.loop.build((*shape[:-1], self.product.units))

    def call(self, x):
        return self.loop(self.product(x))

    def step(self, x, states):
        return self.cell(self.product(x), states)


# %% [markdown]
# The limit is one number for the whole network. Training will lower it from 8 to 1.
#
# **Where layers live.** `placement` deals layers out to devices, neighbours together. On a machine with one device this changes
# nothing; with several, each layer's weights and work go to its own.


# %%
def placement(num_layers, devices):
    """The device of each layer of a stack, bottom first: as equal shares as possible, neighbours together."""
    return [devices[layer * len(devices) // num_layers] for layer in range(num_layers)]


def available_devices():
    """Names of all GPUs; without any, of all CPUs that TensorFlow was given (one, unless it was told otherwise)."""
    return [one.name for one in tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")]


# %%
# NBVAL_CHECK_OUTPUT
for num_devices in (1, 3, 8):
    places = placement(8, [f"GPU {k}" for k in range(num_devices)])
    print(f"8 layers on {num_devices}:", ", ".join(places))


# %% [markdown]
# **The encoder.** Two LSTMs of half the width are the bottom layer, one for each direction; the layers above read
# forwards only.


# %%
class Encoder(layers.Layer):
    """Embedded source (batch, source, units) to states of the same shape: the bottom layer reads in both directions."""

    def __init__(self, units, num_layers, limit, residual, devices, **options):
        super().__init__(**options)
        self.residual, self.places = residual, placement(num_layers, devices)
        self.ahead, self.back = LSTM(units // 2, limit), LSTM(units // 2, limit)
        self.upper = [LSTM(units, limit) for _ in range(num_layers - 1)]

    def build(self, shape):
        for layer, place in zip((self.ahead, self.back, *self.upper), (self.places[0], *self.places), strict=True):
            with tf.device(place):
                layer.build(shape)

    def call(self, x, lengths):
        # Only the sentence is turned round, its padding stays behind: what stands behind changes nothing before it.
        with tf.device(self.places[0]):
            turned = tf.reverse_sequence(x, lengths, seq_axis=1)
            back = tf.reverse_sequence(self.back(turned), lengths, seq_axis=1)
            y = ops.concatenate([self.ahead(x), back], axis=-1)
        x = x + y if self.residual else y
        for layer, place in zip(self.upper, self.places[1:], strict=True):
            with tf.device(place):
                x = x + layer(x) if self.residual else layer(x)
        return x


# %% [markdown]
# **The decoder.** Its bottom layer reads the words written so far. With its state it looks at the source: weights over the encoder's
# top states, and their weighted mean, the **context**, which goes into every layer above. (In the paper the context
# of the step before goes into the bottom layer, too. Without that loop all steps of a layer can be trained at once.
# The paper's scores come from a small network; these are the last lecture's dot attention.) The decoder's first
# states are zeros: what it knows of the source comes through the attention alone. On top, the last layer's $x$ and
# the context are mixed, $\tanh(W [x; \text{context}] + b)$. One function for a whole sentence and for a step: only
# the way to run a layer differs.


# %%
class Decoder(layers.Layer):
    """Embedded target to states before the softmax, attention weights, new states."""

    def __init__(self, units, num_layers, limit, residual, devices, **options):
        super().__init__(**options)
        self.residual, self.places = residual, placement(num_layers, devices)
        self.stack = [LSTM(units, limit) for _ in range(num_layers)]
        self.query, self.mix = Product(units, limit, use_bias=False), Product(units, limit)

    def build(self, shape):
        double = (*shape[:-1], 2 * shape[-1])
        for layer, place, inputs in zip(self.stack, self.places, (shape, *[double] * len(self.stack)), strict=False):
            with tf.device(place):
                layer.build(inputs)
        self.query.build(shape)
        self.mix.build(double)

    def attend(self, state, memory, mask):
        """Context and weights (batch, target, source) of states over memory; the weight is 0 where mask is False."""
        scores = self.query(state) @ ops.transpose(memory, (0, 2, 1))
        weights = ops.softmax(ops.where(mask[:, None], scores, -1e9)) * ops.cast(mask[:, None], "float32")
        return weights @ memory, weights

    def call(self, x, memory, mask, states=None):
        # Without states x is a sentence (batch, target, units); with states it is one step of it, (batch, 1, units).
        context, weights, new = None, None, []
        for k, (layer, place) in enumerate(zip(self.stack, self.places, strict=True)):
            inputs = x if context is None else ops.concatenate([x, context], axis=-1)
            with tf.device(place):
                if states is None:
                    y = layer(inputs)
                else:
                    y, state = layer.step(inputs[:, 0], states[k])
                    y, new = y[:, None], [*new, state]
            x = x + y if self.residual else y
            if context is None:
                context, weights = self.attend(y, memory, mask)
        return ops.tanh(self.mix(ops.concatenate([x, context], axis=-1))), weights, new


# %% [markdown]
# **One table** has a row for each token. It embeds the source and the target, and its transpose makes the logits.


# %%
class Tokens(layers.Layer):
    """One table (tokens, units) for the source, the target, and the softmax; in whole numbers after `to_int8`."""

    def __init__(self, num_tokens, units, **options):
        super().__init__(**options)
        self.table = self.add_weight(shape=(num_tokens, units), initializer=keras.initializers.RandomNormal(stddev=0.3))
        self.bias = self.add_weight(shape=(num_tokens,), initializer="zeros")
        self.int8 = None

    def to_int8(self):
        self.int8, self.scale = rounded(ops.convert_to_numpy(self.table).T)

    def call(self, numbers):
        table = self.table if self.int8 is None else ops.transpose(self.int8 * (self.scale / 127))
        return ops.take(table, numbers, axis=0)

    def logits(self, y):
        if self.int8 is None:
            return ops.dot(y, ops.transpose(self.table)) + self.bias
        return int8_product(y, 1.0, self.int8, self.scale) + self.bias


# %% [markdown]
# **The network.** While it trains, a tenth of the embeddings' and of the top states' numbers is dropped (*dropout*).


# %%
class GNMT(keras.Model):
    """Source and target numbers to logits."""

    def __init__(self, num_tokens, units, num_layers=2, residual=True, limit=8.0, devices=None, **options):
        super().__init__(**options)
        self.num_tokens, self.units, self.num_layers = num_tokens, units, num_layers
        devices = devices or available_devices()
        self.limit = tf.Variable(float(limit), trainable=False, name="limit")
        self.tokens, self.dropout = Tokens(num_tokens, units), layers.Dropout(0.1)
        self.encoder = Encoder(units, num_layers, self.limit, residual, devices)
        self.decoder = Decoder(units, num_layers, self.limit, residual, devices)
        self.encoder.build((None, None, units))
        self.decoder.build((None, None, units))
        self.built = True

    def embed(self, numbers, training=False):
        return self.dropout(self.tokens(numbers), training=training)

    def encode(self, source, training=False):
        """What the decoder may look at: memory (batch, source, units) and where it is no padding."""
        mask = ops.not_equal(source, PADDING)
        lengths = ops.sum(ops.cast(mask, "int32"), axis=1)
        return self.encoder(self.embed(source, training), lengths), mask

    def call(self, source, target, training=False):
        """Logits (batch, target, tokens) of what follows each of the target's tokens."""
        y, _, _ = self.decoder(self.embed(target, training), *self.encode(source, training))
        return self.tokens.logits(self.dropout(y, training=training))

    def step(self, last, states, memory, mask):
        """Logits (batch, tokens) after the tokens written last (batch,), new states, attention (batch, source)."""
        y, weights, states = self.decoder(self.embed(last[:, None]), memory, mask, states)
        return self.tokens.logits(y[:, 0]), states, weights[:, 0]

    def start(self, num):
        """States of a decoder that has written nothing."""
        return [[ops.zeros((num, self.units)), ops.zeros((num, self.units))] for _ in range(self.num_layers)]


# %% [markdown]
# ### A search that runs as one graph
#
# All hypotheses of all sentences are rows of one batch, and the loop over steps is part of a compiled graph: no Python between
# two words. The search ranks by log-probability and keeps, of each hypothesis, what the score above needs: its
# length, and the attention that each source token got. So the search runs **once**, and all $\alpha$ and $\beta$ are
# tried on what it found: they choose among the four hypotheses that are left at its end. `Found` is what it gives
# back, `Rows` what it keeps.


# %%
class Found(NamedTuple):
    """Of (batch, width) hypotheses: tokens, the source token looked at for each, log P, length, log coverage."""

    tokens: np.ndarray
    looked: np.ndarray
    log_p: np.ndarray
    length: np.ndarray
    coverage: np.ndarray


class Rows(NamedTuple):
    """The hypotheses during the search, (batch * width) rows of tensors."""

    last: tf.Tensor
    done: tf.Tensor
    tokens: tf.Tensor
    looked: tf.Tensor
    length: tf.Tensor
    coverage: tf.Tensor

    def grown(self, last, weights, step):
        """The rows with their next token and where it looked; of a finished row, nothing but padding is counted."""
        rows = tf.range(tf.size(last))
        cell = tf.stack([rows, tf.fill(tf.shape(rows), step)], axis=1)
        return Rows(
            last,
            self.done | (last == END),
            tf.tensor_scatter_nd_update(self.tokens, cell, last),
            tf.tensor_scatter_nd_update(self.looked, cell, tf.argmax(weights, 1, tf.int32)),
            self.length + tf.cast(~self.done, tf.int32),
            self.coverage + tf.where(self.done[:, None], 0.0, weights),
        )


def taken(nest, rows):
    """These rows of all tensors in a nest."""
    return tf.nest.map_structure(lambda one: tf.gather(one, rows), nest)


# %% [markdown]
# The search itself. `first` is the token with which each sentence begins; `allowed` is added to the
# log-probabilities, so that -inf forbids a token.


# %%
def compiled_search(model, width=4, max_steps=40):
    """A function of source (batch, length), first tokens (batch,) and `may_follow` that gives `Found`'s fields."""
    # A finished row goes on with padding, which costs nothing.
    finished = tf.constant([[0.0] + [-np.inf] * (model.num_tokens - 1)])
    shapes = (((None, None), tf.int32), ((None,), tf.int32), ((model.num_tokens,), tf.float32))

    @tf.function(input_signature=[tf.TensorSpec(*each) for each in shapes])
    def search(source, first, allowed):
        num = tf.shape(source)[0]
        memory, mask = (tf.repeat(one, width, axis=0) for one in model.encode(source))
        states = model.start(num * width)
        # At the beginning all hypotheses of a sentence are the same: only the first may go on.
        log_p = tf.tile([[0.0] + [-np.inf] * (width - 1)], (num, 1))
        empty = tf.zeros((num * width, max_steps), tf.int32)
        rows = Rows(
            tf.repeat(first, width), empty[:, 0] > 0, empty, empty, empty[:, 0], tf.zeros_like(mask, tf.float32)
        )
        for step in tf.range(max_steps):
            if tf.reduce_all(rows.done):
                break
            logits, states, weights = model.step(rows.last, states, memory, mask)
            gain = tf.where(rows.done[:, None], finished, tf.nn.log_softmax(logits) + allowed)
            log_p, best = tf.math.top_k(tf.reshape(tf.reshape(log_p, (-1, 1)) + gain, (num, -1)), width)
            parents = tf.reshape(best // model.num_tokens + tf.range(num)[:, None] * width, [-1])
            rows, states, weights = taken((rows, states, weights), parents)
            rows = rows.grown(tf.reshape(best % model.num_tokens, [-1]), weights, step)
        shares = tf.where(mask, tf.math.log(tf.clip_by_value(rows.coverage, 1e-6, 1.0)), 0.0)
        found = (rows.tokens, rows.looked, log_p, rows.length, tf.reduce_sum(shares, axis=1))
        return [
            tf.reshape(one, tf.concat([[num, width], one.shape[1:]], 0)) if one is not log_p else one for one in found
        ]

    return search


# %% [markdown]
# Which tokens are allowed, and the score $s(Y, X)$ of what was found.


# %%
def may_follow(num_tokens, only=None):
    """What is added to log-probabilities (tokens,): 0, or -inf for padding, start and what is not in `only`."""
    allowed = np.zeros(num_tokens, np.float32) if only is None else np.full(num_tokens, -np.inf, np.float32)
    allowed[[END, *(only or ())]] = 0.0
    allowed[[PADDING, START]] = -np.inf
    return allowed


def best_of(found, alpha, beta):
    """Which hypothesis of each sentence has the highest score (Wu et al., section 7)."""
    penalty = ((5 + found.length) / 6) ** alpha
    return np.argmax(found.log_p / penalty + beta * found.coverage, axis=1)


# %% [markdown]
# ### In whole numbers
#
# A copy of a trained network, its size, and the bound on the error from above.


# %%
def products(model):
    """All products in a network, each once."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, Product)]


def as_int8(model):
    """A copy of a network that multiplies whole numbers of eight bits. Attention and gates stay as they are."""
    copy = GNMT(model.num_tokens, model.units, model.num_layers, limit=float(model.limit))
    copy.set_weights(model.get_weights())
    for layer in (copy.tokens, *products(copy)):
        layer.to_int8()
    return copy


def num_bytes(model):
    """Of what a network needs to translate: matrices in 8 or 32 bits, and their scales and biases in 32."""
    if model.tokens.int8 is None:
        return 4 * model.count_params()
    matrices = [one.int8 for one in (model.tokens, *products(model))]
    rest = model.count_params() - sum(matrix.size for matrix in matrices)
    return sum(matrix.size + 4 * matrix.shape[1] for matrix in matrices) + 4 * rest


def error_bound(x, product):
    """The largest error (..., units) that rounding can make in an int8 product of inputs x within the limit."""
    limit = float(product.limit)
    whole = np.abs(np.round(x * (127 / limit))) * (limit / 127)
    kernel = np.abs(ops.convert_to_numpy(product.kernel))
    return whole.sum(axis=-1, keepdims=True) * product.scale / 254 + limit / 254 * kernel.sum(axis=0)


# %% [markdown]
# A check on random inputs, many of them beyond the limit of 2: the product of floats clips them, too, so that what is
# left is the error of rounding.

# %%
x = 3 * keras.random.normal((5, 40), seed=seed)
check = Product(7, 2.0)
check.build((None, 40))
exact = ops.convert_to_numpy(check(x))
check.to_int8()
clipped = np.clip(ops.convert_to_numpy(x), -2, 2)
error = np.abs(ops.convert_to_numpy(check(x)) - exact)
print(
    f"largest error {error.max():.4f}, within its bound everywhere:",
    bool(np.all(error <= error_bound(clipped, check) + 1e-5)),
)

# %% [markdown]
# ## Train
#
# Cross-entropy per token, the right previous token given (*teacher forcing*), padding not counted; sentences of similar length
# share a batch. The limit $\delta$ falls from 8 to 1 over the first half.
#
# **Practising to copy.** A name is written by copying, and copying has to be learned from names. So few sentences
# do not have many of them. So for the three networks that are compared on rare words, a sentence with a name (a
# word with a capital in English that is the same in German) comes three times, and each time four in five names are
# replaced on both sides by invented ones: the head of one infrequent name of the training and the tail of another.


# %%
def masked_loss(targets, logits):
    """Mean cross-entropy (nats) of the tokens that are no padding."""
    mask = tf.cast(targets != PADDING, tf.float32)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    return tf.reduce_sum(losses * mask) / tf.reduce_sum(mask)


def padded(rows):
    """Rows of numbers as an array (batch, longest), 0 behind them."""
    table = np.zeros((len(rows), max(map(len, rows))), np.int32)
    for row, line in zip(rows, table, strict=True):
        line[: len(row)] = row
    return table


def batches(rows, num_steps, batch_size, rng):
    """Arrays (source, target) of rows of similar length, each row once before any comes again."""
    lengths, made = np.array([len(source) + len(target) for source, target in rows]), []
    while len(made) < num_steps:
        order = np.argsort(lengths + rng.uniform(0, 2, len(rows)))
        chunks = np.array_split(order, max(1, len(rows) // batch_size))
        made += [chunks[k] for k in rng.permutation(len(chunks))]
    for chunk in made[:num_steps]:
        yield tuple(padded([rows[k][side] for k in chunk]) for side in (0, 1))


def limit_at(progress):
    """The limit of states and activations after a share of the training: from 8 to 1, then 1."""
    return max(1.0, 8.0 ** (1 - 2 * progress))


# %% [markdown]
# Adam with a rate that falls to zero along a cosine, and gradients of at most length 1, as in the last lecture.


# %%
def train(model, rows, num_steps, label, learning_rate=8e-3, batch_size=64, narrow=True):
    """Trains with Adam at a rate that falls to zero; returns the loss of each step and the CPU seconds."""
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, num_steps)
    optimizer = keras.optimizers.Adam(schedule, global_clipnorm=1.0)
    # Where the first step made the optimizer's variables, the step would be compiled twice.
    optimizer.build(model.trainable_weights)

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)] * 2)
    def step(source, target):
        with tf.GradientTape() as tape:
            loss = masked_loss(target[:, 1:], model(source, target[:, :-1], training=True))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights, strict=True)
        )
        return loss

    started, losses = time.process_time(), []
    drawn = batches(rows, num_steps, batch_size, np.random.default_rng(seed))
    for k, (source, target) in enumerate(coursekit.progress_bar(drawn, label)):
        if narrow:
            model.limit.assign(limit_at(k / num_steps))
        losses.append(step(source, target))
    return np.array([float(loss) for loss in losses]), time.process_time() - started


# %% [markdown]
# Sentences as numbers, and the practice. (The example printed is the first sentence, whether it has a name or not.)


# %%
def numbered(pairs, vocabulary):
    """(source, target) numbers of sentence pairs, source and target with their ends, the target with its start."""
    return [([*vocabulary.encode(one), END], [START, *vocabulary.encode(other), END]) for one, other in pairs]


def names(line, pair):
    """Words that are the same on both sides, with a capital in the English line."""
    capitals = {word.lower() for word in tokenize(line) if word[0].isupper() and len(word) > 2}
    return sorted(capitals & set(pair[0]) & set(pair[1]))


def practice(lines, pairs, rng, share=0.8, times=3):
    """The pairs, those with names several times, some of the names replaced by invented ones on both sides."""
    of_pair = [names(line, pair) for (line, _), pair in zip(lines, pairs, strict=True)]
    rare = sorted({name for found in of_pair for name in found if counts[name] <= 2 and len(name) > 4})
    made = []
    repeated = [both for both in zip(pairs, of_pair, strict=True) for _ in range(times if both[1] else 1)]
    for pair, found in repeated:
        new = {}
        for name in found:
            if rare and rng.random() < share:
                head, tail = rng.choice(rare, 2)
                new[name] = head[: rng.integers(2, len(head) - 1)] + tail[rng.integers(2, len(tail) - 1) :]
        made.append(tuple([new.get(word, word) for word in side] for side in pair))
    return made


practised = practice(split.train, pairs["train"], np.random.default_rng(seed))
print(f"{len(pairs['train'])} pairs became {len(practised)}, for example:", *practised[0][0])

# %% [markdown]
# ### Depth, with and without the way past
#
# Short runs on the shortest third of the sentences: two and five layers on each side, with the layers' inputs added
# to their outputs (*residual*) and without (*plain*). The limit stays at 8.

# %%
DEPTHS = profile.pick(small=(2, 5), full=(2, 4, 8))
DEPTH_STEPS = profile.pick(small=60, full=1500)
short = sorted(numbered(pairs["train"], pieces), key=lambda row: len(row[0]) + len(row[1]))[: len(pairs["train"]) // 3]
curves = {}
for num_layers in DEPTHS:
    for residual in (True, False):
        name = f"{num_layers} + {num_layers} layers, {'residual' if residual else 'plain'}"
        keras.utils.set_random_seed(seed)
        deep = GNMT(len(pieces), 64, num_layers, residual)
        curves[name], _ = train(deep, short, DEPTH_STEPS, name, batch_size=32, narrow=False)


# %%
def smoothed(values, width=10):
    return np.convolve(values, np.ones(width) / width, mode="valid")


figure, axis = plots.subplots(width=7, height=3.4)
for k, (name, losses) in enumerate(curves.items()):
    axis.plot(smoothed(losses), "-" if "residual" in name else "--", color=plots.PALETTE[k // 2], label=name)
axis.set(title="Training loss (mean of ten steps)", xlabel="step", ylabel="cross-entropy (nats per piece)", ylim=0)
axis.legend()
figure

# %% [markdown]
# *What to see:* solid, residual; dashed, plain. The plain stacks learn more slowly, and the deeper one most slowly.
# With residual connections the deep stack gets going at least as fast as the shallow one. (So few steps show who gets
# going, not who ends lower.)
#
# ### Words and pieces, in three sizes
#
# The same layers, the same sentences and number of steps, three vocabularies: two of pieces, one of words. Claims 1
# and 2 are about the larger vocabulary of pieces, `MAIN`.
#
# **How this was tuned.** In the first run of this lecture, with seed 0, the main vocabulary had 800 pieces and the
# practice with names was less; it wrote 6.3 % of the rare words, and claim 1 failed. Then the vocabulary was doubled
# and sentences with names came three times, each time with newly invented ones. So seed 0 was used for tuning claim
# 1, and that the claim holds in the stored run is no independent test of it. Later the training got more steps (360
# became 420), and claim 3, which had been about the search held to the language, is now about the free one, which is
# harder; that was decided on seed 10, as the other settings had been on another seed. Seeds 1 to 4 were run after
# that: the results in `lectures/README.md` show them. The margins for the bundled sentences were written down before
# the first run, and not changed. Those for real sentences are smaller, and were set after a short run on real
# sentences (360 steps) had failed.

# %%
UNITS = profile.pick(small=96, full=256)
NUM_STEPS = profile.pick(small=1500 if IS_REAL else 420, full=6000)
MAIN = f"{NUM_PIECES} pieces"
vocabularies = {
    f"{SMALL_SIZE} pieces": WordPieces(letters, merges, SMALL_SIZE),
    MAIN: pieces,
    "words": words_only,
}
models, losses, seconds = {}, {}, {}
for name, vocabulary in vocabularies.items():
    keras.utils.set_random_seed(seed)
    models[name] = GNMT(len(vocabulary), UNITS)
    losses[name], seconds[name] = train(models[name], numbered(practised, vocabulary), NUM_STEPS, name)

# %% [markdown]
# ### One network, three languages
#
# English to and from French, English to and from German, in a smaller part of the grammar: fewer words, shorter
# sentences, none of the rare words. Each sentence of the training is used for one of the two pairs only, so that no
# English sentence connects a French one with its German translation, and **no** sentence is ever translated between
# French and German.
#
# One thing is added to the paper's recipe: French and German sentences are also "translated" into their own language. The paper did
# without, with two pairs of languages too, but with sentences by the million. Here French always goes to English, so this network would
# learn to look at the source's language instead of the token, and answer French in English whatever is asked (leave the copies out and see). A copy needs no
# translation, and tells the decoder that the token decides.

# %%
LANGUAGES = ("en", "fr", "de")
TRAINED = (("en", "fr"), ("fr", "en"), ("en", "de"), ("de", "en"))
ZERO_SHOT = (("fr", "de"), ("de", "fr"))
MULTI_SIZES = {"num_train": profile.pick(small=20000 if IS_REAL else 3000, full=24000), "num_valid": 0, "num_test": 240}
MULTI_STEPS = profile.pick(small=2000 if IS_REAL else 400, full=8000)
# %% [markdown]
# The pieces are learned on all three languages; three more numbers are the tokens that name the language to write.

# %%
# What the sentences have: agreement and French adjectives, but nothing that takes four directions long to learn.
LEFT_OUT = ("rare_words", "idioms", "separable_verbs", "negation", "verb_final")
triples = load(
    LANGUAGES,
    MULTI_SIZES,
    max_words=profile.pick(small=6 if IS_REAL else 5, full=10),
    share=profile.pick(small=0.08, full=0.5),
    **dict.fromkeys(LEFT_OUT, False),
)
lines = {
    part: [dict(zip(LANGUAGES, map(tokens, line), strict=True)) for line in getattr(triples, part)]
    for part in ("train", "test")
}
all_letters, all_merges, _ = learn_merges(
    word_counts(one for line in lines["train"] for one in line.values()), NUM_PIECES
)
shared = WordPieces(all_letters, all_merges, NUM_PIECES)
# The numbers behind those of the pieces name the language to write.
TO = {language: len(shared) + k for k, language in enumerate(LANGUAGES)}


def directed(line, source, target):
    """A training row: source numbers, and target numbers behind the token of the target language."""
    return [*shared.encode(line[source]), END], [TO[target], *shared.encode(line[target]), END]


def multilingual_rows(lines):
    """Even sentences: English and French both ways, and French copied; odd ones: the same with German."""
    rows = []
    for k, line in enumerate(lines):
        other = ("fr", "de")[k % 2]
        rows += [directed(line, *pair) for pair in (("en", other), (other, "en"), (other, other))]
    return rows


multi_rows = multilingual_rows(lines["train"])
print(
    f"{len(multi_rows)} rows: a third of them copies, the rest",
    *(f"{source} to {target}" for source, target in TRAINED),
)

# %%
keras.utils.set_random_seed(seed)
multilingual = GNMT(len(shared) + len(TO), UNITS)
multi_losses, seconds["multilingual"] = train(multilingual, multi_rows, MULTI_STEPS, "multilingual", learning_rate=1e-2)

# %%
curves = {**losses, "multilingual": multi_losses}
figure, axis = plots.subplots(width=7, height=3.2)
for name, values in curves.items():
    axis.plot(smoothed(values), label=name)
axis.set(title="Training loss (mean of ten steps)", xlabel="step", ylabel="cross-entropy (nats per token)", ylim=0)
axis.legend()
figure

# %% [markdown]
# *What to see:* all of them fall fastest in the first hundred steps. The loss is per token, and a piece is less than
# a word; the multilingual network has other, easier sentences: so the curves' ends do not compare the systems.
#
# ## Measure
#
# ### Rare words
#
# One search for each network, on the validation and the test sentences; then `read` picks the best hypotheses and
# puts their words together.


# %%
def search(run, sources, vocabulary):
    """`Found` of source sentences by a compiled search."""
    source = padded([[*vocabulary.encode(words), END] for words in sources])
    tensors = run(source, np.full(len(source), START, np.int32), may_follow(len(vocabulary)))
    return Found(*(one.numpy() for one in tensors))


def read(found, sources, vocabulary, alpha=1.0, beta=0.0, copy=False):
    """Target words of the best hypotheses; `copy` replaces unknown words by the source word looked at."""
    best, translations = best_of(found, alpha, beta), []
    for k, words in enumerate(sources):
        ids, looked = found.tokens[k, best[k]], found.looked[k, best[k]]
        kept = (ids != PADDING) & (ids != END)
        target = vocabulary.decode(ids[kept])
        if copy:
            places = np.minimum(looked[kept], len(words) - 1)
            target = [
                words[place] if one == UNKNOWN else word
                for one, word, place in zip(ids[kept], target, places, strict=True)
            ]
        translations.append(target)
    return translations


sources = {part: [source for source, _ in pairs[part]] for part in ("valid", "test")}
targets = [target for _, target in pairs["test"]]
everything = np.union1d(*chosen.values())
test_sources = [sources["test"][k] for k in everything]
compiled = {name: compiled_search(model) for name, model in models.items()}
found = {}
for name, vocabulary in vocabularies.items():
    found[name, "valid"] = search(compiled[name], sources["valid"], vocabulary)
    found[name, "test"] = search(compiled[name], test_sources, vocabulary)

# %% [markdown]
# **$\alpha$ and $\beta$**, on the validation sentences, for the main vocabulary of pieces. What is best there is used
# for all networks below.

# %%
ALPHAS, BETAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), (0.0, 0.2, 0.4, 0.6, 0.8)
grid = np.array(
    [
        [bleu(read(found[MAIN, "valid"], sources["valid"], pieces, alpha, beta), references["valid"]) for beta in BETAS]
        for alpha in ALPHAS
    ]
)
alpha, beta = (
    float(values[k]) for values, k in zip((ALPHAS, BETAS), np.unravel_index(grid.argmax(), grid.shape), strict=True)
)
figure, axis = plots.subplots(width=5, height=3.2)
picture = axis.imshow(grid, origin="lower", aspect="auto")
for (row, column), value in np.ndenumerate(grid):
    axis.text(
        column, row, f"{value:.1f}", ha="center", va="center", fontsize=8, color="w" if value < grid.mean() else "k"
    )
axis.grid(False)
axis.set_xticks(range(len(BETAS)), BETAS)
axis.set_yticks(range(len(ALPHAS)), ALPHAS)
axis.set(xlabel="β, coverage", ylabel="α, length", title=f"BLEU on validation; chosen α = {alpha}, β = {beta}")
figure.colorbar(picture, ax=axis, label="BLEU")
figure

# %% [markdown]
# *What to see:* how little the two settings matter for sentences as short as these: read the range of the colour bar.
# Coverage gains about a point here (from left to right); within a column the numbers hardly differ: $\alpha$ decides
# only where the four hypotheses that are left differ in length. The largest number is chosen, however small its lead.
# A longer sentence offers more to leave out.
#
# Now the table. *Rare words right* is the share of the rare words in the German sentences that the translation has,
# too, at whatever place. *Names* are those of them that are the same in the English sentence, *others* the rest.

# %%
systems = {"phrase-based": phrase_based(test_sources, settings)}
for name, vocabulary in vocabularies.items():
    systems[name] = read(found[name, "test"], test_sources, vocabulary, alpha, beta)
systems["words, unknown ones copied"] = read(found["words", "test"], test_sources, words_only, alpha, beta, copy=True)


def rare_right(translations):
    """(right, number) of the rare words of the test, and of those that are no copies of a source word."""
    counted = np.zeros((2, 2), int)
    for k, translation in zip(everything, translations, strict=True):
        for word in rare_words(targets[k]):
            is_new = word not in sources["test"][k]
            counted[:, 0] += (1, is_new) if word in translation else 0
            counted[:, 1] += (1, is_new)
    return counted


rows = []
for name, translations in systems.items():
    of_row = dict(zip(everything, translations, strict=True))
    scores = [bleu([of_row[k] for k in which], [references["test"][k] for k in which]) for which in chosen.values()]
    (right, total), (new_right, new_total) = rare_right(translations)
    copied = 100 * (right - new_right) / max(1, total - new_total)
    rows.append(
        f"| {name} | {format(seconds[name], '.0f') if name in seconds else '–'} | {scores[0]:.1f} | {scores[1]:.1f} | "
        f"{100 * right / total:.0f} % | {copied:.0f} % | {100 * new_right / max(1, new_total):.0f} % |"
    )
Markdown(
    f"{total} rare words, {total - new_total} of them names and other copies\n\n"
    "| system | training (CPU s) | BLEU, all | BLEU, with rare words | rare words right | names | others |\n"
    "|---|---|---|---|---|---|---|\n" + "\n".join(rows)
)

# %% [markdown]
# *What to see:* the columns on the right. The vocabulary of words has none of these words, so it writes none of them:
# its 0 % is no measurement, it follows from what *rare* means here. The repair brings names back, where the attention
# points to the right place, and only names. Of the others, about half have another form in German (a compound, an
# ending); the rest are ordinary words (*ohne*, *mit*, those of an idiom) that such short training sentences happen to
# lack: copying is of no use.
# Pieces can write both in principle; this network, so small and trained so briefly, writes many names, and none of
# the others.
#
# So pieces do **not** win here. Words with unknown ones copied are better in BLEU on both lists and on names: the
# network of words points at a name more surely than the network of pieces spells it. Over all sentences even words
# without copying are ahead. And the phrase-based system, the last in BLEU, has all the names, because it copies whatever
# it lacks. What claim 1 says is only that pieces write words that a list of words cannot. In the paper they
# win in BLEU, too, with networks and data of another size.

# %% [markdown]
# Some sentences whose rare words are no names:

# %%
for k in [k for k in chosen["with rare words"] if set(rare_words(targets[k])) - set(sources["test"][k])][:4]:
    row = int(np.searchsorted(everything, k))
    print(" ".join(sources["test"][k]), "\n    reference      ", " ".join(targets[k]))
    for name in ("words", MAIN):
        print(f"    {name:15}", " ".join(systems[name][row]))


# %%
def part_bleu(name, which):
    """BLEU of a system on the test sentences of that list."""
    rows = np.searchsorted(everything, which)
    return bleu([systems[name][row] for row in rows], [references["test"][k] for k in which])


def mean_length(vocabulary):
    return np.mean([len(vocabulary.encode(target)) for _, target in pairs["test"]])


def show(axis, values, label, colour):
    """A line for the pieces by the size of their vocabulary, a square for the words."""
    *lines, (size, value) = zip(map(len, vocabularies.values()), values, strict=True)
    axis.plot(*zip(*lines, strict=True), "o-", color=plots.PALETTE[colour], label=f"pieces{label}")
    axis.plot(size, value, "s", color=plots.PALETTE[colour], fillstyle="none", label=f"words{label}")


figure, (left, right) = plots.subplots(1, 2, width=4.4, height=3)
show(left, [mean_length(vocabulary) for vocabulary in vocabularies.values()], "", 0)
left.set(title="Length", xlabel="vocabulary size", ylabel="tokens in a German sentence", ylim=0)
for colour, (label, which) in enumerate(chosen.items()):
    show(right, [part_bleu(name, which) for name in vocabularies], f", {label}", colour)
right.set(title="BLEU", xlabel="vocabulary size", ylabel="BLEU, test", ylim=0)
for axis in (left, right):
    axis.legend(fontsize=8)
figure

# %% [markdown]
# *What to see:* left, with more pieces a sentence has fewer tokens; words (squares, without copying) need the fewest.
# Right, what that does to all sentences (blue) and to those with rare words (orange): little. The lines rise by a
# point or two from the smaller vocabulary to the larger, which one seed does not tell from chance, and words are
# ahead over all sentences.
#
# ### Eight bits

# %%
small_model = as_int8(models[MAIN])
runs = {}
for name, model in (("float, 32 bits", models[MAIN]), ("whole numbers, 8 bits", small_model)):
    run = compiled_search(model) if model is small_model else compiled[MAIN]
    search(run, test_sources, pieces)
    started, on_clock = time.process_time(), time.perf_counter()
    result = search(run, test_sources, pieces)
    times = time.process_time() - started, time.perf_counter() - on_clock
    written = read(result, test_sources, pieces, alpha, beta)
    runs[name] = bleu(written, [references["test"][k] for k in everything]), num_bytes(model), *times
rows = [
    f"| {name} | {size / 1024:.0f} KiB | {1000 * cpu / len(test_sources):.1f} ms "
    f"| {1000 * wall / len(test_sources):.1f} ms | {score:.2f} |"
    for name, (score, size, cpu, wall) in runs.items()
]
Markdown("| | size | CPU time a sentence | on the clock | BLEU |\n|---|---|---|---|---|\n" + "\n".join(rows))

# %% [markdown]
# *What to see:* about a quarter of the size at nearly the same BLEU (of both lists of sentences together, which is
# why it is another number than in the table of systems). Its time proves nothing: whole numbers are carried by
# float32 here, which is exact, and shows what the rounding does to the translation, but uses no integer arithmetic.
# The gain in time needs processors that multiply 8-bit numbers faster than floats, such as the Tensor Processing
# Units that Wu et al. used. How close does the rounding come to its bound?

# %%
layer = models[MAIN].encoder.upper[0].product
layer_int8 = small_model.encoder.upper[0].product
inputs = np.random.default_rng(seed).uniform(-1, 1, (200, UNITS)).astype(np.float32)
error = np.abs(ops.convert_to_numpy(layer_int8(inputs) - layer(inputs)))
bound = error_bound(inputs, layer_int8)
print(
    f"an LSTM's product: largest error {error.max():.4f}, mean {error.mean():.4f}; "
    f"bound {bound.min():.3f} to {bound.max():.3f}"
)
print("within the bound everywhere:", bool(np.all(error <= bound + 1e-5)))

# %% [markdown]
# ### A rating from 0 to 6
#
# Wu et al. had people rate translations side by side, from 0 (makes no sense) to 6 (meaning and grammar are right). We have no
# raters. **A stand-in:** the fewest words to insert, delete or replace until the translation is one of the right ones, as a share of that
# one's length, times 6, taken from 6 (and never below 0). It counts a wrong ending like a wrong word, and knows no
# meaning: the third line printed below is right German, but in no reference's order. The *reference* is rated, too:
# the last of the right translations that the grammar knows against the others (where there is only one, it is 6).


# %%
def edits(words, reference):
    """The fewest insertions, deletions and replacements that turn words into the reference."""
    row = np.arange(len(reference) + 1)
    for word in words:
        replaced = row[:-1] + [word != other for other in reference]
        row = np.concatenate([[row[0] + 1], np.minimum(replaced, row[1:] + 1)])
        # An insertion costs one for each place that it reaches to the right.
        row = np.minimum.accumulate(row - np.arange(len(row))) + np.arange(len(row))
    return int(row[-1])


def rating(words, references):
    """From 0 to 6: a stand-in for a human rater."""
    return max(6 * max(0.0, 1 - edits(words, one) / len(one)) for one in references)


# %%
# NBVAL_CHECK_OUTPUT
for text in ("der hund schläft heute .", "der hund schlief heute .", "heute schläft der hund .", "ja"):
    print(f"{rating(text.split(), [['der', 'hund', 'schläft', 'heute', '.']]):.1f}  {text}")

# %% [markdown]
# Ratings of all test sentences, as bars for each system; then side by side, sentence by sentence. *GNMT* is the
# network of `MAIN`.

# %%
ratings = {
    name: np.array([rating(words, references["test"][k]) for k, words in zip(everything, systems[name], strict=True)])
    for name in ("phrase-based", "words, unknown ones copied", MAIN)
}
ratings["reference"] = np.array(
    [rating(options[-1], options[:-1] or options) for options in (references["test"][k] for k in everything)]
)
figure, axis = plots.subplots(width=7, height=3)
for k, (name, values) in enumerate(ratings.items()):
    share = np.histogram(values, bins=np.arange(-0.5, 7))[0] / len(values)
    axis.bar(np.arange(7) + 0.2 * (k - 1.5), share, width=0.2, label=f"{name}: mean {values.mean():.2f}")
axis.set(
    title="Rating computed from edits (a stand-in for people)", xlabel="rating, rounded", ylabel="share of sentences"
)
axis.legend()
figure

# %%
better = {
    name: (np.mean(ratings[MAIN] > values), np.mean(ratings[MAIN] == values), np.mean(ratings[MAIN] < values))
    for name, values in ratings.items()
    if name != MAIN
}
rows = [
    f"| {name} | " + " | ".join(f"{100 * share:.0f} %" for share in shares) + " |" for name, shares in better.items()
]
before, here, best = (ratings[name].mean() for name in ("phrase-based", MAIN, "reference"))
gone = (here - before) / (best - before)
Markdown(
    "| side by side with | GNMT better | equal | GNMT worse |\n|---|---|---|---|\n"
    + "\n".join(rows)
    + f"\n\nOf the way from the phrase-based system to the reference, GNMT has gone {gone:.0%}."
)

# %% [markdown]
# *What to see:* the bars at 6, the sentences that are right to the word (in ones so short, one edit costs more than
# half a point). Side by side with the phrase-based system the pieces win five times as often as they lose, and they
# have gone more than half of the way from it to the reference (the paper calls this share the *relative improvement*);
# against words with unknown ones copied they lose more often than they win. Read the reference's bar with care: it is
# right by definition, and what it loses it loses to a rater who only knows words.
#
# ### A pair never seen
#
# All six directions of the three-language network. The search is run twice: **free**, and **held** to the language that was asked for
# (only pieces that the training has in sentences of that language may be written).
#
# What is **chance**? A system that writes good German about something else: the network's own translations, each
# compared with another sentence's reference. And copying the source, as it is? The last way is **pivoting**:
# translate into English, then from there. The last column says how many of the free translations have most of their
# words from the language asked for.

# %%
run_multilingual = compiled_search(multilingual, max_steps=24)
NUM_ALL = len(shared) + len(TO)
own_pieces = {
    language: {number for line in lines["train"] for number in shared.encode(line[language])} for language in LANGUAGES
}


def translated(sentences, target, held=True):
    """Sentences of any language into a target language, by the multilingual network."""
    source = padded([[*shared.encode(words), END] for words in sentences])
    allowed = may_follow(NUM_ALL, sorted(own_pieces[target]) if held else range(END, len(shared)))
    tensors = run_multilingual(source, np.full(len(source), TO[target], np.int32), allowed)
    result = Found(*(one.numpy() for one in tensors))
    best = best_of(result, alpha, beta)
    rows = [result.tokens[k, best[k]] for k in range(len(source))]
    return [shared.decode([k for k in row if k > END]) for row in rows]


# %% [markdown]
# All of this for one direction, then for all six.


# %%
def in_language(words):
    """The language that most of these words belong to, by the training."""
    return max(LANGUAGES, key=lambda language: sum(word in known[language] for word in words))


known = {language: {word for line in lines["train"] for word in line[language]} for language in LANGUAGES}
multi_test = {language: [line[language] for line in lines["test"]] for language in LANGUAGES}


def measured(source, target):
    """BLEU of a direction: held to the language, free, by chance, of the source itself, by way of English."""
    wanted = [[words] for words in multi_test[target]]
    held, free = (translated(multi_test[source], target, one) for one in (True, False))
    found = {"held": bleu(held, wanted), "free": bleu(free, wanted)}
    found["right language"] = np.mean([in_language(words) == target for words in free])
    found["chance"] = bleu(held, wanted[1:] + wanted[:1])
    found["copied"] = bleu(multi_test[source], wanted)
    if "en" not in (source, target):
        found["pivot"] = bleu(translated(translated(multi_test[source], "en"), target), wanted)
    return found


multi = {pair: measured(*pair) for pair in (*TRAINED, *ZERO_SHOT)}

# %%
columns = ("held", "free", "chance", "copied", "pivot")
rows = [
    f"| {source} → {target}{' (never seen)' if (source, target) in ZERO_SHOT else ''} | "
    + " | ".join(f"{scores[column]:.1f}" if column in scores else "–" for column in columns)
    + f" | {100 * scores['right language']:.0f} % |"
    for (source, target), scores in multi.items()
]
Markdown(
    "| BLEU | held to the language | free | against other references (chance) | source copied | by way of English "
    "| free: in the right language |\n|---|---|---|---|---|---|---|\n" + "\n".join(rows)
)

# %%
for source, target in ZERO_SHOT:
    some = multi_test[source][:4]
    for words, free, held in zip(some, translated(some, target, False), translated(some, target), strict=True):
        print(f"{source}: {' '.join(words)}\n    free: {' '.join(free)}\n    held: {' '.join(held)}")

# %% [markdown]
# *What to see:* compare the two rows that were never seen with chance, with the trained directions, and with the way
# over English, which is better still. **Held** to the language, the network shows how much of the sentence it has
# understood. **Free**, which is what claim 3 is about, the two rows are much lower, while the trained directions hardly
# change: left alone, it often mixes languages or answers in another one, the known weakness of zero-shot translation.
# It does not know yet that the token alone decides.

# %% [markdown]
# ### One meaning, three languages
#
# What does the encoder make of the same sentence in three languages? For each, take the mean of its top states over the sentence, and
# project to the two directions in which these means differ most (principal components). The axes have no unit and no
# meaning of their own: only who lies near whom counts.


# %%
def sentence_states(language):
    """Mean encoder states (sentences, units) of the test sentences."""
    source = padded([[*shared.encode(words), END] for words in multi_test[language]])
    memory, mask = multilingual.encode(source)
    memory, mask = ops.convert_to_numpy(memory), ops.convert_to_numpy(mask)[..., None]
    return (memory * mask).sum(axis=1) / mask.sum(axis=1)


states = {language: sentence_states(language) for language in LANGUAGES}
stacked = np.concatenate(list(states.values()))
_, _, directions = np.linalg.svd(stacked - stacked.mean(axis=0), full_matrices=False)
flat = {language: (values - stacked.mean(axis=0)) @ directions[:2].T for language, values in states.items()}

figure, (left, right) = plots.subplots(1, 2, width=4.4, height=3.6)
for language, points in flat.items():
    left.plot(*points.T, "o", markersize=3, label=language)
for k in range(7):
    corners = np.array([flat[language][k] for language in LANGUAGES])
    right.fill(*corners.T, alpha=0.4, color=plots.PALETTE[k])
    for language, corner in zip(LANGUAGES, corners, strict=True):
        right.text(*corner, language, fontsize=8, ha="center", va="center")
left.set(title="by language: all test sentences", xlabel="first component", ylabel="second component")
right.set(title="by meaning: seven sentences, a triangle each", xlabel="first component", ylabel="second component")
left.legend()
figure


# %%
def nearest_is_same(one, other):
    """The share of sentences whose nearest state in another language is that of their own translation."""
    one, other = (values - values.mean(axis=0) for values in (states[one], states[other]))
    distances = np.linalg.norm(one[:, None] - other[None], axis=-1)
    return np.mean(distances.argmin(axis=1) == np.arange(len(one)))


print(f"chance: {100 / len(multi_test['en']):.1f} %")
for one, other in (("en", "fr"), ("en", "de"), ("fr", "de")):
    print(f"the nearest {other} sentence of a {one} one is its translation: {100 * nearest_is_same(one, other):.0f} %")

# %% [markdown]
# *What to see:* left, languages do not lie apart; right, the corners of a triangle, one sentence in three languages,
# mostly lie closer together than different sentences do: the states differ more by sentence than by language. Two
# components are little: the shares printed count in all dimensions (after taking each language's own mean away), and
# French and German were never trained on each other. Nearest is not always right: the shares are below 100.
#
# ### The claims
#
# Three things to know before you read them. In claim 1 the *before* is 0 by construction, and seed 0 was used for
# tuning. With unknown words copied, the vocabulary of words has a figure of its own, in the table of systems: look
# there before you believe in pieces. Claim 3 is about the free search (the held one is in the table of directions,
# too), and *chance* is so near to 0 (BLEU is 0 when no four words in a row are right in the whole test) that only the 10
# points above it mean something.

# %%
LECTURE = "4_language/4_gnmt"
# Real sentences are harder: their margins are smaller.
MORE, ABOVE = (2, 3) if IS_REAL else (10, 10)
share = {name: 100 * right / total for name in systems for right, total in rare_right(systems[name])[:1]}
coursekit.Claim(
    lecture=LECTURE,
    statement="Word pieces write rare words that a vocabulary of words cannot "
    "(words that training never had, right, %)",
    paper="7.5 BLEU over a single model without the copying of unknown words (Wu et al. 2016, section 1)",
    before=share["words"],
    here=share[MAIN],
    margin=f"at least {MORE} points more",
    holds=share[MAIN] >= share["words"] + MORE,
).check()

# %%
float_bleu, int8_bleu = (values[0] for values in runs.values())
coursekit.Claim(
    lecture=LECTURE,
    statement="Translating with 8-bit weights and activations costs little (BLEU; before: 32 bits)",
    paper="–",
    before=float_bleu,
    here=int8_bleu,
    margin="less than 0.5 BLEU lost",
    holds=int8_bleu > float_bleu - 0.5,
).check()

# %%
zero_shot, by_chance = (np.mean([multi[pair][what] for pair in ZERO_SHOT]) for what in ("free", "chance"))
coursekit.Claim(
    lecture=LECTURE,
    statement="French and German, never seen together, are translated above chance "
    "(BLEU, mean of both directions, free search)",
    paper="zero-shot translation is possible (Johnson et al. 2016, abstract)",
    before=by_chance,
    here=zero_shot,
    margin=f"at least 3 times chance, and {ABOVE} BLEU above it",
    holds=zero_shot >= max(by_chance + ABOVE, 3 * by_chance),
).check()

# %% [markdown]
# **On real sentences** (Tatoeba, up to ten words, 1,500 and 2,000 steps, 21 minutes of CPU) the first two claims hold,
# the first of them barely: pieces write 2.9 % of the rare words, and translate with 17.5 BLEU in 32 and in 8 bits. The
# third does not hold: between French and German not one row of four words is right. People have far more words, and
# use them in far more ways, than the grammar, and so short a training does not reach a meaning that the languages share.

# %% [markdown]
# ## Go further
#
# 1. **Byte pairs.** Merge the most frequent pair instead of the one with the largest gain. Which words are cut differently?
# 2. **Attention with a memory.** Feed the context of the step before into the decoder's bottom layer, as the paper does. What does it cost in time?
# 3. **Without the limit.** Train with `narrow=False`, then round: choose $\delta$ afterwards. How much BLEU is lost now?
# 4. **Four bits.** Replace 127 by 7. Which products suffer most?
# 5. **A bridge.** Add a hundred French-German sentences to the multilingual training. What do they do to zero-shot translation?
# 6. **Mix.** Start a source sentence in French and end it in German (as Johnson et al. do). What does the network write?
# 7. **Longer.** Raise `MAX_WORDS` for the test only. Do $\alpha$ and $\beta$ begin to matter?
# 8. **Captions.** `corpus="multi30k"`, told to `load_translation`, brings what people wrote about 31,000 pictures, in English,
#    French, German and Czech (`COURSE_DATA` or a download). Which of the claims hold there? What do word pieces do to Czech endings?
#
# **The graded assignment** `ps3_nmt` asks you to segment words by pieces that are given, and to write the beam search with
# length normalization and coverage on prefixes. **Next:** `5_negotiation`.
#
# **Larger.** `COURSE_PROFILE=full COURSE_SOURCE=real` trains larger networks on Tatoeba. It wants a GPU.
