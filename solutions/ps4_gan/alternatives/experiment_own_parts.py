# answer: experiment
# why: players, losses, steps and loop of the tasks above; the mean of the weights is kept by hand
def fit_generator(images):
    keras.utils.set_random_seed(1)
    generator, discriminator = make_generator(32, [64, 32], 3), make_discriminator(16, [32, 64], 3)
    optimizers = [keras.optimizers.Adam(0.002, beta_1=0.5), keras.optimizers.Adam(0.002, beta_1=0.5)]
    optimizers[0].build(generator.trainable_variables)
    optimizers[1].build(discriminator.trainable_variables)
    means = [tf.Variable(variable.value) for variable in generator.trainable_variables]

    def d_loss(real, fake):
        return discriminator_loss(real, fake, real_label=0.9)

    @tf.function
    def d_step(real, noise):
        return discriminator_step(generator, discriminator, optimizers[1], d_loss, real, noise)

    @tf.function
    def g_step(noise):
        loss = generator_step(generator, discriminator, optimizers[0], generator_loss, noise)
        for mean, variable in zip(means, generator.trainable_variables, strict=True):
            mean.assign(0.99 * mean + 0.01 * variable)
        return loss

    play_game(d_step, g_step, (images / 127.5 - 1).astype("float32"), epochs=64, batch_size=64, latent_dim=32, seed=2)
    for mean, variable in zip(means, generator.trainable_variables, strict=True):
        variable.assign(mean)
    # The running statistics follow slowly (momentum 0.99): they need some hundred batches of the last weights.
    for batch in range(400):
        generator(np.random.default_rng(batch).standard_normal((64, 32), dtype=np.float32), training=True)
    return generator


def generate(generator, noise):
    images = generator.predict(noise, verbose=0)
    return np.clip(np.round(images * 127.5 + 127.5), 0, 255).astype("uint8")
