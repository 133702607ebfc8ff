# answer: steps
# why: both steps compiled by tf.function, with the optimizer's variables made before
def discriminator_step(generator, discriminator, optimizer, loss_fn, real, noise):
    if not optimizer.built:
        optimizer.build(discriminator.trainable_variables)

    @tf.function
    def step(real, noise):
        images = generator(noise, training=True)
        with tf.GradientTape() as tape:
            loss = loss_fn(discriminator(real, training=True), discriminator(images, training=True))
        gradients = tape.gradient(loss, discriminator.trainable_variables)
        optimizer.apply(gradients, discriminator.trainable_variables)
        return loss

    return step(tf.convert_to_tensor(real), tf.convert_to_tensor(noise))


def generator_step(generator, discriminator, optimizer, loss_fn, noise):
    if not optimizer.built:
        optimizer.build(generator.trainable_variables)

    @tf.function
    def step(noise):
        with tf.GradientTape() as tape:
            loss = loss_fn(discriminator(generator(noise, training=True), training=True))
        gradients = tape.gradient(loss, generator.trainable_variables)
        optimizer.apply(gradients, generator.trainable_variables)
        return loss

    return step(tf.convert_to_tensor(noise))
