# answer: causal_convolution
# why: shifted inputs side by side and one product; bias made first; He's initial weights
class CausalConv1D(keras.layers.Layer):
    def __init__(self, filters, kernel_size, dilation=1, **kwargs):
        super().__init__(**kwargs)
        self.num_filters, self.shifts = filters, [k * dilation for k in range(kernel_size)]

    def build(self, input_shape):
        self.offset = self.add_weight(shape=(self.num_filters,), initializer="zeros")
        self.rows = self.add_weight(
            shape=(len(self.shifts), input_shape[-1], self.num_filters), initializer="he_normal"
        )
        super().build(input_shape)

    def call(self, inputs):
        delayed = []
        for shift in reversed(self.shifts):
            late = tf.pad(inputs, [[0, 0], [shift, 0], [0, 0]])
            delayed.append(late[:, : tf.shape(inputs)[1]])
        flat = keras.ops.reshape(self.rows, (-1, self.num_filters))
        return keras.ops.matmul(keras.ops.concatenate(delayed, axis=-1), flat) + self.offset
