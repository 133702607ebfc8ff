"""What every kind of picture is painted with: a canvas that knows what each pixel shows, and the camera.

Coordinates are shares of the picture's edge: (0, 0) is the upper left corner, (1, 1) the lower right one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFilter

from coursedata import surroundings
from coursedata.geometry import Points, join
from coursedata.shapes import Draw
from coursedata.surroundings import Colour, Uniform, ink, vertices

SUPERSAMPLING = 4
# The share of the light that a full shadow takes.
DEEPEST_SHADOW = 0.62


class Source(Draw):
    """Values spread by `variation` around the middle (see `Draw`), and the uniform numbers that they come from."""

    def __init__(self, uniform: Uniform, variation: float):
        super().__init__(uniform, variation)
        self.uniform = uniform

    def vary(self, colour: Colour, spread: float) -> Colour:
        """A colour up to `spread` brighter or darker, and each channel a third as much off."""
        factor = self.between(1 - spread, 1 + spread)
        return tuple(min(1.0, max(0.0, factor * c * self.between(1 - spread / 3, 1 + spread / 3))) for c in colour)


class Surface(NamedTuple):
    """How uneven what one class of pixels shows is: from pixel to pixel, in small patches, and over large areas."""

    grain: float
    patches: float
    clouds: float


class _Patch(NamedTuple):
    """One outline that waits to be painted: vertices (num, 2), or a box's ready coordinates, and what it paints."""

    outline: Points | None
    ready: Sequence[float]
    colour: Colour | None
    shows: int | None
    shade: float | None
    solid: float | None


class Canvas:
    """One picture while it is painted, `SUPERSAMPLING` times finer: colour, class, shadow and roundness.

    Outlines wait until `flush`, because to place many at once takes a fraction of the time. `sun` points from the scene
    to the light, x to the right and y downwards; `softness` is how far shadows blur.
    """

    def __init__(self, size: int, colour: Colour, shows: int = 0):
        self.size, self.extent = size, size * SUPERSAMPLING
        square = (self.extent, self.extent)
        self.colour, self.classes = Image.new("RGB", square, ink(colour)), Image.new("L", square, shows)
        self.shade, self.solid = Image.new("L", square, 0), Image.new("L", square, 0)
        self._waiting: list[_Patch] = []
        self.softness = 0.0
        self.sun = (-0.5, -0.8)

    def fill(
        self,
        outline: Points,
        colour: Colour | None = None,
        shows: int | None = None,
        *,
        shade: float | None = None,
        solid: float | None = None,
    ) -> None:
        """Paints a closed outline of shape (num, 2): its colour, the class it `shows`, a shadow (0 wipes one off), and
        how far it stands out (0 to 1) where the light models it. What is None stays as it was."""
        self._waiting.append(_Patch(outline, (), colour, shows, shade, solid))

    def box(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        colour: Colour | None = None,
        shows: int | None = None,
        *,
        shade: float | None = None,
    ) -> None:
        """The same for an upright rectangle between two corners."""
        left, top, right, low = (float(round(value * self.extent + 0.00314)) for value in (x0, y0, x1, y1))
        # Pillow paints both ends of a rectangle.
        right, low = max(left, right - 1), max(top, low - 1)
        ready = (left, top, right, top, right, low, left, low)
        self._waiting.append(_Patch(None, ready, colour, shows, shade, None))

    def flush(self, turn: Points | None = None, centre: ArrayLike = (0.0, 0.0)) -> None:
        """Paints what waits, in order; outlines are turned by the matrix `turn` (2, 2) and then shifted by `centre`."""
        waiting, self._waiting = self._waiting, []
        outlines = [patch.outline for patch in waiting if patch.outline is not None]
        coordinates, start = [], 0
        if outlines:
            points = np.concatenate(outlines)
            coordinates = vertices(((points if turn is None else points @ turn) + centre) * self.extent)
        images = self.colour, self.classes, self.shade, self.solid
        colour, classes, shade, solid = (ImageDraw.Draw(image) for image in images)
        for patch, painted in zip(waiting, _inks([patch.colour for patch in waiting]), strict=True):
            where = patch.ready
            if patch.outline is not None:
                end = start + 2 * len(patch.outline)
                where, start = coordinates[start:end], end
            if patch.colour is not None:
                colour.polygon(where, fill=painted)
            if patch.shows is not None:
                classes.polygon(where, fill=patch.shows)
            if patch.shade is not None:
                shade.polygon(where, fill=round(255 * patch.shade))
            if patch.solid is not None:
                solid.polygon(where, fill=round(255 * patch.solid))

    def pixel_classes(self) -> NDArray[np.uint8]:
        """What each pixel of the finished picture shows, at its centre, (size, size)."""
        half = SUPERSAMPLING // 2
        return np.asarray(self.classes)[half::SUPERSAMPLING, half::SUPERSAMPLING]


def _inks(colours: list[Colour | None]) -> list[int]:
    """Colours as the whole numbers that Pillow packs them into; what stands for None means nothing."""
    channels = np.array([(0.0, 0.0, 0.0) if colour is None else colour for colour in colours]).reshape(-1, 3)
    red, green, blue = np.rint(255 * channels.clip(0, 1)).astype(np.int64).T
    return (red | green << 8 | blue << 16).tolist()


def gradient(canvas: Canvas, top: float, low: float, first: Colour, last: Colour, shows: int) -> None:
    """Paints from edge to edge, from `top` to `low`, a colour that goes from `first` to `last`; at once."""
    canvas.flush()
    start, end = (min(canvas.extent, max(0, round(y * canvas.extent + 0.00314))) for y in (top, low))
    weights = (np.arange(end - start)[:, None] + 0.5) / max(1, end - start)
    rows = np.asarray(first) + weights * (np.asarray(last) - np.asarray(first))
    column = Image.fromarray(np.rint(255 * rows.clip(0, 1)).astype(np.uint8)[:, None])
    canvas.colour.paste(column.resize((canvas.extent, end - start), Image.Resampling.NEAREST), (0, start))
    canvas.classes.paste(shows, (0, start, canvas.extent, end))


def scaled(colour: Colour, factor: float) -> Colour:
    """A colour made darker (below 1) or brighter."""
    return tuple(min(1.0, factor * channel) for channel in colour)


def tube(path: Points, radii: Sequence[float]) -> Points:
    """The outline of a limb along an open path of shape (num, 2), as thick as `radii` (num,) say."""
    along = np.empty_like(path)
    along[1:-1] = path[2:] - path[:-2]
    along[0], along[-1] = path[1] - path[0], path[-1] - path[-2]
    along *= (np.asarray(radii) / np.maximum(np.sqrt((along**2).sum(axis=1)), 1e-9))[:, None]
    across = along[:, ::-1] * (-1.0, 1.0)
    return join(path + across, (path - across)[::-1])


def photograph(
    canvas: Canvas, surfaces: NDArray[np.float32], rng: np.random.Generator, variation: float
) -> NDArray[np.uint8]:
    """The picture, uint8 (size, size, 3), averaged down, with texture, shadows, relief, light and sensor noise.

    `surfaces` holds a `Surface` for each class, (num_classes, 3). `variation` from 0 to 1 is how strong texture, light
    and noise are; shadows and relief belong to the scene.
    """
    size = canvas.size
    grain, patches, clouds = (_noise(rng, size, cells) for cells in (size, max(4, 5 * size // 17), 5))
    image = np.asarray(canvas.colour.reduce(SUPERSAMPLING), np.float32) / 255
    weights = surfaces[canvas.pixel_classes()] * np.float32(variation)
    strength = 1 + weights[..., 0] * grain + weights[..., 1] * patches + weights[..., 2] * clouds
    shade = canvas.shade.reduce(SUPERSAMPLING)
    if canvas.softness:
        shade = shade.filter(ImageFilter.GaussianBlur(canvas.softness * size))
    strength *= 1 - np.float32(DEEPEST_SHADOW / 255) * np.asarray(shade, np.float32)
    if canvas.solid.getbbox():
        strength *= _relief(canvas)
    lit = surroundings.light(
        image * strength[..., None], np.zeros((size, size), np.float32), rng, rng.random, 0.4 * variation
    )
    return np.rint(255 * lit.clip(0, 1)).astype(np.uint8)


def _noise(rng: np.random.Generator, size: int, cells: int) -> NDArray[np.float32]:
    """Smooth noise in [-1, 1], (size, size), with `cells` bumps from edge to edge."""
    values = (256 * rng.random((cells, cells), dtype=np.float32)).astype(np.uint8)
    # Bytes, because Pillow resizes them in whole numbers: the same on every machine.
    smooth = values if cells == size else Image.fromarray(values).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(smooth, np.float32) / np.float32(127.5) - 1


def _relief(canvas: Canvas) -> NDArray[np.float32]:
    """Brightness (size, size) of what stands out: brighter where it faces the sun, darker where it turns away."""
    solid = canvas.solid.reduce(SUPERSAMPLING)
    share = np.asarray(solid, np.float32) / 255
    height = np.asarray(solid.filter(ImageFilter.GaussianBlur(0.045 * canvas.size)), np.float32) / 255
    down, right = np.gradient(height)
    x, y = (np.float32(0.085 * canvas.size * value) for value in canvas.sun)
    return 1 + np.clip(-(right * x + down * y), np.float32(-0.42), np.float32(0.5)) * np.minimum(1, 2 * share)
