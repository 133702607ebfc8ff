# answer: training_loop
# why: tf.data shuffles, Keras' Mean sums up the losses
def train(model, x, y, *, epochs, batch_size, learning_rate, momentum=0.9, weight_decay=0.0, seed=0, on_epoch_end=None):
    dataset = (
        tf.data.Dataset.from_tensor_slices((x, y))
        .shuffle(len(x), seed=seed, reshuffle_each_iteration=True)
        .batch(batch_size)
    )
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    velocity = [tf.zeros_like(v) for v in model.trainable_variables]
    history = []
    for epoch in range(epochs):
        mean = keras.metrics.Mean()
        for images, labels in dataset:
            with tf.GradientTape() as tape:
                loss = loss_function(labels, model(images, training=True))
            grads = tape.gradient(loss, model.trainable_variables)
            for k, (v, g) in enumerate(zip(model.trainable_variables, grads, strict=True)):
                velocity[k] = momentum * velocity[k] - learning_rate * (g + weight_decay * v)
                v.assign(v + velocity[k])
            mean.update_state(loss, sample_weight=len(labels))
        history.append(float(mean.result()))
        if on_epoch_end and on_epoch_end(epoch, history[-1]):
            break
    return history
