# answer: training_loop
# why: a compiled step, batches filled to multiples of 8, orders by sorting random numbers, clipping by hand
def decoder_inputs(targets, begin):
    shifted = np.empty_like(targets)
    shifted[:, 0] = begin
    shifted[:, 1:] = targets[:, :-1]
    return shifted


def train(model, optimizer, sources, targets, *, epochs, batch_size, smoothing, max_norm, begin=1, seed=0):
    state = np.random.RandomState(seed)
    variables = model.trainable_variables

    @tf.function(reduce_retracing=True)
    def step(x, before, y):
        with tf.GradientTape() as tape:
            loss = translation_loss(model([x, before], training=True), y, smoothing)
        gradients = tape.gradient(loss, variables)
        norm = tf.sqrt(tf.add_n([tf.reduce_sum(gradient**2) for gradient in gradients]))
        optimizer.apply([gradient * max_norm / tf.maximum(norm, max_norm) for gradient in gradients], variables)
        return loss

    optimizer.build(variables)
    history = []
    for _ in range(epochs):
        losses, counts = [], []
        order = np.argsort(state.rand(len(sources)))
        for rows in np.split(order, range(batch_size, len(order), batch_size)):
            x, y = (rectangle([sentences[n] for n in rows]) for sentences in (sources, targets))
            losses.append(float(step(x, decoder_inputs(y, begin), y)))
            counts.append(sum(len(targets[n]) for n in rows))
        history.append(float(np.average(losses, weights=counts)))
    return history


def rectangle(sentences):
    width = max(len(sentence) for sentence in sentences)
    return keras.utils.pad_sequences(sentences, maxlen=-(-width // 8) * 8, padding="post", dtype="int64")
