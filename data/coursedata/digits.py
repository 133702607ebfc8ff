"""Handwritten digits in grey: scikit-learn's (bundled) and MNIST (real)."""

import numpy as np
from sklearn.datasets import load_digits as load_sklearn_digits

from coursedata.fetching import fetch
from coursedata.sources import ImageSplit, resolve_source

_CLASS_NAMES = tuple("0123456789")


def load_digits(source: str | None = None, *, num_train: int, num_test: int, seed: int = 0) -> ImageSplit:
    """Handwritten digits as an `ImageSplit`: x uint8 (num, size, size, 1), ink bright; y int64 (num,) in 0..9.

    "bundled" are the 1,797 digits of 8×8 pixels that come with scikit-learn (the test part of "Optical Recognition of
    Handwritten Digits", Alpaydin and Kaynak 1998), split at random; "real" is MNIST (LeCun, Bottou, Bengio and Haffner
    1998): 28×28 pixels, 60,000 to train and 10,000 to test. Which examples are drawn, and in which order, depends on
    `seed` only: a shorter training set is the beginning of a longer one.
    Raises `ValueError` when more are asked for than there are, and what `fetch` raises for missing data.
    """
    if resolve_source(source) == "bundled":
        digits = load_sklearn_digits()
        x = np.rint(digits.images * (255 / 16)).astype(np.uint8)
        y = digits.target.astype(np.int64)
        _check(num_train + num_test, len(y), "digits bundled with scikit-learn, training and test together")
        order = np.random.default_rng(seed).permutation(len(y))
        # The test examples from the end: how many are trained on does not change them.
        train, test = order[:num_train], order[len(y) - num_test :]
        return ImageSplit(x[train, ..., None], y[train], x[test, ..., None], y[test], _CLASS_NAMES)
    with np.load(fetch("mnist")) as archive:
        x_train, y_train = _draw(archive["x_train"], archive["y_train"], num_train, seed, "MNIST training")
        x_test, y_test = _draw(archive["x_test"], archive["y_test"], num_test, seed, "MNIST test")
    return ImageSplit(x_train, y_train, x_test, y_test, _CLASS_NAMES)


def _draw(x: np.ndarray, y: np.ndarray, num: int, seed: int, what: str) -> tuple[np.ndarray, np.ndarray]:
    _check(num, len(y), f"{what} digits")
    chosen = np.random.default_rng(seed).permutation(len(y))[:num]
    return x[chosen][..., None], y[chosen].astype(np.int64)


def _check(asked: int, there: int, what: str) -> None:
    if asked > there:
        raise ValueError(f"{asked} digits asked for, but there are {there} {what}")
