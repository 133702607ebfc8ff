"""Object scenes: small pictures of everyday things with every nuisance under control.

An image is drawn as vectors on a canvas four times its size, then averaged down. What it assumes: objects are flat
and of one of `CLASSES`; a nuisance is independent of the class and of every other nuisance; objects of all classes
share one palette of mostly vivid colours, and what surrounds them shares one of muted colours.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageChops, ImageDraw

from coursedata import placement, surroundings
from coursedata.shapes import BUILDERS, CLASSES, HOLE, Draw
from coursedata.surroundings import Colour

__all__ = ["CLASSES", "Nuisances", "Scenes", "render"]

SUPERSAMPLING = 4
LARGEST_HIDDEN_SHARE = 0.5
# One colour a role for every class: what an object looks like when nothing varies.
PROTOTYPE_COLOURS: tuple[Colour, ...] = ((0.85, 0.35, 0.2), (0.25, 0.3, 0.45), (0.95, 0.75, 0.3), (0.92, 0.92, 0.88))

# Uniform numbers set aside for each purpose, so that a change of one nuisance leaves the others as they were.
_SCENE_DRAWS = {"background": 4, "clutter": 192, "light": 24}
_OBJECT_DRAWS = {"shape": 80, "colour": 96, "pattern": 64, "view": 16, "warp": 16, "cover": 96}
_IMAGE_STREAM, _LABEL_STREAM = 0, 1

Streams = dict[str, Callable[[], float]]


@dataclass(frozen=True)
class Nuisances:
    """How strongly each thing that has nothing to do with the class changes the picture; 0 is absent, 1 is the most.

    viewpoint: rotation, scale, shift, shear, perspective, mirror image. illumination: uneven, dim, coloured or hazy
    light, a shadow, sensor noise. occlusion: things in front. deformation: a smooth warp of the outline. variation:
    spread of the class's own proportions, parts, kinds, colours and surface patterns. clutter: horizon, texture and
    things of no class behind. The defaults are the course's standard difficulty. Raises ValueError outside [0, 1].
    """

    viewpoint: float = 0.5
    illumination: float = 0.5
    occlusion: float = 0.4
    deformation: float = 0.4
    variation: float = 0.7
    clutter: float = 0.7

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= 1:
                raise ValueError(f"nuisance {field.name} is {value!r}: give a number between 0 (absent) and 1.")

    @classmethod
    def none(cls) -> "Nuisances":
        """No nuisance at all: every object is its class's prototype on a plain background."""
        return cls(*(0.0 for _ in fields(cls)))


class Scenes(NamedTuple):
    """What `render` gives; boxes and masks are of the visible pixels (at least half covered by the object).

    images: uint8 (num, size, size, 3); labels: int64 (num,), the class of the first object; classes: int64
    (num, num_objects); boxes: int64 (num, num_objects, 4) as y0, x0, y1, x1 in pixels, the ends exclusive;
    masks: bool (num, num_objects, size, size).
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: NDArray[np.int64]
    boxes: NDArray[np.int64]
    masks: NDArray[np.bool_]


def render(
    num: int,
    *,
    seed: int | np.random.SeedSequence,
    size: int = 32,
    nuisances: Nuisances | None = None,
    num_objects: int = 1,
    labels: ArrayLike | None = None,
) -> Scenes:
    """Draws `num` object scenes of `size` x `size` pixels.

    Image k depends on the seed and k alone, so a smaller draw is a prefix of a larger one. Without `labels` (int,
    shape (num,), the class of each image's first object) every 12 consecutive images hold each class once. A draw
    with other nuisances keeps everything else: the same objects, places and colours. `nuisances` None means the
    defaults of `Nuisances`. Raises ValueError for a size below 16, no object, or a label that is no class, and
    TypeError for nuisances of another type.
    """
    if num < 0 or size < 16 or num_objects < 1:
        raise ValueError(f"{num=}, {size=}, {num_objects=}: give num >= 0, size >= 16 and num_objects >= 1.")
    nuisances = checked(nuisances)
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    scenes = Scenes(
        images=np.empty((num, size, size, 3), np.uint8),
        labels=_balanced_labels(root, num) if labels is None else _checked_labels(labels, num),
        classes=np.empty((num, num_objects), np.int64),
        boxes=np.empty((num, num_objects, 4), np.int64),
        masks=np.empty((num, num_objects, size, size), bool),
    )
    for k in range(num):
        rng = _generator(root, _IMAGE_STREAM, k)
        scene = _Scene(rng, size, nuisances, num_objects, int(scenes.labels[k]))
        scenes.images[k] = scene.finish(rng)
        scenes.classes[k] = scene.classes
        scenes.masks[k] = scene.visible()
        scenes.boxes[k] = [_bounds(mask) for mask in scenes.masks[k]]
    return scenes


def checked(nuisances: Nuisances | None) -> Nuisances:
    """What was asked for, the defaults for None. Raises TypeError for anything else."""
    nuisances = Nuisances() if nuisances is None else nuisances
    if not isinstance(nuisances, Nuisances):
        raise TypeError(f"nuisances is {nuisances!r}: give coursedata.scenes.Nuisances(...), or None for the defaults.")
    return nuisances


def _generator(root: np.random.SeedSequence, *key: int) -> np.random.Generator:
    sequence = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *key))
    return np.random.Generator(np.random.PCG64(sequence))


def _balanced_labels(root: np.random.SeedSequence, num: int) -> NDArray[np.int64]:
    blocks = -(-num // len(CLASSES))
    orders = [np.argsort(_generator(root, _LABEL_STREAM, block).random(len(CLASSES))) for block in range(blocks)]
    return np.concatenate([*orders, np.empty(0, np.int64)])[:num].astype(np.int64)


def _checked_labels(labels: ArrayLike, num: int) -> NDArray[np.int64]:
    array = np.asarray(labels)
    whole = array.shape == (num,) and array.dtype.kind in "iu"
    if not whole or (num and not 0 <= array.min() <= array.max() < len(CLASSES)):
        raise ValueError(
            f"labels must be {num} whole numbers below {len(CLASSES)}; got {array.dtype} of shape {array.shape}."
        )
    return array.astype(np.int64)


def _streams(rng: np.random.Generator, draws: dict[str, int]) -> Streams:
    uniforms, streams, start = rng.random(sum(draws.values())).tolist(), {}, 0
    for name, length in draws.items():
        streams[name] = iter(uniforms[start : start + length]).__next__
        start += length
    return streams


def _bounds(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1


class _Scene:
    """One image while it is drawn, on a canvas of `extent` x `extent` finer pixels."""

    def __init__(self, rng: np.random.Generator, size: int, nuisances: Nuisances, num_objects: int, label: int):
        self.nuisances = nuisances
        self.extent = size * SUPERSAMPLING
        scene = _streams(rng, _SCENE_DRAWS)
        self.light = scene["light"]
        objects = [_streams(rng, _OBJECT_DRAWS) for _ in range(num_objects)]
        self.classes = [label, *(int(len(CLASSES) * value) for value in rng.random(num_objects - 1))]
        palettes = [self._palette(stream["colour"]) for stream in objects]
        background = surroundings.muted_colour(scene["background"])
        self.canvas = Image.new("RGB", (self.extent, self.extent), surroundings.ink(background))
        if nuisances.clutter:
            draw = ImageDraw.Draw(self.canvas)
            surroundings.paint_clutter(draw, scene["clutter"], background, self.extent, nuisances.clutter)
        # Canvas pixels of each object: 0 nobody's, k + 1 object k's.
        self.owner = Image.new("L", self.canvas.size, 0)
        whole = [
            self._paint_object(place, *drawing)
            for place, drawing in enumerate(zip(objects, palettes, self._cells(rng, num_objects), strict=True))
        ]
        if nuisances.occlusion:
            areas = [mask.histogram()[255] for mask in whole]
            for stream, mask in zip(objects, whole, strict=True):
                self._paint_occluder(stream["cover"], mask, areas)

    def finish(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """The picture, uint8 (size, size, 3), averaged down and lit."""
        image = np.asarray(self.canvas.reduce(SUPERSAMPLING))
        strength = self.nuisances.illumination
        if not strength:
            return image
        shade = Image.new("L", self.canvas.size, 0)
        surroundings.fill(ImageDraw.Draw(shade), surroundings.shadow(self.light, self.extent), 255)
        shade = np.asarray(shade.reduce(SUPERSAMPLING), np.float32) / 255
        lit = surroundings.light(image.astype(np.float32) / 255, shade, rng, self.light, strength)
        return np.rint(255 * lit.clip(0, 1)).astype(np.uint8)

    def visible(self) -> NDArray[np.bool_]:
        """Visible pixels, bool (num_objects, size, size); where an object half fills none, those it fills most."""
        owner, size = np.asarray(self.owner), self.extent // SUPERSAMPLING
        masks = np.empty((len(self.classes), size, size), bool)
        for place, mask in enumerate(masks):
            own = (owner == place + 1).view(np.uint8).reshape(size, SUPERSAMPLING, self.extent)
            covered = own.sum(axis=1, dtype=np.uint8).reshape(size, size, SUPERSAMPLING).sum(axis=2, dtype=np.uint8)
            mask[...] = covered >= min(SUPERSAMPLING**2 // 2, max(1, covered.max()))
        return masks

    def _cells(self, rng: np.random.Generator, num_objects: int) -> list[tuple[float, float, float]]:
        """Centre x, centre y and edge, in canvas pixels, of the square that each object gets to itself."""
        side = math.isqrt(num_objects - 1) + 1
        edge = self.extent / side
        order = np.argsort(rng.random(side * side))[:num_objects].tolist()
        return [((cell % side + 0.5) * edge, (cell // side + 0.5) * edge, edge) for cell in order]

    def _palette(self, uniform: Callable[[], float]) -> list[Colour]:
        freedom = min(1.0, 1.5 * self.nuisances.variation)
        colours = surroundings.object_colours(uniform)
        return [surroundings.mix(*pair, freedom) for pair in zip(PROTOTYPE_COLOURS, colours, strict=True)]

    def _paint_object(
        self, place: int, stream: Streams, palette: list[Colour], cell: tuple[float, float, float]
    ) -> Image.Image:
        nuisances = self.nuisances
        parts = BUILDERS[CLASSES[self.classes[place]]](Draw(stream["shape"], nuisances.variation))
        points, ends = placement.outlines(parts, placement.SUBDIVISIONS if nuisances.deformation else 1)
        if nuisances.deformation:
            points = placement.warp(points, stream["warp"], nuisances.deformation)
        points = placement.view(points, stream["view"], nuisances.viewpoint, cell)
        patterned = stream["pattern"]() < 0.4 * nuisances.variation
        # A hole or a pattern needs a layer of its own; all other objects are painted straight onto the canvas.
        layered = patterned or any(part.role == HOLE for part in parts)
        layer = Image.new("RGB", self.canvas.size) if layered else self.canvas
        mask = Image.new("L", self.canvas.size, 0)
        draw_layer, draw_mask = ImageDraw.Draw(layer), ImageDraw.Draw(mask)
        colours = [surroundings.ink(colour) for colour in palette]
        coordinates = surroundings.vertices(points)
        for part, start, end in zip(parts, [0, *ends], ends, strict=False):
            outline = coordinates[2 * start : 2 * end]
            if part.role != HOLE:
                draw_layer.polygon(outline, fill=colours[part.role])
            draw_mask.polygon(outline, fill=0 if part.role == HOLE else 255)
        if patterned:
            self._paint_pattern(draw_layer, stream["pattern"], palette)
        if layered:
            self.canvas.paste(layer, mask=mask)
        self.owner.paste(place + 1, mask=mask)
        return mask

    def _paint_pattern(self, draw: ImageDraw.ImageDraw, uniform: Callable[[], float], palette: list[Colour]) -> None:
        """Stripes or dots on an object's surface."""
        colour = surroundings.ink(surroundings.mix(palette[0], palette[2], 0.5))
        for outline in (surroundings.stripes if uniform() < 0.5 else surroundings.dots)(uniform, self.extent):
            surroundings.fill(draw, outline, colour)

    def _paint_occluder(self, uniform: Callable[[], float], target: Image.Image, areas: list[int]) -> None:
        """Something in front of `target`, made smaller until of no object too little is left of its area."""
        bounds, colour = target.getbbox(), surroundings.ink(surroundings.muted_colour(uniform))
        for shrink in (1.0, 0.75, 0.55, 0.4):
            cover = Image.new("L", self.canvas.size, 0)
            draw = ImageDraw.Draw(cover)
            for outline in surroundings.occluders(uniform, bounds, shrink * self.nuisances.occlusion):
                surroundings.fill(draw, outline, 255)
            left = ImageChops.subtract(self.owner, cover).histogram()[1 : len(areas) + 1]
            if all(now >= (1 - LARGEST_HIDDEN_SHARE) * area for now, area in zip(left, areas, strict=True)):
                self.canvas.paste(colour, mask=cover)
                self.owner.paste(0, mask=cover)
                return
