"""Sentences in English, French and German: a grammar that generates them, sentences that people wrote, and words."""

from coursedata.translation.grammar import LANGUAGES, Phenomena, Sentence, generate
from coursedata.translation.splits import TranslationSplit, load_translation
from coursedata.translation.text import Vocabulary, detokenize, normalize, tokenize

__all__ = [
    "LANGUAGES",
    "Phenomena",
    "Sentence",
    "TranslationSplit",
    "Vocabulary",
    "detokenize",
    "generate",
    "load_translation",
    "normalize",
    "tokenize",
]
