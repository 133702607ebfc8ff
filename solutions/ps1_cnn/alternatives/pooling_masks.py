# answer: pooling
# why: a mask of the first maximum for each window; float32; integers stay integers in the forward pass
def max_pool_forward(x, size, stride):
    rows = range(0, x.shape[1] - size + 1, stride)
    cols = range(0, x.shape[2] - size + 1, stride)
    return np.stack(
        [np.stack([np.amax(x[:, r : r + size, c : c + size, :], (1, 2)) for c in cols], 1) for r in rows], 1
    )


def max_pool_backward(dout, x, size, stride):
    x = x.astype(np.float32)
    batch, _, _, channels = x.shape
    dx = np.zeros_like(x, dtype=np.float64)
    for i in range(dout.shape[1]):
        for j in range(dout.shape[2]):
            here = np.s_[:, i * stride : i * stride + size, j * stride : j * stride + size]
            flat = x[here].reshape(batch, size * size, channels)
            top = flat == flat.max(axis=1, keepdims=True)
            first = top & (np.cumsum(top, axis=1) == 1)
            dx[here] += first.reshape(batch, size, size, channels) * dout[:, i, j][:, None, None]
    return dx
