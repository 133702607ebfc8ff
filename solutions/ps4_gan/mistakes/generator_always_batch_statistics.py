# answer: generator
# rejected by: test_generator
# why: the normalization is bound to training=True where the model is made
def make_generator(latent_dim, widths, channels):
    layers = keras.layers
    noise = keras.Input((latent_dim,))
    x = layers.Dense(16 * widths[0], use_bias=False)(noise)
    x = layers.Reshape((4, 4, widths[0]))(x)
    for width in widths[1:]:
        x = layers.ReLU()(layers.BatchNormalization()(x, training=True))
        x = layers.Conv2DTranspose(width, 4, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x, training=True))
    return keras.Model(noise, layers.Conv2DTranspose(channels, 4, strides=2, padding="same", activation="tanh")(x))
