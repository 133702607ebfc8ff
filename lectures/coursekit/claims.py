"""The last word of a lecture: a statement with a margin over the baseline, checked by the code."""

import html
import math
from dataclasses import dataclass, field
from numbers import Real

import numpy as np
from IPython.display import display

from coursekit.profile import Profile, get_profile

MIME_TYPE = "application/vnd.course.claim+json"
KEYS = ("lecture", "claim", "paper", "before", "here", "margin", "holds", "profile", "source")

Value = float | int | str


class ClaimFailed(AssertionError):
    """A lecture's claim does not hold in this run."""

    def __init__(self, claim: "Claim") -> None:
        self.claim = claim
        super().__init__(
            f"{claim.lecture}: {claim.statement} Demanded: {claim.margin}; before {format_value(claim.before)}, "
            f"here {format_value(claim.here)}."
        )


@dataclass(frozen=True)
class Claim:
    """A statement of a lecture and what this run measured.

    `statement` is a sentence without measured numbers: it names the claim, the same in every run. `paper` is what the
    paper reported ("–" where it reported nothing comparable). `before` is the baseline's value and `here` ours, best as
    numbers in one unit, which the statement names (then medians over seeds can be taken). `margin` says in words what
    was demanded over the baseline, and `holds` whether it was reached. `source` says where the data came from if the
    lecture did not follow the profile.
    """

    lecture: str
    statement: str
    paper: str
    before: Value
    here: Value
    margin: str
    holds: bool
    source: str | None = None
    profile: Profile = field(default_factory=get_profile)

    def __post_init__(self) -> None:
        for name in ("lecture", "statement", "paper", "margin"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text.strip():
                raise TypeError(f"a claim's {name} is a text, got {text!r}")
        for name in ("before", "here"):
            object.__setattr__(self, name, _plain(name, getattr(self, name)))
        if not isinstance(self.holds, bool | np.bool_):
            raise TypeError(f"a claim's holds is True or False, got {self.holds!r}")
        object.__setattr__(self, "holds", bool(self.holds))

    def check(self) -> None:
        """Display the claim, then raise `ClaimFailed` if it does not hold."""
        display(self)
        if not self.holds:
            raise ClaimFailed(self)

    def as_dict(self) -> dict[str, Value | bool]:
        """What machines read: the keys `KEYS`, plain values."""
        values = (self.lecture, self.statement, self.paper, self.before, self.here, self.margin, self.holds)
        return dict(zip(KEYS, (*values, self.profile.name, self.source or self.profile.source), strict=True))

    def __repr__(self) -> str:
        rows = "\n".join(f"  {name:6}  {value}" for name, value in self._rows())
        return f"{self._verdict()}: {self.statement}\n{rows}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {"text/plain": repr(self), "text/html": self._html(), MIME_TYPE: self.as_dict()}

    def _verdict(self) -> str:
        return "HOLDS" if self.holds else "DOES NOT HOLD"

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("paper", self.paper),
            ("before", format_value(self.before)),
            ("here", format_value(self.here)),
            ("margin", self.margin),
            ("run", f"{self.profile.name} profile, {self.source or self.profile.source} data"),
        ]

    def _html(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self._rows()
        )
        # A word besides the colour: the colour alone is lost on the colour-blind.
        colour = "#009E73" if self.holds else "#D55E00"
        return (
            f"<table><caption style='text-align:left'><b style='color:{colour}'>{self._verdict()}</b> "
            f"{html.escape(self.statement)}</caption>{rows}</table>"
        )


def format_value(value: Value) -> str:
    """A claim's value for people: numbers with three significant digits, text as it is."""
    return value if isinstance(value, str) else f"{value:.3g}"


def _plain(name: str, value: object) -> Value:
    """A built-in number or text of a claim's value; numbers that JSON cannot hold become text."""
    if isinstance(value, str):
        return value
    # 0-d arrays and backend tensors convert through NumPy; anything longer is no single value.
    array = np.asarray(value)
    if array.ndim == 0 and isinstance(array.item(), Real):
        number = array.item()
        return number if math.isfinite(number) else str(number)
    raise TypeError(f"a claim's {name} is one number or a text, got {value!r}")
