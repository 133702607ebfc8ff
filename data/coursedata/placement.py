"""From a class's drawing to its outlines in the picture: fitted to a square, warped, seen from somewhere."""

import math
from collections.abc import Callable

import numpy as np

from coursedata.geometry import Points
from coursedata.shapes import Part

FILL_OF_FRAME = 0.8
SUBDIVISIONS = 3


def outlines(parts: list[Part], subdivisions: int) -> tuple[Points, list[int]]:
    """All vertices of shape (num, 2), centred and scaled into [-1, 1], and where each part's vertices end.

    Every edge is cut into `subdivisions` pieces, so that a straight edge can bend.
    """
    points = np.concatenate([part.outline for part in parts])
    ends = np.cumsum([len(part.outline) for part in parts])
    low, high = points.min(axis=0), points.max(axis=0)
    points = (points - (low + high) / 2) * (2 / (high - low).max())
    if subdivisions > 1:
        following = np.arange(1, len(points) + 1)
        following[ends - 1] = np.concatenate([[0], ends[:-1]])
        steps = np.arange(subdivisions)[:, None] / subdivisions
        points = (points[:, None] + (points[following] - points)[:, None] * steps).reshape(-1, 2)
    return points, (ends * subdivisions).tolist()


def warp(points: Points, uniform: Callable[[], float], strength: float) -> Points:
    """A smooth displacement: four plane waves of random direction, one to two and a half objects long, for x and y."""
    turn = np.array([2 * math.pi * uniform() for _ in range(4)])
    length = np.array([2.0 + 3.0 * uniform() for _ in range(4)])
    phase = np.array([2 * math.pi * uniform() for _ in range(4)])
    waves = np.sin(points @ (np.stack([np.cos(turn), np.sin(turn)]) * (2 * math.pi / length)) + phase)
    return points + 0.26 * strength * np.stack([waves[:, 0] + waves[:, 1], waves[:, 2] + waves[:, 3]], axis=1) / 2


def view(points: Points, uniform: Callable[[], float], strength: float, cell: tuple[float, float, float]) -> Points:
    """Canvas coordinates of an object in [-1, 1] seen from a random viewpoint, inside `cell` (x, y, edge in pixels)."""
    x, y, edge = cell
    if uniform() < strength / 2:
        points = points * (-1.0, 1.0)
    depth = 0.7 * strength * np.array((uniform() - 0.5, uniform() - 0.5))
    points = points / (1 + points @ depth)[:, None]
    shear, squeeze = 0.7 * strength * (uniform() - 0.5), 1 - 0.45 * strength * uniform()
    if uniform() < 0.5:
        points = points @ np.array(((1.0, 0.0), (shear, squeeze)))
    else:
        points = points @ np.array(((squeeze, shear), (0.0, 1.0)))
    angle = math.radians(60) * strength * (2 * uniform() - 1)
    cos, sin = math.cos(angle), math.sin(angle)
    points = points @ np.array(((cos, sin), (-sin, cos)))
    low, high = points.min(axis=0), points.max(axis=0)
    scale = FILL_OF_FRAME * (1 - 0.6 * strength * uniform()) * edge / max(2.0, (high - low).max())
    room = np.maximum(edge - (high - low) * scale, 0)
    shift = strength * np.array((uniform() - 0.5, uniform() - 0.5)) * room
    return (points - (low + high) / 2) * scale + (x, y) + shift
