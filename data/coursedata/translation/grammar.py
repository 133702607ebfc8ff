"""Drawing sentences: which phenomena they have, how long they are, and what is said in three languages.

A sentence is drawn as a meaning (who does what to whom, when, where, and why) and spelled out in each language by
modules of their own, so that no language is a translation of another. What the grammar assumes: written standard
language, statements only. English leaves open whether "you" is one person, a friend or several, and which gender
"they", "I" and "the teacher" have: every right way to say it in French and German is a reference.
"""

import hashlib
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from coursedata.translation import english, french, german
from coursedata.translation.lexicon import (
    ADJECTIVES,
    DAYS,
    FAMILY_NAMES,
    FREQUENCIES,
    MASS,
    MEN,
    MONTHS,
    NOUNS,
    TOWNS,
    VERBS,
    WEEKDAYS,
    WOMEN,
    Verb,
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
    clauses,
    nominals,
)

LANGUAGES = ("en", "fr", "de")
_WORDS: dict[str, Callable[[Discourse, Choices], list[str]]] = {
    "en": english.words,
    "fr": french.words,
    "de": german.words,
}
_MAX_TRIES = 2000
# Where one does not go with "à" in French.
_INDOORS = {"garden", "kitchen", "house", "forest"}
# What a sentence of about this many English words is made of: clauses, as a rule seven words long.
_WORDS_PER_CLAUSE = 7


@dataclass(frozen=True)
class Phenomena:
    """What makes translation hard; each can be left out, and the sentences stay right.

    agreement: plurals, feminine and neuter nouns, subjects other than the third person singular.
    adjective_after_noun: French adjectives that follow ("une voiture rouge"); without, only those that precede.
    verb_final: subordinate clauses, and past tenses and modal verbs, which put a German verb last.
    separable_verbs: "she turns on the lamp", "sie schaltet die Lampe ein".
    negation: "ne ... pas", "kein"; never; no longer.
    elision: "l'homme", "n'aime", "qu'il".
    idioms: "it rains cats and dogs", "il pleut des cordes".
    numbers: numbers, dates and times of day.
    rare_words: compounds ("Kartoffelsuppe") and names of people and towns that hardly come twice.
    """

    agreement: bool = True
    adjective_after_noun: bool = True
    verb_final: bool = True
    separable_verbs: bool = True
    negation: bool = True
    elision: bool = True
    idioms: bool = True
    numbers: bool = True
    rare_words: bool = True

    @classmethod
    def none(cls) -> "Phenomena":
        """All left out."""
        return cls(**{field.name: False for field in fields(cls)})


@dataclass(frozen=True)
class Sentence:
    """One meaning, and how it is said."""

    discourse: Discourse

    def text(self, language: str) -> str:
        """The canonical sentence in "en", "fr" or "de". Raises KeyError for another language."""
        return _written(self._english if language == "en" else _WORDS[language](self.discourse, Choices()))

    def references(self, language: str) -> tuple[str, ...]:
        """All right sentences that the grammar knows, the canonical one first."""
        words = _WORDS[language]
        canonical = Choices()
        words(self.discourse, canonical)
        points = list(canonical.points)
        every = itertools.product(*canonical.points.values())
        texts = (_written(words(self.discourse, Choices(dict(zip(points, each, strict=True))))) for each in every)
        return tuple(dict.fromkeys(texts))

    @cached_property
    def meaning(self) -> str:
        """A key: the same for the same meaning, whatever the language."""
        return hashlib.sha256(repr(self.discourse).encode()).hexdigest()[:16]

    @cached_property
    def num_words(self) -> int:
        """English words, commas and full stop not counted."""
        return sum(word != "," for word in self._english)

    @cached_property
    def _english(self) -> list[str]:
        return english.words(self.discourse, Choices())

    @cached_property
    def combinations(self) -> frozenset[tuple[str, str]]:
        """Which words stand together: adjective and noun, verb and object, the parts of a compound."""
        found = set()
        for clause in clauses(self.discourse):
            if isinstance(clause.object, NounPhrase):
                found.add((clause.verb, clause.object.noun))
            if clause.predicate and isinstance(clause.subject, NounPhrase):
                found.add((clause.predicate, clause.subject.noun))
            for phrase in nominals(clause):
                while isinstance(phrase, NounPhrase):
                    if phrase.adjective:
                        found.add((phrase.adjective, phrase.noun))
                    if NOUNS[phrase.noun].parts:
                        found.add(NOUNS[phrase.noun].parts)
                    phrase = phrase.owner
        return frozenset(found)


def _written(words: list[str]) -> str:
    text = " ".join(words).replace(" ,", ",")
    return text[0].upper() + text[1:] + "."


def generate(
    num: int,
    *,
    seed: int | np.random.SeedSequence,
    phenomena: Phenomena | None = None,
    min_words: int = 3,
    max_words: int = 30,
    share: float = 1.0,
) -> list[Sentence]:
    """`num` sentences of `min_words` to `max_words` English words, of every length about equally many.

    Sentence k depends on the seed and k only: fewer sentences are the beginning of more. The same sentence can come
    twice. `phenomena` are all, unless given; `share` is how much of the lexicon is used, spread evenly over its kinds.
    Raises ValueError for lengths that the grammar does not reach, and for a share that is not above 0 and at most 1.
    """
    if not 3 <= min_words <= max_words <= 40 or max_words < 5:
        raise ValueError(f"sentences have 3 to 40 words, up to at least 5: not {min_words} to {max_words}.")
    if not 0 < share <= 1:
        raise ValueError(f"a share of the lexicon is above 0 and at most 1: not {share}.")
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    phenomena = phenomena or Phenomena()
    return list(itertools.islice(stream(root, phenomena, min_words, max_words, share), num))


def stream(
    root: np.random.SeedSequence, phenomena: Phenomena, min_words: int, max_words: int, share: float = 1.0
) -> Iterator[Sentence]:
    """The sentences of `generate`, one after the other without an end."""
    lexicon = _Lexicon(share, phenomena)
    for k in itertools.count():
        sequence = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, k))
        yield _sentence(_Drawing(np.random.default_rng(sequence), phenomena, lexicon), min_words, max_words)


def _sentence(drawing: "_Drawing", min_words: int, max_words: int) -> Sentence:
    target = int(drawing.rng.integers(min_words, max_words + 1))
    slack = 0
    for attempt in range(_MAX_TRIES):
        sentence = Sentence(drawing.discourse(target))
        slack = attempt // 20
        low, high = max(min_words, target - 1 - slack), min(max_words, target + 1 + slack)
        if low <= sentence.num_words <= high and drawing.allows(sentence):
            return sentence
    raise ValueError(f"the grammar found no sentence of {min_words} to {max_words} words with {drawing.phenomena}.")


class _Lexicon:
    """The words that sentences are drawn from: nouns and adjectives by kind, verbs by frame.

    Of each kind of noun, each frame of verbs, and the adjectives, every so many that the share is kept, at least one;
    of these, the ones that the phenomena allow.
    """

    def __init__(self, share: float, phenomena: Phenomena) -> None:
        nouns = _spread(NOUNS.values(), share, lambda noun: (noun.kind, noun.parts is None))
        if not phenomena.rare_words:
            nouns = [noun for noun in nouns if not noun.parts]
        if not phenomena.agreement:
            nouns = [noun for noun in nouns if noun.french.gender == noun.german.gender == "m" and not noun.feminines]
        verbs = _spread(VERBS.values(), share, lambda verb: verb.frame)
        if not phenomena.separable_verbs:
            verbs = [verb for verb in verbs if not verb.german.prefix]
        adjectives = _spread(ADJECTIVES.values(), share, lambda adjective: adjective.before_noun)
        if not phenomena.adjective_after_noun:
            adjectives = [adjective for adjective in adjectives if adjective.before_noun]
        self.nouns_of = _groups(nouns, lambda noun: [noun.kind])
        self.verbs_of = _groups(verbs, lambda verb: [verb.frame])
        self.adjectives = adjectives
        self.adjectives_of = _groups(adjectives, lambda adjective: adjective.kinds)


def _groups(items: Iterable[Any], keys: Callable[[Any], Iterable[str]]) -> dict[str, list[Any]]:
    """The items of each key, in order; none for a key that no item has."""
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    for item in items:
        for key in keys(item):
            groups[key].append(item)
    return groups


def _spread(items: Iterable[Any], share: float, kind: Callable[[Any], Hashable]) -> list[Any]:
    """The items, in order, that are the first of their kind or so many further that the share is kept."""
    seen: Counter[Hashable] = Counter()
    kept = []
    for item in items:
        place = seen[kind(item)]
        seen[kind(item)] += 1
        if math.ceil((place + 1) * share) > math.ceil(place * share):
            kept.append(item)
    return kept


class _Drawing:
    """Draws meanings from a generator, with the phenomena that are allowed."""

    def __init__(self, rng: np.random.Generator, phenomena: Phenomena, lexicon: "_Lexicon") -> None:
        self.rng, self.phenomena, self.lexicon = rng, phenomena, lexicon

    def allows(self, sentence: Sentence) -> bool:
        """Elision is a matter of the spelled-out sentence: it is tried, not planned."""
        return self.phenomena.elision or not any("'" in text for text in sentence.references("fr"))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def one_of(self, options):
        """One of a sequence, each equally likely."""
        return options[int(self.rng.integers(len(options)))]

    # -- sentences -----------------------------------------------------------------------------------------------------

    def discourse(self, target: int) -> Discourse:
        """One to five clauses, as many as `target` words have room for."""
        num = max(1, round(target / _WORDS_PER_CLAUSE + self.rng.uniform(-0.4, 0.4)))
        room = target / num
        parts: list[Clause | Subordination] = []
        while num > 0:
            if num > 1 and self.phenomena.verb_final and self.chance(0.7):
                parts.append(self.subordination(room))
                num -= 2
            else:
                parts.append(self.clause(room))
                num -= 1
        conjunctions = tuple(self.one_of(("and", "but")) for _ in parts[1:])
        return Discourse(tuple(parts), conjunctions)

    def subordination(self, room: float) -> Clause | Subordination:
        kind = self.one_of(("because", "when", "if", "that", "relative"))
        if kind == "that":
            return self.report(room)
        if kind == "relative":
            return self.clause(2 * room, relative=True)
        # "When" and "if" in the past would ask for other tenses in French and other conjunctions in German.
        tense = self.tense() if kind == "because" else "present"
        main = self.clause(room, tense=tense, report=False)
        return Subordination(main, kind, self.clause(room, tense=tense, report=False, front=False), self.chance(0.4))

    def report(self, room: float) -> Clause:
        verb = self.verb("report")
        complement = self.clause(room, report=False, tense="present", front=False)
        return Clause(self.person(False), verb.key, complement=complement)

    def tense(self) -> str:
        return "past" if self.phenomena.verb_final and self.chance(0.3) else "present"

    # -- clauses -------------------------------------------------------------------------------------------------------

    def clause(
        self, room: float, tense: str | None = None, relative: bool = False, report: bool = True, front: bool = True
    ) -> Clause:
        """A clause of about `room` words; `front` allows the time before the subject."""
        tense = tense or self.tense()
        frames = ["object"] * 8 + ["alone"] * 3 + ["give"] * 2 + ["go"] * 2 + ["be"] * 3
        if self.phenomena.separable_verbs:
            frames += ["bare"]
        if self.phenomena.idioms:
            frames += ["idiom", "idiom"]
        if self.phenomena.numbers:
            frames += ["cost"]
        frame = self.one_of([one for one in frames if room >= 5 or one not in ("give", "go")])
        if frame == "idiom":
            # As often as there are idioms of each frame.
            frame = self.one_of(["idiom"] * 9 + ["dear"] + ["weather"] * (not relative))
        if frame == "be":
            made = self.copula(tense, room, relative)
        else:
            made = self.action(frame, tense, room, relative)
        return self.with_time(made, room, front)

    def copula(self, tense: str, room: float, relative: bool) -> Clause:
        adjective = self.one_of(self.lexicon.adjectives)
        # "Good" and "bad" of a person, or "big" of one, would mean something else.
        subject = self.subject(adjective.kinds, room - 1, relative)
        return Clause(subject, "be", tense=tense, predicate=adjective.key, negation=self.negation(), frequency=None)

    def action(self, frame: str, tense: str, room: float, relative: bool) -> Clause:
        verb = self.verb(frame)
        modal = None
        if frame == "weather":
            return Clause(Pronoun(3, gender="n"), verb.key)
        subject = self.subject(verb.subjects, room / 2, relative)
        if frame in ("cost", "dear"):
            return Clause(subject, verb.key, price=int(self.rng.integers(2, 100)) if frame == "cost" else 0)
        if self.phenomena.verb_final and tense == "present" and verb.key != "have" and self.chance(0.2):
            modal = self.one_of(("want", "must", "can"))
        negation = None if frame == "idiom" or modal == "must" else self.negation()
        if negation == "no longer" and tense == "past":
            negation = "never"
        if verb.key == "have":
            tense = "present"
        frequency = None
        if negation is None and tense == "present" and modal is None and self.chance(0.2):
            frequency = self.one_of(tuple(FREQUENCIES))
        thing = self.thing(verb, room / 2) if frame in ("object", "give") else None
        recipient = self.person(True, self.chance(0.3)) if frame == "give" else None
        places = self.places(frame, room)
        return Clause(subject, verb.key, tense, modal, thing, recipient, None, 0, negation, frequency, places)

    def verb(self, frame: str) -> Verb:
        return self.one_of(self.lexicon.verbs_of[frame])

    def negation(self) -> str | None:
        if not (self.phenomena.negation and self.chance(0.2)):
            return None
        return self.one_of(("not", "not", "not", "never", "no longer"))

    def places(self, frame: str, room: float) -> tuple[Place, ...]:
        found = []
        if frame == "go":
            found.append(Place("to", self.destination(room)))
        elif frame in ("object", "alone") and room >= 5 and self.chance(0.6 if frame == "alone" else 0.3):
            if self.phenomena.rare_words and self.chance(0.15):
                found.append(Place("town", "".join(self.one_of(part) for part in TOWNS)))
            else:
                found.append(Place("in", self.noun_phrase("place", room / 3, ("the", "the", "a", "this"))))
        if frame in ("go", "alone") and room >= 7 and self.chance(0.4):
            found.insert(
                0, Place(self.one_of(("with", "without", "for")[: 2 if frame == "go" else 3]), self.person(True))
            )
        return tuple(found)

    def destination(self, room: float) -> NounPhrase:
        phrase = self.noun_phrase("place", room / 3, ("the", "the", "this"))
        return phrase if phrase.noun not in _INDOORS else NounPhrase("park", determiner=phrase.determiner)

    def with_time(self, clause: Clause, room: float, front: bool) -> Clause:
        if clause.verb == "be" or room < 5 or not self.chance(0.4) or clause.frequency:
            return clause
        time = self.time(clause.tense)
        if time is None:
            return clause
        values = {field.name: getattr(clause, field.name) for field in fields(clause)}
        return Clause(**values | {"time": time, "fronted": front and self.chance(0.3)})

    def time(self, tense: str) -> Time | None:
        kind = self.one_of(
            ("day", "weekday", "date", "hour", "month") if self.phenomena.numbers else ("day", "weekday")
        )
        if kind == "day":
            return Time("day", self.one_of([day for day in DAYS if day != {"past": "now"}.get(tense, "yesterday")]))
        if kind == "weekday":
            return Time("weekday", self.one_of(tuple(WEEKDAYS)))
        if kind == "month":
            return Time("month", self.one_of(tuple(MONTHS)))
        if kind == "date":
            return Time("date", self.one_of(tuple(MONTHS)), int(self.rng.integers(1, 29)))
        return Time("hour", number=int(self.rng.integers(1, 12)), half=self.chance(0.3))

    # -- who and what --------------------------------------------------------------------------------------------------

    def subject(self, kinds: frozenset[str], room: float, relative: bool) -> Nominal:
        kind = self.one_of(sorted(kinds))
        if kind == "person" and not relative:
            return self.person(False, self.chance(0.5), room)
        phrase = self.noun_phrase(kind, room, ("the", "the", "the", "a", "this", "my", "his", "our"))
        return self.with_relative(phrase, room) if relative else phrase

    def person(self, whole: bool, phrase: bool = True, room: float = 3) -> Nominal:
        """Someone: a pronoun, a name, or a noun phrase; `whole` leaves out pronouns, which only stand as subjects."""
        if not phrase and not whole:
            persons = [(3, False, "m"), (3, False, "f")]
            if self.phenomena.agreement:
                persons += [(1, False, "m"), (1, True, "m"), (2, False, "m"), (3, True, "m")]
            else:
                persons = persons[:1]
            return Pronoun(*self.one_of(persons))
        if self.chance(0.2):
            return self.name()
        return self.noun_phrase("person", room, ("the", "the", "the", "a", "this", "my", "his", "her", "our"))

    def name(self) -> Name:
        gender = self.one_of("mf" if self.phenomena.agreement else "m")
        if self.phenomena.rare_words and self.chance(0.3):
            return Name("".join(self.one_of(part) for part in FAMILY_NAMES), gender, title=True)
        return Name(self.one_of(MEN if gender == "m" else WOMEN), gender)

    def thing(self, verb: Verb, room: float) -> Nominal:
        kind = self.one_of(sorted(verb.kinds))
        if kind == "person":
            return self.person(True, room=room)
        determiners = ("the", "the", "a", "a", "this", "my", "his", "her", "our")
        # Negated, "no coffee" and "no table" are enough of the two-part rules; "one" would be another word.
        return self.noun_phrase(kind, room, ("the", "some", "some") if kind in MASS else determiners)

    def noun_phrase(self, kind: str, room: float, determiners: tuple[str, ...]) -> NounPhrase:
        nouns = self.lexicon.nouns_of[kind]
        simple = [noun for noun in nouns if not noun.parts]
        # Without agreement, some kinds have no noun left that is masculine in both languages.
        noun = self.one_of((nouns if self.chance(0.35) else simple) or nouns or self.lexicon.nouns_of["thing"])
        determiner = self.one_of(determiners)
        plural = self.phenomena.agreement and kind not in MASS and kind != "place" and self.chance(0.25)
        if plural and self.phenomena.numbers and self.chance(0.3):
            # Mostly small ones, as in life.
            determiner = str(int(self.rng.integers(2, 100 if self.chance(0.3) else 11)))
        if not self.phenomena.agreement and determiner in ("her", "our", "my"):
            determiner = "his"
        adjective = self.adjective(kind) if room >= 2.5 and self.chance(0.45) else None
        owner = None
        if determiner == "the" and kind not in ("person", "place", *MASS) and room >= 3.5 and self.chance(0.3):
            owner = self.owner()
        return NounPhrase(noun.key, plural, determiner, adjective, owner)

    def adjective(self, kind: str) -> str | None:
        fitting = self.lexicon.adjectives_of[kind]
        return self.one_of(fitting).key if fitting else None

    def owner(self) -> NounPhrase | Name:
        if self.chance(0.3):
            return self.name()
        nouns = self.lexicon.nouns_of["person"]
        return NounPhrase(self.one_of(nouns).key, False, self.one_of(("the", "my", "his")))

    def with_relative(self, phrase: NounPhrase, room: float) -> NounPhrase:
        """The phrase with a relative clause of which it is the subject or the object."""
        filler = NounPhrase(phrase.noun, phrase.plural)
        kind = NOUNS[phrase.noun].kind
        verbs = [
            verb
            for verb in self.lexicon.verbs_of["object"]
            if kind in verb.kinds and not verb.french.preposition and not verb.german.preposition and verb.key != "have"
        ]
        if kind in ("person", "animal") and (self.chance(0.6) or not verbs):
            inside = self.action(self.one_of(("object", "alone", "alone")), self.tense(), room / 2, False)
            values = {field.name: getattr(inside, field.name) for field in fields(inside)}
            relative = Clause(**values | {"subject": filler, "gap": "subject"})
            if kind == "animal" and VERBS[relative.verb].frame == "object":
                relative = Clause(filler, "sleep", relative.tense, gap="subject", places=relative.places)
        elif verbs:
            subject = self.person(False, self.chance(0.6), 2)
            tense = self.tense()
            modal = self.one_of(("want", "can")) if tense == "present" and self.chance(0.2) else None
            relative = Clause(subject, self.one_of(verbs).key, tense, modal, filler, gap="object")
        else:
            return phrase
        return NounPhrase(phrase.noun, phrase.plural, phrase.determiner, phrase.adjective, phrase.owner, relative)
