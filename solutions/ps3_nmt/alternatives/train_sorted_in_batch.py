# answer: training_loop
# why: batches are random, their rows sorted by length
def decoder_inputs(targets, begin):
    out = np.zeros_like(targets)
    out[:, 0] = begin
    out[:, 1:] = targets[:, :-1]
    return out


def pad(rows, width=None):
    width = width or max(len(r) for r in rows)
    out = np.zeros((len(rows), width), dtype="int64")
    for k, r in enumerate(rows):
        out[k, : len(r)] = r
    return out


def train(model, optimizer, sources, targets, *, epochs, batch_size, smoothing, max_norm, begin=1, seed=0):
    rng = np.random.default_rng(seed)
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(sources))
        t = c = 0
        for k in range(0, len(order), batch_size):
            rows = sorted(order[k : k + batch_size].tolist(), key=lambda r: -len(targets[r]))
            x, y = pad([sources[r] for r in rows]), pad([targets[r] for r in rows])
            with tf.GradientTape() as tape:
                loss = translation_loss(model([x, decoder_inputs(y, begin)], training=True), y, smoothing)
            grads, norm = tf.clip_by_global_norm(tape.gradient(loss, model.trainable_variables), max_norm)
            optimizer.apply(grads, model.trainable_variables)
            n = np.count_nonzero(y)
            t, c = t + float(loss) * n, c + n
        losses.append(t / c)
    return losses
