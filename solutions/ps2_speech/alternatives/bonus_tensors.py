# answer: bonus_cached_generation
# why: rings that are made anew with keras.ops, the gate by its hyperbolic tangent, draws by comparing and counting
def wavenet_step(network, queues, t, code):
    h = keras.ops.convert_to_tensor(network["embedding"], "float64")[code][None]
    total, after = None, []
    for dilation, queue, layer in zip(network["dilations"], queues, network["layers"], strict=True):
        queue = keras.ops.convert_to_tensor(queue, "float64")
        now = keras.ops.cast(keras.ops.arange(dilation) == t % dilation, "float64")[:, None]
        before = keras.ops.sum(queue * now, axis=0, keepdims=True)
        after.append(queue * (1 - now) + h * now)
        a = keras.ops.concatenate([before, h], axis=1) @ np.concatenate([layer["past"], layer["now"]]) + layer["bias"]
        channels = a.shape[1] // 2
        z = keras.ops.tanh(a[:, :channels]) * (keras.ops.tanh(a[:, channels:] / 2) + 1) / 2
        skip = z @ layer["skip"]
        total = skip if total is None else total + skip
        h = h + z @ layer["residual"]
    logits = keras.ops.relu(total) @ network["output"] + network["output_bias"]
    return logits[0], after


def generate(network, queues, t, code, uniforms):
    codes = np.zeros(len(uniforms), "int32")
    for number, u in enumerate(uniforms):
        logits, queues = wavenet_step(network, queues, t + number, int(code))
        p = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
        code = min(np.count_nonzero(np.cumsum(p) <= u), len(p) - 1)
        codes[number] = code
    return codes, queues
