"""What the lecture on image translation writes out: measures, U-Net, PatchGAN, both steps, the history, the cycle."""

from pathlib import Path
from types import SimpleNamespace

import coursekit  # noqa: F401  First: it imports Keras quietly.
import keras
import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf
from coursedata import domains
from coursekit.definitions import definitions
from keras import ops
from sklearn.metrics import balanced_accuracy_score, jaccard_score

LECTURES = Path(__file__).resolve().parents[1]
NUM_CLASSES = len(domains.CLASSES["aerial"])
lecture = definitions(
    LECTURES / "5_generation/5_image_to_image.py",
    seed=0,
    NUM_CLASSES=NUM_CLASSES,
    numbers=keras.random.SeedGenerator(1),
)
SIZE = lecture.SIZE
rng = np.random.default_rng(0)


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def batch(num=4, channels=3):
    return ops.convert_to_tensor(rng.uniform(-1, 1, (num, SIZE, SIZE, channels)).astype(np.float32))


def copies(model):
    return [numpy(weight).copy() for weight in model.trainable_variables]


def moved(model, before):
    return [bool(np.any(numpy(new) != old)) for new, old in zip(model.trainable_variables, before, strict=True)]


# -- measures ----------------------------------------------------------------------------------------------------------


def test_gradient_energy_of_known_pictures() -> None:
    ramp = np.zeros((2, 6, 9, 3)) + 0.5 * np.arange(6)[:, None, None]
    assert lecture.gradient_energy(ramp) == pytest.approx(0.25)
    assert lecture.gradient_energy(ramp.transpose(0, 2, 1, 3)) == pytest.approx(0.25)
    assert lecture.gradient_energy(np.full((1, 5, 5, 3), 0.7)) == 0
    noise = rng.standard_normal((20, 40, 40, 3))
    assert lecture.gradient_energy(noise) == pytest.approx(4, rel=0.05)


def test_sharpness_falls_with_blur_and_rises_with_noise() -> None:
    truth = rng.uniform(-1, 1, (5, 16, 16, 3))
    blurred = (truth[:, :-1, :-1] + truth[:, 1:, :-1] + truth[:, :-1, 1:] + truth[:, 1:, 1:]) / 4
    assert lecture.sharpness(truth, truth) == 1
    assert lecture.sharpness(truth / 2, truth) == pytest.approx(0.25)
    assert lecture.sharpness(blurred, truth) < 0.5
    assert lecture.sharpness(truth + rng.standard_normal(truth.shape), truth) > 2


@pytest.mark.parametrize("last", [NUM_CLASSES, NUM_CLASSES - 2])
def test_content_agrees_with_scikit_learn(last: int) -> None:
    # With `last` below the number of classes some are in no map: they count for nothing.
    asked, read = rng.integers(0, last, (2, 3, 9, 9))
    read = np.where(rng.random(asked.shape) < 0.6, asked, read)
    found = lecture.content(read, asked)
    assert found.per_pixel == pytest.approx(np.mean(read == asked))
    assert found.per_class == pytest.approx(balanced_accuracy_score(asked.ravel(), read.ravel()))
    assert found.iou == pytest.approx(jaccard_score(asked.ravel(), read.ravel(), average="macro"))


# -- data --------------------------------------------------------------------------------------------------------------


def test_pairs_are_the_data_in_the_range_of_tanh() -> None:
    towns = lecture.drawn_towns(3, 0)
    drawn = domains.render_pairs("aerial", 3, seed=0, size=SIZE, variation=lecture.VARIATION)
    for images, expected in ((towns.maps, drawn.inputs), (towns.photographs, drawn.targets)):
        assert images.dtype == np.float32
        np.testing.assert_allclose((images + 1) * 127.5, expected, atol=1e-3)
    np.testing.assert_array_equal(towns.classes, drawn.classes)


def test_counterparts_differ_on_the_animal_and_nowhere_else() -> None:
    drawn = lecture.drawn_animals("plain", 6, 0, True)
    differs = np.abs(drawn.images - drawn.counterparts).max(axis=-1) > 0.5
    assert differs[drawn.animal].mean() > 0.3
    assert differs[~drawn.animal].mean() < 0.03
    assert lecture.drawn_animals("plain", 2, 0).counterparts is None
    other_heap = lecture.drawn_animals("striped", 6, 0)
    assert np.abs(other_heap.images - drawn.counterparts).mean() > 0.1


# -- networks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skips", [True, False])
def test_unet_gives_a_picture_in_the_range_of_tanh(skips: bool) -> None:
    unet = lecture.make_unet((4, 6, 8), skips=skips)
    drawn = numpy(unet(10 * batch()))
    assert drawn.shape == (4, SIZE, SIZE, 3)
    assert np.abs(drawn).max() <= 1
    logits = lecture.make_unet((4, 6), 5, activation=None, skips=skips)(1000 * batch())
    assert logits.shape == (4, SIZE, SIZE, 5)
    assert np.abs(logits).max() > 1


def test_the_narrowest_layer_is_all_that_is_left_without_skips() -> None:
    narrow = {}
    for skips in (True, False):
        keras.utils.set_random_seed(0)
        unet = lecture.make_unet((4, 6, 8), skips=skips)
        # The last convolution on the way down is silenced.
        down = [layer for layer in unet.layers if type(layer) is keras.layers.Conv2D][-1]
        down.kernel.assign(0 * down.kernel)
        pictures = unet(batch(2))
        narrow[skips] = float(np.abs(pictures[0] - pictures[1]).max())
    assert narrow[False] == 0
    assert narrow[True] > 0.01


@pytest.mark.parametrize(("name", "size"), [("pixel", 1), ("small patches", 10), ("middle patches", 22)])
def test_a_logit_sees_its_patch_and_no_more(name: str, size: int) -> None:
    patchgan = lecture.make_patchgan(lecture.PATCH_LAYERS[name], 3)
    pictures = rng.uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    before = numpy(patchgan(pictures))
    row = before.shape[1] // 2
    reached = np.zeros((64, 64), bool)
    for y in range(64):
        for at in ((y, 32), (32, y)):
            changed = pictures.copy()
            changed[0, *at] += 5
            reached[at] = numpy(patchgan(changed))[0, row, row, 0] != before[0, row, row, 0]
    assert reached[:, 32].sum() == reached[32].sum() == size
    seen = lecture.seen(patchgan, 3)
    np.testing.assert_array_equal(seen[:, 32], reached[:, 32])
    np.testing.assert_array_equal(seen[32], reached[32])
    assert seen.sum() == size**2


def test_the_largest_patch_covers_the_picture() -> None:
    hidden = lecture.PATCH_LAYERS["whole picture"]
    seen = lecture.seen(lecture.make_patchgan(hidden, 2), 2, size=128)
    assert seen.any(axis=0).sum() == 46 >= SIZE


def test_patchgan_takes_pictures_of_any_size() -> None:
    patchgan = lecture.make_patchgan(lecture.PATCH_LAYERS["middle patches"], 6)
    assert patchgan(np.zeros((2, 32, 32, 6))).shape == (2, 8, 8, 1)
    assert patchgan(np.zeros((2, 48, 64, 6))).shape == (2, 12, 16, 1)


def test_instance_norm_is_of_each_picture_alone() -> None:
    norm = lecture.InstanceNorm()
    x = (rng.standard_normal((3, 7, 5, 4)) * [1, 5, 9, 0.3] + 4).astype(np.float32)
    out = numpy(norm(x))
    np.testing.assert_allclose(out.mean(axis=(1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(out.std(axis=(1, 2)), 1, atol=1e-3)
    np.testing.assert_allclose(numpy(norm(x[1:2])), out[1:2], atol=1e-5)
    norm.scale.assign([1, 2, 3, 4])
    norm.offset.assign([5, 6, 7, 8])
    np.testing.assert_allclose(numpy(norm(x)), out * [1, 2, 3, 4] + [5, 6, 7, 8], rtol=1e-4, atol=1e-4)


# -- pix2pix -----------------------------------------------------------------------------------------------------------


def test_discriminator_loss_is_half_a_crossentropy() -> None:
    real, fake = rng.standard_normal((2, 40)).astype(np.float32)
    crossentropy = keras.losses.BinaryCrossentropy(from_logits=True)
    expected = (float(crossentropy(np.ones(40), real)) + float(crossentropy(np.zeros(40), fake))) / 2
    assert float(lecture.discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-5)
    assert float(lecture.discriminator_loss(np.float32([1e4]), np.float32([-1e4]))) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("frozen", ["generator", "discriminator"])
def test_each_player_learns_from_its_own_loss_alone(frozen: str) -> None:
    keras.utils.set_random_seed(3)
    players = {
        "generator": lecture.make_unet((4, 6)),
        "discriminator": lecture.make_patchgan(lecture.PATCH_LAYERS["small patches"], 6),
    }
    before = {name: copies(player) for name, player in players.items()}
    # A rate of 0 stops one player: what it would have done must not come from the other's gradient.
    rates = [0.0 if name == frozen else 1e-2 for name in players]
    step = lecture.make_pix2pix_step(*players.values(), rates, 1.0)
    step(batch(), batch())
    for name, player in players.items():
        assert not any(moved(player, before[name])) if name == frozen else all(moved(player, before[name])), name


def test_pix2pix_losses_are_their_formulas() -> None:
    keras.utils.set_random_seed(4)
    generator = lecture.make_unet((4, 6))
    discriminator = lecture.make_patchgan(lecture.PATCH_LAYERS["small patches"], 6)
    maps, photographs = batch(), batch()
    fakes = generator(maps, training=True)
    judged = [numpy(discriminator(np.concatenate([maps, y], axis=-1), training=True)) for y in (fakes, photographs)]
    believed = np.mean(np.log1p(np.exp(-judged[0])))
    told = (np.mean(np.log1p(np.exp(-judged[1]))) + np.mean(np.log1p(np.exp(judged[0])))) / 2
    l1 = np.abs(numpy(fakes) - numpy(photographs)).mean()
    losses = lecture.make_pix2pix_step(generator, discriminator, (1e-3, 1e-3), 7.0)(maps, photographs)
    assert float(losses[0]) == pytest.approx(believed + 7 * l1, rel=1e-4)
    assert float(losses[1]) == pytest.approx(told, rel=1e-4)


def test_the_generator_learns_from_the_discriminator() -> None:
    """With no L1 term, what moves the generator is being believed: its drawings must come to be believed more."""
    keras.utils.set_random_seed(5)
    generator = lecture.make_unet((4, 6))
    discriminator = lecture.make_patchgan(lecture.PATCH_LAYERS["small patches"], 6)
    maps, photographs = batch(), batch()
    step = lecture.make_pix2pix_step(generator, discriminator, (1e-2, 0.0), 0.0)
    losses = [float(step(maps, photographs)[0]) for _ in range(25)]
    assert losses[-1] < losses[0] - 0.05


# -- CycleGAN ----------------------------------------------------------------------------------------------------------


def history(num, seed=1):
    return lecture.History(num, (1, 1, 1), keras.random.SeedGenerator(seed))


def fed(pool, num_batches, size):
    """Batches of pictures whose value is their number, and what the history gives for them."""
    fresh = np.arange(1.0, num_batches * size + 1, dtype=np.float32).reshape(num_batches, size)
    given = [numpy(pool.exchanged(tf.constant(x[:, None, None, None])))[:, 0, 0, 0] for x in fresh]
    return fresh, np.array(given)


def test_history_fills_first() -> None:
    pool = history(8)
    fresh, given = fed(pool, 4, 2)
    np.testing.assert_array_equal(given, fresh)
    np.testing.assert_array_equal(np.sort(numpy(pool.pictures).ravel()), fresh.ravel())


@pytest.mark.parametrize("num", [10, 12])
def test_history_gives_pictures_that_came_before(num: int) -> None:
    """Also when the batches do not fill it evenly (10)."""
    fresh, given = fed(history(num), 60, 4)
    assert np.all(given > 0)
    assert np.all(given <= fresh.max(axis=1, keepdims=True))


def test_history_exchanges_half_and_loses_nothing() -> None:
    pool = history(12)
    fresh, given = fed(pool, 600, 4)
    # What was given and what is still held are all that ever came; twice at most those that filled the history.
    everything, counts = np.unique(np.concatenate([given.ravel(), numpy(pool.pictures).ravel()]), return_counts=True)
    np.testing.assert_array_equal(everything, fresh.ravel())
    assert counts.sum() == fresh.size + 12
    assert counts[12:].max() == 1
    exchanged = (given != fresh)[3:]
    assert 0.46 < exchanged.mean() < 0.54
    # A picture waits until its place is drawn: 12 places, 2 exchanges a batch.
    wait = ((fresh - given) / 4)[3:][exchanged]
    assert 5 < wait.mean() < 7


def test_history_works_in_a_compiled_step() -> None:
    pool = history(6)
    step = tf.function(pool.exchanged)
    given = [numpy(step(tf.fill((2, 1, 1, 1), float(k)))) for k in range(1, 40)]
    old = [k - value for k, values in enumerate(given, 1) for value in values.ravel()]
    assert max(old) > 0
    assert min(old) == 0


class Shift:
    """A translator that adds its weight, for losses that can be computed by hand."""

    def __init__(self, by):
        self.by = tf.Variable(by)

    def __call__(self, x, training=False):
        return x + self.by


def shifts(forth=0.25, back=-0.5, judges=(0.0, 0.0)):
    return SimpleNamespace(
        forth=Shift(forth), back=Shift(back), judge_second=Shift(judges[0]), judge_first=Shift(judges[1])
    )


def test_translators_loss_by_hand() -> None:
    first, second, ways = batch(), batch(), shifts()
    squares = np.mean((numpy(first) + 0.25 - 1) ** 2) + np.mean((numpy(second) - 0.5 - 1) ** 2)
    for cycle_weight, identity_weight in ((0, 0), (10, 0), (0, 5), (10, 5)):
        loss, to_second, to_first = lecture.translators_loss(ways, first, second, cycle_weight, identity_weight)
        expected = squares + cycle_weight * (0.25 + 0.25) + identity_weight * (0.25 + 0.5)
        assert float(loss) == pytest.approx(expected, rel=1e-4)
        np.testing.assert_allclose(numpy(to_second), numpy(first) + 0.25, rtol=1e-5)
        np.testing.assert_allclose(numpy(to_first), numpy(second) - 0.5, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("part", ["cycle", "identity"])
def test_cycle_and_identity_terms_are_zero_for_identities(part: str) -> None:
    weights = (10, 0) if part == "cycle" else (0, 5)
    first, second = batch(), batch()
    nothing_done, there_and_back = shifts(0.0, 0.0), shifts(0.25, -0.25)
    without = float(lecture.translators_loss(nothing_done, first, second, 0, 0)[0])
    assert float(lecture.translators_loss(nothing_done, first, second, *weights)[0]) == pytest.approx(without)
    # Who goes there and comes back is as good for the cycle; the identity loss sees the difference.
    without = float(lecture.translators_loss(there_and_back, first, second, 0, 0)[0])
    more = float(lecture.translators_loss(there_and_back, first, second, *weights)[0]) - without
    assert more == pytest.approx(0 if part == "cycle" else 5 * 0.5, abs=1e-4)


def test_the_cycle_reaches_both_translators() -> None:
    first, second = batch(), batch()

    def slopes(cycle_weight):
        ways = shifts()
        with tf.GradientTape() as tape:
            loss = lecture.translators_loss(ways, first, second, cycle_weight, 0)[0]
        return np.array([float(slope) for slope in tape.gradient(loss, [ways.forth.by, ways.back.by])])

    # Both round trips end a quarter too dark, so each of the two terms, of weight 10, pulls both shifts up.
    np.testing.assert_allclose(slopes(10) - slopes(0), -20, rtol=1e-3)


def test_judges_loss_is_least_squares() -> None:
    real, fake = batch(), batch()
    expected = (np.mean((numpy(real) + 0.1 - 1) ** 2) + np.mean((numpy(fake) + 0.1) ** 2)) / 2
    assert float(lecture.judges_loss(Shift(0.1), real, fake)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("frozen", ["translators", "judges"])
def test_the_cycle_step_keeps_the_players_apart(frozen: str) -> None:
    keras.utils.set_random_seed(6)
    hidden = lecture.PATCH_LAYERS["small patches"]
    ways = lecture.TwoWays(
        *[lecture.make_translator((4, 6)) for _ in range(2)], *[lecture.make_patchgan(hidden, 3) for _ in range(2)]
    )
    before = [copies(model) for model in ways]
    rates = [0.0 if name == frozen else 1e-2 for name in ("translators", "judges")]
    histories = [lecture.History(4, (SIZE, SIZE, 3), keras.random.SeedGenerator(k)) for k in range(2)]
    lecture.make_cycle_step(ways, rates, 10.0, 0.0, histories)(batch(2), batch(2))
    changed = [any(moved(model, old)) for model, old in zip(ways, before, strict=True)]
    assert changed == ([False, False, True, True] if frozen == "translators" else [True, True, False, False])


def test_kept_counts_what_the_judge_says(monkeypatch) -> None:
    num = 6
    labels = {"animal": np.array([0, 1, 2, 0, 1, 2]), "facing": np.array([0, 1] * 3), "surroundings": np.arange(6) % 3}
    said = {
        "animal": np.array([0, 1, 2, 0, 1, 0]),
        "facing": np.array([0, 0] + [0, 1] * 2),
        "surroundings": np.arange(6) % 3,
    }
    said["coat"] = np.array([1, 1, 1, 0, 0, 0])
    answers = {name: np.eye(lecture.HEADS.get(name, 2))[values] for name, values in said.items()}
    monkeypatch.setattr(lecture, "judge", lambda images, training: answers, raising=False)
    features = np.random.default_rng(0).normal(size=(num, 2))
    monkeypatch.setattr(lecture, "judge_features", lambda images, training: features, raising=False)
    monkeypatch.setattr(lecture, "heap_features", [None, features + [3, 4]], raising=False)
    where = np.zeros((num, 4, 4), bool)
    where[:, 0] = True
    truth = np.zeros((num, 4, 4, 3), np.float32)
    originals = lecture.Animals(truth, where, labels, truth)
    translated = truth + np.where(where, 0.5, 0.125)[..., None].astype(np.float32)
    found = lecture.kept(translated, originals, 1)
    assert found.animal == pytest.approx(5 / 6)
    assert found.facing == pytest.approx(5 / 6)
    assert found.surroundings == 1
    assert found.everything == pytest.approx(4 / 6)
    assert found.new_coat == pytest.approx(3 / 6)
    assert (found.error_animal, found.error_elsewhere) == pytest.approx((0.5, 0.125))
    assert found.frechet == pytest.approx(25)


def test_frechet_is_the_distance_of_two_gaussians() -> None:
    dice = np.random.default_rng(1)
    first, second = (dice.normal(size=(50, 4)) @ dice.normal(size=(4, 4)) + shift for shift in (0, 1))
    c_1, c_2 = np.cov(first.T), np.cov(second.T)
    want = np.sum((first.mean(0) - second.mean(0)) ** 2) + np.trace(c_1 + c_2 - 2 * scipy.linalg.sqrtm(c_1 @ c_2).real)
    assert lecture.frechet(first, second) == pytest.approx(want)
    # Features that are always 0, as of a unit that never fires, are no obstacle.
    silent = np.concatenate([first, np.zeros((50, 3))], axis=1)
    assert lecture.frechet(silent, silent) == pytest.approx(0, abs=1e-6)
