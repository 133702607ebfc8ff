# answer: bonus_fgsm, bonus_inception
# why: the attack through probabilities; the block from its own filters and shifted pictures
# %% bonus_fgsm
def fgsm(model, images, labels, epsilon):
    images = tf.constant(images, dtype=tf.float32)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        p = tf.nn.softmax(model(images, training=False))
        loss = keras.losses.SparseCategoricalCrossentropy()(labels, p)
    gradient = tape.gradient(loss, images)
    return np.clip(images + epsilon * np.sign(gradient), 0.0, 1.0)


# %% bonus_inception
class InceptionBlock(keras.layers.Layer):
    def __init__(self, ones, threes_in, threes, fives_in, fives, pooled, **kwargs):
        super().__init__(**kwargs)
        self.n = (ones, threes_in, threes, fives_in, fives, pooled)

    def build(self, shape):
        c = shape[-1]
        sizes = [(1, c), (1, c), (3, self.n[1]), (1, c), (5, self.n[3]), (1, c)]
        self.k = [
            self.add_weight(shape=(s, s, i, o), name=f"k{t}")
            for t, ((s, i), o) in enumerate(zip(sizes, self.n, strict=True))
        ]
        self.b = [self.add_weight(shape=(o,), initializer="zeros", name=f"b{t}") for t, o in enumerate(self.n)]

    def conv(self, x, t):
        return tf.nn.relu(tf.nn.conv2d(x, self.k[t], 1, "SAME") + self.b[t])

    def call(self, x, training=None):
        x = tf.convert_to_tensor(x)
        high = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=-1e30)
        h, w = x.shape[1], x.shape[2]
        shifted = [high[:, i : i + h, j : j + w] for i in range(3) for j in range(3)]
        pool = tf.reduce_max(tf.stack(shifted), axis=0)
        return keras.layers.concatenate(
            [self.conv(x, 0), self.conv(self.conv(x, 1), 2), self.conv(self.conv(x, 3), 4), self.conv(pool, 5)]
        )
