# answer: steps
# why: a tape that watches only the player whose turn it is, behind a stop_gradient; NumPy's loss
def discriminator_step(generator, discriminator, optimizer, loss_fn, real, noise):
    mine = discriminator.trainable_variables
    fake = tf.stop_gradient(generator(tf.constant(noise), training=True))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([variable.value for variable in mine])
        loss = loss_fn(discriminator(real, training=True), discriminator(fake, training=True))
    optimizer.apply(tape.gradient(loss, [variable.value for variable in mine]), mine)
    return loss.numpy()


def generator_step(generator, discriminator, optimizer, loss_fn, noise):
    mine = generator.trainable_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([variable.value for variable in mine])
        loss = loss_fn(discriminator(generator(tf.constant(noise), training=True), training=True))
    optimizer.apply(tape.gradient(loss, [variable.value for variable in mine]), mine)
    return loss.numpy()
