# answer: training_loop
# rejected by: test_training_loop
# why: a target is thought to fit when there are as many rows as labels
def clip_gradients(gradients, max_norm):
    """The gradients, made smaller together where their common norm is larger than max_norm."""
    norm = keras.ops.sqrt(sum(keras.ops.sum(keras.ops.square(gradient)) for gradient in gradients))
    factor = max_norm / keras.ops.maximum(norm, max_norm)
    return [gradient * keras.ops.cast(factor, gradient.dtype) for gradient in gradients]


def train(model, optimizer, inputs, targets, *, epochs, batch_size, max_norm, stride=1, seed=0):
    """Train `model` with the CTC loss; gives the mean loss of each epoch."""
    num_rows = [-(-len(frames_) // stride) for frames_ in inputs]
    needed = [len(target) for target in targets]
    usable = [n for n in range(len(inputs)) if needed[n] <= num_rows[n]]
    rng = np.random.default_rng(seed)
    losses = []
    for _ in range(epochs):
        order = rng.permutation(usable)
        total = 0.0
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            x = filled([inputs[n] for n in batch])
            labels = filled([np.array(targets[n], "int32") for n in batch])
            label_lengths = np.array([len(targets[n]) for n in batch], "int32")
            row_lengths = np.array([num_rows[n] for n in batch], "int32")
            with tf.GradientTape() as tape:
                logits = model(x, training=True)
                each = tf.nn.ctc_loss(
                    labels, logits, label_lengths, row_lengths, logits_time_major=False, blank_index=0
                )
                loss = keras.ops.mean(each)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply(clip_gradients(gradients, max_norm), model.trainable_variables)
            total += float(loss) * len(batch)
        losses.append(total / len(order))
    return losses


def filled(arrays):
    """Arrays of different lengths as one, with zeros behind the shorter ones."""
    together = np.zeros((len(arrays), max(map(len, arrays)), *arrays[0].shape[1:]), arrays[0].dtype)
    for row, array in zip(together, arrays, strict=True):
        row[: len(array)] = array
    return together
