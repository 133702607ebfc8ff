"""Two domains: the same animals with a plain and with a striped coat.

Kind, pose, facing, place and surroundings are drawn alike in both; only the coat differs.
"""

import numpy as np
from numpy.typing import ArrayLike

from coursedata.attributes import Attribute
from coursedata.domains.painting import Canvas, Source, Surface, gradient, scaled, tube
from coursedata.geometry import Points, ellipse, polygon
from coursedata.surroundings import Colour, mix

DOMAINS = ("plain", "striped")
ATTRIBUTES = {
    "animal": Attribute(("horse", "antelope", "big cat"), (0.4, 0.3, 0.3)),
    "pose": Attribute(("standing", "head down", "running"), (0.4, 0.3, 0.3)),
    "facing": Attribute(("left", "right"), (0.5, 0.5)),
    "surroundings": Attribute(("savanna", "meadow", "desert"), (0.4, 0.35, 0.25)),
    "x": Attribute(("far left", "far right")),
    "near": Attribute(("far away", "close by")),
}
CLASSES = ("sky", "land", "plant", "animal")
SKY, LAND, PLANT, ANIMAL = range(4)
SURFACES = (Surface(0.015, 0.02, 0.06), Surface(0.13, 0.14, 0.12), Surface(0.22, 0.14, 0.08), Surface(0.05, 0.05, 0.03))
HORSE, ANTELOPE, BIG_CAT = range(3)
STANDING, HEAD_DOWN, RUNNING = range(3)
COATS = (
    *((0.48, 0.28, 0.15), (0.34, 0.20, 0.12), (0.68, 0.46, 0.24), (0.20, 0.16, 0.14), (0.56, 0.53, 0.50)),
    (0.76, 0.60, 0.38),
)
WHITE, BLACK = (0.93, 0.91, 0.86), (0.10, 0.09, 0.09)
SKIES = (((0.38, 0.60, 0.88), (0.78, 0.88, 0.95)), ((0.62, 0.68, 0.74), (0.85, 0.84, 0.80)))
LANDS = ((0.72, 0.62, 0.34), (0.38, 0.55, 0.24), (0.80, 0.66, 0.48))
PLANTS = ((0.36, 0.42, 0.18), (0.20, 0.40, 0.16), (0.48, 0.46, 0.28))


def paint(labels: dict[str, float], layout: Source, look: Source, size: int, domain: int) -> Canvas:
    """The canvas of an animal with the coat of a domain."""
    canvas = _surroundings(int(labels["surroundings"]), layout, look, size)
    creature = _Animal(labels, layout, look)
    patches = creature.patches(domain)
    across = np.concatenate([outline[:, 0] for outline, _, depth in patches if depth is not None])
    low, high = across.min(), across.max()
    edge = min(0.23 + 0.10 * labels["near"], 0.96 / (high - low))
    facing = 1.0 if labels["facing"] else -1.0
    # From one side of the picture to the other, as far as it stays inside.
    middle = 0.5 + (labels["x"] - 0.5) * (0.98 - (high - low) * edge)
    x = middle - facing * edge * (low + high) / 2
    # What is far away stands higher up in the picture.
    feet = 0.86 - 0.10 * (1 - labels["near"])
    canvas.fill(ellipse(x, feet, 1.05 * edge, 0.035), shade=0.62)
    for outline, colour, depth in patches:
        placed = outline * (facing * edge, edge) + (x, feet - creature.hoof * edge)
        if depth is None:
            canvas.fill(placed, colour)
        else:
            canvas.fill(placed, colour, ANIMAL, shade=0, solid=depth)
    canvas.flush()
    return canvas


def _surroundings(kind: int, layout: Source, look: Source, size: int) -> Canvas:
    """Sky, hills, land and plants."""
    top, low = SKIES[look.kind(len(SKIES))]
    land, plant = look.vary(LANDS[kind], 0.14), look.vary(PLANTS[kind], 0.16)
    canvas = Canvas(size, top, SKY)
    canvas.sun, canvas.softness = (look.between(-0.8, 0.8), -0.9), 0.02
    horizon = layout.between(0.34, 0.5)
    gradient(canvas, 0, horizon, look.vary(top, 0.1), low, SKY)
    far = mix(land, low, 0.45)
    heights = [layout.between(0.0, 0.12) for _ in range(7)]
    ridge = [(place / 6, horizon - height) for place, height in enumerate(heights)]
    canvas.fill(polygon(*ridge, (1, horizon + 0.02), (0, horizon + 0.02)), far, LAND)
    gradient(canvas, horizon, 1, mix(land, low, 0.2), scaled(land, 0.86), LAND)
    for _ in range(layout.count(2, 6) - 2 * (kind == 2)):
        x, y, wide = layout.uniform(), horizon + layout.between(-0.01, 0.06), layout.between(0.05, 0.13)
        tall = layout.chance(0.4)
        shadow = scaled(plant, 0.7)
        if tall:
            canvas.box(x - 0.012, y - 1.3 * wide, x + 0.012, y, (0.30, 0.22, 0.15), PLANT)
            canvas.fill(ellipse(x, y - 1.5 * wide, 1.2 * wide, 0.5 * wide), shadow, PLANT)
            canvas.fill(ellipse(x - 0.01, y - 1.55 * wide, wide, 0.36 * wide), plant, PLANT)
        else:
            canvas.fill(ellipse(x, y - 0.3 * wide, wide, 0.45 * wide), shadow, PLANT)
            canvas.fill(ellipse(x - 0.01, y - 0.36 * wide, 0.8 * wide, 0.32 * wide), plant, PLANT)
    for _ in range(look.count(4, 12)):
        x, y, high = look.between(0, 1), look.between(horizon + 0.06, 1.02), look.between(0.015, 0.04)
        tips = (x - 0.6 * high, y - 1.3 * high), (x, y - 0.3 * high), (x + 0.7 * high, y - high)
        tuft = polygon((x - high, y), *tips, (x + high, y))
        canvas.fill(tuft, mix(plant, land, look.between(0.2, 0.8)))
    return canvas


class _Limb:
    """A part of the body along a path (num, 2) with radii (num,), and where stripes cross it, as shares of the path."""

    def __init__(self, path: Points, radii: ArrayLike, stripes: tuple[float, float, int], depth: float, near: bool):
        # Finer than it is given, so that a stripe can begin anywhere.
        given, fine = np.linspace(0, 1, len(path)), np.linspace(0, 1, 4 * len(path) - 3)
        self.path = np.stack([np.interp(fine, given, path[:, 0]), np.interp(fine, given, path[:, 1])], axis=1)
        self.path[1:-1] = (self.path[:-2] + 2 * self.path[1:-1] + self.path[2:]) / 4
        self.radii = np.interp(fine, given, radii)
        self.fine, self.stripes, self.depth, self.near = fine, stripes, depth, near

    def outline(self) -> Points:
        return tube(self.path, self.radii)

    def bands(self, share: float, slant: float) -> list[Points]:
        """The outlines of its stripes: each takes `share` of its room and leans by `slant` of the path."""
        first, last, num = self.stripes
        room = (last - first) / num
        starts = first + room * np.arange(num)
        upper, lower = np.split(self.outline(), 2)
        corners = np.empty((num, 4, 2))
        # Along one side of the limb and back along the other, whose vertices run the other way.
        places = starts, starts + share * room, starts + share * room + slant, starts + slant
        for corner, (place, side) in enumerate(zip(places, (upper, upper, lower[::-1], lower[::-1]), strict=True)):
            corners[:, corner, 0] = np.interp(place, self.fine, side[:, 0])
            corners[:, corner, 1] = np.interp(place, self.fine, side[:, 1])
        return list(corners)


class _Animal:
    """One animal that faces right: its back at y = -0.4, its hooves at y = `hoof`, about 2.4 long."""

    def __init__(self, labels: dict[str, float], layout: Source, look: Source):
        self.kind, pose = int(labels["animal"]), int(labels["pose"])
        self.body = (0.40, 0.31, 0.33)[self.kind] * layout.between(0.92, 1.08)
        self.leg = (0.95, 1.0, 0.68)[self.kind] * layout.between(0.92, 1.06)
        self.long = (0.80, 0.68, 0.92)[self.kind] * layout.between(0.95, 1.06)
        self.hoof = self.body * 0.5 + self.leg
        self.coat = look.vary(COATS[look.kind(len(COATS))], 0.16)
        self.dark = mix(self.coat, BLACK, look.between(0.4, 1.0))
        self.white = look.vary(WHITE, 0.06)
        self.black = look.vary(BLACK, 0.2)
        self.share, self.slant = look.between(0.42, 0.56), look.between(-0.03, 0.05)
        self.limbs: list[_Limb] = []
        self.details: list[tuple[Points, str]] = []
        gait = [layout.between(-0.1, 0.1) for _ in range(4)]
        if pose == RUNNING:
            gait = [value + swing for value, swing in zip(gait, (-0.75, -0.45, 0.8, 0.5), strict=True)]
            self.hoof -= 0.08 * self.leg
        front, back = self.long * 0.84, -self.long * 0.86
        lift = pose == RUNNING
        self._leg(back + 0.16, gait[0] + 0.12, False, True, lift)
        self._leg(front - 0.14, gait[2] + 0.14, False, False, lift)
        self._tail(layout, lift)
        # Rump, belly and chest, with round ends.
        along = np.array((-1.12, -1.0, -0.72, 0.0, 0.66, 1.0, 1.1)) * self.long
        across = np.array((0.04, 0.0, -0.03, 0.04, 0.0, -0.03, -0.02)) * self.body
        radii = np.array((0.2, 0.72, 1.0, (0.98, 0.9, 0.9)[self.kind], 1.0, 0.72, 0.25)) * self.body
        self.limbs.append(_Limb(np.stack([along, across], axis=1), radii, (0.1, 0.95, 8), 1.0, True))
        self._leg(back, gait[1], True, True, lift)
        self._leg(front, gait[3], True, False, lift)
        self._neck_and_head(pose, layout)

    def patches(self, domain: int) -> list[tuple[Points, Colour, float | None]]:
        """Outlines, colours and how far each stands out (None: only colour), from the far side to the near one."""
        coat, dark = (self.white, self.black) if domain else (self.coat, self.dark)
        patches = []
        for limb in self.limbs:
            patches.append((limb.outline(), coat if limb.near else scaled(coat, 0.72), limb.depth))
            if domain:
                patches += [(band, self.black, None) for band in limb.bands(self.share, self.slant)]
        for outline, kind in self.details:
            patches.append((outline, {"dark": dark, "coat": coat, "black": BLACK}[kind], 1.0))
        return patches

    def _leg(self, x: float, swing: float, near: bool, hind: bool, lift: bool) -> None:
        """Hip, knee and hoof; `swing` is how far the hoof is in front of the hip."""
        hip, hoof = 0.25 * self.body, 0.5 * self.body + self.leg
        thick = (0.15, 0.11, 0.15)[self.kind]
        knee = x + 0.45 * swing + (-0.05 if hind else 0.04) * (1 + lift), hip + 0.52 * (hoof - hip)
        low = hoof - 0.28 * abs(swing) * lift * self.leg
        path = np.array(((x, hip), knee, (x + swing, low)))
        radii = [1.5 * thick if hind else 1.15 * thick, 0.62 * thick, 0.5 * thick]
        self.limbs.append(_Limb(path, radii, (0.28, 0.95, 5), 1.0 if near else 0.7, near))

        if near:
            self.details.append((ellipse(x + swing, low - 0.02, 0.62 * thick, 0.05, 8), "dark"))

    def _tail(self, layout: Source, lift: bool) -> None:
        start, wave = -self.long * 1.0, layout.between(-0.1, 0.1)
        if self.kind == BIG_CAT:
            reach = ((0.12, -0.08), (-0.3, 0.15), (-0.42, 0.5 + wave), (-0.62, 0.52 + wave))
            if lift:
                reach = ((0.12, -0.08), (-0.35, -0.2), (-0.7, -0.12 + wave), (-0.95, -0.25 + wave))
            radii = [0.07, 0.06, 0.06, 0.07]
        else:
            long = (0.75, 0.3, 0.0)[self.kind]
            reach = ((0.16, -0.16), (-0.1, -0.1), (-0.16 - 0.4 * long * lift, long * (0.55 - 0.4 * lift) + wave))
            reach += ((-0.14 - 0.8 * long * lift, long * (1.05 - 0.8 * lift) + wave),)
            radii = [0.05, 0.07, (0.11, 0.05, 0)[self.kind], 0.03]
        limb = _Limb(np.array(reach) + (start, 0), radii, (0.1, 0.98, 6 if self.kind == BIG_CAT else 3), 0.8, True)
        self.limbs.append(limb)

    def _neck_and_head(self, pose: int, layout: Source) -> None:
        base = np.array((self.long * 0.8, -0.25 * self.body))
        neck = (0.78, 0.78, 0.42)[self.kind] * layout.between(0.95, 1.08)
        towards = np.array(((0.62, -0.80), (0.80, 0.56), (0.88, -0.46))[pose])
        if pose == HEAD_DOWN and self.kind != BIG_CAT:
            neck *= 1.15
        end = base + neck * towards
        thick = (0.27, 0.17, 0.24)[self.kind]
        self.limbs.append(
            _Limb(np.stack([base - 0.1 * towards, (base + end) / 2, end]), [1.25 * thick, 0.9 * thick, 0.66 * thick],
                  (0.15, 0.95, 5), 1.0, True)
        )  # fmt: skip
        look = np.array(((0.86, 0.5), (0.45, 0.88), (0.95, 0.30))[pose])
        head = (0.48, 0.38, 0.30)[self.kind]
        width = (0.17, 0.13, 0.22)[self.kind]
        muzzle = end + head * look
        shape = [0.9 * width, width, (0.55, 0.5, 0.68)[self.kind] * width]
        path = np.stack([end - 0.06 * look, end + 0.4 * head * look, muzzle])
        self.limbs.append(_Limb(path, shape, (0.12, 0.7, 3), 1.0, True))
        up = np.array((look[1], -look[0]))
        crown = end + width * 0.8 * up
        nose = (0.62, 0.6, 0.4)[self.kind] * width
        tip = ellipse(*muzzle, nose, nose, 10)
        eye = end + 0.42 * head * look + 0.35 * width * up
        self.details += [(tip, "dark"), (ellipse(*eye, 0.045, 0.045, 8), "black")]
        for near, shift in ((False, -0.07), (True, 0.06)):
            start = crown - shift * look
            if self.kind == BIG_CAT:
                ear = ellipse(*(start + 0.14 * look - 0.04 * up), 0.08, 0.08, 10)
            else:
                ear = np.stack([start - 0.06 * look, start + 0.2 * up - 0.07 * look, start + 0.08 * look])
            self.details.append((ear, "coat" if near else "dark"))
        if self.kind == HORSE:
            normal = np.array((towards[1], -towards[0]))
            back = [base + 0.22 * thick * normal, (base + end) / 2 + 0.75 * thick * normal, crown]
            out = [base + 1.5 * thick * normal, (base + end) / 2 + 1.35 * thick * normal, crown + 0.12 * up]
            self.details.append((np.array((*back, *out[::-1])), "dark"))
        elif self.kind == ANTELOPE:
            horn = np.stack([crown, crown + 0.3 * up - 0.06 * look, crown + 0.55 * up - 0.3 * look])
            self.details.append((tube(horn, [0.05, 0.04, 0.02]), "black"))
