"""Pictures to translate: deterministic, true to their labels, paired where they must be and unpaired where not."""

import hashlib

import numpy as np
import pytest
from coursedata import domains
from coursedata.domains import ATTRIBUTES, CLASSES, DOMAINS, PAIRS, PALETTES, counterpart, render_domain, render_pairs
from sklearn.linear_model import LogisticRegression

BIG_SEED = 0x9E3779B97F4A7C15F39CC0605CEDC834
EACH_DOMAIN = [(kind, domain) for kind, pair in DOMAINS.items() for domain in pair]


def draw(kind, num, **arguments):
    """Pictures of any kind: pairs, or those of the kind's second domain."""
    if kind in PAIRS:
        return render_pairs(kind, num, **arguments)
    return render_domain(kind, DOMAINS[kind][1], num, **arguments)


def arrays(drawn) -> list[np.ndarray]:
    return [*drawn[:-1], *drawn.labels.values()]


def digest(drawn) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays(drawn))).hexdigest()[:16]


def grown(mask, steps=1):
    """The pixels of masks (num, size, size) and all that touch them."""
    for _ in range(steps):
        wide = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
        size = mask.shape[1]
        mask = np.any([wide[:, y : y + size, x : x + size] for y in range(3) for x in range(3)], axis=0)
    return mask


def shrunk(mask):
    return ~grown(~mask)


@pytest.fixture(scope="module")
def pairs():
    return {kind: render_pairs(kind, 60, seed=4) for kind in PAIRS}


@pytest.fixture(scope="module")
def unpaired():
    """Small pictures of every domain, enough to count labels and to classify."""
    return {(kind, domain): render_domain(kind, domain, 400, seed=9, size=24) for kind, domain in EACH_DOMAIN}


@pytest.mark.parametrize(
    ("kind", "size", "expected"),
    [
        ("edges", 32, "6bc6dfa85173ce76"),
        ("facades", 45, "f6132958e6609c19"),
        ("aerial", 32, "e75092dda6100e67"),
        ("animals", 45, "586e9fe9ba068868"),
        ("seasons", 32, "df909ee0d72cb509"),
    ],
)
def test_the_same_seed_gives_the_same_bytes_on_every_machine(kind, size, expected):
    assert digest(draw(kind, 8, seed=BIG_SEED, size=size)) == expected


@pytest.mark.parametrize("kind", CLASSES)
def test_a_smaller_draw_is_the_beginning_of_a_larger_one(kind):
    small, large = draw(kind, 3, seed=BIG_SEED, size=20), draw(kind, 9, seed=BIG_SEED, size=20)
    for few, many in zip(arrays(small), arrays(large), strict=True):
        np.testing.assert_array_equal(few, many[:3])


def test_seeds_differ_in_every_bit_and_children_of_a_seed_differ():
    train, test = np.random.SeedSequence(3).spawn(2)
    seeds = [3, 3 + 2**32, 3 + 2**64, 3 + 2**96, train, test]
    for kind in ("edges", "seasons"):
        assert len({digest(draw(kind, 2, seed=seed, size=16)) for seed in seeds}) == len(seeds)


@pytest.mark.parametrize("kind", CLASSES)
def test_shapes_and_kinds(kind):
    drawn = draw(kind, 5, seed=0, size=37)
    for pictures in drawn[:-2]:
        assert pictures.shape == (5, 37, 37, 3) and pictures.dtype == np.uint8
    assert drawn.classes.shape == (5, 37, 37) and drawn.classes.dtype == np.uint8
    assert list(drawn.labels) == list(ATTRIBUTES[kind])
    for name, attribute in ATTRIBUTES[kind].items():
        assert drawn.labels[name].shape == (5,)
        assert drawn.labels[name].dtype == (np.int64 if attribute.is_class else np.float64)
    nothing = draw(kind, 0, seed=0)
    assert all(len(array) == 0 for array in arrays(nothing))


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_of_pixels_is_to_be_seen(kind):
    seen = np.unique(draw(kind, 60, seed=2, size=32).classes)
    np.testing.assert_array_equal(seen, np.arange(len(CLASSES[kind])))


@pytest.mark.parametrize("kind", PAIRS)
def test_another_look_is_another_photograph_of_the_same_layout(kind):
    first, second = (render_pairs(kind, 12, seed=1, size=32, look=look) for look in (0, 1))
    np.testing.assert_array_equal(first.inputs, second.inputs)
    np.testing.assert_array_equal(first.classes, second.classes)
    difference = np.abs(first.targets.astype(int) - second.targets).mean(axis=(1, 2, 3))
    assert (difference > 4).all() and difference.mean() > 15


@pytest.mark.parametrize("kind", PAIRS)
def test_without_variation_the_input_settles_the_photograph(kind):
    plain = [render_pairs(kind, 12, seed=1, size=32, look=look, variation=0) for look in (0, 1)]
    np.testing.assert_array_equal(plain[0].targets, plain[1].targets)
    np.testing.assert_array_equal(plain[0].inputs, render_pairs(kind, 12, seed=1, size=32).inputs)
    spreads = []
    for variation in (0.3, 1.0):
        looks = [render_pairs(kind, 12, seed=1, size=32, look=look, variation=variation).targets for look in range(3)]
        spreads.append(np.std(np.array(looks, float), axis=0).mean())
    assert 0 < 1.5 * spreads[0] < spreads[1]


def test_edges_are_black_lines_on_white_and_antialiased(pairs):
    edges = pairs["edges"].inputs
    assert (edges == edges[..., :1]).all()
    values, counts = np.unique(edges, return_counts=True)
    assert values[-1] == 255 and counts[-1] > 0.8 * edges.size and values[0] < 80
    assert ((edges > 90) & (edges < 220)).sum() > 0.2 * (edges < 255).sum()


def test_edges_agree_with_the_gradients_of_the_photograph(pairs):
    """In each picture, brightness changes most where the edges are: more than beside them by three pixels."""
    strength = 1 - pairs["edges"].inputs[..., 0] / 255
    change = np.sqrt(sum(part**2 for part in np.gradient(pairs["edges"].targets.astype(float), axis=(1, 2)))).max(
        axis=-1
    )
    there = (strength * change).sum(axis=(1, 2)) / strength.sum(axis=(1, 2))
    for shift in ((3, 0), (-3, 0), (0, 3), (0, -3)):
        beside = np.roll(strength, shift, axis=(1, 2))
        assert (there > 1.15 * (beside * change).sum(axis=(1, 2)) / beside.sum(axis=(1, 2))).mean() > 0.95
    # The largest changes lie on edges, for there are no others: shadows are soft.
    steep = change > np.quantile(change, 0.97, axis=(1, 2), keepdims=True)
    assert grown(strength > 0.1)[steep].mean() > 0.9


def test_the_outline_of_the_thing_is_an_edge(pairs):
    thing = pairs["edges"].classes == 1
    outline = thing & ~shrunk(thing)
    assert grown(pairs["edges"].inputs[..., 0] < 200)[outline].mean() > 0.99


def test_a_label_map_has_exactly_the_colours_of_its_palette(pairs):
    facades = pairs["facades"]
    np.testing.assert_array_equal(facades.inputs, PALETTES["facades"][facades.classes])
    for palette in PALETTES.values():
        assert len(np.unique(palette, axis=0)) == len(palette)


def test_a_map_has_the_colours_of_its_palette_inside_and_mixes_them_at_borders(pairs):
    town = pairs["aerial"]
    exact = (town.inputs == PALETTES["aerial"][town.classes]).all(axis=-1)
    inside = np.any([shrunk(town.classes == shows) for shows in range(len(CLASSES["aerial"]))], axis=0)
    assert inside.mean() > 0.3 and exact[inside].mean() > 0.995
    assert 0.1 < (~exact).mean() < 0.5


@pytest.mark.parametrize(
    ("kind", "name", "shows", "always"),
    [
        ("facades", "ground", "shop", 1.0),
        ("facades", "shutters", "shutter", 1.0),
        ("facades", "balconies", "balcony", 1.0),
        ("aerial", "water", "water", 0.95),
        ("aerial", "park", "park", 0.9),
    ],
)
def test_what_labels_name_is_in_the_picture(pairs, kind, name, shows, always):
    label = pairs[kind].labels[name] > 0
    seen = (pairs[kind].classes == CLASSES[kind].index(shows)).any(axis=(1, 2))
    assert 5 < label.sum() < 55 and not seen[~label].any() and seen[label].mean() >= always


def test_a_facade_has_as_many_windows_above_each_other_as_its_labels_say():
    for floors in range(3):
        house = render_pairs("facades", 6, seed=0, size=128, labels={"floors": floors, "balconies": 0, "columns": 1})
        window = house.classes == CLASSES["facades"].index("window")
        starts = (window[:, 1:] & ~window[:, :-1]).sum(axis=1)
        # A ground floor has a window too, or a shop, or the door.
        assert (starts.max(axis=1) == np.where(house.labels["ground"] == 1, floors + 1, floors + 2)).all()


def test_given_labels_are_drawn_and_the_others_stay():
    free = render_pairs("edges", 8, seed=3, size=16)
    wanted = np.arange(8)
    given = render_pairs("edges", 8, seed=3, size=16, labels={"thing": wanted})
    np.testing.assert_array_equal(given.labels["thing"], wanted)
    again = render_pairs("edges", 8, seed=3, size=16, labels=free.labels)
    np.testing.assert_array_equal(again.targets, free.targets)
    same = render_domain("animals", "plain", 8, seed=3, size=16, labels={"pose": 0})
    other = render_domain("animals", "plain", 8, seed=3, size=16)
    for name in ("animal", "facing", "x", "near", "surroundings"):
        np.testing.assert_array_equal(same.labels[name], other.labels[name])


@pytest.mark.parametrize(("kind", "domain"), EACH_DOMAIN)
def test_a_counterpart_is_the_same_scene(kind, domain):
    arguments = {"seed": 6, "size": 48}
    here, there = render_domain(kind, domain, 20, **arguments), counterpart(kind, domain, 20, **arguments)
    np.testing.assert_array_equal(here.classes, there.classes)
    for name, column in here.labels.items():
        np.testing.assert_array_equal(column, there.labels[name])
    difference = np.abs(here.images.astype(int) - there.images).max(axis=-1)
    changed = {"animals": (CLASSES["animals"].index("animal"),), "seasons": (0, 1, 2, 3, 4, 6)}[kind]
    region = np.isin(here.classes, changed)
    # The domain shows in every picture, and nowhere but where it belongs.
    assert ((difference > 40) & region).any(axis=(1, 2)).all()
    assert (difference > 40)[region].mean() > 0.25
    elsewhere = difference[~grown(region)]
    assert len(elsewhere) > 300 and (elsewhere == 0).mean() > 0.999 and elsewhere.max() < 12


def test_a_counterpart_is_what_the_other_domain_would_show(unpaired):
    """Colours of a domain's own pictures and of counterparts in it are distributed alike, and none is the same."""
    for kind, (first, second) in DOMAINS.items():
        own = unpaired[kind, second].images.mean(axis=(1, 2))
        drawn = counterpart(kind, first, 100, seed=9, size=24).images.mean(axis=(1, 2))
        assert np.abs(own.mean(axis=0) - drawn.mean(axis=0)).max() < 12
        assert not (own[:100] == drawn).all(axis=1).any()


@pytest.mark.parametrize("kind", DOMAINS)
def test_domains_are_unpaired_and_their_labels_are_distributed_alike(unpaired, kind):
    first, second = (unpaired[kind, domain] for domain in DOMAINS[kind])
    for name, attribute in ATTRIBUTES[kind].items():
        one, other = first.labels[name], second.labels[name]
        assert (one != other).any()
        if attribute.is_class:
            shares = [np.bincount(column, minlength=len(attribute.values)) / 400 for column in (one, other)]
            np.testing.assert_allclose(shares, [attribute.shares] * 2, atol=0.075)
        else:
            np.testing.assert_allclose(np.quantile([one, other], (0.1, 0.5, 0.9)), (0.1, 0.5, 0.9), atol=0.06)
    pixels = [np.bincount(drawn.classes.ravel(), minlength=len(CLASSES[kind])) for drawn in (first, second)]
    np.testing.assert_allclose(pixels[0] / pixels[0].sum(), pixels[1] / pixels[1].sum(), atol=0.03)


@pytest.mark.parametrize("kind", ["animals", "seasons"])
def test_attributes_are_independent(unpaired, kind):
    table = np.stack(list(unpaired[kind, DOMAINS[kind][0]].labels.values())).astype(float)
    assert np.abs(np.corrcoef(table) - np.eye(len(table))).max() < 0.15


def features(images) -> np.ndarray:
    """Colours of pictures (num, 24, 24, 3), averaged over 3 x 3 pixels."""
    return images.reshape(len(images), 8, 3, 8, 3, 3).mean(axis=(2, 4)).reshape(len(images), -1) / 255


@pytest.mark.parametrize("kind", DOMAINS)
def test_the_domain_can_be_read_off_a_picture(unpaired, kind):
    inputs = np.concatenate([features(unpaired[kind, domain].images) for domain in DOMAINS[kind]])
    answers = np.repeat((0, 1), 400)
    order = np.random.default_rng(0).permutation(800)
    train, test = order[:600], order[600:]
    assert LogisticRegression(max_iter=300).fit(inputs[train], answers[train]).score(inputs[test], answers[test]) > 0.9


@pytest.mark.parametrize(
    ("kind", "name"), [("animals", "facing"), ("animals", "animal"), ("seasons", "house"), ("seasons", "water")]
)
def test_what_must_be_kept_can_be_read_off_both_domains(unpaired, kind, name):
    """Even by a linear classifier; a network does it better (the lecture states how well)."""
    for domain in DOMAINS[kind]:
        drawn = unpaired[kind, domain]
        inputs, answers = features(drawn.images), drawn.labels[name]
        model = LogisticRegression(max_iter=300).fit(inputs[:300], answers[:300])
        chance = np.bincount(answers[300:]).max() / 100
        assert model.score(inputs[300:], answers[300:]) > chance + 0.12


def test_animals_stay_inside_the_picture_and_where_their_label_says():
    drawn = render_domain("animals", "plain", 80, seed=5, size=64)
    animal = drawn.classes == CLASSES["animals"].index("animal")
    assert not animal[:, :, 0].any() and not animal[:, :, -1].any() and not animal[:, -1].any()
    middle = (animal.any(axis=1) * np.arange(64)).sum(axis=1) / animal.any(axis=1).sum(axis=1)
    assert np.corrcoef(middle, drawn.labels["x"])[0, 1] > 0.8
    assert np.corrcoef(animal.sum(axis=(1, 2)), drawn.labels["near"])[0, 1] > 0.3


def test_a_house_stands_on_the_side_that_its_label_says():
    drawn = render_domain("seasons", "winter", 80, seed=5, size=32)
    wall = drawn.classes == CLASSES["seasons"].index("wall")
    assert not wall[drawn.labels["house"] == 0].any()
    for side, half in ((1, slice(0, 16)), (2, slice(16, 32))):
        own = wall[drawn.labels["house"] == side]
        assert own.any(axis=(1, 2)).all() and (own[:, :, half].sum(axis=(1, 2)) == own.sum(axis=(1, 2))).all()
    water = (drawn.classes == CLASSES["seasons"].index("water")).any(axis=(1, 2))
    np.testing.assert_array_equal(water, drawn.labels["water"] == 1)


def test_winter_is_white_and_zebras_have_stripes(unpaired):
    def land(domain):
        drawn = unpaired["seasons", domain]
        return drawn.images[drawn.classes == CLASSES["seasons"].index("land")].astype(float)

    summer, winter = land("summer"), land("winter")
    assert winter.mean() > summer.mean() + 50
    assert np.ptp(winter.mean(axis=0)) < 25 < np.ptp(summer.mean(axis=0))
    contrasts = []
    for domain in DOMAINS["animals"]:
        drawn = render_domain("animals", domain, 30, seed=1, variation=0)
        animal = drawn.classes == CLASSES["animals"].index("animal")
        steps = np.abs(np.diff(drawn.images.mean(axis=-1), axis=2))
        contrasts.append(steps[animal[:, :, 1:] & animal[:, :, :-1]].mean())
    assert contrasts[1] > 3 * contrasts[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "horses"}, "edges, facades, aerial"),
        ({"kind": "animals"}, "edges, facades, aerial"),
        ({"num": -1}, "give num"),
        ({"size": 15}, "give num"),
        ({"look": -1}, "give num"),
        ({"variation": 1.1}, "variation"),
        ({"variation": float("nan")}, "variation"),
        ({"labels": {"windows": 1}}, "windows"),
        ({"labels": {"floors": 3}}, "floors"),
        ({"labels": {"floors": [0, 1, 2]}}, "floors"),
    ],
    ids=str,
)
def test_wrong_arguments_for_pairs_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        render_pairs(**{"kind": "facades", "num": 2, "seed": 0, **arguments})


@pytest.mark.parametrize("function", [render_domain, counterpart])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "edges"}, "animals, seasons"),
        ({"domain": "summer"}, "plain, striped"),
        ({"size": 0}, "give num"),
        ({"variation": -0.1}, "variation"),
        ({"labels": {"x": 1.5}}, "x"),
    ],
    ids=str,
)
def test_wrong_arguments_for_domains_are_refused(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(**{"kind": "animals", "domain": "plain", "num": 2, "seed": 0, **arguments})


def test_the_public_face_is_complete():
    assert set(PAIRS) | set(DOMAINS) == set(ATTRIBUTES) == set(CLASSES)
    assert set(domains.__all__) >= {"render_pairs", "render_domain", "counterpart"}
    for kind, attributes in ATTRIBUTES.items():
        for attribute in attributes.values():
            assert not attribute.is_class or sum(attribute.shares) == pytest.approx(1), kind
