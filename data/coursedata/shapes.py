"""The object classes as vector drawings with variation inside each class.

A class is a function of a `Draw` (the source of its variation) that returns `Part`s, painted in order. Parts share
four colour roles that are filled from one palette for all classes, so that a colour never names a class.
"""

from collections.abc import Callable
from typing import NamedTuple

from coursedata.geometry import Points, arc, bar, box, ellipse, join, polygon, stroke

# Vivid, dark, vivid in another hue, pale.
MAIN, SECOND, ACCENT, DETAIL = range(4)
HOLE = -1


class Part(NamedTuple):
    """One filled outline of shape (num, 2) and its colour role; `HOLE` cuts through what was painted before."""

    outline: Points
    role: int


class Draw:
    """Values of a class's own parameters, spread by `variation` in [0, 1] around the class's prototype.

    `uniform` gives the next number in [0, 1); at variation 0 every value is the prototype's.
    """

    def __init__(self, uniform: Callable[[], float], variation: float):
        self._next = uniform
        self._variation = variation

    def between(self, low: float, high: float) -> float:
        """A number around the middle of [low, high]; at full variation anywhere between the two."""
        return (low + high) / 2 + self._variation * (self._next() - 0.5) * (high - low)

    def chance(self, probability: float) -> bool:
        """Whether a part is there; the prototype has it when `probability` is at least one half."""
        free, value = self._next() < self._variation, self._next()
        return value < probability if free else probability >= 0.5

    def kind(self, num: int) -> int:
        """One of `num` ways to build a thing; 0 is the prototype."""
        free, value = self._next() < self._variation, self._next()
        return int(value * num) if free else 0

    def count(self, low: int, high: int) -> int:
        """A whole number in [low, high]; the prototype has the middle one."""
        free, value = self._next() < self._variation, self._next()
        return low + int(value * (high - low + 1)) if free else (low + high) // 2


def airplane(d: Draw) -> list[Part]:
    """From above, or from the side with its tail fin."""
    length, width = 1.0, d.between(0.11, 0.2)
    body = join(arc(0.72, 0, 0.28, width, -90, 90, 9), (-0.8, width * 0.7), (-length, 0), (-0.8, -width * 0.7))
    if d.kind(3) < 2:
        span, sweep, chord = d.between(0.7, 1.05), d.between(0.15, 0.55), d.between(0.3, 0.5)
        tip, tail = d.between(0.12, 0.25), d.between(0.28, 0.42)
        parts = []
        engines = d.kind(3)
        for side in (-1, 1):
            parts.append(
                Part(
                    polygon(
                        (chord / 2 + 0.1, 0),
                        (0.1 - sweep + tip, side * span),
                        (0.1 - sweep - tip / 2, side * span),
                        (0.1 - chord / 2, 0),
                    ),
                    SECOND,
                )
            )
            parts.append(
                Part(polygon((-0.62, 0), (-0.85, side * tail), (-1, side * tail), (-0.95, 0)), SECOND),
            )
            for place in range(engines):
                y = side * (0.38 + 0.26 * place) * span
                x = 0.2 - sweep * abs(y) / span
                parts.append(Part(box(x - 0.1, y - 0.06, x + 0.17, y + 0.06), ACCENT))
        parts.append(Part(body, MAIN))
        parts.append(Part(polygon((0.78, -0.08), (0.9, 0), (0.78, 0.08), (0.7, 0)), DETAIL))
        return parts
    fin = d.between(0.35, 0.55)
    parts = [
        Part(polygon((-0.6, -width * 0.6), (-0.85, -fin - 0.1), (-1.05, -fin - 0.1), (-0.95, 0)), SECOND),
        Part(body, MAIN),
        Part(polygon((-0.7, 0), (-1.0, 0.16), (-1.08, 0.16), (-0.92, 0)), ACCENT),
        Part(polygon((0.3, 0.03), (-0.35, d.between(0.45, 0.65)), (-0.52, 0.5), (-0.12, 0.03)), SECOND),
    ]
    for place in range(d.count(3, 6)):
        x = 0.66 - 0.24 * place
        parts.append(Part(box(x - 0.06, -width * 0.6, x + 0.05, -width * 0.6 + 0.11), DETAIL))
    return parts


def boat(d: Draw) -> list[Part]:
    """A sailing boat, or a steamer with its funnel."""
    half, depth, rake = d.between(0.7, 1.0), d.between(0.3, 0.42), d.between(0.12, 0.35)
    hull = polygon((-half, 0.45), (half, 0.45), (half - rake, 0.45 + depth), (-half + rake * 0.7, 0.45 + depth))
    parts = []
    if d.kind(3) < 2:
        mast, top = d.between(-0.15, 0.15), d.between(-1.05, -0.75)
        boom = d.between(0.1, 0.28)
        parts.append(Part(bar(mast, 0.5, mast, top, 0.09), ACCENT))
        parts.append(Part(polygon((mast + 0.07, top + 0.03), (half * 0.92, boom), (mast + 0.07, boom)), MAIN))
        if d.chance(0.75):
            parts.append(
                Part(
                    polygon((mast - 0.07, top + d.between(0.05, 0.5)), (-half * 0.85, boom), (mast - 0.07, boom)),
                    DETAIL,
                )
            )
    else:
        cabin = d.between(0.35, 0.55)
        funnel = d.between(-0.3, 0.15)
        parts.append(Part(box(-cabin - 0.1, 0.08, cabin, 0.5), MAIN))
        parts.append(Part(box(funnel, -0.55, funnel + 0.25, 0.1), ACCENT))
        parts.append(Part(box(funnel, -0.42, funnel + 0.25, -0.26), DETAIL))
        for place in range(d.count(2, 3)):
            x = -cabin + 0.12 + 0.3 * place
            parts.append(Part(ellipse(x, 0.27, 0.09, 0.09, 10), DETAIL))
        if d.chance(0.5):
            parts.append(Part(bar(-half * 0.7, 0.5, -half * 0.7, -0.3, 0.07), SECOND))
    parts.append(Part(hull, SECOND))
    if d.chance(0.4):
        parts.append(Part(box(-half + rake * 0.4, 0.55, half - rake * 0.5, 0.64), DETAIL))
    return parts


def car(d: Draw) -> list[Part]:
    """From the side: a saloon, a hatchback, a van, a pick-up or a round small car."""
    kind = d.kind(5)
    top, wheel = d.between(-0.5, -0.35), d.between(0.19, 0.27)
    sill, waist = 0.36, d.between(-0.06, 0.04)
    nose, slope = d.between(0.02, 0.12), d.between(0.12, 0.3)
    body = join(
        arc(0.92, sill - 0.06, 0.08, 0.1, 0, 90, 4), (-0.95, sill + 0.04), (-1, waist + 0.03), (0.95, waist + nose)
    )
    front, back = ((0.42, -0.62), (0.38, -0.92), (0.72, -0.95), (0.42, -0.12), (0.6, -0.7))[kind]
    if kind == 4:
        cabin = arc(-0.05, waist + 0.02, 0.65, waist + 0.02 - top * 1.15, 180, 360)
    else:
        rear = slope if kind == 0 else 0.07
        if kind == 2:
            top *= 1.35
        cabin = polygon(
            (front + slope * 0.5, waist + 0.03), (front - slope, top), (back + rear, top), (back, waist + 0.03)
        )
    parts = [Part(cabin, MAIN), Part(body, MAIN)]
    windows = 1 if kind == 3 else d.count(1, 3)
    left, right = back + 0.13 + slope * 0.5 * (kind == 0), front - slope * 0.75
    if kind == 4:
        left, right = -0.48, 0.38
    step = (right - left) / windows
    for place in range(windows):
        x0 = left + step * place
        lean = slope * 0.6 if place == windows - 1 and kind != 4 else 0.0
        parts.append(
            Part(
                polygon(
                    (x0, waist - 0.02),
                    (x0 + 0.03, top + 0.11),
                    (x0 + step - 0.07 - lean * 0.5, top + 0.11),
                    (x0 + step - 0.07 + lean * 0.5, waist - 0.02),
                ),
                DETAIL,
            )
        )
    for x in (d.between(-0.66, -0.52), d.between(0.5, 0.64)):
        parts.append(Part(ellipse(x, sill + 0.04, wheel, wheel), SECOND))
        parts.append(Part(ellipse(x, sill + 0.04, wheel * 0.45, wheel * 0.45, 10), ACCENT))
    if d.chance(0.5):
        parts.append(Part(box(0.83, waist + nose + 0.06, 1.0, waist + nose + 0.17), ACCENT))
    return parts


def cat(d: Draw) -> list[Part]:
    """A face with pointed ears; sometimes the whole animal, sitting."""
    sitting = d.kind(3) == 2
    scale, head_x, head_y = (0.5, -0.22, -0.48) if sitting else (1.0, 0.0, 0.12)
    round_x, round_y = d.between(0.72, 0.9) * scale, d.between(0.6, 0.75) * scale
    ear, apart = d.between(0.5, 0.75) * scale, d.between(0.5, 0.66) * scale
    parts = []
    if sitting:
        reach = d.between(0.7, 1.0)
        tail = arc(0.35, 0.42, reach * 0.6, 0.42, -40, 90, 10)
        parts.append(Part(stroke(tail, 0.17), SECOND))
        parts.append(Part(join(arc(0.05, 0.9, 0.52, 1.15, 180, 360, 16)), MAIN))
        parts.append(Part(bar(-0.18, 0.9, -0.18, 0.45, 0.06), SECOND))
    for side in (-1, 1):
        x = head_x + side * apart
        lean = side * 0.12 * scale
        parts.append(
            Part(
                polygon(
                    (x - 0.27 * scale, head_y - round_y * 0.45),
                    (x + lean, head_y - round_y * 0.55 - ear),
                    (x + 0.27 * scale, head_y - round_y * 0.4),
                ),
                MAIN,
            )
        )
        if not sitting:
            parts.append(
                Part(
                    polygon((x - 0.12, head_y - 0.42), (x + lean, head_y - 0.3 - ear), (x + 0.13, head_y - 0.38)),
                    SECOND,
                )
            )
    parts.append(Part(ellipse(head_x, head_y, round_x, round_y), MAIN))
    eye, gap = d.between(0.09, 0.17) * scale, d.between(0.26, 0.38) * scale
    for side in (-1, 1):
        parts.append(Part(ellipse(head_x + side * gap, head_y - 0.1 * scale, eye, 0.17 * scale, 10), DETAIL))
    nose_y = head_y + 0.2 * scale
    parts.append(
        Part(
            polygon(
                (head_x - 0.11 * scale, nose_y - 0.06 * scale),
                (head_x + 0.11 * scale, nose_y - 0.06 * scale),
                (head_x, nose_y + 0.1 * scale),
            ),
            ACCENT,
        )
    )
    if d.chance(0.6) and not sitting:
        for side in (-1, 1):
            for rise in (-0.1, 0.14):
                parts.append(Part(bar(side * 0.3, nose_y + 0.08, side * 1.02, nose_y + rise, 0.055), ACCENT))
    return parts


def chair(d: Draw) -> list[Part]:
    """A chair from the side, from the front with slats, or on a swivel base."""
    kind = d.kind(3)
    seat, thick, back = d.between(0.02, 0.18), d.between(0.12, 0.2), d.between(-1.0, -0.8)
    leg, lean = d.between(0.1, 0.16), d.between(0.0, 0.16)
    parts = []
    if kind == 0:
        parts.append(Part(bar(-0.5, seat, -0.5 - lean, back, thick * 0.9), MAIN))
        parts.append(Part(bar(-0.44, seat, -0.52 - lean * 0.7, 0.98, leg), SECOND))
        parts.append(Part(bar(0.48, seat, 0.54 + lean * 0.3, 0.98, leg), SECOND))
        if d.chance(0.4):
            parts.append(Part(bar(-0.48, 0.58, 0.5, 0.58, 0.08), SECOND))
        if d.chance(0.3):
            parts.append(Part(join(bar(-0.5, seat - 0.36, 0.4, seat - 0.36, 0.1)), ACCENT))
            parts.append(Part(bar(0.36, seat - 0.36, 0.36, seat, 0.08), ACCENT))
        parts.append(Part(box(-0.6, seat - thick / 2, 0.58, seat + thick / 2), ACCENT))
    elif kind == 1:
        half = d.between(0.42, 0.56)
        parts.append(Part(box(-half, back, half, seat), MAIN))
        slats = d.count(1, 3)
        step = (2 * half - 0.14) / slats
        for place in range(slats):
            x = -half + 0.14 + step * place
            parts.append(Part(box(x, back + 0.2, x + step - 0.14, seat - 0.05), HOLE))
        for side in (-1, 1):
            parts.append(Part(bar(side * half * 0.92, seat, side * (half + lean * 0.6), 1.0, leg), SECOND))
        parts.append(
            Part(
                polygon(
                    (-half, seat), (half, seat), (half + 0.14, seat + thick * 1.6), (-half - 0.14, seat + thick * 1.6)
                ),
                ACCENT,
            )
        )
    else:
        parts.append(Part(bar(-0.5, seat, -0.5 - lean, back + 0.1, thick * 1.2), MAIN))
        parts.append(Part(bar(0, seat, 0, 0.82, 0.13), SECOND))
        parts.append(Part(bar(-0.5, 0.85, 0.5, 0.85, 0.12), SECOND))
        for x in (-0.48, 0.0, 0.48):
            parts.append(Part(ellipse(x, 0.93, 0.1, 0.1, 10), DETAIL))
        parts.append(Part(box(-0.6, seat - thick / 2, 0.55, seat + thick * 0.7), ACCENT))
    return parts


def fish(d: Draw) -> list[Part]:
    """From the side: body, tail, fins, eye, sometimes bands."""
    high, tail = d.between(0.32, 0.6), d.between(0.3, 0.52)
    fork = d.between(0.0, 0.22)
    parts = [Part(polygon((-0.5, 0), (-1.0, -tail), (-0.98 + fork, 0), (-1.0, tail)), SECOND)]
    if d.chance(0.8):
        start, rise = d.between(0.15, 0.4), d.between(0.2, 0.4)
        parts.append(Part(polygon((start, -high * 0.75), (start - 0.3, -high - rise), (-0.4, -high * 0.55)), ACCENT))
    if d.chance(0.6):
        parts.append(Part(polygon((0.15, high * 0.8), (-0.2, high + 0.3), (-0.25, high * 0.7)), ACCENT))
    body = join(
        arc(0.2, 0, 0.78, high, -90, 90, 13), (-0.35, high * 0.72), (-0.68, 0.1), (-0.68, -0.1), (-0.35, -high * 0.72)
    )
    parts.append(Part(body, MAIN))
    for place in range(d.kind(4)):
        x = 0.3 - 0.28 * place
        parts.append(Part(bar(x, -high * 0.78, x, high * 0.78, 0.11), DETAIL))
    if d.chance(0.7):
        parts.append(Part(polygon((0.28, 0.05), (-0.08, 0.3), (-0.04, 0.02)), SECOND))
    parts.append(Part(ellipse(0.62, -0.12, 0.12, 0.12, 12), DETAIL))
    parts.append(Part(ellipse(0.64, -0.12, 0.055, 0.055, 8), ACCENT))
    return parts


def flower(d: Draw) -> list[Part]:
    """A daisy or a tulip with stem and leaves."""
    bend = d.between(-0.25, 0.25)
    stem = polygon((0, -0.35), (bend * 0.3, 0.0), (bend, 0.5), (bend, 1.0))
    parts = [Part(stroke(stem, d.between(0.09, 0.14)), SECOND)]
    leaves = (d.chance(0.75), d.chance(0.6))
    for side, there in zip((-1, 1), leaves, strict=True):
        if there:
            y, reach = d.between(0.45, 0.75), d.between(0.4, 0.6)
            leaf = polygon(
                (bend, y + 0.12),
                (bend + side * reach * 0.5, y - 0.26),
                (bend + side * reach, y - 0.3),
                (bend + side * reach * 0.6, y + 0.02),
            )
            parts.append(Part(leaf, SECOND))
    if d.kind(3) < 2:
        num, radius = d.count(5, 8), d.between(0.4, 0.5)
        size = d.between(0.85, 1.1) * 1.45 / num
        turn = arc(0, -0.45, radius * 0.8, radius * 0.8, 0, 360, num)
        for x, y in turn.tolist():
            parts.append(Part(ellipse(x, y, size, size, 12), MAIN))
        centre = d.between(0.17, 0.26)
        parts.append(Part(ellipse(0, -0.45, centre, centre, 14), DETAIL))
    else:
        half, top = d.between(0.36, 0.48), d.between(-1.05, -0.9)
        cup = join(
            arc(0, -0.5, half, 0.42, 0, 180, 10),
            (-half, top),
            (-half * 0.45, top + 0.28),
            (0, top - 0.05),
            (half * 0.45, top + 0.28),
            (half, top),
        )
        parts.append(Part(cup, MAIN))
        parts.append(Part(polygon((0, top), (half * 0.45, -0.4), (0, -0.12), (-half * 0.45, -0.4)), DETAIL))
    return parts


def house(d: Draw) -> list[Part]:
    """Walls, roof, door and windows; one or two storeys."""
    half, eaves, base = d.between(0.6, 0.85), d.between(-0.25, 0.05), 0.9
    roof, overhang = d.between(-1.0, -0.7), d.between(0.05, 0.2)
    kind = d.kind(4)
    parts = []
    if d.chance(0.6):
        x = d.between(0.2, 0.5)
        parts.append(Part(box(x, roof - 0.03, x + 0.18, eaves), ACCENT))
    parts.append(Part(box(-half, eaves - 0.02, half, base), MAIN))
    edge = half + overhang
    ridge = ((0.0, 0.0), (-0.45, 0.45), (-0.35, -0.35), (0.0, 0.0))[kind]
    parts.append(Part(polygon((-edge, eaves), (ridge[0] * half, roof), (ridge[1] * half, roof), (edge, eaves)), SECOND))
    wide, door = d.between(0.24, 0.34), (0.0, -0.35, 0.3)[d.kind(3)] * half
    height = d.between(0.4, 0.52)
    parts.append(Part(box(door - wide / 2, base - height, door + wide / 2, base), ACCENT))
    columns = (-0.62, 0.62) if abs(door) < 0.05 else (0.62 if door < 0 else -0.62, 0.12 if door < 0 else -0.12)
    window = d.between(0.2, 0.3)
    for column in columns[: d.count(1, 2) + (d.kind(2) == 0)]:
        x, y = column * half, eaves + 0.18
        parts.append(Part(box(x - window / 2, y, x + window / 2, y + 0.28), DETAIL))
        if d.chance(0.5):
            parts.append(Part(bar(x, y, x, y + 0.28, 0.05), SECOND))
    if kind == 0 and d.chance(0.4):
        parts.append(Part(ellipse(0, (roof + eaves) / 2 + 0.06, 0.12, 0.12, 12), DETAIL))
    return parts


def key(d: Draw) -> list[Part]:
    """Bow with a hole, shaft and teeth."""
    bow, kind = d.between(0.3, 0.42), d.kind(4)
    centre, width = -0.98 + bow, d.between(0.11, 0.18)
    parts = [Part(bar(centre, 0, 0.98, 0, width), MAIN)]
    if kind == 2:
        parts.append(Part(box(centre - bow * 0.9, -bow * 0.95, centre + bow * 0.75, bow * 0.95), MAIN))
    elif kind == 3:
        for x, y in ((-0.45, 0.0), (0.2, -0.55), (0.2, 0.55)):
            parts.append(Part(ellipse(centre + x * bow, y * bow, bow * 0.58, bow * 0.58, 14), MAIN))
    else:
        parts.append(Part(ellipse(centre, 0, bow * (1.0, 0.8)[kind], bow * (1.0, 1.15)[kind]), MAIN))
    hole = d.between(0.42, 0.62) * bow
    if kind == 3:
        for x, y in ((-0.45, 0.0), (0.2, -0.55), (0.2, 0.55)):
            parts.append(Part(ellipse(centre + x * bow, y * bow, bow * 0.3, bow * 0.3, 10), HOLE))
    else:
        parts.append(Part(ellipse(centre - 0.05 * bow, 0, hole * (1.0, 0.8)[kind == 1], hole, 14), HOLE))
    teeth, long = d.count(2, 4), d.between(0.22, 0.36)
    for place in range(teeth):
        x = 0.9 - place * 0.19
        parts.append(Part(box(x - 0.11, 0, x, width / 2 + long * (0.7, 1.0)[(place + teeth) % 2]), MAIN))
    if d.chance(0.5):
        x = centre + bow + 0.08
        parts.append(Part(box(x - 0.05, -width * 0.95, x + 0.06, width * 0.95), SECOND))
    return parts


def mug(d: Draw) -> list[Part]:
    """Body, rim and handle, sometimes with a band or steam."""
    half, top, bottom = d.between(0.46, 0.64), d.between(-0.75, -0.55), d.between(0.68, 0.85)
    taper, grip = d.between(-0.04, 0.2), d.between(0.13, 0.2)
    left, middle = -0.25 - half * 0.5, (top + bottom) / 2
    right = left + 2 * half
    reach, tall = d.between(0.34, 0.5), d.between(0.28, 0.42)
    kind = d.kind(3)
    parts = []
    if kind == 2:
        loop = polygon(
            (right - 0.12, middle - tall),
            (right + reach * 0.85, middle - tall),
            (right + reach * 0.85, middle + tall),
            (right - 0.16, middle + tall),
        )
    elif kind == 1:
        loop = polygon(
            (right - 0.12, middle - tall),
            (right + reach * 0.8, middle - tall * 0.9),
            (right + reach, middle - tall * 0.3),
            (right - 0.2, middle + tall * 1.2),
        )
    else:
        loop = arc(right - 0.08, middle, reach, tall, -90, 90, 11)
    parts.append(Part(stroke(loop, grip), (MAIN, SECOND)[d.kind(2)]))
    rim = d.between(0.08, 0.16)
    base = arc((left + right) / 2, bottom - rim, half - taper, rim, 0, 180, 9)
    parts.append(Part(join((left, top), (right, top), base), MAIN))
    if d.chance(0.4):
        y = d.between(-0.1, 0.35)
        inset = taper * 0.55
        parts.append(Part(box(left + inset, y, right - inset, y + 0.2), ACCENT))
    elif d.chance(0.4):
        parts.append(Part(ellipse((left + right) / 2, 0.15, 0.22, 0.22, 12), ACCENT))
    parts.append(Part(ellipse((left + right) / 2, top, half, rim), SECOND))
    parts.append(Part(ellipse((left + right) / 2, top + 0.02, half * 0.82, rim * 0.65), DETAIL))
    return parts


def tree(d: Draw) -> list[Part]:
    """A trunk under a round, clustered, conical or slender crown."""
    kind, trunk = d.kind(4), d.between(0.16, 0.28)
    parts = [Part(bar(0, 1.0, 0, -0.1, trunk * 1.25, trunk * 0.8), SECOND)]
    wide = d.between(0.62, 0.85)
    if kind == 0:
        low = d.between(0.2, 0.4)
        parts.append(Part(ellipse(0, (low - 1) / 2, wide, (low + 1) / 2), MAIN))
    elif kind == 1:
        for x, y, radius in ((-0.42, -0.12, 0.4), (0.42, -0.1, 0.4), (0.0, -0.5, 0.5), (0.1, -0.05, 0.38)):
            parts.append(Part(ellipse(x * wide / 0.75, y, radius, radius, 14), MAIN))
    elif kind == 2:
        tiers = d.count(2, 4)
        step = 1.45 / tiers
        for place in reversed(range(tiers)):
            peak = -1.0 + step * place * 0.9
            half = wide * (0.55 + 0.45 * (place + 1) / tiers)
            parts.append(Part(polygon((0, peak), (half, peak + step * 1.1), (-half, peak + step * 1.1)), MAIN))
    else:
        parts.append(Part(ellipse(0, -0.32, wide * 0.55, 0.78), MAIN))
    for place in range(d.kind(5)):
        x, y = ((-0.22, -0.3), (0.2, -0.42), (0.02, -0.02), (-0.05, -0.62))[place]
        parts.append(Part(ellipse(x, y, 0.1, 0.1, 8), ACCENT))
    if kind < 2 and d.chance(0.4):
        parts.append(Part(bar(0, 0.35, 0.3, -0.1, 0.09), SECOND))
    return parts


def umbrella(d: Draw) -> list[Part]:
    """An open umbrella: canopy with a scalloped edge, shaft and a hooked handle."""
    half, rise, edge = d.between(0.85, 1.0), d.between(0.6, 0.85), d.between(-0.12, 0.08)
    panels, dip = d.count(3, 5), d.between(0.08, 0.18)
    hook, width = d.between(0.14, 0.24), d.between(0.08, 0.12)
    end = 1.0 - hook
    parts = [Part(bar(0, edge - rise - 0.12, 0, end, width), ACCENT)]
    if d.kind(3) < 2:
        parts.append(Part(stroke(arc(-hook, end, hook, hook, 0, 170, 9), width * 1.2), ACCENT))
    else:
        parts.append(Part(bar(0, 0.6, 0, 1.0, width * 2), SECOND))
    step = 2 * half / panels
    rims = [arc(half - step * (place + 0.5), edge, step / 2, dip, 0, -180, 5) for place in range(panels)]
    parts.append(Part(join(arc(0, edge, half, rise, 180, 360, 17), *rims), MAIN))
    if d.chance(0.6):
        for place in range(panels % 2, panels, 2):
            x = half - step * (place + 0.5)
            slice_ = join(arc(x, edge, step / 2, dip, 0, -180, 5), (0, edge - rise))
            parts.append(Part(slice_, DETAIL))
    return parts


BUILDERS: dict[str, Callable[[Draw], list[Part]]] = {
    builder.__name__: builder
    for builder in (airplane, boat, car, cat, chair, fish, flower, house, key, mug, tree, umbrella)
}
CLASSES: tuple[str, ...] = tuple(BUILDERS)
