# answer: convolution_forward
# rejected by: test_convolution_forward
# why: the bias is never added
def conv_forward(x, w, b, stride, pad):
    """Convolve images x with the filters w and add the bias b."""
    kernel_height, kernel_width, _, channels_out = w.shape
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    out_height = (padded.shape[1] - kernel_height) // stride + 1
    out_width = (padded.shape[2] - kernel_width) // stride + 1
    out = np.empty((len(x), out_height, out_width, channels_out))
    for i in range(out_height):
        for j in range(out_width):
            top, left = i * stride, j * stride
            window = padded[:, top : top + kernel_height, left : left + kernel_width]
            out[:, i, j] = np.einsum("nklc,klcf->nf", window, w)
    return out
