"""Text to words to numbers and back: normalization, tokenization and vocabulary, each on its own."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

PADDING, START, END, UNKNOWN = "<pad>", "<s>", "</s>", "<unk>"
SPECIAL = (PADDING, START, END, UNKNOWN)
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
# French words that lose their vowel stand alone with their apostrophe; "aujourd'hui" is one word.
_TOKEN = re.compile(
    r"\d+(?:[.,:]\d+)*"
    r"|aujourd'hui"
    r"|(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu)'(?=\w)"
    r"|'s\b"
    r"|\w+(?:[-']\w+)*?(?='s\b)"
    r"|\w+(?:[-']\w+)*'?"
    r"|[^\w\s]",
    re.IGNORECASE,
)
_CLOSING = set(".,;:!?)%…") | {"'s"}


def normalize(text: str, *, lower: bool = True) -> str:
    """The text in one Unicode form (NFC), with plain quotation marks, single blanks and (`lower`) small letters."""
    text = unicodedata.normalize("NFC", text).translate(_QUOTES)
    text = " ".join(text.split())
    return text.lower() if lower else text


def tokenize(text: str) -> list[str]:
    """Words and punctuation marks: "l'homme n'a pas 3,5 kg." becomes l' homme n' a pas 3,5 kg and a full stop."""
    return _TOKEN.findall(text)


def detokenize(tokens: Iterable[str], language: str) -> str:
    """A sentence from tokens: blanks where the language ("en", "fr", "de") has them, the first letter a capital."""
    text = ""
    for token in tokens:
        tight = not text or token in _CLOSING or text.endswith(("(",)) or (language == "fr" and text.endswith("'"))
        if language == "fr" and token in "?!;:":
            tight = False
        text += token if tight else " " + token
    return text[:1].upper() + text[1:]


class Vocabulary:
    """Words by number: padding 0, start 1, end 2, unknown 3, then words, the most frequent first.

    `sentences` are token lists; words that come fewer than `min_count` times, or beyond the `max_size` most frequent,
    are unknown. Words of equal frequency stand in alphabetical order.
    """

    def __init__(self, sentences: Iterable[Sequence[str]], *, min_count: int = 1, max_size: int | None = None) -> None:
        counts = Counter(token for sentence in sentences for token in sentence)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        kept = [token for token, count in ranked if count >= min_count and token not in SPECIAL]
        self.words = (*SPECIAL, *kept[:max_size])
        self._ids = {word: k for k, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    def encode(self, tokens: Sequence[str]) -> list[int]:
        """Numbers of the tokens, unknown words as 3; without start and end."""
        unknown = self._ids[UNKNOWN]
        return [self._ids.get(token, unknown) for token in tokens]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Tokens of the numbers up to the first end, without padding and start."""
        found = []
        for k in ids:
            if self.words[k] == END:
                break
            if self.words[k] not in (PADDING, START):
                found.append(self.words[k])
        return found

    def num_unknown(self, sentences: Iterable[Sequence[str]]) -> int:
        """How many tokens of the sentences the vocabulary lacks."""
        return sum(token not in self._ids for sentence in sentences for token in sentence)
