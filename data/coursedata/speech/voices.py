"""The speakers of the bundled speech: a synthesizer's accents and timbres, each with a pitch and a pace of its own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Voice:
    """A speaker: eSpeak's voice ACCENT+VARIANT, pitch in 0 to 99, pace in words per minute, and part of the split."""

    name: str
    espeak: str
    pitch: int
    pace: int
    part: str


# Every accent of a test voice is heard in training from other speakers. No timbre is on both sides of the split, but
# timbres of one synthesizer are more alike than people: xena's (steph2) has the pitch range and formant frequencies of
# mona's (Steph), with stronger formants.
VOICES = (
    Voice("ada", "en-us+f1", 52, 165, "train"),
    Voice("ben", "en-us+m1", 35, 180, "train"),
    Voice("cleo", "en-us+Annie", 50, 150, "train"),
    Voice("dan", "en-us+Andy", 25, 195, "train"),
    Voice("elsa", "en-gb-x-rp+f2", 55, 170, "train"),
    Voice("finn", "en-gb-x-rp+m3", 65, 160, "train"),
    Voice("gwen", "en-gb-x-rp+Linda", 40, 185, "train"),
    Voice("hugh", "en-gb-x-rp+klatt2", 45, 150, "train"),
    Voice("iona", "en-gb-scotland+f4", 50, 175, "train"),
    Voice("jock", "en-gb-scotland+m2", 42, 190, "train"),
    Voice("kate", "en-gb-x-gbclan+f3", 60, 155, "train"),
    Voice("liam", "en-gb-x-gbclan+m5", 80, 170, "train"),
    Voice("mona", "en-029+Steph", 45, 165, "train"),
    Voice("nick", "en-029+m7", 55, 180, "train"),
    Voice("olga", "en-us-nyc+grandma", 50, 160, "train"),
    Voice("paul", "en-us-nyc+m4", 55, 175, "train"),
    Voice("quin", "en-gb-x-gbcwmd+m6", 60, 165, "valid"),
    Voice("rosa", "en-us+f5", 45, 180, "valid"),
    Voice("seth", "en-gb-scotland+Denis", 30, 155, "valid"),
    Voice("tess", "en-029+Alicia", 50, 185, "valid"),
    Voice("umar", "en-us+grandpa", 25, 170, "test"),
    Voice("vera", "en-gb-x-rp+Andrea", 55, 160, "test"),
    Voice("walt", "en-gb-scotland+m8", 60, 185, "test"),
    Voice("xena", "en-gb-x-gbclan+steph2", 50, 175, "test"),
)
