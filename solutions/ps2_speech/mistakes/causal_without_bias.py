# answer: causal_convolution
# rejected by: test_causal_convolution
# why: the bias is made and not added
class CausalConv1D(keras.layers.Layer):
    """A convolution over time that looks back, at every `dilation`-th step, and never ahead."""

    def __init__(self, filters, kernel_size, dilation=1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.dilation = dilation

    def build(self, input_shape):
        """Called once, before the first call: input_shape is (batch, time, channels)."""
        shape = (self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, x):
        """The output (batch, time, filters) for x of shape (batch, time, channels)."""
        look_back = (self.kernel_size - 1) * self.dilation
        padded = keras.ops.pad(x, ((0, 0), (look_back, 0), (0, 0)))
        time = keras.ops.shape(x)[1]
        out = 0.0
        for k in range(self.kernel_size):
            start = k * self.dilation
            out = out + keras.ops.matmul(padded[:, start : start + time], self.kernel[k])
        return out
