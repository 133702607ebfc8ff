"""Music to model sample by sample: piano-like tones, alone and in chords, with the notes that were played."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coursedata.speech.utterances import RATE

# C major over two octaves, as MIDI numbers; a chord stacks every second note of the scale.
SCALE = (48, 50, 52, 53, 55, 57, 59, 60, 62, 64, 65, 67, 69, 71, 72)
NUM_HARMONICS = 8
CHORD_SHARE = 0.3
ATTACK_SECONDS = 0.005
PEAK = 0.5


class Note(NamedTuple):
    """A key (MIDI number: 60 is middle C, 69 is 440 Hz), struck at `start` for `seconds`, `loudness` in (0, 1]."""

    key: int
    start: float
    seconds: float
    loudness: float


class Music(NamedTuple):
    """Samples float32 (num_samples,) in [-1, 1] at 8 kHz, and the notes in them."""

    wave: NDArray[np.float32]
    notes: tuple[Note, ...]


def frequency(key: int) -> float:
    """The fundamental of a key in hertz, in equal temperament."""
    return 440.0 * 2 ** ((key - 69) / 12)


def play(seconds: float, *, seed: int, beat: float = 0.25) -> Music:
    """A melody of `seconds` in C major with some chords: a walk over the scale, a note each beat of `beat` seconds.

    Raises ValueError for music without length.
    """
    if seconds <= 0 or beat <= 0:
        raise ValueError(f"music needs a positive length and beat: got {seconds} s and {beat} s")
    rng = np.random.default_rng(seed)
    notes, place = [], int(rng.integers(len(SCALE)))
    for start in np.arange(0, seconds, beat):
        place = int(np.clip(place + rng.integers(-2, 3), 0, len(SCALE) - 1))
        chord = [place, place + 2, place + 4] if rng.random() < CHORD_SHARE else [place]
        loudness = float(rng.uniform(0.5, 1.0)) / len(chord)
        held = float(beat * rng.choice((1, 2)))
        notes += [Note(SCALE[step], float(start), held, loudness) for step in chord if step < len(SCALE)]
    wave = np.zeros(round(seconds * RATE))
    for note in notes:
        first = round(note.start * RATE)
        tone = _tone(note)[: len(wave) - first]
        wave[first : first + len(tone)] += tone
    return Music((wave * (PEAK / np.abs(wave).max())).astype(np.float32), tuple(notes))


def _tone(note: Note) -> NDArray[np.float64]:
    """Harmonics of falling strength; the higher ones die away sooner, as on a struck string."""
    time = np.arange(round(note.seconds * RATE)) / RATE
    harmonics = [n for n in range(1, NUM_HARMONICS + 1) if n * frequency(note.key) < RATE / 2]
    tone = sum(
        np.sin(2 * np.pi * n * frequency(note.key) * time) / n**1.5 * np.exp(-time * (2 + 1.5 * n)) for n in harmonics
    )
    fade = np.minimum(1, np.minimum(time, note.seconds - time) / ATTACK_SECONDS)
    return note.loudness * tone * fade
