"""The cards: complete, honest about licences, and the same in the README."""

import re
from pathlib import Path

import pytest
from coursedata import cards, fetching, pictures
from coursedata.registry import CARDS

DATA = Path(__file__).parents[1]


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_a_card_is_complete(card):
    assert CARDS[card.name] is card
    assert card.title and card.origin and card.licence and card.layout
    if card.generated:
        assert not card.download and not card.content_sha256
        return
    assert card.name in fetching.PREPARERS
    assert re.fullmatch("[0-9a-f]{64}", card.content_sha256)
    # An origin that can change under its address could not be verified.
    assert re.search("[0-9a-f]{40}", card.origin)
    assert re.search("[0-9a-f]{40}", card.download) or not card.download
    for prepared in card.files:
        assert re.fullmatch("[0-9a-f]{64}", prepared.sha256) and prepared.num_bytes > 1000


def test_what_states_no_licence_is_not_passed_on():
    for card in CARDS.values():
        if "none stated" in card.licence:
            assert not card.redistributable


def test_the_readme_holds_the_cards():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    assert cards.renewed(readme) == readme, "run: python -m coursedata.cards data/README.md"


def test_a_readme_without_its_marks_is_refused():
    with pytest.raises(ValueError, match="lacks the marks"):
        cards.renewed("# Data\n")


def test_the_readme_shows_every_picture_there_is():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\(pictures/(\w+)\.png\)", readme))
    assert shown == set(pictures.FIGURES) == {path.stem for path in (DATA / "pictures").glob("*.png")}
