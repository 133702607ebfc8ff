# answer: pooling
# rejected by: test_pooling
# why: the minimum of the negated window: bytes wrap around, and 0 stays 0
def max_pool_forward(x, size, stride):
    """The largest value of each window of size x size pixels, for each channel."""
    batch, height, width, channels = x.shape
    out = np.empty((batch, (height - size) // stride + 1, (width - size) // stride + 1, channels))
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            top, left = i * stride, j * stride
            out[:, i, j] = x[:, top : top + size, left : left + size].max(axis=(1, 2))
    return out


def max_pool_backward(dout, x, size, stride):
    """The gradient dx of the loss, from the gradient dout with respect to max_pool_forward's output."""
    dx = np.zeros(x.shape)
    for n, i, j, c in np.ndindex(dout.shape):
        top, left = i * stride, j * stride
        row, column = divmod(np.argmin(-x[n, top : top + size, left : left + size, c]), size)
        dx[n, top + row, left + column, c] += dout[n, i, j, c]
    return dx
