"""Another sampling rate, with a low-pass filter against aliasing."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly


def resample(wave: NDArray, old: int, new: int) -> NDArray[np.float64]:
    """Samples (num_samples,) at `old` Hz as samples at `new` Hz."""
    common = np.gcd(old, new)
    return resample_poly(wave, new // common, old // common)
