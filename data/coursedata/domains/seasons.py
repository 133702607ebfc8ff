"""Two domains: the same landscapes in summer and in winter.

Horizon, hills, water, house and trees are drawn alike in both; the season changes sky, land, water, roofs and trees,
and leaves the walls of a house as they are.
"""

import numpy as np

from coursedata.attributes import Attribute
from coursedata.domains.painting import Canvas, Source, Surface, gradient, scaled
from coursedata.geometry import bar, ellipse, polygon
from coursedata.surroundings import mix

DOMAINS = ("summer", "winter")
ATTRIBUTES = {
    "land": Attribute(("plain", "hills", "mountains"), (0.25, 0.4, 0.35)),
    "water": Attribute(("without", "with"), (0.55, 0.45)),
    "house": Attribute(("none", "left", "right"), (0.3, 0.35, 0.35)),
    "trees": Attribute(("none", "broadleaved", "conifers"), (0.2, 0.4, 0.4)),
    "horizon": Attribute(("high in the picture", "low in the picture")),
}
CLASSES = ("sky", "hill", "land", "water", "tree", "wall", "roof")
SKY, HILL, LAND, WATER, TREE, WALL, ROOF = range(7)
SURFACES = (
    *(Surface(0.015, 0.02, 0.07), Surface(0.07, 0.09, 0.07), Surface(0.08, 0.08, 0.07), Surface(0.04, 0.07, 0.08)),
    *(Surface(0.20, 0.14, 0.06), Surface(0.06, 0.03, 0.04), Surface(0.08, 0.05, 0.05)),
)
PLAIN, HILLS, MOUNTAINS = range(3)
BROADLEAVED, CONIFERS = 1, 2
SKIES = (
    (((0.28, 0.52, 0.86), (0.72, 0.86, 0.96)), ((0.58, 0.66, 0.74), (0.82, 0.85, 0.84))),
    (((0.52, 0.66, 0.84), (0.90, 0.90, 0.92)), ((0.68, 0.70, 0.74), (0.84, 0.84, 0.86))),
)
GRASS, WHEAT, SNOW, BLUISH = (0.36, 0.54, 0.20), (0.70, 0.62, 0.28), (0.93, 0.94, 0.97), (0.74, 0.80, 0.90)
ROCK, FOREST = (0.45, 0.45, 0.48), (0.18, 0.36, 0.18)
WALLS = ((0.82, 0.74, 0.60), (0.66, 0.22, 0.17), (0.55, 0.38, 0.24), (0.86, 0.84, 0.78), (0.76, 0.60, 0.30))
TILES = ((0.56, 0.25, 0.17), (0.33, 0.31, 0.32), (0.40, 0.28, 0.20))
BARK = (0.26, 0.19, 0.14)
# Where branches end, in shares of the crown.
BRANCHES = ((-0.8, -0.35), (-0.45, -0.8), (0.05, -1.0), (0.5, -0.75), (0.85, -0.3), (-0.75, 0.2), (0.7, 0.25))


def paint(labels: dict[str, float], layout: Source, look: Source, size: int, domain: int) -> Canvas:
    """The canvas of a landscape in the season of a domain."""
    scene = _Landscape(labels, layout, look, size, bool(domain))
    scene.distance()
    scene.ground()
    scene.house()
    scene.trees()
    scene.canvas.flush()
    return scene.canvas


class _Landscape:
    """One landscape. What is drawn at random is drawn for both seasons, so that neither changes the other."""

    def __init__(self, labels: dict[str, float], layout: Source, look: Source, size: int, winter: bool):
        self.layout, self.look, self.winter = layout, look, winter
        self.land, self.has_water, self.house_side, self.wood = (
            int(labels[name]) for name in ("land", "water", "house", "trees")
        )
        self.horizon = 0.36 + 0.2 * labels["horizon"]
        weather = look.kind(2)
        self.top, self.low = (look.vary(colour, 0.08) for colour in SKIES[winter][weather])
        grass = look.vary(mix(GRASS, WHEAT, look.between(-0.2, 0.6) if look.chance(0.6) else 0.1), 0.12)
        snow = mix(SNOW, BLUISH, look.between(0.0, 0.5))
        self.field = snow if winter else grass
        leaf, needle = look.vary((0.24, 0.44, 0.14), 0.2), look.vary((0.12, 0.28, 0.16), 0.16)
        self.leaf, self.needle = leaf, needle
        self.wall, self.tiles = look.vary(WALLS[look.kind(5)], 0.12), look.vary(TILES[look.kind(3)], 0.14)
        self.canvas = Canvas(size, self.top, SKY)
        self.canvas.sun, self.canvas.softness = (look.between(-0.9, 0.9), -0.8), 0.012

    def distance(self) -> None:
        """Sky, and mountains or hills before it."""
        canvas, layout, horizon = self.canvas, self.layout, self.horizon
        gradient(canvas, 0, horizon, self.top, self.low, SKY)
        if self.land == MOUNTAINS:
            for _ in range(layout.count(2, 4)):
                x, high, half = layout.uniform(), layout.between(0.16, 0.32), layout.between(0.2, 0.36)
                lean = layout.between(-0.05, 0.05)
                peak, foot = (x + lean, horizon - high), horizon + 0.01
                rock = mix(ROCK, self.low, 0.25)
                if self.winter:
                    rock = mix(rock, SNOW, 0.45)
                canvas.fill(polygon((x - half, foot), peak, (x + half, foot)), rock, HILL)
                dark = x + half if canvas.sun[0] < 0 else x - half
                canvas.fill(polygon(peak, (dark, foot), (x + 0.2 * lean, foot)), scaled(rock, 0.74))
                cap = 0.72 if self.winter else 0.3
                left, right = x + lean - (half + lean) * cap, x + lean + (half - lean) * cap
                y = horizon - high + (high + 0.01) * cap
                teeth = ((1, 0.0), (2, 0.05), (3, 0.0))
                zigzag = [(left + (right - left) * place / 4, y - tooth * cap) for place, tooth in teeth]
                canvas.fill(polygon(peak, (left, y), *zigzag, (right, y)), SNOW if canvas.sun[0] > 0 else BLUISH)
                canvas.fill(polygon(peak, (left, y), *zigzag[:2]), BLUISH if canvas.sun[0] > 0 else SNOW)
        if self.land != PLAIN:
            for place in range(2):
                base = horizon + 0.01 + 0.02 * place
                heights = [layout.between(0.0, 0.13 - 0.05 * place) for _ in range(4)]
                ridge = np.interp(np.linspace(0, 3, 13), range(4), heights)
                ridge[1:-1] = (ridge[:-2] + 2 * ridge[1:-1] + ridge[2:]) / 4
                line = [(at / 12, base - height) for at, height in enumerate(ridge)]
                haze = 0.35 - 0.2 * place
                bare = mix(BLUISH, FOREST, 0.55 - 0.2 * place)
                colour = mix(bare, self.field, 0.25) if self.winter else mix(FOREST, self.field, 0.4)
                canvas.fill(polygon(*line, (1, base + 0.05), (0, base + 0.05)), mix(colour, self.low, haze), HILL)

    def ground(self) -> None:
        """Fields, and a lake or a frozen one."""
        canvas, layout, look, horizon = self.canvas, self.layout, self.look, self.horizon
        gradient(canvas, horizon, 1, mix(self.field, self.low, 0.22), scaled(self.field, 0.92), LAND)
        for _ in range(3):
            y, thick, shift = look.between(horizon + 0.08, 0.98), look.between(0.02, 0.05), look.between(-0.05, 0.05)
            strip = polygon((0, y), (1, y + shift), (1, y + shift + thick), (0, y + thick))
            canvas.fill(strip, scaled(self.field, 0.96 if self.winter else 0.88))
        if self.has_water:
            x, y = layout.between(0.3, 0.7), layout.between(horizon + 0.14, 0.8)
            wide, high = layout.between(0.28, 0.5), layout.between(0.055, 0.09)
            shore = mix(self.field, BARK, 0.25 if self.winter else 0.45)
            water = mix((0.66, 0.74, 0.82), SNOW, 0.3) if self.winter else mix((0.16, 0.32, 0.42), self.top, 0.45)
            canvas.fill(ellipse(x, y - 0.006, wide + 0.015, high + 0.014), shore)
            canvas.fill(ellipse(x, y, wide, high), water, WATER)
            canvas.fill(ellipse(x - 0.1 * wide, y - 0.3 * high, 0.6 * wide, 0.3 * high), mix(water, self.low, 0.5))

    def house(self) -> None:
        """A house with a gable, windows, a door and a chimney."""
        layout, canvas = self.layout, self.canvas
        side, shift = layout.between(-0.07, 0.07), layout.between(0.05, 0.16)
        half, high = layout.between(0.10, 0.14), layout.between(0.12, 0.17)
        if not self.house_side:
            return
        x, low = (0.27, 0.73)[self.house_side - 1] + side, self.horizon + shift
        top, roof = low - high, mix(self.tiles, SNOW, 0.92 if self.winter else 0.0)
        canvas.fill(ellipse(x - 0.06 * canvas.sun[0], low, 1.15 * half, 0.03), shade=0.5)
        flue = x + 0.4 * half
        canvas.box(flue, top - 0.9 * high, flue + 0.035, top, scaled(self.tiles, 0.8), ROOF, shade=0)
        canvas.box(x - half, top, x + half, low, self.wall, WALL, shade=0)
        dark = (x, x + half) if canvas.sun[0] < 0 else (x - half, x)
        canvas.box(dark[0], top, dark[1], low, scaled(self.wall, 0.86))
        eaves, ridge = half + 0.025, (0.45 * half, top - 0.75 * high)
        slope = polygon((x - eaves, top), (x - ridge[0], ridge[1]), (x + ridge[0], ridge[1]), (x + eaves, top))
        canvas.fill(slope, roof, ROOF, shade=0)
        canvas.box(x - eaves, top - 0.008, x + eaves, top + 0.008, scaled(self.tiles, 0.7))
        wide = 0.16 * half
        for window in (x - 0.6 * half, x + 0.6 * half):
            canvas.box(window - wide, top + 0.25 * high, window + wide, top + 0.62 * high, (0.16, 0.19, 0.24))
        canvas.box(x - wide, top + 0.36 * high, x + wide, low, (0.30, 0.19, 0.12))

    def trees(self) -> None:
        """Broadleaved trees, bare in winter, or conifers with snow on them."""
        layout, look = self.layout, self.look
        places = sorted(layout.between(0.0, 0.34) for _ in range(layout.count(2, 6)))
        for depth in places:
            x, high = layout.uniform(), layout.between(0.17, 0.25) + 0.42 * depth
            kind, shade = layout.between(0.85, 1.15), look.between(0.85, 1.15)
            y = self.horizon + 0.02 + depth
            if self.wood and not self._hides_house(x, high):
                self.canvas.fill(ellipse(x - 0.08 * self.canvas.sun[0], y, 0.4 * high, 0.022), shade=0.5)
                (self._broadleaved if self.wood == BROADLEAVED else self._conifer)(x, y, high, kind, shade)

    def _hides_house(self, x: float, high: float) -> bool:
        return bool(self.house_side) and abs(x - (0.27, 0.73)[self.house_side - 1]) < 0.22 + 0.3 * high

    def _broadleaved(self, x: float, y: float, high: float, stretch: float, shade: float) -> None:
        canvas, half, middle = self.canvas, 0.4 * high * stretch, y - 0.62 * high
        crown = ellipse(x, middle, half, 0.4 * high)
        canvas.fill(crown, None, TREE)
        canvas.fill(bar(x, y, x, middle, 0.11 * high, 0.06 * high), BARK, TREE, shade=0)
        if not self.winter:
            leaf = scaled(self.leaf, shade)
            canvas.fill(crown, scaled(leaf, 0.78), shade=0, solid=1)
            for dx, dy, radius in ((-0.45, 0.12, 0.52), (0.42, 0.05, 0.55), (-0.05, -0.38, 0.6)):
                blob = ellipse(x + dx * half, middle + dy * 0.4 * high, radius * half, radius * 0.4 * high, 12)
                canvas.fill(blob, scaled(leaf, 1.0 - 0.12 * dy), solid=1)
            return
        for dx, dy in BRANCHES:
            tip = x + dx * half, middle + dy * 0.4 * high
            start = middle + (0.1 + 0.3 * abs(dx)) * 0.4 * high
            canvas.fill(bar(x, start, *tip, 0.045 * high, 0.02 * high), BARK)
            fork, end = (x + 0.5 * dx * half, (start + tip[1]) / 2), (tip[0] + 0.22 * half, tip[1] + 0.06 * high)
            canvas.fill(bar(*fork, *end, 0.03 * high, 0.015 * high), mix(BARK, SNOW, 0.35))

    def _conifer(self, x: float, y: float, high: float, stretch: float, shade: float) -> None:
        canvas, needle, half = self.canvas, scaled(self.needle, shade), 0.27 * high * stretch
        canvas.box(x - 0.03 * high, y - 0.14 * high, x + 0.03 * high, y, BARK, TREE, shade=0)
        for tier in range(3):
            low, wide = y - (0.1 + 0.26 * tier) * high, half * (1 - 0.26 * tier)
            peak = low - 0.42 * high
            cone = polygon((x - wide, low), (x, peak), (x + wide, low))
            canvas.fill(cone, scaled(needle, 0.9 + 0.1 * tier), TREE, shade=0, solid=1)
            if self.winter:
                drifts = (0.6, 0.12), (0.1, 0.09), (-0.35, 0.03)
                edge = [(x + across * wide, low - up * high) for across, up in drifts]
                canvas.fill(polygon((x - 0.95 * wide, low - 0.01), (x, peak), *edge), SNOW)
