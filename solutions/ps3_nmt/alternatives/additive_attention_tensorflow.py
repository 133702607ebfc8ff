# answer: additive_attention
# why: tf instead of keras.ops, its own softmax over exponentials, weights made in another order
class AdditiveAttention(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.size = units

    def build(self, queries_shape, memory_shape, memory_mask_shape):
        self.v = self.add_weight(shape=(self.size,), initializer="ones", name="v")
        self.u = self.add_weight(shape=(memory_shape[-1], self.size), initializer="he_normal", name="u")
        self.w = self.add_weight(shape=(queries_shape[-1], self.size), initializer="he_normal", name="w")

    def call(self, queries, memory, memory_mask):
        keep = tf.cast(memory_mask, memory.dtype)[:, tf.newaxis, :]
        memory = tf.where(memory_mask[:, :, tf.newaxis], memory, tf.zeros_like(memory))
        hidden = tf.tanh(
            tf.einsum("nqi,iu->nqu", queries, self.w)[:, :, None] + tf.einsum("nki,iu->nku", memory, self.u)[:, None]
        )
        scores = tf.einsum("nqku,u->nqk", hidden, self.v)
        # No score is larger than this: nothing overflows, and no maximum is needed.
        e = keep * tf.exp(scores - tf.reduce_sum(tf.abs(self.v)))
        weights = tf.math.divide_no_nan(e, tf.reduce_sum(e, axis=-1, keepdims=True))
        return tf.matmul(weights, memory), weights
