"""Multi30k, captions of pictures in English, French, German and Czech, aligned line by line: read, check, prepare.

Source: D. Elliott, S. Frank, K. Sima'an, L. Specia, "Multi30K: multilingual English-German image descriptions", 2016;
French: D. Elliott et al. 2017; Czech: L. Barrault et al. 2018. Task 1, and the test set of 2016.
"""

import gzip
import hashlib
import re
from pathlib import Path

from coursedata import archives

LANGUAGES = ("en", "fr", "de", "cs")
PARTS = {"train": "train", "valid": "val", "test": "test_2016_flickr"}
_MEMBER = re.compile(r"[^/]+/data/task1/raw/((?:train|val|test_2016_flickr)\.(?:cs|de|en|fr)\.gz)")


def read(folder: Path, languages: tuple[str, ...]) -> dict[str, list[tuple[str, ...]]]:
    """Lines by part ("train", "valid", "test"), in the order of `languages`. Raises ValueError if they do not align."""
    rows = {}
    for part, name in PARTS.items():
        columns = []
        for language in languages:
            with gzip.open(folder / f"{name}.{language}.gz", "rt", encoding="utf-8") as lines:
                columns.append([line.strip() for line in lines])
        if len({len(column) for column in columns}) > 1:
            raise ValueError(f"the files of {name} in {folder} have different numbers of lines.")
        rows[part] = list(zip(*columns, strict=True))
    return rows


def content_sha256(folder: Path) -> str:
    """The digest of the names and the texts of all files, whatever their compression."""
    digest = hashlib.sha256()
    for name in sorted(f"{part}.{language}.gz" for part in PARTS.values() for language in LANGUAGES):
        digest.update(name.encode())
        with gzip.open(folder / name) as file:
            digest.update(file.read())
    return digest.hexdigest()


def prepare(archive: Path, destination: Path) -> None:
    """Makes the folder of prepared files from the origin's tar archive, each file unchanged.

    Raises what `archives.matching` raises, and ValueError for an archive that lacks a file.
    """
    destination.mkdir()
    found = 0
    for (name,), content in archives.matching(archive, _MEMBER):
        (destination / name).write_bytes(content)
        found += 1
    if found != len(PARTS) * len(LANGUAGES):
        raise ValueError(f"the archive holds {found} of {len(PARTS) * len(LANGUAGES)} files of captions")
