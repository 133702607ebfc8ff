# answer: bonus_cached_generation
# why: an object with a double-ended queue for each layer, made from the rings and back; draws by log-probabilities
from collections import deque


class Sampler:
    def __init__(self, network, queues, t):
        self.network, self.t = network, t
        self.pasts = [deque([q[(t + i) % len(q)] for i in range(len(q))], maxlen=len(q)) for q in queues]

    def step(self, code):
        n = self.network
        h = n["embedding"][code]
        skips = []
        for past, layer in zip(self.pasts, n["layers"], strict=True):
            old = past.popleft()
            past.append(h)
            f, g = np.hsplit(old @ layer["past"] + h @ layer["now"] + layer["bias"], 2)
            z = np.tanh(f) * (0.5 + 0.5 * np.tanh(0.5 * g))
            skips.append(z @ layer["skip"])
            h = h + z @ layer["residual"]
        self.t += 1
        return np.maximum(sum(skips), 0) @ n["output"] + n["output_bias"]

    def rings(self):
        out = []
        for past in self.pasts:
            ring = np.empty((len(past), len(past[0])))
            for i, h in enumerate(past):
                ring[(self.t + i) % len(past)] = h
            out.append(ring)
        return out


def wavenet_step(network, queues, t, code):
    sampler = Sampler(network, queues, t)
    logits = sampler.step(code)
    return [logits, tuple(sampler.rings())]


def generate(network, queues, t, code, uniforms):
    sampler, codes = Sampler(network, queues, t), []
    for u in uniforms:
        logits = sampler.step(code)
        log_p = logits - np.logaddexp.reduce(logits)
        code = int(min((np.cumsum(np.exp(log_p)) <= u).sum(), len(log_p) - 1))
        codes.append(code)
    return np.array(codes, "int32"), sampler.rings()
