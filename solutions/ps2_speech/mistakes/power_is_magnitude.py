# answer: framing
# rejected by: test_framing
# why: the magnitude instead of its square
def frames(wave, length, step):
    """The frames (num_frames, length) of a wave, one every `step` samples."""
    num_frames = max(0, (len(wave) - length) // step + 1)
    return wave[step * np.arange(num_frames)[:, None] + np.arange(length)]


def power_spectrum(wave, length, step, fft_size):
    """The power (num_frames, fft_size // 2 + 1) of each windowed frame at each frequency."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / (length - 1))
    return np.abs(np.fft.rfft(frames(wave, length, step) * window, fft_size))
