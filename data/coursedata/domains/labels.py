"""The attributes of scenes: drawn at random, or as the caller sets them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coursedata.faces.attributes import Attribute, checked_values


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
            values[name] = checked_values(name, attribute, given[name], len(uniforms))
        elif attribute.is_class:
            values[name] = np.searchsorted(np.cumsum(attribute.shares)[:-1], column, side="right").astype(np.int64)
        else:
            values[name] = column.copy()
    return values
