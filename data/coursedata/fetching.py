"""Finding the file of a data set: the user's own folder, then the cache, then a download that is verified."""

import errno
import gzip
import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from types import ModuleType

import pooch
import requests

from coursedata import cifar10, emoji, mnist
from coursedata.errors import ChecksumMismatch, DataUnavailable, NoDiskSpace, UnknownDataset
from coursedata.registry import CARDS, Card, PreparedFile
from coursedata.speech import fsdd
from coursedata.translation import multi30k, tatoeba

VARIABLE = "COURSE_DATA"
# Each with `prepare(archive, destination)` and `content_sha256(path)`.
PREPARERS: dict[str, ModuleType] = {
    "cifar10": cifar10,
    "emoji": emoji,
    "fsdd": fsdd,
    "mnist": mnist,
    "multi30k": multi30k,
    "tatoeba": tatoeba,
}
# What a reader of archives or arrays raises when the bytes are not what they should be.
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, KeyError, ValueError)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def cache_folder() -> Path:
    """Where downloads are kept: `deep-learning-breakthroughs` in the user's cache folder."""
    return Path(pooch.os_cache("deep-learning-breakthroughs"))


def fetch(name: str) -> Path:
    """The path of a data set's prepared file, or of the folder of its files, verified.

    It comes from COURSE_DATA, else from the cache, else it is downloaded into that.

    Raises UnknownDataset; ChecksumMismatch for a file in COURSE_DATA that is not as its card says (it stays where it
    is) or for a damaged download (it is removed); DataUnavailable when nothing is there and it cannot be downloaded or
    kept, or when COURSE_DATA holds only some of the files of a set that needs all; NoDiskSpace.
    """
    card = CARDS.get(name)
    if card is None or card.generated:
        fetchable = ", ".join(sorted(card.name for card in CARDS.values() if not card.generated))
        reason = "is not in the registry" if card is None else f"is {card.origin} and has no file"
        raise UnknownDataset(f"Data set {name!r} {reason}: those that can be fetched are {fetchable}.")
    return _own_file(card) or _cached_file(card) or _download(card)


def _own_file(card: Card) -> Path | None:
    """The user's own copy; a damaged or incomplete one is an error, never removed and never silently replaced."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise DataUnavailable(f"{VARIABLE} is {folder!r}, which is no folder: correct it or unset it.")
    found = [(Path(folder, card.name, prepared.name), prepared) for prepared in card.files]
    there = [(path, prepared) for path, prepared in found if path.is_file()]
    if not there:
        return None
    if card.folder and len(there) < len(found):
        raise DataUnavailable(_what_is_missing(Path(folder, card.name), card))
    for path, prepared in there if card.folder else there[:1]:
        _verify_own(path, prepared)
    return Path(folder, card.name) if card.folder else there[0][0]


def _what_is_missing(folder: Path, card: Card) -> str:
    names = [prepared.name for prepared in card.files if not (folder / prepared.name).is_file()]
    way_out = f", or take the folder out of {VARIABLE} to download the set" if card.download else ""
    return (
        f"{folder} lacks {', '.join(names)}: put {'them' if len(names) > 1 else 'it'} there (layout: data/README.md)"
        f"{way_out}."
    )


def _verify_own(path: Path, prepared: PreparedFile) -> None:
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != prepared.sha256:
        raise ChecksumMismatch(
            f"{path} is not the file that its card describes (sha256 {found[:12]}…, expected {prepared.sha256[:12]}…): "
            f"replace it by an intact copy ({prepared.num_bytes} bytes), or take it out of {VARIABLE} to download it."
        )


def _cached_file(card: Card) -> Path | None:
    """An earlier download; a damaged one is removed, for it is this module's own and can be had again."""
    path = _cached_path(card)
    if not path.exists():
        return None
    if _is_intact(path, card):
        return path
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    return None


def _cached_path(card: Card) -> Path:
    return cache_folder() / card.name / ("files" if card.folder else card.files[0].name)


def _is_intact(path: Path, card: Card) -> bool:
    try:
        return PREPARERS[card.name].content_sha256(path) == card.content_sha256
    except (*_DAMAGED, FileNotFoundError):
        return False


def _download(card: Card) -> Path:
    """Downloads the origin's archive, prepares it beside its final place, verifies that and only then renames it."""
    if not card.download:
        raise DataUnavailable(
            f"{card.name} is not on this machine, and no address has it in the form that the course reads. "
            f"{_own_way(card)}"
        )
    destination = _cached_path(card)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix="incomplete-") as scratch:
            archive, prepared = Path(scratch, "archive"), Path(scratch, destination.name)
            pooch.HTTPDownloader(progressbar=True, chunk_size=2**16)(card.download, str(archive), None)
            _prepare(card, archive, prepared)
            os.replace(prepared, destination)
    except requests.HTTPError as error:
        raise DataUnavailable(
            f"{card.name} could not be downloaded: {card.download} answered {error.response.status_code}. "
            f"{_own_way(card)}"
        ) from error
    except (requests.ConnectionError, requests.Timeout) as error:
        raise DataUnavailable(
            f"{card.name} is not on this machine and {card.download} cannot be reached: connect to the network and try "
            f"again. {_own_way(card)}"
        ) from error
    except requests.RequestException as error:
        raise DataUnavailable(
            f"The download of {card.name} from {card.download} broke off and was removed: try again. {_own_way(card)}"
        ) from error
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise NoDiskSpace(
                f"No space left in {destination.parent} for {card.name}: free about 150 MB and try again; nothing was "
                "kept of this download."
            ) from error
        raise DataUnavailable(
            f"{card.name} cannot be kept in {destination.parent} ({error.strerror}): make that folder writable, or set "
            f"XDG_CACHE_HOME to one that is. {_own_way(card)}"
        ) from error
    return destination


def _prepare(card: Card, archive: Path, destination: Path) -> None:
    preparer = PREPARERS[card.name]
    try:
        preparer.prepare(archive, destination)
        found = preparer.content_sha256(destination)
    except _DAMAGED as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(":")
        raise ChecksumMismatch(
            f"The download from {card.download} is damaged ({reason}) and was removed: try again. {_own_way(card)}"
        ) from error
    if found != card.content_sha256:
        raise ChecksumMismatch(
            f"The download from {card.download} is not what its card describes (content sha256 {found[:12]}…, expected "
            f"{card.content_sha256[:12]}…) and was removed: try again. {_own_way(card)}"
        )


def _own_way(card: Card) -> str:
    names = (" and " if card.folder else " or ").join(f"{card.name}/{prepared.name}" for prepared in card.files)
    return f"Without a network, set {VARIABLE} to a folder that holds {names} (layout: data/README.md)."
