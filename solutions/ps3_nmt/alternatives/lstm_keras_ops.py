# answer: lstm
# why: keras.ops in float64, padding mixed by multiplication, one product for input and state
def lstm_step(x, h, c, kernel, recurrent, bias):
    ops = keras.ops
    x, h, c, kernel, recurrent, bias = (ops.cast(value, "float64") for value in (x, h, c, kernel, recurrent, bias))
    z = ops.matmul(ops.concatenate([x, h], axis=-1), ops.concatenate([kernel, recurrent], axis=0)) + bias
    blocks = ops.reshape(z, (z.shape[0], 4, -1))
    i, f, o = (ops.sigmoid(blocks[:, k]) for k in (0, 1, 3))
    c = f * c + i * ops.tanh(blocks[:, 2])
    return o * ops.tanh(c), c


def lstm_sequence(x, mask, kernel, recurrent, bias):
    units = recurrent.shape[0]
    state = [keras.ops.zeros((x.shape[0], units), "float64") for _ in range(2)]
    outputs = []
    for t in range(x.shape[1]):
        here = keras.ops.cast(mask[:, t : t + 1], "float64")
        new = lstm_step(np.where(mask[:, t, None], x[:, t], 0), *state, kernel, recurrent, bias)
        state = [here * after + (1 - here) * before for after, before in zip(new, state, strict=True)]
        outputs.append(state[0])
    return keras.ops.stack(outputs, axis=1), state[0], state[1]


def initial_bias(units):
    parts = [keras.ops.zeros(units), keras.ops.ones(units), keras.ops.zeros(2 * units)]
    return keras.ops.concatenate(parts)
