"""Meanings in French: agreement, adjectives after nouns, negation in two parts, elision, contracted articles."""

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
    FrenchNoun,
    FrenchVerb,
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

_AVOIR = ("ai", "as", "a", "avons", "avez", "ont")
_ETRE = ("suis", "es", "est", "sommes", "êtes", "sont")
_ETAIT = ("étais", "étais", "était", "étions", "étiez", "étaient")
_REFLEXIVE = ("me", "te", "se", "nous", "vous", "se")
_CONJUNCTIONS = {"and": "et", "but": "mais", "because": "parce que", "when": "quand", "if": "si"}
_ARTICLES = {"m": ("le", "un", "ce", "mon", "son", "notre"), "f": ("la", "une", "cette", "ma", "sa", "notre")}
_PLURALS = ("les", "des", "ces", "mes", "ses", "nos")
_DETERMINERS = ("the", "a", "this", "my", "his", "our")
_VOWELS = "aeiouyhàâéèêëîïôùûœAEIOUYHÀÂÉÈÊËÎÏÔÙÛŒ"
_ASPIRATE = {"huit", "onze", "haricots"}
_ELIDED = {"le", "la", "de", "ne", "que", "je", "me", "te", "se"}
_BEFORE_VOWEL = {"ma": "mon", "ta": "ton", "sa": "son", "ce": "cet"}
_CONTRACTED = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}


def words(sentence: Discourse, choices: Choices) -> list[str]:
    """The sentence's words and commas, without the full stop and capitals; "l'" and its noun are one word."""
    made = _part(sentence.parts[0], choices)
    for conjunction, part in zip(sentence.conjunctions, sentence.parts[1:], strict=True):
        made += ([","] if conjunction == "but" else []) + [_CONJUNCTIONS[conjunction], *_part(part, choices)]
    return _contracted(_elided(" ".join(filter(None, made)).split()))


def _begins_with_vowel(word: str) -> bool:
    return word[:1] in _VOWELS and word not in _ASPIRATE if word else False


def _elided(made: list[str]) -> list[str]:
    """Leaves vowels out before vowels: "le" + "homme" is "l'homme", "si" + "il" is "s'il", "ma" + "amie" "mon amie"."""
    found: list[str] = []
    for word in reversed(made):
        after = found[0] if found else ""
        if word in _ELIDED and _begins_with_vowel(after):
            found[0] = f"{word[:-1]}'{after}"
        elif word == "si" and after in ("il", "ils"):
            found[0] = f"s'{after}"
        elif word in _BEFORE_VOWEL and _begins_with_vowel(after):
            found.insert(0, _BEFORE_VOWEL[word])
        else:
            found.insert(0, word)
    return found


def _contracted(made: list[str]) -> list[str]:
    found: list[str] = []
    for word in made:
        if found and (found[-1], word) in _CONTRACTED:
            found[-1] = _CONTRACTED[found[-1], word]
        else:
            found.append(word)
    return found


def _part(part: Clause | Subordination, choices: Choices) -> list[str]:
    if isinstance(part, Clause):
        return _clause(part, choices, turnable=True)
    main = _clause(part.main, choices, turnable=not part.first)
    sub = [_CONJUNCTIONS[part.conjunction], *_clause(part.sub, choices)]
    return [*sub, ",", *main] if part.first else [*main, *sub]


def _clause(clause: Clause, choices: Choices, turnable: bool = False) -> list[str]:
    """`turnable`: the time may stand in front."""
    subject = [] if clause.gap == "subject" else _nominal(clause.subject, choices)
    made = [*subject, *_verb(clause, choices), *_objects(clause, choices)]
    for place in clause.places:
        made += _place(place, choices)
    if clause.complement is not None:
        return [*made, "que", *_clause(clause.complement, choices)]
    when = [] if clause.time is None else _time(clause.time, choices)
    options = ("front", "end") if clause.fronted else ("end", "front")
    if turnable and when and choices.pick(("time", id(clause)), *options) == "front":
        return [*when, *made]
    return [*made, *when]


def _features(one: Nominal, choices: Choices) -> tuple[int, bool, str]:
    """Person 1 to 3, plural or not, gender."""
    if isinstance(one, Name):
        return 3, False, one.gender
    if isinstance(one, NounPhrase):
        return 3, one.plural, _noun(one, choices).gender
    if one.person == 2:
        plural = choices.pick("you", "vous", "tu", "vous, plusieurs") == "vous, plusieurs"
        return 2, plural, choices.pick("you are", "m", "f")
    if one.person == 1 or one.plural:
        return one.person, one.plural, choices.pick(("is", one.person, one.plural), one.gender, _other(one.gender))
    return 3, False, "m" if one.gender == "n" else one.gender


def _other(gender: str) -> str:
    return "f" if gender == "m" else "m"


def _form(one: Nominal, choices: Choices) -> int:
    """Which of a verb's six forms goes with a subject."""
    person, plural, _ = _features(one, choices)
    if person == 2:
        return 1 if choices.pick("you", "vous", "tu", "vous, plusieurs") == "tu" else 4
    return person - 1 + 3 * plural


def _agreeing(participle: str, one: Nominal, choices: Choices) -> str:
    _, plural, gender = _features(one, choices)
    made = participle + ("e" if gender == "f" else "")
    return made if made.endswith("s") and gender == "m" else made + ("s" if plural else "")


def _verb(clause: Clause, choices: Choices) -> list[str]:
    form = _form(clause.subject, choices)
    second = [NEGATIONS[clause.negation][0]] if clause.negation else []
    ne = ["ne"] if clause.negation else []
    adverb = [FREQUENCIES[clause.frequency][0]] if clause.frequency else []
    if clause.verb == "be":
        finite = (_ETAIT if clause.tense == "past" else _ETRE)[form]
        _, plural, gender = _features(clause.subject, choices)
        adjective = ADJECTIVES[clause.predicate].french[(gender == "f") + 2 * plural]
        return [*ne, finite, *second, *adverb, adjective]
    verb = VERBS[clause.verb].french
    clitic = [_REFLEXIVE[form]] if verb.reflexive else []
    if clause.modal:
        modal = VERBS[clause.modal].french.present[form]
        return [*ne, modal, *second, *adverb, *clitic, verb.infinitive, verb.tail]
    if clause.tense == "past":
        auxiliary = (_ETRE if verb.auxiliary == "être" else _AVOIR)[form]
        participle = _participle(verb, clause, choices)
        return [*ne, *clitic, auxiliary, *second, *adverb, participle, verb.tail]
    return [*ne, *clitic, verb.present[form], *second, *adverb, verb.tail]


def _participle(verb: FrenchVerb, clause: Clause, choices: Choices) -> str:
    """Agrees with the subject after "être", and after "avoir" with an object that stands before it."""
    if verb.auxiliary == "être":
        return _agreeing(verb.participle, clause.subject, choices)
    if clause.gap == "object":
        return _agreeing(verb.participle, clause.object, choices)
    return verb.participle


def _objects(clause: Clause, choices: Choices) -> list[str]:
    if clause.price:
        return [numerals.french(clause.price), "euro" if clause.price == 1 else "euros"]
    made: list[str] = []
    if clause.object is not None and clause.gap != "object":
        verb = VERBS[clause.verb].french
        negated = clause.negation is not None and not verb.preposition
        made = [verb.preposition, *_nominal(clause.object, choices, negated=negated)]
    if clause.recipient is not None:
        made += ["à", *_nominal(clause.recipient, choices)]
    return made


def _nominal(one: Nominal, choices: Choices, negated: bool = False) -> list[str]:
    if isinstance(one, Name):
        return [{"m": "Monsieur", "f": "Madame"}[one.gender], one.text] if one.title else [one.text]
    if isinstance(one, Pronoun):
        return [_pronoun(one, choices)]
    return _noun_phrase(one, choices, negated)


def _pronoun(one: Pronoun, choices: Choices) -> str:
    person, plural, gender = _features(one, choices)
    if person == 1:
        return "nous" if plural else "je"
    if person == 2:
        return "tu" if _form(one, choices) == 1 else "vous"
    return ("elle" if gender == "f" else "il") + ("s" if plural else "")


def _noun(phrase: NounPhrase, choices: Choices) -> FrenchNoun:
    noun = NOUNS[phrase.noun]
    if noun.feminines and choices.pick(("noun", phrase.noun), "m", "f") == "f":
        return noun.feminines[0]
    return noun.french


def _noun_phrase(phrase: NounPhrase, choices: Choices, negated: bool) -> list[str]:
    noun = _noun(phrase, choices)
    text = noun.plural if phrase.plural else noun.singular
    made, before = [text], False
    if phrase.adjective is not None:
        adjective = ADJECTIVES[phrase.adjective]
        form = adjective.french[(noun.gender == "f") + 2 * phrase.plural]
        before = adjective.before_noun
        if before and noun.gender == "m" and not phrase.plural and _begins_with_vowel(text):
            form = adjective.before_vowel
        made = [form, text] if before else [text, form]
    made = [*_determiner(phrase, noun.gender, before, negated), *made]
    if phrase.owner is not None:
        made += ["de", *_nominal(phrase.owner, choices)]
    if phrase.relative is not None:
        link = "qui" if phrase.relative.gap == "subject" else "que"
        made += [link, *_clause(phrase.relative, choices)]
    return made


def _determiner(phrase: NounPhrase, gender: str, adjective_first: bool, negated: bool) -> list[str]:
    if phrase.determiner.isdigit():
        number = numerals.french(int(phrase.determiner))
        return [number + ("e" if gender == "f" and number.endswith("un") else "")]
    if phrase.determiner in ("some", "a") and negated:
        return ["de"]
    if phrase.determiner == "some" or NOUNS[phrase.noun].kind in MASS and phrase.determiner == "a":
        return ["de", _ARTICLES[gender][0]]
    if phrase.plural and phrase.determiner == "a" and adjective_first:
        return ["de"]
    place = _DETERMINERS.index("his" if phrase.determiner == "her" else phrase.determiner)
    return [_PLURALS[place] if phrase.plural else _ARTICLES[gender][place]]


def _place(place: Place, choices: Choices) -> list[str]:
    if place.kind == "town":
        return ["à", place.what]
    preposition = {"in": "dans", "to": "à", "with": "avec", "for": "pour", "without": "sans"}[place.kind]
    return [preposition, *_nominal(place.what, choices)]


def _time(time: Time, choices: Choices) -> list[str]:
    if time.kind == "day":
        return [DAYS[time.value][0]]
    if time.kind == "weekday":
        return [WEEKDAYS[time.value][0]]
    if time.kind == "month":
        return ["en", MONTHS[time.value][0]]
    if time.kind == "date":
        if time.number == 1:
            day = "premier"
        elif choices.pick("digits", "words", "digits") == "digits":
            day = str(time.number)
        else:
            day = numerals.french(time.number)
        return ["le", day, MONTHS[time.value][0]]
    hours = {1: "une heure", 12: "midi"}.get(time.number, f"{numerals.french(time.number)} heures")
    half = ("et demi" if time.number == 12 else "et demie") if time.half else ""
    return ["à", hours, half]
