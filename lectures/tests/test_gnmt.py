"""What the lecture on GNMT writes out: pieces, layers, search, whole numbers, placement, the rating, the directions."""

import itertools
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import coursekit  # noqa: F401  First: it imports Keras quietly.
import keras
import numpy as np
import pytest
import tensorflow as tf
from coursedata.translation import Phenomena, generate, normalize, tokenize
from coursekit.definitions import definitions
from hypothesis import given, settings
from hypothesis import strategies as st

TWIN = Path(__file__).resolve().parents[1] / "4_language/4_gnmt.py"
lecture = definitions(TWIN, seed=0)
WORDS = [
    word
    for one in generate(300, seed=5, phenomena=Phenomena(numbers=False), max_words=8)
    for word in tokenize(normalize(one.text("de")))
]
COUNTS = Counter(WORDS)


@pytest.fixture(scope="module")
def learned():
    return lecture.learn_merges(COUNTS, 150, min_together=2)


@pytest.fixture(scope="module")
def pieces(learned):
    letters, merges, _ = learned
    return lecture.WordPieces(letters, merges, 120)


# -- word pieces -------------------------------------------------------------------------------------------------------


FEW = lecture.learn_merges(Counter({"abab": 6, "bab": 5, "▁a": 5, "\\-b": 5, "é日": 5}), 9)
few_pieces = lecture.WordPieces(*FEW[:2], 100)


@given(st.text(min_size=1))
@settings(max_examples=300, deadline=None)
def test_any_string_comes_back(word) -> None:
    assert few_pieces.restore(few_pieces.cut(word)) == [word]


@given(st.lists(st.text(alphabet="ab▁\\- é日☃", min_size=1)))
@settings(max_examples=300, deadline=None)
def test_any_sentence_comes_back_word_by_word(words) -> None:
    assert few_pieces.restore([part for word in words for part in few_pieces.cut(word)]) == words


def test_known_words_come_back_from_numbers(pieces) -> None:
    words = sorted(COUNTS)
    assert pieces.decode(pieces.encode(words)) == words
    assert lecture.UNKNOWN not in pieces.encode(words)
    assert pieces.encode(["☃"])[-1] == lecture.UNKNOWN


def test_a_word_is_always_cut_the_same_way(pieces, learned) -> None:
    letters, merges, _ = learned
    again = lecture.WordPieces(letters, merges, 120)
    words = sorted(COUNTS)
    backwards = {word: again.cut(word) for word in reversed(words)}
    assert all(pieces.cut(word) == backwards[word] for word in words)


def log_likelihood(cut: dict[str, list[str]]) -> float:
    """Of the words of the corpus, cut like this, as a row of units drawn one by one."""
    units = Counter()
    for word, count in COUNTS.items():
        for part in cut[word]:
            units[part] += count
    total = units.total()
    return sum(count * math.log(count / total) for count in units.values())


def test_likelihoods_are_those_of_the_cut_text_and_rise(learned) -> None:
    letters, merges, likelihoods = learned
    assert len(likelihoods) == len(merges) + 1
    assert np.all(np.diff(likelihoods) > 0)
    for num in (0, 1, 7, 60, 150):
        cut = {word: list(lecture.escaped(word)) for word in COUNTS}
        for pair in merges[:num]:
            cut = {word: lecture.merged(parts, pair) for word, parts in cut.items()}
        np.testing.assert_allclose(likelihoods[num], log_likelihood(cut), rtol=1e-9)


@pytest.mark.parametrize("num", [0, 5, 40])
def test_each_merge_is_the_best_there_is(learned, num) -> None:
    letters, merges, likelihoods = learned
    cut = {word: list(lecture.escaped(word)) for word in COUNTS}
    for pair in merges[:num]:
        cut = {word: lecture.merged(parts, pair) for word, parts in cut.items()}
    # Every pair of different neighbours, merged and counted anew.
    neighbours = {pair for parts in cut.values() for pair in itertools.pairwise(parts) if pair[0] != pair[1]}
    best = max(
        log_likelihood({word: lecture.merged(parts, pair) for word, parts in cut.items()})
        for pair in sorted(neighbours)[:: max(1, len(neighbours) // 60)] + [merges[num]]
    )
    np.testing.assert_allclose(likelihoods[num + 1], best, rtol=1e-9)


def test_cutting_replays_the_merges(pieces) -> None:
    merges = sorted(pieces.rank, key=pieces.rank.get)
    for word in [*sorted(COUNTS)[:80], "schönheit", "pilzdorf"]:
        parts = list(lecture.escaped(word))
        for pair in merges:
            parts = lecture.merged(parts, pair)
        assert pieces.cut(word) == parts


# -- products and layers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1.0, 2.5])
def test_int8_products_stay_within_their_bound(limit) -> None:
    rng = np.random.default_rng(3)
    for size in (1, 7, 300):
        product = lecture.Product(5, limit)
        product.build((None, size))
        product.kernel.assign(rng.normal(size=(size, 5)) * rng.uniform(0.01, 3, 5))
        product.bias.assign(rng.normal(size=5))
        x = rng.uniform(-limit, limit, (50, size)).astype("float32")
        exact = product(x).numpy()
        product.to_int8()
        error = np.abs(product(x).numpy() - exact)
        bound = lecture.error_bound(x, product)
        assert np.all(error <= bound + 1e-4)
        # The bound is no idle one.
        assert error.max() > 0.02 * bound.max()


def test_int8_products_are_those_of_whole_numbers() -> None:
    rng = np.random.default_rng(4)
    kernel = rng.normal(size=(1000, 6)).astype("float32")
    int8, scale = lecture.rounded(kernel)
    assert int8.dtype == np.int8
    assert np.all(np.abs(int8).max(axis=0) == 127)
    assert np.all(np.abs(int8 * (scale / 127) - kernel) <= scale / 254 + 1e-6)
    whole = rng.integers(-127, 128, (9, 1000))
    got = lecture.int8_product(tf.constant(whole / 127 * 2.0, tf.float32), 2.0, int8, scale).numpy()
    want = (whole @ int8.astype(np.int64)) * (2.0 * scale / 127**2)
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_sums_that_float32_cannot_carry_are_refused() -> None:
    with pytest.raises(ValueError, match="exact"):
        lecture.int8_product(tf.zeros((1, 1100)), 1.0, np.zeros((1100, 2), np.int8), np.ones(2, "float32"))


def random_lstm(inputs: int, units: int, limit: float):
    rng = np.random.default_rng(6)
    layer = lecture.LSTM(units, limit)
    layer.build((None, None, inputs))
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def test_the_lstm_is_keras() -> None:
    layer, reference = random_lstm(4, 5, 1e6), keras.layers.LSTM(5, return_sequences=True, unit_forget_bias=False)
    reference.build((None, None, 4))
    weights = {tuple(weight.shape): weight for weight in layer.get_weights()}
    bias = weights[(20,)] + np.repeat([0, 1, 0, 0], 5)
    reference.set_weights([weights[(4, 20)], weights[(5, 20)], bias])
    x = np.random.default_rng(7).normal(size=(3, 6, 4)).astype("float32")
    np.testing.assert_allclose(layer(x), reference(x), atol=1e-5)


def test_steps_are_the_loop_and_the_state_keeps_its_limit() -> None:
    layer = random_lstm(4, 5, 0.5)
    x = 3 * np.random.default_rng(8).normal(size=(2, 9, 4)).astype("float32")
    states, largest = [np.zeros((2, 5), "float32")] * 2, 0.0
    together = layer(x).numpy()
    for t in range(9):
        y, states = layer.step(x[:, t], states)
        np.testing.assert_allclose(y, together[:, t], atol=1e-5)
        largest = max(largest, np.abs(states[1]).max())
    assert largest == pytest.approx(0.5)


def decided(residual: bool = True, num_layers: int = 2, factor: float = 2.0):
    """A small network, untrained but with opinions: its weights are made larger."""
    keras.utils.set_random_seed(1)
    model = lecture.GNMT(7, 6, num_layers, residual)
    model.set_weights([factor * weight for weight in model.get_weights()])
    model.limit.assign(3.0)
    return model


SOURCES = np.array([[4, 5, 6, 2], [5, 2, 0, 0], [6, 6, 2, 0]], np.int32)


@pytest.mark.parametrize("num_layers", [1, 2, 4])
@pytest.mark.parametrize("residual", [True, False])
def test_a_layer_that_does_nothing_passes_its_input_on_if_residual(residual, num_layers) -> None:
    model = decided(residual, num_layers)
    for layer in (model.encoder.ahead, model.encoder.back, *model.encoder.upper):
        layer.set_weights([0 * weight for weight in layer.get_weights()])
    x = model.embed(SOURCES)
    y = model.encoder(x, np.array([4, 2, 3], np.int32)).numpy()
    np.testing.assert_allclose(y, x if residual else np.zeros(x.shape), atol=1e-6)


@pytest.mark.parametrize("residual", [True, False])
def test_padding_changes_nothing(residual) -> None:
    model, target = decided(residual), np.array([[1, 4, 5]], np.int32)
    alone = model(SOURCES[1:2, :2], target)
    np.testing.assert_allclose(model(SOURCES[1:2], target), alone, atol=1e-5)


def test_only_the_bottom_layer_reads_backwards() -> None:
    model = decided(num_layers=3)
    changed = SOURCES[:1].copy()
    changed[0, 2] = 5
    before, after = (model.encode(source)[0].numpy() for source in (SOURCES[:1], changed))
    assert np.abs(before[0, 0] - after[0, 0]).max() > 1e-4
    layer = model.encoder.upper[0]
    x = np.random.default_rng(0).normal(size=(1, 4, 6)).astype("float32")
    y = x.copy()
    y[0, 2] += 1
    np.testing.assert_allclose(layer(x)[0, :2], layer(y)[0, :2], atol=1e-6)


def test_attention_comes_from_the_decoders_bottom_layer() -> None:
    model, target = decided(num_layers=3), np.array([[1, 4, 5]], np.int32)
    memory, mask = model.encode(SOURCES[:1])
    logits, weights, _ = model.decoder(model.embed(target), memory, mask)
    for layer in model.decoder.stack[1:]:
        layer.set_weights([-weight for weight in layer.get_weights()])
    other_logits, same, _ = model.decoder(model.embed(target), memory, mask)
    np.testing.assert_allclose(weights, same)
    assert np.abs(logits - other_logits).max() > 1e-3
    model.decoder.stack[0].set_weights([-weight for weight in model.decoder.stack[0].get_weights()])
    assert np.abs(weights - model.decoder(model.embed(target), memory, mask)[1]).max() > 1e-3


def test_padding_gets_no_attention() -> None:
    model = decided()
    memory, mask = model.encode(SOURCES)
    weights = model.decoder(model.embed(np.ones((3, 2), np.int32)), memory, mask)[1].numpy()
    assert np.all(weights[1, :, 2:] == 0) and np.all(weights[2, :, 3:] == 0)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("residual", [True, False])
def test_steps_are_the_whole_sentence(residual, num_layers) -> None:
    model, target = decided(residual, num_layers), np.array([[1, 4, 5, 3]] * 3, np.int32)
    together = model(SOURCES, target).numpy()
    states, (memory, mask) = model.start(3), model.encode(SOURCES)
    for t in range(4):
        logits, states, _ = model.step(target[:, t], states, memory, mask)
        np.testing.assert_allclose(logits, together[:, t], atol=1e-5)


def test_the_loss_is_the_mean_over_tokens() -> None:
    logits = np.random.default_rng(5).normal(size=(2, 3, 4)).astype("float32")
    targets = np.array([[1, 2, 0], [3, 0, 0]], np.int32)
    log_p = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    np.testing.assert_allclose(
        lecture.masked_loss(targets, logits), -(log_p[0, 0, 1] + log_p[0, 1, 2] + log_p[1, 0, 3]) / 3, rtol=1e-5
    )


# -- whole numbers -----------------------------------------------------------------------------------------------------


def test_an_int8_copy_says_nearly_the_same_in_a_quarter_of_the_bytes() -> None:
    keras.utils.set_random_seed(2)
    model = lecture.GNMT(400, 64, limit=1.0)
    target = np.array([[1, 4, 5]] * 3, np.int32)
    before = model(SOURCES, target).numpy()
    copy = lecture.as_int8(model)
    np.testing.assert_allclose(model(SOURCES, target), before, atol=1e-6)
    after = copy(SOURCES, target).numpy()
    assert 0 < np.abs(after - before).max() < 0.05 * np.abs(before).max()
    assert len(lecture.products(copy)) == 2 * 5 + 2 and all(one.int8 is not None for one in lecture.products(copy))
    assert 0.25 < lecture.num_bytes(copy) / lecture.num_bytes(model) < 0.3


# -- search ------------------------------------------------------------------------------------------------------------


def searched(model, source, width, max_steps=6, only=None):
    run = lecture.compiled_search(model, width, max_steps)
    tensors = run(source, np.full(len(source), lecture.START, np.int32), lecture.may_follow(model.num_tokens, only))
    return lecture.Found(*(one.numpy() for one in tensors))


def log_probabilities(model, source, rows):
    """Of target rows of one length, by one pass with all of their tokens given: each (rows, tokens)."""
    rows = np.array(rows)
    target = np.concatenate([np.ones((len(rows), 1), int), rows], axis=1).astype(np.int32)
    logits = model(np.repeat(source[None], len(rows), axis=0), target).numpy().astype(np.float64)
    logits[..., [lecture.PADDING, lecture.START]] = -np.inf
    # What cannot be written is left out of the ranking, its probability is not given to the rest.
    full = model(np.repeat(source[None], len(rows), axis=0), target).numpy().astype(np.float64)
    log_p = logits - np.logaddexp.reduce(full, axis=-1, keepdims=True)
    return np.take_along_axis(log_p[:, :-1], rows[..., None], axis=2)[..., 0], log_p[:, -1]


def test_a_beam_of_one_is_greedy() -> None:
    model = decided()
    found = searched(model, SOURCES, width=1)
    for k, source in enumerate(SOURCES):
        greedy, following = [], log_probabilities(model, source, np.zeros((1, 0), int))[1][0]
        while len(greedy) < 6 and greedy[-1:] != [lecture.END]:
            greedy.append(int(following.argmax()))
            following = log_probabilities(model, source, [greedy])[1][0]
        assert [token for token in found.tokens[k, 0] if token] == greedy
        np.testing.assert_allclose(found.log_p[k, 0], log_probabilities(model, source, [greedy])[0].sum(), atol=1e-4)
        assert found.length[k, 0] == len(greedy)


@pytest.mark.parametrize("residual", [True, False])
def test_a_wide_beam_is_exhaustive_search(residual) -> None:
    model, steps = decided(residual), 3
    for source in SOURCES:
        scored = {}
        for num in range(1, steps + 1):
            rows = [
                row
                for row in itertools.product((2, 3, 4, 5, 6), repeat=num)
                if 2 not in row[:-1] and (row[-1] == 2 or num == steps)
            ]
            scored |= dict(zip(rows, log_probabilities(model, source, rows)[0].sum(axis=1), strict=True))
        found = searched(model, source[None], width=len(scored), max_steps=steps)
        got = {
            tuple(token for token in row if token): value
            for row, value in zip(found.tokens[0].tolist(), found.log_p[0], strict=True)
        }
        assert got.keys() == scored.keys()
        for row, value in scored.items():
            np.testing.assert_allclose(got[row], value, atol=1e-4)
        assert np.all(np.diff(found.log_p[0]) <= 0)


def test_a_batch_is_searched_as_each_sentence() -> None:
    model = decided()
    together = searched(model, SOURCES, width=3)
    for k, source in enumerate(SOURCES):
        alone = searched(model, source[None, : np.count_nonzero(source)], width=3)
        assert np.array_equal(together.tokens[k], alone.tokens[0])
        np.testing.assert_allclose(together.log_p[k], alone.log_p[0], atol=1e-4)
        np.testing.assert_allclose(together.coverage[k], alone.coverage[0], atol=1e-3)


def test_only_what_is_allowed_is_written() -> None:
    model = decided()
    assert {5, 6} & set(searched(model, SOURCES, width=3).tokens.ravel().tolist())
    assert set(searched(model, SOURCES, width=3, only=(3, 4)).tokens.ravel().tolist()) <= {0, 2, 3, 4}


def test_length_and_coverage_are_those_of_the_hypothesis() -> None:
    model = decided()
    found = searched(model, SOURCES, width=3)
    ended = 0
    for k, h in itertools.product(range(3), range(3)):
        row = [int(token) for token in found.tokens[k, h] if token]
        assert found.length[k, h] == len(row)
        ended += len(row) < 6
        memory, mask = model.encode(SOURCES[k : k + 1])
        target = np.array([[lecture.START, *row[:-1]]], np.int32)
        weights = model.decoder(model.embed(target), memory, mask)[1].numpy()[0]
        assert weights.argmax(axis=1).tolist() == found.looked[k, h, : len(row)].tolist()
        got = np.minimum(weights.sum(axis=0), 1)[SOURCES[k] > 0]
        np.testing.assert_allclose(found.coverage[k, h], np.log(np.maximum(got, 1e-6)).sum(), atol=1e-3)
    assert ended


def test_the_score_prefers_what_the_paper_prefers() -> None:
    found = lecture.Found(
        None, None, np.array([[-3.0, -4.0, -3.2]]), np.array([[1, 13, 1]]), np.array([[-5.0, -5.0, 0.0]])
    )
    assert lecture.best_of(found, 0.0, 0.0) == [0]
    # -3 / 1 against -4 / 3.
    assert lecture.best_of(found, 1.0, 0.0) == [1]
    assert lecture.best_of(found, 0.0, 0.1) == [2]


# -- placement ---------------------------------------------------------------------------------------------------------


def test_placement_deals_neighbours_together() -> None:
    assert lecture.placement(8, ["a"]) == ["a"] * 8
    assert lecture.placement(8, list("abcdefgh")) == list("abcdefgh")
    assert lecture.placement(6, ["a", "b", "c"]) == ["a", "a", "b", "b", "c", "c"]
    assert sorted(Counter(lecture.placement(7, ["a", "b", "c"])).values()) == [2, 2, 3]
    assert lecture.placement(2, ["a", "b", "c", "d"]) == ["a", "c"]


ON_THREE_DEVICES = """
import sys, coursekit, numpy as np, tensorflow as tf
from pathlib import Path
from coursekit.definitions import definitions
cpu, = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)
lecture = definitions(Path(sys.argv[1]), seed=0)
devices = lecture.available_devices()
assert len(devices) == 3, devices
one, three = lecture.GNMT(9, 8, 3, devices=devices[:1]), lecture.GNMT(9, 8, 3, devices=devices)
three.set_weights(one.get_weights())
source, target = np.array([[4, 5, 2]], np.int32), np.array([[1, 6, 7]], np.int32)
np.testing.assert_allclose(one(source, target), three(source, target), atol=1e-6)
for stack in ([three.encoder.ahead, *three.encoder.upper], three.decoder.stack):
    for layer, name in zip(stack, devices, strict=True):
        assert all(weight.value.device.endswith(name[-5:]) for weight in layer.weights), (layer, name)
print("placed")
"""


def test_layers_live_on_their_devices_and_compute_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ON_THREE_DEVICES, str(TWIN)],
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
    )
    assert done.stdout.strip() == "placed", done.stderr[-2000:]


def test_a_stack_of_one_way_layers_is_a_wave() -> None:
    assert lecture.earliest(3, 5, [False] * 3).max() == 3 + 5 - 1
    assert lecture.earliest(4, 8, [True] * 4).max() == 4 * 8
    assert lecture.earliest(1, 4, [True]).tolist() == [[4, 3, 3, 4]]
    assert lecture.earliest(2, 4, [True, False])[1].tolist() == [5, 6, 7, 8]


# -- measures ----------------------------------------------------------------------------------------------------------


def test_bleu_is_sacrebleus() -> None:
    sacrebleu = pytest.importorskip("sacrebleu", reason="sacrebleu, the oracle of BLEU, is not installed")
    rng, positive = np.random.default_rng(0), 0
    for _ in range(40):
        references = [[list(rng.choice(list("abcde"), rng.integers(4, 12))) for _ in range(2)] for _ in range(6)]
        hypotheses = [[*options[0][: rng.integers(4, 9)], "x"] for options in references]
        columns = [[" ".join(options[k]) for options in references] for k in range(2)]
        lines = [" ".join(one) for one in hypotheses]
        theirs = sacrebleu.corpus_bleu(lines, columns, tokenize="none", smooth_method="none").score
        np.testing.assert_allclose(lecture.bleu(hypotheses, references), theirs, atol=1e-6)
        positive += theirs > 0
    assert positive > 20


def slow_edits(one: tuple, other: tuple) -> int:
    if not one or not other:
        return len(one) + len(other)
    return min(
        slow_edits(one[1:], other) + 1,
        slow_edits(one, other[1:]) + 1,
        slow_edits(one[1:], other[1:]) + (one[0] != other[0]),
    )


@given(st.lists(st.sampled_from("abc"), max_size=5), st.lists(st.sampled_from("abc"), max_size=5))
@settings(max_examples=200, deadline=None)
def test_edits_are_the_fewest(one, other) -> None:
    assert lecture.edits(one, other) == slow_edits(tuple(one), tuple(other))


def test_the_rating_of_known_cases() -> None:
    reference = "a b c d e f".split()
    assert lecture.rating(reference, [reference]) == 6
    assert lecture.rating([*reference[:5], "x"], [reference]) == 5
    assert lecture.rating(reference[:3], [reference]) == 3
    assert lecture.rating([], [reference]) == 0
    assert lecture.rating(["x"] * 20, [reference]) == 0
    # The nearest of the right ones counts.
    assert lecture.rating(["x", "y"], [reference, ["x", "y"]]) == 6


# -- practice, directions ----------------------------------------------------------------------------------------------


def test_practice_replaces_names_on_both_sides_and_nothing_else() -> None:
    lines = [("Mr Norville sees Paul.", "Herr Norville sieht Paul."), ("The park is red.", "Der park ist rot.")] * 20
    lines += [("Mr Kelmann eats.", "Herr Kelmann isst.")]
    pairs = [tuple(tokenize(normalize(text)) for text in line) for line in lines]
    lecture.counts = Counter({"norville": 2, "kelmann": 1, "paul": 20})
    made = lecture.practice(lines, pairs, np.random.default_rng(0), times=1)
    changed = 0
    for (source, target), (new_source, new_target) in zip(pairs, made, strict=True):
        pairs_of_words = [*zip(source, new_source, strict=True), *zip(target, new_target, strict=True)]
        different = {old: new for old, new in pairs_of_words if old != new}
        assert all(different.get(old, old) == new for old, new in pairs_of_words)
        assert different.keys() <= {"norville", "paul", "kelmann"}
        changed += bool(different)
    assert 15 < changed <= 21
    assert len(lecture.practice(lines, pairs, np.random.default_rng(0))) == 3 * 21 + 20
    assert lecture.practice(lines, pairs, np.random.default_rng(0), share=0.0, times=1) == pairs


def test_the_zero_shot_pair_is_never_in_training() -> None:
    words = {language: [f"{language}{k}" for k in range(40)] for language in lecture.LANGUAGES}
    lines = [{language: [words[language][k]] for language in lecture.LANGUAGES} for k in range(40)]
    numbers = {word: 10 + k for k, word in enumerate(itertools.chain.from_iterable(words.values()))}
    of_language = {numbers[word]: language for language, group in words.items() for word in group}
    lecture.shared = type("Pieces", (), {"encode": staticmethod(lambda line: [numbers[word] for word in line])})
    lecture.TO = {language: 1000 + k for k, language in enumerate(lecture.LANGUAGES)}
    rows = lecture.multilingual_rows(lines)
    assert len(rows) == 3 * len(lines)
    seen, partners = Counter(), {}
    for (source, end), (asked, target, also_end) in rows:
        assert end == also_end == lecture.END
        assert asked == lecture.TO[of_language[target]]
        seen[of_language[source], of_language[target]] += 1
        for english, other in ((source, target), (target, source)):
            if of_language[english] == "en":
                partners.setdefault(english, set()).add(of_language[other])
    assert set(seen) == {*lecture.TRAINED, ("fr", "fr"), ("de", "de")}
    assert not set(seen) & set(lecture.ZERO_SHOT)
    assert set(seen.values()) == {20}
    # No English sentence connects a French one with a German one.
    assert all(len(found) == 1 for found in partners.values())


def test_batches_hold_each_row_once_before_any_comes_again() -> None:
    rng = np.random.default_rng(6)
    rows = [([k + 4] * int(rng.integers(1, 6)), [1, *[k + 4] * int(rng.integers(1, 9)), 2]) for k in range(50)]
    batches = list(lecture.batches(rows, 12, 8, np.random.default_rng(0)))
    assert len(batches) == 12
    first_epoch = [int(row[0]) for source, _ in batches[:6] for row in source]
    assert sorted(first_epoch) == list(range(4, 54))
    for source, target in batches:
        assert np.array_equal(source[:, 0], target[:, 1])


def test_the_limit_falls_to_one() -> None:
    values = [lecture.limit_at(progress) for progress in np.linspace(0, 1, 11)]
    assert values[0] == pytest.approx(8) and values[5:] == [pytest.approx(1)] * 6
    assert all(np.diff(values) <= 0)


def test_training_lowers_the_loss_and_the_limit() -> None:
    keras.utils.set_random_seed(3)
    model = lecture.GNMT(9, 16)
    rows = [([k, 2], [1, k, 2]) for k in (4, 5, 6, 7, 8)] * 8
    lecture.coursekit.progress_bar = lambda items, label: items
    losses, _ = lecture.train(model, rows, 40, "test", batch_size=8)
    assert losses[-5:].mean() < 0.5 * losses[:5].mean()
    assert float(model.limit) == pytest.approx(1.0)
