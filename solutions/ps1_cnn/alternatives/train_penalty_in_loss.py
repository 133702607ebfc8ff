# answer: training_loop
# why: the weights' squares stand in the loss whose gradient is taken, not in the one reported; velocities in NumPy
class Momentum:
    def __init__(self, variables, rate, momentum):
        self.variables, self.rate, self.momentum = variables, rate, momentum
        self.velocity = {id(v): np.zeros(v.shape, "float32") for v in variables}

    def step(self, gradients):
        for v, g in zip(self.variables, gradients, strict=True):
            self.velocity[id(v)] = self.momentum * self.velocity[id(v)] - self.rate * np.asarray(g)
            v.assign(np.asarray(v) + self.velocity[id(v)])


def train(model, x, y, *, epochs, batch_size, learning_rate, momentum=0.9, weight_decay=0.0, seed=0, on_epoch_end=None):
    np.random.seed(seed)
    optimizer = Momentum(model.trainable_variables, learning_rate, momentum)
    losses = []
    for epoch in range(epochs):
        indices = np.arange(len(x))
        np.random.shuffle(indices)
        examples, targets = x[indices], y[indices]
        per_example = []
        for k in range(int(np.ceil(len(x) / batch_size))):
            xb, yb = examples[k * batch_size : (k + 1) * batch_size], targets[k * batch_size : (k + 1) * batch_size]
            with tf.GradientTape() as tape:
                each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(yb, tf.int32), model(xb, training=True))
                penalty = sum(tf.nn.l2_loss(v.value) for v in model.trainable_variables)
                objective = tf.reduce_mean(each) + weight_decay * penalty
            optimizer.step(tape.gradient(objective, model.trainable_variables))
            per_example.extend(each.numpy().tolist())
        losses.append(sum(per_example) / len(per_example))
        if on_epoch_end is None:
            continue
        if on_epoch_end(epoch, losses[-1]):
            return losses
    return losses
