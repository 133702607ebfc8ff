# answer: framing
# why: NumPy's sliding windows, hanning, the whole transform cut in half, float32
def frames(wave, length, step):
    if len(wave) < length:
        return np.zeros((0, length), "float32")
    return np.lib.stride_tricks.sliding_window_view(wave, length)[::step].copy()


def power_spectrum(wave, length, step, fft_size):
    windowed = np.hanning(length) * frames(wave, length, step)
    spectrum = np.fft.fft(windowed, n=fft_size, axis=-1)[:, : fft_size // 2 + 1]
    return (spectrum * spectrum.conj()).real.astype("float32")
