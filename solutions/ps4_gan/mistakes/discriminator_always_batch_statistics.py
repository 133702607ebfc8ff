# answer: discriminator
# rejected by: test_discriminator
# why: the normalization is bound to training=True where the model is made
def make_discriminator(size, widths, channels):
    image = keras.Input((size, size, channels))
    x = image
    for number, width in enumerate(widths):
        x = keras.layers.Conv2D(width, 4, strides=2, padding="same", use_bias=number == 0)(x)
        if number > 0:
            x = keras.layers.BatchNormalization()(x, training=True)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
    return keras.Model(image, keras.layers.Dense(1)(keras.layers.Flatten()(x)))
