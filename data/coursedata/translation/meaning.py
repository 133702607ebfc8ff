"""What a sentence says, in no language: the trees that the grammar draws and the three languages spell out."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Pronoun:
    """Person 1, 2 or 3; the gender of "they" and of the speaker is unknown in English, of "he" and "she" not."""

    person: int
    plural: bool = False
    gender: str = "m"


@dataclass(frozen=True)
class Name:
    """A person's name; with `title`, a family name ("Mr", "Mrs")."""

    text: str
    gender: str
    title: bool = False


@dataclass(frozen=True)
class NounPhrase:
    """A noun with what surrounds it.

    `determiner`: the, a, this, some (of what cannot be counted), my, his, her, our, or a number as text ("3").
    `owner` is whom it belongs to; `relative` a clause without its subject or its object.
    """

    noun: str
    plural: bool = False
    determiner: str = "the"
    adjective: str | None = None
    owner: "NounPhrase | Name | None" = None
    relative: "Clause | None" = None


Nominal = NounPhrase | Name | Pronoun


@dataclass(frozen=True)
class Time:
    """When: kind day ("today"), weekday ("Monday"), month ("May"), date (day, month) or hour (1 to 12, half or not)."""

    kind: str
    value: str = ""
    number: int = 0
    half: bool = False


@dataclass(frozen=True)
class Place:
    """Where: kind in (a place), town (its name), to (a direction), with, for or without (someone)."""

    kind: str
    what: NounPhrase | Name | str


@dataclass(frozen=True)
class Clause:
    """One verb with what belongs to it.

    `verb` is a key of `lexicon.VERBS`, or "be" with `predicate`, an adjective. `tense` is present or past; `modal` is
    want, must or can. A clause inside a noun phrase has a `gap`, subject or object: that one is given, but not said.
    """

    subject: Nominal | None
    verb: str
    tense: str = "present"
    modal: str | None = None
    object: Nominal | None = None
    recipient: Nominal | None = None
    predicate: str | None = None
    price: int = 0
    negation: str | None = None
    frequency: str | None = None
    places: tuple[Place, ...] = ()
    time: Time | None = None
    fronted: bool = False
    complement: "Clause | None" = None
    gap: str | None = None


@dataclass(frozen=True)
class Subordination:
    """`main`, and when, if or because `sub`; `first` says that the subordinate clause comes first."""

    main: Clause
    conjunction: str
    sub: Clause
    first: bool = False


@dataclass(frozen=True)
class Discourse:
    """Clauses joined by `and` or `but`: a whole sentence."""

    parts: tuple[Clause | Subordination, ...]
    conjunctions: tuple[str, ...] = ()


class Choices:
    """Which of several right ways a language takes: the first at every point, except where `fixed` says another."""

    def __init__(self, fixed: dict[object, str] | None = None) -> None:
        self._fixed = fixed or {}
        self.points: dict[object, tuple[str, ...]] = {}

    def pick(self, point: object, *options: str) -> str:
        """The option taken at `point`; the same point always takes the same."""
        self.points.setdefault(point, options)
        return self._fixed.get(point, options[0])


def clauses(node: object) -> Iterator[Clause]:
    """All clauses of a sentence, those inside noun phrases and complements too."""
    if isinstance(node, Discourse):
        for part in node.parts:
            yield from clauses(part)
    elif isinstance(node, Subordination):
        yield from clauses(node.main)
        yield from clauses(node.sub)
    elif isinstance(node, Clause):
        yield node
        yield from clauses(node.complement)
        for phrase in nominals(node):
            if isinstance(phrase, NounPhrase):
                yield from clauses(phrase.relative)


def nominals(clause: Clause) -> list[Nominal]:
    """Subject, object, recipient and what stands in places: without what lies inside them."""
    inside = [place.what for place in clause.places if not isinstance(place.what, str)]
    return [one for one in (clause.subject, clause.object, clause.recipient, *inside) if one is not None]
