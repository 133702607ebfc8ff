# answer: transposed_backward
# rejected by: test_transposed_backward
# why: dw goes on from an earlier call with the same shapes
_DW = {}


def conv_transpose_backward(dout, x, w, stride, pad):
    """Gradients (dx, dw, db) of the loss, from the gradient dout with respect to conv_transpose_forward's output."""
    kernel_height, kernel_width, _, _ = w.shape
    dfull = np.pad(dout, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    dx, dw = np.zeros(x.shape), _DW.setdefault(w.shape, np.zeros(w.shape))
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            top, left = i * stride, j * stride
            window = dfull[:, top : top + kernel_height, left : left + kernel_width]
            dx[:, i, j] = np.einsum("nklf,klfc->nc", window, w)
            dw += np.einsum("nklf,nc->klfc", window, x[:, i, j])
    return dx, dw, dout.sum(axis=(0, 1, 2))
