# answer: training_loop
# why: decoder inputs are zero wherever the target is padding
def decoder_inputs(targets, begin):
    shifted = np.roll(targets, 1, axis=1)
    shifted[:, 0] = begin
    return shifted * (targets > 0)


def train(model, optimizer, sources, targets, *, epochs, batch_size, smoothing, max_norm, begin=1, seed=0):
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(epochs):
        order, losses, sizes = rng.permutation(len(sources)), [], []
        for batch in (order[k : k + batch_size] for k in range(0, len(order), batch_size)):
            own = [targets[n] for n in batch]
            x = keras.utils.pad_sequences([sources[n] for n in batch], padding="post")
            before = keras.utils.pad_sequences([[begin, *target[:-1]] for target in own], padding="post")
            y = keras.utils.pad_sequences(own, padding="post")
            with tf.GradientTape() as tape:
                loss = translation_loss(model([x, before], training=True), y, smoothing)
            gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, model.trainable_variables), max_norm)
            optimizer.apply(gradients, model.trainable_variables)
            losses.append(float(loss))
            sizes.append(sum(map(len, own)))
        means.append(float(np.dot(losses, sizes) / sum(sizes)))
    return means
