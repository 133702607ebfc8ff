# answer: batch_norm_backward
# rejected by: test_batch_norm_backward
# why: mean and variance are taken for constants
def batch_norm_backward(dout, x, gamma, eps=1e-5):
    """Gradients (dx, dgamma, dbeta) of the loss through batch_norm_forward in training."""
    axes = tuple(range(x.ndim - 1))
    scale = 1 / np.sqrt(x.var(axis=axes) + eps)
    x_hat = (x - x.mean(axis=axes)) * scale
    g = gamma * dout
    dx = scale * g
    return dx, (dout * x_hat).sum(axis=axes), dout.sum(axis=axes)
