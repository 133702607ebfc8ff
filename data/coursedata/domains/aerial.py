"""A map and a view from above: blocks of houses, streets, parks, a river or a lake.

The map is drawn in flat colours. Roofs, gardens, trees, cars, shadows and the season are the photograph's own.
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from coursedata.attributes import Attribute
from coursedata.domains.painting import SUPERSAMPLING, Canvas, Source, Surface, scaled
from coursedata.geometry import Points, bar, box, ellipse, stroke
from coursedata.surroundings import Colour, mix

ATTRIBUTES = {
    "water": Attribute(("none", "river", "lake"), (0.4, 0.35, 0.25)),
    "quarter": Attribute(("houses", "blocks", "halls"), (0.4, 0.35, 0.25)),
    "park": Attribute(("without", "with"), (0.4, 0.6)),
    "turn": Attribute(("streets turned to the left", "streets turned to the right")),
}
CLASSES = ("ground", "building", "street", "main road", "park", "water")
GROUND, BUILDING, STREET, MAIN_ROAD, PARK, WATER = range(6)
PALETTE = np.array(
    ((242, 239, 230), (200, 190, 184), (255, 255, 255), (250, 205, 90), (180, 222, 165), (140, 195, 235)), np.uint8
)
SURFACES = (
    *(Surface(0.12, 0.14, 0.10), Surface(0.08, 0.05, 0.05), Surface(0.09, 0.05, 0.04)),
    *(Surface(0.07, 0.04, 0.04), Surface(0.17, 0.16, 0.12), Surface(0.07, 0.08, 0.16)),
)
GROUNDS = ((0.56, 0.58, 0.44), (0.66, 0.63, 0.55), (0.48, 0.56, 0.38), (0.74, 0.67, 0.54))
GRASS, TREE = ((0.44, 0.58, 0.28), (0.54, 0.62, 0.34), (0.62, 0.60, 0.36)), ((0.20, 0.34, 0.16), (0.30, 0.38, 0.18))
WATERS = ((0.17, 0.32, 0.42), (0.22, 0.38, 0.36), (0.30, 0.36, 0.32))
ROOFS = (
    *((0.76, 0.46, 0.35), (0.62, 0.60, 0.58), (0.86, 0.84, 0.80), (0.56, 0.42, 0.36), (0.44, 0.45, 0.49)),
    *((0.88, 0.70, 0.56), (0.68, 0.73, 0.75)),
)
CARS = ((0.92, 0.92, 0.92), (0.12, 0.12, 0.14), (0.70, 0.12, 0.10), (0.70, 0.72, 0.75), (0.16, 0.26, 0.50))


def paint(labels: dict[str, float], layout: Source, look: Source, size: int) -> tuple[Canvas, NDArray[np.uint8]]:
    """The canvas of a town from above, and its map, uint8 (size, size, 3), whose lines are antialiased."""
    town = _Town(size, labels, layout, look)
    town.blocks()
    town.streets()
    town.canvas.flush(town.turn, town.centre)
    town.water()
    town.canvas.flush()
    town.main_roads()
    town.trees()
    town.canvas.flush(town.turn, town.centre)
    drawn = PALETTE[np.asarray(town.canvas.classes)]
    return town.canvas, np.asarray(Image.fromarray(drawn).reduce(SUPERSAMPLING))


class _Town:
    """One town on a grid of streets that is turned and shifted; (0, 0) of the grid's coordinates is the centre."""

    def __init__(self, size: int, labels: dict[str, float], layout: Source, look: Source):
        self.layout, self.look = layout, look
        self.water_kind, self.quarter, self.has_park = (int(labels[name]) for name in ("water", "quarter", "park"))
        angle = math.radians(35) * (2 * labels["turn"] - 1)
        cos, sin = math.cos(angle), math.sin(angle)
        self.turn = np.array(((cos, sin), (-sin, cos)))
        self.centre = np.array((0.5 + layout.between(-0.1, 0.1), 0.5 + layout.between(-0.1, 0.1)))
        self.wide, self.high = layout.between(0.34, 0.48), layout.between(0.28, 0.40)
        self.main = -1 + layout.kind(3), layout.kind(2)
        self.park = -1 + layout.kind(2), -1 + layout.kind(2)
        self.ground = look.vary(GROUNDS[look.kind(len(GROUNDS))], 0.12)
        self.grass = look.vary(GRASS[look.kind(len(GRASS))], 0.14)
        self.asphalt = look.vary((0.55, 0.55, 0.56), 0.16)
        self.tiles = [look.vary(ROOFS[look.kind(len(ROOFS))], 0.12) for _ in range(3)]
        self.canvas = Canvas(size, self.ground, GROUND)
        self.canvas.sun = (look.between(-1.0, 1.0), -0.7)
        # On the grid.
        self.shadow = self.turn @ np.array((-self.canvas.sun[0], 0.7)) * look.between(0.016, 0.034)
        self.gardens: list[Points] = []

    def outside(self, x: float, y: float, margin: float) -> bool:
        """Whether a place on the grid lies more than `margin` outside the picture."""
        (cos, sin), (dx, dy) = self.turn[0].tolist(), self.centre.tolist()
        return max(abs(x * cos - y * sin + dx - 0.5), abs(x * sin + y * cos + dy - 0.5)) > 0.5 + margin

    def blocks(self) -> None:
        """Every block between streets: a park, gardens with houses, a block around its court, or halls."""
        for row in range(-3, 3):
            for column in range(-3, 3):
                x, y = column * self.wide, row * self.high
                if self.outside(x + self.wide / 2, y + self.high / 2, 0.62 * math.hypot(self.wide, self.high)):
                    continue
                edge = 0.035
                plot = (x + edge, y + edge, x + self.wide - edge, y + self.high - edge)
                if self.has_park and (column, row) == self.park:
                    self._park(*plot)
                elif self.layout.chance(0.08):
                    self._plot(*plot, mix(self.ground, self.grass, 0.6))
                else:
                    (self._houses, self._block, self._halls)[self.quarter](*plot)

    def streets(self) -> None:
        """The streets of the grid; they end at water."""
        for upright, step in ((True, self.wide), (False, self.high)):
            for place in range(-3, 4):
                self.canvas.fill(bar(*_line(place * step, upright), 0.042), self.asphalt, STREET, shade=0)

    def water(self) -> None:
        """A river from edge to edge, or a lake, with its bank."""
        colour = self.look.vary(WATERS[self.look.kind(len(WATERS))], 0.18)
        bank = mix(self.ground, self.grass, 0.5)
        layout = self.layout
        if self.water_kind == 1:
            start, end, bend = layout.between(0.1, 0.9), layout.between(0.1, 0.9), layout.between(-0.22, 0.22)
            along, width = np.linspace(-0.1, 1.1, 14), layout.between(0.09, 0.17)
            across = start + (end - start) * along + bend * np.sin(3.5 * along)
            upright = layout.chance(0.5)
            path = np.stack([across, along] if upright else [along, across], axis=1)
            self.canvas.fill(stroke(path, width + 0.035), bank, GROUND, shade=0)
            self.canvas.fill(stroke(path, width), colour, WATER)
        elif self.water_kind == 2:
            x, y = layout.between(0.15, 0.85), layout.between(0.15, 0.85)
            shore = ellipse(0, 0, 1, 1, 18)
            waves = np.array([layout.between(0.85, 1.15) for _ in range(6)])
            shore *= np.interp(np.arange(18) / 3, np.arange(7), np.append(waves, waves[0]))[:, None]
            shore *= (layout.between(0.16, 0.28), layout.between(0.14, 0.24))
            self.canvas.fill(shore * 1.12 + (x, y), bank, GROUND, shade=0)
            self.canvas.fill(shore + (x, y), colour, WATER)

    def main_roads(self) -> None:
        """Two main roads with bridges, and the cars on them."""
        main = ((self.main[0], self.wide, True), (self.main[1], self.high, False))
        for place, step, upright in main:
            ends = _line(place * step, upright)
            self.canvas.fill(bar(*ends, 0.068), scaled(self.asphalt, 0.9), MAIN_ROAD, shade=0)
            self.canvas.fill(bar(*ends, 0.006), (0.86, 0.84, 0.74))
        for place, step, upright in main:
            for _ in range(self.look.count(2, 8)):
                along, lane = self.look.between(-0.6, 0.6), (-0.017, 0.017)[self.look.kind(2)]
                x, y = (place * step + lane, along) if upright else (along, place * step + lane)
                half = (0.008, 0.017) if upright else (0.017, 0.008)
                car = box(x - half[0], y - half[1], x + half[0], y + half[1])
                self.canvas.fill(car, CARS[self.look.kind(len(CARS))])

    def trees(self) -> None:
        """Trees in gardens, parks and along streets; a map knows none of them."""
        colours = [self.look.vary(colour, 0.2) for colour in TREE]
        for x0, y0, x1, y1 in self.gardens:
            for _ in range(self.look.count(1, 4)):
                x, y = self.look.between(x0, x1), self.look.between(y0, y1)
                radius, colour = self.look.between(0.013, 0.03), colours[self.look.kind(2)]
                if not (self.outside(x, y, radius) or self.shows(x, y) == WATER):
                    crown = ellipse(x, y, radius, radius, 7)
                    top = ellipse(x - 0.3 * radius, y - 0.3 * radius, 0.55 * radius, 0.55 * radius, 6)
                    self.canvas.fill(crown + 0.7 * self.shadow, shade=0.55)
                    self.canvas.fill(crown, colour, shade=0)
                    self.canvas.fill(top, scaled(colour, 1.35))

    def shows(self, x: float, y: float) -> int:
        """What has been painted at a place on the grid; ground where that is outside the picture."""
        (cos, sin), (dx, dy) = self.turn[0].tolist(), self.centre.tolist()
        across, down = x * cos - y * sin + dx, x * sin + y * cos + dy
        if not (0 <= across < 1 and 0 <= down < 1):
            return GROUND
        extent = self.canvas.extent
        return self.canvas.classes.getpixel((int(across * extent), int(down * extent)))

    def _plot(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        self.canvas.fill((box(x0, y0, x1, y1)), colour)

    def _park(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.canvas.fill((box(x0 - 0.012, y0 - 0.012, x1 + 0.012, y1 + 0.012)), self.grass, PARK)
        path = self.look.vary((0.66, 0.60, 0.48), 0.1)
        self.canvas.fill((bar(x0, y0, x1, y1, 0.014)), path)
        self.canvas.fill((bar(x0, y1, x1, y0, 0.014)), path)
        self.gardens += [(x0, y0, x1, y1)] * 3

    def _building(self, x0: float, y0: float, x1: float, y1: float, flat: bool) -> None:
        """A roof, its ridge along its longer side, and the shadow beside it."""
        if self.outside((x0 + x1) / 2, (y0 + y1) / 2, 0.75 * max(x1 - x0, y1 - y0)):
            return
        canvas, outline = self.canvas, box(x0, y0, x1, y1)
        canvas.fill(outline + self.shadow, shade=0.75)
        colour = self.look.vary(self.tiles[self.look.kind(3)], 0.16)
        canvas.fill(outline, colour, BUILDING, shade=0)
        if flat:
            x, y = self.look.between(x0, x1), self.look.between(y0, y1)
            canvas.fill((box(x - 0.012, y - 0.01, x + 0.012, y + 0.01)), scaled(colour, 1.2))
        elif x1 - x0 > y1 - y0:
            canvas.fill((box(x0, (y0 + y1) / 2, x1, y1)), scaled(colour, 0.72))
        else:
            canvas.fill((box((x0 + x1) / 2, y0, x1, y1)), scaled(colour, 0.78))

    def _houses(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self._plot(x0, y0, x1, y1, mix(self.ground, self.grass, self.look.between(0.2, 1.0)))
        num = max(2, int((x1 - x0) / 0.105))
        wide, deep = (x1 - x0) / num, (y1 - y0) / 2
        for row in range(2):
            for place in range(num):
                there, shift = self.layout.chance(0.88), self.layout.between(0.0, 0.2)
                x, y = x0 + wide * place, y0 + deep * row
                if there:
                    start = y + deep * (0.1 + shift if row == 0 else 0.3 - shift)
                    self._building(x + 0.14 * wide, start, x + 0.86 * wide, start + 0.55 * deep, False)
        self.gardens.append((x0, y0 + 0.35 * (y1 - y0), x1, y0 + 0.65 * (y1 - y0)))
        self.gardens.append((x0, y0, x1, y1))

    def _block(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self._plot(x0, y0, x1, y1, mix(self.ground, self.grass, self.look.between(0.0, 0.7)))
        deep = self.layout.between(0.06, 0.085)
        self._building(x0, y0, x1, y0 + deep, False)
        self._building(x0, y0 + deep, x0 + deep, y1 - deep, False)
        if self.layout.chance(0.7):
            self._building(x1 - deep, y0 + deep, x1, y1 - deep, False)
        self._building(x0, y1 - deep, x1, y1, False)
        self.gardens.append((x0 + deep, y0 + deep, x1 - deep, y1 - deep))

    def _halls(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self._plot(x0, y0, x1, y1, mix(self.ground, self.asphalt, self.look.between(0.3, 0.9)))
        cut = x0 + (x1 - x0) * self.layout.between(0.35, 0.65)
        low = y0 + (y1 - y0) * self.layout.between(0.55, 0.95)
        self._building(x0 + 0.01, y0 + 0.01, cut - 0.012, low, True)
        self._building(cut + 0.012, y0 + 0.01, x1 - 0.01, y1 - 0.01, True)


def _line(offset: float, upright: bool) -> tuple[float, float, float, float]:
    """The two ends, outside the picture, of a line on the grid, as x0, y0, x1, y1."""
    return (offset, -1.2, offset, 1.2) if upright else (-1.2, offset, 1.2, offset)
