# answer: convolution_forward, convolution_backward
# why: the formulas as they stand, one number at a time, in other names
# %% convolution_forward
def conv_forward(images, filters, bias, stride, pad):
    count, rows, columns, depth = images.shape
    size_down, size_across, _, num_filters = filters.shape
    new_rows = int((rows + 2 * pad - size_down) / stride) + 1
    new_columns = int((columns + 2 * pad - size_across) / stride) + 1
    result = np.zeros((count, new_rows, new_columns, num_filters), dtype=np.float32)
    for n in range(count):
        for i in range(new_rows):
            for j in range(new_columns):
                for f in range(num_filters):
                    total = float(bias[f])
                    for k in range(size_down):
                        for m in range(size_across):
                            row, column = i * stride + k - pad, j * stride + m - pad
                            if 0 <= row < rows and 0 <= column < columns:
                                for c in range(depth):
                                    total += float(images[n, row, column, c]) * float(filters[k, m, c, f])
                    result[n, i, j, f] = total
    return result


# %% convolution_backward
def conv_backward(dout, x, w, stride, pad):
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(w.shape[3])
    for n, i, j, f in np.ndindex(*dout.shape):
        upstream = dout[n, i, j, f]
        db[f] += upstream
        for k, m, c in np.ndindex(*w.shape[:3]):
            row, column = i * stride + k - pad, j * stride + m - pad
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                dw[k, m, c, f] += upstream * x[n, row, column, c]
                dx[n, row, column, c] += upstream * w[k, m, c, f]
    return [dx, dw, db]
