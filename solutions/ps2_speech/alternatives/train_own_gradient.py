# answer: training_loop
# why: with the loss and the gradient of tasks 5 and 6, given to the tape as the gradient of its output
def clip_gradients(gradients, max_norm):
    norm = float(np.sqrt(sum(float(np.sum(np.square(np.asarray(g, "float64")))) for g in gradients)))
    return [g * (max_norm / norm) if norm > max_norm else g for g in gradients]


def train(model, optimizer, inputs, targets, *, epochs, batch_size, max_norm, stride=1, seed=0):
    """With the loss and the gradient of tasks 5 and 6."""
    rows = [-(-len(x) // stride) for x in inputs]
    usable = [n for n, y in enumerate(targets) if len(y) + sum(np.diff(y) == 0) <= rows[n]]
    rng, history = np.random.default_rng(seed), []
    for _ in range(epochs):
        order, total = rng.permutation(usable), 0.0
        for batch in np.array_split(order, range(batch_size, len(order), batch_size)):
            x = keras.utils.pad_sequences([inputs[n] for n in batch], padding="post", dtype="float32")
            y = keras.utils.pad_sequences([targets[n] for n in batch], padding="post")
            sizes = np.array([rows[n] for n in batch]), np.array([len(targets[n]) for n in batch])
            with tf.GradientTape() as tape:
                logits = model(x, training=True)
            each = ctc_loss(logits.numpy(), y, *sizes)
            upstream = ctc_gradient(logits.numpy(), y, *sizes) / len(batch)
            gradients = tape.gradient(
                logits, model.trainable_variables, output_gradients=tf.constant(upstream, tf.float32)
            )
            optimizer.apply(clip_gradients(gradients, max_norm), model.trainable_variables)
            total += each.sum()
        history.append(float(total / len(order)))
    return history
