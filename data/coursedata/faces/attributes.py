"""What a face has: its attributes, how they are drawn at random, and how a caller sets them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coursedata.attributes import Attribute, drawn_values

ATTRIBUTES: dict[str, Attribute] = {
    "glasses": Attribute(("without", "with"), (0.5, 0.5)),
    "smile": Attribute(("neutral", "smiling"), (0.5, 0.5)),
    "hair": Attribute(("bald", "short", "long", "curly"), (0.1, 0.35, 0.3, 0.25)),
    "beard": Attribute(("without", "with"), (0.5, 0.5)),
    "age": Attribute(("child", "old")),
    "shape": Attribute(("round", "oval", "square"), (0.3, 0.4, 0.3)),
    "skin": Attribute(("light", "dark")),
    "hair_colour": Attribute(("black", "brown", "blond", "red"), (0.35, 0.3, 0.2, 0.15)),
    "pose": Attribute(("turned to the left", "turned to the right")),
    "light": Attribute(("from the left", "from the right")),
}
ADULT = 0.3


class Labels(NamedTuple):
    """The attributes of faces, an array (num,) each: int64 classes or float64 numbers in [0, 1] (see `ATTRIBUTES`)."""

    glasses: NDArray[np.int64]
    smile: NDArray[np.int64]
    hair: NDArray[np.int64]
    beard: NDArray[np.int64]
    age: NDArray[np.float64]
    shape: NDArray[np.int64]
    skin: NDArray[np.float64]
    hair_colour: NDArray[np.int64]
    pose: NDArray[np.float64]
    light: NDArray[np.float64]


def draw_labels(uniforms: NDArray[np.float64], given: Mapping[str, ArrayLike]) -> Labels:
    """Labels from uniform numbers (num, len(ATTRIBUTES)), except for the attributes that are `given`.

    Attributes are independent of each other, but for one: who is younger than `ADULT` has no beard unless it is given.
    Raises ValueError as `drawn_values` does.
    """
    columns = drawn_values("faces", ATTRIBUTES, uniforms, given)
    if "beard" not in given:
        columns["beard"][columns["age"] < ADULT] = 0
    return Labels(**columns)
