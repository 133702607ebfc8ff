# answer: transposed_forward
# why: loops over the places of the filter with strided slices, in keras.ops, float32 where the input is
def conv_transpose_forward(x, w, b, stride, pad):
    dtype = "float32" if np.asarray(x).dtype == np.float32 else "float64"
    x, w, b = (keras.ops.cast(array, dtype) for array in (x, w, b))
    height, width = x.shape[1:3]
    rows, columns = (height - 1) * stride + w.shape[0], (width - 1) * stride + w.shape[1]
    total = keras.ops.zeros((x.shape[0], rows, columns, w.shape[2]), dtype)
    for k in range(w.shape[0]):
        for m in range(w.shape[1]):
            put = keras.ops.matmul(x, keras.ops.transpose(w[k, m]))
            # Zeros between the pixels: each pixel becomes a block of stride x stride with itself in a corner.
            put = keras.ops.reshape(put, (x.shape[0], height, 1, width, 1, w.shape[2]))
            put = keras.ops.pad(put, ((0, 0), (0, 0), (0, stride - 1), (0, 0), (0, stride - 1), (0, 0)))
            put = keras.ops.reshape(put, (x.shape[0], height * stride, width * stride, w.shape[2]))
            put = put[:, : rows - w.shape[0] + 1, : columns - w.shape[1] + 1]
            below, beside = w.shape[0] - 1 - k, w.shape[1] - 1 - m
            total = total + keras.ops.pad(put, ((0, 0), (k, below), (m, beside), (0, 0)))
    return (total + b)[:, pad : rows - pad, pad : columns - pad]
