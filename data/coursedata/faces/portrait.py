"""One face as coloured outlines: a head that turns, what is on it, what it wears, and what is behind it.

Features lie on an ellipsoid, the head. A place on it is (u, v): u from -1 (left edge) to 1, v from -1 (top) to 1.
Canvas coordinates have x to the right and y downwards, with the head about 1.7 high.
"""

import colorsys
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from coursedata.geometry import Points, arc, box, ellipse, join, polygon, stroke
from coursedata.surroundings import Colour, mix

SKINS: tuple[Colour, ...] = ((0.97, 0.82, 0.72), (0.86, 0.64, 0.47), (0.62, 0.41, 0.27), (0.36, 0.23, 0.16))
HAIR_COLOURS: tuple[Colour, ...] = ((0.10, 0.08, 0.08), (0.36, 0.21, 0.11), (0.86, 0.70, 0.38), (0.66, 0.27, 0.10))
GREY: Colour = (0.80, 0.79, 0.78)
EYE_COLOURS: tuple[Colour, ...] = ((0.20, 0.12, 0.07), (0.18, 0.30, 0.45), (0.22, 0.33, 0.18))
BALD, SHORT, LONG, CURLY = range(4)
ROUND, OVAL, SQUARE = range(3)
LARGEST_TURN = math.radians(26)


# What is no attribute and differs from face to face. All of it is drawn for every face, used or not, so that another
# attribute leaves the rest of the person as it was.
_TRAITS = (
    *("wide", "high", "eye_v", "mouth_v", "apart", "pigment", "skin", "wall_hue", "wall_depth", "wall_light"),
    *("cloth_hue", "cloth_depth", "cloth_light", "hair_length", "hair_reach", "beard", "iris", "gaze", "brow", "nose"),
    *("mouth", "hairline", "parting", "frame", "frame_shape"),
)
NUM_TRAITS = len(_TRAITS)


class Person(NamedTuple):
    """One face's attributes, as in `Labels`."""

    glasses: int
    smile: int
    hair: int
    beard: int
    age: float
    shape: int
    skin: float
    hair_colour: int
    pose: float
    light: float


class Patch(NamedTuple):
    """A closed outline, its colour, and what it is part of: "head" (which the light models), "clothes" or "feature".

    A feature lies on the head, its outline in places (u, v), `lift` above the surface; others are on the canvas.
    """

    outline: Points
    colour: Colour
    part: str
    lift: float = 0.0


def ramp(colours: tuple[Colour, ...], place: float) -> Colour:
    """The colour at `place` in [0, 1] on the way from the first of `colours` to the last."""
    position = place * (len(colours) - 1)
    first = min(int(position), len(colours) - 2)
    return mix(colours[first], colours[first + 1], position - first)


def scaled(colour: Colour, factor: float) -> Colour:
    """A colour made darker (below 1) or brighter."""
    return tuple(min(1.0, factor * channel) for channel in colour)


class Head:
    """The proportions of one head and the way from a place on it to the canvas."""

    def __init__(self, person: Person, traits: dict[str, float]):
        youth = max(0.0, 1 - person.age / 0.35)
        wide = (0.70, 0.61, 0.67)[person.shape] + 0.06 * (traits["wide"] - 0.5)
        high = (0.80, 0.90, 0.84)[person.shape] + 0.06 * (traits["high"] - 0.5)
        self.width, self.height = wide + 0.03 * youth, high - 0.08 * youth
        self.jaw = (2.0, 1.9, 2.9)[person.shape]
        turn = LARGEST_TURN * (2 * person.pose - 1)
        self.cos, self.sin = math.cos(turn), math.sin(turn)
        self.eye_v = -0.08 + 0.16 * youth + 0.05 * (traits["eye_v"] - 0.5)
        self.eye_size = 1.0 + 0.28 * youth - 0.12 * max(0.0, person.age - 0.7)
        self.mouth_v = 0.54 + 0.06 * youth + 0.05 * (traits["mouth_v"] - 0.5)
        self.nose_v = self.mouth_v - 0.24
        self.apart = 0.40 + 0.05 * (traits["apart"] - 0.5)
        self.youth = youth

    def outline(self, grow: float = 1.0) -> Points:
        """The outline of the head, its jaw as round or square as its shape says."""
        top = arc(0, 0, self.width * grow, self.height * grow, 180, 360, 15)
        low = arc(0, 0, 1, 1, 0, 180, 17)[1:-1]
        power = 2 / self.jaw
        low = np.sign(low) * np.abs(low) ** power * (self.width * grow, self.height * grow)
        # A chin is narrower than cheeks.
        low[:, 0] *= 1 - 0.16 * np.clip(low[:, 1] / self.height, 0, 1) ** 2
        return join(top, low)

    def place(self, points: Points, lift: ArrayLike = 0.0) -> Points:
        """Canvas coordinates of places (u, v) on the head, `lift` (one, or (num,)) above its surface; (num, 2)."""
        u, v = points[:, 0], points[:, 1]
        depth = np.sqrt(np.maximum(0.0, 1 - u * u - 0.5 * v * v)) + lift
        placed = np.empty_like(points)
        placed[:, 0] = (u * self.cos + depth * self.sin) * self.width
        placed[:, 1] = v * self.height
        return placed


class Portrait:
    """The patches of one face, from what is behind it to the glasses; `uniforms` are NUM_TRAITS numbers."""

    def __init__(self, person: Person, uniforms: Sequence[float]):
        self.person, self.traits = person, dict(zip(_TRAITS, uniforms, strict=True))
        self.head, traits = Head(person, self.traits), self.traits
        self.patches: list[Patch] = []
        # Quickly, because half grey is the colour of skin.
        greying = min(1.0, max(0.0, (person.age - 0.66) / 0.12))
        pigment = scaled(HAIR_COLOURS[person.hair_colour], 0.85 + 0.3 * traits["pigment"] - 0.3 * person.skin)
        self.hair = mix(pigment, GREY, 0.9 * greying)
        self.skin = scaled(ramp(SKINS, person.skin), 0.96 + 0.08 * traits["skin"])
        # Blood shows on lips and cheeks.
        self.lips = mix(self.skin, (0.66, 0.24, 0.24), 0.55)
        self.shade = mix(self.skin, (0.25, 0.10, 0.08), 0.30)
        self.line = mix(self.skin, (0.16, 0.07, 0.06), 0.75)
        self.back = colorsys.hsv_to_rgb(
            traits["wall_hue"], 0.10 + 0.35 * traits["wall_depth"], 0.55 + 0.40 * traits["wall_light"]
        )
        self.cloth = colorsys.hsv_to_rgb(
            traits["cloth_hue"], 0.25 + 0.6 * traits["cloth_depth"], 0.25 + 0.6 * traits["cloth_light"]
        )

        self._body()
        self._face()
        self._eyes()
        self._nose_and_mouth()
        self._hair()
        if person.glasses:
            self._glasses()

    def outlines(self) -> Points:
        """All patches' vertices in canvas coordinates, one after the other: (num, 2)."""
        vertices = np.concatenate([patch.outline for patch in self.patches])
        lengths = [len(patch.outline) for patch in self.patches]
        feature = np.repeat([patch.part == "feature" for patch in self.patches], lengths)
        lift = np.repeat([patch.lift for patch in self.patches], lengths)
        vertices[feature] = self.head.place(vertices[feature], lift[feature])
        return vertices

    def _add(self, outline: Points, colour: Colour, part: str = "head") -> None:
        self.patches.append(Patch(outline, colour, part))

    def _on_face(self, outline: Points, colour: Colour, lift: float = 0.0) -> None:
        self.patches.append(Patch(outline, colour, "feature", lift))

    def _body(self) -> None:
        head, person = self.head, self.person
        if person.hair == LONG:
            down = 0.75 + 0.35 * self.traits["hair_length"]
            reach = 1.22 + 0.1 * self.traits["hair_reach"]
            mane = join(
                arc(0, -0.05, head.width * reach, head.height * 1.12, 180, 360, 15),
                (head.width * (reach + 0.08), down),
                (-head.width * (reach + 0.08), down),
            )
            self._add(mane, scaled(self.hair, 0.72))
        elif person.hair == CURLY:
            for x, y in arc(0, -0.05, head.width * 1.05, head.height * 0.92, 160, 380, 11).tolist():
                self._add(ellipse(x, y, 0.26, 0.25, 10), scaled(self.hair, 0.78))
        shoulders = 0.82 - 0.14 * head.youth
        neck = (0.40 - 0.06 * head.youth) * head.width / 0.64
        top = head.height + 0.10
        self._add(
            join(arc(0, top + 0.42, shoulders + 0.25, 0.42, 180, 360, 12), (1.4, 1.6), (-1.4, 1.6)),
            self.cloth,
            "clothes",
        )
        self._add(
            polygon((-neck, 0.4), (neck, 0.4), (neck, top + 0.06), (0, top + 0.2), (-neck, top + 0.06)), self.shade
        )

    def _face(self) -> None:
        head, person = self.head, self.person
        for side in (-1, 1):
            # Turning hides the ear on the side that the face turns to.
            seen = 0.98 - 0.55 * max(0.0, side * head.sin)
            x = side * head.width * seen
            self._add(ellipse(x, head.height * (head.eye_v + 0.14), 0.11, 0.17, 12), mix(self.skin, self.shade, 0.4))
        self._add(head.outline(), self.skin)
        for side in (-1, 1):
            blush = mix(self.skin, (0.85, 0.35, 0.30), 0.16 + 0.10 * head.youth)
            self._on_face(ellipse(side * 0.52, head.nose_v + 0.02, 0.17, 0.13, 10), blush)
        if person.beard:
            self._beard()
        if person.age > 0.55:
            self._wrinkles((person.age - 0.55) / 0.45)

    def _beard(self) -> None:
        head = self.head
        full = 0.08 * self.traits["beard"]
        sides = arc(0, 0.0, 1.0, 1.0, 0, 180, 17)
        power = 2 / head.jaw
        jaw = np.sign(sides) * np.abs(sides) ** power * (head.width * 1.02, head.height * (1.05 + full))
        jaw[:, 0] *= 1 - 0.14 * np.clip(jaw[:, 1] / head.height, 0, 1) ** 2
        low = jaw[jaw[:, 1] > 0.08]
        inner = polygon(
            (-0.78, 0.28),
            (-0.55, head.mouth_v - 0.13),
            (0, head.mouth_v - 0.17),
            (0.55, head.mouth_v - 0.13),
            (0.78, 0.28),
        )
        # Against skin of nearly its own colour a beard would be a label that nobody can see.
        self._add(join(low, head.place(inner)), self._beard_colour())

    def _beard_colour(self) -> Colour:
        gap = math.dist(self.hair, self.skin)
        return self.hair if gap > 0.35 else mix(self.hair, (0.05, 0.04, 0.04), 0.45)

    def _wrinkles(self, strength: float) -> None:
        head = self.head
        colour = mix(self.skin, self.line, 0.25 + 0.45 * strength)
        for v in (-0.52, -0.40)[: 1 + (strength > 0.5)]:
            self._on_face(stroke(arc(0, v + 0.06, 0.42, 0.07, 200, 340, 7), 0.045), colour)
        for side in (-1, 1):
            fold = polygon((side * 0.24, head.nose_v + 0.03), (side * 0.42, head.mouth_v - 0.06))
            self._on_face(stroke(fold, 0.05), colour)
            bag = arc(side * head.apart, head.eye_v + 0.10, 0.16, 0.09, 20, 160, 6)
            self._on_face(stroke(bag, 0.04), colour)

    def _eyes(self) -> None:
        head, size = self.head, self.head.eye_size
        iris = EYE_COLOURS[min(2, int(3 * self.traits["iris"] ** (1 + 2 * self.person.skin)))]
        gaze, squint = 0.05 * (self.traits["gaze"] - 0.5), 1 - 0.22 * self.person.smile
        raised = 0.04 * self.traits["brow"]
        for side in (-1, 1):
            u = side * head.apart
            self._on_face(
                ellipse(u, head.eye_v, 0.21 * size, 0.135 * size * squint, 12), mix(self.skin, self.line, 0.55)
            )
            self._on_face(ellipse(u, head.eye_v + 0.015, 0.175 * size, 0.095 * size * squint, 12), (0.96, 0.95, 0.94))
            self._on_face(ellipse(u + gaze, head.eye_v + 0.005, 0.095 * size, 0.105 * size * squint, 10), iris)
            self._on_face(ellipse(u + gaze, head.eye_v + 0.005, 0.05 * size, 0.055 * size, 8), (0.03, 0.03, 0.03))
            brow = arc(u, head.eye_v - 0.17 - raised, 0.23, 0.10, 200, 340, 7)
            thick = 0.075 - 0.03 * head.youth
            self._on_face(stroke(brow, thick), mix(scaled(self.hair, 0.62), self.skin, 0.1 + 0.25 * head.youth))

    def _nose_and_mouth(self) -> None:
        head, person = self.head, self.person
        wide = 0.13 + 0.04 * self.traits["nose"] - 0.03 * head.youth
        lift = 0.16 - 0.07 * head.youth
        lit = 1 if person.light < 0.5 else -1
        bridge = polygon((0.0, head.eye_v + 0.02), (lit * 0.10, head.nose_v - 0.02), (0.0, head.nose_v))
        self._on_face(bridge, mix(self.skin, self.shade, 0.55), lift / 2)
        self._on_face(ellipse(0, head.nose_v, wide, 0.055, 10), self.shade, lift)
        self._on_face(ellipse(0, head.nose_v - 0.045, wide * 0.72, 0.06, 10), scaled(self.skin, 1.07), lift)
        v, broad = head.mouth_v, 0.30 + 0.05 * self.traits["mouth"] - 0.04 * head.youth
        if person.beard:
            # The moustache; the mouth comes on top of it.
            curve = arc(0, v - 0.02, broad + 0.06, 0.13, 190, 350, 8)
            self._on_face(stroke(curve, 0.11), self._beard_colour())
        if person.smile:
            mouth = join(
                arc(0, v - 0.06, broad + 0.10, 0.24, 0, 180, 10), arc(0, v - 0.06, broad + 0.10, 0.035, 180, 0, 6)
            )
            teeth = join(
                arc(0, v - 0.045, broad + 0.02, 0.15, 0, 180, 10), arc(0, v - 0.045, broad + 0.02, 0.03, 180, 0, 6)
            )
            self._on_face(mouth, mix(self.lips, (0.40, 0.08, 0.08), 0.45))
            self._on_face(teeth, (0.97, 0.96, 0.93))
        else:
            full = 0.075 - 0.025 * person.age
            self._on_face(ellipse(0, v + 0.02, broad * 0.85, full, 12), self.lips)
            self._on_face(stroke(polygon((-broad, v), (0, v + 0.015), (broad, v)), 0.05), self.line)

    def _hair(self) -> None:
        head, person = self.head, self.person
        if person.hair == BALD:
            return
        high = -0.48 - 0.16 * max(0.0, person.age - 0.5) - 0.10 * self.traits["hairline"] + 0.06 * head.youth
        part = 0.5 * (self.traits["parting"] - 0.5)
        grow = {SHORT: 1.07, LONG: 1.13, CURLY: 1.10}[person.hair]
        start = {SHORT: -10, LONG: 20, CURLY: -4}[person.hair]
        outer = arc(0, -0.02, head.width * grow, head.height * grow, 180 - start, 360 + start, 17)
        edge = {SHORT: (0.94, -0.02), LONG: (0.90, 0.28), CURLY: (0.92, 0.0)}[person.hair]
        temple = (0.80, high + 0.16)
        hairline = polygon(
            edge,
            temple,
            (0.45, high - 0.02),
            (part, high),
            (-0.45, high - 0.02),
            (-temple[0], temple[1]),
            (-edge[0], edge[1]),
        )
        self._add(join(outer, head.place(hairline)), self.hair)
        if person.hair == CURLY:
            for x, y in arc(0, -0.06, head.width * 0.92, head.height * 0.90, 185, 355, 9).tolist():
                self._add(ellipse(x, y, 0.20, 0.19, 10), self.hair)
            for x, y in arc(0.04, -0.08, head.width * 0.86, head.height * 0.92, 200, 340, 6).tolist():
                self._add(ellipse(x, y, 0.09, 0.08, 8), scaled(self.hair, 1.35))
        else:
            sheen = arc(0.02, 0.0, head.width * 0.80, head.height * 0.90, 215, 290, 7)
            self._add(stroke(sheen, 0.07), mix(self.hair, (1.0, 0.95, 0.85), 0.16))

    def _glasses(self) -> None:
        head = self.head
        dark = self.traits["frame"]
        frame = mix((0.06, 0.06, 0.08), (0.45, 0.16, 0.10), dark * dark)
        if self.person.skin > 0.6:
            # Dark frames on dark skin would be a label that nobody can see.
            frame = mix(frame, (0.93, 0.88, 0.72), 0.85)
        radius_u, radius_v, lift = 0.29, 0.205, 0.10
        square = self.traits["frame_shape"] < 0.5
        for side in (-1, 1):
            u = side * (head.apart + 0.01)
            if square:
                path = box(
                    u - radius_u * 0.92, head.eye_v - radius_v * 0.8, u + radius_u * 0.92, head.eye_v + radius_v * 0.9
                )
                path = np.concatenate([path, path[:2]])
            else:
                path = arc(u, head.eye_v, radius_u, radius_v, 0, 375, 18)
            self._on_face(stroke(path, 0.075), frame, lift)
            temple = polygon((u + side * radius_u, head.eye_v - 0.03), (side * 1.0, head.eye_v - 0.02))
            self._on_face(stroke(temple, 0.07), frame, lift / 3)
        bridge = arc(0, head.eye_v - 0.02, 0.14, 0.06, 180, 360, 6)
        self._on_face(stroke(bridge, 0.06), frame, lift + 0.06)
