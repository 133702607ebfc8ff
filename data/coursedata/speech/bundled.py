"""The bundled speech: digit strings of 24 synthetic voices, committed as 8-bit μ-law codes, and how they are made.

A fresh machine may lack the synthesizer, so its output is package data; `python -m coursedata.speech.bundled` makes it
anew. eSpeak NG reads each string as one phrase: neighbouring digits run into each other as in real speech.
"""

import io
import lzma
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from coursedata.speech import companding, synthesizer
from coursedata.speech.utterances import RATE, WORDS, Segment, SpeechSplit, Utterance
from coursedata.speech.voices import VOICES, Voice

FILE = "spoken_digits.npz.xz"
STRINGS_PER_VOICE = 20
LONGEST = 6
PEAK = 0.5
# How far one utterance of a voice strays from its pitch (0 to 99) and its pace (words per minute).
PITCH_SPREAD, PACE_SPREAD = 6, 15


@cache
def load() -> SpeechSplit:
    """The bundled digit strings, split by voice: 16 to train, 4 to choose settings, 4 to test."""
    utterances = unpack((files("coursedata.speech") / FILE).read_bytes())
    parts = {voice.name: voice.part for voice in VOICES}
    return SpeechSplit(
        *(tuple(one for one in utterances if parts[one.speaker] == part) for part in ("train", "valid", "test"))
    )


def say(voice: Voice, num: int, seed: Sequence[int]) -> Iterable[Utterance]:
    """Makes `num` digit strings of one to six digits in a voice, every digit about equally often.

    Needs the synthesizer. The same voice, number and seed give the same samples.
    """
    rng = np.random.default_rng(seed)
    for digits in _strings(num, rng):
        yield _utterance(
            voice,
            digits,
            pitch=int(np.clip(voice.pitch + rng.integers(-PITCH_SPREAD, PITCH_SPREAD + 1), 0, 99)),
            pace=voice.pace + int(rng.integers(-PACE_SPREAD, PACE_SPREAD + 1)),
        )


def pack(utterances: Sequence[Utterance]) -> bytes:
    """Utterances as a file's bytes: an npz of everything joined, with lengths that say where each ends, compressed."""
    speakers = sorted({one.speaker for one in utterances})
    symbols = sorted({segment.label for one in utterances for segment in one.phonemes})
    arrays = {
        "codes": np.concatenate([companding.encode(one.wave) for one in utterances]),
        "lengths": np.array([len(one.wave) for one in utterances], np.int32),
        "speakers": np.array(speakers),
        "speaker": np.array([speakers.index(one.speaker) for one in utterances], np.uint8),
        "num_digits": np.array([len(one.digits) for one in utterances], np.uint8),
        "digits": np.array([digit for one in utterances for digit in one.digits], np.uint8),
        "word_bounds": np.array([segment[1:] for one in utterances for segment in one.words], np.int32),
        "symbols": np.array(symbols),
        "num_phonemes": np.array([len(one.phonemes) for one in utterances], np.uint8),
        "phonemes": np.array([symbols.index(seg.label) for one in utterances for seg in one.phonemes], np.uint8),
        "phoneme_bounds": np.array([segment[1:] for one in utterances for segment in one.phonemes], np.int32),
    }
    held = io.BytesIO()
    np.savez(held, **arrays)
    return lzma.compress(held.getvalue(), preset=9)


def unpack(packed: bytes) -> tuple[Utterance, ...]:
    """The utterances that `pack` put into a file's bytes, their samples as μ-law gives them back."""
    with np.load(io.BytesIO(lzma.decompress(packed))) as file:
        arrays = dict(file)

    def parts(name: str, counts: str) -> list[np.ndarray]:
        return np.split(arrays[name], np.cumsum(arrays[counts].astype(np.int64))[:-1])

    utterances = []
    for codes, speaker, digits, word_bounds, phonemes, phoneme_bounds in zip(
        parts("codes", "lengths"),
        arrays["speaker"],
        parts("digits", "num_digits"),
        parts("word_bounds", "num_digits"),
        parts("phonemes", "num_phonemes"),
        parts("phoneme_bounds", "num_phonemes"),
        strict=True,
    ):
        digits = tuple(int(digit) for digit in digits)
        labels = [str(arrays["symbols"][index]) for index in phonemes]
        utterances.append(
            Utterance(
                companding.decode(codes),
                digits,
                str(arrays["speakers"][speaker]),
                tuple(_segments([WORDS[digit] for digit in digits], word_bounds)),
                tuple(_segments(labels, phoneme_bounds)),
            )
        )
    return tuple(utterances)


def make() -> tuple[Utterance, ...]:
    """Makes the whole bundled set; needs the synthesizer."""
    return tuple(one for index, voice in enumerate(VOICES) for one in say(voice, STRINGS_PER_VOICE, (index,)))


def write(destination: Path) -> None:
    """Makes the bundled set and writes it, compressed."""
    destination.write_bytes(pack(make()))


def _strings(num: int, rng: np.random.Generator) -> Iterable[tuple[int, ...]]:
    """Strings cut from shuffled decks of the ten digits."""
    deck: list[int] = []
    for length in rng.integers(1, LONGEST + 1, num):
        while len(deck) < length:
            deck.extend(rng.permutation(len(WORDS)).tolist())
        yield tuple(deck[:length])
        del deck[:length]


def _utterance(voice: Voice, digits: tuple[int, ...], pitch: int, pace: int) -> Utterance:
    text = " ".join(WORDS[digit] for digit in digits)
    spoken = synthesizer.resampled(synthesizer.speak(text, voice.espeak, words_per_minute=pace, pitch=pitch), RATE)
    starts = [start for _, start in spoken.phonemes] + [len(spoken.wave)]
    phonemes = [
        Segment(symbol, start, end)
        for (symbol, start), end in zip(spoken.phonemes, starts[1:], strict=True)
        if not symbol.startswith("_") and end > start
    ]
    ends = [*spoken.words[1:], phonemes[-1].end]
    words = [
        Segment(WORDS[digit], max(start, phonemes[0].start), end)
        for digit, start, end in zip(digits, spoken.words, ends, strict=True)
    ]
    wave = (spoken.wave * (PEAK / np.abs(spoken.wave).max())).astype(np.float32)
    return Utterance(wave, digits, voice.name, tuple(words), tuple(phonemes))


def _segments(labels: Iterable[str], bounds: np.ndarray) -> Iterable[Segment]:
    return (Segment(label, int(start), int(end)) for label, (start, end) in zip(labels, bounds, strict=True))


if __name__ == "__main__":
    write(Path(__file__).with_name(FILE))
