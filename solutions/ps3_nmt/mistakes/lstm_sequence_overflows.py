# answer: lstm
# rejected by: test_lstm
# why: the sequence has gates of its own, which are NaN for large z
def lstm_step(x, h, c, kernel, recurrent, bias):
    """The states (h, c), both (batch, units), after one step."""
    i, f, g, o = gates(x, h, kernel, recurrent, bias)
    c = f * c + i * g
    return o * np.tanh(c), c


def lstm_sequence(x, mask, kernel, recurrent, bias):
    """All h (batch, time, units) of a sequence, and the last h and c; padding leaves the states as they are."""
    h = c = np.zeros((len(x), len(recurrent)))
    outputs = []
    for t in range(x.shape[1]):
        real = mask[:, t, None]
        zi, zf, zg, zo = np.split(np.where(real, x[:, t], 0) @ kernel + h @ recurrent + bias, 4, axis=1)
        new_c = logistic(zf) * c + logistic(zi) * np.tanh(zg)
        new_h = logistic(zo) * np.tanh(new_c)
        h, c = np.where(real, new_h, h), np.where(real, new_c, c)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c


def initial_bias(units):
    """The bias (4 * units,) of a new LSTM: it remembers."""
    return np.repeat([0.0, 1.0, 0.0, 0.0], units)


def logistic(z):
    return np.exp(z) / (1 + np.exp(z))


def sigmoid(z):
    """The logistic function, finite for any z."""
    return (1 + np.tanh(z / 2)) / 2


def gates(x, h, kernel, recurrent, bias):
    """The three gates and the proposal of one step: i, f, g, o."""
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
