# answer: mel_filter_bank
# rejected by: test_mel_filter_bank
# why: corners are rounded to bins
def mel_filters(num_filters, fft_size, rate, low, high):
    """Triangles (fft_size // 2 + 1, num_filters) that are equally wide on the mel scale."""
    low_mel, high_mel = (2595 * np.log10(1 + hertz / 700) for hertz in (low, high))
    corners = 700 * (10 ** (np.linspace(low_mel, high_mel, num_filters + 2) / 2595) - 1)
    corners = np.round(corners * fft_size / rate) * rate / fft_size + 1e-9 * np.arange(num_filters + 2)
    frequencies = np.arange(fft_size // 2 + 1)[:, None] * rate / fft_size
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


def log_mel(power, filters):
    """The logarithm (num_frames, num_filters) of the energy in each filter."""
    return np.log(1e-6 + power @ filters)
