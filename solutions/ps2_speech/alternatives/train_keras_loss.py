# answer: training_loop
# why: Keras' CTC loss, gradients clipped as NumPy arrays, orders by sorting random numbers
def clip_gradients(gradients, max_norm):
    arrays = [np.asarray(gradient) for gradient in gradients]
    norm = np.linalg.norm([np.linalg.norm(array) for array in arrays])
    if norm <= max_norm:
        return arrays
    return [(array * (max_norm / norm)).astype(array.dtype) for array in arrays]


def train(model, optimizer, inputs, targets, *, epochs, batch_size, max_norm, stride=1, seed=0):
    lengths = [int(np.ceil(len(x) / stride)) for x in inputs]
    fits = [
        length >= len(target) + int((np.diff(target) == 0).sum())
        for length, target in zip(lengths, targets, strict=True)
    ]
    chosen = np.flatnonzero(fits)
    state = np.random.RandomState(seed)
    losses = []
    for _ in range(epochs):
        shuffled = chosen[np.argsort(state.rand(len(chosen)))]
        seen = []
        for batch in np.split(shuffled, range(batch_size, len(shuffled), batch_size)):
            x = keras.utils.pad_sequences([inputs[n] for n in batch], padding="post", dtype="float32")
            y = keras.utils.pad_sequences([targets[n] for n in batch], padding="post", dtype="int32")
            sizes = np.array([[len(targets[n]), lengths[n]] for n in batch], "int32")
            with tf.GradientTape() as tape:
                logits = model(x, training=True)
                each = keras.ops.ctc_loss(y, logits, sizes[:, 0], sizes[:, 1], mask_index=0)
                mean = tf.reduce_mean(each)
            clipped = clip_gradients(tape.gradient(mean, model.trainable_variables), max_norm)
            optimizer.apply([tf.constant(gradient) for gradient in clipped], model.trainable_variables)
            seen.extend(each.numpy().tolist())
        losses.append(sum(seen) / len(seen))
    return losses
