"""The object-scene generator: deterministic, balanced, true to its masks, and as difficult as its parameters say."""

import hashlib
from dataclasses import fields, replace

import numpy as np
import pytest
from coursedata import geometry
from coursedata.scenes import CLASSES, LARGEST_HIDDEN_SHARE, Nuisances, render
from coursedata.shapes import BUILDERS, HOLE, Draw
from sklearn.linear_model import LogisticRegression

NAMES = [field.name for field in fields(Nuisances)]
FULL = Nuisances(*(1.0 for _ in NAMES))
BIG_SEED = 0x9E3779B97F4A7C15F39CC0605CEDC834


@pytest.fixture(scope="module")
def standard():
    return render(1080, seed=1)


def digest(scenes) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in scenes)).hexdigest()[:16]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"seed": 0, "nuisances": Nuisances.none()}, "76561096e3256d7d"),
        ({"seed": BIG_SEED, "nuisances": FULL}, "3b6094602971af8e"),
        ({"seed": 5, "nuisances": Nuisances(*(0.5 for _ in NAMES)), "size": 45, "num_objects": 3}, "60ada2c728631ee9"),
    ],
    ids=["none", "full", "several"],
)
def test_the_same_seed_gives_the_same_bytes_on_every_machine(arguments, expected):
    assert digest(render(24, **arguments)) == expected


def test_a_smaller_draw_is_the_beginning_of_a_larger_one():
    small, large = render(17, seed=BIG_SEED, num_objects=2), render(40, seed=BIG_SEED, num_objects=2)
    for few, many in zip(small, large, strict=True):
        np.testing.assert_array_equal(few, many[:17])


def test_seeds_differ_in_every_bit_and_children_of_a_seed_differ():
    train, test = np.random.SeedSequence(3).spawn(2)
    seeds = [3, 3 + 2**32, 3 + 2**64, 3 + 2**96, train, test]
    assert len({digest(render(3, seed=seed)) for seed in seeds}) == len(seeds)


def test_classes_are_balanced_and_come_in_no_fixed_order(standard):
    assert len(CLASSES) >= 12
    assert np.bincount(standard.labels[:120], minlength=len(CLASSES)).tolist() == [10] * len(CLASSES)
    blocks = standard.labels[:120].reshape(10, -1)
    assert len(np.unique(blocks, axis=0)) == 10


def test_asked_for_labels_are_drawn():
    labels = np.array([7, 7, 0, 11])
    scenes = render(4, seed=0, labels=labels, num_objects=2)
    np.testing.assert_array_equal(scenes.labels, labels)
    np.testing.assert_array_equal(scenes.classes[:, 0], labels)
    assert scenes.labels.dtype == np.int64 and scenes.images.dtype == np.uint8


@pytest.mark.parametrize(
    "arguments",
    [
        {"num": -1},
        {"size": 8},
        {"num_objects": 0},
        {"labels": [0]},
        {"labels": [0, 12]},
        {"labels": [0, -1]},
        {"labels": [0.0, 1.0]},
    ],
    ids=str,
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="give num|labels must be"):
        render(**{"num": 2, "seed": 0, **arguments})


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_nuisance_outside_its_range_is_refused(value):
    with pytest.raises(ValueError, match="clutter"):
        Nuisances(clutter=value)


@pytest.mark.parametrize("nuisances", [7, 0, {"clutter": 0.5}])
def test_nuisances_of_another_type_are_refused(nuisances):
    with pytest.raises(TypeError, match=r"nuisances is .*: give coursedata\.scenes\.Nuisances"):
        render(1, seed=0, nuisances=nuisances)


def test_boxes_bound_the_masks():
    scenes = render(60, seed=2, num_objects=3, nuisances=FULL, size=40)
    assert scenes.masks.shape == (60, 3, 40, 40) and scenes.masks.dtype == bool
    for masks, boxes in zip(scenes.masks, scenes.boxes, strict=True):
        assert not (masks.astype(int).sum(axis=0) > 1).any()
        for mask, (y0, x0, y1, x1) in zip(masks, boxes, strict=True):
            assert mask.any() and mask[y0:y1, x0:x1].sum() == mask.sum()
            inside = mask[y0:y1, x0:x1]
            assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


def test_the_mask_is_where_the_picture_differs_from_its_background():
    scenes = render(24, seed=3, nuisances=replace(Nuisances.none(), viewpoint=0.6))
    for image, mask in zip(scenes.images, scenes.masks[:, 0], strict=True):
        background = image[0, 0]
        differs = (image != background).any(axis=-1)
        assert differs[mask].all()
        # What differs outside the mask is its antialiased edge: pixels that the object fills by less than half.
        padded = np.pad(mask, 1)
        near = np.any([np.roll(padded, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
        assert (differs & ~near[1:-1, 1:-1]).sum() <= 6


def test_edges_are_antialiased():
    """Row 10, column 16 lies in the prototype tree's crown; its outline mixes that colour with the background's."""
    image = render(1, seed=0, nuisances=Nuisances.none(), labels=[CLASSES.index("tree")]).images[0].reshape(-1, 3)
    background, crown = image[0].astype(float), image[10 * 32 + 16].astype(float)
    share = (image - background) @ (crown - background) / ((crown - background) @ (crown - background))
    assert ((share > 0.2) & (share < 0.8)).sum() >= 10


@pytest.mark.parametrize(("num", "num_objects", "size"), [(120, 1, 32), (20, 4, 64)], ids=["one", "several"])
def test_at_most_half_of_an_object_is_hidden(num, num_objects, size):
    whole, covered = (
        render(num, seed=6, num_objects=num_objects, size=size, nuisances=replace(FULL, occlusion=value))
        for value in (0, 1)
    )
    areas = whole.masks.sum(axis=(2, 3))
    assert areas.min() > 8
    shares = covered.masks.sum(axis=(2, 3)) / areas
    assert 0.1 < 1 - shares.mean() < LARGEST_HIDDEN_SHARE
    # A tenth for pixels that lie half under the edge of what stands in front.
    assert shares.min() > 1 - LARGEST_HIDDEN_SHARE - 0.1


@pytest.mark.parametrize("name", NAMES)
def test_a_nuisance_is_absent_at_zero_and_grows(name):
    """Measured as the mean change of a picture whose every other nuisance is absent."""
    labels = np.arange(48) % len(CLASSES)
    plain = render(48, seed=7, nuisances=Nuisances.none(), labels=labels).images.astype(float)
    change = [
        np.abs(
            render(48, seed=7, nuisances=replace(Nuisances.none(), **{name: value}), labels=labels).images - plain
        ).mean()
        for value in (0.0, 0.25, 1.0)
    ]
    assert change[0] == 0
    assert 0 < change[1] < change[2]


def test_without_nuisances_a_class_always_looks_the_same_but_for_its_background():
    scenes = render(36, seed=8, nuisances=Nuisances.none(), labels=np.arange(36) % 12)
    for first, second in ((0, 12), (12, 24)):
        np.testing.assert_array_equal(scenes.masks[first : first + 12], scenes.masks[second : second + 12])
    # All but the antialiased edge, which takes colour from the background.
    inside = scenes.masks[:12, 0]
    same = (scenes.images[:12] == scenes.images[12:24]).all(axis=-1)
    assert same[inside].mean() > 0.6
    assert (scenes.images[:, 0, 0].std(axis=0) > 10).all()


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_varies_within_its_drawing(name):
    def drawing(seed: int, variation: float):
        return BUILDERS[name](Draw(iter(np.random.default_rng(seed).random(80).tolist()).__next__, variation))

    prototypes = [np.concatenate([part.outline for part in drawing(seed, 0.0)]) for seed in range(2)]
    np.testing.assert_array_equal(*prototypes)
    varied = [drawing(seed, 1.0) for seed in range(60)]
    assert (
        len({len(parts) for parts in varied}) >= 3 or len({sum(len(p.outline) for p in parts) for parts in varied}) >= 3
    )
    for parts in varied:
        outline = np.concatenate([part.outline for part in parts])
        assert np.isfinite(outline).all() and np.abs(outline).max() < 2
        assert parts[0].role != HOLE


def test_colour_does_not_give_the_class_away(standard):
    """A classifier of colour histograms stays near chance, twelve classes: 8.3 %."""
    bins = (standard.images // 64).astype(int) @ (16, 4, 1)
    histograms = np.stack([np.bincount(image.ravel(), minlength=64) for image in bins]) / bins[0].size
    model = LogisticRegression(C=30, max_iter=150).fit(histograms[:720], standard.labels[:720])
    assert model.score(histograms[720:], standard.labels[720:]) < 0.22


def test_the_mean_picture_does_not_give_the_class_away(standard):
    """No single pixel's brightness does either: each class's mean picture is close to the mean of all."""
    images = standard.images.astype(float).mean(axis=-1)
    means = np.stack([images[standard.labels == label].mean(axis=0) for label in range(len(CLASSES))])
    assert np.abs(means - images.mean(axis=0)).mean() < 0.25 * images.std()


def test_a_stroke_has_its_width():
    outline = geometry.stroke(np.array([(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)]), 0.5)
    assert np.ptp(outline[:, 1]) == pytest.approx(0.5) and np.ptp(outline[:, 0]) == pytest.approx(2.0)


def test_a_full_turn_does_not_repeat_its_first_point():
    outline = geometry.ellipse(1.0, 2.0, 3.0, 4.0, 16)
    assert len(np.unique(outline.round(9), axis=0)) == 16
    np.testing.assert_allclose(outline.mean(axis=0), (1.0, 2.0), atol=1e-12)
