"""What a face has: its attributes, how they are drawn at random, and how a caller sets them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Attribute:
    """One attribute: the names of its classes, or of the two ends of its range from 0 to 1.

    `shares` are the probabilities of the classes where nothing else decides; a range is drawn uniformly.
    """

    values: tuple[str, ...]
    shares: tuple[float, ...] = ()

    @property
    def is_class(self) -> bool:
        """Whether its label is a class, int64; otherwise it is a number in [0, 1], float64."""
        return bool(self.shares)


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
    Raises ValueError for an unknown attribute, and for values of another shape, kind or range.
    """
    unknown = set(given) - set(ATTRIBUTES)
    if unknown:
        raise ValueError(f"no attribute {sorted(unknown)}: faces have {', '.join(ATTRIBUTES)}.")
    columns = {}
    for (name, attribute), column in zip(ATTRIBUTES.items(), uniforms.T, strict=True):
        if name in given:
            columns[name] = checked_values(name, attribute, given[name], len(uniforms))
        elif attribute.is_class:
            columns[name] = np.searchsorted(np.cumsum(attribute.shares)[:-1], column, side="right").astype(np.int64)
        else:
            columns[name] = column.copy()
    if "beard" not in given:
        columns["beard"][columns["age"] < ADULT] = 0
    return Labels(**columns)


def checked_values(name: str, attribute: Attribute, values: ArrayLike, num: int) -> NDArray:
    """Values that a caller gives an attribute, one or `num`, as an array (num,); raises ValueError for others."""
    array = np.asarray(values)
    if array.shape not in ((), (num,)):
        raise ValueError(f"{name}: give one value or {num}, not an array of shape {array.shape}.")
    array = np.broadcast_to(array, (num,))
    if attribute.is_class:
        if array.dtype.kind not in "biu" or not np.isin(array, np.arange(len(attribute.values))).all():
            raise ValueError(f"{name}: give whole numbers from 0 to {len(attribute.values) - 1}: {attribute.values}.")
        return array.astype(np.int64)
    if array.dtype.kind not in "biuf" or not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"{name}: give numbers from 0 ({attribute.values[0]}) to 1 ({attribute.values[1]}).")
    return array.astype(np.float64)
