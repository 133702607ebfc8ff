# ---
# jupyter:
#   kernelspec:
#     display_name: Deep Learning (GPU if present)
#     language: python
#     name: dl-course
# ---

# %% [markdown]
# # Machine translation: from phrase tables to attention
#
# | | |
# |---|---|
# | **Papers** | P. Brown et al., *The mathematics of statistical machine translation: parameter estimation*, Computational Linguistics (1993) · P. Koehn, F. J. Och, D. Marcu, *Statistical phrase-based translation*, NAACL (2003) · K. Cho et al., *Learning phrase representations using RNN encoder-decoder for statistical machine translation*, EMNLP (2014) · I. Sutskever, O. Vinyals, Q. Le, *Sequence to sequence learning with neural networks*, NIPS (2014) · D. Bahdanau, K. Cho, Y. Bengio, *Neural machine translation by jointly learning to align and translate*, ICLR (2015) · M.-T. Luong, H. Pham, C. Manning, *Effective approaches to attention-based neural machine translation*, EMNLP (2015) |
# | **You need** | `1_foundations/2_training`: softmax, cross-entropy, Adam. Nothing about languages |
# | **Time** | two to four minutes on two CPU cores with the bundled data, several times that with sentences that people wrote; not measured on a GPU |
#
# In 2013 a translation system was a table of phrases, a language model, a model of word order and some twenty years of
# craft. In 2016 it was one network. You will build both, from English to German, and see what each of them cannot do.
#
# (*What to see* under a figure describes the small profile on the bundled data. Other profiles, seeds and real
# sentences give other pictures.)

# %%
import functools
import itertools
import math
import textwrap
import time
from collections import Counter, defaultdict
from typing import NamedTuple

import coursekit  # First: it imports Keras and TensorFlow without their start-up messages.
import ipywidgets
import keras
import matplotlib
import numpy as np
import tensorflow as tf
from coursedata.translation import Phenomena, Vocabulary, detokenize, load_translation, normalize, tokenize
from coursekit import plots
from IPython.display import Markdown, display
from keras import layers, ops

seed = coursekit.set_seed()
profile = coursekit.get_profile()
# Many small operations: two at a time, each on one core. Two cores for one would mostly wait for each other.
tf.config.threading.set_inter_op_parallelism_threads(profile.pick(small=2, full=0))
tf.config.threading.set_intra_op_parallelism_threads(profile.pick(small=1, full=0))
device = coursekit.set_device(mixed_precision=False)
profile, device

# %% [markdown]
# ## Claim
#
# The dream is as old as the computer: rules written by hand, then statistics of texts that people had translated, then
# networks. The colours of the time line are these three.

# %%
# (year, what, kind); the sources are below.
HISTORY = [
    (1949, "Weaver's memorandum", "statistics"),
    (1954, "Georgetown and IBM:\n60 sentences", "rules"),
    (1966, "ALPAC report", "rules"),
    (1990, "IBM: translation\nas statistics", "statistics"),
    (2003, "phrases instead\nof words", "statistics"),
    (2014, "encoder-decoder", "networks"),
    (2015, "attention", "networks"),
    (2016, "GNMT", "networks"),
]
KINDS = ("rules", "statistics", "networks")
# Where three years in a row leave no room for labels in the middle.
SIDES = {2014: "right", 2016: "left"}

# %%
figure, axis = plots.subplots(width=10, height=2.6)
for k, (year, what, kind) in enumerate(HISTORY):
    height = 0.35 if k % 2 == 0 else -0.35
    axis.plot([year, year], [0, height], color="0.7", linewidth=1)
    axis.plot(year, 0, "o", color=plots.PALETTE[KINDS.index(kind)], markersize=9)
    side, above = SIDES.get(year, "center"), "bottom" if height > 0 else "top"
    axis.text(year, height, f"{year}\n{what}", ha=side, va=above, fontsize=8)
for kind, colour in zip(KINDS, plots.PALETTE, strict=False):
    axis.plot([], [], "o", color=colour, label=kind)
axis.axhline(0, color="0.4", linewidth=1)
axis.set(xlim=(1942, 2022), ylim=(-1.5, 1.2), xlabel="year", yticks=[], title="Machine translation")
axis.grid(False)
axis.legend(fontsize=8, loc="lower left", ncols=3)
figure

# %% [markdown]
# *What to see:* an idea of statistics, forty years too early; then the rules, written by hand; twenty-five years of statistics;
# and the few years in which networks took over. ALPAC was the committee whose report ended most of the funding in the USA; GNMT
# is Google's neural system.
#
# | point | what it is | source |
# |---|---|---|
# | 1949 | translation as breaking a code, with the means of statistics | W. Weaver, memorandum *Translation*, as cited by Brown et al. 1990 |
# | 1954 | public demonstration, Russian to English, more than 60 sentences | secondary sources: histories of the field |
# | 1966 | report after which funding in the USA was cut | ALPAC, *Language and machines*; secondary sources |
# | 1990 | a translation is the most probable sentence, from aligned text | Brown et al., *A statistical approach to machine translation*, Computational Linguistics 16 |
# | 2003 | phrases as units | Koehn, Och, Marcu 2003 |
# | 2014 | two recurrent networks and a vector between them | Cho et al. 2014; Sutskever et al. 2014 |
# | 2015 | the decoder looks back at the source | Bahdanau et al. 2015; Luong et al. 2015 |
# | 2016 | in production (the next lecture) | Wu et al. 2016 |
#
# **What the papers reported.** *BLEU*, from 0 to 100, counts the words and phrases that a translation shares with what people
# wrote (you will write it below).
#
# - Sutskever et al., abstract and section 1, English to French news (the test set of the WMT 2014 workshop): five networks
#   (*LSTMs*, see below) whose probabilities are averaged, an *ensemble*, 34.8; a phrase-based system 33.3. They saw no
#   difficulty on long sentences, and they trained on long ones. You will see what happens when one does not.
# - Bahdanau et al., abstract: the vector of fixed size between reader and writer is the bottleneck, they conjecture.
# - Luong et al., abstract: attention of a kind that looks at a window only (*local*) gains 5.0 over networks without it. This
#   lecture has the kind that looks at the whole sentence (*global*).
#
# **The claims of this lecture**, each checked at the end on sentences that were not in the training: (1) attention beats the
# plain encoder-decoder, and most on sentences longer than those of the training; (2) the plain encoder-decoder beats the
# phrase-based system on sentences of the trained lengths; (3) attention beats the phrase-based system.
#
# ## Data
#
# English to German. Bundled: sentences of a grammar. Word for word they are easy; what makes them hard is what makes German
# hard: verbs that go to the end and come apart, cases, genders, endings, negation inside an article (*kein*). A fifth of the
# grammar's words keeps the training short enough for two cores; rare words and numbers come in the next lecture. Training has
# sentences of up to ten English words. A third of the test is like them, a third has combinations of words that the training
# lacks (an adjective with a noun, a verb with an object), and a third is longer, up to sixteen words.
#
# With `COURSE_SOURCE=real` the same notebook runs on Tatoeba: short sentences that people wrote.

# %%
LANGUAGES = ("en", "de")
SHARE = profile.pick(small=0.2, full=1.0)
# Tatoeba's sentences are short: seven words are its short ones.
MAX_WORDS, LONGEST = {"bundled": (10, 16), "real": (7, 14)}[profile.source]
SIZES = {
    "num_train": profile.pick(small=14000, full=48000) if profile.source == "bundled" else 27000,
    "num_valid": 60,
    "num_test": profile.pick(small=180, full=600),
}


def load():
    """The split; bundled training sentences have at most MAX_WORDS words."""
    if profile.source == "real":
        return load_translation("real", languages=LANGUAGES, seed=seed, max_words=LONGEST, **SIZES)
    phenomena = Phenomena(rare_words=False, numbers=False, idioms=False)
    return load_translation(
        "bundled",
        languages=LANGUAGES,
        seed=seed,
        phenomena=phenomena,
        share=SHARE,
        max_train_words=MAX_WORDS,
        max_words=LONGEST,
        **SIZES,
    )


split = load()
print(", ".join(f"{what}: {num:,}" for what, num in split.report.items()))
for line, references in list(zip(split.test, split.test_references, strict=True))[:3]:
    print("\n".join((*line[:1], *(f"    {reference}" for reference in references[:2]))))


# %% [markdown]
# The first line counts sentences: how many were *drawn*; how many were dropped from the third of new combinations because they
# had none, from the training and the third that is like it because they had one, because they came twice, and because they were
# in the validation set or the test. So no sentence is on two sides. Under each English sentence stand the first two of its
# right translations, its **references** (many have one only).
#
# From text to numbers in three steps that you can look at one by one: **normalize** (one Unicode form, small letters),
# **tokenize** (words and marks), **number** (words that came once are *unknown*).


# %%
def tokens(text):
    return tokenize(normalize(text))


def num_words(tokens):
    return sum(token[0].isalnum() for token in tokens)


pairs = {
    part: [(tokens(source), tokens(target)) for source, target in getattr(split, part)]
    for part in ("train", "valid", "test")
}
pairs["train"] = [(source, target) for source, target in pairs["train"] if num_words(source) <= MAX_WORDS]
references = {
    "valid": [[tokens(text) for text in texts] for texts in split.valid_references],
    "test": [[tokens(text) for text in texts] for texts in split.test_references],
}
vocabularies = [Vocabulary((pair[side] for pair in pairs["train"]), min_count=2) for side in (0, 1)]
rows = []
for side, (name, vocabulary) in enumerate(zip(("English", "German"), vocabularies, strict=True)):
    unknown = Counter(word for pair in pairs["test"] for word in pair[side] if word not in vocabulary)
    often = ", ".join(word for word, _ in unknown.most_common(5))
    rows.append(f"| {name} | {len(vocabulary)} | {unknown.total()} | {often or '–'} |")
Markdown(
    f"{len(pairs['train'])} sentences to train on\n\n"
    "| | words in the vocabulary | unknown tokens in the test | most frequent of these |\n"
    "|---|---|---|---|\n" + "\n".join(rows)
)

# %% [markdown]
# *What to see:* few words of the test are unknown. Here they are one word, *bread*: all of its combinations were held out for
# the test, so that the training lacks the word itself. No system below can translate a sentence with it.

# %%
lengths = {part: [num_words(source) for source, _ in pairs[part]] for part in ("train", "test")}
figure, axis = plots.subplots(width=7, height=2.6)
for part, of in lengths.items():
    axis.hist(of, bins=np.arange(1.5, LONGEST + 2), density=True, alpha=0.6, label=part)
axis.set(title="Lengths", xlabel="English words in a sentence", ylabel="share")
axis.legend()
figure

# %% [markdown]
# *What to see:* the test, in the second colour, goes on where the training ends: a third of it is longer than everything that
# any system will have learned from.
#
# ### BLEU
#
# An **n-gram** is n words in a row. Of the n-grams of a translation, what share is in a reference? That *precision* is
# **clipped**: an n-gram counts at most as often as in the reference that has it most often, or "the the the" would be perfect.
# BLEU is the geometric mean of the precisions for $n = 1 \dots 4$ over the whole corpus, times the **brevity penalty**
# $\min(1, \exp(1 - r/c))$ when the translations have $c$ words in all and the references nearest to them in length have $r$:
# otherwise one sure word would do. (Papineni et al., *BLEU: a method for automatic evaluation of machine translation*, ACL
# 2002.)


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
    brevity = min(0.0, 1 - reference_length / length)
    return 100 * math.exp(brevity + np.mean(np.log(matched / total)))


# %%
# NBVAL_CHECK_OUTPUT
right = "der hund hat heute das brot gegessen .".split()
for text in (
    "der hund hat heute das brot gegessen .",
    "der hund hat das brot heute gegessen .",
    "der hund hat heute .",
):
    print(f"{bleu([text.split()], [[right]]):5.1f}  {text}")

# %% [markdown]
# The first is the reference. The second has all the right words, and no four of them in the reference's order: one n-gram length
# without a hit makes the product 0, which is why BLEU is computed over a corpus. (In German it is even right: BLEU knows only its
# references.) The third has no wrong word. Its n-grams alone would give 70.7, since *heute .* is in no reference; the brevity
# penalty of $\exp(1 - 8/5) = 0.55$ takes the rest.
#
# ## Before
#
# The phrase-based system, in five steps. **1. Which word belongs to which?** Nobody says: the corpus is only aligned sentence
# by sentence. *IBM model 1* supposes that every German word $g_j$, $j = 1 \dots J$, was produced by one of the $I$ English
# words $e_1 \dots e_I$ of its sentence or by an empty word $e_0$, each equally likely. A table $t(g \mid e)$ says how likely
# the English word $e$ produces the German word $g$:
#
# $$p(g_1 \dots g_J \mid e_1 \dots e_I) = \prod_{j=1}^{J} \frac{1}{I+1} \sum_{i=0}^{I} t(g_j \mid e_i)$$
#
# If the alignments were known, $t$ would be counted; if $t$ were known, the alignments could be guessed. **Expectation
# maximization** (EM) does both in turn: guess $p(i \mid j) = t(g_j \mid e_i) / \sum_k t(g_j \mid e_k)$; add these up over the
# corpus for each pair of words, divide by the sum for the English word, and that is the next $t$; repeat. No step can lower the
# likelihood.
#
# In the class below, a *cell* is one German word of one sentence with one English word of it (or the empty one). `keys` are the
# pairs of words that occur, `cells` says for each cell which of these it is, `slots` to which German word of the corpus it
# belongs: all sums are then `np.bincount`.


# %%
class WordTable:
    """IBM model 1: t(target word | source word), learned by EM from pairs of token lists."""

    def __init__(self, pairs):
        self.words = [sorted({word for pair in pairs for word in pair[side]}) for side in (0, 1)]
        self.ids = [{word: k for k, word in enumerate(words, start=1)} for words in self.words]
        cells, slots, lengths = [], [], []
        for source, target in pairs:
            # 0 is the empty word.
            source_ids = [0, *(self.ids[0][word] for word in source)]
            for word in target:
                cells += [source_id * (len(self.words[1]) + 1) + self.ids[1][word] for source_id in source_ids]
                slots += [len(lengths)] * len(source_ids)
                lengths.append(len(source_ids))
        self.keys, self.cells = np.unique(cells, return_inverse=True)
        self.slots, self.lengths = np.array(slots), np.array(lengths)
        self.sources = self.keys // (len(self.words[1]) + 1)
        self.probabilities = np.full(len(self.keys), 1 / len(self.words[1]))
        self.log_likelihoods = []

    def step(self):
        """One round of EM; the likelihood of the table before it is noted."""
        scores = self.probabilities[self.cells]
        totals = np.bincount(self.slots, scores)
        self.log_likelihoods.append(np.log(totals / self.lengths).sum())
        counts = np.bincount(self.cells, scores / totals[self.slots], len(self.keys))
        self.probabilities = counts / np.bincount(self.sources, counts)[self.sources]

    def as_dict(self):
        """{(source word or None, target word): probability}."""
        source_words, target_words = [None, *self.words[0]], [None, *self.words[1]]
        return {
            (source_words[key // len(target_words)], target_words[key % len(target_words)]): probability
            for key, probability in zip(self.keys.tolist(), self.probabilities.tolist(), strict=True)
        }


# %%
def word_table(pairs, num_steps=8):
    table = WordTable(pairs)
    for _ in range(num_steps):
        table.step()
    return table


# %% [markdown]
# Both directions, German from English and English from German: you will need both.


# %%
started = time.process_time()
forward = word_table(pairs["train"])
backward = word_table([pair[::-1] for pair in pairs["train"]])
t_forward, t_backward = forward.as_dict(), backward.as_dict()
print("log-likelihood:", *(f"{value:.0f}" for value in forward.log_likelihoods))
for word in ("not", "because", "man", "calls"):
    best = sorted(((p, g) for (e, g), p in t_forward.items() if e == word), reverse=True)[:4]
    print(f"{word:8}", " | ".join(f"{g} {p:.2f}" for p, g in best))

# %% [markdown]
# *What to see:* the likelihood rises at each step, and a dictionary appears that nobody wrote: behind each German word stands
# its probability. The comma belongs to *because* since German puts one before *weil*. *Calls* is
# two words in German, *ruft* and, at the end of the sentence, *an*, and the table is as sure of the one as of the other.
#
# **2. Symmetrize.** Model 1 lets each German word have one English word, and an English word as many German ones as want it. Two
# tables, one in each direction, give two alignments. Start from the links in both (sure), and *grow* into those in either that
# touch a link, also at a corner, and bring in a word that has none yet. At last come links between two words that both have none
# (Koehn et al. 2003, section 4.5, call this *diag-and*).


# %%
def links_of(source, target, table):
    """Model 1's best alignment: {(i, j)}, target word j to the source word i that explains it best."""
    links = set()
    for j, word in enumerate(target):
        scores = [table.get((one, word), 0.0) for one in source]
        best = int(np.argmax(scores))
        # The full stop is in every sentence, like the empty word, and explains as much: on a tie the word is taken.
        # (Sums that are equal on paper differ in their last digits.)
        if scores[best] > (1 - 1e-9) * table.get((None, word), 0.0):
            links.add((best, j))
    return links


# %% [markdown]
# Growing, in the code: `rows` and `columns` are the words that have a link already.


# %%
def symmetrized(one, other):
    """Links (i, j) of both directions, grown along their neighbours."""
    union, links = one | other, one & other
    steps = [(di, dj) for di, dj in itertools.product((-1, 0, 1), repeat=2) if (di, dj) != (0, 0)]
    rows, columns = {i for i, _ in links}, {j for _, j in links}
    grown = True
    while grown:
        grown = False
        for i, j in sorted(links):
            for di, dj in steps:
                new = (i + di, j + dj)
                if new in union - links and (new[0] not in rows or new[1] not in columns):
                    links = links | {new}
                    rows.add(new[0])
                    columns.add(new[1])
                    grown = True
    for i, j in sorted(union - links):
        if i not in rows and j not in columns:
            links = links | {(i, j)}
            rows.add(i)
            columns.add(j)
    return links


def aligned(source, target):
    there = links_of(source, target, t_forward)
    back = {(i, j) for j, i in links_of(target, source, t_backward)}
    return symmetrized(there, back)


# %%
def show_links(axis, matrix, source, target, title):
    """A matrix (target, source) of numbers from 0, dark, to 1, bright, with the words at its sides."""
    axis.imshow(matrix, vmin=0, vmax=1, aspect="auto")
    axis.grid(False)
    axis.set_xticks(range(len(source)), source, rotation=60, ha="right", fontsize=8)
    axis.set_yticks(range(len(target)), target, fontsize=8)
    axis.set_title(title)


def separable(pair):
    return pair[1][-2] in ("ein", "aus", "auf", "zu", "an", "mit", "zurück") and 6 <= len(pair[0]) <= 10


example = next((pair for pair in pairs["train"] if separable(pair)), pairs["train"][0])
links = aligned(*example)
# 1 where a German word (row) has a link to an English one (column).
matrix = [[(i, j) in links for i in range(len(example[0]))] for j in range(len(example[1]))]
figure, axis = plots.subplots(width=4.5, height=3.6)
show_links(axis, matrix, *example, "Which word belongs to which")
figure

# %% [markdown]
# *What to see:* a bright cell links the German word of its row to the English word of its column. Where German puts a word
# elsewhere, as *oft*, the cell lies off the diagonal. *Einer* went to *town*, the noun that it belongs to, instead of *a*. And
# *ruft* finds *calls*, but its other half, the prefix *an*, stays dark, although the table above knows it: that is a link of
# one direction only, it touches no other link, and when the free words are linked at last, *calls* is taken.
#
# **3. Phrases.** A phrase is any few words in a row. A pair of phrases is *consistent* when there is at least one link inside,
# and no word inside is linked to a word outside. Collect all consistent pairs of up to four words a side, count, and divide:
# $\phi(g \mid e) = \text{count}(e, g) / \text{count}(e)$, where $e$ and $g$ are now phrases, and the other way round
# $\phi(e \mid g) = \text{count}(e, g) / \text{count}(g)$. In the code spans are found from the English side: the German words
# that are linked to the span, and unlinked words beside these.

# %%
MAX_PHRASE = 4


def phrase_pairs(source, target, links, longest=MAX_PHRASE):
    """All consistent pairs of spans ((i1, i2), (j1, j2)), ends excluded, of at most `longest` words a side."""
    linked_targets = {j for _, j in links}
    found = []
    for i1, i2 in itertools.combinations(range(len(source) + 1), 2):
        inside = [j for i, j in links if i1 <= i < i2]
        if i2 - i1 > longest or not inside:
            continue
        low, high = min(inside), max(inside) + 1
        if any(low <= j < high and not i1 <= i < i2 for i, j in links):
            continue
        j1 = low
        while j1 >= 0 and (j1 == low or j1 not in linked_targets):
            j2 = high
            while j2 <= len(target) and (j2 == high or j2 - 1 not in linked_targets):
                if j2 - j1 <= longest:
                    found.append(((i1, i2), (j1, j2)))
                j2 += 1
            j1 -= 1
    return found


# %% [markdown]
# An **option** is one way to say an English phrase in German. The table keeps the six best of each phrase, by
# $\log \phi(g \mid e) + \log \phi(e \mid g)$: a phrase must be likely in both directions.


# %%
class Option(NamedTuple):
    """A way to translate a phrase: target words, log phi(target | source), log phi(source | target)."""

    words: tuple
    direct: float
    inverse: float


def phrase_table(pairs, num_options=6):
    """{source phrase: its best options}."""
    counts = Counter()
    for source, target in pairs:
        for (i1, i2), (j1, j2) in phrase_pairs(source, target, aligned(source, target)):
            counts[tuple(source[i1:i2]), tuple(target[j1:j2])] += 1
    sources, targets = Counter(), Counter()
    for (source, target), count in counts.items():
        sources[source] += count
        targets[target] += count
    table = defaultdict(list)
    for (source, target), count in counts.items():
        table[source].append(Option(target, math.log(count / sources[source]), math.log(count / targets[target])))
    return {
        source: sorted(options, key=lambda one: (-one.direct - one.inverse, one.words))[:num_options]
        for source, options in table.items()
    }


# %% [markdown]
# The table of all training sentences, and some of its lines, best option first:


# %%
table = phrase_table(pairs["train"])
print(f"{len(table):,} English phrases,", f"{sum(map(len, table.values())):,} pairs")
for phrase in (("the", "dog"), ("does", "not"), ("because", "the")):
    print(" ".join(phrase), "->", " | ".join(" ".join(one.words) for one in table.get(phrase, [])[:4]))

# %% [markdown]
# *What to see:* the table knows both *der hund* (subject) and *den hund* (object), but nothing in it says when to take which.
# *Does not*: since *does* has no German word of its own, the verb beside *nicht* comes along.
#
# **4. A language model** says which German is likely, whatever the English was: $p(w \mid u v)$, the probability of a word $w$
# after the two words $u v$. Most triples were never seen, so counts must be *smoothed*. **Kneser-Ney**: take $d = 0.75$ off
# every count $c(uvw)$, and give what that frees to the distribution after the shorter history $v$:
#
# $$p(w \mid u v) = \frac{\max(c(uvw) - d, 0)}{c(uv)} + \frac{d\, N(uv\,\cdot)}{c(uv)}\; p(w \mid v)$$
#
# $c(uv)$ is how often the history came, $N(uv\,\cdot)$ how many different words came after it. $p(w \mid v)$ is the same formula with
# one difference: in place of $c(vw)$ stands the number of different words seen *before* $vw$. (*Francisco* is frequent, but only
# after *San*: where the history is new, it should not be likely.) Last comes $p(w)$, and what is freed there goes to all words
# equally, one of them standing for those that were never seen.


# %%
class KneserNey:
    """Interpolated Kneser-Ney trigrams of token lists; what the unigrams free goes to all words and one unseen word."""

    def __init__(self, sentences, discount=0.75):
        self.discount = discount
        trigrams = Counter()
        for sentence in sentences:
            padded = ("<s>", "<s>", *sentence, "</s>")
            trigrams.update(zip(padded, padded[1:], padded[2:], strict=False))
        # Shorter ones count in how many different places they stand.
        bigrams = Counter((v, w) for _, v, w in trigrams)
        self.counts = [Counter(w for _, w in bigrams), bigrams, trigrams]
        self.totals, self.kinds = [], []  # Of each history: how much was counted after it, how many different words.
        for counts in self.counts:
            total, kinds = Counter(), Counter()
            for ngram, count in counts.items():
                history = ngram[:-1] if isinstance(ngram, tuple) else ()
                total[history] += count
                kinds[history] += 1
            self.totals.append(total)
            self.kinds.append(kinds)
        self.cache = {}

    def probability(self, word, history):
        """p(word | history), a history of up to two words."""
        if not history:
            total, kinds = self.totals[0][()], self.kinds[0][()]
            return max(self.counts[0][word] - self.discount, 0) / total + self.discount * kinds / total / (kinds + 1)
        shorter = self.probability(word, history[1:])
        total = self.totals[len(history)][history]
        if not total:
            return shorter
        seen = max(self.counts[len(history)][(*history, word)] - self.discount, 0) / total
        return seen + self.discount * self.kinds[len(history)][history] / total * shorter

    def log_probability(self, word, history):
        key = (word, history)
        if key not in self.cache:
            self.cache[key] = math.log(self.probability(word, history))
        return self.cache[key]


# %% [markdown]
# A language model is measured by its *perplexity* on sentences that it never saw: the number of equally likely words among which
# it might as well guess.


# %%
def perplexity(model, sentences):
    """exp of the mean cross-entropy (nats) per word, the end of a sentence included."""
    logs = [
        model.log_probability(word, (u, v))
        for sentence in sentences
        for u, v, word in zip(("<s>", "<s>", *sentence), ("<s>", *sentence), (*sentence, "</s>"), strict=False)
    ]
    return math.exp(-np.mean(logs))


language_model = KneserNey([target for _, target in pairs["train"]])
print(f"perplexity of the validation sentences: {perplexity(language_model, [one for _, one in pairs['valid']]):.1f}")
print(f"without a model, each word equally likely: {len(vocabularies[1])}")

# %% [markdown]
# **5. Decode.** Translate from left to right in German, taking English phrases in any order that jumps at most `limit` words.
# A **hypothesis** knows which English words are done, where its last phrase ended in the English sentence, its last two German
# words, and its score. The score adds up, with weights,
#
# - for each phrase $\log \phi(g \mid e)$ and $\log \phi(e \mid g)$,
# - `language_model` times the logarithm of each German word's probability,
# - minus `jump` for each English word jumped over, from the end of the last phrase to the beginning of the next,
# - plus `words` for each German word: the language model can only lower a score, and would like short sentences.
#
# Hypotheses that have as many English words done compete in one *stack*: the best `size` survive, by score plus an estimate of
# what the open words will add. Of two that have the same words done, the same last two German words and the same end, the
# future is the same: the worse is dropped (*recombination*).


# %%
class Settings(NamedTuple):
    """Weights of the language model, of jumps (a penalty) and of words; how far to jump; how many to keep."""

    language_model: float = 1.0
    jump: float = 0.3
    words: float = 0.5
    limit: int = 5
    size: int = 12


class Hypothesis(NamedTuple):
    """Score, last two German words, where the last phrase ended in the source, all German words."""

    score: float
    history: tuple
    end: int
    words: tuple


# %% [markdown]
# For a sentence to translate: which phrases the table has, and what a row of German words adds to a score.


# %%
def options_of(source, table):
    """{(i1, i2): options} of a sentence; a word that the table lacks stays as it is."""
    found = {}
    for i1, i2 in itertools.combinations(range(len(source) + 1), 2):
        options = table.get(tuple(source[i1:i2]), []) if i2 - i1 <= MAX_PHRASE else []
        if not options and i2 - i1 == 1:
            options = [Option((source[i1],), -10.0, -10.0)]
        if options:
            found[i1, i2] = options
    return found


def extended(words, history, settings):
    """The weighted language model score of words after a history, and the new history."""
    score = 0.0
    for word in words:
        score += settings.language_model * language_model.log_probability(word, history) + settings.words
        history = (history[1], word)
    return score, history


# %% [markdown]
# The estimate for what is still open: the best split of each open span into phrases, without jumps and without the language
# model.


# %%
def future_scores(options, length, settings):
    """{(i1, i2): the best score of translating that span alone}, without jumps."""
    best = {}
    for i1, i2 in itertools.combinations(range(length + 1), 2):
        best[i1, i2] = max(
            (one.direct + one.inverse + settings.words * len(one.words) for one in options.get((i1, i2), [])),
            default=-math.inf,
        )
    for width in range(2, length + 1):
        for i1 in range(length - width + 1):
            i2 = i1 + width
            best[i1, i2] = max(best[i1, i2], *(best[i1, m] + best[m, i2] for m in range(i1 + 1, i2)))
    return best


def rest_score(done, length, best):
    """The estimate for all spans that are not done yet; bit k of the integer `done` says that word k is done."""
    total, start = 0.0, None
    for k in range(length + 1):
        free = k < length and not done >> k & 1
        if free and start is None:
            start = k
        elif not free and start is not None:
            total += best[start, k]
            start = None
    return total


# %% [markdown]
# Now the stacks: stack $n$ holds the hypotheses with $n$ English words done. Each of the best is extended by every phrase whose
# words are all open, and lands in the stack of its new number. The words done are the bits of an integer, so that "all open" is
# one operation. When every hypothesis has jumped to where no allowed jump leads back, the search starts again without a limit.


# %%
def stack_decode(source, table, settings):
    """The best translation found, a tuple of words, and its score."""
    length, options = len(source), options_of(source, table)
    best = future_scores(options, length, settings)
    rest = functools.cache(lambda done: rest_score(done, length, best))
    stacks = [{} for _ in range(length + 1)]
    stacks[0][0, ("<s>", "<s>"), 0] = Hypothesis(0.0, ("<s>", "<s>"), 0, ())
    for stack in stacks[:-1]:
        kept = sorted(stack.items(), key=lambda item: -item[1].score - rest(item[0][0]))
        for (done, _, _), hypothesis in kept[: settings.size]:
            # The first word that is not done: the lowest bit that is 0.
            first = (~done & (done + 1)).bit_length() - 1
            for (i1, i2), choices in options.items():
                mask = (1 << i2) - (1 << i1)
                # Neither over done words, nor too far, nor to where the way back to the first open word is too long.
                if done & mask or abs(i1 - hypothesis.end) > settings.limit or i2 - first > settings.limit + MAX_PHRASE:
                    continue
                for one in choices:
                    gain, history = extended(one.words, hypothesis.history, settings)
                    jump = settings.jump * abs(i1 - hypothesis.end)
                    score = hypothesis.score + one.direct + one.inverse + gain - jump
                    if done | mask == (1 << length) - 1:
                        score += settings.language_model * language_model.log_probability("</s>", history)
                    key = (done | mask, history, i2)
                    into = stacks[(done | mask).bit_count()]
                    if key not in into or into[key].score < score:
                        into[key] = Hypothesis(score, history, i2, hypothesis.words + one.words)
    final = stacks[-1].values()
    if not final:
        # Dead ends only.
        return stack_decode(source, table, settings._replace(limit=length))
    winner = max(final, key=lambda one: one.score)
    return winner.words, winner.score


# %% [markdown]
# One sentence, with settings that nobody has tuned yet:


# %%
source, target = pairs["valid"][0]
print("English:    ", " ".join(source))
print("reference:  ", " ".join(target))
print("translation:", " ".join(stack_decode(source, table, Settings())[0]))

# %% [markdown]
# **Its settings** are chosen on the validation sentences: first the weight of the language model, then with the best of these
# the penalty of jumps, and so on. (`size` is not searched.) The longest sentences have sixteen words: a limit of 16 is none. This
# is the baseline, and it gets all the sentences that the networks get.

# %%
SEARCH = [
    ("language_model", (0.25, 0.5, 1.0, 2.0)),
    ("jump", (0.07, 0.15, 0.3, 0.6)),
    ("words", (-0.5, 0.0, 0.5, 1.0, 1.5)),
    ("limit", (3, 5, 8, 16)),
]


def phrase_based(sources, settings):
    return [list(stack_decode(source, table, settings)[0]) for source in sources]


def validation_bleu(settings):
    return bleu(phrase_based([source for source, _ in pairs["valid"]], settings), references["valid"])


settings, tried = Settings(), {}
for name, values in coursekit.progress_bar(SEARCH, "search"):
    for value in values:
        candidate = settings._replace(**{name: value})
        if candidate not in tried:
            tried[candidate] = validation_bleu(candidate)
    settings = max(tried, key=tried.get)
rows = [
    f"| {one.language_model} | {one.jump} | {one.words} | {one.limit} | {value:.1f} |" for one, value in tried.items()
]
Markdown(
    "| language model | jump | words | limit | BLEU, validation |\n|---|---|---|---|---|\n"
    + "\n".join(rows)
    + f"\n\nbest: {settings}"
)

# %%
translations, seconds = {}, {}
seconds["phrase-based"] = time.process_time() - started
test_sources = [source for source, _ in pairs["test"]]
translations["phrase-based"] = phrase_based(coursekit.progress_bar(test_sources, "phrase-based"), settings)
print(f"BLEU {bleu(translations['phrase-based'], references['test']):.1f}")
mistaken = [
    k for k, words in enumerate(translations["phrase-based"]) if words not in references["test"][k] and len(words) < 12
]
for k in mistaken[:3]:
    print("\nEnglish:    ", " ".join(test_sources[k]))
    print("reference:  ", " ".join(pairs["test"][k][1]))
    print("translation:", " ".join(translations["phrase-based"][k]))

# %% [markdown]
# *What to see:* three of its mistakes. In the first an adjective, *müde*, has strayed from its noun; in the others the verb
# stands where English has it, and *hat* or *haben* is missing, since *hat ... vergessen* with words between is no phrase. Each
# phrase is right somewhere. What nobody checks is whether they fit each other beyond three words.
#
# ## Idea
#
# **One network reads, another writes.** Each word is first replaced by its **embedding**: row $k$ of a learned table for word
# number $k$. Let $x_1 \dots x_I$ be these vectors for the $I$ words of the source. A *recurrent* network is one layer with the
# same weights at every word. It keeps a *state*, a vector $h_t = \text{step}(h_{t-1}, x_t)$, from the word and the state before
# (from here on, $t$ is a step, no longer a table). The **encoder** is such a network, and its last state $h_I$ is the sentence.
# The **decoder** is another. It starts from $h_I$ and is a language model: from its state and the last word it wrote, it gives
# a probability to each word of the vocabulary. With $g_{<t}$ for the words before $g_t$,
#
# $$p(g_1 \dots g_J \mid e_1 \dots e_I) = \prod_{t=1}^{J} p(g_t \mid g_{<t}, h_I)$$
#
# No alignment, no phrases, no weights to search for.
#
# **States that last.** A plain recurrent network forgets: at each step its state is multiplied by a matrix and squashed, and so
# is the gradient on its way back. The **LSTM** (long short-term memory) has a second state $c_t$ that no matrix and no tanh
# touches on its way: a *gate*, numbers between 0 and 1, says how much of it is kept (forget, $f_t$), another how much is added
# (input, $i_t$), a third how much of it is shown (output, $o_t$). Its state is the pair $(h_t, c_t)$, and the decoder starts
# from both. The **GRU** (gated recurrent unit, Cho et al.) does with one state and two gates: update $z_t$ and reset $r_t$.
# Each gate is $\sigma(W x_t + U h_{t-1} + b)$, $\sigma(a) = 1 / (1 + \exp(-a))$, with weights $W, U, b$ of its own;
# $\tilde c_t$ is $\tanh$ of such a sum; $\odot$ multiplies number by number.
#
# $$\text{LSTM:}\quad c_t = f_t \odot c_{t-1} + i_t \odot \tilde c_t, \quad h_t = o_t \odot \tanh(c_t)$$
#
# $$\text{GRU:}\quad h_t = z_t \odot h_{t-1} + (1 - z_t) \odot \tanh(W x_t + U (r_t \odot h_{t-1}) + b)$$
#
# (Cho et al. apply $r_t$ before the matrix $U$; Keras's default applies it after, which is what runs on GPUs.)


# %%
def lstm_step(x, h, c, kernel, recurrent, bias):
    """One step of an LSTM: x (batch, inputs), h and c (batch, units); weights in Keras's order of gates i, f, c, o."""
    i, f, new, o = ops.split(x @ kernel + h @ recurrent + bias, 4, axis=-1)
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(new)
    return ops.sigmoid(o) * ops.tanh(c), c


def gru_step(x, h, kernel, recurrent, bias):
    """One step of a GRU in Keras's order of gates z, r, h, the reset applied after the matrix; bias (2, 3 * units)."""
    z_x, r_x, new_x = ops.split(x @ kernel + bias[0], 3, axis=-1)
    z_h, r_h, new_h = ops.split(h @ recurrent + bias[1], 3, axis=-1)
    z, r = ops.sigmoid(z_x + z_h), ops.sigmoid(r_x + r_h)
    return z * h + (1 - z) * ops.tanh(new_x + r * new_h)


# %%
sequence = keras.random.normal((2, 7, 5), seed=seed)
lstm, gru = layers.LSTM(6, name="lstm_check"), layers.GRU(6, name="gru_check")
expected = [lstm(sequence), gru(sequence)]
h = c = state = ops.zeros((2, 6))
for t in range(7):
    h, c = lstm_step(sequence[:, t], h, c, *lstm.weights)
    state = gru_step(sequence[:, t], state, *gru.weights)
errors = [float(ops.max(ops.abs(one - other))) for one, other in zip((h, state), expected, strict=True)]
print("seven steps by hand against keras.layers.LSTM and GRU agree to 1e-5:", max(errors) < 1e-5)

# %% [markdown]
# The networks below use `keras.layers.LSTM` and `GRU`, which do the same. (`lectures/benchmarks/translation.py` times both.)
#
# **The bottleneck, and the way round it.** However long the sentence, the decoder gets one vector of the same size.
# **Attention** keeps all states $h_1 \dots h_I$ of the source, and lets the decoder, in its state $s$, look where it wants: a
# *score* $a_i$ for each, a softmax to weights $\alpha_i$, and the weighted mean as *context*. In the code the decoder's state
# asks, and is the *query*; the source's states answer, and are the *memory*.


# %%
def show_network(axis, with_attention, source=("she", "turns", "it", "on"), target=("sie", "schaltet", "es", "ein")):
    """Boxes for states, encoder left and decoder right, and what goes from one to the other."""
    colours = plots.PALETTE
    for side, words in enumerate((source, target)):
        for k, word in enumerate(words):
            x = k + 5 * side
            axis.text(x, 0, word, ha="center", va="center", fontsize=9)
            axis.add_patch(matplotlib.patches.Rectangle((x - 0.3, 0.7), 0.6, 0.6, color=colours[side], alpha=0.6))
            # A source word is read, from below; a target word is written, and read (grey) at the next step.
            ends = ((x, 0.7), (x, 0.2)) if side == 0 else ((x, 0.2), (x, 0.7))
            axis.annotate("", *ends, arrowprops={"arrowstyle": "->"})
            if k:
                axis.annotate("", (x - 0.3, 1.0), (x - 0.7, 1.0), arrowprops={"arrowstyle": "->"})
            if k and side == 1:
                axis.annotate("", (x - 0.2, 0.7), (x - 0.8, 0.2), arrowprops={"arrowstyle": "->", "color": "0.6"})
    if with_attention:
        for k, weight in enumerate((0.05, 0.45, 0.05, 0.45)):
            arrow = {"arrowstyle": "->", "color": colours[2], "linewidth": 6 * weight}
            curve = {"connectionstyle": f"arc3,rad={-0.35 + 0.05 * k}"}
            axis.annotate("", (6, 1.3), (k, 1.3), arrowprops=arrow | curve)
    axis.annotate("", (4.7, 1.0), (3.3, 1.0), arrowprops={"arrowstyle": "->", "linewidth": 2})
    axis.set(xlim=(-0.5, 8.5), ylim=(-0.3, 2.6), title="with attention" if with_attention else "one vector")
    axis.axis("off")


figure, axes = plots.subplots(1, 2, width=5, height=2.2)
for axis, with_attention in zip(axes, (False, True), strict=True):
    show_network(axis, with_attention)
figure

# %% [markdown]
# *What to see:* the encoder's states in the first colour, the decoder's in the second; grey, each word that was written is read
# at the next step. Left, all that the decoder ever learns of the source goes through one arrow. Right, in the third colour, at
# each step it also gets a mean of all states; here, writing *schaltet*, it looks at *turns* and *on* (the widths of the arrows
# are made up: yours come after the training).
#
# The two scores, with learned matrices $W, U$ and a learned vector $v$:
#
# $$\text{Bahdanau: } a_i = v^\top \tanh(W s + U h_i) \qquad \text{Luong: } a_i = s^\top W h_i \qquad
# \alpha = \text{softmax}(a), \quad \text{context} = \sum_i \alpha_i h_i$$
#
# Sentences of a batch are filled up to one length. This *padding* must get no weight at all: its scores become very negative
# *before* the softmax, so that the rest sums to one.


# %%
def masked_softmax(scores, mask):
    """Weights (..., source) of scores; exactly 0 where `mask` is False, and all 0 where all is masked."""
    scores = ops.where(mask, scores, -1e9)
    weights = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True)) * ops.cast(mask, scores.dtype)
    return weights / ops.maximum(ops.sum(weights, axis=-1, keepdims=True), 1e-9)


# %% [markdown]
# Two layers, for the two scores. Both give the context for every step of the target at once, and the weights, to look at.


# %%
class AdditiveAttention(layers.Layer):
    """Bahdanau et al. 2015, section A.1.2: the score is a small network of both states."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.query, self.key = layers.Dense(units, use_bias=False), layers.Dense(units)
        self.score = layers.Dense(1, use_bias=False)

    def build(self, query_shape, memory_shape):
        self.query.build(query_shape)
        self.key.build(memory_shape)
        self.score.build((*query_shape[:-1], self.query.units))

    def call(self, query, memory, mask):
        """Context (batch, target, size) and weights (batch, target, source) of query states over memory."""
        both = ops.expand_dims(self.query(query), 2) + ops.expand_dims(self.key(memory), 1)
        scores = ops.squeeze(self.score(ops.tanh(both)), -1)
        weights = masked_softmax(scores, ops.expand_dims(mask, 1))
        return weights @ memory, weights


class DotAttention(layers.Layer):
    """Luong et al. 2015, section 3.1, "general": the score is a product with a matrix between."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.query = layers.Dense(units, use_bias=False)

    def build(self, query_shape, memory_shape):
        self.query.build(query_shape)

    def call(self, query, memory, mask):
        """Context and weights, as above."""
        scores = self.query(query) @ ops.transpose(memory, (0, 2, 1))
        weights = masked_softmax(scores, ops.expand_dims(mask, 1))
        return weights @ memory, weights


# %% [markdown]
# ## Build
#
# One class for the four networks that you will compare: a GRU and an LSTM with one vector, and two LSTMs with attention,
# additive (Bahdanau et al.) and dot (Luong et al.). `encode` reads; `decode` writes from given words, all steps at once. The
# attention stands where Luong et al. have it: after the decoder's state, for both scores, so that only the score differs. (In
# Bahdanau et al. the context goes *into* the next state.) The encoder with attention reads in both directions.
#
# Two numbers decide whether these networks learn in the time that you have: the learning rate, and how large the **embeddings**
# are at the start. Keras draws them evenly between -0.05 and 0.05, a standard deviation of 0.03, so that at first all words look
# alike to the network. Here it is 0.5. (Found by trying, on other seeds.)

# %%
EMBEDDING_SIZE = 64


def embedding(num_words):
    """Vectors for words, drawn wide enough to be told apart from the first step."""
    initializer = keras.initializers.RandomNormal(stddev=0.5)
    return layers.Embedding(num_words, EMBEDDING_SIZE, embeddings_initializer=initializer)


# %% [markdown]
# The network itself. With attention, four layers more stand around the encoder and the decoder: `backward` reads from the end
# to the beginning; `bridge` makes the decoder's first state of the two last ones; `memory` makes of the states at each word,
# and the word's embedding, what attention looks at; and `mix` puts the decoder's state $s$ and the context together before a
# word is chosen ($\tanh(W [s; \text{context}])$, Luong et al., equation 5).


# %%
class Translator(keras.Model):
    """An encoder-decoder of words: `cell` "gru" or "lstm"; `attention` None, "additive" or "dot"."""

    def __init__(self, num_source, num_target, units, cell="lstm", attention=None, **options):
        super().__init__(**options)
        self.units, self.is_lstm, self.attention_kind = units, cell == "lstm", attention
        make = {"gru": layers.GRU, "lstm": layers.LSTM}[cell]
        self.source_embedding, self.target_embedding = embedding(num_source), embedding(num_target)
        self.decoder = make(units, return_sequences=True, return_state=True)
        self.logits = layers.Dense(num_target)
        if attention is None:
            self.encoder = make(units, return_state=True)
            return
        self.encoder = make(units // 2, return_sequences=True, return_state=True)
        self.backward = make(units // 2, return_sequences=True, return_state=True, go_backwards=True)
        self.bridge = layers.Dense(units, activation="tanh")
        self.memory, self.mix = layers.Dense(units), layers.Dense(units, activation="tanh")
        self.attention = {"additive": AdditiveAttention, "dot": DotAttention}[attention](units)

    def encode(self, source):
        """Initial states of the decoder, and what it may look at: memory (batch, source, units), mask; else None."""
        x, mask = self.source_embedding(source), ops.not_equal(source, 0)
        if self.attention_kind is None:
            return self.encoder(x, mask=mask)[1:], None, None
        forth, back = self.encoder(x, mask=mask), self.backward(x, mask=mask)
        states = ops.concatenate([forth[0], ops.flip(back[0], axis=1), x], axis=-1)
        start = self.bridge(ops.concatenate([forth[1], back[1]], axis=-1))
        return [start, ops.zeros_like(start)][: 1 + self.is_lstm], self.memory(states), mask

    def decode(self, words, states, memory, mask):
        """Logits (batch, target, words) of what follows `words`, new states, attention weights or None."""
        x, *states = self.decoder(self.target_embedding(words), initial_state=states)
        weights = None
        if memory is not None:
            context, weights = self.attention(x, memory, mask)
            x = self.mix(ops.concatenate([x, context], axis=-1))
        return self.logits(x), states, weights

    def call(self, inputs):
        return self.decode(inputs["target"], *self.encode(inputs["source"]))[0]


# %% [markdown]
# ## Train
#
# **Teacher forcing:** in training the decoder is given the right previous word, whatever it would have written itself, so that
# all steps of a sentence are learned at once. **Masking:** padding must not count in the loss either: sum over real words,
# divide by their number. **Clipping:** a recurrent network's gradients can explode; a gradient longer than 1 is shortened to 1.
# **Reversing:** Sutskever et al. feed the source backwards, so that the first words of both sentences are close to each other.


# %%
def masked_loss(targets, logits):
    """Mean cross-entropy (nats) of the words that are no padding."""
    mask = ops.cast(ops.not_equal(targets, 0), "float32")
    losses = ops.sparse_categorical_crossentropy(targets, logits, from_logits=True)
    return ops.sum(losses * mask) / ops.sum(mask)


def padded(rows):
    """Rows of numbers as an array (batch, longest), 0 behind them."""
    table = np.zeros((len(rows), max(map(len, rows))), np.int32)
    for row, line in zip(rows, table, strict=True):
        line[: len(row)] = row
    return table


def numbered(sources, reverse=False):
    """Source sentences as an array, each with its end; reversed if asked."""
    rows = [[*vocabularies[0].encode(source), END] for source in sources]
    return padded([row[::-1] for row in rows] if reverse else rows)


# Vocabulary's own numbers: padding 0, start 1, end 2, unknown 3.
START, END = 1, 2


# %% [markdown]
# Sentences of similar length share a batch, so that little padding is needed.


# %%
class Batches(keras.utils.PyDataset):
    """Batches of pairs with targets of similar length, composed anew each epoch."""

    def __init__(self, pairs, batch_size=64, reverse=False):
        # With a single worker, TensorFlow can rest for up to ten seconds at the end of an epoch.
        super().__init__(workers=2)
        self.pairs, self.batch_size, self.reverse = pairs, batch_size, reverse
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def on_epoch_end(self):
        lengths = np.array([len(target) for _, target in self.pairs]) + self.rng.uniform(0, 2, len(self.pairs))
        batches = np.array_split(np.argsort(lengths), max(2, len(lengths) // self.batch_size))
        # Shortest and longest first: from the first two batches Keras learns which dimensions vary.
        order = [0, len(batches) - 1, *(1 + self.rng.permutation(len(batches) - 2))]
        self.chosen = [batches[k] for k in order]

    def __len__(self):
        return len(self.chosen)

    def __getitem__(self, index):
        chosen = [self.pairs[k] for k in self.chosen[index]]
        targets = padded([[START, *vocabularies[1].encode(target), END] for _, target in chosen])
        sources = numbered([source for source, _ in chosen], self.reverse)
        return {"source": sources, "target": targets[:, :-1]}, targets[:, 1:]


# %%
UNITS = profile.pick(small=128, full=256)
SYSTEMS = {
    "GRU": {"cell": "gru"},
    "LSTM, reversed": {},
    "additive attention": {"attention": "additive"},
    "dot attention": {"attention": "dot"},
}
# The best of a few rates and numbers of epochs for each, found on other seeds.
LEARNING_RATES = {"GRU": 0.02, "LSTM, reversed": 0.02, "additive attention": 0.01, "dot attention": 0.005}
EPOCHS = {"GRU": 5, "LSTM, reversed": 5, "additive attention": 4, "dot attention": 3}
if profile.name == "full" or profile.source == "real":
    EPOCHS = dict.fromkeys(SYSTEMS, 12)  # What people write takes longer to learn.


# %% [markdown]
# Training is Keras's `fit`, with a callback that remembers the loss.


# %%
class LossCurve(keras.callbacks.Callback):
    """The mean loss of every 25 steps, recovered from Keras's mean since the epoch began."""

    def __init__(self):
        super().__init__()
        self.steps, self.total = [], 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.total = 0.0

    def on_train_batch_end(self, batch, logs=None):
        total = logs["loss"] * (batch + 1)
        self.steps.append(total - self.total)
        self.total = total

    def means(self, num=25):
        return [float(np.mean(self.steps[k : k + num])) for k in range(0, len(self.steps) - num + 1, num)]


def train(name):
    """A translator trained with Adam at a rate that falls to zero, the loss curve, and the CPU seconds."""
    keras.utils.set_random_seed(seed)
    start, curve = time.process_time(), LossCurve()
    batches = Batches(pairs["train"], reverse="reversed" in name)
    model = Translator(*map(len, vocabularies), UNITS, **SYSTEMS[name])
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATES[name], EPOCHS[name] * len(batches))
    optimizer = keras.optimizers.Adam(schedule, global_clipnorm=1.0)
    model.compile(optimizer, loss=masked_loss, jit_compile=False)
    # With all weights and momenta there before the first step, TensorFlow traces the step once, not twice.
    model(batches[0][0])
    optimizer.build(model.trainable_weights)
    model.fit(batches, epochs=EPOCHS[name], verbose=0, callbacks=[curve, coursekit.progress_bar(label=name)])
    return model, curve.means(), time.process_time() - start


# %%
models, curves = {}, {}
for name in SYSTEMS:
    models[name], curves[name], seconds[name] = train(name)

# %%
plots.histories(curves, xlabel="steps / 25", ylabel="cross-entropy (nats per word)", title="Training loss", log=True)

# %% [markdown]
# *What to see:* the curves with attention end after four epochs (additive) and three (dot), the others after five (a step with
# attention takes longer). Additive attention falls fastest from the third point on. Dot attention, at a rate four times smaller,
# starts no better than the LSTM and gets ahead of it after some 250 steps. In the end the plain LSTM is below dot attention, after
# more steps: but that is on training sentences, and with the right previous word given. It does not say how a network
# translates.
#
# ### Writing
#
# **Greedy search:** take the most probable word, feed it back, until the end. **Beam search:** keep the `width` most probable
# beginnings, the *hypotheses*, and continue each with every word. All sentences of the test go through at once, each with all its
# hypotheses as rows of one batch: a step costs little more than for one sentence (`lectures/benchmarks/translation.py` says how
# much). A finished hypothesis stays and competes; at the end scores are divided by the length, or short ones would win.
#
# After each step, the best continuations of a sentence may come from any of its hypotheses, their `parents`: words and states are
# taken from these rows. The memory need not be: parents are rows of the same sentence, and its memory is the same.

# %%
MAX_STEPS = 30


def best_of(scores, num):
    """The `num` best of each row, best first: values and places."""
    places = np.argsort(-scores, axis=1, kind="stable")[:, :num]
    return np.take_along_axis(scores, places, axis=1), places


def beam_search(model, source, width=4, max_steps=MAX_STEPS):
    """The best target (numbers, without the end) of each row of `source` (batch, length), and its log-probability."""
    num = len(source)
    states, memory, mask = model.encode(ops.repeat(source, width, axis=0))
    # All hypotheses of a sentence start the same: only the first may be continued at first.
    scores = np.full((num, width), -np.inf)
    scores[:, 0] = 0.0
    written, done = np.full((num * width, 1), START), np.zeros(num * width, bool)
    for _ in range(max_steps):
        logits, states, _ = model.decode(written[:, -1:], states, memory, mask)
        log_probs = ops.convert_to_numpy(ops.log_softmax(logits[:, 0])).astype(np.float64)
        # A finished hypothesis has one continuation, padding, at no cost; no other is ever padded or started anew.
        log_probs[:, [0, START]] = -np.inf
        log_probs[done] = -np.inf
        log_probs[done, 0] = 0.0
        scores, places = best_of((scores.reshape(-1, 1) + log_probs).reshape(num, -1), width)
        parents = (places // log_probs.shape[1] + np.arange(num)[:, None] * width).ravel()
        words = (places % log_probs.shape[1]).ravel()
        written = np.concatenate([written[parents], words[:, None]], axis=1)
        done = done[parents] | (words == END)
        states = [ops.take(state, parents, axis=0) for state in states]
        if done.all():
            break
    lengths = (written[:, 1:] != 0).sum(axis=1).reshape(num, width)
    best = np.argmax(scores / lengths, axis=1)
    rows = written.reshape(num, width, -1)[np.arange(num), best, 1:]
    return [[int(word) for word in row if word not in (0, END)] for row in rows], scores[np.arange(num), best]


# %% [markdown]
# Greedy search is beam search with one hypothesis, and shorter as code:


# %%
def greedy(model, source, max_steps=MAX_STEPS):
    """The most probable word at each step."""
    states, memory, mask = model.encode(source)
    written, done = np.full((len(source), 1), START), np.zeros(len(source), bool)
    for _ in range(max_steps):
        logits, states, _ = model.decode(written[:, -1:], states, memory, mask)
        logits = ops.convert_to_numpy(logits[:, 0])
        logits[:, [0, START]] = -np.inf
        words = np.where(done, 0, logits.argmax(axis=1))
        written, done = np.concatenate([written, words[:, None]], axis=1), done | (words == END)
        if done.all():
            break
    return [[int(word) for word in row if word not in (0, END)] for row in written[:, 1:]]


# %% [markdown]
# Each network is tested with the width that is better for it on the validation sentences.


# %%
def translated(name, sources, width=4):
    """Token lists of a network; width 1 is greedy."""
    source = numbered(sources, reverse="reversed" in name)
    found = greedy(models[name], source) if width == 1 else beam_search(models[name], source, width)[0]
    return [[vocabularies[1].words[word] for word in row] for row in found]


valid_sources = [source for source, _ in pairs["valid"]]
widths = {
    name: {width: bleu(translated(name, valid_sources, width), references["valid"]) for width in (1, 4)}
    for name in SYSTEMS
}
chosen_width = {name: max(found, key=found.get) for name, found in widths.items()}
rows = [f"| {name} | {found[1]:.1f} | {found[4]:.1f} |" for name, found in widths.items()]
Markdown("| BLEU, validation | greedy | beam of 4 |\n|---|---|---|\n" + "\n".join(rows))

# %% [markdown]
# *What to see:* beam search gains a point or two, or loses one. On 60 sentences, differences of a point may be chance.

# %%
for name in SYSTEMS:
    translations[name] = translated(name, test_sources, chosen_width[name])

# %% [markdown]
# ## Measure
#
# All five systems on the sentences of the test: all of them, those of trained lengths, and the longer ones. Two things to keep in
# mind. The seconds of the phrase-based system are those of its tables and of the search for its settings; the networks' learning
# rates were found beforehand, on other seeds, and that time is not in the table. And the two kinds of network differ in more than
# attention: those with it read in both directions and have more parameters (*Go further* asks what attention alone is worth).

# %%
is_long = np.array([num_words(source) > MAX_WORDS for source in test_sources])
KEPT = {"all": np.ones(len(is_long), bool), f"up to {MAX_WORDS} words": ~is_long, "longer": is_long}


def part_bleu(name, kept):
    """BLEU of a system on the test sentences where `kept` is True."""
    chosen = np.flatnonzero(kept)
    return bleu([translations[name][k] for k in chosen], [references["test"][k] for k in chosen])


scores = {name: {part: part_bleu(name, kept) for part, kept in KEPT.items()} for name in translations}
parameters = {name: f"{model.count_params():,}" for name, model in models.items()}
rows = [
    f"| {name} | {parameters.get(name, '–')} | {seconds[name]:.0f} | "
    + " | ".join(f"{value:.1f}" for value in found.values())
    + " |"
    for name, found in scores.items()
]
heading = "| system | parameters | training (CPU s) | " + " | ".join(f"BLEU, {part}" for part in KEPT) + " |"
Markdown(heading + "\n" + "|---" * 6 + "|\n" + "\n".join(rows))

# %% [markdown]
# *What to see:* on the lengths of the training every network beats the phrases. On longer sentences only
# additive attention does; dot attention is level with them. The networks with one vector come to three fifths of the phrases' BLEU
# there, or to little more than a third; and on the whole test the LSTM is a little behind a method of 2003, the GRU far behind.

# %%
edges = np.arange(MAX_WORDS % 2, LONGEST + 2, 2)
counted = np.array([num_words(source) for source in test_sources])
figure, axis = plots.subplots(width=7, height=3.6)
for name in translations:
    points = [
        (counted[kept].mean(), part_bleu(name, kept))
        for low, high in itertools.pairwise(edges)
        if (kept := (counted > low) & (counted <= high)).sum() >= 5
    ]
    axis.plot(*zip(*points, strict=True), "o--" if name == "phrase-based" else "o-", label=name)
axis.axvline(MAX_WORDS + 0.5, color="0.6", linestyle=":")
axis.set(title="BLEU against length (dotted line: longest in training)", xlabel="English words", ylabel="BLEU", ylim=0)
axis.legend()
figure

# %% [markdown]
# *What to see:* the broken curve is the phrase-based system. (The colours are not those of the loss figure: see the legend.)
# For short sentences all four networks are above it. From eight words on those with one vector fall steeply: the longer the
# sentence, the less of it fits. Right of the dotted line, at lengths that nobody was trained on, they are far below. With
# attention the fall is gentler, but it is a fall. Phrases never see more than four words, however long the sentence, and care
# least: at the longest sentences they have overtaken dot attention and are sixteen points behind additive.
#
# ### Where it looks


# %%
def attention_weights(name, source, target):
    """Weights (target, source) while the target is written, the end of both included."""
    model, words = models[name], np.array([[START, *vocabularies[1].encode(target)]])
    _, _, weights = model.decode(words, *model.encode(numbered([source])))
    return ops.convert_to_numpy(weights)[0, :, : len(source) + 1]


shown = next((pair for pair in pairs["test"] if separable(pair)), pairs["test"][0])
figure, axes = plots.subplots(1, 2, width=5, height=3.8)
for axis, name in zip(axes, ("additive attention", "dot attention"), strict=True):
    weights = attention_weights(name, *shown)
    show_links(axis, weights, [*shown[0], "(end)"], [*shown[1], "(end)"], name)
figure

# %% [markdown]
# *What to see:* a row is a German word of the reference, which is given as if the network had written it; its weights are
# shades from 0, dark, to 1, bright. With additive attention *rufen* and, at the end, its prefix *an* both look at *call*: the
# link that symmetrizing lost above. *Nicht mehr* looks at *no* and *longer*, or at *longer* alone. Not every row makes sense to
# a reader: additive attention writes the end while it looks at *tired aunt*, dot attention writes *an* while it looks at the
# full stop. Nobody asked for an alignment. Weights are learned because they lower the loss.
#
# ### Read them
#
# The last test sentence of a trained length and the first longer one, from all systems.

# %%
rows = []
for k in (int(np.flatnonzero(~is_long)[-1]), int(np.flatnonzero(is_long)[0])):
    rows += [f"| **English** | {' '.join(test_sources[k])} |", f"| reference | {' '.join(pairs['test'][k][1])} |"]
    rows += [f"| {name} | {' '.join(found[k])} |" for name, found in translations.items()]
Markdown("| | |\n|---|---|\n" + "\n".join(rows))

# %% [markdown]
# *What to see:* in the first, the phrases leave both verbs together, as English does. The LSTM and dot attention write another
# verb, *besuchen*: good German, wrong translation; with the GRU they call her husband. Additive attention is right. In the
# second, longer than all of the training and with a clause inside, it alone is right, too. The plain ones still write
# something that sounds more or less like German; it says something else.
#
# ### Your sentence
#
# In a running notebook, type and press Enter. Try an order, an ending, a *not*. Nouns come out in small letters, as
# normalizing made them. The 120 most frequent words of the training, most frequent first:

# %%
print(textwrap.fill(" ".join([word for word in vocabularies[0].words[4:] if word.isalpha()][:120]), 110))


# %%
def all_translations(text):
    """What each system makes of a text: {system: sentence}."""
    source = tokens(text)
    found = {"phrase-based": phrase_based([source], settings)[0]}
    found |= {name: translated(name, [source], chosen_width[name])[0] for name in models}
    return {name: detokenize(words, "de") for name, words in found.items()}


def show_translations(field):
    words = tokens(field.value)
    unknown = [word for word in words if word not in vocabularies[0]]
    rows = [f"| {name} | {text} |" for name, text in all_translations(field.value).items()] if words else []
    note = f"\n\nnot in the vocabulary: {', '.join(unknown)}" if unknown else ""
    with output:
        output.clear_output(wait=True)
        display(Markdown("| system | German |\n|---|---|\n" + "\n".join(rows) + note))


field = ipywidgets.Text(
    "my aunt opens the door because the dog wants to sleep.",
    description="English:",
    continuous_update=False,
    layout={"width": "90%"},
)
output = ipywidgets.Output()
field.observe(lambda change: show_translations(field), names="value")
display(field, output)
Markdown("\n".join(f"- **{name}**: {text}" for name, text in all_translations(field.value).items()))

# %% [markdown]
# *What to see:* *opens* is *macht ... auf*. The phrase-based system has lost the *auf*, as it lost the link above. Of the
# networks only additive attention has all of it: dot attention leaves out the last verb, the LSTM says *but* for *because*.
#
# ### The claims
#
# Of the two networks with attention and the two without, the one with the higher BLEU on validation speaks for its kind.

# %%
LECTURE = "4_language/3_machine_translation"
ATTENTION = ("additive attention", "dot attention")
valid_bleu = {name: max(found.values()) for name, found in widths.items()}
best_attention = max(ATTENTION, key=valid_bleu.get)
plain = max((name for name in SYSTEMS if name not in ATTENTION), key=valid_bleu.get)
short, long = list(KEPT)[1:]
gap = {part: scores[best_attention][part] - scores[plain][part] for part in (short, long)}
print(f"chosen on validation: {best_attention} and {plain}")
print(f"between them {gap[short]:.1f} BLEU {short}, {gap[long]:.1f} BLEU on longer sentences")
coursekit.Claim(
    lecture=LECTURE,
    statement="Attention beats the plain encoder-decoder, most on sentences longer than any in training "
    "(BLEU on these)",
    paper="local attention gains 5.0 BLEU over networks without attention (Luong et al. 2015, abstract)",
    before=scores[plain][long],
    here=scores[best_attention][long],
    margin="at least 1.5 times the BLEU, and a gap at least 1.5 times that on shorter sentences",
    holds=scores[best_attention][long] >= 1.5 * scores[plain][long] and gap[long] >= 1.5 * gap[short],
).check()

# %%
coursekit.Claim(
    lecture=LECTURE,
    statement="The plain encoder-decoder beats the phrase-based system on sentences of the trained lengths (BLEU)",
    paper="34.8 (five networks) against 33.3, WMT 2014 English to French (Sutskever et al. 2014, abstract, table 1)",
    before=scores["phrase-based"][short],
    here=scores[plain][short],
    margin="at least 1.1 times the BLEU",
    holds=scores[plain][short] >= 1.1 * scores["phrase-based"][short],
).check()

# %%
coursekit.Claim(
    lecture=LECTURE,
    statement="Attention beats the phrase-based system (BLEU on all test sentences)",
    paper="comparable to the best phrase-based system on English to French (Bahdanau et al. 2015, abstract)",
    before=scores["phrase-based"]["all"],
    here=scores[best_attention]["all"],
    margin="at least 1.1 times the BLEU",
    holds=scores[best_attention]["all"] >= 1.1 * scores["phrase-based"]["all"],
).check()

# %% [markdown]
# **How much chance is in this.** The networks with attention first had two epochs, and with seed 4 claims 1 and 3 failed. Now
# they have four and three, tried on seeds 3 and 4; the margins are as they were. Translating longer sentences than any in
# training still depends on chance: on seed 4's sentences, five trainings of additive attention, which differ in the first
# weights or only in how the machine rounds, came to 48.8, 55.0, 64.2, 65.1 and 78.0 BLEU there. The table in `lectures/README.md`
# has five seeds.
#
# **On Tatoeba** (`COURSE_SOURCE=real`, 27,000 pairs, of which those of up to seven words are trained on, twelve epochs; the run's
# figures are in `lectures/results/real.json`) none of the three holds by its margin. Attention still leads the plain network on
# longer sentences, 11.6 BLEU to 7.3, but not most there; over all sentences it is one BLEU ahead of the phrase-based system, 20.8
# to 19.8; and the plain network is behind the phrase-based system, 14.6 to 21.6 on sentences of the trained lengths. What people
# write has more words and fewer repetitions than a grammar, and from so few sentences a phrase table learns more than a network
# does (Koehn and Knowles, *Six challenges for neural machine translation*, 2017, measured the same on larger data). What such a
# set can bear out is less: attention at least 1.3 times the plain network's BLEU on longer sentences, and not behind the
# phrase-based system.
#
# ## Go further
#
# 1. **The other way.** Swap `LANGUAGES`. Which direction is easier for the phrase-based system, and why?
# 2. **Without reversing.** Train the plain LSTM on the source as it is. How much does the first word's distance matter?
# 3. **Bahdanau's loop.** Feed the context of the last step into the decoder's state. What does it cost in time, what does it give?
# 4. **Order in the alignment.** Model 2 adds $p(i \mid j, I, J)$ to model 1. Does the phrase table get better?
# 5. **Reordering.** Give the phrase-based system German order first: move the verbs of the English source by a rule of your own.
# 6. **Where does the vector end?** Double `UNITS` for the plain network. How far does the curve of BLEU against length move?
# 7. **Small beginnings.** Draw the embeddings with a standard deviation of 0.03. What do the loss curves do?
# 8. **More data or longer?** Twice the sentences, or twice the epochs: which does each system prefer?
# 9. **Attention alone.** Let the encoder with attention read in one direction only, with as many parameters as the plain LSTM has.
#    How much of its lead is left?
#
# **The graded assignment** `ps3_nmt` asks you to write the LSTM, attention under masks, word pieces, BLEU and a translator of
# your own. **Next:** `4_gnmt`, where all this grows deep, and rare words come apart into pieces.
#
# **Larger.** `COURSE_PROFILE=full COURSE_SOURCE=real` trains larger networks on Tatoeba. It wants a GPU.
