# answer: training_loop
# why: a compiled step on batches filled to a multiple of 16, sparse labels, Python's shuffle, clipping with NumPy or tensors
import random


def clip_gradients(gradients, max_norm):
    flat = tf.concat([tf.reshape(tf.convert_to_tensor(gradient), [-1]) for gradient in gradients], axis=0)
    norm = tf.norm(flat)
    if_larger = tf.where(norm > max_norm, tf.math.divide_no_nan(tf.cast(max_norm, norm.dtype), norm), 1.0)
    return [tf.multiply(gradient, if_larger) for gradient in gradients]


def train(model, optimizer, inputs, targets, *, epochs, batch_size, max_norm, stride=1, seed=0):
    def rows(frames_):
        return (frames_ + stride - 1) // stride

    kept = []
    for number, (x, target) in enumerate(zip(inputs, targets, strict=True)):
        longest = len(target) + sum(1 for i in range(1, len(target)) if target[i] == target[i - 1])
        if rows(len(x)) >= longest:
            kept.append(number)

    @tf.function(reduce_retracing=True)
    def step(x, y, lengths):
        with tf.GradientTape() as tape:
            scores = model(x, training=True)
            per_utterance = tf.nn.ctc_loss(
                tf.sparse.from_dense(y), tf.transpose(scores, [1, 0, 2]), None, lengths, blank_index=0
            )
            loss = tf.reduce_sum(per_utterance) / tf.cast(tf.shape(x)[0], tf.float32)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(clip_gradients(tape.gradient(loss, variables), max_norm), variables, strict=True))
        return tf.reduce_sum(per_utterance)

    shuffler = random.Random(seed)
    history = []
    for _ in range(epochs):
        queue, total = list(kept), 0.0
        shuffler.shuffle(queue)
        while queue:
            batch, queue = queue[:batch_size], queue[batch_size:]
            time = 16 * -(-max(len(inputs[n]) for n in batch) // 16)
            x = np.stack([np.pad(inputs[n], ((0, time - len(inputs[n])), (0, 0))) for n in batch])
            y = np.zeros((len(batch), max(len(targets[n]) for n in batch)), "int32")
            for row, n in enumerate(batch):
                y[row, : len(targets[n])] = targets[n]
            lengths = np.array([rows(len(inputs[n])) for n in batch], "int32")
            total += float(step(tf.constant(x), tf.constant(y), tf.constant(lengths)))
        history.append(total / len(kept))
    return history
