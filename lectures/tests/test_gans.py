"""What the lecture on GANs writes out: losses, scores, modes, the transposed convolution, the round, walks and sums."""

from pathlib import Path

import coursekit  # noqa: F401  First: it imports Keras quietly.
import keras
import numpy as np
import pytest
import tensorflow as tf
from coursekit.definitions import definitions
from keras import ops
from scipy.linalg import sqrtm
from scipy.ndimage import gaussian_filter
from scipy.special import rel_entr

LECTURES = Path(__file__).resolve().parents[1]
LATENT, WIDTH = 6, 2
dice = keras.random.SeedGenerator(3)
lecture = definitions(LECTURES / "5_generation/3_gans.py", seed=0, dice=dice, LATENT=LATENT, WIDTH=WIDTH)
rng = np.random.default_rng(0)


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


# -- losses ------------------------------------------------------------------------------------------------------------


def test_losses_are_their_formulas() -> None:
    real, fake = rng.standard_normal((2, 50)).astype(np.float32)
    d_real, d_fake = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    plain = -np.mean(np.log(d_real)) - np.mean(np.log(1 - d_fake))
    assert float(lecture.discriminator_loss(real, fake)) == pytest.approx(plain, rel=1e-5)
    smooth = -np.mean(0.9 * np.log(d_real) + 0.1 * np.log(1 - d_real)) - np.mean(np.log(1 - d_fake))
    assert float(lecture.smoothed_loss(real, fake)) == pytest.approx(smooth, rel=1e-5)
    assert float(lecture.minimax_loss(fake)) == pytest.approx(np.mean(np.log(1 - d_fake)), rel=1e-5)
    assert float(lecture.non_saturating_loss(fake)) == pytest.approx(-np.mean(np.log(d_fake)), rel=1e-5)
    squares = (np.mean((real - 1) ** 2) + np.mean(fake**2)) / 2
    assert float(lecture.least_squares_discriminator(real, fake)) == pytest.approx(squares, rel=1e-5)
    assert float(lecture.least_squares_generator(fake)) == pytest.approx(np.mean((fake - 1) ** 2) / 2, rel=1e-5)


@pytest.mark.parametrize("size", [50.0, 1000.0, 1e6])
def test_losses_stay_exact_at_extreme_logits(size: float) -> None:
    high, low = np.float32([size]), np.float32([-size])
    assert float(lecture.discriminator_loss(high, low)) == pytest.approx(0, abs=1e-6)
    assert float(lecture.discriminator_loss(low, high)) == pytest.approx(2 * size, rel=1e-6)
    assert float(lecture.non_saturating_loss(low)) == pytest.approx(size, rel=1e-6)
    assert float(lecture.minimax_loss(high)) == pytest.approx(-size, rel=1e-6)


def test_slopes_are_those_of_the_text() -> None:
    logits = np.float32([-30, -2, 0, 3, 30])
    probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
    np.testing.assert_allclose(lecture.slopes(lecture.minimax_loss, logits), -probability, atol=1e-6)
    np.testing.assert_allclose(lecture.slopes(lecture.non_saturating_loss, logits), probability - 1, atol=1e-6)
    np.testing.assert_allclose(lecture.slopes(lecture.least_squares_generator, logits), logits - 1, atol=1e-6)


def test_the_gradient_penalty_is_the_slope_of_a_plane() -> None:
    plane = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    plane.layers[0].kernel.assign([[3.0], [4.0]])
    penalty = lecture.gradient_penalty(0.5)(plane, tf.constant(rng.standard_normal((7, 2)), tf.float32), None)
    assert float(penalty) == pytest.approx(0.25 * 25, rel=1e-5)


def test_feature_matching_compares_means() -> None:
    real, fake = rng.standard_normal((2, 5, 9, 3)).astype(np.float32)
    loss = lecture.matching(lambda x: x)(None, real, fake)
    expected = np.mean(np.sum((real.mean(axis=1) - fake.mean(axis=1)) ** 2, axis=-1))
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(lecture.matching(lambda x: x)(None, real, real[:, ::-1])) == pytest.approx(0, abs=1e-12)


# -- the round ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def game():
    keras.utils.set_random_seed(1)
    generator, discriminator = lecture.make_generator(LATENT, 3, WIDTH), lecture.make_discriminator(3, WIDTH)
    return lecture.play(generator, discriminator, rates=(1e-2, 1e-2))


def batch():
    return ops.convert_to_tensor(rng.uniform(-1, 1, (8, 24, 24, 3)).astype(np.float32))


def noise():
    return ops.convert_to_tensor(rng.standard_normal((8, LATENT)).astype(np.float32))


@pytest.mark.parametrize("who", ["discriminator", "generator"])
def test_a_step_moves_its_player_and_not_the_other(game, who: str) -> None:
    players = {"discriminator": game.discriminator, "generator": game.generator}
    before = {name: [numpy(w).copy() for w in player.trainable_variables] for name, player in players.items()}
    step = {"discriminator": lecture.discriminator_step, "generator": lecture.generator_step}[who]
    step(game, batch(), noise())
    for name, player in players.items():
        moved = [
            np.abs(numpy(w) - old).max() > 0 for w, old in zip(player.trainable_variables, before[name], strict=True)
        ]
        assert all(moved) if name == who else not any(moved), (name, moved)


@pytest.mark.parametrize("who", ["discriminator", "generator"])
def test_a_step_lowers_its_players_loss(who: str) -> None:
    keras.utils.set_random_seed(2)
    game = lecture.play(lecture.mlp(2), lecture.mlp(1), rates=(2e-3, 2e-3))
    real, seeds = ops.convert_to_tensor(rng.normal(2, 1, (64, 1)), "float32"), tf.random.normal((64, 2), seed=1)
    step = {"discriminator": lecture.discriminator_step, "generator": lecture.generator_step}[who]
    losses = [float(step(game, real, seeds)) for _ in range(30)]
    assert losses[-1] < losses[0] - 0.01


def test_real_and_fake_are_normalized_apart() -> None:
    calls = []

    class Spy:
        trainable_variables = [keras.Variable(1.0)]

        def __call__(self, x, training=False):
            calls.append((len(x), training))
            return self.trainable_variables[0] * ops.mean(x, axis=(1, 2, 3))[:, None]

    game = lecture.play(lecture.make_generator(LATENT, 3, WIDTH), Spy())
    lecture.discriminator_step(game, batch(), noise())
    assert calls == [(8, True), (8, True)]


def test_pictures_have_the_datas_shape_and_range(game) -> None:
    drawn = lecture.outputs(game.generator, rng.standard_normal((11, LATENT)).astype(np.float32), batch=4)
    assert drawn.shape == (11, 24, 24, 3)
    assert np.abs(drawn).max() <= 1
    assert lecture.make_discriminator(1, WIDTH, num_outputs=4)(np.zeros((2, 24, 24, 1))).shape == (2, 4)


def test_networks_side_by_side_do_not_see_each_other() -> None:
    full = lecture.side_by_side(3, 1, width=5)
    x = rng.standard_normal((lecture.NUM_RUNS, lecture.POINTS, 3)).astype(np.float32)
    changed = x.copy()
    changed[2] += 1
    moved = np.abs(numpy(full(x)[0]) - numpy(full(changed)[0])).max(axis=(1, 2)) > 1e-6
    assert moved.tolist() == [run == 2 for run in range(lecture.NUM_RUNS)]


# -- the judge and its scores ------------------------------------------------------------------------------------------


def test_blur_is_a_gaussian_filter() -> None:
    images = rng.uniform(-1, 1, (3, 24, 24, 2)).astype(np.float32)
    expected = gaussian_filter(images, sigma=(0, 1.5, 1.5, 0), mode="nearest", truncate=2)
    np.testing.assert_allclose(lecture.blurred(images, sigma=1.5), expected, atol=1e-5)


def test_spoiled_pictures_and_their_answers_are_mixed_alike() -> None:
    # Pictures of one grey, each with its own class, so that both tell who was mixed in, and how much of it.
    num = 60
    grey = np.linspace(0.1, 0.9, num, dtype=np.float32)
    images = np.broadcast_to(grey[:, None, None, None], (num, 24, 24, 1)).copy()
    pictures, answers = lecture.spoiled(images, {"who": np.eye(num, dtype=np.float32)}, np.random.default_rng(0))
    who = answers["who"]
    np.testing.assert_allclose(who.sum(axis=1), 1, atol=1e-5)
    assert who.dtype == pictures.dtype == np.float32
    two_faces = np.count_nonzero(who, axis=1) == 2
    noisy = pictures.std(axis=(1, 2, 3)) > 1e-3
    assert two_faces.sum() > 10 and noisy.sum() > 10 and not np.any(two_faces & noisy)
    np.testing.assert_allclose(pictures[two_faces].mean(axis=(1, 2, 3)), who[two_faces] @ grey, atol=1e-5)
    # Blur leaves a picture of one grey as it is, but its answer is doubted.
    blurred = ~two_faces & ~noisy & (np.diag(who) < 1)
    assert blurred.sum() > 10
    np.testing.assert_allclose(pictures[blurred], images[blurred], atol=1e-5)
    kept = np.diag(who)[blurred | noisy]
    rest = (1 - kept) / (num - 1)
    np.testing.assert_allclose(who[blurred | noisy].min(axis=1), rest, atol=1e-5)
    assert kept.min() < 0.2 and kept.max() > 0.8


def test_bits_told_are_the_mutual_information() -> None:
    joint = rng.dirichlet(np.ones(4), size=6)
    by_hand = np.mean(np.sum(joint * np.log2(joint / joint.mean(axis=0)), axis=1))
    assert lecture.bits_told(joint) == pytest.approx(by_hand, rel=1e-9)
    assert lecture.bits_told(np.eye(8)) == pytest.approx(3)
    assert lecture.bits_told(np.eye(8)[[5] * 8]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_frechet_agrees_with_scipy(shift: float) -> None:
    first = rng.standard_normal((300, 5)) @ rng.standard_normal((5, 5))
    second = rng.standard_normal((400, 5)) @ rng.standard_normal((5, 5)) + shift
    c_1, c_2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    mean = np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2)
    expected = mean + np.trace(c_1) + np.trace(c_2) - 2 * np.trace(sqrtm(c_1 @ c_2).real)
    assert lecture.frechet(first, second) == pytest.approx(expected, rel=1e-8)
    assert lecture.frechet(second, first) == pytest.approx(expected, rel=1e-8)


def test_frechet_of_features_that_never_fire_is_finite() -> None:
    features = np.zeros((50, 4))
    features[:, 0] = rng.standard_normal(50)
    assert lecture.frechet(features, features) == pytest.approx(0, abs=1e-9)


def test_modes_are_hit_by_a_quarter_of_their_share() -> None:
    centres = np.array([(0.0, 0.0), (4.0, 0.0), (0.0, 4.0), (4.0, 4.0)])
    # Of 160 points a mode's share is 40: 130 and 10 count, 9 do not, and 11 lie at no mode.
    points = np.concatenate([np.repeat(centres[:3], (130, 10, 9), axis=0), np.full((11, 2), 2.0)])
    num, near = lecture.modes_hit(points, centres, spread=0.1)
    assert num == 2 and near == pytest.approx(149 / 160)
    edge = centres + [0.31, 0]
    assert lecture.modes_hit(edge, centres, spread=0.1) == (0, 0.0)
    assert lecture.modes_hit(edge - [0.02, 0], centres, spread=0.1) == (4, 1.0)


def test_an_even_circle_hits_every_mode_with_a_third_of_its_points() -> None:
    angles = 2 * np.pi * np.arange(8) / 8
    many = 2 * np.pi * np.arange(80_000) / 80_000
    centres, circle = (2 * np.stack([np.cos(a), np.sin(a)], axis=1) for a in (angles, many))
    num, near = lecture.modes_hit(circle, centres, spread=0.1)
    # A chord of 0.3 on a circle of radius 2, to both sides of each mode.
    assert num == 8 and near == pytest.approx(8 * 2 * 2 * np.arcsin(0.3 / 4) / (2 * np.pi), abs=1e-3)


def test_the_jensen_shannon_divergence_is_the_mean_distance_to_the_mixture() -> None:
    grid = np.linspace(-10, 10, 2001)
    spacing = grid[1] - grid[0]
    p, q = lecture.density(grid), lecture.wide_hump(grid)
    assert spacing * q.sum() == pytest.approx(1, abs=1e-6)
    mixture = (p + q) / 2
    by_hand = spacing * (rel_entr(p, mixture).sum() + rel_entr(q, mixture).sum()) / 2
    assert lecture.jensen_shannon(p, q, spacing) == pytest.approx(by_hand, rel=1e-9)
    assert lecture.jensen_shannon(p, p, spacing) == pytest.approx(0, abs=1e-12)
    left, right = np.where(np.abs(grid + 5) < 1, 0.5, 0), np.where(np.abs(grid - 5) < 1, 0.5, 1e-300)
    assert lecture.jensen_shannon(left, right, spacing) == pytest.approx(np.log(2), abs=0.01)


def test_the_density_is_one_and_is_what_is_drawn() -> None:
    grid = np.linspace(-8, 8, 4001)
    assert np.trapezoid(lecture.density(grid), grid) == pytest.approx(1, abs=1e-6)
    drawn = numpy(lecture.draw_real(20_000))[:, 0]
    share, edges = np.histogram(drawn, bins=16, range=(-4, 4))
    expected = [
        np.trapezoid(lecture.density(x := np.linspace(a, b, 50)), x) for a, b in zip(edges, edges[1:], strict=False)
    ]
    np.testing.assert_allclose(share / 20_000, expected, atol=0.015)


# -- pictures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "stride"), [(4, 2), (3, 2), (5, 2), (3, 1), (5, 3), (2, 2)])
def test_the_transposed_convolution_is_keras(size: int, stride: int) -> None:
    x, kernel = rng.standard_normal((4, 3, 2)), rng.standard_normal((size, size, 5, 2))
    expected = ops.conv_transpose(x[None], kernel, strides=stride, padding="same")[0]
    np.testing.assert_allclose(lecture.transposed_convolution(x, kernel, stride), expected, atol=1e-4)


def test_a_walk_begins_and_ends_where_it_should() -> None:
    first, last = rng.standard_normal((2, 32))
    path = lecture.walk(first, last, 7)
    np.testing.assert_allclose(path[0], first, atol=1e-12)
    np.testing.assert_allclose(path[-1], last, atol=1e-12)
    lengths = np.linalg.norm(path, axis=1)
    np.testing.assert_allclose(lengths, np.linspace(lengths[0], lengths[-1], 7), rtol=1e-9)


def test_sums_are_with_minus_without_plus_another() -> None:
    # Noise that says which group it is of: with 100, without 1, the rest 10,000.
    pool = np.full((30, 2), 10_000.0)
    with_it, without_it = np.arange(10), np.arange(10, 20)
    pool[with_it], pool[without_it] = 100, 1
    total, others = lecture.sums(pool, with_it, without_it, 3, 50, np.random.default_rng(0))
    np.testing.assert_allclose(total, 100 - 1 + 1)
    assert set(others) <= set(without_it)
    blind = lecture.blind_sums(pool, without_it, 3, 50, np.random.default_rng(0))
    assert len(np.unique(blind)) > 5


def test_averaged_weights_follow() -> None:
    slow, fast = (keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]) for _ in range(2))
    slow.layers[0].kernel.assign([[1.0]])
    fast.layers[0].kernel.assign([[2.0]])
    lecture.follow(slow, fast, decay=0.75)
    assert float(slow.layers[0].kernel[0, 0]) == pytest.approx(1.25)
    assert float(fast.layers[0].kernel[0, 0]) == 2


def test_rates_fall_from_the_middle_to_a_tenth() -> None:
    game = lecture.play(lecture.mlp(2), lecture.mlp(1), rates=(1.0, 1.0))
    seen = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        lecture.cool(game, (4e-3, 2e-3), share)
        seen.append([float(optimizer.learning_rate) for optimizer in game.optimizers])
    expected = np.outer([1, 1, 1, 0.55, 0.1], (4e-3, 2e-3))
    np.testing.assert_allclose(seen, expected, rtol=1e-5)


# -- growing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 1, 2])
def test_growing_players_fit_each_other_at_every_level(level: int) -> None:
    generator, discriminator = lecture.GrowingGenerator(LATENT, WIDTH, 3), lecture.GrowingDiscriminator(WIDTH, 3)
    generator.level = discriminator.level = level
    drawn = generator(noise())
    assert drawn.shape == (8, 6 * 2**level, 6 * 2**level, 3)
    assert discriminator(drawn).shape == (8, 1)
    with tf.GradientTape() as tape:
        loss = ops.mean(discriminator(generator(noise())))
    for player in (generator, discriminator):
        assert player.trainable_variables
    gradients = tape.gradient(loss, generator.trainable_variables + discriminator.trainable_variables)
    assert all(gradient is not None for gradient in gradients)


def test_fading_in_begins_with_the_old_picture() -> None:
    generator, discriminator = lecture.GrowingGenerator(LATENT, WIDTH, 3), lecture.GrowingDiscriminator(WIDTH, 3)
    same = noise()
    generator.level = discriminator.level = 1
    small = generator(same)
    small_logits = discriminator(small)
    generator.level, generator.alpha = 2, 0.0
    discriminator.level, discriminator.alpha = 2, 0.0
    np.testing.assert_allclose(generator(same), lecture.enlarged(small), atol=1e-6)
    np.testing.assert_allclose(discriminator(lecture.enlarged(small)), small_logits, atol=1e-5)
    generator.alpha = 1.0
    assert np.abs(numpy(generator(same)) - numpy(lecture.enlarged(small))).max() > 1e-3


def test_pixel_norm_gives_every_pixel_the_same_size() -> None:
    x = rng.standard_normal((2, 3, 3, 16)).astype(np.float32) * 50
    normed = numpy(lecture.PixelNorm()(x))
    np.testing.assert_allclose(np.mean(normed**2, axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(normed, x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True)), rtol=1e-5)
