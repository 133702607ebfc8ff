"""What stands around an object: colours, busy backgrounds, things of no class, things in front, light.

Everything is drawn from uniform numbers that the caller hands in, and every strength is zero at zero.
"""

import colorsys
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

from coursedata.geometry import Points, arc, bar, box, ellipse, stroke

Colour = tuple[float, float, float]
Uniform = Callable[[], float]


def object_colours(uniform: Uniform) -> list[Colour]:
    """A colour for each role of an object of any class: vivid, dark, vivid in another hue, pale; channels in [0, 1]."""
    hue = uniform()
    other = hue + 0.25 + 0.5 * uniform()
    return [
        colorsys.hsv_to_rgb(hue, 0.7 + 0.3 * uniform(), 0.6 + 0.4 * uniform()),
        colorsys.hsv_to_rgb(uniform(), 0.6 + 0.4 * uniform(), 0.25 + 0.3 * uniform()),
        colorsys.hsv_to_rgb(other % 1, 0.7 + 0.3 * uniform(), 0.6 + 0.4 * uniform()),
        colorsys.hsv_to_rgb(uniform(), 0.2 + 0.3 * uniform(), 0.9 + 0.1 * uniform()),
    ]


def muted_colour(uniform: Uniform) -> Colour:
    """A greyish colour, as everything around the objects has it, each channel in [0, 1]."""
    return colorsys.hsv_to_rgb(uniform(), 0.2 * uniform(), 0.15 + 0.8 * uniform())


def mix(first: Colour, second: Colour, weight: float) -> Colour:
    """`first` at weight 0, `second` at weight 1."""
    return tuple(a + weight * (b - a) for a, b in zip(first, second, strict=True))


def contrasting(uniform: Uniform, other: Colour, least: float) -> Colour:
    """The first of four muted colours that is `least` away from another colour, else the one farthest away."""
    candidates = [muted_colour(uniform) for _ in range(4)]
    gaps = [math.dist(candidate, other) for candidate in candidates]
    for candidate, gap in zip(candidates, gaps, strict=True):
        if gap >= least:
            return candidate
    return candidates[gaps.index(max(gaps))]


def ink(colour: Colour) -> tuple[int, int, int]:
    """A colour as Pillow wants it, 0 to 255."""
    return tuple(min(255, max(0, round(255 * channel))) for channel in colour)


def vertices(points: Points) -> list[float]:
    """Canvas coordinates as Pillow wants them, x and y by turns, in whole pixels.

    They are rounded here, away from ties: a last bit that differs between two machines then changes no pixel.
    """
    return np.rint(points + 0.00314).ravel().tolist()


def fill(draw: ImageDraw.ImageDraw, outline: Points, colour: tuple[int, ...] | int) -> None:
    """Paints a closed outline given in canvas pixels of shape (num, 2)."""
    draw.polygon(vertices(outline), fill=colour)


def _rotated(outline: Points, degrees: float, x: float, y: float) -> Points:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return outline @ np.array(((cos, sin), (-sin, cos))) + (x, y)


def thing_of_no_class(uniform: Uniform, extent: float) -> Points:
    """The outline of a random blob, shard, bar, arc or disc, about `extent` pixels large, around the origin."""
    kind, stretch, turn = int(uniform() * 5), 0.35 + 0.65 * uniform(), 360 * uniform()
    if kind == 0:
        outline = ellipse(0, 0, 0.5, 0.5 * stretch, 14)
    elif kind == 1:
        outline = bar(-0.6, 0, 0.6, 0, 0.12 + 0.25 * stretch, 0.1)
    elif kind == 2:
        outline = box(-0.5, -0.5 * stretch, 0.5, 0.5 * stretch)
    elif kind == 3:
        outline = stroke(arc(0, 0, 0.5, 0.5 * stretch, 0, 220, 10), 0.16)
    else:
        corners = 3 + int(uniform() * 3)
        angles = [2 * math.pi * (corner + 0.6 * uniform()) / corners for corner in range(corners)]
        outline = np.array([(0.55 * math.cos(angle), 0.55 * math.sin(angle)) for angle in angles])
    return _rotated(outline * extent, turn, 0.0, 0.0)


def stripes(uniform: Uniform, extent: int) -> list[Points]:
    """Bands in one direction across a square of `extent` pixels."""
    turn, pitch = 180 * uniform(), extent * (0.09 + 0.12 * uniform())
    num = math.ceil(0.72 * extent / pitch)
    share = 0.3 + 0.4 * uniform()
    return [
        _rotated(box(-extent, place * pitch, extent, (place + share) * pitch), turn, extent / 2, extent / 2)
        for place in range(-num, num)
    ]


def dots(uniform: Uniform, extent: int) -> list[Points]:
    """Spots at random places in a square of `extent` pixels."""
    radius = extent * (0.03 + 0.05 * uniform())
    return [ellipse(extent * uniform(), extent * uniform(), radius, radius, 8) for _ in range(10 + int(10 * uniform()))]


def paint_clutter(draw: ImageDraw.ImageDraw, uniform: Uniform, base: Colour, extent: int, strength: float) -> None:
    """Horizon, texture and things of no class over a plain background of colour `base`."""
    ground = mix(base, muted_colour(uniform), strength)
    if uniform() < 0.6:
        left, right = extent * (0.35 + 0.5 * uniform()), extent * (0.35 + 0.5 * uniform())
        fill(draw, np.array(((0, left), (extent, right), (extent, extent), (0, extent))), ink(ground))
    texture = ink(mix(base, contrasting(uniform, base, 0.5), strength))
    kind = uniform()
    if kind < 0.8:
        for outline in (stripes if kind < 0.4 else dots)(uniform, extent):
            fill(draw, outline, texture)
    for _ in range(round(10 * strength * uniform())):
        size = extent * (0.12 + 0.33 * uniform())
        place = (extent * uniform(), extent * uniform())
        colour = muted_colour(uniform)
        fill(draw, thing_of_no_class(uniform, size) + place, ink(mix(base, colour, 0.4 + 0.6 * strength)))


def occluders(uniform: Uniform, bounds: tuple[float, float, float, float], strength: float) -> list[Points]:
    """Outlines that cover part of what lies within `bounds` (x0, y0, x1, y1): an edge, posts or leaves."""
    x0, y0, x1, y1 = bounds
    x, y, wide, high = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
    extent = max(wide, high)
    kind, turn, share = uniform(), 360 * uniform(), strength * (0.35 + 0.65 * uniform())
    if kind < 0.35:
        # Something large in front of one side.
        reach = extent * (0.5 - 0.42 * share)
        return [_rotated(box(reach, -0.8 * extent, reach + 0.6 * extent, 0.8 * extent), turn, x, y)]
    if kind < 0.7:
        # One or two posts across.
        num = 1 + int(2 * uniform())
        width = 0.34 * share * extent / num
        offsets = [(uniform() - 0.5) * 0.7 * extent for _ in range(num)]
        return [_rotated(box(offset, -2 * extent, offset + width, 2 * extent), turn, x, y) for offset in offsets]
    num = 2 + int(3 * uniform())
    radius = 0.36 * extent * math.sqrt(share / num)
    return [
        _rotated(
            ellipse(0, 0, 1.5 * radius, 0.75 * radius, 10),
            360 * uniform(),
            x0 + wide * uniform(),
            y0 + high * uniform(),
        )
        for _ in range(num)
    ]


def light(
    image: NDArray[np.float32], shade: NDArray[np.float32], rng: np.random.Generator, uniform: Uniform, strength: float
) -> NDArray[np.float32]:
    """An image of shape (size, size, 3) in [0, 1] under uneven, coloured, dim or hazy light, with the sensor's noise.

    `shade` of shape (size, size) is 1 where a shadow falls.
    """
    size = len(image)
    turn = 2 * math.pi * uniform()
    slope = 1.1 * strength * uniform()
    ramp = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    field = 1 + slope * (math.cos(turn) * ramp[None, :] + math.sin(turn) * ramp[:, None]) / 2
    field *= 1 - strength * (0.25 + 0.65 * uniform()) * shade
    exposure = math.exp(strength * (0.4 - 1.4 * uniform()))
    cast = np.array([math.exp(0.5 * strength * (uniform() - 0.5)) for _ in range(3)], dtype=np.float32)
    haze = 0.6 * strength * uniform() ** 2
    veil = 0.4 + 0.6 * uniform()
    image = image * (field[:, :, None] * (cast * exposure)) * (1 - haze) + haze * veil
    # Shot noise: a sensor counts photons, so its noise grows as the square root of the light (and never quite ends).
    gain = 0.1 * strength * uniform()
    grain = rng.random(image.shape, dtype=np.float32) + rng.random(image.shape, dtype=np.float32) - 1
    return image + gain * np.sqrt(np.maximum(image, 0.05)) * grain


def shadow(uniform: Uniform, extent: int) -> Points:
    """The outline of a straight-edged shadow that falls across part of a square of `extent` pixels."""
    turn, edge = 360 * uniform(), (uniform() - 0.5) * 0.9 * extent
    width = extent * (0.25 + 1.2 * uniform())
    return _rotated(box(edge, -extent, edge + width, extent), turn, extent / 2, extent / 2)
