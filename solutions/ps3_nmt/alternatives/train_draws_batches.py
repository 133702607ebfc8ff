# answer: training_loop
# why: draws each batch from the sentences that are left, so that orders depend on the size of the batches
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
        left = list(range(len(sources)))
        total = count = 0
        while left:
            rows = rng.choice(left, min(batch_size, len(left)), replace=False).tolist()
            left = [n for n in left if n not in rows]
            x, y = pad([sources[r] for r in rows]), pad([targets[r] for r in rows])
            with tf.GradientTape() as tape:
                loss = translation_loss(model([x, decoder_inputs(y, begin)], training=True), y, smoothing)
            g = tf.clip_by_global_norm(tape.gradient(loss, model.trainable_variables), max_norm)[0]
            optimizer.apply(g, model.trainable_variables)
            total += float(loss) * (y > 0).sum()
            count += (y > 0).sum()
        losses.append(float(total / count))
    return losses
