# answer: convolution_forward, convolution_backward
# why: keras.ops instead of NumPy, one term for each pixel of the filter; the results are tensors
# %% convolution_forward
def conv_forward(x, w, b, stride, pad):
    ops = keras.ops
    x = ops.pad(ops.cast(x, "float32"), [[0, 0], [pad, pad], [pad, pad], [0, 0]])
    w = ops.cast(w, "float32")
    rows = (x.shape[1] - w.shape[0]) // stride + 1
    columns = (x.shape[2] - w.shape[1]) // stride + 1
    out = ops.cast(b, "float32")
    for k in range(w.shape[0]):
        for m in range(w.shape[1]):
            shifted = x[:, k : k + stride * (rows - 1) + 1 : stride, m : m + stride * (columns - 1) + 1 : stride]
            out = out + ops.einsum("nijc,cf->nijf", shifted, w[k, m])
    return out


# %% convolution_backward
def conv_backward(dout, x, w, stride, pad):
    ops = keras.ops
    dout, w = ops.cast(dout, "float32"), ops.cast(w, "float32")
    padded = ops.pad(ops.cast(x, "float32"), [[0, 0], [pad, pad], [pad, pad], [0, 0]])
    rows, columns = dout.shape[1], dout.shape[2]
    dx, dw = np.zeros(padded.shape, "float32"), np.zeros(w.shape, "float32")
    for k in range(w.shape[0]):
        for m in range(w.shape[1]):
            down = slice(k, k + stride * (rows - 1) + 1, stride)
            across = slice(m, m + stride * (columns - 1) + 1, stride)
            dw[k, m] = ops.einsum("nijc,nijf->cf", padded[:, down, across], dout)
            dx[:, down, across] += ops.convert_to_numpy(ops.einsum("nijf,cf->nijc", dout, w[k, m]))
    height, width = x.shape[1:3]
    return ops.convert_to_tensor(dx)[:, pad : pad + height, pad : pad + width], dw, ops.sum(dout, axis=(0, 1, 2))
