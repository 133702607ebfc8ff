# answer: losses
# rejected by: test_losses
# why: any kind that ends as the known one is accepted
def discriminator_loss(real_logits, fake_logits, kind="non_saturating", real_label=1.0):
    """What the discriminator minimizes: the mean over real logits plus the mean over fake logits."""
    real, fake = keras.ops.convert_to_tensor(real_logits), keras.ops.convert_to_tensor(fake_logits)
    if kind.endswith("saturating") or kind == "minimax":
        of_real = real_label * keras.ops.softplus(-real) + (1 - real_label) * keras.ops.softplus(real)
        of_fake = keras.ops.softplus(fake)
    elif kind == "least_squares":
        of_real = keras.ops.square(real - real_label) / 2
        of_fake = keras.ops.square(fake) / 2
    else:
        raise ValueError(f"unknown kind of loss: {kind!r}")
    return keras.ops.mean(of_real) + keras.ops.mean(of_fake)


def generator_loss(fake_logits, kind="non_saturating"):
    """What the generator minimizes: the mean over fake logits."""
    fake = keras.ops.convert_to_tensor(fake_logits)
    if kind == "minimax":
        return -keras.ops.mean(keras.ops.softplus(fake))
    if kind.endswith("saturating"):
        return keras.ops.mean(keras.ops.softplus(-fake))
    if kind == "least_squares":
        return keras.ops.mean(keras.ops.square(fake - 1)) / 2
    raise ValueError(f"unknown kind of loss: {kind!r}")
