"""Edges and a photograph: one of the course's twelve kinds of thing before a studio's backdrop.

An edge is where one part of the thing ends: what is hidden has none, and neither have shadows. Colours, material and
light are the photograph's own.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

from coursedata import placement, surroundings
from coursedata.attributes import Attribute
from coursedata.domains.painting import SUPERSAMPLING, Canvas, Source, Surface, gradient, scaled
from coursedata.geometry import ellipse
from coursedata.scenes import PROTOTYPE_COLOURS
from coursedata.shapes import BUILDERS, HOLE
from coursedata.shapes import CLASSES as THINGS

ATTRIBUTES = {"thing": Attribute(THINGS, (1 / len(THINGS),) * len(THINGS))}
CLASSES = ("backdrop", "thing")
BACKDROP, THING = range(2)
SURFACES = (Surface(0.02, 0.03, 0.08), Surface(0.10, 0.14, 0.12))
BACKDROPS = ((0.86, 0.86, 0.84), (0.70, 0.76, 0.80), (0.84, 0.78, 0.68), (0.62, 0.62, 0.64), (0.76, 0.80, 0.72))
# Canvas pixels that an edge is wide: three quarters of a pixel of the picture.
EDGE_WIDTH = 3


def paint(labels: dict[str, float], layout: Source, look: Source, size: int) -> tuple[Canvas, NDArray[np.uint8]]:
    """The canvas of a thing, and its edges, black on white, uint8 (size, size, 3)."""
    backdrop = look.vary(BACKDROPS[look.kind(len(BACKDROPS))], 0.12)
    canvas = Canvas(size, backdrop, BACKDROP)
    canvas.sun, canvas.softness = (look.between(-1.0, 0.4), -0.8), 0.03
    gradient(canvas, 0, 0.72, scaled(backdrop, look.between(0.74, 0.94)), backdrop, BACKDROP)
    gradient(canvas, 0.72, 1, backdrop, scaled(backdrop, look.between(0.86, 1.04)), BACKDROP)
    freedom, vivid = look.between(0.0, 2.0), look.between(0.55, 0.95)
    colours = [
        surroundings.mix((0.5, 0.5, 0.5), surroundings.mix(usual, other, abs(freedom - 1)), vivid)
        for usual, other in zip(PROTOTYPE_COLOURS, surroundings.object_colours(look.uniform), strict=True)
    ]
    parts = BUILDERS[THINGS[int(labels["thing"])]](layout)
    points, ends = placement.outlines(parts, 1)
    points = placement.view(points, layout.uniform, 0.3, (0.5, 0.48, 1.0))
    (left, _), (right, low) = points.min(axis=0), points.max(axis=0)
    canvas.fill(ellipse((left + right) / 2 - 0.1 * canvas.sun[0], low - 0.02, (right - left) / 2, 0.07), shade=0.8)
    canvas.flush()
    square = canvas.colour.size
    layer, numbers = Image.new("RGB", square), Image.new("L", square, 0)
    draw_layer, draw_numbers = ImageDraw.Draw(layer), ImageDraw.Draw(numbers)
    coordinates = surroundings.vertices(points * canvas.extent)
    for number, (part, start, end) in enumerate(zip(parts, [0, *ends], ends, strict=False), start=1):
        outline = coordinates[2 * start : 2 * end]
        if part.role != HOLE:
            draw_layer.polygon(outline, fill=surroundings.ink(colours[part.role]))
        draw_numbers.polygon(outline, fill=0 if part.role == HOLE else number)
    mask = numbers.point([0] + [255] * 255)
    canvas.colour.paste(layer, mask=mask)
    canvas.classes.paste(THING, mask=mask)
    canvas.solid.paste(255, mask=mask)
    canvas.shade.paste(0, mask=mask)
    edges = _edges(np.asarray(numbers))
    # Light does not get into the gaps between parts.
    canvas.shade = ImageChops.lighter(canvas.shade, edges.point(lambda value: value // 3))
    grey = 255 - np.asarray(edges.reduce(SUPERSAMPLING))
    return canvas, np.repeat(grey[..., None], 3, axis=2)


def _edges(numbers: NDArray[np.uint8]) -> Image.Image:
    """Where the number of the part changes, 255 on `EDGE_WIDTH` canvas pixels, else 0."""
    changes = np.zeros(numbers.shape, np.uint8)
    before, after = EDGE_WIDTH // 2, EDGE_WIDTH - EDGE_WIDTH // 2
    changes[before : -after or None] |= numbers[EDGE_WIDTH:] != numbers[:-EDGE_WIDTH]
    changes[:, before : -after or None] |= numbers[:, EDGE_WIDTH:] != numbers[:, :-EDGE_WIDTH]
    return Image.fromarray(255 * changes)
