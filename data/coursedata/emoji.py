"""Noto colour emoji of 32 × 32 pixels, with the names that Unicode gives them.

Source: Google, Noto Emoji, the PNG files of 32 pixels; names: the Unicode Character Database as Python has it.
"""

import hashlib
import io
import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from coursedata import archives

_MEMBER = re.compile(r"[^/]+/png/32/emoji_u([0-9a-f_]+)\.png")


class Emoji(NamedTuple):
    """Images uint8 (num, 32, 32, 3) on a plain background, the characters, and their names in lower case."""

    images: NDArray[np.uint8]
    characters: tuple[str, ...]
    names: tuple[str, ...]


def load(path: Path, num: int | None, seed: int, background: int) -> Emoji:
    """A prepared file's emoji that are one character with a name: see `coursedata.load_emoji`."""
    with np.load(path) as prepared:
        rgba, codes = prepared["rgba"], prepared["code"].tolist()
    characters = ["" if "_" in code else chr(int(code, 16)) for code in codes]
    names = [unicodedata.name(one, "") if one else "" for one in characters]
    named = np.flatnonzero(names)
    num = len(named) if num is None else num
    if num > len(named):
        raise ValueError(f"{num} emoji asked for, but {len(named)} have a name")
    chosen = np.random.default_rng(seed).permutation(named)[:num]
    colours, opacity = rgba[chosen, ..., :3].astype(np.float32), rgba[chosen, ..., 3:].astype(np.float32) / 255
    images = np.rint(colours * opacity + background * (1 - opacity)).astype(np.uint8)
    return Emoji(images, tuple(characters[k] for k in chosen), tuple(names[k].lower() for k in chosen))


def content_sha256(path: Path) -> str:
    """The digest of a prepared file's codes and pixels, whatever the file's compression."""
    digest = hashlib.sha256()
    with np.load(path) as prepared:
        digest.update("\n".join(prepared["code"].tolist()).encode())
        digest.update(np.ascontiguousarray(prepared["rgba"], np.uint8).tobytes())
    return digest.hexdigest()


def prepare(archive: Path, destination: Path) -> None:
    """Makes the prepared file from the origin's tar archive (TOP/png/32/emoji_uCODES.png), in order of the codes.

    Raises what `archives.matching` raises, and ValueError for an archive that holds something else.
    """
    pictures = {code: content for (code,), content in archives.matching(archive, _MEMBER)}
    if not pictures:
        raise ValueError("the archive holds no emoji of 32 pixels")
    codes = sorted(pictures)
    rgba = np.stack([np.asarray(Image.open(io.BytesIO(pictures[code])).convert("RGBA")) for code in codes])
    # What cannot be seen has no colour of its own.
    rgba[rgba[..., 3] == 0] = 0
    with open(destination, "wb") as file:
        np.savez_compressed(file, rgba=rgba, code=np.array(codes))
