# answer: pooling
# why: explicit comparisons, one pixel at a time, in float64
def max_pool_forward(x, size, stride):
    n, h, w, c = x.shape
    return np.array(
        [
            [
                [
                    [max(x[b, i : i + size, j : j + size, k].flatten()) for k in range(c)]
                    for j in range(0, w - size + 1, stride)
                ]
                for i in range(0, h - size + 1, stride)
            ]
            for b in range(n)
        ]
    ).astype("float64")


def max_pool_backward(dout, x, size, stride):
    dx = 0.0 * x
    for b in range(dout.shape[0]):
        for i in range(dout.shape[1]):
            for j in range(dout.shape[2]):
                for k in range(dout.shape[3]):
                    best, where = None, None
                    for r in range(i * stride, i * stride + size):
                        for s in range(j * stride, j * stride + size):
                            if best is None or x[b, r, s, k] > best:
                                best, where = x[b, r, s, k], (b, r, s, k)
                    dx[where] += dout[b, i, j, k]
    return dx
