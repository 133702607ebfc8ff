# answer: bonus_inception
# rejected by: bonus_test_inception
# why: no ReLU behind the 1x1 convolutions before the large ones
class InceptionBlock(keras.layers.Layer):
    """Four branches with windows of different sizes, side by side."""

    def __init__(self, ones, threes_in, threes, fives_in, fives, pooled, **kwargs):
        super().__init__(**kwargs)

        def convolution(filters, size):
            return keras.layers.Conv2D(filters, size, padding="same", activation="relu")

        pool = keras.layers.MaxPooling2D(3, strides=1, padding="same")
        self.branches = [
            [convolution(ones, 1)],
            [keras.layers.Conv2D(threes_in, 1), convolution(threes, 3)],
            [keras.layers.Conv2D(fives_in, 1), convolution(fives, 5)],
            [pool, convolution(pooled, 1)],
        ]

    def call(self, x):
        """The four outputs, concatenated along the channels."""
        outputs = []
        for branch in self.branches:
            out = x
            for layer in branch:
                out = layer(out)
            outputs.append(out)
        return keras.ops.concatenate(outputs, axis=-1)
