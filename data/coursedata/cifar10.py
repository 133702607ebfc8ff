"""CIFAR-10 in its prepared form: read, check, and make it from the origin's archive of JPEG files.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", technical report, 2009.
"""

import hashlib
import io
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from coursedata import archives

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# How many leading images the content digest covers: those of the smaller prepared file.
DIGESTED = {"train": 20_000, "test": 4_000}
_MEMBER = re.compile(r"[^/]+/(train|test)/(" + "|".join(CLASS_NAMES) + r")/(\d+)\.jpe?g")

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def load(path: Path, num_train: int, num_test: int) -> tuple[Images, Labels, Images, Labels, tuple[str, ...]]:
    """A prepared file's first images, x uint8 (num, 32, 32, 3) and y int64 (num,), of train and test, and class names.

    Any multiple of ten holds each class equally often. Raises ValueError for more images than there are.
    """
    with np.load(path) as prepared:
        train = _decode(prepared, "train", num_train, path)
        test = _decode(prepared, "test", num_test, path)
        return *train, *test, tuple(prepared["classes"].tolist())


def _decode(prepared: np.lib.npyio.NpzFile, part: str, num: int, path: Path) -> tuple[Images, Labels]:
    labels = prepared[f"{part}_y"][:num].astype(np.int64)
    if len(labels) < num:
        raise ValueError(f"{path} holds {len(labels)} {part} images: ask for no more than that, not for {num}.")
    offsets, jpeg = prepared[f"{part}_offsets"], prepared[f"{part}_jpeg"].tobytes()
    images = np.empty((num, 32, 32, 3), np.uint8)
    for k in range(num):
        images[k] = Image.open(io.BytesIO(jpeg[offsets[k] : offsets[k + 1]])).convert("RGB")
    return images, labels


def content_sha256(path: Path, digested: dict[str, int] = DIGESTED) -> str:
    """The digest of a prepared file's class names and, of train and test, the first images' offsets, bytes and labels.

    It does not depend on the compression of the file, and is the same for the small and the large prepared file.
    Raises KeyError, ValueError, OSError or zipfile.BadZipFile for a file that is not of the layout.
    """
    digest = hashlib.sha256()
    with np.load(path) as prepared:
        digest.update("\n".join(prepared["classes"].tolist()).encode())
        for part, num in digested.items():
            offsets = prepared[f"{part}_offsets"][: num + 1].astype("<i8")
            digest.update(offsets.tobytes())
            digest.update(prepared[f"{part}_jpeg"][: offsets[-1]].tobytes())
            digest.update(prepared[f"{part}_y"][:num].astype("<u1").tobytes())
    return digest.hexdigest()


def prepare(archive: Path, destination: Path) -> None:
    """Makes the prepared file from the origin's tar archive (TOP/train|test/CLASS/NUMBER.jpg), classes taking turns.

    Raises what `archives.matching` raises, and ValueError for an archive that holds something else.
    """
    files: dict[str, dict[str, dict[int, bytes]]] = {
        part: {name: {} for name in CLASS_NAMES} for part in ("train", "test")
    }
    for (part, name, number), content in archives.matching(archive, _MEMBER):
        files[part][name][int(number)] = content
    arrays: dict[str, NDArray] = {"classes": np.array(CLASS_NAMES)}
    for part, classes in files.items():
        sizes = {len(images) for images in classes.values()}
        if len(sizes) != 1 or 0 in sizes:
            raise ValueError(f"the archive holds no equal number of {part} images of every class")
        columns = [[images[number] for number in sorted(images)] for images in classes.values()]
        ordered = [image for turn in zip(*columns, strict=True) for image in turn]
        arrays[f"{part}_jpeg"] = np.frombuffer(b"".join(ordered), np.uint8)
        arrays[f"{part}_offsets"] = np.cumsum([0, *map(len, ordered)]).astype(np.int32)
        arrays[f"{part}_y"] = (np.arange(len(ordered)) % len(CLASS_NAMES)).astype(np.uint8)
    with open(destination, "wb") as file:
        np.savez_compressed(file, **arrays)
