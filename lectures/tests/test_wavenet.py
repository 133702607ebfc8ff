"""What the lecture on WaveNet writes out: companding, the n-gram, causal layers, and three generators of one sound."""

from pathlib import Path
from types import SimpleNamespace

import coursekit  # noqa: F401  First: it imports Keras quietly.
import keras
import numpy as np
import pytest
from coursedata.speech import Segment, companding
from coursekit.definitions import definitions
from keras import ops

LECTURES = Path(__file__).resolve().parents[1]
lecture = definitions(LECTURES / "3_speech/2_wavenet.py", seed=0)
CHECKPOINTS = LECTURES / "3_speech" / "checkpoints"
NUM_SYMBOLS = 30


@pytest.fixture(scope="module", params=[(1, 2, 4, 8), (1, 2, 4, 1, 2, 4)], ids=str)
def dilations(request) -> tuple[int, ...]:
    return request.param


@pytest.fixture(scope="module", params=[0, NUM_SYMBOLS], ids=["no condition", "conditions"])
def network(request, dilations) -> keras.Model:
    keras.utils.set_random_seed(4)
    model = lecture.wavenet(dilations, 8, 12, num_symbols=request.param)
    # Otherwise biases are zero, and a generator that forgets them would pass.
    rng = np.random.default_rng(0)
    model.set_weights([w + 0.1 * rng.standard_normal(w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def inputs_of(network: keras.Model, num: int, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    inputs = [rng.integers(256, size=(1, num)), rng.integers(NUM_SYMBOLS, size=(1, num, 5))]
    return inputs[: len(network.inputs)]


def every_layer(network: keras.Model) -> keras.Model:
    """The network with the outputs of every unit, residual and skip, besides the logits."""
    units = [layer for layer in network.layers if isinstance(layer, lecture.GatedUnit)]
    return keras.Model(network.inputs, [out for unit in units for out in unit.output] + [network.output])


# -- companding --------------------------------------------------------------------------------------------------------


def test_codes_are_the_courses() -> None:
    wave = np.random.default_rng(0).uniform(-1.2, 1.2, 5000)
    np.testing.assert_array_equal(lecture.encode(wave), companding.encode(wave))
    np.testing.assert_allclose(lecture.decode(np.arange(256)), companding.decode(np.arange(256)), atol=1e-7)


def test_a_round_trip_stays_within_half_a_step() -> None:
    wave = np.linspace(-1, 1, 20001)
    error = np.abs(lecture.decode(lecture.encode(wave)) - wave)
    # Half a step of the companded scale, times the slope there: d x / d f = ln(1 + mu) (1 + mu |x|) / mu; steps
    # are not quite straight, so 3 % more.
    bound = 1.03 * np.log(256) * (1 + 255 * np.abs(wave)) / 255 / 255
    assert np.all(error <= bound)
    assert np.max(error) > 0.5 * np.max(bound)


def test_companding_keeps_the_sign() -> None:
    codes = lecture.encode(np.array([-0.5, -1e-3, 1e-3, 0.5]))
    np.testing.assert_array_equal(codes, 255 - codes[::-1])
    assert list(np.sign(lecture.decode(codes))) == [-1, -1, 1, 1]


# -- the n-gram --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ngram():
    rng = np.random.default_rng(3)
    recordings = [np.clip(np.cumsum(rng.integers(-2, 3, 400)) + 128, 0, 255) for _ in range(4)]
    return lecture.NGram((6, 5, 4), 2.0).fit(recordings)


def test_ngram_probabilities_sum_to_one(ngram) -> None:
    # Contexts seen often, and random ones that were hardly ever seen.
    recording = np.concatenate([np.arange(120, 136), np.random.default_rng(5).integers(256, size=24)])
    for contexts in ngram.contexts(recording).T:
        estimates = ngram.probabilities(np.repeat(contexts[:, None], 256, axis=1), np.arange(256))
        np.testing.assert_allclose(estimates.sum(axis=1), 1, atol=1e-9)
        assert np.all(estimates > 0)


def test_ngram_agrees_with_counting() -> None:
    codes = np.random.default_rng(8).integers(100, 104, 300)
    strength = 1.5
    ngram = lecture.NGram((8, 8), strength).fit([codes])
    padded = [128, 128, *codes]

    def probability(context: tuple[int, ...], code: int) -> float:
        length = len(context)
        follows = [padded[t] for t in range(2, len(padded)) if tuple(padded[t - length : t]) == context]
        shorter = probability(context[1:], code) if context else 1 / 256
        if not follows:
            return shorter
        trust = strength * len(set(follows))
        return (follows.count(code) + trust * shorter) / (len(follows) + trust)

    test = np.array([101, 103, 100, 200, 101])
    found = ngram.probabilities(ngram.contexts(test), test)[-1]
    history = [128, 128, *test]
    expected = [probability(tuple(history[t : t + 2]), code) for t, code in enumerate(test)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_ngram_contexts_keep_the_upper_bits_of_the_nearest_codes() -> None:
    contexts = lecture.NGram((8, 4), 1.0).contexts(np.array([16, 32, 48]))
    np.testing.assert_array_equal(contexts[0], [0, 0, 0])
    np.testing.assert_array_equal(contexts[1], [128, 16, 32])
    np.testing.assert_array_equal(contexts[2], [128 * 16 + 8, 16 * 16 + 8, 32 * 16 + 1])


# -- layers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dilation", [1, 3, 8])
def test_causal_convolution_is_the_sum_of_its_taps(dilation: int) -> None:
    conv = lecture.CausalConv(5, dilation)
    x = np.random.default_rng(0).standard_normal((2, 20, 3)).astype(np.float32)
    conv.build(x.shape)
    conv.bias.assign(np.arange(5))
    past = np.zeros_like(x)
    past[:, dilation:] = x[:, :-dilation]
    kernel = ops.convert_to_numpy(conv.kernel)
    np.testing.assert_allclose(
        ops.convert_to_numpy(conv(x)), past @ kernel[:3] + x @ kernel[3:] + np.arange(5), atol=1e-5
    )


def test_no_layer_sees_the_future(network: keras.Model) -> None:
    inputs, when = inputs_of(network, 50), 30
    layers = every_layer(network)
    for which, num_values in zip(range(len(inputs)), (256, NUM_SYMBOLS), strict=False):
        changed = [each.copy() for each in inputs]
        changed[which][0, when] = (changed[which][0, when] + 7) % num_values
        for before, after in zip(layers(inputs), layers(changed), strict=True):
            before, after = map(ops.convert_to_numpy, (before, after))
            np.testing.assert_array_equal(before[:, :when], after[:, :when])
            # A test that cannot fail is none: the present does move.
            assert np.abs(before[:, when] - after[:, when]).max() > 0


def test_receptive_field_is_what_a_change_reaches(network: keras.Model, dilations: tuple[int, ...]) -> None:
    inputs, when = inputs_of(network, 60), 20
    changed = [each.copy() for each in inputs]
    changed[0][0, when] = (changed[0][0, when] + 100) % 256
    moved = ops.convert_to_numpy(ops.abs(network(inputs) - network(changed)))[0].max(axis=-1) > 0
    reached = np.flatnonzero(moved)
    assert reached.max() - when + 1 == lecture.receptive_field(dilations)


def test_symbols_say_what_each_sample_belongs_to() -> None:
    segments = [Segment("t", 2, 4), Segment("u:", 4, 14)]
    labels = ["silence", "t", "u:"]
    keys = [(place, label) for place in lecture.PLACES for label in labels]
    keys += [("tenth", k) for k in range(10)] + [("speaker", "ada")]
    table = {key: k for k, key in enumerate(keys)}
    rows = lecture.symbols_of(segments, "ada", 16, table)
    named = [[keys[k][1] for k in row] for row in rows]
    assert named[0] == named[15] == ["silence", "silence", "silence", 0, "ada"]
    assert named[2] == ["silence", "t", "u:", 0, "ada"] and named[3] == ["silence", "t", "u:", 5, "ada"]
    assert [row[3] for row in named[4:14]] == list(range(10))
    assert named[13][:3] == ["t", "u:", "silence"]


# -- generators --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sounds(network: keras.Model) -> dict[str, np.ndarray]:
    num = 250
    draws = np.random.default_rng(7).random(num).astype(np.float32)
    symbols = np.random.default_rng(9).integers(NUM_SYMBOLS, size=(num, 5)) if len(network.inputs) == 2 else None
    generators = {
        "naive": lecture.NaiveGenerator(network),
        "cached": lecture.CachedGenerator(network),
        "compiled": lecture.CompiledGenerator(network, longest=num + 50),
    }
    return {name: generate(draws, symbols) for name, generate in generators.items()}


@pytest.mark.parametrize("other", ["cached", "compiled"])
def test_generators_give_the_same_samples(sounds: dict[str, np.ndarray], other: str) -> None:
    assert len(np.unique(sounds["naive"])) > 50, "too little happens to tell generators apart"
    np.testing.assert_array_equal(sounds["naive"], sounds[other])


def test_generators_keep_the_logits_that_they_drew_from(network: keras.Model) -> None:
    # The lecture prints how far apart these are.
    draws = np.random.default_rng(7).random(20).astype(np.float32)
    symbols = None if len(network.inputs) == 1 else np.random.default_rng(9).integers(NUM_SYMBOLS, size=(20, 5))
    for generate in (lecture.NaiveGenerator(network), lecture.CachedGenerator(network)):
        for _ in range(2):
            codes = generate(draws, symbols)
            drawn_again = [lecture.draw(logits, u) for logits, u in zip(generate.logits, draws, strict=True)]
            np.testing.assert_array_equal(drawn_again, codes)


def test_the_cache_computes_the_networks_logits(network: keras.Model, dilations: tuple[int, ...]) -> None:
    # Samples are alike where logits are nearly so; the logits themselves differ by rounding only.
    field = lecture.receptive_field(dilations)
    inputs = inputs_of(network, 3 * field)
    weights, symbol_rows = lecture.weights_of(network)
    units = weights[1]
    conditions = lecture.conditions_of(symbol_rows, inputs[1][0] if len(inputs) == 2 else None)
    kept = [[] for _ in units]
    for t, code in enumerate(inputs[0][0]):
        pasts = [
            layer[t - unit.dilation] if t >= unit.dilation else np.zeros(8, np.float32)
            for layer, unit in zip(kept, units, strict=True)
        ]
        now = None if conditions is None else conditions[t]
        logits, columns = lecture.column(np, *weights, code, pasts, now)
        for layer, x in zip(kept, columns, strict=True):
            layer.append(x)
    np.testing.assert_allclose(logits, ops.convert_to_numpy(network(inputs))[0, -1], atol=2e-5)


def test_generators_start_after_silence(network: keras.Model) -> None:
    # The first code is drawn from what the network says after a long silence.
    symbols = None if len(network.inputs) == 1 else np.full((1, 5), 3)
    silence = [np.full((1, 80), lecture.SILENCE)] + ([] if symbols is None else [np.full((1, 80, 5), 3)])
    logits = ops.convert_to_numpy(network(silence))[0, -1]
    for u in (0.05, 0.5, 0.95):
        expected = lecture.draw(logits, u)
        assert lecture.CachedGenerator(network)(np.array([u], np.float32), symbols)[0] == expected


def test_draws_follow_the_probabilities() -> None:
    logits = np.log(np.array([0.5, 0.25, 0.125, 0.125]))
    assert [lecture.draw(logits, u) for u in (0.0, 0.49, 0.51, 0.74, 0.76, 0.9, 0.9999999)] == [0, 0, 1, 1, 2, 3, 3]


def test_multiply_adds_of_a_column() -> None:
    model = lecture.wavenet((1, 2, 4), 8, 12)
    products = sum(int(np.prod(w.shape)) for w in model.weights if w.path.endswith("kernel"))
    assert lecture.multiply_adds((1, 2, 4), 8, 12) == products
    assert lecture.multiply_adds((1, 2, 4), 8, 12, columns=8) == 8 * products


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_divides_the_logits(temperature: float) -> None:
    model = lecture.wavenet((1, 2), 8, 12)
    draws = np.random.default_rng(2).random(100).astype(np.float32)
    found = lecture.CompiledGenerator(model, 100, temperature)(draws)
    last = model.get_layer("logits")
    last.set_weights([weights / temperature for weights in last.get_weights()])
    np.testing.assert_array_equal(found, lecture.CachedGenerator(model)(draws))


# -- checkpoints -------------------------------------------------------------------------------------------------------


class TrainedInNoTime:
    """Stands for the lecture's `train`."""

    def __call__(self, model: keras.Model, crops: object, epochs: int) -> list[float]:
        model.set_weights([weights + 1 for weights in model.get_weights()])
        return [5.0] * epochs


@pytest.fixture
def load_or_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The lecture's function of this name, run in an empty working folder under a profile of the given name."""
    monkeypatch.chdir(tmp_path)

    def run(profile: str, model: keras.Model) -> list[float]:
        monkeypatch.setattr(lecture, "profile", SimpleNamespace(name=profile), raising=False)
        monkeypatch.setattr(lecture, "train", TrainedInNoTime())
        return lecture.load_or_train(model, None, 1)

    return run


def test_a_network_trained_in_the_small_profile_leaves_no_checkpoint(
    load_or_train, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    load_or_train("small", lecture.wavenet((1, 2), 4, 4, name="tiny"))
    assert not list(tmp_path.iterdir())
    assert "2_wavenet_tiny.npz" in capsys.readouterr().out


def test_a_checkpoint_of_the_full_profile_is_read_in_any(load_or_train) -> None:
    model = lecture.wavenet((1, 2), 4, 4, name="tiny")
    assert load_or_train("full", model) == [5.0]
    trained = model.get_weights()
    model.set_weights([np.zeros_like(weights) for weights in trained])
    assert load_or_train("small", model) == [5.0]
    for stored, weights in zip(model.get_weights(), trained, strict=True):
        np.testing.assert_allclose(stored, weights, rtol=1e-3)


@pytest.mark.parametrize("name", ["talker", "musician"])
def test_checkpoints_are_small_and_have_their_log(name: str) -> None:
    path = CHECKPOINTS / f"2_wavenet_{name}.npz"
    assert path.stat().st_size < 2_000_000
    with np.load(path) as stored:
        losses = stored["history"]
    log = Path(CHECKPOINTS, "README.md").read_text(encoding="utf-8")
    assert f"{losses[-1]:.3f}" in log
    assert losses[-1] < losses[0]


# -- the helper itself -------------------------------------------------------------------------------------------------


def test_definitions_leave_out_what_cells_compute(tmp_path: Path) -> None:
    twin = (
        "import math\nSIZE, NAMES = 3, ('a',)\nx = math.sqrt(SIZE)\nx.y = 1\ndef double(v):\n    return 2 * v * scale\n"
    )
    (tmp_path / "one.py").write_text(twin + "raise SystemExit\n", encoding="utf-8")
    module = definitions(tmp_path / "one.py", scale=5, SIZE=4)
    assert module.double(1) == 10 and module.SIZE == 4 and module.NAMES == ("a",)
    assert not hasattr(module, "x")
