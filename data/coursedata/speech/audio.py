"""Recordings of one's own: brought to the course's form, or refused in one sentence."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.io import wavfile

from coursedata.errors import CourseDataError
from coursedata.speech.resampling import resample
from coursedata.speech.utterances import RATE

# The course's analysis window: nothing shorter has a spectrum.
SHORTEST = 0.025
QUIETEST = 1e-4
CLIPPED_SHARE = 0.01


class BadAudio(CourseDataError, ValueError):
    """A recording that cannot be used; the message says why and what to do."""


class AudioNote(UserWarning):
    """A recording was changed, or is worse than it should be, and can be used."""


def read_wav(path: str | Path) -> NDArray[np.float32]:
    """The samples (num_samples,) of a WAV file, at 8 kHz in [-1, 1]. Raises BadAudio; see `as_speech`."""
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            rate, samples = wavfile.read(path)
    except FileNotFoundError:
        raise BadAudio(f"{path} is not there.") from None
    except (ValueError, EOFError, OSError) as error:
        raise BadAudio(f"{path} is no WAV file that can be read ({error}): save it as PCM WAV.") from error
    return as_speech(samples, rate, path.name)


def as_speech(samples: ArrayLike, rate: int, name: str = "the recording") -> NDArray[np.float32]:
    """Samples (num_samples,) or (num_samples, channels) as float32 (num,) at 8 kHz in [-1, 1].

    Integers are scaled by their type's range. Stereo is averaged, another rate resampled and clipping tolerated, each
    with an `AudioNote`. Raises BadAudio for what is empty, silent, not finite, or shorter than a window of 25 ms.
    """
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2) or samples.size == 0:
        raise BadAudio(f"{name} holds no samples (shape {samples.shape}): record it again.")
    if rate <= 0:
        raise BadAudio(f"{name} states a rate of {rate} Hz: give its true rate.")
    wave = _scaled(samples)
    if not np.isfinite(wave).all():
        raise BadAudio(f"{name} holds values that are not finite: record it again.")
    notes = []
    if wave.ndim == 2:
        if wave.shape[1] > 1:
            notes.append(f"its {wave.shape[1]} channels were averaged")
        wave = wave.mean(axis=1)
    if len(wave) < SHORTEST * rate:
        raise BadAudio(f"{name} lasts {1000 * len(wave) / rate:.0f} ms, less than a window of 25 ms: record it again.")
    loudest = float(np.abs(wave).max())
    if loudest < QUIETEST:
        raise BadAudio(f"{name} is silent: check the microphone and record it again.")
    if np.mean(np.abs(wave) >= 0.999 * max(loudest, 1.0)) > CLIPPED_SHARE:
        notes.append("it is clipped (recorded too loud)")
    if rate != RATE:
        notes.append(f"it was resampled from {rate} to {RATE} Hz")
        wave = resample(wave, rate, RATE)
    if notes:
        warnings.warn(f"{name}: {'; '.join(notes)}.", AudioNote, stacklevel=2)
    return np.clip(wave, -1, 1).astype(np.float32)


def _scaled(samples: NDArray) -> NDArray[np.float64]:
    if samples.dtype == np.uint8:  # WAV's 8-bit samples are unsigned
        return (samples.astype(np.float64) - 128) / 128
    if np.issubdtype(samples.dtype, np.signedinteger):
        return samples / -float(np.iinfo(samples.dtype).min)
    return samples.astype(np.float64)
