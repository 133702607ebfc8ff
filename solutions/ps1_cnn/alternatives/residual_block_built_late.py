# answer: residual_block
# why: paths as keras.Sequential, made in build, shortcut first; He's initial weights; training is passed on by Keras
class ResidualBlock(keras.layers.Layer):
    def __init__(self, filters, stride=1, **kwargs):
        super().__init__(**kwargs)
        self.settings = (filters, stride)

    def _convolution(self, size, stride):
        return keras.layers.Conv2D(
            self.settings[0], size, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal"
        )

    def build(self, input_shape):
        filters, stride = self.settings
        norm = keras.layers.BatchNormalization
        if stride == 1 and input_shape[-1] == filters:
            self.shortcut = keras.layers.Identity()
        else:
            self.shortcut = keras.Sequential([self._convolution(1, stride), norm()])
        relu = keras.layers.Activation("relu")
        self.residual = keras.Sequential([self._convolution(3, stride), norm(), relu, self._convolution(3, 1), norm()])
        self.add, self.last = keras.layers.Add(), keras.layers.ReLU()
        self.shortcut.build(input_shape)
        self.residual.build(input_shape)
        super().build(input_shape)

    def call(self, inputs):
        return self.last(self.add([self.residual(inputs), self.shortcut(inputs)]))
