# answer: patch_discriminator
# rejected by: test_patch_discriminator
# why: the normalization is bound to training=True where the model is made
def receptive_field(layers):
    """Size of the square that a unit of the last layer sees, and the step between neighbouring squares, in pixels."""
    size, step = 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * step
        step *= stride
    return size, step


def make_patch_discriminator(widths, strides, channels):
    image = keras.Input((None, None, channels))
    x = image
    for number, (width, stride) in enumerate(zip(widths, strides, strict=True)):
        x = keras.layers.Conv2D(width, 4, strides=stride, use_bias=number == 0)(x)
        if number > 0:
            x = keras.layers.BatchNormalization()(x, training=True)
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
    return keras.Model(image, keras.layers.Conv2D(1, 4)(x))
