# answer: patch_discriminator
# rejected by: test_patch_discriminator
# why: right for up to three widths
def receptive_field(layers):
    """Size of the square that a unit of the last layer sees, and the step between neighbouring squares, in pixels."""
    size, step = 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * step
        step *= stride
    return size, step


def make_patch_discriminator(widths, strides, channels):
    """A model from images (batch, height, width, channels) to a logit for each patch, (batch, rows, columns, 1)."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((None, None, channels))])
    for number, (width, stride) in enumerate(zip(widths[:3], strides[:3], strict=True)):
        model.add(layers.Conv2D(width, 4, strides=stride, use_bias=number == 0))
        if number > 0:
            model.add(layers.BatchNormalization())
        model.add(layers.LeakyReLU(negative_slope=0.2))
    model.add(layers.Conv2D(1, 4))
    return model
