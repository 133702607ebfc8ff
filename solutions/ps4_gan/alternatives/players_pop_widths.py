# answer: generator, discriminator, patch_discriminator
# why: take the widths out of the list that they were given
# %% generator
def make_generator(latent_dim, widths, channels):
    first = widths.pop(0)
    model = keras.Sequential([keras.Input((latent_dim,))])
    model.add(keras.layers.Dense(16 * first, use_bias=False))
    model.add(keras.layers.Reshape((4, 4, first)))
    model.add(keras.layers.BatchNormalization())
    model.add(keras.layers.ReLU())
    while widths:
        model.add(keras.layers.Conv2DTranspose(widths.pop(0), 4, 2, "same", use_bias=False))
        model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.ReLU())
    model.add(keras.layers.Conv2DTranspose(channels, 4, 2, "same", activation="tanh"))
    return model


# %% discriminator
def make_discriminator(size, widths, channels):
    model = keras.Sequential([keras.Input((size, size, channels))])
    model.add(keras.layers.Conv2D(widths.pop(0), 4, 2, "same"))
    model.add(keras.layers.LeakyReLU(negative_slope=0.2))
    for width in widths:
        model.add(keras.layers.Conv2D(width, 4, 2, "same", use_bias=False))
        model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.LeakyReLU(negative_slope=0.2))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(1))
    return model


# %% patch_discriminator
def receptive_field(layers):
    if not layers:
        return 1, 1
    kernel, stride = layers.pop(0)
    size, step = receptive_field(layers)
    return kernel + (size - 1) * stride, stride * step


def make_patch_discriminator(widths, strides, channels):
    x = image = keras.Input((None, None, channels))
    first = True
    while widths:
        x = keras.layers.Conv2D(widths.pop(0), 4, strides.pop(0), use_bias=first)(x)
        x = x if first else keras.layers.BatchNormalization()(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
        first = False
    return keras.Model(image, keras.layers.Conv2D(1, 4)(x))
