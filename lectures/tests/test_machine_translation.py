"""What the lecture on machine translation writes out, against independent sums, brute force and other libraries."""

import itertools
import math
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from coursedata.translation import Phenomena, generate, normalize, tokenize
from coursekit.definitions import definitions

TWIN = Path(__file__).resolve().parents[1] / "4_language/3_machine_translation.py"


@pytest.fixture(scope="module")
def pairs():
    sentences = generate(150, seed=0, phenomena=Phenomena(rare_words=False, numbers=False), max_words=9)
    return [tuple(tokenize(normalize(one.text(language))) for language in ("en", "de")) for one in sentences]


@pytest.fixture(scope="module")
def lecture(pairs):
    module = definitions(TWIN, seed=0)
    module.t_forward = module.word_table(pairs).as_dict()
    module.t_backward = module.word_table([pair[::-1] for pair in pairs]).as_dict()
    module.language_model = module.KneserNey([target for _, target in pairs])
    return module


# -- BLEU --------------------------------------------------------------------------------------------------------------


def corpus(rng, num=6):
    """Hypotheses, and one to three references each, of few words, so that n-grams match."""
    words = list("abcde")
    line = lambda: list(rng.choice(words, rng.integers(4, 12)))  # noqa: E731
    references = [[line() for _ in range(rng.integers(1, 4))] for _ in range(num)]
    hypotheses = []
    for options in references:
        hypothesis = list(options[0])
        hypothesis[rng.integers(len(hypothesis))] = "x"
        hypotheses.append(hypothesis[: rng.integers(4, len(hypothesis) + 1)])
    return hypotheses, references


def test_bleu_is_sacrebleus(lecture):
    sacrebleu = pytest.importorskip("sacrebleu", reason="sacrebleu, the oracle of BLEU, is not installed")
    rng = np.random.default_rng(0)
    positive = 0
    for _ in range(60):
        hypotheses, references = corpus(rng)
        columns = [
            [" ".join(options[k]) if k < len(options) else None for options in references]
            for k in range(max(map(len, references)))
        ]
        theirs = sacrebleu.corpus_bleu(
            [" ".join(one) for one in hypotheses], columns, tokenize="none", smooth_method="none"
        ).score
        np.testing.assert_allclose(lecture.bleu(hypotheses, references), theirs, atol=1e-6)
        positive += theirs > 0
    assert positive > 30


def test_bleu_of_the_reference_is_100_and_of_other_words_0(lecture):
    rng = np.random.default_rng(1)
    _, references = corpus(rng)
    np.testing.assert_allclose(lecture.bleu([options[-1] for options in references], references), 100)
    assert lecture.bleu([["z"] * 5 for _ in references], references) == 0
    assert lecture.bleu([[] for _ in references], references) == 0


def test_bleu_clips_and_punishes_brevity(lecture):
    reference = "the cat sat on the mat today".split()
    np.testing.assert_allclose(lecture.bleu([["the"] * 7], [[reference]], max_n=1), 100 * 2 / 7)
    np.testing.assert_allclose(lecture.bleu([reference[:5]], [[reference]]), 100 * math.exp(1 - 7 / 5))


# -- IBM model 1 -------------------------------------------------------------------------------------------------------


def test_each_step_of_em_raises_the_likelihood(lecture, pairs):
    table = lecture.WordTable(pairs)
    for _ in range(12):
        table.step()
    assert np.all(np.diff(table.log_likelihoods) > 0)


def test_a_step_of_em_is_the_sum_over_alignments(lecture):
    """Brown et al. 1993: expected counts by listing every alignment of every pair."""
    pairs = [("a b".split(), "x y".split()), ("a".split(), "x".split()), ("b c".split(), "y z x".split())]
    table = lecture.WordTable(pairs)
    for _ in range(3):
        before = table.as_dict()
        counts, total = Counter(), 0.0
        for source, target in pairs:
            words = [None, *source]
            weights = {}
            for alignment in itertools.product(range(len(words)), repeat=len(target)):
                weights[alignment] = math.prod(
                    before[words[i], word] for i, word in zip(alignment, target, strict=True)
                )
            likelihood = sum(weights.values())
            total += math.log(likelihood / len(words) ** len(target))
            for alignment, weight in weights.items():
                for i, word in zip(alignment, target, strict=True):
                    counts[words[i], word] += weight / likelihood
        table.step()
        np.testing.assert_allclose(table.log_likelihoods[-1], total)
        sums = Counter()
        for (source, _), count in counts.items():
            sums[source] += count
        for (source, word), probability in table.as_dict().items():
            np.testing.assert_allclose(probability, counts[source, word] / sums[source])


def test_the_dictionary_is_learned(lecture):
    best = {}
    for (source, target), probability in lecture.t_forward.items():
        if probability > best.get(source, ("", 0))[1]:
            best[source] = (target, probability)
    assert best["and"][0] == "und" and best["."][0] == "."


# -- alignments and phrases --------------------------------------------------------------------------------------------


def test_symmetrized_links_lie_between_intersection_and_union(lecture):
    rng = np.random.default_rng(2)
    for _ in range(40):
        one, other = ({(int(i), int(j)) for i, j in rng.integers(0, 5, (6, 2))} for _ in range(2))
        links = lecture.symmetrized(one, other)
        assert one & other <= links <= one | other
        assert lecture.symmetrized(one, one) == one
    assert lecture.symmetrized({(0, 0), (1, 1)}, {(0, 0), (2, 2)}) == {(0, 0), (1, 1), (2, 2)}
    # Far from every link: two free words are linked, a free one with one that is taken is not.
    assert lecture.symmetrized({(0, 0), (3, 4)}, {(0, 0), (0, 2)}) == {(0, 0), (3, 4)}


def test_a_word_goes_before_the_empty_word(lecture, pairs):
    table = {(None, "x"): 0.25, ("a", "x"): 0.25 * (1 - 1e-15), ("b", "x"): 0.2, (None, "y"): 0.3, ("b", "y"): 0.2}
    assert lecture.links_of(["b", "a"], ["x", "y", "never"], table) == {(1, 0)}
    # EM gives the full stop, which is in every sentence, and the empty word the same probabilities.
    for source, target in pairs[:20]:
        assert (len(source) - 1, len(target) - 1) in lecture.aligned(source, target)


def consistent(source, target, links, longest):
    """Every pair of spans, checked word by word."""
    spans = lambda length: [  # noqa: E731
        (a, b) for a, b in itertools.combinations(range(length + 1), 2) if b - a <= longest
    ]
    found = set()
    for (i1, i2), (j1, j2) in itertools.product(spans(len(source)), spans(len(target))):
        inside = [(i1 <= i < i2, j1 <= j < j2) for i, j in links]
        if any(a and b for a, b in inside) and all(a == b for a, b in inside):
            found.add(((i1, i2), (j1, j2)))
    return found


def test_phrase_pairs_are_all_consistent_ones(lecture):
    rng = np.random.default_rng(3)
    for _ in range(60):
        source, target = ["s"] * int(rng.integers(1, 6)), ["t"] * int(rng.integers(1, 6))
        cells = list(itertools.product(range(len(source)), range(len(target))))
        links = {cells[k] for k in rng.integers(0, len(cells), 4)}
        found = lecture.phrase_pairs(source, target, links, longest=3)
        assert len(found) == len(set(found))
        assert set(found) == consistent(source, target, links, 3)


# -- language model ----------------------------------------------------------------------------------------------------


def test_the_language_model_is_a_distribution(lecture):
    model = lecture.KneserNey(["a b a c".split(), "b a".split()])
    words = ["a", "b", "c", "</s>"]
    for history in itertools.product([*words[:3], "<s>", "never"], repeat=2):
        # What is left for words that were never seen.
        rest = model.probability("new", history)
        np.testing.assert_allclose(sum(model.probability(word, history) for word in words) + rest, 1.0)


def test_kneser_ney_by_hand(lecture):
    model = lecture.KneserNey(["a b".split(), "a c".split(), "a b".split()], discount=0.5)
    # Bigram types: <s><s>... a follows <s> alone; b and c follow a; the end follows b and c.
    unigram = {"a": 1, "b": 1, "c": 1, "</s>": 2}
    bottom = {word: (n - 0.5) / 5 + 0.5 * 4 / 5 / 5 for word, n in unigram.items()}
    for word in unigram:
        np.testing.assert_allclose(model.probability(word, ()), bottom[word])
    after_a = (1 - 0.5) / 2 + 0.5 * 2 / 2 * bottom["b"]
    np.testing.assert_allclose(model.probability("b", ("a",)), after_a)
    np.testing.assert_allclose(model.probability("b", ("<s>", "a")), (2 - 0.5) / 3 + 0.5 * 2 / 3 * after_a)


# -- stack decoding ----------------------------------------------------------------------------------------------------


def exhaustive(lecture, source, table, settings):
    """The best score over all segmentations, all orders and all options."""
    options = lecture.options_of(source, table)
    best = -math.inf

    def go(done, history, end, score):
        nonlocal best
        if done == (1 << len(source)) - 1:
            best = max(best, score + settings.language_model * lecture.language_model.log_probability("</s>", history))
            return
        for (i1, i2), choices in options.items():
            mask = (1 << i2) - (1 << i1)
            if done & mask:
                continue
            for one in choices:
                gain, after = lecture.extended(one.words, history, settings)
                jump = settings.jump * abs(i1 - end)
                go(done | mask, after, i2, score + one.direct + one.inverse + gain - jump)

    go(0, ("<s>", "<s>"), 0, 0.0)
    return best


def test_stack_decoding_is_exhaustive_search_on_short_sentences(lecture, pairs):
    table = {source: options[:2] for source, options in lecture.phrase_table(pairs).items() if len(source) <= 2}
    short = [source for source, _ in pairs if 3 <= len(source) <= 5][:10]
    assert len(short) == 10
    moved = 0
    for source in short:
        for jump in (0.0, 0.4):
            settings = lecture.Settings(jump=jump, limit=10, size=10**6)
            words, score = lecture.stack_decode(source, table, settings)
            np.testing.assert_allclose(score, exhaustive(lecture, source, table, settings), atol=1e-9)
            narrow = lecture.stack_decode(source, table, settings._replace(size=1))[1]
            assert narrow <= score + 1e-9
            moved += narrow < score - 1e-9
            assert words
    assert moved


def test_unknown_words_stay_and_every_word_is_covered(lecture):
    table = {("a",): [lecture.Option(("x",), 0.0, 0.0)]}
    words, _ = lecture.stack_decode(["a", "quagga", "a"], table, lecture.Settings())
    assert Counter(words) == Counter({"x": 2, "quagga": 1})


# -- networks ----------------------------------------------------------------------------------------------------------


def test_steps_by_hand_are_keras_layers(lecture):
    x = keras.random.normal((3, 6, 4), seed=1)
    lstm, gru = keras.layers.LSTM(5), keras.layers.GRU(5, bias_initializer="random_normal")
    expected_lstm, expected_gru = lstm(x), gru(x)
    h = c = state = keras.ops.zeros((3, 5))
    for t in range(6):
        h, c = lecture.lstm_step(x[:, t], h, c, *lstm.weights)
        state = lecture.gru_step(x[:, t], state, *gru.weights)
    np.testing.assert_allclose(h, expected_lstm, atol=1e-5)
    np.testing.assert_allclose(state, expected_gru, atol=1e-5)


def slow_attention(kind, layer, query, memory, mask):
    """Context and weights by loops over batch, target and source."""
    arrays = [keras.ops.convert_to_numpy(one) for one in layer.weights]
    contexts, weights = np.zeros((*query.shape[:2], memory.shape[2])), np.zeros((*query.shape[:2], memory.shape[1]))
    for b, t in itertools.product(*map(range, query.shape[:2])):
        places = [i for i in range(memory.shape[1]) if mask[b, i]]
        if kind == "dot":
            scores = [query[b, t] @ arrays[0] @ memory[b, i] for i in places]
        else:
            w, u, bias, v = arrays
            scores = [float((np.tanh(query[b, t] @ w + memory[b, i] @ u + bias) @ v)[0]) for i in places]
        if places:
            weights[b, t, places] = np.exp(scores) / np.exp(scores).sum()
        contexts[b, t] = weights[b, t] @ memory[b]
    return contexts, weights


@pytest.mark.parametrize("kind", ["additive", "dot"])
def test_attention_is_the_slow_sum_and_padding_gets_nothing(lecture, kind):
    rng = np.random.default_rng(4)
    query, memory = rng.normal(size=(3, 2, 4)).astype("float32"), rng.normal(size=(3, 5, 4)).astype("float32")
    mask = np.array([[1, 1, 1, 0, 0], [1] * 5, [0] * 5], bool)
    layer = {"additive": lecture.AdditiveAttention, "dot": lecture.DotAttention}[kind](4)
    context, weights = layer(query, memory, mask)
    expected_context, expected_weights = slow_attention(kind, layer, query, memory, mask)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-5)
    np.testing.assert_allclose(context, expected_context, atol=1e-5)
    weights = keras.ops.convert_to_numpy(weights)
    assert np.all(weights[0, :, 3:] == 0) and np.all(weights[2] == 0)


def test_the_loss_is_the_mean_over_words(lecture):
    logits = np.random.default_rng(5).normal(size=(2, 3, 4)).astype("float32")
    targets = np.array([[1, 2, 0], [3, 0, 0]])
    log_probs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    expected = -(log_probs[0, 0, 1] + log_probs[0, 1, 2] + log_probs[1, 0, 3]) / 3
    np.testing.assert_allclose(lecture.masked_loss(targets, logits), expected, rtol=1e-5)


@pytest.fixture(scope="module")
def small(lecture):
    """Translators of six words, untrained but decided: their logits are made larger."""
    keras.utils.set_random_seed(0)
    made = {}
    for kind in (None, "additive", "dot"):
        model = lecture.Translator(7, 6, 4, attention=kind)
        model({"source": np.ones((1, 3), int), "target": np.ones((1, 2), int)})
        model.set_weights([3 * weight for weight in model.get_weights()])
        made[kind] = model
    return made


SOURCES = np.array([[4, 5, 6, 2], [5, 2, 0, 0], [6, 6, 2, 0]])


@pytest.mark.parametrize("kind", [None, "additive", "dot"])
def test_padding_changes_nothing(lecture, small, kind):
    target = np.array([[1, 4, 5]])
    once = small[kind]({"source": SOURCES[1:2, :2], "target": target})
    again = small[kind]({"source": SOURCES[1:2], "target": target})
    np.testing.assert_allclose(once, again, atol=1e-5)


@pytest.mark.parametrize("kind", [None, "additive", "dot"])
def test_a_beam_of_one_is_greedy(lecture, small, kind):
    beam, scores = lecture.beam_search(small[kind], SOURCES, width=1, max_steps=6)
    assert beam == lecture.greedy(small[kind], SOURCES, max_steps=6)
    assert scores.shape == (3,)


def log_probabilities(model, source, rows):
    """Of target rows of one length and nothing more, by one pass with all of their words given."""
    rows = np.array(rows)
    target = np.concatenate([np.ones((len(rows), 1), int), rows], axis=1)
    sources = np.repeat(source[None], len(rows), axis=0)
    logits = keras.ops.convert_to_numpy(model({"source": sources, "target": target})).astype(np.float64)
    log_probs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    return np.take_along_axis(log_probs[:, :-1], rows[..., None], axis=2)[..., 0].sum(axis=1)


@pytest.mark.parametrize("kind", [None, "dot"])
def test_a_wide_beam_is_exhaustive_search(lecture, small, kind):
    model, steps = small[kind], 3
    for source in SOURCES:
        scored = {}
        for num in range(1, steps + 1):
            # Words 3 to 5 anywhere; the end (2) last, or not yet where there is no more room.
            rows = [
                row
                for row in itertools.product((2, 3, 4, 5), repeat=num)
                if 2 not in row[:-1] and (row[-1] == 2 or num == steps)
            ]
            scored |= dict(zip(rows, log_probabilities(model, source, rows), strict=True))
        best = max(scored, key=lambda row: scored[row] / len(row))
        (found,), (score,) = lecture.beam_search(model, source[None], width=64, max_steps=steps)
        assert tuple(found) == tuple(word for word in best if word != 2)
        np.testing.assert_allclose(score, scored[best], atol=1e-4)


def test_a_batch_is_searched_as_each_sentence(lecture, small):
    together, _ = lecture.beam_search(small["additive"], SOURCES, width=3, max_steps=6)
    apart = [lecture.beam_search(small["additive"], row[None], width=3, max_steps=6)[0][0] for row in SOURCES]
    assert together == apart


# -- batches -----------------------------------------------------------------------------------------------------------


def test_batches_hold_each_pair_once_shifted_by_one(lecture):
    encode = lambda tokens: [int(token) for token in tokens]  # noqa: E731
    lecture.vocabularies = [SimpleNamespace(encode=encode)] * 2
    rng = np.random.default_rng(6)
    pairs = [([str(k + 4)] * int(rng.integers(1, 6)), [str(k + 4)] * int(rng.integers(1, 9))) for k in range(50)]
    batches = lecture.Batches(pairs, batch_size=8)
    seen = []
    for k in range(len(batches)):
        inputs, targets = batches[k]
        assert np.all(inputs["target"][:, 0] == 1)
        assert np.array_equal(
            inputs["target"][:, 1:], np.where(targets[:, :-1] == 2, inputs["target"][:, 1:], targets[:, :-1])
        )
        assert np.all((targets == 2).sum(axis=1) == 1) and np.all((inputs["source"] == 2).sum(axis=1) == 1)
        seen += inputs["source"][:, 0].tolist()
    assert sorted(seen) == list(range(4, 54))
    shortest, longest = (batches[k][1].shape[1] for k in (0, 1))
    assert shortest < longest
    backward = lecture.numbered([["4", "5"]], reverse=True)
    assert backward[0, :3].tolist() == [2, 5, 4]


def test_the_loss_curve_is_what_each_step_lost(lecture):
    losses, curve = np.random.default_rng(7).random((2, 8)), lecture.LossCurve()
    for epoch in losses:
        curve.on_epoch_begin(0)
        for k in range(len(epoch)):
            curve.on_train_batch_end(k, {"loss": epoch[: k + 1].mean()})
    np.testing.assert_allclose(curve.steps, losses.ravel())
    np.testing.assert_allclose(curve.means(4), losses.reshape(4, 4).mean(axis=1))
