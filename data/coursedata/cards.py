"""The table of cards in data/README.md, made anew by `python -m coursedata.cards FILE`."""

import sys
from pathlib import Path

from coursedata.registry import CARDS, Card

BEGIN = "<!-- cards: begin (python -m coursedata.cards writes this table, a test compares it) -->\n"
END = "<!-- cards: end -->"


def table() -> str:
    """One row a data set, as Markdown."""
    rows = [
        "| set | what | origin | licence | may be passed on | files (sha256) and layout |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*rows, *(_row(card) for card in CARDS.values())]) + "\n"


def _row(card: Card) -> str:
    files = "".join(
        f"`{card.name}/{prepared.name}`, {prepared.num_bytes:,} bytes (`{prepared.sha256}`); "
        for prepared in card.files
    )
    passed_on = "yes" if card.redistributable else "no"
    return f"| `{card.name}` | {card.title} | {card.origin} | {card.licence} | {passed_on} | {files}{card.layout} |"


def renewed(text: str) -> str:
    """A README's text with the table between its two marks written anew. Raises ValueError without the marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the file lacks the marks {BEGIN.strip()!r} and {END!r}")
    return before + begin + "\n" + table() + "\n" + end + after


if __name__ == "__main__":
    readme = Path(sys.argv[1] if len(sys.argv) > 1 else "data/README.md")
    readme.write_text(renewed(readme.read_text(encoding="utf-8")), encoding="utf-8")
