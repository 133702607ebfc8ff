# answer: causal_convolution
# why: indices of the past are gathered and summed by einsum, what lies before the beginning is masked
class CausalConv1D(keras.layers.Layer):
    def __init__(self, filters, kernel_size, dilation=1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.dilation = filters, kernel_size, dilation

    def build(self, input_shape):
        self.w = self.add_weight(shape=(self.kernel_size, input_shape[-1], self.filters), name="w")
        self.b = self.add_weight(shape=(self.filters,), name="b", initializer="zeros")

    def call(self, x):
        ops = keras.ops
        back = self.dilation * (self.kernel_size - 1 - ops.arange(self.kernel_size))
        place = ops.arange(ops.shape(x)[1])[:, None] - back[None, :]
        taken = ops.take(x, ops.maximum(place, 0), axis=1)
        seen = ops.cast(place >= 0, x.dtype)[None, :, :, None]
        return ops.einsum("ntkc,kcf->ntf", taken * seen, self.w) + self.b
