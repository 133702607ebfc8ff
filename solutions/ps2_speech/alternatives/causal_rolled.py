# answer: causal_convolution
# why: the input is rolled, and what came round from its end is masked
class CausalConv1D(keras.layers.Layer):
    def __init__(self, filters, kernel_size, dilation=1, **kwargs):
        super().__init__(**kwargs)
        self.f, self.k, self.d = filters, kernel_size, dilation

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(self.k, input_shape[-1], self.f), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(self.f,), initializer="zeros", name="bias")

    def call(self, x):
        time = keras.ops.shape(x)[1]
        steps = keras.ops.arange(time)[None, :, None]
        out = 0
        for k in range(self.k):
            back = (self.k - 1 - k) * self.d
            moved = keras.ops.where(steps >= back, keras.ops.roll(x, back, axis=1), 0.0)
            out += keras.ops.einsum("btc,cf->btf", moved, self.kernel[k])
        return out + self.bias
