"""Outlines as vertex arrays: the few curves that the object classes are made of.

Every function returns float64 vertices of shape (num, 2) as (x, y), x to the right and y downwards.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


@cache
def _turn(num: int, start: float, end: float) -> Points:
    """Cosine and sine of `num` angles from `start` to `end` degrees; a full turn leaves its last angle out."""
    angles = np.radians(np.linspace(start, end, num, endpoint=abs(end - start) < 360))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def ellipse(x: float, y: float, radius_x: float, radius_y: float, num: int = 20) -> Points:
    """A closed ellipse around (x, y)."""
    return _turn(num, 0, 360) * (radius_x, radius_y) + (x, y)


def arc(x: float, y: float, radius_x: float, radius_y: float, start: int, end: int, num: int = 14) -> Points:
    """An open elliptical arc from `start` to `end`, in degrees, clockwise on screen from the positive x axis."""
    return _turn(num, start, end) * (radius_x, radius_y) + (x, y)


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    """An upright rectangle between two corners."""
    return np.array(((x0, y0), (x1, y0), (x1, y1), (x0, y1)))


def polygon(*vertices: ArrayLike) -> Points:
    """A closed polygon; each argument is one vertex (x, y)."""
    return np.array(vertices, dtype=np.float64)


def join(*outlines: ArrayLike) -> Points:
    """Several outlines, or single vertices of shape (2,), one after the other."""
    return np.concatenate([np.reshape(outline, (-1, 2)) for outline in outlines])


def bar(x0: float, y0: float, x1: float, y1: float, width: float, end_width: float | None = None) -> Points:
    """A straight bar from (x0, y0) to (x1, y1), `width` wide at its start and `end_width` at its end."""
    length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-9)
    across_x, across_y = (y0 - y1) / length / 2, (x1 - x0) / length / 2
    end = width if end_width is None else end_width
    return np.array(
        (
            (x0 + across_x * width, y0 + across_y * width),
            (x1 + across_x * end, y1 + across_y * end),
            (x1 - across_x * end, y1 - across_y * end),
            (x0 - across_x * width, y0 - across_y * width),
        )
    )


def stroke(path: Points, width: float) -> Points:
    """The outline of a line of constant width drawn along an open path of shape (num, 2), num >= 2."""
    along = np.empty_like(path)
    along[1:-1] = path[2:] - path[:-2]
    along[0] = path[1] - path[0]
    along[-1] = path[-1] - path[-2]
    along *= width / 2 / np.maximum(np.sqrt((along**2).sum(axis=1, keepdims=True)), 1e-9)
    across = along[:, ::-1] * (-1.0, 1.0)
    return np.concatenate([path + across, (path - across)[::-1]])
