"""The attributes of generated pictures: what they may be, drawn at random or as the caller sets them."""

from collections.abc import Mapping
from dataclasses import dataclass

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


def drawn_values(
    kind: str, attributes: Mapping[str, Attribute], uniforms: NDArray[np.float64], given: Mapping[str, ArrayLike]
) -> dict[str, NDArray]:
    """Independent attributes from uniform numbers (num, len(attributes)), except for those that are `given`.

    Raises ValueError for an unknown attribute, and for values of another shape, kind or range.
    """
    unknown = set(given) - set(attributes)
    if unknown:
        raise ValueError(f"no attribute {sorted(unknown)}: {kind} have {', '.join(attributes)}.")
    values = {}
    for (name, attribute), column in zip(attributes.items(), uniforms.T, strict=True):
        if name in given:
            values[name] = _checked(name, attribute, given[name], len(uniforms))
        elif attribute.is_class:
            values[name] = np.searchsorted(np.cumsum(attribute.shares)[:-1], column, side="right").astype(np.int64)
        else:
            values[name] = column.copy()
    return values


def _checked(name: str, attribute: Attribute, values: ArrayLike, num: int) -> NDArray:
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
