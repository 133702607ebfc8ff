"""Meanings in German: cases, adjective endings, the verb second or last, separable prefixes, compounds."""

from coursedata.translation import numerals
from coursedata.translation.lexicon import (
    ADJECTIVES,
    DAYS,
    FREQUENCIES,
    MASS,
    MONTHS,
    NEGATIONS,
    NOUNS,
    VERBS,
    WEEKDAYS,
    GermanNoun,
)
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

_HABEN = ("habe", "hast", "hat", "haben", "habt", "haben")
_SEIN = ("bin", "bist", "ist", "sind", "seid", "sind")
_WAR = ("war", "warst", "war", "waren", "wart", "waren")
# Endings by gender (p: plural) and case.
_DER = {
    "m": {"nom": "der", "acc": "den", "dat": "dem", "gen": "des"},
    "f": {"nom": "die", "acc": "die", "dat": "der", "gen": "der"},
    "n": {"nom": "das", "acc": "das", "dat": "dem", "gen": "des"},
    "p": {"nom": "die", "acc": "die", "dat": "den", "gen": "der"},
}
_EIN = {
    "m": {"nom": "", "acc": "en", "dat": "em", "gen": "es"},
    "f": {"nom": "e", "acc": "e", "dat": "er", "gen": "er"},
    "n": {"nom": "", "acc": "", "dat": "em", "gen": "es"},
    "p": {"nom": "e", "acc": "e", "dat": "en", "gen": "er"},
}
_DIES = {
    "m": {"nom": "er", "acc": "en", "dat": "em", "gen": "es"},
    "f": {"nom": "e", "acc": "e", "dat": "er", "gen": "er"},
    "n": {"nom": "es", "acc": "es", "dat": "em", "gen": "es"},
    "p": {"nom": "e", "acc": "e", "dat": "en", "gen": "er"},
}
_RELATIVE = {gender: dict(cases) for gender, cases in _DER.items()}
_RELATIVE["p"]["dat"] = "denen"
_POSSESSIVES = {"a": "ein", "my": "mein", "his": "sein", "her": "ihr", "our": "unser", "no": "kein"}
_CONTRACTED = {("in", "dem"): "im", ("zu", "dem"): "zum", ("zu", "der"): "zur", ("an", "dem"): "am"}
_CONJUNCTIONS = {"and": "und", "but": "aber", "because": "weil", "if": "wenn", "when": "wenn"}


def words(sentence: Discourse, choices: Choices) -> list[str]:
    """The sentence's words and commas, without the full stop and capitals at its beginning."""
    made = _part(sentence.parts[0], choices)
    for conjunction, part in zip(sentence.conjunctions, sentence.parts[1:], strict=True):
        comma = [","] if conjunction == "but" else []
        made += [*comma, _CONJUNCTIONS[conjunction], *_part(part, choices)]
    return _tidy(" ".join(filter(None, made)).split())


def _tidy(made: list[str]) -> list[str]:
    """Contracts "in dem" to "im", and leaves one of several commas, none at the end."""
    found: list[str] = []
    for word in made:
        if found and (found[-1], word) in _CONTRACTED:
            found[-1] = _CONTRACTED[found[-1], word]
        elif not (word == "," and found and found[-1] == ","):
            found.append(word)
    while found[-1] == ",":
        found.pop()
    return found


def _part(part: Clause | Subordination, choices: Choices) -> list[str]:
    if isinstance(part, Clause):
        return _main(part, choices)
    sub = [_CONJUNCTIONS[part.conjunction], *_subordinate(part.sub, choices)]
    if part.first:
        return [*sub, ",", *_main(part.main, choices, occupied=True)]
    return [*_main(part.main, choices), ",", *sub, ","]


def _main(clause: Clause, choices: Choices, occupied: bool = False) -> list[str]:
    """The finite verb second: behind the subject, behind the time, or first where a clause stands before."""
    finite, end = _verbs(clause, choices, separated=True)
    subject = _nominal(clause.subject, "nom", choices)
    when = [] if clause.time is None else _time(clause.time, choices)
    rest = _middle(clause, choices)
    tail = _complement(clause, choices)
    if occupied:
        return [finite, *subject, *when, *rest, *end, *tail]
    options = ("front", "middle") if clause.fronted else ("middle", "front")
    if when and choices.pick(("time", id(clause)), *options) == "front":
        return [*when, finite, *subject, *rest, *end, *tail]
    return [*subject, finite, *when, *rest, *end, *tail]


def _subordinate(clause: Clause, choices: Choices) -> list[str]:
    """The finite verb last."""
    finite, end = _verbs(clause, choices, separated=False)
    when = [] if clause.time is None else _time(clause.time, choices)
    subject = _nominal(clause.subject, "nom", choices)
    return [*subject, *when, *_middle(clause, choices), *end, finite, *_complement(clause, choices)]


def _relative(clause: Clause, choices: Choices) -> list[str]:
    """Between commas; the pronoun has the antecedent's gender and the case that the gap asks for."""
    filler = clause.subject if clause.gap == "subject" else clause.object
    gender = "p" if filler.plural else _noun(filler, choices).gender
    finite, end = _verbs(clause, choices, separated=False)
    when = [] if clause.time is None else _time(clause.time, choices)
    if clause.gap == "subject":
        start = [_RELATIVE[gender]["nom"]]
    else:
        start = [_RELATIVE[gender][VERBS[clause.verb].german.case], *_nominal(clause.subject, "nom", choices)]
    return [",", *start, *when, *_middle(clause, choices), *end, finite, ","]


def _complement(clause: Clause, choices: Choices) -> list[str]:
    return [] if clause.complement is None else [",", "dass", *_subordinate(clause.complement, choices), ","]


def _verbs(clause: Clause, choices: Choices, separated: bool) -> tuple[str, list[str]]:
    """The finite verb and what stands at the clause's end."""
    form = _form(clause.subject, choices)
    if clause.verb == "be":
        finite = (_WAR if clause.tense == "past" else _SEIN)[form]
        return finite, [ADJECTIVES[clause.predicate].german]
    verb = VERBS[clause.verb].german
    if clause.modal:
        return VERBS[clause.modal].german.present[form], [verb.prefix + verb.infinitive]
    if clause.tense == "past":
        return (_SEIN if verb.auxiliary == "sein" else _HABEN)[form], [verb.participle]
    if separated:
        return verb.present[form], [verb.prefix]
    return verb.prefix + verb.present[form], []


def _form(one: Nominal, choices: Choices) -> int:
    """Which of a verb's six forms goes with a subject."""
    if not isinstance(one, Pronoun):
        return 5 if isinstance(one, NounPhrase) and one.plural else 2
    if one.person == 2:
        return {"Sie": 5, "du": 1, "ihr": 4}[choices.pick("you", "Sie", "du", "ihr")]
    return one.person - 1 + 3 * one.plural


def _middle(clause: Clause, choices: Choices) -> list[str]:
    """What stands between the finite verb and the end: recipient, object, adverb, negation, places."""
    made = [] if clause.recipient is None else _nominal(clause.recipient, "dat", choices)
    adverb = [FREQUENCIES[clause.frequency][1]] if clause.frequency else []
    negation = [NEGATIONS[clause.negation][1]] if clause.negation else []
    thing, indefinite = [], False
    if clause.price:
        thing = [numerals.german(clause.price) if clause.price > 1 else "einen", "Euro"]
    elif clause.object is not None and clause.gap != "object":
        verb = VERBS[clause.verb].german
        indefinite = isinstance(clause.object, NounPhrase) and clause.object.determiner in ("a", "some")
        no = indefinite and clause.negation in ("not", "no longer") and not verb.preposition
        thing = [verb.preposition, *_nominal(clause.object, verb.case, choices, no=no)]
        if no:
            negation = negation[0].split()[1:]
    tail = [] if clause.verb == "be" else [VERBS[clause.verb].german.tail]
    places = [word for place in clause.places for word in _place(place, choices)]
    prepositional = bool(thing) and clause.object is not None and bool(VERBS[clause.verb].german.preposition)
    if prepositional or (indefinite and clause.negation == "never"):
        return [*made, *adverb, *negation, *thing, *places, *tail]
    if indefinite or clause.price:
        return [*made, *adverb, *thing, *negation, *places, *tail]
    return [*made, *thing, *adverb, *negation, *places, *tail]


def _nominal(one: Nominal, case: str, choices: Choices, no: bool = False) -> list[str]:
    if isinstance(one, Name):
        if not one.title:
            return [one.text]
        herr = "Herr" if case == "nom" else "Herrn"
        return [herr if one.gender == "m" else "Frau", one.text]
    if isinstance(one, Pronoun):
        return [_pronoun(one, choices)]
    return _noun_phrase(one, case, choices, no)


def _pronoun(one: Pronoun, choices: Choices) -> str:
    if one.person == 2:
        return choices.pick("you", "Sie", "du", "ihr")
    if one.person == 1:
        return "wir" if one.plural else "ich"
    return "sie" if one.plural else {"m": "er", "f": "sie", "n": "es"}[one.gender]


def _noun(phrase: NounPhrase, choices: Choices) -> GermanNoun:
    noun = NOUNS[phrase.noun]
    if noun.feminines and choices.pick(("noun", phrase.noun), "m", "f") == "f":
        return noun.feminines[1]
    return noun.german


def _declined(noun: GermanNoun, case: str, plural: bool) -> str:
    if plural:
        return noun.plural + ("n" if case == "dat" and not noun.plural.endswith(("n", "s")) else "")
    if noun.weak and case != "nom":
        return noun.genitive
    return noun.genitive if case == "gen" else noun.singular


def _noun_phrase(phrase: NounPhrase, case: str, choices: Choices, no: bool) -> list[str]:
    noun = _noun(phrase, choices)
    gender = "p" if phrase.plural else noun.gender
    determiner, ending = _determiner(phrase, gender, case, no)
    if isinstance(phrase.owner, Name) and not phrase.owner.title:
        # "Annas Hund": the name stands before, and the adjective has the endings of one without an article.
        name = phrase.owner.text
        determiner, ending = name + ("'" if name.endswith(("s", "x", "z")) else "s"), _strong(gender, case)
    made = [determiner]
    if phrase.adjective is not None:
        made.append(ADJECTIVES[phrase.adjective].german_stem + ending)
    made.append(_declined(noun, case, phrase.plural))
    if isinstance(phrase.owner, NounPhrase):
        made += _noun_phrase(phrase.owner, "gen", choices, no=False)
    elif isinstance(phrase.owner, Name) and phrase.owner.title:
        made += ["von", *_nominal(phrase.owner, "dat", choices)]
    if phrase.relative is not None:
        made += _relative(phrase.relative, choices)
    return made


def _determiner(phrase: NounPhrase, gender: str, case: str, no: bool) -> tuple[str, str]:
    """The determiner and the ending that an adjective has behind it."""
    weak = "e" if case == "nom" or (case == "acc" and gender in "fn") else "en"
    if gender == "p":
        weak = "en"
    kind = phrase.determiner
    if kind == "the":
        return _DER[gender][case], weak
    if kind == "this":
        return "dies" + _DIES[gender][case], weak
    mass = kind == "some" or (NOUNS[phrase.noun].kind in MASS and kind == "a")
    if no:
        kind = "no"
    elif kind.isdigit():
        return numerals.german(int(kind)), _strong(gender, case)
    elif mass or (gender == "p" and kind == "a"):
        return "", _strong(gender, case)
    word = _POSSESSIVES[kind]
    ending = _EIN[gender][case]
    return word + ending, weak if ending else _DIES[gender][case]


def _strong(gender: str, case: str) -> str:
    """The ending of an adjective that nothing stands before; masculine and neuter genitives are not used."""
    return _DIES[gender][case]


def _place(place: Place, choices: Choices) -> list[str]:
    if place.kind == "town":
        return ["in", place.what]
    preposition, case = {
        "in": ("in", "dat"),
        "to": ("zu", "dat"),
        "with": ("mit", "dat"),
        "for": ("für", "acc"),
        "without": ("ohne", "acc"),
    }[place.kind]
    return [preposition, *_nominal(place.what, case, choices)]


def _time(time: Time, choices: Choices) -> list[str]:
    if time.kind == "day":
        return [DAYS[time.value][1]]
    if time.kind == "weekday":
        return ["am", WEEKDAYS[time.value][1]]
    if time.kind == "month":
        return ["im", MONTHS[time.value][1]]
    if time.kind == "date":
        digits = choices.pick("digits", "words", "digits") == "digits"
        return ["am", f"{time.number}." if digits else numerals.german_ordinal(time.number), MONTHS[time.value][1]]
    if time.half:
        return ["um", "halb", numerals.german(time.number % 12 + 1)]
    return ["um", "ein" if time.number == 1 else numerals.german(time.number), "Uhr"]
