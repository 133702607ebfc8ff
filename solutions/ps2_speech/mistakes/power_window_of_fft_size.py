# answer: framing
# rejected by: test_framing
# why: the window is as long as the transform
def frames(wave, length, step):
    """The frames (num_frames, length) of a wave, one every `step` samples."""
    num_frames = max(0, (len(wave) - length) // step + 1)
    return wave[step * np.arange(num_frames)[:, None] + np.arange(length)]


def power_spectrum(wave, length, step, fft_size):
    """The power (num_frames, fft_size // 2 + 1) of each windowed frame at each frequency."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(fft_size) / (fft_size - 1))
    return np.abs(np.fft.rfft(np.pad(frames(wave, length, step), ((0, 0), (0, fft_size - length))) * window)) ** 2
