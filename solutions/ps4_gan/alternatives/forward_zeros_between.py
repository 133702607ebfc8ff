# answer: transposed_forward
# why: an ordinary convolution of the input with zeros between its pixels, with the flipped filter; windows by strides
def conv_transpose_forward(x, w, b, stride, pad):
    n, h, v, c = x.shape
    kh, kw, f, _ = w.shape
    spread = np.zeros((n, (h - 1) * stride + 1, (v - 1) * stride + 1, c), np.float64)
    spread[:, ::stride, ::stride] = x
    spread = np.pad(spread, ((0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(spread, (kh, kw), axis=(1, 2))
    out = np.tensordot(windows, w[::-1, ::-1], axes=[[3, 4, 5], [3, 0, 1]]) + b
    rows, columns = out.shape[1] - 2 * pad, out.shape[2] - 2 * pad
    return out[:, pad:][:, :rows, pad:][:, :, :columns]
