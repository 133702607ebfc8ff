# answer: transposed_forward
# rejected by: test_transposed_forward
# why: adds to what an earlier call with the same shapes left
_FULL = {}


def conv_transpose_forward(x, w, b, stride, pad):
    """Put down a copy of the filters w for each pixel of x, add them up, cut the border off, add the bias b."""
    batch, height, width, _ = x.shape
    kernel_height, kernel_width, channels_out, _ = w.shape
    full_height = (height - 1) * stride + kernel_height
    full_width = (width - 1) * stride + kernel_width
    full = _FULL.setdefault(
        (batch, full_height, full_width, channels_out), np.zeros((batch, full_height, full_width, channels_out))
    )
    for i in range(height):
        for j in range(width):
            top, left = i * stride, j * stride
            copies = np.einsum("nc,klfc->nklf", x[:, i, j], w)
            full[:, top : top + kernel_height, left : left + kernel_width] += copies
    return full[:, pad : full_height - pad, pad : full_width - pad] + b
