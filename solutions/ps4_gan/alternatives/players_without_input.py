# answer: generator, discriminator, patch_discriminator
# why: sequential models that name no input: their weights are made at the first call
# %% generator
def make_generator(latent_dim, widths, channels):
    layers = [keras.layers.Dense(16 * widths[0], use_bias=False), keras.layers.Reshape((4, 4, widths[0]))]
    for width in [*widths[1:], None]:
        layers += [keras.layers.BatchNormalization(), keras.layers.ReLU()]
        if width:
            layers += [keras.layers.Conv2DTranspose(width, 4, strides=2, padding="same", use_bias=False)]
    layers += [keras.layers.Conv2DTranspose(channels, 4, strides=2, padding="same", activation="tanh")]
    return keras.Sequential(layers)


# %% discriminator
def make_discriminator(size, widths, channels):
    layers = [keras.layers.Conv2D(widths[0], 4, 2, "same"), keras.layers.LeakyReLU(negative_slope=0.2)]
    for width in widths[1:]:
        layers += [
            keras.layers.Conv2D(width, 4, 2, "same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.LeakyReLU(negative_slope=0.2),
        ]
    return keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(1)])


# %% patch_discriminator
def receptive_field(layers):
    """Size of the square that a unit of the last layer sees, and the step between neighbouring squares, in pixels."""
    size, step = 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * step
        step *= stride
    return size, step


def make_patch_discriminator(widths, strides, channels):
    layers = []
    for number, (width, stride) in enumerate(zip(widths, strides, strict=True)):
        layers.append(keras.layers.Conv2D(width, 4, stride, use_bias=number == 0))
        if number:
            layers.append(keras.layers.BatchNormalization())
        layers.append(keras.layers.LeakyReLU(negative_slope=0.2))
    return keras.Sequential(layers + [keras.layers.Conv2D(1, 4)])
