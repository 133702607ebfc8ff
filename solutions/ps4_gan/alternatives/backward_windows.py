# answer: transposed_backward
# why: windows of the gradient by strides, without loops
def conv_transpose_backward(dout, x, w, stride, pad):
    whole = np.zeros(
        (len(x), *((s - 1) * stride + k for s, k in zip(x.shape[1:3], w.shape[:2], strict=True)), w.shape[2])
    )
    whole[:, pad : whole.shape[1] - pad, pad : whole.shape[2] - pad] = dout
    windows = np.lib.stride_tricks.sliding_window_view(whole, w.shape[:2], axis=(1, 2))[:, ::stride, ::stride]
    dx = np.einsum("nijfkl,klfc->nijc", windows, w, optimize=True)
    dw = np.einsum("nijfkl,nijc->klfc", windows, x, optimize=True)
    return [dx, dw, whole.sum(axis=(0, 1, 2))]
