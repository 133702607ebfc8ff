"""Pictures to translate: paired views of one scene, and unpaired domains whose true counterparts can be drawn.

Pairs: edges and a photograph of a thing, a label map and a photograph of a facade, a map and a town from above.
Domains: plain and striped animals, summer and winter. A scene has a layout, which both sides share, and a look
(colours, materials, light), which belongs to the photograph. What it assumes: attributes are independent of each other
and of the domain; the domains of one seed never show the same scene, so that no pair is hidden in them.
"""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coursedata.attributes import Attribute, drawn_values
from coursedata.domains import aerial, animals, facades, seasons, things
from coursedata.domains.painting import Canvas, Source, photograph

__all__ = [
    "ATTRIBUTES",
    "CLASSES",
    "DOMAINS",
    "PAIRS",
    "PALETTES",
    "Domain",
    "Pairs",
    "counterpart",
    "render_domain",
    "render_pairs",
]

_PAIRED: dict[str, ModuleType] = {"edges": things, "facades": facades, "aerial": aerial}
_UNPAIRED: dict[str, ModuleType] = {"animals": animals, "seasons": seasons}
_KINDS = _PAIRED | _UNPAIRED

PAIRS: tuple[str, ...] = tuple(_PAIRED)
DOMAINS: dict[str, tuple[str, str]] = {kind: module.DOMAINS for kind, module in _UNPAIRED.items()}
ATTRIBUTES: dict[str, dict[str, Attribute]] = {kind: module.ATTRIBUTES for kind, module in _KINDS.items()}
CLASSES: dict[str, tuple[str, ...]] = {kind: module.CLASSES for kind, module in _KINDS.items()}
PALETTES: dict[str, NDArray[np.uint8]] = {kind: _PAIRED[kind].PALETTE for kind in ("facades", "aerial")}

_LAYOUT, _LOOK, _CAMERA = range(3)


class Pairs(NamedTuple):
    """What `render_pairs` gives.

    inputs: uint8 (num, size, size, 3), edges, label map or map; targets: uint8 of the same shape, the photographs;
    classes: uint8 (num, size, size), what each pixel's centre shows, as in `CLASSES[kind]`; labels: an array (num,) for
    each of `ATTRIBUTES[kind]`, int64 classes or float64 numbers in [0, 1].
    """

    inputs: NDArray[np.uint8]
    targets: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    labels: dict[str, NDArray]


class Domain(NamedTuple):
    """What `render_domain` gives: images uint8 (num, size, size, 3); classes and labels as in `Pairs`."""

    images: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    labels: dict[str, NDArray]


def render_pairs(
    kind: str,
    num: int,
    *,
    seed: int | np.random.SeedSequence,
    size: int = 64,
    variation: float = 0.7,
    look: int = 0,
    labels: Mapping[str, ArrayLike] | None = None,
) -> Pairs:
    """Draws `num` pairs of `size` x `size` pixels of one of `PAIRS`.

    Pair k depends on the seed and k alone, so a smaller draw is a prefix of a larger one. `variation` from 0 to 1 is
    how much of the photograph its input leaves open: colours, material, light, noise; at 0 the input settles it.
    Another `look` (0, 1, ...) is another photograph of the same layout. `labels` sets attributes, each to one value or
    to an array (num,); the others are drawn at random. Raises ValueError for an unknown kind, a size below 16, a
    variation outside [0, 1], and labels that are none.
    """
    _check(kind, PAIRS, num, size, variation, look)
    module, drawn = _PAIRED[kind], _Scenes(kind, num, _root(seed), variation, look, labels or {})
    inputs = np.empty((num, size, size, 3), np.uint8)

    def paint(k: int) -> Canvas:
        canvas, inputs[k] = module.paint(drawn.values(k), *drawn.sources(k), size)
        return canvas

    targets, classes = drawn.photographs(size, paint)
    return Pairs(inputs, targets, classes, drawn.labels)


def render_domain(
    kind: str,
    domain: str,
    num: int,
    *,
    seed: int | np.random.SeedSequence,
    size: int = 64,
    variation: float = 0.7,
    look: int = 0,
    labels: Mapping[str, ArrayLike] | None = None,
) -> Domain:
    """Draws `num` pictures of `size` x `size` pixels of one domain, such as "animals" and "striped" (see `DOMAINS`).

    Picture k depends on the domain, the seed and k alone, and no two domains share a scene: they are unpaired. The
    other arguments and what is raised are as in `render_pairs`.
    """
    return _domain(kind, domain, num, seed, size, variation, look, labels, other=False)


def counterpart(
    kind: str,
    domain: str,
    num: int,
    *,
    seed: int | np.random.SeedSequence,
    size: int = 64,
    variation: float = 0.7,
    look: int = 0,
    labels: Mapping[str, ArrayLike] | None = None,
) -> Domain:
    """The scenes that `render_domain` draws for the same arguments, as they are in the other domain: the truth.

    Classes and labels are the same, and so is every pixel that the domain does not change.
    """
    return _domain(kind, domain, num, seed, size, variation, look, labels, other=True)


def _domain(kind, domain, num, seed, size, variation, look, labels, *, other: bool) -> Domain:
    _check(kind, tuple(DOMAINS), num, size, variation, look)
    if domain not in DOMAINS[kind]:
        raise ValueError(f"{kind} have no domain {domain!r}: choose one of {', '.join(DOMAINS[kind])}.")
    home = DOMAINS[kind].index(domain)
    root = _root(seed)
    own = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, home))
    drawn, shown = _Scenes(kind, num, own, variation, look, labels or {}), 1 - home if other else home

    def paint(k: int) -> Canvas:
        return _UNPAIRED[kind].paint(drawn.values(k), *drawn.sources(k), size, shown)

    return Domain(*drawn.photographs(size, paint), drawn.labels)


class _Scenes:
    """The random numbers and labels of `num` scenes; layout, look and camera have numbers of their own."""

    def __init__(
        self,
        kind: str,
        num: int,
        root: np.random.SeedSequence,
        variation: float,
        look: int,
        given: Mapping[str, ArrayLike],
    ):
        self.kind, self.root, self.variation, self.look = kind, root, variation, look
        self._layouts = [self._generator(k, _LAYOUT) for k in range(num)]
        attributes = ATTRIBUTES[kind]
        uniforms = np.array([layout.random(len(attributes)) for layout in self._layouts]).reshape(num, len(attributes))
        self.labels = drawn_values(kind, attributes, uniforms, given)

    def values(self, k: int) -> dict[str, float]:
        """The labels of scene k."""
        return {name: column[k].item() for name, column in self.labels.items()}

    def sources(self, k: int) -> tuple[Source, Source]:
        """Where scene k's layout and its look come from; `variation` narrows the look only."""
        look = self._generator(k, _LOOK, self.look)
        return Source(self._layouts[k].random, 1.0), Source(look.random, self.variation)

    def photographs(self, size: int, paint: Callable[[int], Canvas]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Photographs (num, size, size, 3) and pixel classes (num, size, size) of what `paint` paints for each k."""
        num, surfaces = len(self._layouts), np.array(_KINDS[self.kind].SURFACES, np.float32)
        images, classes = np.empty((num, size, size, 3), np.uint8), np.empty((num, size, size), np.uint8)
        for k in range(num):
            canvas = paint(k)
            images[k] = photograph(canvas, surfaces, self._generator(k, _CAMERA, self.look), self.variation)
            classes[k] = canvas.pixel_classes()
        return images, classes

    def _generator(self, *key: int) -> np.random.Generator:
        sequence = np.random.SeedSequence(self.root.entropy, spawn_key=(*self.root.spawn_key, *key))
        return np.random.Generator(np.random.PCG64(sequence))


def _root(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    return seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)


def _check(kind: str, kinds: tuple[str, ...], num: int, size: int, variation: float, look: int) -> None:
    if kind not in kinds:
        raise ValueError(f"no such kind here: {kind!r}; choose one of {', '.join(kinds)}.")
    if num < 0 or size < 16 or look < 0:
        raise ValueError(f"{num=}, {size=}, {look=}: give num >= 0, size >= 16 and look >= 0.")
    if not 0 <= variation <= 1:
        raise ValueError(f"{variation=}: give a number between 0 (the input settles the photograph) and 1.")
