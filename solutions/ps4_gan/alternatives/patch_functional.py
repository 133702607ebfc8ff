# answer: patch_discriminator
# why: the field from the top down, and a functional model
def receptive_field(layers):
    size = 1
    for kernel, stride in reversed(layers):
        size = (size - 1) * stride + kernel
    return np.int64(size), int(np.prod([stride for _, stride in layers]))


def make_patch_discriminator(widths, strides, channels):
    picture = keras.Input((None, None, channels))
    x = keras.layers.Conv2D(widths[0], 4, strides=strides[0])(picture)
    x = keras.layers.Activation(keras.ops.leaky_relu)(x)
    for width, stride in zip(widths[1:], strides[1:], strict=True):
        x = keras.layers.Conv2D(width, 4, strides=stride, use_bias=False)(x)
        x = keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x)
        x = keras.layers.LeakyReLU(0.2)(x)
    return keras.Model(picture, keras.layers.Conv2D(filters=1, kernel_size=4)(x))
