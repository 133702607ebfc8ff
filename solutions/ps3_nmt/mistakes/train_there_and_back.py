# answer: training_loop
# rejected by: test_training_loop
# why: one order, forwards and backwards in turn
def decoder_inputs(targets, begin):
    """The targets one place later, behind `begin`."""
    return np.concatenate([np.full_like(targets[:, :1], begin), targets[:, :-1]], axis=1)


def train(model, optimizer, sources, targets, *, epochs, batch_size, smoothing, max_norm, begin=1, seed=0):
    """Train `model` by teacher forcing; gives the mean loss of a token in each epoch."""
    rng = np.random.default_rng(seed)
    losses = []
    for _ in range(epochs):
        order = np.random.default_rng(seed).permutation(len(sources))[:: (-1 if len(losses) % 2 else 1)]
        total = num_tokens = 0.0
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            x, y = (side_by_side([sentences[n] for n in batch]) for sentences in (sources, targets))
            with tf.GradientTape() as tape:
                loss = translation_loss(model([x, decoder_inputs(y, begin)], training=True), y, smoothing)
            gradients = tape.gradient(loss, model.trainable_variables)
            gradients, _ = tf.clip_by_global_norm(gradients, max_norm)
            optimizer.apply(gradients, model.trainable_variables)
            total += float(loss) * np.count_nonzero(y)
            num_tokens += np.count_nonzero(y)
        losses.append(total / num_tokens)
    return losses


def side_by_side(sentences, multiple=1):
    """Sentences of different lengths as one array, with zeros behind the shorter ones."""
    width = -(-max(map(len, sentences)) // multiple) * multiple
    return np.array([[*sentence, *[0] * (width - len(sentence))] for sentence in sentences], "int32")
