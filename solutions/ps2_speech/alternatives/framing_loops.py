# answer: framing
# why: slices in a loop, the window as a squared sine, the transform as a product with cosines and sines
def frames(wave, length, step):
    cut = []
    start = 0
    while start + length <= len(wave):
        cut.append(wave[start : start + length])
        start += step
    return np.array(cut, dtype="float64").reshape(len(cut), length)


def power_spectrum(wave, length, step, fft_size):
    n = np.arange(length)
    angle = 2 * np.pi * np.outer(n, np.arange(fft_size // 2 + 1)) / fft_size
    windowed = frames(np.asarray(wave, "float64"), length, step) * np.sin(np.pi * n / (length - 1)) ** 2
    return (windowed @ np.cos(angle)) ** 2 + (windowed @ np.sin(angle)) ** 2
