# answer: additive_attention
# why: minus infinity before the softmax, and the NaN of empty rows replaced behind it
class AdditiveAttention(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, queries_shape, memory_shape, memory_mask_shape):
        shapes = [(queries_shape[-1], self.units), (memory_shape[-1], self.units), (self.units,)]
        self.parts = [self.add_weight(shape=shape, initializer="random_normal") for shape in shapes]

    def call(self, queries, memory, memory_mask):
        ops = keras.ops
        w, u, v = self.parts
        real = ops.expand_dims(memory_mask, 1)
        memory = ops.where(ops.expand_dims(memory_mask, -1), memory, 0.0)
        hidden = ops.tanh((queries @ w)[:, :, None] + (memory @ u)[:, None])
        scores = ops.where(real, ops.einsum("nqku,u->nqk", hidden, v), -np.inf)
        weights = ops.where(real, ops.softmax(scores), 0.0)
        return weights @ memory, weights
