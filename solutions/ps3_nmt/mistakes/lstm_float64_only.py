# answer: lstm
# rejected by: test_lstm
# why: fails where arrays are float32
def lstm_step(x, h, c, kernel, recurrent, bias):
    """The states (h, c), both (batch, units), after one step."""
    ops = keras.ops
    i, f, g, o = ops.split(tf.matmul(x, kernel) + tf.matmul(h, recurrent) + bias, 4, axis=1)
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(c), c


def lstm_sequence(x, mask, kernel, recurrent, bias):
    """All h (batch, time, units) of a sequence, and the last h and c; padding leaves the states as they are."""
    h = c = keras.ops.zeros((len(x), len(recurrent)), "float64")
    outputs = []
    for t in range(x.shape[1]):
        real = mask[:, t, None]
        new_h, new_c = lstm_step(np.where(real, x[:, t], 0).astype(x.dtype), h, c, kernel, recurrent, bias)
        h, c = np.where(real, new_h, h), np.where(real, new_c, c)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c


def initial_bias(units):
    """The bias (4 * units,) of a new LSTM: it remembers."""
    return np.repeat([0.0, 1.0, 0.0, 0.0], units)


def sigmoid(z):
    """The logistic function, finite for any z."""
    return (1 + np.tanh(z / 2)) / 2


def gates(x, h, kernel, recurrent, bias):
    """The three gates and the proposal of one step: i, f, g, o."""
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
