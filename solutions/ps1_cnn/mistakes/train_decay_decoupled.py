# answer: training_loop
# rejected by: test_training_loop
# why: decoupled weight decay: it does not go through the velocity
def train(model, x, y, *, epochs, batch_size, learning_rate, momentum=0.9, weight_decay=0.0, seed=0, on_epoch_end=None):
    """Train `model` by stochastic gradient descent with momentum; gives the mean loss of each epoch."""
    rng = np.random.default_rng(seed)
    velocities = None
    losses = []
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        total = 0.0
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            with tf.GradientTape() as tape:
                logits = model(x[batch], training=True)
                loss = keras.ops.mean(keras.losses.sparse_categorical_crossentropy(y[batch], logits, from_logits=True))
            variables = model.trainable_variables
            gradients = tape.gradient(loss, variables)
            if velocities is None:
                velocities = [keras.ops.zeros_like(variable) for variable in variables]
            for i, variable in enumerate(variables):
                gradient = gradients[i]
                velocities[i] = momentum * velocities[i] - learning_rate * gradient
                variable.assign_add(velocities[i] - learning_rate * weight_decay * variable)
            total += float(loss) * len(batch)
        losses.append(total / len(x))
        if on_epoch_end is not None and on_epoch_end(epoch, losses[-1]) is True:
            break
    return losses
