# answer: lstm
# why: float32, and the mask as a factor of what is new and what is old, whatever stands in the padding
def sigmoid(z):
    return np.where(z > 0, 1, np.exp(-np.abs(z))) / (1 + np.exp(-np.abs(z)))


def lstm_step(x, h, c, kernel, recurrent, bias):
    x, h, c, kernel, recurrent, bias = (np.float32(each) for each in (x, h, c, kernel, recurrent, bias))
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def lstm_sequence(x, mask, kernel, recurrent, bias):
    h = c = np.zeros((x.shape[0], recurrent.shape[0]), "float32")
    outputs = np.zeros((*x.shape[:2], recurrent.shape[0]), "float32")
    for t in range(x.shape[1]):
        m = mask[:, t, None].astype("float32")
        new_h, new_c = lstm_step(x[:, t], h, c, kernel, recurrent, bias)
        h, c = new_h * m + h * (1 - m), new_c * m + c * (1 - m)
        outputs[:, t] = h
    return outputs, h, c


def initial_bias(units):
    return np.concatenate([np.zeros(units), np.ones(units), np.zeros(2 * units)])
