# answer: residual_block
# why: filters by add_weight, TensorFlow's convolution, call compiled
class ResidualBlock(keras.layers.Layer):
    def __init__(self, filters, stride=1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.stride = filters, stride
        self.norms = {}

    def build(self, input_shape):
        c, f = input_shape[-1], self.filters
        self.k1 = self.add_weight(shape=(3, 3, c, f), initializer="glorot_uniform", name="k1")
        self.k2 = self.add_weight(shape=(3, 3, f, f), initializer="glorot_uniform", name="k2")
        self.norm_1, self.norm_2 = keras.layers.BatchNormalization(), keras.layers.BatchNormalization()
        self.norm_1.build((None, None, None, f))
        self.norm_2.build((None, None, None, f))
        self.kp = None
        if self.stride != 1 or c != f:
            self.kp = self.add_weight(shape=(1, 1, c, f), initializer="glorot_uniform", name="kp")
            self.norm_p = keras.layers.BatchNormalization()
            self.norm_p.build((None, None, None, f))

    @tf.function
    def call(self, x, training=False):
        y = tf.nn.conv2d(x, self.k1, self.stride, "SAME")
        y = tf.nn.relu(self.norm_1(y, training=training))
        y = self.norm_2(tf.nn.conv2d(y, self.k2, 1, "SAME"), training=training)
        if self.kp is not None:
            x = self.norm_p(tf.nn.conv2d(x, self.kp, self.stride, "SAME"), training=training)
        return tf.nn.relu(x + y)
