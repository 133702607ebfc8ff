# answer: residual_block
# why: layers made in another order than they are used, some of them never used; NumPy-style names
class ResidualBlock(keras.layers.Layer):
    def __init__(self, filters, stride=1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.stride = filters, stride
        conv, norm = keras.layers.Conv2D, keras.layers.BatchNormalization
        self.skip_norm = norm()
        self.skip_conv = conv(filters, (1, 1), (stride, stride), "same", use_bias=False)
        self.second_norm = norm()
        self.second = conv(filters, (3, 3), padding="SAME", use_bias=False, kernel_initializer="orthogonal")
        self.first_norm = norm()
        self.first = conv(filters, (3, 3), (stride, stride), padding="SAME", use_bias=False)

    def call(self, x, training=None):
        y = self.first_norm(self.first(x), training=training)
        y = self.second_norm(self.second(tf.nn.relu(y)), training=training)
        if self.stride > 1 or x.shape[-1] != self.filters:
            x = self.skip_norm(self.skip_conv(x), training=training)
        return tf.nn.relu(tf.add(x, y))
