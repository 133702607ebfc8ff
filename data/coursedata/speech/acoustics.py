"""What happens to speech on its way to a microphone: noise and the echoes of a room, as parameters."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from coursedata.speech.utterances import RATE

# Power falls with frequency to this exponent.
COLOURS = {"white": 0.0, "pink": 1.0, "brown": 2.0}


def add_noise(
    wave: NDArray, snr_db: float, rng: np.random.Generator, colour: str = "pink", rate: int = RATE
) -> NDArray[np.float32]:
    """Samples (num_samples,) with noise `snr_db` decibels below the speech's mean power.

    Raises ValueError for an unknown colour, and for a silent recording: it has no level to measure against.
    """
    if colour not in COLOURS:
        raise ValueError(f"unknown colour of noise {colour!r}: use one of {', '.join(COLOURS)}")
    power = float(np.mean(np.square(wave, dtype=np.float64))) if len(wave) else 0.0
    if power == 0:
        raise ValueError("the recording is silent, so no signal-to-noise ratio can be set")
    spectrum = np.fft.rfft(rng.standard_normal(len(wave)))
    frequency = np.fft.rfftfreq(len(wave), 1 / rate)
    # Below 20 Hz nothing is heard, and coloured noise would have most of its power there.
    spectrum *= np.where(frequency < 20, 0, np.maximum(frequency, 20) ** (-COLOURS[colour] / 2))
    noise = np.fft.irfft(spectrum, len(wave))
    noise *= np.sqrt(power / np.mean(noise**2) / 10 ** (snr_db / 10))
    return (wave + noise).astype(np.float32)


def reverberate(
    wave: NDArray, seconds: float, rng: np.random.Generator, direct: float = 1.0, rate: int = RATE
) -> NDArray[np.float32]:
    """Samples (num_samples,) as heard in a room whose echoes fall by 60 dB in `seconds`, at the same mean power.

    The room's response is the direct sound and, after it, white noise that decays exponentially (Polack's model),
    with `direct` times its energy in the direct sound. No echo for `seconds` = 0. Raises ValueError below zero.
    """
    if seconds < 0 or direct < 0:
        raise ValueError("a room's reverberation time and the share of direct sound cannot be negative")
    num = round(seconds * rate)
    if num == 0 or not np.any(wave):
        return np.asarray(wave, np.float32)
    tail = rng.standard_normal(num) * 10 ** (-3 * np.arange(num) / num)
    response = np.concatenate([[np.sqrt(direct)], tail / np.sqrt(np.sum(tail**2))])
    heard = fftconvolve(np.asarray(wave, np.float64), response)[: len(wave)]
    return (heard * np.sqrt(np.mean(np.square(wave, dtype=np.float64)) / np.mean(heard**2))).astype(np.float32)
