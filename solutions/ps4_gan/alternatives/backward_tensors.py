# answer: transposed_backward
# why: loops over the places of the filter, with keras.ops, and gives tensors
def conv_transpose_backward(dout, x, w, stride, pad):
    dout, x, w = (keras.ops.cast(array, "float64") for array in (dout, x, w))
    full = keras.ops.pad(dout, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    dx, dw = keras.ops.zeros_like(x), []
    for k in range(w.shape[0]):
        for m in range(w.shape[1]):
            last = [(size - 1) * stride + 1 for size in x.shape[1:3]]
            part = full[:, k : k + last[0] : stride, m : m + last[1] : stride]
            dx = dx + keras.ops.matmul(part, w[k, m])
            dw.append(keras.ops.tensordot(part, x, axes=[[0, 1, 2], [0, 1, 2]]))
    return dx, keras.ops.reshape(keras.ops.stack(dw), w.shape), keras.ops.sum(dout, axis=(0, 1, 2))
