# answer: additive_attention
# rejected by: test_additive_attention
# why: query and memory are multiplied
class AdditiveAttention(keras.layers.Layer):
    """Attention whose scores come from a small network; padding gets no weight."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, queries_shape, memory_shape, memory_mask_shape):
        """Called once, before the first call, with the shapes of what `call` gets."""
        self.query_kernel = self.add_weight(shape=(queries_shape[-1], self.units), name="query_kernel")
        self.memory_kernel = self.add_weight(shape=(memory_shape[-1], self.units), name="memory_kernel")
        self.score = self.add_weight(shape=(self.units,), initializer="random_normal", name="score")

    def call(self, queries, memory, memory_mask):
        """The context (batch, num_queries, memory_size) and the weights (batch, num_queries, num_keys)."""
        ops = keras.ops
        real = ops.expand_dims(ops.cast(memory_mask, "bool"), 1)
        # What is huge in the padding becomes NaN as soon as it meets a weight: it goes first.
        memory = ops.where(ops.expand_dims(memory_mask, -1), memory, 0.0)
        asked = ops.expand_dims(ops.matmul(queries, self.query_kernel), 2)
        held = ops.expand_dims(ops.matmul(memory, self.memory_kernel), 1)
        scores = ops.sum(self.score * ops.tanh(asked * held), axis=-1)
        weights = ops.softmax(ops.where(real, scores, -1e9), axis=-1) * ops.cast(real, scores.dtype)
        return ops.matmul(weights, memory), weights
