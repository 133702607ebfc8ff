# answer: convolution_forward, convolution_backward
# why: windows as rows of a matrix (im2col), one matrix product, and the transposed product back
# %% convolution_forward
def windows_of(x, kernel_shape, stride, pad):
    padded = np.pad(x.astype(np.float64), [(0, 0), (pad, pad), (pad, pad), (0, 0)])
    views = np.lib.stride_tricks.sliding_window_view(padded, kernel_shape, axis=(1, 2))
    return views[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)


def conv_forward(x, w, b, stride, pad):
    windows = windows_of(x, w.shape[:2], stride, pad)
    batch, rows, columns = windows.shape[:3]
    matrix = windows.reshape(batch * rows * columns, -1)
    return (matrix @ w.reshape(-1, w.shape[-1]) + b).reshape(batch, rows, columns, -1)


# %% convolution_backward
def conv_backward(dout, x, w, stride, pad):
    batch, rows, columns, filters = dout.shape
    padded = np.pad(x.astype(np.float64), [(0, 0), (pad, pad), (pad, pad), (0, 0)])
    views = np.lib.stride_tricks.sliding_window_view(padded, w.shape[:2], axis=(1, 2))[:, ::stride, ::stride]
    matrix = views.transpose(0, 1, 2, 4, 5, 3).reshape(batch * rows * columns, -1)
    flat = dout.reshape(-1, filters)
    dw = (matrix.T @ flat).reshape(w.shape)
    parts = (flat @ w.reshape(-1, filters).T).reshape(batch, rows, columns, *w.shape[:3])
    dx = np.zeros_like(padded)
    for k in range(w.shape[0]):
        for m in range(w.shape[1]):
            stop = k + stride * rows, m + stride * columns
            dx[:, k : stop[0] : stride, m : stop[1] : stride] += parts[:, :, :, k, m]
    if pad:
        dx = dx[:, pad:-pad, pad:-pad]
    return dx, dw, flat.sum(axis=0)
