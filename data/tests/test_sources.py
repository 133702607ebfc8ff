"""Which data a lecture gets."""

import os
from pathlib import Path

import numpy as np
import pytest
from coursedata import UnknownSource, fetch, load_images, resolve_source
from coursedata.fetching import VARIABLE
from coursedata.registry import CARDS
from coursedata.scenes import CLASSES, Nuisances


def real_file(name: str) -> bool:
    folder = os.environ.get(VARIABLE, "")
    return bool(folder) and any(Path(folder, name, prepared.name).is_file() for prepared in CARDS[name].files)


needs_cifar10 = pytest.mark.skipif(not real_file("cifar10"), reason=f"{VARIABLE} names no folder with CIFAR-10 in it")


def test_the_argument_goes_before_the_variable(monkeypatch):
    monkeypatch.delenv("COURSE_SOURCE", raising=False)
    assert resolve_source() == "bundled"
    monkeypatch.setenv("COURSE_SOURCE", "real")
    assert resolve_source() == "real"
    assert resolve_source("bundled") == "bundled"


def test_an_unknown_source_names_the_allowed_ones(monkeypatch):
    with pytest.raises(UnknownSource, match="'imagenet'.*bundled, real"):
        resolve_source("imagenet")
    monkeypatch.setenv("COURSE_SOURCE", "cloud")
    with pytest.raises(UnknownSource, match="'cloud' in the variable COURSE_SOURCE.*bundled, real"):
        load_images(num_train=1, num_test=1)


def test_bundled_images_depend_on_the_seed_and_test_differs_from_train():
    split = load_images("bundled", num_train=24, num_test=12, seed=4)
    assert split.x_train.shape == (24, 32, 32, 3) and split.x_train.dtype == np.uint8
    assert split.y_train.shape == (24,) and split.y_train.dtype == np.int64 and split.class_names == CLASSES
    np.testing.assert_array_equal(split.x_train, load_images("bundled", num_train=30, num_test=12, seed=4).x_train[:24])
    assert not (split.x_train[:12] == split.x_test).all(axis=(1, 2, 3)).any()
    assert not np.array_equal(split.x_train, load_images("bundled", num_train=24, num_test=12, seed=5).x_train)


def test_bundled_images_take_nuisances():
    plain = load_images("bundled", num_train=12, num_test=12, nuisances=Nuisances.none())
    assert not np.array_equal(plain.x_train, load_images("bundled", num_train=12, num_test=12).x_train)


def test_the_same_images_again_are_a_copy_of_their_own():
    first = load_images("bundled", num_train=12, num_test=12, seed=6)
    untouched = first.x_train.copy()
    first.x_train[:] = 0
    again = load_images("bundled", num_train=12, num_test=12, seed=6)
    np.testing.assert_array_equal(again.x_train, untouched)


@pytest.mark.parametrize("nuisances", [{"viewpoint": 0.5}, 0.5])
def test_other_nuisances_are_refused(nuisances):
    with pytest.raises(TypeError, match=r"give coursedata\.scenes\.Nuisances"):
        load_images("bundled", num_train=12, num_test=12, nuisances=nuisances)


def test_photographs_take_no_nuisances():
    with pytest.raises(ValueError, match="bundled"):
        load_images("real", num_train=10, num_test=10, nuisances=Nuisances())


@needs_cifar10
def test_cifar10_is_read_balanced():
    split = load_images("real", num_train=500, num_test=100)
    assert split.x_train.shape == (500, 32, 32, 3) and split.x_test.shape == (100, 32, 32, 3)
    assert split.class_names[3] == "cat" and len(split.class_names) == 10
    assert np.bincount(split.y_train[:50]).tolist() == [5] * 10
    np.testing.assert_array_equal(split.x_train[:20], load_images("real", num_train=20, num_test=10).x_train)
    # Photographs: neighbouring pixels are alike, and the mean colour is a mid grey.
    images = split.x_train.astype(float)
    assert np.abs(np.diff(images, axis=2)).mean() < 0.5 * images.std()
    assert 100 < images.mean() < 140


@needs_cifar10
def test_more_of_cifar10_than_there_is_cannot_be_had():
    with pytest.raises(ValueError, match="ask for no more"):
        load_images("real", num_train=60_000, num_test=10)


@needs_cifar10
def test_the_prepared_cifar10_has_the_digest_of_its_card():
    from coursedata import cifar10

    assert cifar10.content_sha256(fetch("cifar10")) == CARDS["cifar10"].content_sha256


@pytest.mark.skipif(not real_file("mnist"), reason=f"{VARIABLE} names no folder with MNIST in it")
def test_the_prepared_mnist_has_the_digest_of_its_card():
    from coursedata import mnist

    assert mnist.content_sha256(fetch("mnist")) == CARDS["mnist"].content_sha256
