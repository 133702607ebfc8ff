"""MNIST in its prepared form: made from the origin's archive of PNG files, and its digest.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", 1998.
"""

import hashlib
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from coursedata import archives

_MEMBER = re.compile(r"[^/]+/(train|test)/(\d)/(\d+)\.png")


def content_sha256(path: Path) -> str:
    """The digest of a prepared file's arrays x_train, y_train, x_test, y_test, whatever the file's compression."""
    digest = hashlib.sha256()
    with np.load(path) as prepared:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            digest.update(np.ascontiguousarray(prepared[name], np.uint8).tobytes())
    return digest.hexdigest()


def prepare(archive: Path, destination: Path) -> None:
    """Makes the prepared file from the origin's tar archive (TOP/train|test/DIGIT/NUMBER.png), in order of NUMBER.

    Raises what `archives.matching` raises, and ValueError for an archive that holds something else.
    """
    digits: dict[str, dict[int, tuple[int, bytes]]] = {"train": {}, "test": {}}
    for (part, digit, number), content in archives.matching(archive, _MEMBER):
        digits[part][int(number)] = int(digit), content
    arrays = {}
    for part, numbered in digits.items():
        if not numbered:
            raise ValueError(f"the archive holds no {part} digits")
        ordered = [numbered[number] for number in sorted(numbered)]
        arrays[f"x_{part}"] = np.stack([np.asarray(Image.open(io.BytesIO(content))) for _, content in ordered])
        arrays[f"y_{part}"] = np.array([digit for digit, _ in ordered], np.uint8)
    with open(destination, "wb") as file:
        np.savez_compressed(file, **arrays)
