"""What the lecture on speech recognition writes out, against independent sums, brute force and other libraries."""

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import keras
import numpy as np
import pytest
from coursekit.definitions import definitions
from scipy.fft import dct

LECTURE = Path(__file__).resolve().parents[1] / "3_speech/1_speech_recognition.py"
RATE = 8000


@pytest.fixture(scope="module")
def lecture():
    module = definitions(LECTURE, seed=0, HOP=80, WINDOW=200)
    module.FILTERS = module.triangles()
    return module


def log_softmax(logits):
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


# -- word error rate ---------------------------------------------------------------------------------------------------


def test_word_error_rate_is_jiwers(lecture):
    jiwer = pytest.importorskip("jiwer", reason="jiwer, the oracle of word error rates, is not installed")
    rng = np.random.default_rng(0)
    words = "zero one two three".split()
    for _ in range(100):
        references = [list(rng.choice(words, rng.integers(1, 9))) for _ in range(4)]
        hypotheses = [list(rng.choice(words, rng.integers(0, 9))) for _ in range(4)]
        ours = lecture.word_error_rate(references, hypotheses)
        theirs = 100 * jiwer.wer([" ".join(one) for one in references], [" ".join(one) for one in hypotheses])
        np.testing.assert_allclose(ours, theirs)


def test_an_alignment_spells_both_strings(lecture):
    rng = np.random.default_rng(1)
    for _ in range(50):
        said, heard = (tuple(rng.integers(0, 3, rng.integers(0, 7)).tolist()) for _ in range(2))
        pairs = lecture.aligned(said, heard)
        assert tuple(one for one, _ in pairs if one is not None) == said
        assert tuple(other for _, other in pairs if other is not None) == heard
        assert (None, None) not in pairs


def test_alignment_by_hand(lecture):
    assert lecture.aligned((1, 2, 3), (1, 3)) == [(1, 1), (2, None), (3, 3)]
    assert lecture.aligned((), (4,)) == [(None, 4)]
    assert lecture.word_error_rate([(1, 2, 3), (4,)], [(1, 3), (4, 4)]) == 50


class Said(NamedTuple):
    digits: tuple


def test_errors_by_string_add_up_to_the_word_error_rate(lecture):
    rng = np.random.default_rng(10)
    lecture.split = SimpleNamespace(test=[Said(tuple(rng.integers(0, 10, num).tolist())) for num in (2, 5, 1, 4)])
    strings = 3 * lecture.split.test
    heard = [tuple(rng.integers(0, 10, rng.integers(0, 6)).tolist()) for _ in strings]
    errors = lecture.errors_by_string(strings, heard)
    assert errors.shape == (4,)
    everything = lecture.word_error_rate([one.digits for one in strings], heard)
    np.testing.assert_allclose(lecture.error_of(errors, np.full(4, True)), everything)
    second_and_last = [1, 3, 5, 7, 9, 11]
    expected = lecture.word_error_rate(
        [strings[k].digits for k in second_and_last], [heard[k] for k in second_and_last]
    )
    np.testing.assert_allclose(lecture.error_of(errors, np.array([False, True, False, True])), expected)
    np.testing.assert_allclose(lecture.error_of(errors, np.array([[0, 1, 2, 3], [1, 3, 1, 3]])), [everything, expected])


# -- features ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def wave():
    rng = np.random.default_rng(2)
    t = np.arange(1000) / RATE
    return (0.3 * np.sin(2 * np.pi * 440 * t) + 0.05 * rng.standard_normal(1000)).astype(np.float32)


def slow_filter_bank(wave):
    """Log powers (num_frames, 24) by loops over samples, frequencies and filters."""
    lifted = [wave[0]] + [wave[n] - 0.97 * wave[n - 1] for n in range(1, len(wave))]
    edges = [
        700 * (10 ** (m / 2595) - 1)
        for m in np.linspace(2595 * np.log10(1 + 64 / 700), 2595 * np.log10(1 + 4000 / 700), 26)
    ]
    rows, start = [], 0
    while start + 200 <= len(wave):
        faded = [lifted[start + n] * (0.54 - 0.46 * np.cos(2 * np.pi * n / 199)) for n in range(200)]
        power = [abs(sum(x * np.exp(-2j * np.pi * k * n / 256) for n, x in enumerate(faded))) ** 2 for k in range(129)]
        row = []
        for low, peak, high in zip(edges, edges[1:], edges[2:], strict=False):
            total = 0.0
            for k in range(129):
                hz = k * RATE / 256
                if low < hz <= peak:
                    total += power[k] * (hz - low) / (peak - low)
                elif peak < hz < high:
                    total += power[k] * (high - hz) / (high - peak)
            row.append(np.log(total + 1e-6))
        rows.append(row)
        start += 80
    return np.array(rows)


def test_filter_bank_is_the_slow_sum(lecture, wave):
    ours = lecture.filter_bank(wave)
    assert ours.shape == (11, 24)
    np.testing.assert_allclose(ours, slow_filter_bank(wave), rtol=1e-5, atol=1e-4)


def test_mfcc_is_the_slow_sum(lecture, wave):
    bank = slow_filter_bank(wave)
    num = len(bank)
    cepstra = np.zeros((num, 13))
    for t, j in itertools.product(range(num), range(13)):
        scale = np.sqrt((1 if j == 0 else 2) / 24)
        cepstra[t, j] = scale * sum(bank[t, i] * np.cos(np.pi * j * (i + 0.5) / 24) for i in range(24))

    def slope(x):
        at = lambda t: x[min(max(t, 0), num - 1)]  # noqa: E731
        return np.array([(at(t + 1) - at(t - 1) + 2 * (at(t + 2) - at(t - 2))) / 10 for t in range(num)])

    raw = np.concatenate([cepstra, slope(cepstra), slope(slope(cepstra))], axis=1)
    expected = (raw - raw.mean(axis=0)) / (raw.std(axis=0) + 1e-3)
    np.testing.assert_allclose(lecture.mfcc(bank), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(cepstra, dct(bank, norm="ortho")[:, :13], atol=1e-9)


def test_a_microphones_gain_is_normalized_away(lecture, wave):
    once, louder = (lecture.mfcc(lecture.filter_bank(gain * wave)) for gain in (1.0, 3.0))
    np.testing.assert_allclose(once, louder, atol=1e-3)


# -- hidden Markov models ----------------------------------------------------------------------------------------------


def all_paths(num_frames, skippable):
    """Every allowed path over a row of places, by checking each sequence."""
    num = len(skippable)
    for path in itertools.product(range(num), repeat=num_frames):
        starts = path[0] == 0 or (path[0] == 1 and skippable[0])
        ends = path[-1] == num - 1 or (path[-1] == num - 2 and skippable[-1])
        steps = all(
            after - before in (0, 1) or (after - before == 2 and skippable[before + 1])
            for before, after in itertools.pairwise(path)
        )
        if starts and ends and steps:
            yield path


@pytest.mark.parametrize("skips", list(itertools.product([False, True], repeat=4)))
def test_viterbi_and_forward_are_brute_force(lecture, skips):
    rng = np.random.default_rng(sum(skips) + 3)
    skippable = np.array(skips)
    emissions, stay, move = np.log(rng.random((5, 4))), np.log(rng.random(4)), np.log(rng.random(4))
    scores = {}
    for path in all_paths(5, skips):
        steps = sum(stay[a] if a == b else move[a] for a, b in itertools.pairwise(path))
        scores[path] = sum(emissions[t, place] for t, place in enumerate(path)) + steps
    path, score = lecture.viterbi(emissions, stay, move, skippable)
    np.testing.assert_allclose(score, max(scores.values()))
    assert tuple(path.tolist()) == max(scores, key=scores.get)
    total = lecture.forward(emissions, stay, move, skippable)
    np.testing.assert_allclose(total, np.logaddexp.reduce(list(scores.values())))


def loop_score(path, emissions, stay, penalty, states_per_word):
    """Log-score of a path over 10 words' states and silence in the loop, and its digits; None if not allowed."""
    silence, score, digits = 10 * states_per_word, emissions[0, path[0]], []
    starts_word = [state != silence and state % states_per_word == 0 for state in path]
    if path[0] != silence:
        if not starts_word[0]:
            return None
        digits.append(path[0] // states_per_word)
        score -= penalty
    for t, (before, after) in enumerate(itertools.pairwise(path), 1):
        leaves = before == silence or before % states_per_word == states_per_word - 1
        if before == after and not (states_per_word == 1 and starts_word[t]):
            score += np.log(stay[before])
        elif before != silence and after == before + 1 and not starts_word[t] and after != silence:
            score += np.log1p(-stay[before])
        elif leaves and (starts_word[t] or (after == silence and before != silence)):
            score += np.log1p(-stay[before])
            if after != silence:
                digits.append(after // states_per_word)
                score -= penalty
        else:
            return None
        score += emissions[t, after]
    if path[-1] != silence and path[-1] % states_per_word != states_per_word - 1:
        return None
    return score, tuple(digits)


def test_the_decoder_finds_the_best_of_all_strings(lecture):
    rng = np.random.default_rng(11)
    strings = [digits for num in range(4) for digits in itertools.product(range(10), repeat=num)]
    for _ in range(3):
        emissions, stay = 3 * np.log(rng.random((6, 21))).astype(np.float32), rng.uniform(0.2, 0.8, 21)
        scores = {}
        for digits in strings:
            states, skippable = lecture.chain(digits, 2)
            row = emissions[:, states], np.log(stay)[states], np.log1p(-stay)[states], skippable
            scores[digits] = lecture.viterbi(*row)[1] - len(digits)
        assert lecture.decode([emissions], stay, 1.0) == [max(scores, key=scores.get)]


@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_the_decoder_is_brute_force_over_all_paths(lecture, penalty):
    rng = np.random.default_rng(5)
    # Only words 0 and 1 and silence are likely: the others' states are left out of the list.
    likely = [0, 1, 2, 3, 20]
    for _ in range(6):
        emissions = np.full((5, 21), -1e4, np.float32)
        emissions[:, likely] = 3 * np.log(rng.random((5, 5)))
        stay = rng.uniform(0.2, 0.8, 21)
        found = [loop_score(path, emissions, stay, penalty, 2) for path in itertools.product(likely, repeat=5)]
        _, digits = max(one for one in found if one is not None)
        assert lecture.decode([emissions], stay, penalty) == [digits]


def test_decoding_a_batch_is_decoding_each(lecture):
    rng = np.random.default_rng(6)
    emissions = [3 * np.log(rng.random((num, 31))).astype(np.float32) for num in (12, 30, 21)]
    stay = rng.uniform(0.2, 0.8, 31)
    together = lecture.decode(emissions, stay, 1.0)
    assert together == [lecture.decode([one], stay, 1.0)[0] for one in emissions]
    assert len(set(together)) > 1


def test_a_chain_has_silence_that_may_be_skipped(lecture):
    states, skippable = lecture.chain((2, 0), 3)
    assert states.tolist() == [30, 6, 7, 8, 30, 0, 1, 2, 30]
    assert skippable.tolist() == [True, False, False, False, True, False, False, False, True]


# -- mixtures ----------------------------------------------------------------------------------------------------------


def test_mixtures_find_two_bells_and_give_densities(lecture):
    from scipy.stats import norm

    rng = np.random.default_rng(7)
    x = np.concatenate([rng.normal(-3, 0.5, (500, 2)), rng.normal(2, 1.0, (1500, 2))]).astype(np.float32)
    x = np.concatenate([x, rng.normal(0, 1, (300, 2)).astype(np.float32)])
    states = np.repeat([0, 1], [2000, 300])
    mixtures = lecture.Mixtures(x, states, 2)
    np.testing.assert_allclose(mixtures.mean[1, 0], x[2000:].mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(mixtures.variance[1, 0], x[2000:].var(axis=0), atol=1e-3)
    mixtures.split()
    mixtures.fit(x, states, num_rounds=20)
    low, high = np.argsort(mixtures.mean[0, :, 0])
    np.testing.assert_allclose(mixtures.mean[0, [low, high]], [[-3, -3], [2, 2]], atol=0.1)
    np.testing.assert_allclose(mixtures.weight[0, [low, high]], [0.25, 0.75], atol=0.01)
    bells = norm.pdf(x[:5, None, None], mixtures.mean, np.sqrt(mixtures.variance)).prod(axis=-1)
    expected = np.log((mixtures.weight * bells).sum(axis=-1))
    np.testing.assert_allclose(mixtures.log_densities(x[:5]), expected, rtol=1e-3, atol=1e-3)


# -- connectionist temporal classification -----------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [(), (3,), (3, 3), (1, 2, 1), (4, 4, 4)])
def test_probability_of_a_string_is_keras_ctc(lecture, digits):
    logits = np.random.default_rng(8).normal(size=(9, 11)).astype(np.float32)
    target = np.zeros((1, 3), np.int32)
    target[0, : len(digits)] = digits
    loss = keras.ops.ctc_loss(
        target, logits[None], np.array([len(digits)], np.int32), np.array([9], np.int32), mask_index=10
    )
    ours = lecture.string_log_probability(log_softmax(logits), digits)
    np.testing.assert_allclose(ours, -float(loss[0]), rtol=1e-4)


def strings_by_brute_force(lecture, log_probs):
    """{string: log-probability} by listing every path over digits 0, 1 and blank."""
    found = {}
    for path in itertools.product((0, 1, 10), repeat=len(log_probs)):
        score = sum(log_probs[t, label] for t, label in enumerate(path))
        string = lecture.merged(path)
        found[string] = np.logaddexp(found.get(string, -np.inf), score)
    return found


@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_prefix_beam_search_is_brute_force(lecture, weight):
    rng = np.random.default_rng(9)
    bigrams = log_softmax(rng.normal(size=(11, 10)))
    for _ in range(5):
        logits = np.full((5, 11), -30.0)
        logits[:, [0, 1, 10]] = rng.normal(size=(5, 3))
        log_probs = log_softmax(logits)
        expected = strings_by_brute_force(lecture, log_probs)
        for string in expected:
            expected[string] += weight * sum(bigrams[a, b] for a, b in itertools.pairwise((10, *string)))
        listed = lecture.prefix_beam_search(log_probs, width=100, bigrams=bigrams, weight=weight)
        found = {string: score for string, score in listed if np.isfinite(score)}
        assert set(found) == set(expected)
        for string, score in found.items():
            np.testing.assert_allclose(score, expected[string], atol=1e-6)
        assert listed[0][0] == max(expected, key=expected.get)


def test_greedy_takes_the_best_path_and_not_the_best_string(lecture):
    probabilities = np.full((2, 11), 1e-9)
    probabilities[:, [4, 10]] = [0.4, 0.6]
    log_probs = np.log(probabilities)
    assert lecture.greedy(log_probs) == ()
    assert lecture.prefix_beam_search(log_probs)[0][0] == (4,)  # 0.64 on three paths


def test_merging_keeps_digits_that_a_blank_parts(lecture):
    assert lecture.merged((10, 3, 3, 10, 3, 7, 7, 10)) == (3, 3, 7)
    assert lecture.merged(()) == ()


def test_batches_begin_with_two_lengths(lecture, monkeypatch):
    """Keras takes what is equal in the first two batches for equal in all."""
    features = [np.zeros((200 if k < 192 else 400, 3), np.float32) for k in range(256)]
    strings = [SimpleNamespace(digits=(1, 2)) for _ in features]
    first_two = []
    for seed in range(8):
        monkeypatch.setattr(lecture, "seed", seed)
        batches = lecture.Batches(features, strings, batch_size=32)
        first_two.append([batches[k][0]["x"].shape[1] for k in range(2)])
        assert sorted(batches[k][0]["x"].shape[1] for k in range(len(batches))) == [224] * 6 + [416] * 2
    assert all(one != other for one, other in first_two)
