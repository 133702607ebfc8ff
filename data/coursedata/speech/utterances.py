"""What a recording of spoken digits is, whoever spoke it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE = 8000
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Segment(NamedTuple):
    """Something said from sample `start` up to sample `end`: a word, or a phoneme in eSpeak's notation."""

    label: str
    start: int
    end: int


class Utterance(NamedTuple):
    """A digit string: `wave` float32 (num_samples,) in [-1, 1] at 8 kHz, the digits, who spoke, and what lies where.

    `phonemes` is empty where nobody knows them.
    """

    wave: NDArray[np.float32]
    digits: tuple[int, ...]
    speaker: str
    words: tuple[Segment, ...]
    phonemes: tuple[Segment, ...] = ()


class SpeechSplit(NamedTuple):
    """Utterances to train, to choose settings and to test on; no speaker is in two of the three."""

    train: tuple[Utterance, ...]
    valid: tuple[Utterance, ...]
    test: tuple[Utterance, ...]
