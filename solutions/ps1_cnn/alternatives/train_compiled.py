# answer: training_loop
# why: a compiled step, velocities as variables with the learning rate outside, Python's shuffle, own cross-entropy
import random


def train(model, x, y, *, epochs, batch_size, learning_rate, momentum=0.9, weight_decay=0.0, seed=0, on_epoch_end=None):
    history = []
    shuffler = random.Random(seed)
    inputs, targets = tf.constant(x), tf.constant(y, tf.int32)
    model(inputs[:1], training=False)
    slots = [tf.Variable(tf.zeros(variable.shape)) for variable in model.trainable_variables]

    @tf.function(reduce_retracing=True)
    def step(rows):
        with tf.GradientTape() as tape:
            logits = model(tf.gather(inputs, rows), training=True)
            picked = tf.gather(tf.nn.log_softmax(logits), tf.gather(targets, rows), batch_dims=1)
            per_example = -picked
            loss = tf.reduce_mean(per_example)
        for variable, gradient, slot in zip(
            model.trainable_variables, tape.gradient(loss, model.trainable_variables), slots, strict=True
        ):
            slot.assign(momentum * slot + gradient + weight_decay * variable.value)
            variable.assign(variable - learning_rate * slot)
        return tf.reduce_sum(per_example)

    for epoch in range(epochs):
        rows = list(range(len(x)))
        shuffler.shuffle(rows)
        total = 0.0
        while rows:
            batch, rows = rows[:batch_size], rows[batch_size:]
            total += step(tf.constant(batch)).numpy()
        history.append(float(total / len(x)))
        stop = on_epoch_end(epoch, history[-1]) if on_epoch_end else False
        if stop:
            return history
    return history
