"""The grammar in three languages, its switches and splits, real sentence pairs, and words."""

import gzip
import hashlib
import io
import itertools
import os
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from coursedata.errors import DataUnavailable
from coursedata.fetching import VARIABLE, fetch
from coursedata.registry import CARDS
from coursedata.translation import (
    LANGUAGES,
    Phenomena,
    Vocabulary,
    detokenize,
    generate,
    load_translation,
    multi30k,
    normalize,
    numerals,
    tatoeba,
    tokenize,
)
from coursedata.translation.grammar import Sentence
from coursedata.translation.lexicon import ADJECTIVES, NOUNS, VERBS
from coursedata.translation.meaning import (
    Clause,
    Discourse,
    Name,
    NounPhrase,
    Place,
    Pronoun,
    Subordination,
    Time,
    clauses,
    nominals,
)
from coursedata.translation.splits import KINDS, is_held_out


def has(name):
    folder = os.environ.get(VARIABLE)
    return bool(folder) and all(Path(folder, name, prepared.name).is_file() for prepared in CARDS[name].files)


needs_tatoeba = pytest.mark.skipif(not has("tatoeba"), reason=f"{VARIABLE} names no folder with Tatoeba in it")
needs_multi30k = pytest.mark.skipif(not has("multi30k"), reason=f"{VARIABLE} names no folder with Multi30k in it")


# Of 400 sentences in three languages: a change to the grammar changes every result that was measured on it.
DIGEST = "714f9d9c3e0cddb7a012d5d7fdd03298863cd23c4d8b8aaa727948805ac11e69"


@pytest.fixture(scope="module")
def sentences():
    return generate(400, seed=0)


def said(*parts, conjunctions=()):
    sentence = Sentence(Discourse(parts, conjunctions))
    return tuple(sentence.text(language) for language in LANGUAGES)


# -- sentences by hand -------------------------------------------------------------------------------------------------

WOMAN, MAN = NounPhrase("woman"), NounPhrase("man")
BY_HAND = {
    "agreement and adjectives": (
        [Clause(NounPhrase("flower", True, "this", "white"), "be", predicate="beautiful")],
        ("These white flowers are beautiful.", "Ces fleurs blanches sont belles.", "Diese weißen Blumen sind schön."),
    ),
    "an adjective before a vowel": (
        [Clause(NounPhrase("bird", adjective="beautiful"), "sleep")],
        ("The beautiful bird sleeps.", "Le bel oiseau dort.", "Der schöne Vogel schläft."),
    ),
    "endings without an article": (
        [Clause(WOMAN, "drink", object=NounPhrase("coffee", determiner="some", adjective="cold"))],
        ("The woman drinks cold coffee.", "La femme boit du café froid.", "Die Frau trinkt kalten Kaffee."),
    ),
    "elision and contraction": (
        [
            Clause(
                Pronoun(1), "love", object=NounPhrase("book", owner=NounPhrase("uncle")), places=(Place("to", WOMAN),)
            )
        ],
        ("I love the uncle's book to the woman.", "J'aime le livre de l'oncle à la femme.", None),
    ),
    "du, aux, au": (
        [
            Clause(
                Name("Anna", "f"),
                "give",
                object=NounPhrase("dog", owner=NounPhrase("king")),
                recipient=NounPhrase("child", True),
                places=(Place("in", NounPhrase("museum")),),
            )
        ],
        (
            "Anna gives the king's dog to the children in the museum.",
            "Anna donne le chien du roi aux enfants dans le musée.",
            "Anna gibt den Kindern den Hund des Königs im Museum.",
        ),
    ),
    "two-part negation of an indefinite object": (
        [Clause(MAN, "eat", object=NounPhrase("orange", determiner="a"), negation="not")],
        ("The man does not eat an orange.", "L'homme ne mange pas d'orange.", "Der Mann isst keine Orange."),
    ),
    "no longer": (
        [Clause(MAN, "drink", object=NounPhrase("wine", determiner="some"), negation="no longer")],
        ("The man no longer drinks wine.", "L'homme ne boit plus de vin.", "Der Mann trinkt keinen Wein mehr."),
    ),
    "a separable verb, and a weak noun": (
        [Clause(Pronoun(1, True), "invite", object=NounPhrase("student"))],
        ("We invite the student.", "Nous invitons l'étudiant.", "Wir laden den Studenten ein."),
    ),
    "the verb last, the prefix with it": (
        [
            Subordination(
                Clause(WOMAN, "sing", tense="past"),
                "because",
                Clause(MAN, "turn on", object=NounPhrase("lamp")),
                first=True,
            )
        ],
        (
            "Because the man turns on the lamp, the woman sang.",
            "Parce que l'homme allume la lampe, la femme a chanté.",
            "Weil der Mann die Lampe einschaltet, hat die Frau gesungen.",
        ),
    ),
    "si before il": (
        [Subordination(Clause(WOMAN, "sleep"), "if", Clause(Pronoun(3), "get up", modal="must"))],
        (
            "The woman sleeps if he must get up.",
            "La femme dort s'il doit se lever.",
            "Die Frau schläft, wenn er aufstehen muss.",
        ),
    ),
    "a participle that agrees with the subject": (
        [Clause(NounPhrase("queen", True), "arrive", tense="past")],
        ("The queens arrived.", "Les reines sont arrivées.", "Die Königinnen sind angekommen."),
    ),
    "a participle that agrees with the object before it": (
        [
            Clause(
                NounPhrase(
                    "letter",
                    relative=Clause(Pronoun(3, gender="f"), "write", "past", None, NounPhrase("letter"), gap="object"),
                ),
                "be",
                predicate="interesting",
            )
        ],
        (
            "The letter that she wrote is interesting.",
            "La lettre qu'elle a écrite est intéressante.",
            "Der Brief, den sie geschrieben hat, ist interessant.",
        ),
    ),
    "a relative clause with a dative": (
        [
            Clause(
                NounPhrase(
                    "child", True, relative=Clause(WOMAN, "help", object=NounPhrase("child", True), gap="object")
                ),
                "laugh",
            )
        ],
        (
            "The children that the woman helps laugh.",
            "Les enfants que la femme aide rient.",
            "Die Kinder, denen die Frau hilft, lachen.",
        ),
    ),
    "a date in front": (
        [Clause(MAN, "leave", time=Time("date", "May", 21), fronted=True)],
        (
            "On the twenty-first of May the man leaves.",
            "Le vingt et un mai l'homme part.",
            "Am einundzwanzigsten Mai reist der Mann ab.",
        ),
    ),
    "half past": (
        [Clause(MAN, "sleep", time=Time("hour", number=3, half=True))],
        (
            "The man sleeps at half past three.",
            "L'homme dort à trois heures et demie.",
            "Der Mann schläft um halb vier.",
        ),
    ),
    "an idiom": (
        [Clause(WOMAN, "beat around the bush", frequency="often")],
        (
            "The woman often beats around the bush.",
            "La femme tourne souvent autour du pot.",
            "Die Frau redet oft um den heißen Brei herum.",
        ),
    ),
    "a compound, with a feminine number": (
        [Clause(MAN, "repair", object=NounPhrase("garden chair", True, "21"))],
        (
            "The man repairs twenty-one garden chairs.",
            "L'homme répare vingt et une chaises de jardin.",
            "Der Mann repariert einundzwanzig Gartenstühle.",
        ),
    ),
    "names in cases": (
        [Clause(Name("Thomas", "m"), "help", object=Name("Keldason", "m", title=True))],
        ("Thomas helps Mr Keldason.", "Thomas aide Monsieur Keldason.", "Thomas hilft Herrn Keldason."),
    ),
    "a report": (
        [Clause(Pronoun(3, True), "hope", complement=Clause(Name("Anna", "f"), "visit", object=NounPhrase("house")))],
        (
            "They hope that Anna visits the house.",
            "Ils espèrent qu'Anna visite la maison.",
            "Sie hoffen, dass Anna das Haus besucht.",
        ),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_sentence_by_hand(name):
    parts, expected = BY_HAND[name]
    for made, right in zip(said(*parts), expected, strict=True):
        assert right is None or made == right


def test_whoever_english_leaves_open_has_several_references():
    sentence = Sentence(Discourse((Clause(Pronoun(2), "arrive", tense="past"),)))
    assert set(sentence.references("fr")) == {
        "Vous êtes arrivé.",
        "Vous êtes arrivée.",
        "Vous êtes arrivés.",
        "Vous êtes arrivées.",
        "Tu es arrivé.",
        "Tu es arrivée.",
    }
    assert sentence.references("de") == ("Sie sind angekommen.", "Du bist angekommen.", "Ihr seid angekommen.")
    turned = Sentence(Discourse((Clause(NounPhrase("teacher"), "sleep", time=Time("weekday", "Monday")),)))
    assert set(turned.references("de")) == {
        "Der Lehrer schläft am Montag.",
        "Am Montag schläft der Lehrer.",
        "Die Lehrerin schläft am Montag.",
        "Am Montag schläft die Lehrerin.",
    }


def test_numbers():
    assert [numerals.french(n) for n in (1, 17, 21, 30, 71, 80, 81, 91, 99)] == [
        "un",
        "dix-sept",
        "vingt et un",
        "trente",
        "soixante et onze",
        "quatre-vingts",
        "quatre-vingt-un",
        "quatre-vingt-onze",
        "quatre-vingt-dix-neuf",
    ]
    assert [numerals.german(n) for n in (1, 16, 21, 70, 99)] == [
        "eins",
        "sechzehn",
        "einundzwanzig",
        "siebzig",
        "neunundneunzig",
    ]
    assert [numerals.english_ordinal(n) for n in (1, 12, 22, 30)] == ["first", "twelfth", "twenty-second", "thirtieth"]
    assert [numerals.german_ordinal(n) for n in (1, 3, 7, 19, 20)] == [
        "ersten",
        "dritten",
        "siebten",
        "neunzehnten",
        "zwanzigsten",
    ]
    for write in (numerals.english, numerals.french, numerals.german):
        assert len({write(n) for n in range(100)}) == 100


# -- many sentences ----------------------------------------------------------------------------------------------------


def test_sentences_are_the_same_everywhere(sentences):
    text = "\n".join(one.text(language) for one in sentences for language in LANGUAGES)
    assert hashlib.sha256(text.encode()).hexdigest() == DIGEST


def test_a_smaller_draw_is_the_beginning_of_a_larger(sentences):
    assert generate(20, seed=0) == sentences[:20]
    assert generate(20, seed=1) != sentences[:20]
    big = 2**80 + 1
    assert generate(3, seed=big) == generate(3, seed=np.random.SeedSequence(big)) != generate(3, seed=2**80)


def test_lengths_are_kept_and_cover_their_range(sentences):
    lengths = [one.num_words for one in sentences]
    assert set(lengths) == set(range(3, 31))
    assert {one.num_words for one in generate(60, seed=2, min_words=8, max_words=9)} == {8, 9}
    text = sentences[0].text("en")
    assert sentences[0].num_words == len(re.findall(r"[\w'-]+", text))
    for wrong in ((2, 10), (10, 5), (3, 4), (3, 50)):
        with pytest.raises(ValueError, match="words"):
            generate(1, seed=0, min_words=wrong[0], max_words=wrong[1])


def test_a_meaning_has_one_key(sentences):
    assert len({one.meaning for one in sentences}) == len({one.discourse for one in sentences})
    assert sentences[0].meaning == generate(1, seed=0)[0].meaning


def test_references_begin_with_the_canonical_and_differ(sentences):
    for one, language in itertools.product(sentences[:150], LANGUAGES):
        references = one.references(language)
        assert references[0] == one.text(language)
        assert len(set(references)) == len(references)
    assert np.mean([len(one.references("fr")) > 1 for one in sentences]) > 0.3


def test_spelling_is_tidy(sentences):
    for text in (one.text(language) for one in sentences for language in LANGUAGES):
        assert re.fullmatch(r"[A-ZÀ-Ü][\w',. -]*\.", text), text
        assert not re.search(r" ,|,,|  | \.|,\.|--", text)


def test_french_vowels_are_elided_and_articles_contracted(sentences):
    for one in sentences:
        text = one.text("fr").lower()
        assert not re.search(r"\b(le|la|de|ne|que|je|se) [aeiouéêèàœ](?!nz)", text.replace("le onze", "")), text
        assert not re.search(r"\b(à|de) les? ", text), text
        assert not re.search(r"\bsi ils?\b|\b(ma|sa) [aeiouéœ]|\bce [aeiouéœ]", text), text


def test_french_negation_has_two_parts(sentences):
    negated = 0
    for one in sentences:
        text = f" {one.text('fr').lower()} ".replace("n'", "ne ")
        expected = sum(clause.negation is not None for clause in clauses(one.discourse))
        assert len(re.findall(r"\bne\b", text)) == expected == len(re.findall(r"\b(pas|jamais|plus)\b", text)), text
        negated += expected
    assert negated > 60


def test_german_main_clauses_have_their_verb_second():
    simple = Phenomena(verb_final=False, idioms=False, rare_words=False)
    for one in generate(150, seed=3, phenomena=simple, max_words=9):
        (clause,) = one.discourse.parts[:1]
        if len(one.discourse.parts) > 1 or clause.time is None:
            continue
        last = one.text("de").rstrip(".").split()[-1]
        prefix = VERBS[clause.verb].german.prefix if clause.verb != "be" else ""
        assert not prefix or last == prefix
        front = [text for text in one.references("de") if text.split()[0] in ("Am", "Um", "Im", "Heute", "Jetzt")]
        assert front, one.references("de")


def test_adjectives_agree_in_french(sentences):
    """The form is right for gender and number, against a lookup of its own."""
    found = 0
    for one in sentences:
        text = f" {one.text('fr').lower()} "
        for clause in clauses(one.discourse):
            for phrase in nominals(clause):
                if not isinstance(phrase, NounPhrase) or not phrase.adjective:
                    continue
                noun, adjective = NOUNS[phrase.noun].french, ADJECTIVES[phrase.adjective]
                word = noun.plural if phrase.plural else noun.singular
                form = adjective.french[(noun.gender == "f") + 2 * phrase.plural]
                if adjective.before_noun:
                    assert f"{form} {word}" in text or f"{adjective.before_vowel} {word}" in text
                else:
                    assert f"{word} {form}" in text
                found += 1
    assert found > 150


# -- switches ----------------------------------------------------------------------------------------------------------


def without(name, num=120):
    return generate(num, seed=4, phenomena=Phenomena(**{name: False}))


def every_clause(sentences):
    return [clause for one in sentences for clause in clauses(one.discourse)]


def every_noun_phrase(sentences):
    found = []
    for clause in every_clause(sentences):
        for phrase in nominals(clause):
            while isinstance(phrase, NounPhrase):
                found.append(phrase)
                phrase = phrase.owner
    return found


def uses_agreement(sentences):
    plural = any(phrase.plural for phrase in every_noun_phrase(sentences))
    feminine = any(NOUNS[phrase.noun].french.gender == "f" for phrase in every_noun_phrase(sentences))
    return plural or feminine


USES = {
    "agreement": uses_agreement,
    "adjective_after_noun": lambda sentences: any(
        phrase.adjective and not ADJECTIVES[phrase.adjective].before_noun for phrase in every_noun_phrase(sentences)
    ),
    "verb_final": lambda sentences: (
        any(
            clause.modal or clause.gap or clause.complement or clause.tense == "past"
            for clause in every_clause(sentences)
        )
        or any(isinstance(part, Subordination) for one in sentences for part in one.discourse.parts)
    ),
    "separable_verbs": lambda sentences: any(
        clause.verb != "be" and VERBS[clause.verb].german.prefix for clause in every_clause(sentences)
    ),
    "negation": lambda sentences: any(clause.negation for clause in every_clause(sentences)),
    "elision": lambda sentences: any("'" in one.text("fr") for one in sentences),
    "idioms": lambda sentences: any(
        clause.verb != "be" and VERBS[clause.verb].english.tail for clause in every_clause(sentences)
    ),
    "numbers": lambda sentences: (
        any(
            clause.price or (clause.time and clause.time.kind in ("date", "hour", "month"))
            for clause in every_clause(sentences)
        )
        or any(phrase.determiner.isdigit() for phrase in every_noun_phrase(sentences))
    ),
    "rare_words": lambda sentences: (
        any(NOUNS[phrase.noun].parts for phrase in every_noun_phrase(sentences))
        or any(isinstance(one, Name) and one.title for clause in every_clause(sentences) for one in nominals(clause))
    ),
}


@pytest.mark.parametrize("name", USES)
def test_a_switch_takes_its_phenomenon_out_and_no_other(name, sentences):
    assert USES[name](sentences)
    left = without(name)
    assert not USES[name](left)
    for other in USES:
        # Without subordinate clauses and past tenses too, there is a verb at the end of nothing.
        assert other == name or USES[other](left), other


def test_a_share_of_the_lexicon_is_a_smaller_vocabulary(sentences):
    few = generate(200, seed=0, share=0.3)
    words = [{token for one in of for token in tokenize(normalize(one.text("de")))} for of in (few, sentences[:200])]
    assert len(words[0]) < 0.7 * len(words[1])
    # Evenly: of everything there is something left.
    for name, uses in USES.items():
        assert uses(few), name
    assert generate(5, seed=0, share=1.0) == sentences[:5]
    for wrong in (0.0, 1.5):
        with pytest.raises(ValueError, match="share"):
            generate(1, seed=0, share=wrong)


def test_all_phenomena_left_out():
    plain = generate(60, seed=5, phenomena=Phenomena.none(), max_words=15)
    assert not any(uses(plain) for uses in USES.values())
    assert len({one.text("en") for one in plain}) > 40


# -- splits ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def split():
    return load_translation("bundled", languages=("en", "de"), num_train=600, num_valid=30, num_test=60)


def test_no_sentence_is_on_two_sides(split):
    parts = [split.train, split.valid, split.test]
    assert [len(part) for part in parts] == [600, 30, 60]
    for language in range(2):
        texts = [{line[language] for line in part} for part in parts]
        assert not texts[0] & texts[1] and not texts[0] & texts[2] and not texts[1] & texts[2]
    assert len({line[0] for line in split.train}) == 600


def test_the_test_has_new_combinations_and_new_lengths(split):
    def num_words(line):
        return len(re.findall(r"[\w'-]+", line[0]))

    assert split.test_kinds == KINDS * 20 and split.valid_kinds == KINDS * 10
    assert max(map(num_words, split.train)) <= 20
    for line, kind in zip(split.test, split.test_kinds, strict=True):
        assert (num_words(line) > 20) == (kind == "long")
    assert sum(split.report.values()) == 2 * split.report["drawn"] - 690
    assert split.report["held-out combination"] > 0


def test_held_out_combinations_are_never_trained_on(sentences):
    held_out = {one.text("en"): one for one in sentences if is_held_out(one)}
    assert 0.05 < len(held_out) / len(sentences) < 0.6
    split = load_translation("bundled", num_train=500, num_valid=0, num_test=30)
    drawn = {one.text("en"): one for one in generate(700, seed=np.random.SeedSequence(0).spawn(1)[0], max_words=20)}
    trained = [drawn[line[0]] for line in split.train if line[0] in drawn]
    assert len(trained) > 450
    assert not any(map(is_held_out, trained))


def test_a_split_is_deterministic_and_the_test_does_not_depend_on_the_training(split):
    again = load_translation("bundled", languages=("en", "de"), num_train=20, num_valid=30, num_test=60)
    assert again.test == split.test and again.train == split.train[:20]
    assert again.test_references == split.test_references
    other = load_translation("bundled", languages=("en", "de"), num_train=20, num_valid=30, num_test=60, seed=1)
    assert other.test != split.test


def test_references_are_of_the_last_language(split):
    assert len(split.test_references) == 60
    assert all(line[1] == references[0] for line, references in zip(split.test, split.test_references, strict=True))


def test_wrong_arguments_are_refused():
    sizes = {"num_train": 5, "num_valid": 0, "num_test": 3}
    with pytest.raises(ValueError, match="not in cs"):
        load_translation("bundled", languages=("en", "cs"), **sizes)
    with pytest.raises(ValueError, match="different languages"):
        load_translation("bundled", languages=("en", "en"), **sizes)
    with pytest.raises(ValueError, match="bundled sentences only"):
        load_translation("real", phenomena=Phenomena(), **sizes)
    with pytest.raises(ValueError, match="tatoeba, multi30k"):
        load_translation("real", corpus="europarl", **sizes)
    with pytest.raises(ValueError, match="raise max_words"):
        load_translation("bundled", max_words=20, **sizes)


# -- real sentences ----------------------------------------------------------------------------------------------------


def write(path, text):
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(text)


def test_lines_that_cannot_be_used_are_counted(tmp_path, monkeypatch):
    long = " ".join(["word"] * 40)
    lines = [
        "Hi.\tSalut.",
        "hi.\tBonjour.",
        "Go.\t",
        "Lost",
        f"{long}\tlong",
        "Run!\tCours !",
        "Run!\tCours !",
        "No.\tNon.",
    ]
    write(tmp_path / "eng-fra_30k.tsv.gz", "\n".join(lines) + "\n")
    monkeypatch.setattr("coursedata.fetching.fetch", lambda name: tmp_path)
    split = load_translation("real", num_train=1, num_valid=1, num_test=1)
    assert split.report == {"read": 8, "empty": 2, "too long": 1, "further translation of a sentence": 2}
    sources = {line[0] for part in (split.train, split.valid, split.test) for line in part}
    assert sources == {"Hi.", "Run!", "No."}
    references = dict(
        zip((line[0] for line in split.valid + split.test), split.valid_references + split.test_references, strict=True)
    )
    assert references.get("Hi.", ("Salut.", "Bonjour.")) == ("Salut.", "Bonjour.")
    assert references.get("Run!", ("Cours !",)) == ("Cours !",)
    with pytest.raises(ValueError, match="there are 1 sentences for train"):
        load_translation("real", num_train=2, num_valid=1, num_test=1)


@needs_tatoeba
def test_tatoeba_is_as_its_card_says_and_split_by_source():
    assert tatoeba.content_sha256(fetch("tatoeba")) == CARDS["tatoeba"].content_sha256
    split = load_translation("real", num_train=1000, num_valid=200, num_test=300)
    assert split.report["read"] == 30_000
    parts = [{normalize(line[0]) for line in part} for part in (split.train, split.valid, split.test)]
    assert [len(part) for part in parts] == [1000, 200, 300] and not parts[0] & (parts[1] | parts[2])
    triples = load_translation("real", languages=("de", "en", "fr"), num_train=10, num_valid=1, num_test=1)
    assert triples.report["read"] == 47_564 and all(len(line) == 3 and all(line) for line in triples.train)


@needs_multi30k
def test_multi30k_is_as_its_card_says_and_keeps_its_authors_split():
    folder = fetch("multi30k")
    assert multi30k.content_sha256(folder) == CARDS["multi30k"].content_sha256
    split = load_translation(
        "real", languages=("cs", "en"), num_train=500, num_valid=100, num_test=900, corpus="multi30k"
    )
    theirs = {line[0] for line in multi30k.read(folder, ("cs",))["test"]}
    assert {line[0] for line in split.test} <= theirs
    assert not {normalize(line[0]) for line in split.train} & {normalize(line[0]) for line in split.test}


def test_multi30k_is_prepared_from_its_archive(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for part, language in itertools.product(multi30k.PARTS.values(), multi30k.LANGUAGES):
            content = gzip.compress(f"{part} in {language}\n".encode())
            for folder in ("raw", "tok"):
                member = tarfile.TarInfo(f"dataset-1/data/task1/{folder}/{part}.{language}.gz")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    (tmp_path / "archive").write_bytes(buffer.getvalue())
    multi30k.prepare(tmp_path / "archive", tmp_path / "files")
    assert multi30k.read(tmp_path / "files", ("de", "fr"))["valid"] == [("val in de", "val in fr")]
    assert re.fullmatch("[0-9a-f]{64}", multi30k.content_sha256(tmp_path / "files"))
    with tarfile.open(tmp_path / "empty", mode="w:gz"):
        pass
    with pytest.raises(ValueError, match="holds 0 of 12 files"):
        multi30k.prepare(tmp_path / "empty", tmp_path / "nothing")


def test_tatoeba_that_is_not_there_cannot_be_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr("coursedata.fetching.cache_folder", lambda: tmp_path / "cache")
    with pytest.raises(DataUnavailable, match="tatoeba/eng-fra-deu.tsv.gz and tatoeba/eng-deu"):
        fetch("tatoeba")


# -- words -------------------------------------------------------------------------------------------------------------


def test_normalization_is_one_form():
    assert normalize("  L’été   «chaud»\t") == 'l\'été "chaud"'
    assert normalize("E\u0301te\u0301") == "été"
    assert normalize("Die  Straße", lower=False) == "Die Straße"


def test_tokens():
    assert tokenize("L'homme n'aime pas l'ami d'Anna aujourd'hui.") == [
        *("L'", "homme", "n'", "aime", "pas", "l'", "ami", "d'", "Anna", "aujourd'hui", "."),
    ]
    assert tokenize("the neighbour's dog doesn't cost 3,500.5 euros!") == [
        *("the", "neighbour", "'s", "dog", "doesn't", "cost", "3,500.5", "euros", "!"),
    ]
    assert tokenize("Thomas' Hund, vingt-deux; 日本語 ok?") == [
        *("Thomas'", "Hund", ",", "vingt-deux", ";", "日本語", "ok", "?"),
    ]
    assert tokenize("") == tokenize("  \n") == []


def test_tokens_go_back_to_the_sentence(sentences):
    for one, language in itertools.product(sentences, LANGUAGES):
        text = one.text(language)
        assert detokenize(tokenize(text), language) == text
    assert detokenize(tokenize("tu viens, ou non ?"), "fr") == "Tu viens, ou non ?"
    assert detokenize([], "en") == ""


def test_a_vocabulary_ranks_and_numbers_words():
    vocabulary = Vocabulary([["b", "a", "b"], ["c", "a", "b"]])
    assert vocabulary.words == ("<pad>", "<s>", "</s>", "<unk>", "b", "a", "c")
    assert len(vocabulary) == 7 and "a" in vocabulary and "z" not in vocabulary
    assert vocabulary.encode(["c", "z", "b"]) == [6, 3, 4]
    assert vocabulary.decode([1, 6, 3, 4, 2, 5, 0]) == ["c", "<unk>", "b"]
    assert vocabulary.num_unknown([["z", "a"], ["y"]]) == 2
    assert Vocabulary([["b", "a", "b"]], min_count=2).words[4:] == ("b",)
    assert Vocabulary([["b", "a", "b"]], max_size=1).words[4:] == ("b",)
