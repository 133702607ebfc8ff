# answer: steps
# rejected by: test_steps
# why: judges only as many real images as there is noise
def discriminator_step(generator, discriminator, optimizer, loss_fn, real, noise):
    """One step of the discriminator against the generator as it is; gives the loss before the step."""
    fake = generator(noise, training=True)
    with tf.GradientTape() as tape:
        loss = loss_fn(discriminator(real[: len(noise)], training=True), discriminator(fake, training=True))
    variables = discriminator.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss


def generator_step(generator, discriminator, optimizer, loss_fn, noise):
    """One step of the generator against the discriminator as it is; gives the loss before the step."""
    with tf.GradientTape() as tape:
        loss = loss_fn(discriminator(generator(noise, training=True), training=True))
    variables = generator.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss
