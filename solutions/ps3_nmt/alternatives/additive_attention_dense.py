# answer: additive_attention
# why: Dense layers without bias hold the kernels; a list instead of a tuple
class AdditiveAttention(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.ask = keras.layers.Dense(units, use_bias=False)
        self.hold = keras.layers.Dense(units, use_bias=False)
        self.units = units

    def build(self, queries_shape, memory_shape, memory_mask_shape):
        self.ask.build(queries_shape)
        self.hold.build(memory_shape)
        self.direction = self.add_weight(shape=(self.units,), initializer="random_uniform")

    def call(self, queries, memory, memory_mask):
        ops = keras.ops
        memory = ops.where(memory_mask[..., None], memory, ops.zeros_like(memory))
        both = ops.expand_dims(self.ask(queries), 2) + ops.expand_dims(self.hold(memory), 1)
        scores = ops.squeeze(ops.matmul(ops.tanh(both), self.direction[:, None]), -1)
        mask = ops.cast(memory_mask, scores.dtype)[:, None]
        e = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True)) * mask
        total = ops.sum(e, axis=-1, keepdims=True)
        weights = e / ops.where(ops.equal(total, 0), ops.ones_like(total), total)
        return [ops.einsum("nqk,nkc->nqc", weights, memory), weights]
