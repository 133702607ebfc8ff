# answer: framing
# rejected by: test_framing
# why: spectra are gathered in a list: of a wave shorter than a frame no bins are left
def frames(wave, length, step):
    num_frames = max(0, (len(wave) - length) // step + 1)
    out = np.zeros((num_frames, length))
    for i in range(num_frames):
        out[i] = wave[i * step : i * step + length]
    return out


def power_spectrum(wave, length, step, fft_size):
    window = np.hanning(length)
    rows = []
    for frame in frames(wave, length, step):
        rows.append(np.abs(np.fft.rfft(frame * window, fft_size)) ** 2)
    return np.array(rows)
