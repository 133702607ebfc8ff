"""Eight bits a sample: the logarithmic companding of telephony.

Source: ITU-T G.711; as formula in van den Oord et al. 2016, "WaveNet", section 2.2.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

MU = 255


def encode(wave: ArrayLike) -> NDArray[np.uint8]:
    """Codes of samples in [-1, 1], of the same shape; what lies outside is clipped."""
    wave = np.clip(np.asarray(wave, np.float64), -1, 1)
    companded = np.sign(wave) * np.log1p(MU * np.abs(wave)) / np.log1p(MU)
    return np.round((companded + 1) / 2 * MU).astype(np.uint8)


def decode(codes: ArrayLike) -> NDArray[np.float32]:
    """Samples in [-1, 1] of codes from 0 to 255, of the same shape."""
    companded = np.asarray(codes, np.float64) / MU * 2 - 1
    return (np.sign(companded) * np.expm1(np.abs(companded) * np.log1p(MU)) / MU).astype(np.float32)
