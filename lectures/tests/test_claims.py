"""Claims: what people see, what machines read, and that a claim that does not hold raises after it was shown."""

import json

import numpy as np
import pytest
from coursekit import Claim, ClaimFailed, Profile, claims
from coursekit.claims import KEYS, MIME_TYPE, format_value

PROFILE = Profile("small", "bundled")


def claim(**changes) -> Claim:
    values = {
        "lecture": "2_vision/1_imagenet_cnns",
        "statement": "A network beats <HOG>.",
        "paper": "16.4 %",
        "before": 0.4,
        "here": 0.1,
        "margin": "at most half",
        "holds": True,
        "profile": PROFILE,
    }
    return Claim(**{**values, **changes})


def test_machines_read_exactly_the_schema() -> None:
    bundle = claim()._repr_mimebundle_()
    assert MIME_TYPE == "application/vnd.course.claim+json"
    assert bundle[MIME_TYPE] == {
        "lecture": "2_vision/1_imagenet_cnns",
        "claim": "A network beats <HOG>.",
        "paper": "16.4 %",
        "before": 0.4,
        "here": 0.1,
        "margin": "at most half",
        "holds": True,
        "profile": "small",
        "source": "bundled",
    }
    assert tuple(bundle[MIME_TYPE]) == KEYS


def test_people_see_a_table_and_text() -> None:
    bundle = claim()._repr_mimebundle_()
    assert "A network beats &lt;HOG&gt;." in bundle["text/html"]
    for text in (bundle["text/plain"], bundle["text/html"]):
        for part in ("HOLDS", "16.4 %", "0.4", "0.1", "at most half", "small profile, bundled data"):
            assert part in text
    assert "DOES NOT HOLD" in claim(holds=False)._repr_mimebundle_()["text/html"]


def test_a_claim_that_holds_is_displayed(monkeypatch) -> None:
    shown = []
    monkeypatch.setattr(claims, "display", shown.append)
    held = claim()
    held.check()
    assert shown == [held]


def test_a_claim_that_fails_is_displayed_and_then_raises(monkeypatch) -> None:
    shown = []
    monkeypatch.setattr(claims, "display", shown.append)
    failed = claim(holds=np.bool_(False))
    with pytest.raises(ClaimFailed, match="A network beats.*at most half.*before 0.4, here 0.1"):
        failed.check()
    assert shown == [failed]


@pytest.mark.parametrize("value", [np.float32(0.5), np.array(0.5), 0.5, np.int64(3)])
def test_values_become_plain_numbers(value) -> None:
    plain = claim(here=value).here
    assert type(plain) in (float, int)
    assert json.loads(json.dumps(plain)) == value


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_json_cannot_hold_becomes_text(value) -> None:
    assert claim(here=value).here == str(value)


@pytest.mark.parametrize(
    "changes",
    [{"here": [1, 2]}, {"before": None}, {"holds": 1}, {"holds": np.array([True])}, {"margin": " "}, {"paper": None}],
)
def test_refuses_what_is_no_claim(changes) -> None:
    with pytest.raises(TypeError, match=next(iter(changes))):
        claim(**changes)


def test_source_can_be_named() -> None:
    assert claim(source="real").as_dict()["source"] == "real"


def test_format_value() -> None:
    assert [format_value(value) for value in (0.123456, 1e-9, 12, "text")] == ["0.123", "1e-09", "12", "text"]
