# answer: transposed_forward
# why: gathers instead of scattering: asks for each output which inputs reach it
def conv_transpose_forward(x, w, b, stride, pad):
    height = (x.shape[1] - 1) * stride + w.shape[0] - 2 * pad
    width = (x.shape[2] - 1) * stride + w.shape[1] - 2 * pad
    out = np.zeros((len(x), height, width, w.shape[2])) + b
    for p in range(height):
        for q in range(width):
            for i in range(x.shape[1]):
                k = p + pad - i * stride
                if not 0 <= k < w.shape[0]:
                    continue
                for j in range(x.shape[2]):
                    m = q + pad - j * stride
                    if 0 <= m < w.shape[1]:
                        out[:, p, q] += x[:, i, j] @ w[k, m].T
    return out
