"""Makes examiner/unseen_voices.npz.xz: digit strings of voices that no student has heard, for the experiment.

Run in this folder: python held_out.py. It needs the synthesizer (the system's package espeak-ng); the same seed gives
the same samples. The file has the form of the course's bundled speech (`coursedata.speech.bundled.pack`).
"""

from pathlib import Path

import numpy as np
from coursedata.speech import bundled
from coursedata.speech.voices import VOICES, Voice

FILE = Path("examiner", "unseen_voices.npz.xz")
SEED = 0x008F16D1C54E31F6
STRINGS_PER_VOICE = 17
# Accents that are heard in training, from other speakers; timbres that are not. Pitch and pace follow from the seed.
TIMBRES = (
    "en-us+david",
    "en-us-nyc+shelby",
    "en-029+anika",
    "en-029+quincy",
    "en-gb-x-rp+belinda",
    "en-gb-scotland+aunty",
    "en-gb-scotland+robert",
    "en-gb-x-gbclan+adam",
)


def voices() -> list[Voice]:
    """The held-out speakers; their names say nothing about them."""
    rng = np.random.default_rng(SEED)
    return [
        Voice(f"unseen {number}", timbre, int(rng.integers(35, 61)), int(rng.integers(155, 186)), "test")
        for number, timbre in enumerate(TIMBRES)
    ]


def make() -> tuple[bundled.Utterance, ...]:
    """All strings of all held-out voices."""
    return tuple(
        one for number, voice in enumerate(voices()) for one in bundled.say(voice, STRINGS_PER_VOICE, (SEED, number))
    )


def main() -> None:
    """Make them and write the file."""
    assert not {voice.espeak for voice in VOICES} & set(TIMBRES), "a held-out timbre is in the bundled speech"
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(bundled.pack(make()))


if __name__ == "__main__":
    main()
