# answer: training_loop
# why: batches from a PyDataset; the losses are tensors
class Batches(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size, rng):
        super().__init__()
        self.x, self.y, self.size, self.rng = x, y, batch_size, rng
        self.on_epoch_end()

    def __len__(self):
        return (len(self.x) + self.size - 1) // self.size

    def __getitem__(self, i):
        rows = self.order[i * self.size : (i + 1) * self.size]
        return self.x[rows], self.y[rows]

    def on_epoch_end(self):
        self.order = self.rng.permutation(len(self.x))


def train(model, x, y, *, epochs, batch_size, learning_rate, momentum=0.9, weight_decay=0.0, seed=0, on_epoch_end=None):
    batches = Batches(x, y, batch_size, np.random.default_rng(seed))
    velocity = [keras.ops.zeros(v.shape) for v in model.trainable_variables]
    losses = []
    for epoch in range(epochs):
        weighted = 0
        for i in range(len(batches)):
            xb, yb = batches[i]
            with tf.GradientTape() as tape:
                logits = model(xb, training=True)
                loss = -keras.ops.mean(
                    keras.ops.sum(keras.ops.one_hot(yb, logits.shape[-1]) * keras.ops.log_softmax(logits), axis=-1)
                )
            for k, (g, v) in enumerate(
                zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
            ):
                velocity[k] = momentum * velocity[k] - learning_rate * (g + weight_decay * v.value)
                v.assign(v.value + velocity[k])
            weighted = weighted + loss * (len(xb) / len(x))
        batches.on_epoch_end()
        losses.append(weighted)
        if on_epoch_end:
            if on_epoch_end(epoch, losses[epoch]) is True:
                break
    return losses
