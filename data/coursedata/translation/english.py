"""Meanings in English."""

from coursedata.translation import numerals
from coursedata.translation.lexicon import MASS, NOUNS, VERBS
from coursedata.translation.meaning import (
    Choices,
    Clause,
    Discourse,
    Name,
    Nominal,
    NounPhrase,
    Place,
    Pronoun,
    Subordination,
    Time,
)

_PRONOUNS = {(1, False): "I", (1, True): "we", (2, False): "you", (3, True): "they"}
_CONTRACTED = {
    "does not": "doesn't",
    "do not": "don't",
    "did not": "didn't",
    "cannot": "can't",
    "is not": "isn't",
    "are not": "aren't",
    "was not": "wasn't",
    "were not": "weren't",
}


def words(sentence: Discourse, choices: Choices) -> list[str]:
    """The sentence's words and commas, without the full stop and capitals."""
    made = _part(sentence.parts[0], choices)
    for conjunction, part in zip(sentence.conjunctions, sentence.parts[1:], strict=True):
        made += ([","] if conjunction == "but" else []) + [conjunction] + _part(part, choices)
    return _with_articles(" ".join(filter(None, made)).split())


def _part(part: Clause | Subordination, choices: Choices) -> list[str]:
    if isinstance(part, Clause):
        return _clause(part, choices, turnable=True)
    main = _clause(part.main, choices, turnable=not part.first)
    sub = [part.conjunction, *_clause(part.sub, choices)]
    return [*sub, ",", *main] if part.first else [*main, *sub]


def _with_articles(made: list[str]) -> list[str]:
    """Writes "a" as "an" before a vowel's sound."""
    following = [*made[1:], ""]
    return [
        "an" if word == "a" and after.startswith(tuple("aeiou")) else word
        for word, after in zip(made, following, strict=True)
    ]


def _clause(clause: Clause, choices: Choices, turnable: bool = False) -> list[str]:
    """`turnable`: the time may stand in front."""
    subject = [] if clause.gap == "subject" else _nominal(clause.subject, choices)
    when = [] if clause.time is None else _time(clause.time, choices)
    made = [*subject, *_verb(clause, choices), *_objects(clause, choices)]
    for place in clause.places:
        made += _place(place, choices)
    if clause.complement is not None:
        return [*made, "that", *_clause(clause.complement, choices)]
    options = ("front", "end") if clause.fronted else ("end", "front")
    if turnable and when and choices.pick(("time", id(clause)), *options) == "front":
        return [*when, *made]
    return [*made, *when]


def _is_third(subject: Nominal) -> bool:
    if isinstance(subject, Pronoun):
        return subject.person == 3 and not subject.plural
    return not (isinstance(subject, NounPhrase) and subject.plural)


def _be(subject: Nominal, tense: str) -> str:
    if tense == "past":
        return "was" if _is_third(subject) or subject == Pronoun(1) else "were"
    return (
        "am"
        if isinstance(subject, Pronoun) and subject.person == 1 and not subject.plural
        else ("is" if _is_third(subject) else "are")
    )


def _verb(clause: Clause, choices: Choices) -> list[str]:
    subject = clause.subject
    adverb = [clause.frequency] if clause.frequency else []
    if clause.negation in ("never", "no longer"):
        adverb = [clause.negation]
    negated = clause.negation == "not"
    if clause.verb == "be":
        finite = _be(subject, clause.tense)
        return [_contracted(f"{finite} not", choices) if negated else finite, *adverb, clause.predicate]
    verb = VERBS[clause.verb].english
    rest = [verb.particle, verb.tail]
    if clause.modal in ("must", "can"):
        finite = _contracted("cannot", choices) if negated else clause.modal
        return [finite, *adverb, verb.base, *rest]
    if clause.modal == "want":
        third = _is_third(subject)
        if negated:
            return [_contracted("does not" if third else "do not", choices), "want", "to", verb.base, *rest]
        return [*adverb, "wants" if third else "want", "to", verb.base, *rest]
    if negated:
        auxiliary = "did" if clause.tense == "past" else "does" if _is_third(subject) else "do"
        return [_contracted(f"{auxiliary} not", choices), verb.base, *rest]
    finite = verb.past if clause.tense == "past" else verb.third if _is_third(subject) else verb.base
    return [*adverb, finite, *rest]


def _contracted(text: str, choices: Choices) -> str:
    return (
        _CONTRACTED[text] if choices.pick("contraction", "long", "short") == "short" and text in _CONTRACTED else text
    )


def _objects(clause: Clause, choices: Choices) -> list[str]:
    if clause.price:
        return [numerals.english(clause.price), "euro" if clause.price == 1 else "euros"]
    thing = [] if clause.object is None or clause.gap == "object" else _nominal(clause.object, choices)
    if clause.recipient is None:
        return thing
    person = _nominal(clause.recipient, choices)
    if clause.gap != "object" and choices.pick(("recipient", id(clause)), "to", "bare") == "bare":
        return [*person, *thing]
    return [*thing, "to", *person]


def _nominal(one: Nominal, choices: Choices) -> list[str]:
    if isinstance(one, Name):
        return [{"m": "Mr", "f": "Mrs"}[one.gender], one.text] if one.title else [one.text]
    if isinstance(one, Pronoun):
        if one.person == 3 and not one.plural:
            return [{"m": "he", "f": "she", "n": "it"}[one.gender]]
        return [_PRONOUNS[one.person, one.plural]]
    return _noun_phrase(one, choices)


def _noun_phrase(phrase: NounPhrase, choices: Choices) -> list[str]:
    made = [] if phrase.adjective is None else [phrase.adjective]
    made = [*made, NOUNS[phrase.noun].english[phrase.plural]]
    if phrase.owner is not None:
        made = [*_genitive(phrase.owner, choices), *made]
    else:
        made = [*_determiner(phrase), *made]
    if phrase.relative is not None:
        kind = "who" if phrase.relative.gap == "subject" and NOUNS[phrase.noun].kind == "person" else "that"
        made += [kind, *_clause(phrase.relative, choices)]
    return made


def _genitive(owner: NounPhrase | Name, choices: Choices) -> list[str]:
    *before, last = " ".join(_nominal(owner, choices)).split()
    return [*before, last + "'s"]


def _determiner(phrase: NounPhrase) -> list[str]:
    if phrase.determiner.isdigit():
        return [numerals.english(int(phrase.determiner))]
    if phrase.determiner == "some" or NOUNS[phrase.noun].kind in MASS and phrase.determiner == "a":
        return []
    if phrase.plural and phrase.determiner == "a":
        return []
    if phrase.plural and phrase.determiner == "this":
        return ["these"]
    return [phrase.determiner]


def _place(place: Place, choices: Choices) -> list[str]:
    if place.kind == "town":
        return ["in", place.what]
    return [place.kind, *_nominal(place.what, choices)]


def _time(time: Time, choices: Choices) -> list[str]:
    if time.kind == "day":
        return [time.value]
    if time.kind == "weekday":
        return ["on", time.value]
    if time.kind == "month":
        return ["in", time.value]
    if time.kind == "date":
        if choices.pick("digits", "words", "digits") == "digits":
            return ["on", str(time.number), time.value]
        return ["on", "the", numerals.english_ordinal(time.number), "of", time.value]
    if time.half:
        return ["at", "half", "past", numerals.english(time.number)]
    return ["at", numerals.english(time.number), "o'clock"]
