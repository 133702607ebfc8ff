# answer: mel_filter_bank
# why: each triangle by np.interp, the mel scale with natural logarithms, the product with einsum
def mel_filters(num_filters, fft_size, rate, low, high):
    scale = 2595 / np.log(10)

    def to_mel(hertz):
        return scale * np.log1p(np.asarray(hertz, float) / 700)

    step = (to_mel(high) - to_mel(low)) / (num_filters + 1)
    hertz = [700 * np.expm1((to_mel(low) + i * step) / scale) for i in range(num_filters + 2)]
    bins = np.fft.rfftfreq(fft_size, 1 / rate)
    rows = [np.interp(bins, hertz[j : j + 3], [0.0, 1.0, 0.0], left=0, right=0) for j in range(num_filters)]
    return np.array(rows).T.astype("float32")


def log_mel(power, filters):
    energy = np.einsum("tk,kj->tj", np.asarray(power, "float64"), filters)
    return np.log(energy + 0.000001)
