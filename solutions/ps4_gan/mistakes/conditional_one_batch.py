# answer: bonus_conditional
# rejected by: bonus_test_conditional
# why: all three batches in one call
def noise_with_labels(noise, labels, num_classes):
    """Noise and one-hot labels side by side, (batch, latent_dim + num_classes)."""
    noise = keras.ops.convert_to_tensor(noise)
    return keras.ops.concatenate([noise, keras.ops.one_hot(labels, num_classes, dtype=noise.dtype)], axis=1)


def images_with_labels(images, labels, num_classes):
    """Images with a map of ones or zeros for each class behind their channels."""
    images = keras.ops.convert_to_tensor(images)
    batch, height, width, _ = keras.ops.shape(images)
    maps = keras.ops.one_hot(labels, num_classes, dtype=images.dtype)[:, None, None, :]
    return keras.ops.concatenate([images, keras.ops.broadcast_to(maps, (batch, height, width, num_classes))], axis=3)


def conditional_losses(generator, discriminator, num_classes, real, labels, wrong_labels, noise):
    """The losses (d_loss, g_loss) of both players, with images under their own and under wrong labels."""

    def judged(images, of):
        return discriminator(images_with_labels(images, of, num_classes), training=True)

    fake = generator(noise_with_labels(noise, labels, num_classes), training=True)
    batches = ((real, labels), (real, wrong_labels), (keras.ops.stop_gradient(fake), labels))
    together = keras.ops.concatenate([images_with_labels(images, of, num_classes) for images, of in batches])
    of_real, of_wrong, of_fake = keras.ops.split(discriminator(together, training=True), 3)
    mean_softplus = [keras.ops.mean(keras.ops.softplus(logits)) for logits in (-of_real, of_wrong, of_fake)]
    d_loss = mean_softplus[0] + (mean_softplus[1] + mean_softplus[2]) / 2
    return d_loss, keras.ops.mean(keras.ops.softplus(-judged(fake, labels)))
