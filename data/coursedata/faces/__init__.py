"""Faces: small drawn portraits whose every attribute is a label and a parameter.

A face is drawn as vectors on a canvas four times its size, averaged down, and lit as an ellipsoid. What it assumes:
attributes are independent of each other, except that no child has a beard and that hair turns grey with age whatever
its colour was; features sit on a head that turns about its vertical axis; the background is plain.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from coursedata.attributes import Attribute
from coursedata.faces.attributes import ADULT, ATTRIBUTES, Labels, draw_labels
from coursedata.faces.portrait import NUM_TRAITS, Person, Portrait
from coursedata.surroundings import ink, vertices

__all__ = ["ADULT", "ATTRIBUTES", "Attribute", "Faces", "Labels", "render"]

SUPERSAMPLING = 4
# Canvas units from edge to edge of a picture.
FRAME = 2.35
# How much the light models each part, of 255; features are drawn on what is lit already.
LIT = {"head": 255, "clothes": 90}
_ATTRIBUTE_DRAWS, _VIEW_DRAWS = len(ATTRIBUTES), 4
_LIT_AT_A_TIME = 512


class Faces(NamedTuple):
    """What `render` gives: images uint8 (num, size, size, 3), and the labels of every attribute, arrays (num,)."""

    images: NDArray[np.uint8]
    labels: Labels


def render(
    num: int,
    *,
    seed: int | np.random.SeedSequence,
    size: int = 32,
    labels: Labels | Mapping[str, ArrayLike] | None = None,
) -> Faces:
    """Draws `num` faces of `size` x `size` pixels.

    Face k depends on the seed and k alone, so a smaller draw is a prefix of a larger one. `labels` sets attributes (see
    `ATTRIBUTES`), each to one value or to an array (num,); the others are drawn at random, and stay as they are when
    one that is set changes. Raises ValueError for a size below 16 and for labels that are none.
    """
    if num < 0 or size < 16:
        raise ValueError(f"{num=}, {size=}: give num >= 0 and size >= 16.")
    given = labels._asdict() if isinstance(labels, Labels) else dict(labels or {})
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    uniforms = np.empty((num, _ATTRIBUTE_DRAWS + _VIEW_DRAWS + NUM_TRAITS))
    for k in range(num):
        sequence = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, k))
        uniforms[k] = np.random.Generator(np.random.PCG64(sequence)).random(uniforms.shape[1])
    drawn = draw_labels(uniforms[:, :_ATTRIBUTE_DRAWS], given)
    images = np.empty((num, size, size, 3), np.uint8)
    for start in range(0, num, _LIT_AT_A_TIME):
        some = slice(start, start + _LIT_AT_A_TIME)
        people = [Person(*values) for values in zip(*(column[some].tolist() for column in drawn), strict=True)]
        flat, solid, head = _paint(people, uniforms[some, _ATTRIBUTE_DRAWS:], size)
        images[some] = _lit(flat, solid, head, drawn.light[some])
    return Faces(images, drawn)


def _paint(
    people: list[Person], uniforms: NDArray[np.float64], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    """Unlit pictures (num, size, size, 3), how much of a pixel is the head's (num, size, size), and the heads (num, 4)
    as centre x, centre y, half width and half height in pixels."""
    extent = size * SUPERSAMPLING
    flat, solid = np.empty((len(people), size, size, 3), np.uint8), np.empty((len(people), size, size), np.uint8)
    heads = np.empty((len(people), 4), np.float32)
    for k, (person, row) in enumerate(zip(people, uniforms.tolist(), strict=True)):
        near, right, low, leaning, *traits = row
        scale = extent / FRAME * (0.95 + 0.1 * near)
        x, y = extent * (0.475 + 0.05 * right), extent * (0.48 + 0.04 * low)
        tilt = 0.16 * (leaning - 0.5)
        portrait = Portrait(person, traits)
        canvas = Image.new("RGB", (extent, extent), ink(portrait.back))
        mask = Image.new("L", (extent, extent), 0)
        draw, draw_mask = ImageDraw.Draw(canvas), ImageDraw.Draw(mask)
        # A small tilt of the head, to first order.
        matrix = np.array(((scale, scale * tilt), (-scale * tilt, scale)))
        coordinates, start = vertices(portrait.outlines() @ matrix + (x, y)), 0
        for patch in portrait.patches:
            end = start + 2 * len(patch.outline)
            outline, start = coordinates[start:end], end
            draw.polygon(outline, fill=ink(patch.colour))
            if patch.part in LIT:
                draw_mask.polygon(outline, fill=LIT[patch.part])
        flat[k] = np.asarray(canvas.reduce(SUPERSAMPLING))
        solid[k] = np.asarray(mask.reduce(SUPERSAMPLING))
        pixels = scale / SUPERSAMPLING
        heads[k] = x / SUPERSAMPLING, y / SUPERSAMPLING, pixels * portrait.head.width, pixels * portrait.head.height
    return flat, solid, heads


def _lit(
    flat: NDArray[np.uint8], solid: NDArray[np.uint8], heads: NDArray[np.float32], light: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """The pictures under a light that comes from above and from one side: Lambert's law on an ellipsoid."""
    size = flat.shape[1]
    pixel = np.arange(size, dtype=np.float32) + 0.5
    u = ((pixel - heads[:, :1]) / (1.25 * heads[:, 2:3]))[:, None, :]
    v = ((pixel - heads[:, 1:2]) / (1.25 * heads[:, 3:]))[:, :, None]
    depth = np.sqrt(np.maximum(np.float32(0.08), 1 - u * u - v * v))
    side = (1.5 * light - 0.75).astype(np.float32)[:, None, None]
    towards = (side * u - np.float32(0.35) * v + np.float32(0.8) * depth) / np.sqrt(side * side + np.float32(0.7625))
    share = solid.astype(np.float32) / 255
    # Half the light comes from everywhere.
    strength = 1 + share * (np.float32(0.55) + np.float32(0.6) * np.maximum(towards, 0) - 1)
    # The wall behind gets a little darker downwards.
    strength *= 1 - np.float32(0.12) * (1 - share) * (pixel / size)[None, :, None]
    return np.rint(np.clip(flat * strength[..., None], 0, 255)).astype(np.uint8)
