"""Whole numbers from 1 to 99 as words, and ordinals for days of a month."""

_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_ENGLISH_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_FRENCH = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit "
    "dix-neuf"
).split()
_FRENCH_TENS = "- - vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt".split()
_GERMAN = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
    "achtzehn neunzehn"
).split()
_GERMAN_TENS = "- - zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
_ENGLISH_ORDINALS = {
    1: "first",
    2: "second",
    3: "third",
    5: "fifth",
    8: "eighth",
    9: "ninth",
    12: "twelfth",
    20: "twentieth",
    30: "thirtieth",
}


def english(number: int) -> str:
    """ "twenty-one"."""
    if number < 20:
        return _ENGLISH[number]
    tens, ones = divmod(number, 10)
    return _ENGLISH_TENS[tens] + (f"-{_ENGLISH[ones]}" if ones else "")


def french(number: int) -> str:
    """ "vingt et un", "soixante-dix", "quatre-vingts": masculine, in the spelling before 1990."""
    if number < 20:
        return _FRENCH[number]
    tens, ones = divmod(number, 10)
    if tens in (7, 9):
        ones += 10
    if number == 80:
        return "quatre-vingts"
    if not ones:
        return _FRENCH_TENS[tens]
    link = " et " if ones in (1, 11) and tens < 8 else "-"
    return _FRENCH_TENS[tens] + link + _FRENCH[ones]


def german(number: int) -> str:
    """ "einundzwanzig"."""
    if number < 20:
        return _GERMAN[number]
    tens, ones = divmod(number, 10)
    if not ones:
        return _GERMAN_TENS[tens]
    return ("ein" if ones == 1 else _GERMAN[ones]) + "und" + _GERMAN_TENS[tens]


def english_ordinal(number: int) -> str:
    """ "twenty-first"."""
    if number in _ENGLISH_ORDINALS:
        return _ENGLISH_ORDINALS[number]
    if number < 20:
        return _ENGLISH[number] + "th"
    tens, ones = divmod(number, 10)
    return f"{_ENGLISH_TENS[tens]}-{english_ordinal(ones)}"


def german_ordinal(number: int) -> str:
    """The dative after "am": "dritten", "einundzwanzigsten"."""
    irregular = {1: "ersten", 3: "dritten", 7: "siebten", 8: "achten"}
    if number in irregular:
        return irregular[number]
    return german(number) + ("ten" if number < 20 else "sten")
