# answer: bonus_gradient_penalty
# rejected by: bonus_test_gradient_penalty
# why: the norm over channels only
def gradient_penalty(discriminator, real, fake, mix):
    """How far the norm of the discriminator's gradient is from 1 between real and generated images."""
    real, fake = keras.ops.convert_to_tensor(real), keras.ops.convert_to_tensor(fake)
    mix = keras.ops.reshape(keras.ops.cast(mix, real.dtype), [-1] + [1] * (len(real.shape) - 1))
    mixed = mix * real + (1 - mix) * fake
    with tf.GradientTape() as tape:
        tape.watch(mixed)
        total = keras.ops.sum(discriminator(mixed, training=True))
    gradient = tape.gradient(total, mixed)
    squares = keras.ops.sum(keras.ops.square(gradient), axis=-1)
    return keras.ops.mean(keras.ops.square(keras.ops.sqrt(squares + 1e-12) - 1))
