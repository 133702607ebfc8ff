"""The speech synthesizer eSpeak NG through its library: text in, samples and the times of its words and phonemes out.

Needed only to make the bundled speech anew: what it makes is committed (see `coursedata.speech.bundled`).
Source: the library's header `speak_lib.h`, API revision 12, of eSpeak NG 1.51.
"""

import ctypes
import multiprocessing
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coursedata.errors import DataUnavailable
from coursedata.speech.resampling import resample

LIBRARY = "libespeak-ng.so.1"
_SYNCHRONOUS, _PHONEME_EVENTS, _DO_NOT_EXIT = 2, 0x0001, 0x8000
_UTF8 = 1
_RATE, _PITCH, _PITCH_RANGE = 1, 3, 4
_END_OF_LIST, _WORD, _PHONEME = 0, 1, 7


class Spoken(NamedTuple):
    """Samples float64 (num_samples,) in [-1, 1] at `rate` Hz, and where words and phonemes start, in samples.

    `phonemes` holds eSpeak's own symbols; pauses begin with an underscore.
    """

    wave: NDArray[np.float64]
    rate: int
    words: tuple[int, ...]
    phonemes: tuple[tuple[str, int], ...]


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def available() -> bool:
    """Whether the library is on this machine."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


def speak(text: str, voice: str, *, words_per_minute: int = 175, pitch: int = 50, pitch_range: int = 50) -> Spoken:
    """Speaks a text. `pitch` and `pitch_range` lie in 0 to 99; a voice is ACCENT or ACCENT+VARIANT.

    The library's noise and phases run on from one utterance to the next, so each is spoken in a process of its own:
    the same arguments give the same samples. Raises DataUnavailable without the library, ValueError for an unknown
    voice.
    """
    if not available():
        raise DataUnavailable(f"{LIBRARY} is not on this machine: install the system's package espeak-ng.")
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_speak_into, args=(theirs, text, voice, words_per_minute, pitch, pitch_range))
    child.start()
    theirs.close()
    try:
        spoken = ours.recv()
    except EOFError:
        spoken = None
    child.join()
    if spoken is None:
        raise ValueError(f"eSpeak NG could not say {text!r} as {voice!r}: is it one of `espeak-ng --voices`?")
    return spoken


def resampled(spoken: Spoken, rate: int) -> Spoken:
    """The same at another rate."""

    def at(sample: int) -> int:
        return round(sample * rate / spoken.rate)

    return Spoken(
        resample(spoken.wave, spoken.rate, rate),
        rate,
        tuple(map(at, spoken.words)),
        tuple((symbol, at(start)) for symbol, start in spoken.phonemes),
    )


def _speak_into(pipe, text: str, voice: str, *parameters: int) -> None:
    library = ctypes.CDLL(LIBRARY)
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS | _DO_NOT_EXIT)
    ctypes.CDLL(None).srand(1)
    chunks: list[NDArray[np.int16]] = []
    words: list[int] = []
    phonemes: list[tuple[str, int]] = []

    @_Callback
    def receive(samples, count: int, events) -> int:
        if samples and count:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _END_OF_LIST:
            event = events[index]
            if event.type == _WORD:
                words.append(event.sample)
            elif event.type == _PHONEME:
                phonemes.append((event.id.string.decode(), event.sample))
            index += 1
        return 0

    library.espeak_SetSynthCallback(receive)
    if rate > 0 and library.espeak_SetVoiceByName(voice.encode()) == 0:
        for parameter, value in zip((_RATE, _PITCH, _PITCH_RANGE), parameters, strict=True):
            library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode()
        if library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None) == 0 and chunks:
            pipe.send(Spoken(np.concatenate(chunks) / 2**15, rate, tuple(words), tuple(phonemes)))
    pipe.close()
