# answer: residual_block
# why: a functional model that build makes for images of any size
class ResidualBlock(keras.layers.Layer):
    def __init__(self, filters, stride=1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.stride = stride

    def build(self, input_shape):
        inputs = keras.Input((None, None, input_shape[-1]))
        out = keras.layers.Conv2D(self.filters, 3, self.stride, "same", use_bias=False)(inputs)
        out = keras.layers.ReLU()(keras.layers.BatchNormalization()(out))
        out = keras.layers.Conv2D(self.filters, 3, 1, "same", use_bias=False)(out)
        out = keras.layers.BatchNormalization()(out)
        short = inputs
        if self.stride != 1 or input_shape[-1] != self.filters:
            short = keras.layers.Conv2D(self.filters, 1, self.stride, "same", use_bias=False)(inputs)
            short = keras.layers.BatchNormalization()(short)
        self.net = keras.Model(inputs, keras.layers.ReLU()(keras.layers.Add()([out, short])))

    def call(self, x, training=None):
        return self.net(x, training=training)
