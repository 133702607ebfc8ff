"""A label map and a photograph: the front of a house, seen straight on.

The label map says where wall, windows, shutters, balconies, door, shop and roof are. What the wall is made of, its
colour, curtains, reflections and the shadow of the house opposite are the photograph's own.
"""

import numpy as np
from numpy.typing import NDArray

from coursedata.attributes import Attribute
from coursedata.domains.painting import Canvas, Source, Surface, gradient, scaled
from coursedata.geometry import polygon
from coursedata.surroundings import mix

ATTRIBUTES = {
    "floors": Attribute(("two", "three", "four"), (0.3, 0.4, 0.3)),
    "columns": Attribute(("two", "three", "four", "five"), (0.2, 0.3, 0.3, 0.2)),
    "roof": Attribute(("flat", "gable", "mansard"), (0.35, 0.3, 0.35)),
    "ground": Attribute(("windows", "shop"), (0.5, 0.5)),
    "shutters": Attribute(("without", "with"), (0.6, 0.4)),
    "balconies": Attribute(("without", "with"), (0.6, 0.4)),
}
CLASSES = ("sky", "wall", "roof", "cornice", "window", "shutter", "balcony", "door", "shop", "street")
SKY, WALL, ROOF, CORNICE, WINDOW, SHUTTER, BALCONY, DOOR, SHOP, STREET = range(10)
PALETTE = np.array(
    (
        *((135, 206, 250), (0, 0, 170), (160, 60, 0), (0, 220, 220), (0, 114, 255)),
        *((120, 255, 120), (255, 225, 0), (220, 0, 60), (255, 130, 0), (90, 90, 90)),
    ),
    np.uint8,
)
SURFACES = (
    *(Surface(0.015, 0.02, 0.05), Surface(0.13, 0.07, 0.08), Surface(0.16, 0.10, 0.08), Surface(0.06, 0.04, 0.05)),
    *(Surface(0.05, 0.16, 0.10), Surface(0.07, 0.04, 0.03), Surface(0.08, 0.04, 0.03), Surface(0.07, 0.05, 0.05)),
    *(Surface(0.07, 0.16, 0.10), Surface(0.13, 0.09, 0.10)),
)
WALLS = (
    *((0.72, 0.47, 0.36), (0.87, 0.78, 0.60), (0.80, 0.78, 0.74), (0.86, 0.66, 0.50), (0.62, 0.38, 0.30)),
    *((0.90, 0.86, 0.78), (0.70, 0.72, 0.66), (0.80, 0.62, 0.58)),
)
ROOFS = ((0.36, 0.37, 0.42), (0.58, 0.30, 0.22), (0.30, 0.27, 0.26))
SHUTTERS = ((0.24, 0.40, 0.34), (0.30, 0.38, 0.52), (0.45, 0.27, 0.20), (0.82, 0.80, 0.74), (0.42, 0.16, 0.16))
DOORS = ((0.40, 0.22, 0.13), (0.16, 0.30, 0.24), (0.20, 0.24, 0.38), (0.50, 0.14, 0.12))
AWNINGS = ((0.70, 0.18, 0.16), (0.16, 0.36, 0.26), (0.18, 0.28, 0.48), (0.78, 0.60, 0.22))
SKIES = (((0.42, 0.62, 0.88), (0.74, 0.85, 0.95)), ((0.70, 0.73, 0.77), (0.84, 0.85, 0.86)))
FRAME, RAIL = (0.93, 0.92, 0.88), (0.14, 0.14, 0.15)


def paint(labels: dict[str, float], layout: Source, look: Source, size: int) -> tuple[Canvas, NDArray[np.uint8]]:
    """The canvas of a house, and its label map in the colours of `PALETTE`, uint8 (size, size, 3)."""
    top, low = SKIES[look.kind(len(SKIES))]
    canvas = Canvas(size, low, SKY)
    gradient(canvas, 0, 0.6, top, low, SKY)
    house = _House(canvas, labels, layout, look)
    house.street()
    house.wall()
    house.roof()
    house.windows()
    house.ground_floor()
    house.shadow()
    canvas.flush()
    return canvas, PALETTE[canvas.pixel_classes()]


class _House:
    """One house: its layout, then its colours, both drawn before anything is painted."""

    def __init__(self, canvas: Canvas, labels: dict[str, float], layout: Source, look: Source):
        self.canvas, self.layout, self.look = canvas, layout, look
        self.floors, self.columns = 2 + int(labels["floors"]), 2 + int(labels["columns"])
        self.roof_kind, self.has_shop = int(labels["roof"]), bool(labels["ground"])
        self.has_shutters, self.has_balconies = bool(labels["shutters"]), bool(labels["balconies"])
        self.left, self.right = layout.between(0.02, 0.12), layout.between(0.88, 0.98)
        self.low = layout.between(0.89, 0.93)
        self.top = (0.13, 0.27, 0.24)[self.roof_kind] + layout.between(-0.04, 0.03)
        self.first = self.low - layout.between(0.20, 0.26)
        self.floor = (self.first - self.top - 0.03) / (self.floors - 1)
        self.column = (self.right - self.left) / self.columns
        self.share = layout.between(0.34, 0.5) - 0.06 * self.has_shutters
        self.high = layout.between(0.56, 0.7)
        self.door_column = int(layout.uniform() * self.columns)
        self.wall_colour = look.vary(WALLS[look.kind(len(WALLS))], 0.14)
        self.trim = mix(self.wall_colour, FRAME, look.between(0.35, 0.95))
        self.roof_colour = look.vary(ROOFS[look.kind(len(ROOFS))], 0.15)
        self.shutter_colour = look.vary(SHUTTERS[look.kind(len(SHUTTERS))], 0.12)
        self.door_colour = look.vary(DOORS[look.kind(len(DOORS))], 0.12)
        self.awning = look.vary(AWNINGS[look.kind(len(AWNINGS))], 0.1)
        self.bricks = look.chance(0.5)
        self.frame = (FRAME, (0.34, 0.22, 0.14))[look.kind(4) == 3]
        self.sun = look.between(-1.0, 1.0)

    def street(self) -> None:
        """Pavement, kerb and road."""
        stone = self.look.vary((0.58, 0.57, 0.56), 0.12)
        self.canvas.box(0, self.low - 0.005, 1, 1, stone, STREET)
        self.canvas.box(0, 0.965, 1, 1, scaled(stone, 0.62))
        self.canvas.box(0, 0.958, 1, 0.968, scaled(stone, 1.3))

    def wall(self) -> None:
        """The wall, in courses of bricks or plain, its base of stone."""
        canvas, colour = self.canvas, self.wall_colour
        canvas.box(self.left, self.top, self.right, self.low, colour, WALL)
        if self.bricks:
            joint = scaled(colour, 0.82)
            for course in range(int((self.low - self.top) / 0.03)):
                y = self.top + 0.03 * course
                canvas.box(self.left, y, self.right, y + 0.008, joint)
        if not self.has_shop:
            canvas.box(self.left, self.low - 0.035, self.right, self.low, scaled(colour, 0.72))

    def roof(self) -> None:
        """A parapet, a gable or a mansard, the cornice under it, and chimneys."""
        canvas, top, colour = self.canvas, self.top, self.roof_colour
        left, right = self.left - 0.015, self.right + 0.015
        chimney = self.left + (self.right - self.left) * self.layout.between(0.1, 0.9)
        reach = self.layout.between(0.14, 0.2)
        canvas.box(chimney - 0.035, top - reach, chimney + 0.035, top, scaled(self.wall_colour, 0.8), ROOF)
        canvas.box(chimney - 0.043, top - reach, chimney + 0.043, top - reach + 0.018, scaled(self.wall_colour, 0.6))
        if self.roof_kind == 1:
            middle, peak = (left + right) / 2, max(0.03, top - 0.22)
            canvas.fill(polygon((left, top), (middle, peak), (right, top)), colour, ROOF)
            side = middle + (0.06 if self.sun < 0 else -0.06)
            canvas.fill(
                polygon((middle, peak), (right if self.sun < 0 else left, top), (side, top)), scaled(colour, 0.8)
            )
        elif self.roof_kind == 2:
            peak = max(0.03, top - 0.15)
            canvas.fill(polygon((left, top), (left + 0.07, peak), (right - 0.07, peak), (right, top)), colour, ROOF)
            for row in range(4):
                y = peak + (top - peak) * (row + 0.6) / 4
                inset = 0.07 * (top - y) / (top - peak)
                canvas.box(left + inset, y, right - inset, y + 0.007, scaled(colour, 0.78))
            for place in range(0, self.columns, 1 + (self.columns > 3)):
                x = self.left + self.column * (place + 0.5)
                canvas.box(x - 0.05, peak + 0.025, x + 0.05, top, self.trim, ROOF)
                self._glass(x - 0.034, peak + 0.045, x + 0.034, top - 0.012)
        canvas.box(left, top - 0.008, right, top + 0.028, self.trim, CORNICE)
        canvas.box(left, top + 0.02, right, top + 0.028, scaled(self.trim, 0.75))
        canvas.box(self.left, top + 0.028, self.right, top + 0.052, shade=0.55)

    def windows(self) -> None:
        """All windows above the ground floor, with their shutters and balconies."""
        half, balcony_row = self.column * self.share / 2, int(self.layout.uniform() * (self.floors - 1))
        for row in range(self.floors - 1):
            y = self.top + 0.045 + self.floor * row
            low = y + self.floor * self.high
            for place in range(self.columns):
                x = self.left + self.column * (place + 0.5)
                self._window(x - half, y, x + half, low)
                if self.has_shutters:
                    wide = min(half * 0.85, self.column / 2 - half - 0.006)
                    for start in (x - half - wide, x + half):
                        self._shutter(start, y, start + wide, low)
            if self.has_balconies and row == balcony_row:
                self._balcony(low)
        canvas, y = self.canvas, self.first - 0.01
        canvas.box(self.left, y - 0.012, self.right, y + 0.012, self.trim, CORNICE)
        canvas.box(self.left, y + 0.012, self.right, y + 0.024, shade=0.45)

    def ground_floor(self) -> None:
        """The door, and either windows or a shop with its awning beside it."""
        canvas, top, low = self.canvas, self.first + 0.035, self.low
        half = max(0.045, self.column * 0.24)
        x = self.left + self.column * (self.door_column + 0.5)
        if self.has_shop:
            sides = ((self.left + 0.025, x - half - 0.03), (x + half + 0.03, self.right - 0.025))
            for left, right in sides:
                if right - left > 0.1:
                    self._shop(left, top, right, low)
        else:
            for place in range(self.columns):
                if place != self.door_column:
                    middle = self.left + self.column * (place + 0.5)
                    wide = self.column * self.share / 2
                    self._window(middle - wide, top + 0.01, middle + wide, low - 0.065)
        canvas.box(x - half - 0.014, top - 0.006, x + half + 0.014, low, self.trim)
        canvas.box(x - half, top, x + half, low, self.door_colour, DOOR)
        self._glass(x - half + 0.01, top + 0.01, x + half - 0.01, top + 0.04)
        for side in (x - half * 0.82, x + half * 0.1):
            canvas.box(side, top + 0.055, side + half * 0.72, low - 0.02, scaled(self.door_colour, 0.75))
        canvas.box(x - half, top, x + half, top + 0.012, shade=0.5)

    def shadow(self) -> None:
        """The shadow that the house opposite casts, some days."""
        falls, high, slant = self.look.chance(0.45), self.look.between(0.35, 0.8), self.look.between(-0.5, 0.5)
        if falls:
            canvas, (left, right) = self.canvas, (high - slant / 2, high + slant / 2)
            middle = 0.5 + self.look.between(-0.3, 0.3)
            corners = ((self.left, left), (middle, left + 0.02), (middle, right), (self.right, right))
            canvas.fill(polygon(*corners, (self.right, 1), (self.left, 1)), shade=0.42)

    def _glass(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A pane: dark, with a reflection, or curtains, or a lamp behind it."""
        canvas, kind = self.canvas, self.look.kind(6)
        dark = self.look.vary((0.20, 0.25, 0.31), 0.3)
        canvas.box(x0, y0, x1, y1, dark)
        if kind in (1, 2):
            canvas.fill(polygon((x0, y0), (x1, y0), (x0, y1)), mix(dark, (0.70, 0.80, 0.90), 0.5))
        elif kind == 3:
            canvas.box(
                x0, y0, x1, y0 + (y1 - y0) * self.look.between(0.2, 0.8), self.look.vary((0.84, 0.80, 0.70), 0.12)
            )
        elif kind == 4:
            canvas.box(x0, y0, x1, y1, self.look.vary((0.93, 0.78, 0.45), 0.1))
        elif kind == 5:
            fold = (x1 - x0) * 0.3
            for start in (x0, x1 - fold):
                canvas.box(start, y0, start + fold, y1, (0.80, 0.78, 0.74))

    def _window(self, x0: float, y0: float, x1: float, y1: float) -> None:
        canvas, edge = self.canvas, 0.008
        canvas.box(x0 - 0.012, y0 - 0.016, x1 + 0.012, y0, self.trim)
        canvas.box(x0, y0, x1, y1, self.frame, WINDOW)
        self._glass(x0 + edge, y0 + edge, x1 - edge, y1 - edge)
        middle = (x0 + x1) / 2
        canvas.box(middle - edge / 2, y0, middle + edge / 2, y1, self.frame)
        bar = y0 + 0.35 * (y1 - y0)
        canvas.box(x0, bar, x1, bar + edge, self.frame)
        canvas.box(x0, y0, x1, y0 + 0.012, shade=0.5)
        canvas.box(x0 - 0.012, y1, x1 + 0.012, y1 + 0.014, scaled(self.trim, 1.06))
        canvas.box(x0 - 0.008, y1 + 0.014, x1 + 0.008, y1 + 0.026, shade=0.4)

    def _shutter(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.canvas.box(x0, y0, x1, y1, self.shutter_colour, SHUTTER)
        for slat in range(4):
            y = y0 + (y1 - y0) * (slat + 0.5) / 4
            self.canvas.box(x0 + 0.004, y, x1 - 0.004, y + 0.008, scaled(self.shutter_colour, 0.7))

    def _balcony(self, y: float) -> None:
        canvas, left, right = self.canvas, self.left + 0.02, self.right - 0.02
        top = y - 0.4 * self.floor * self.high
        canvas.box(left, top, right, y + 0.012, None, BALCONY)
        canvas.box(left, y - 0.006, right, y + 0.012, scaled(self.trim, 0.9))
        canvas.box(left, y + 0.012, right, y + 0.045, shade=0.55)
        canvas.box(left, top, right, top + 0.012, RAIL)
        for place in range(int((right - left) / 0.026)):
            x = left + 0.026 * place
            canvas.box(x, top, x + 0.009, y, RAIL)

    def _shop(self, x0: float, y0: float, x1: float, y1: float) -> None:
        canvas, base = self.canvas, y1 - 0.03
        canvas.box(x0, y0, x1, y1, self.awning, SHOP)
        canvas.box(x0 + 0.012, y0 + 0.05, x1 - 0.012, base, (0.24, 0.27, 0.30))
        goods = self.look.between(0.25, 0.7)
        num = max(1, int((x1 - x0) / 0.07))
        for place in range(num):
            x, high = (
                x0 + 0.02 + (x1 - x0 - 0.04) * place / num,
                (base - y0 - 0.05) * self.look.between(0.2, 0.9) * goods,
            )
            canvas.box(x, base - high, x + 0.045, base, self.look.vary((0.72, 0.62, 0.48), 0.4))
        stripe = (x1 - x0) / (2 * num)
        canvas.box(x0 - 0.01, y0 - 0.005, x1 + 0.01, y0 + 0.055, self.awning)
        for place in range(num):
            x = x0 + 2 * stripe * place
            canvas.box(x, y0 - 0.005, x + stripe, y0 + 0.055, mix(self.awning, FRAME, 0.85))
        canvas.box(x0, y0 + 0.055, x1, y0 + 0.085, shade=0.6)
