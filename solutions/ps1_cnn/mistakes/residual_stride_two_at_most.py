# answer: residual_block
# rejected by: test_residual_block
# why: every stride above 1 is taken for 2
class ResidualBlock(keras.layers.Layer):
    """Two 3x3 convolutions with batch normalization, and a shortcut around them."""

    def __init__(self, filters, stride=1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        stride = min(stride, 2)
        self.stride = stride
        self.conv1 = keras.layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)
        self.norm1 = keras.layers.BatchNormalization()
        self.conv2 = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)
        self.norm2 = keras.layers.BatchNormalization()
        self.project = None

    def build(self, input_shape):
        """Called once, before the first call: input_shape is (batch, height, width, channels)."""
        if self.stride != 1 or input_shape[-1] != self.filters:
            self.project = keras.layers.Conv2D(self.filters, 1, strides=self.stride, use_bias=False)
            self.project_norm = keras.layers.BatchNormalization()

    def call(self, x, training=None):
        """The block's output for x of shape (batch, height, width, channels)."""
        shortcut = x
        if self.project is not None:
            shortcut = self.project_norm(self.project(x), training=training)
        residual = keras.ops.relu(self.norm1(self.conv1(x), training=training))
        residual = self.norm2(self.conv2(residual), training=training)
        return keras.ops.relu(residual + shortcut)
