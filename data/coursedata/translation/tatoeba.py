"""Tatoeba sentence pairs in their prepared form, as packed by manythings.org/anki: read and check.

Source: Tatoeba (https://tatoeba.org), CC BY 2.0 FR; pairs as of 2018 and 2019.
"""

import gzip
import hashlib
from pathlib import Path

LANGUAGES = ("en", "fr", "de")
PAIRS = {("en", "fr"): "eng-fra_30k.tsv.gz", ("en", "de"): "eng-deu_30k.tsv.gz"}
TRIPLES = "eng-fra-deu.tsv.gz"


def read(folder: Path, languages: tuple[str, ...]) -> dict[str, list[tuple[str, ...]]]:
    """All lines, under the key "all", in the order of `languages`.

    English with French or German: 30,000 pairs each; anything else from the triples. A line that lacks a column has an
    empty sentence there.
    """
    known = tuple(sorted(languages, key=LANGUAGES.index))
    name = PAIRS.get(known, TRIPLES)
    columns = known if known in PAIRS else LANGUAGES
    rows = []
    with gzip.open(folder / name, "rt", encoding="utf-8") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            cells += [""] * (len(columns) - len(cells))
            rows.append(tuple(cells[columns.index(language)] for language in languages))
    return {"all": rows}


def content_sha256(folder: Path) -> str:
    """The digest of the names and the texts of all files, whatever their compression."""
    digest = hashlib.sha256()
    for name in sorted((*PAIRS.values(), TRIPLES)):
        digest.update(name.encode())
        with gzip.open(folder / name) as file:
            digest.update(file.read())
    return digest.hexdigest()
