"""The handwritten digits: shapes, classes, which draw depends on what, and MNIST where it is at hand."""

import os

import numpy as np
import pytest
from coursedata import load_digits
from sklearn.datasets import load_digits as load_sklearn_digits

BUNDLED_SIZE = 1797


def test_bundled_shapes_and_range() -> None:
    split = load_digits("bundled", num_train=100, num_test=50)
    assert (split.x_train.shape, split.x_test.shape) == ((100, 8, 8, 1), (50, 8, 8, 1))
    assert (split.x_train.dtype, split.y_train.dtype) == (np.uint8, np.int64)
    assert (split.x_train.min(), split.x_train.max()) == (0, 255)
    assert split.class_names == tuple("0123456789")
    assert set(split.y_train) == set(range(10))


def test_every_digit_keeps_its_label_and_is_handed_out_once() -> None:
    split = load_digits("bundled", num_train=1000, num_test=797, seed=3)
    images = np.concatenate([split.x_train, split.x_test])[..., 0]
    labels = np.concatenate([split.y_train, split.y_test])
    origin = load_sklearn_digits()
    handed_out = sorted((image.tobytes(), label) for image, label in zip(images, labels, strict=True))
    scaled = np.rint(origin.images * (255 / 16)).astype("uint8")
    assert handed_out == sorted((image.tobytes(), label) for image, label in zip(scaled, origin.target, strict=True))


def test_the_draw_depends_on_the_seed_only() -> None:
    long = load_digits("bundled", num_train=200, num_test=100, seed=1)
    short = load_digits("bundled", num_train=50, num_test=100, seed=1)
    other = load_digits("bundled", num_train=50, num_test=100, seed=2)
    np.testing.assert_array_equal(long.x_train[:50], short.x_train)
    np.testing.assert_array_equal(long.y_test, short.y_test)
    assert not np.array_equal(short.y_train, other.y_train)


def test_more_than_there_are() -> None:
    with pytest.raises(ValueError, match=str(BUNDLED_SIZE)):
        load_digits("bundled", num_train=BUNDLED_SIZE, num_test=1)


def test_mnist() -> None:
    folder = os.environ.get("COURSE_DATA")
    if not folder:
        pytest.skip("COURSE_DATA names no folder of real data")
    split = load_digits("real", num_train=500, num_test=100)
    assert (split.x_train.shape, split.x_test.shape) == ((500, 28, 28, 1), (100, 28, 28, 1))
    assert (split.x_train.dtype, split.y_train.dtype) == (np.uint8, np.int64)
    # Ink is bright on black, and every class is there.
    assert 0 < split.x_train.mean() < 80
    assert set(split.y_train) == set(range(10))
