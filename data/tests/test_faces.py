"""The face generator: deterministic, labelled as asked, and every attribute to be seen where it belongs."""

import hashlib

import numpy as np
import pytest
from coursedata.faces import ADULT, ATTRIBUTES, Labels, render
from coursedata.faces.portrait import Head, Person
from sklearn.linear_model import LogisticRegression, Ridge

BIG_SEED = 0x9E3779B97F4A7C15F39CC0605CEDC834
USUAL = {"glasses": 0, "smile": 0, "hair": 1, "beard": 0, "age": 0.45, "shape": 1, "skin": 0.2, "hair_colour": 0}
USUAL |= {"pose": 0.5, "light": 0.5}
EXTREMES = {
    name: (0, len(attribute.values) - 1) if attribute.is_class else (0.0, 1.0) for name, attribute in ATTRIBUTES.items()
}


def digest(faces) -> str:
    arrays = [faces.images, *faces.labels]
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()[:16]


@pytest.fixture(scope="module")
def many():
    return render(1500, seed=3)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"seed": 0}, "d74703a34524eb17"),
        ({"seed": BIG_SEED, "size": 45}, "8ca51a5254866579"),
        ({"seed": 5, "labels": {"glasses": 1, "age": 1.0}}, "4f95cf32abb362a0"),
    ],
    ids=["random", "large", "given"],
)
def test_the_same_seed_gives_the_same_bytes_on_every_machine(arguments, expected):
    assert digest(render(24, **arguments)) == expected


def test_a_smaller_draw_is_the_beginning_of_a_larger_one():
    small, large = render(11, seed=BIG_SEED), render(600, seed=BIG_SEED)
    np.testing.assert_array_equal(small.images, large.images[:11])
    for few, whole in zip(small.labels, large.labels, strict=True):
        np.testing.assert_array_equal(few, whole[:11])


def test_seeds_differ_in_every_bit_and_children_of_a_seed_differ():
    train, test = np.random.SeedSequence(3).spawn(2)
    seeds = [3, 3 + 2**32, 3 + 2**64, 3 + 2**96, train, test]
    assert len({digest(render(2, seed=seed)) for seed in seeds}) == len(seeds)


def test_labels_have_the_kinds_that_the_attributes_say(many):
    assert many.images.shape == (1500, 32, 32, 3) and many.images.dtype == np.uint8
    assert many.labels._fields == tuple(ATTRIBUTES)
    for (name, attribute), column in zip(ATTRIBUTES.items(), many.labels, strict=True):
        assert column.shape == (1500,), name
        if attribute.is_class:
            assert column.dtype == np.int64 and sorted(set(column)) == list(range(len(attribute.values)))
        else:
            assert column.dtype == np.float64 and 0 <= column.min() < 0.02 and 0.98 < column.max() <= 1


def test_attributes_are_as_frequent_as_stated_and_no_child_has_a_beard(many):
    labels = many.labels
    for name, attribute in ATTRIBUTES.items():
        if attribute.is_class and name != "beard":
            shares = np.bincount(getattr(labels, name)) / 1500
            np.testing.assert_allclose(shares, attribute.shares, atol=0.05)
    assert labels.beard[labels.age < ADULT].sum() == 0
    assert labels.beard[labels.age >= ADULT].mean() == pytest.approx(0.5, abs=0.05)


def test_other_attributes_are_independent(many):
    table = np.stack([column for name, column in many.labels._asdict().items() if name != "beard"]).astype(float)
    correlations = np.corrcoef(table) - np.eye(len(table))
    assert np.abs(correlations).max() < 0.1


def test_given_labels_are_drawn_and_all_else_stays(many):
    some = render(40, seed=3, labels={"glasses": 1, "skin": np.linspace(0, 1, 40), "beard": np.arange(40) % 2})
    assert (some.labels.glasses == 1).all() and (some.labels.beard == np.arange(40) % 2).all()
    np.testing.assert_array_equal(some.labels.skin, np.linspace(0, 1, 40))
    for name in ("smile", "hair", "age", "shape", "hair_colour", "pose", "light"):
        np.testing.assert_array_equal(getattr(some.labels, name), getattr(many.labels, name)[:40])


def test_labels_of_a_draw_draw_it_again(many):
    again = render(40, seed=3, labels=Labels(*(column[:40] for column in many.labels)))
    np.testing.assert_array_equal(again.images, many.images[:40])


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_changes_the_picture_and_nothing_but_the_person(name):
    first, last = (render(12, seed=8, labels={**USUAL, name: value}).images.astype(int) for value in EXTREMES[name])
    assert (np.abs(first - last).max(axis=(1, 2, 3)) > 40).all()
    # The wall in the upper corners stays as it was, whoever stands before it.
    assert np.abs(first[:, :2, :2] - last[:, :2, :2]).max() <= 1


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [("glasses", (10, 21), (4, 28)), ("smile", (9, 27), (6, 26)), ("beard", (15, 32), (3, 29))],
)
def test_an_attribute_changes_its_part_of_the_face_only(name, rows, columns):
    pair = [render(60, seed=8, labels={**USUAL, name: value}).images.astype(int) for value in (0, 1)]
    changed = np.abs(pair[0] - pair[1]).max(axis=-1) > 24
    inside = np.zeros((32, 32), bool)
    inside[slice(*rows), slice(*columns)] = True
    assert changed[:, inside].any(axis=1).all()
    assert changed[:, ~inside].mean() < 0.002


def test_glasses_hide_nothing_but_draw_a_frame_that_contrasts():
    for skin in (0.0, 0.5, 1.0):
        without, with_glasses = (
            render(40, seed=4, labels={**USUAL, "skin": skin, "glasses": value}).images.astype(float).mean(axis=-1)
            for value in (0, 1)
        )
        difference = np.sort(np.abs(with_glasses - without).reshape(40, -1), axis=1)
        assert (difference[:, -15] > 20).all(), f"fewer than 15 pixels of glasses to be seen on skin {skin}"


def test_skin_gets_darker_hair_gets_grey_and_light_comes_from_its_side():
    def brightness(**labels):
        return render(30, seed=6, labels={**USUAL, **labels}).images.astype(float).mean(axis=-1)

    cheeks = (slice(None), slice(18, 20), slice(12, 20))
    levels = [brightness(skin=value)[cheeks].mean() for value in (0.0, 0.33, 0.67, 1.0)]
    assert levels == sorted(levels, reverse=True) and levels[0] > 2 * levels[-1]
    top = (slice(None), slice(4, 6), slice(13, 19))
    assert brightness(age=1.0)[top].mean() > brightness(age=0.5)[top].mean() + 60
    left, right = (brightness(light=value, hair=0)[:, 8:20] for value in (0.0, 1.0))
    assert (left[..., 9:13].mean(axis=(1, 2)) > left[..., 19:23].mean(axis=(1, 2)) + 15).all()
    assert (right[..., 19:23].mean(axis=(1, 2)) > right[..., 9:13].mean(axis=(1, 2)) + 15).all()


def test_edges_are_antialiased():
    """Between wall and bald head lie pixels that mix the two, which hard edges have none of."""
    images = render(20, seed=2, labels={**USUAL, "hair": 0, "skin": 0.9}).images.astype(float)
    row, wall, skin = images[:, 8], images[:, 8, :1], images[:, 8, 15:16]
    share = ((row - wall) * (skin - wall)).sum(axis=-1) / ((skin - wall) ** 2).sum(axis=-1)
    assert ((share[:, :12] > 0.15) & (share[:, :12] < 0.7)).sum() >= 10


@pytest.fixture(scope="module")
def grey(many):
    """Grey values at half the size: linear models of more pixels take long and say the same."""
    images = many.images.astype(np.float32).mean(axis=-1).reshape(1500, 16, 2, 16, 2).mean(axis=(2, 4))
    return images.reshape(1500, -1) / 255


@pytest.mark.parametrize("name", ["glasses", "smile", "beard", "hair"])
def test_classes_can_be_read_off_the_pixels(many, grey, name):
    """Even by a linear classifier (and pale frames on dark skin are not linear)."""
    labels = getattr(many.labels, name)
    model = LogisticRegression(C=0.3, max_iter=300).fit(grey[:1100], labels[:1100])
    chance = np.bincount(labels[1100:]).max() / 400
    assert model.score(grey[1100:], labels[1100:]) > chance + 0.06


@pytest.mark.parametrize("name", ["age", "skin", "pose", "light"])
def test_ranges_can_be_read_off_the_pixels(many, grey, name):
    labels = getattr(many.labels, name)
    model = Ridge(alpha=3).fit(grey[:1100], labels[:1100])
    assert model.score(grey[1100:], labels[1100:]) > 0.3


def test_a_turned_head_moves_what_is_in_front():
    places = np.array([(0.0, 0.0), (0.4, -0.1), (-0.4, -0.1)])
    traits = dict.fromkeys(("wide", "high", "eye_v", "mouth_v", "apart"), 0.5)
    heads = {pose: Head(Person(**{**USUAL, "pose": pose}), traits) for pose in (0.0, 0.5, 1.0)}
    frontal = heads[0.5].place(places)
    np.testing.assert_allclose(frontal[:, 0] / heads[0.5].width, places[:, 0], atol=1e-12)
    assert (heads[1.0].place(places)[:, 0] > frontal[:, 0]).all()
    assert (heads[0.0].place(places)[:, 0] < frontal[:, 0]).all()
    # What lies higher above the surface moves farther: the tip of the nose, the frame of the glasses.
    assert heads[1.0].place(places[:1], 0.2)[0, 0] > heads[1.0].place(places[:1])[0, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num": -1}, "give num"),
        ({"size": 8}, "give num"),
        ({"labels": {"moustache": 1}}, "moustache"),
        ({"labels": {"hair": 4}}, "hair"),
        ({"labels": {"hair": 1.0}}, "hair"),
        ({"labels": {"smile": [0, 1, 1]}}, "smile"),
        ({"labels": {"age": 1.1}}, "age"),
        ({"labels": {"age": float("nan")}}, "age"),
        ({"labels": {"age": "old"}}, "age"),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        render(**{"num": 2, "seed": 0, **arguments})
