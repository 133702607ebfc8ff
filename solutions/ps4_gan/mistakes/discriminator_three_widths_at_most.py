# answer: discriminator
# rejected by: test_discriminator
# why: right for up to three widths
def make_discriminator(size, widths, channels):
    """A model from images (batch, size, size, channels) to logits (batch, 1)."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((size, size, channels))])
    for number, width in enumerate(widths[:3]):
        model.add(layers.Conv2D(width, 4, strides=2, padding="same", use_bias=number == 0))
        if number > 0:
            model.add(layers.BatchNormalization())
        model.add(layers.LeakyReLU(negative_slope=0.2))
    model.add(layers.Flatten())
    model.add(layers.Dense(1))
    return model
