# answer: experiment
# rejected by: test_experiment
# why: images of floats
def fit_generator(images):
    """Train on images (num, 16, 16, 3) of bytes; gives what generate needs."""
    keras.utils.set_random_seed(seed)
    generator, discriminator = face_players()
    # Of the generator's weights, the mean of the last hundred steps or so is what counts in the end.
    optimizers = [keras.optimizers.Adam(0.002, beta_1=0.5, use_ema=one, ema_momentum=0.99) for one in (True, False)]
    for optimizer, player in zip(optimizers, (generator, discriminator), strict=True):
        optimizer.build(player.trainable_variables)

    def softplus_mean(logits):
        return tf.reduce_mean(tf.nn.softplus(logits))

    @tf.function
    def step(real, noise):
        fake = generator(noise[0], training=True)
        with tf.GradientTape() as tape:
            of_real = discriminator(real, training=True)
            of_fake = discriminator(fake, training=True)
            # Labels of 0.9 for real images.
            loss = 0.9 * softplus_mean(-of_real) + 0.1 * softplus_mean(of_real) + softplus_mean(of_fake)
        variables = discriminator.trainable_variables
        optimizers[1].apply(tape.gradient(loss, variables), variables)
        with tf.GradientTape() as tape:
            loss = softplus_mean(-discriminator(generator(noise[1], training=True), training=True))
        variables = generator.trainable_variables
        optimizers[0].apply(tape.gradient(loss, variables), variables)

    rng = np.random.default_rng(seed)
    real, batch_size = images / np.float32(127.5) - 1, 64
    for _ in coursekit.progress_bar(range(NUM_EPOCHS), label="faces"):
        order = rng.permutation(len(real))
        for start in range(0, len(real) - batch_size + 1, batch_size):
            noise = rng.standard_normal((2, batch_size, 32), dtype=np.float32)
            step(real[order[start : start + batch_size]], noise)
    optimizers[0].finalize_variable_values(generator.trainable_variables)
    # The running statistics have to follow the new weights.
    for _ in range(50):
        generator(rng.standard_normal((batch_size, 32), dtype=np.float32), training=True)
    return generator


def generate(generator, noise):
    """Images (num, 16, 16, 3) of bytes, one for each row of the noise (num, 32)."""
    images = keras.ops.convert_to_numpy(generator(noise, training=False))
    return np.rint(127.5 * (images + 1))


NUM_EPOCHS = 1


def face_players(width=32):
    """A generator and a discriminator of faces, by DCGAN's rules."""
    layers = keras.layers
    generator = keras.Sequential([keras.Input((32,))])
    generator.add(layers.Dense(4 * 4 * 2 * width, use_bias=False))
    generator.add(layers.Reshape((4, 4, 2 * width)))
    generator.add(layers.BatchNormalization(momentum=0.9))
    generator.add(layers.ReLU())
    generator.add(layers.Conv2DTranspose(width, 4, strides=2, padding="same", use_bias=False))
    generator.add(layers.BatchNormalization(momentum=0.9))
    generator.add(layers.ReLU())
    generator.add(layers.Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh"))
    discriminator = keras.Sequential([keras.Input((16, 16, 3))])
    discriminator.add(layers.Conv2D(width, 4, strides=2, padding="same"))
    discriminator.add(layers.LeakyReLU(negative_slope=0.2))
    discriminator.add(layers.Conv2D(2 * width, 4, strides=2, padding="same", use_bias=False))
    discriminator.add(layers.BatchNormalization(momentum=0.9))
    discriminator.add(layers.LeakyReLU(negative_slope=0.2))
    discriminator.add(layers.Flatten())
    discriminator.add(layers.Dense(1))
    return generator, discriminator
