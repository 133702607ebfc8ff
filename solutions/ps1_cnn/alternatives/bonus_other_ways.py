# answer: bonus_fgsm, bonus_inception
# why: the attack with a variable, summed loss and NumPy; the block in the functional manner of separate attributes
# %% bonus_fgsm
def fgsm(model, images, labels, epsilon):
    variable = tf.Variable(images)
    with tf.GradientTape() as tape:
        logp = tf.nn.log_softmax(model(variable, training=False))
        loss = -tf.reduce_sum(tf.one_hot(labels, logp.shape[-1]) * logp)
    step = np.sign(tape.gradient(loss, variable).numpy())
    return np.minimum(np.maximum(images + epsilon * step, 0.0), 1.0)


# %% bonus_inception
class InceptionBlock(keras.layers.Layer):
    def __init__(self, ones, threes_in, threes, fives_in, fives, pooled, **kwargs):
        super().__init__(**kwargs)
        conv, relu = keras.layers.Conv2D, "relu"
        self.after_pool = conv(pooled, 1, activation=relu)
        self.three_a, self.three_b = conv(threes_in, 1, activation=relu), conv(threes, 3, 1, "same", activation=relu)
        self.five_a, self.five_b = conv(fives_in, 1, activation=relu), conv(fives, 5, 1, "same", activation=relu)
        self.one = conv(ones, 1)

    def call(self, x):
        pooled = tf.nn.max_pool2d(x, 3, 1, "SAME")
        return tf.concat(
            [
                tf.nn.relu(self.one(x)),
                self.three_b(self.three_a(x)),
                self.five_b(self.five_a(x)),
                self.after_pool(pooled),
            ],
            axis=3,
        )
