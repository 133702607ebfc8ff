# answer: generator, discriminator
# why: functional models, activations as layers of their own, other initial weights, momentum and epsilon
# %% generator
def make_generator(latent_dim, widths, channels):
    init = keras.initializers.RandomNormal(stddev=0.02)
    noise = keras.Input((latent_dim,))
    x = keras.layers.Dense(widths[0] * 16, use_bias=False, kernel_initializer=init)(noise)
    x = keras.layers.Reshape((4, 4, -1))(x)
    for number in range(len(widths)):
        x = keras.layers.BatchNormalization(momentum=0.8, epsilon=1e-5)(x)
        x = keras.layers.Activation("relu")(x)
        last = number + 1 == len(widths)
        x = keras.layers.Conv2DTranspose(
            channels if last else widths[number + 1], (4, 4), (2, 2), "same", use_bias=last, kernel_initializer=init
        )(x)
    return keras.Model(noise, keras.layers.Activation("tanh")(x))


# %% discriminator
def make_discriminator(size, widths, channels):
    image = keras.Input((size, size, channels))
    x = keras.layers.Conv2D(widths[0], (4, 4), (2, 2), "same")(image)
    x = keras.layers.Activation(lambda s: keras.ops.maximum(s, 0.2 * s))(x)
    for width in widths[1:]:
        x = keras.layers.Conv2D(width, (4, 4), (2, 2), "same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.8, epsilon=1e-5)(x)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
    return keras.Model(image, keras.layers.Dense(1)(keras.layers.Flatten()(x)))
