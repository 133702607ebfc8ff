# answer: training_loop
# why: a generator of batches, a loss object of Keras with sums, velocities by name
def train(model, x, y, *, epochs, batch_size, learning_rate, momentum=0.9, weight_decay=0.0, seed=0, on_epoch_end=None):
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    velocity, losses = {}, []
    epoch = 0
    while epoch < epochs:
        total = 0.0
        batches = np.array_split(
            np.random.default_rng([seed, epoch]).permutation(len(x)), range(batch_size, len(x), batch_size)
        )
        for indices in batches:
            examples, targets = x[indices], y[indices]
            with tf.GradientTape() as tape:
                loss = loss_fn(targets, model(tf.convert_to_tensor(examples), training=True))
                mean_loss = loss / len(indices)
            gradients = tape.gradient(mean_loss, [v.value for v in model.trainable_variables])
            for v, g in zip(model.trainable_variables, gradients, strict=True):
                velocity[v.path] = momentum * velocity.get(v.path, 0.0) - learning_rate * (g + weight_decay * v)
                v.assign(v + velocity[v.path])
            total += loss.numpy()
        losses.append(float(total) / x.shape[0])
        epoch += 1
        if on_epoch_end and on_epoch_end(epoch - 1, losses[-1]):
            break
    return losses
