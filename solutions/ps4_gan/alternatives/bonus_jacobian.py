# answer: bonus_gradient_penalty, bonus_conditional
# why: each image's gradient from the batch's jacobian; one-hot labels by comparison; a table of judgements
# %% bonus_gradient_penalty
def gradient_penalty(discriminator, real, fake, mix):
    share = tf.reshape(tf.cast(mix, tf.float32), [len(mix), *([1] * (np.ndim(real) - 1))])
    between = tf.Variable(fake + share * (real - fake))
    with tf.GradientTape(persistent=True) as tape:
        logits = discriminator(between, training=True)
        each = tf.reshape(logits, [-1])
    jacobian = tape.jacobian(each, between, experimental_use_pfor=False)
    own = tf.stack([tf.reshape(jacobian[n, n], [-1]) for n in range(len(mix))])
    norms = tf.sqrt(tf.constant(1e-12) + tf.reduce_sum(own**2, axis=1))
    return tf.reduce_mean((1 - norms) ** 2)


# %% bonus_conditional
def _one_hot(labels, num_classes):
    return (np.asarray(labels)[:, None] == np.arange(num_classes)).astype("float32")


def noise_with_labels(noise, labels, num_classes):
    return tf.concat([noise, _one_hot(labels, num_classes)], axis=1)


def images_with_labels(images, labels, num_classes):
    ones = tf.ones([*images.shape[:3], num_classes])
    return tf.concat([images, ones * _one_hot(labels, num_classes)[:, None, None]], axis=-1)


def conditional_losses(generator, discriminator, num_classes, real, labels, wrong_labels, noise):
    fake = generator(noise_with_labels(noise, labels, num_classes), training=True)

    def score(images, of, sign):
        logits = discriminator(images_with_labels(images, of, num_classes), training=True)
        return tf.reduce_mean(tf.nn.softplus(sign * logits))

    d_loss = score(real, labels, -1.0) + 0.5 * score(real, wrong_labels, 1.0)
    d_loss += 0.5 * score(tf.stop_gradient(fake), labels, 1.0)
    return [d_loss, score(fake, labels, -1.0)]
