"""Spoken digit strings, what rooms and noise do to them, recordings of one's own, and music."""

from coursedata.speech.acoustics import add_noise, reverberate
from coursedata.speech.audio import AudioNote, BadAudio, as_speech, read_wav
from coursedata.speech.tones import Note, play
from coursedata.speech.utterances import RATE, WORDS, Segment, SpeechSplit, Utterance

__all__ = [
    "RATE",
    "WORDS",
    "AudioNote",
    "BadAudio",
    "Note",
    "Segment",
    "SpeechSplit",
    "Utterance",
    "add_noise",
    "as_speech",
    "play",
    "read_wav",
    "reverberate",
]
