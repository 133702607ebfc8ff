# answer: convolution_backward
# rejected by: test_convolution_backward
# why: the bias gets no gradient
def conv_backward(dout, x, w, stride, pad):
    """Gradients (dx, dw, db) of the loss, from the gradient dout with respect to conv_forward's output."""
    _, height, width, _ = x.shape
    kernel_height, kernel_width, _, _ = w.shape
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    dx_padded = np.zeros(padded.shape)
    dw = np.zeros(w.shape)
    for i in range(dout.shape[1]):
        for j in range(dout.shape[2]):
            rows = slice(i * stride, i * stride + kernel_height)
            columns = slice(j * stride, j * stride + kernel_width)
            dw += np.einsum("nklc,nf->klcf", padded[:, rows, columns], dout[:, i, j])
            dx_padded[:, rows, columns] += np.einsum("nf,klcf->nklc", dout[:, i, j], w)
    dx = dx_padded[:, pad : pad + height, pad : pad + width]
    return dx, dw, np.zeros(w.shape[-1])
