# answer: lstm
# why: row by row and unit by unit, with math instead of arrays
import math


def logistic(z):
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def lstm_step(x, h, c, kernel, recurrent, bias):
    num_units = h.shape[1]
    new_h, new_c = np.empty(h.shape), np.empty(c.shape)
    for n in range(len(x)):
        z = [float(bias[k] + x[n] @ kernel[:, k] + h[n] @ recurrent[:, k]) for k in range(4 * num_units)]
        for u in range(num_units):
            let_in, keep, show = (logistic(z[block * num_units + u]) for block in (0, 1, 3))
            new_c[n, u] = keep * c[n, u] + let_in * math.tanh(z[2 * num_units + u])
            new_h[n, u] = show * math.tanh(new_c[n, u])
    return new_h, new_c


def lstm_sequence(x, mask, kernel, recurrent, bias):
    batch, time, _ = x.shape
    units = recurrent.shape[0]
    outputs, last_h, last_c = np.zeros((batch, time, units)), np.zeros((batch, units)), np.zeros((batch, units))
    for n in range(batch):
        h, c = np.zeros((1, units)), np.zeros((1, units))
        for t in range(time):
            if mask[n, t]:
                h, c = lstm_step(x[n, t][None], h, c, kernel, recurrent, bias)
            outputs[n, t] = h[0]
        last_h[n], last_c[n] = h[0], c[0]
    return outputs, last_h, last_c


def initial_bias(units):
    bias = np.zeros(4 * units, np.float32)
    bias[units : 2 * units] += 1
    return bias
