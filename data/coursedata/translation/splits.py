"""Sentences to learn from, to choose settings on and to be tested on, none on two sides."""

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from coursedata.translation import multi30k, tatoeba
from coursedata.translation.grammar import LANGUAGES, Phenomena, Sentence, stream
from coursedata.translation.lexicon import NOUNS
from coursedata.translation.text import normalize, tokenize

# Of the pairs of words that can stand together, one in so many is kept for validation and test.
_HELD_OUT, _HELD_OUT_COMPOUNDS = 16, 4
KINDS = ("ordinary", "combination", "long")
CORPORA = ("tatoeba", "multi30k")
_COMPOUND_PARTS = frozenset(noun.parts for noun in NOUNS.values() if noun.parts)
Lines = tuple[tuple[str, ...], ...]


class TranslationSplit(NamedTuple):
    """Lines to train, to choose settings and to test on: each the same sentence in the languages asked for, in order.

    `test_references` and `valid_references` have, a line, every right sentence in the last language. `test_kinds` and
    `valid_kinds` say what is new in a line, a word of KINDS (all "ordinary" in real data). `report` counts lines that
    were drawn or read, and those dropped by their reason.
    """

    train: Lines
    valid: Lines
    test: Lines
    valid_references: Lines
    test_references: Lines
    valid_kinds: tuple[str, ...]
    test_kinds: tuple[str, ...]
    report: dict[str, int]


def load_translation(
    source: str | None = None,
    *,
    languages: tuple[str, ...] = ("en", "fr"),
    num_train: int,
    num_valid: int,
    num_test: int,
    seed: int = 0,
    phenomena: Phenomena | None = None,
    share: float = 1.0,
    max_train_words: int = 20,
    max_words: int = 30,
    corpus: str = "tatoeba",
) -> TranslationSplit:
    """Sentences in two languages or more, the last the one to translate into.

    Bundled: the grammar's. Training sentences have 3 to `max_train_words` English words, and lack some combinations of
    words (an adjective with a noun, a verb with an object, the parts of a compound). Validation and test have, in turn,
    a sentence like those, one with such a combination, and one that is longer, up to `max_words`. `phenomena` and
    `share` (of the lexicon) are those of `generate`. Sentences that were drawn last are remembered.
    Real: the sentences of a `corpus`, "tatoeba" or "multi30k" (languages en, fr, de, and cs in multi30k), of at most
    `max_words` tokens, shuffled by `seed`; split by source sentence (Multi30k as its authors split it).
    Raises UnknownSource, ValueError for unknown languages or corpora or more sentences than there are, and what
    `coursedata.fetch` raises.
    """
    # Here, because the module that fetches imports this package's corpora.
    from coursedata.fetching import fetch
    from coursedata.sources import resolve_source

    if len(languages) < 2 or len(set(languages)) < len(languages):
        raise ValueError(f"translation is between different languages: not {languages}.")
    sizes = (num_train, num_valid, num_test)
    if resolve_source(source) == "bundled":
        _check(languages, LANGUAGES, "bundled sentences")
        chosen = phenomena or Phenomena()
        split = _bundled(tuple(languages), sizes, seed, chosen, share, max_train_words, max_words)
        return split._replace(report=dict(split.report))
    if phenomena is not None:
        raise ValueError("phenomena can be chosen for bundled sentences only: leave them out, or use 'bundled'.")
    if corpus not in CORPORA:
        raise ValueError(f"unknown corpus {corpus!r}: use one of {', '.join(CORPORA)}.")
    module = {"tatoeba": tatoeba, "multi30k": multi30k}[corpus]
    _check(languages, module.LANGUAGES, corpus)
    return _real(module.read(fetch(corpus), languages), sizes, seed, max_words)


def _check(languages: Sequence[str], known: Sequence[str], what: str) -> None:
    unknown = [one for one in languages if one not in known]
    if unknown:
        raise ValueError(f"{what} are in {', '.join(known)}: not in {', '.join(unknown)}.")


def is_held_out(sentence: Sentence) -> bool:
    """Whether a sentence has a combination of words that training lacks."""
    return any(_is_held_out(*pair) for pair in sentence.combinations)


def _is_held_out(first: str, second: str) -> bool:
    compound = (first, second) in _COMPOUND_PARTS
    # A checksum of the words, and not of numbers: new words in the lexicon move no old pair to the other side.
    return zlib.crc32(f"{first} {second}".encode()) % (_HELD_OUT_COMPOUNDS if compound else _HELD_OUT) == 0


@lru_cache(maxsize=1, typed=True)
def _bundled(
    languages: tuple[str, ...],
    sizes: tuple[int, int, int],
    seed: int,
    phenomena: Phenomena,
    share: float,
    max_train_words: int,
    max_words: int,
) -> TranslationSplit:
    if not max_train_words < max_words:
        raise ValueError(f"test sentences are to be longer than {max_train_words} words: raise max_words.")
    train_seed, *seeds = np.random.SeedSequence(seed).spawn(1 + 2 * len(KINDS))
    report: Counter[str] = Counter()
    taken: set[str] = set()

    def draw(num: int, root: np.random.SeedSequence, low: int, high: int, fits: Callable[[Sentence], bool]):
        found: list[tuple[Sentence, tuple[str, ...]]] = []
        own: set[str] = set()
        for sentence in stream(root, phenomena, low, high, share):
            if len(found) == num:
                break
            texts = tuple(sentence.text(language) for language in languages)
            report["drawn"] += 1
            if not fits(sentence):
                report["held-out combination" if low < high and is_held_out(sentence) else "no new combination"] += 1
            elif any(text in taken for text in texts):
                report["in validation or test"] += 1
            elif texts[0] in own:
                report["duplicate"] += 1
            else:
                found.append((sentence, texts))
                own.update(texts)
        return found, own

    parts = []
    for part, num in enumerate(sizes[1:]):
        columns = []
        for k, kind in enumerate(KINDS):
            low, high = (max_train_words + 1, max_words) if kind == "long" else (3, max_train_words)
            fits = {
                "ordinary": lambda sentence: not is_held_out(sentence),
                "combination": is_held_out,
                "long": lambda sentence: True,
            }[kind]
            found, own = draw((num + 2 - k) // 3, seeds[part * len(KINDS) + k], low, high, fits)
            taken |= own
            columns.append(found)
        parts.append([(*columns[k % 3][k // 3], KINDS[k % 3]) for k in range(num)])
    train, _ = draw(sizes[0], train_seed, 3, max_train_words, lambda sentence: not is_held_out(sentence))
    lines = [tuple(texts for _, texts, _ in part) for part in parts]
    references = [tuple(one.references(languages[-1]) for one, _, _ in part) for part in parts]
    kinds = [tuple(kind for _, _, kind in part) for part in parts]
    return TranslationSplit(tuple(texts for _, texts in train), *lines, *references, *kinds, dict(report))


def _real(rows: dict[str, list[tuple[str, ...]]], sizes: tuple[int, int, int], seed: int, max_words: int):
    """`rows` by part: one part "all", to be split here, or three."""
    report: Counter[str] = Counter()
    grouped: dict[str, dict[str, list[tuple[str, ...]]]] = {part: {} for part in rows}
    seen: dict[str, str] = {}
    # Test before training, so that what is in both stays in the test.
    for part in sorted(rows, key=["test", "valid", "train", "all"].index):
        for row in rows[part]:
            report["read"] += 1
            key = normalize(row[0]) if row else ""
            if not all(normalize(text) for text in row):
                report["empty"] += 1
            elif max(len(tokenize(text)) for text in row) > max_words:
                report["too long"] += 1
            elif seen.setdefault(key, part) != part:
                report["in validation or test"] += 1
            else:
                if key in grouped[part]:
                    report["further translation of a sentence"] += 1
                grouped[part].setdefault(key, []).append(row)
    rng = np.random.default_rng(seed)
    parts = {part: [list(group.values())[k] for k in rng.permutation(len(group))] for part, group in grouped.items()}
    if "all" in parts:
        every, bounds = parts["all"], np.cumsum([0, *sizes[:0:-1]])
        test, valid = every[: bounds[1]], every[bounds[1] : bounds[2]]
        # The rest is for training, in an order that depends neither on how much of it is used.
        parts = {"train": every[bounds[2] :], "valid": valid, "test": test}
    chosen = []
    for name, num in zip(("train", "valid", "test"), sizes, strict=True):
        if len(parts[name]) < num:
            raise ValueError(f"there are {len(parts[name])} sentences for {name}: ask for no more, not for {num}.")
        chosen.append(parts[name][:num])
    lines = [tuple(group[0] for group in part) for part in chosen]
    references = [tuple(tuple(dict.fromkeys(row[-1] for row in group)) for group in part) for part in chosen[1:]]
    kinds = [("ordinary",) * len(part) for part in chosen[1:]]
    return TranslationSplit(*lines, *references, *kinds, dict(report))
