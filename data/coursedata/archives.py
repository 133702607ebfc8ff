"""Reading a downloaded archive without unpacking it to the disk."""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path


def matching(archive: Path, pattern: re.Pattern[str]) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """The pattern's groups and the content of every regular file in a tar archive whose whole name matches.

    Raises tarfile.TarError, EOFError, zlib.error or OSError for an archive that is damaged.
    """
    with tarfile.open(archive) as members:
        for member in members:
            match = pattern.fullmatch(member.name)
            if match and member.isfile():
                yield match.groups(), members.extractfile(member).read()
