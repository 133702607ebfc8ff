"""Which data a lecture gets: `bundled`, generated here, or `real`, from files."""

import os
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coursedata import cifar10, emoji, scenes
from coursedata.errors import UnknownSource
from coursedata.fetching import fetch
from coursedata.speech import SpeechSplit, bundled, fsdd

SOURCES = ("bundled", "real")
VARIABLE = "COURSE_SOURCE"


class ImageSplit(NamedTuple):
    """Images uint8 (num, 32, 32, 3) and labels int64 (num,) to train and to test on, and the names of the classes."""

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]
    class_names: tuple[str, ...]


def resolve_source(name: str | None = None) -> str:
    """`name`, else the variable COURSE_SOURCE, else "bundled". Raises UnknownSource for any other word."""
    source = name or os.environ.get(VARIABLE) or SOURCES[0]
    if source not in SOURCES:
        origin = "" if name else f" in the variable {VARIABLE}"
        raise UnknownSource(f"Unknown source {source!r}{origin}: use one of {', '.join(SOURCES)}.")
    return source


def load_images(
    source: str | None = None,
    *,
    num_train: int,
    num_test: int,
    seed: int = 0,
    nuisances: scenes.Nuisances | None = None,
) -> ImageSplit:
    """Images of 32 x 32 pixels to classify, with equally frequent classes.

    Bundled: object scenes drawn from `seed` with `nuisances`. Real: the first `num_train` and `num_test` of CIFAR-10,
    whatever the seed. Bundled scenes that were drawn last are remembered: asking again gives a copy. Raises
    UnknownSource; TypeError for nuisances that are no `scenes.Nuisances`; ValueError for nuisances of real photographs
    or more of them than there are; and what `coursedata.fetch` raises.
    """
    if resolve_source(source) == "real":
        if nuisances is not None:
            raise ValueError("nuisances can be set for bundled object scenes only: leave them out, or use 'bundled'.")
        return ImageSplit(*cifar10.load(fetch("cifar10"), num_train, num_test))
    drawn = _object_scenes(num_train, num_test, seed, scenes.checked(nuisances))
    return ImageSplit(*(part.copy() for part in drawn), scenes.CLASSES)


@lru_cache(maxsize=1, typed=True)
def _object_scenes(num_train: int, num_test: int, seed: int, nuisances: scenes.Nuisances) -> tuple[np.ndarray, ...]:
    train, test = (
        scenes.render(num, seed=sequence, nuisances=nuisances)
        for num, sequence in zip((num_train, num_test), np.random.SeedSequence(seed).spawn(2), strict=True)
    )
    return train.images, train.labels, test.images, test.labels


def load_speech(source: str | None = None, *, seed: int = 0) -> SpeechSplit:
    """Digit strings to train, choose settings and test on, with no speaker in two of the three.

    Bundled: 480 strings of 24 voices, whatever the seed. Real: recordings of six speakers, joined by `seed` into
    strings. Raises UnknownSource, and what `coursedata.fetch` raises.
    """
    if resolve_source(source) == "real":
        return fsdd.load(fetch("fsdd"), seed)
    return bundled.load()


def load_emoji(num: int | None = None, *, seed: int = 0, background: int = 255) -> emoji.Emoji:
    """Noto's emoji that are one character with a name: all of them, or the first `num` of an order that `seed` decides.

    Real data, for which there is no bundled set. `background` (0 to 255) is the grey behind the pictures. What is a
    sequence of characters (flags, families, skin tones) or newer than Python's table of names is left out.
    Raises ValueError for more than there are, and what `coursedata.fetch` raises.
    """
    return emoji.load(fetch("emoji"), num, seed, background)
