# answer: steps
# why: freezes the other player and releases it, one tape around all, apply_gradients
def discriminator_step(generator, discriminator, optimizer, loss_fn, real, noise):
    generator.trainable = False
    with tf.GradientTape() as tape:
        fake_logits = discriminator(generator(noise, training=True), training=True)
        real_logits = discriminator(real, training=True)
        loss = loss_fn(real_logits, fake_logits)
    gradients = tape.gradient(loss, discriminator.trainable_weights)
    optimizer.apply_gradients(zip(gradients, discriminator.trainable_weights, strict=True))
    generator.trainable = True
    return float(loss)


def generator_step(generator, discriminator, optimizer, loss_fn, noise):
    discriminator.trainable = False
    with tf.GradientTape() as tape:
        fake = generator(noise, training=True)
        loss = loss_fn(discriminator(fake, training=True))
    gradients = tape.gradient(loss, generator.trainable_weights)
    optimizer.apply_gradients(zip(gradients, generator.trainable_weights, strict=True))
    discriminator.trainable = True
    return float(loss)
