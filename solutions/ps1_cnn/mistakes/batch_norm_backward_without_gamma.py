# answer: batch_norm_backward
# rejected by: test_batch_norm_backward
# why: gamma does not scale the gradient of x
def batch_norm_backward(dout, x, gamma, eps=1e-5):
    """Gradients (dx, dgamma, dbeta) of the loss through batch_norm_forward in training."""
    axes = tuple(range(x.ndim - 1))
    scale = 1 / np.sqrt(x.var(axis=axes) + eps)
    x_hat = (x - x.mean(axis=axes)) * scale
    g = dout
    dx = scale * (g - g.mean(axis=axes) - x_hat * (g * x_hat).mean(axis=axes))
    return dx, (dout * x_hat).sum(axis=axes), dout.sum(axis=axes)
