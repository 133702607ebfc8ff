# answer: bonus_cached_generation
# rejected by: bonus_test_cached_generation
# why: cumulative sums below the number drawn are counted, not those equal to it: a class of probability 0 is drawn
def wavenet_step(network, queues, t, code):
    """Logits for the code after step t, and the rings after it."""
    queues = [np.array(queue) for queue in queues]
    h, skips = network["embedding"][code], 0.0
    for queue, layer in zip(queues, network["layers"], strict=True):
        place = t % len(queue)
        a = queue[place] @ layer["past"] + h @ layer["now"] + layer["bias"]
        queue[place] = h
        first, second = np.split(a, 2)
        z = np.tanh(first) / (1 + np.exp(-second))
        skips = skips + z @ layer["skip"]
        h = h + z @ layer["residual"]
    return np.maximum(skips, 0) @ network["output"] + network["output_bias"], queues


def generate(network, queues, t, code, uniforms):
    """The codes that the random numbers draw after step t, and the rings after the last step."""
    codes = []
    for u in uniforms:
        logits, queues = wavenet_step(network, queues, t, code)
        p = np.exp(logits - logits.max())
        code = int(np.searchsorted(np.cumsum(p / p.sum()), u, side="left"))
        code = min(code, len(logits) - 1)
        codes.append(code)
        t += 1
    return np.array(codes), queues
