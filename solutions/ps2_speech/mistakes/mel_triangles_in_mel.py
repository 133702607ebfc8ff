# answer: mel_filter_bank
# rejected by: test_mel_filter_bank
# why: the triangles are straight on the mel scale and not in hertz
def mel_filters(num_filters, fft_size, rate, low, high):
    """Triangles (fft_size // 2 + 1, num_filters) that are equally wide on the mel scale."""
    low_mel, high_mel = (2595 * np.log10(1 + hertz / 700) for hertz in (low, high))
    corners = np.linspace(low_mel, high_mel, num_filters + 2)
    frequencies = 2595 * np.log10(1 + np.arange(fft_size // 2 + 1)[:, None] * rate / fft_size / 700)
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


def log_mel(power, filters):
    """The logarithm (num_frames, num_filters) of the energy in each filter."""
    return np.log(1e-6 + power @ filters)
