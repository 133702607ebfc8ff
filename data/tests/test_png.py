"""Smaller PNG files: the same to the eye, and never larger."""

import io

import numpy as np
from coursedata import png
from PIL import Image


def encoded(picture: np.ndarray, mode: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture, mode).save(file, "PNG")
    return file.getvalue()


def decoded(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"), np.float32)


def spectrogram(size: int = 200) -> np.ndarray:
    """A picture of one row of colours, which changes from pixel to pixel."""
    y, x = np.mgrid[0:size, 0:size] / size
    level = (np.sin(7 * x) * np.cos(5 * y) + 1) / 2
    level = np.clip(level + np.random.default_rng(1).normal(0, 0.1, level.shape), 0, 1)
    return np.rint(255 * np.stack([level, level**2, 1 - level], axis=-1)).astype(np.uint8)


def test_a_spectrogram_shrinks_and_looks_the_same():
    picture = spectrogram()
    file = encoded(picture, "RGB")
    small = png.smaller(file)
    assert len(small) < 0.6 * len(file)
    assert np.sqrt(np.mean((decoded(small) - picture) ** 2)) < 4


def test_more_colours_than_a_palette_holds_stay():
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    np.testing.assert_array_equal(decoded(png.smaller(encoded(noise, "RGB"))), noise)


def test_what_is_transparent_is_white():
    picture = np.concatenate([spectrogram(), np.zeros((200, 200, 1), np.uint8)], axis=-1)
    np.testing.assert_array_equal(decoded(png.smaller(encoded(picture, "RGBA"))), 255)


def test_a_file_that_is_small_already_stays():
    small = png.smaller(encoded(spectrogram(), "RGB"))
    assert png.smaller(small) == small
