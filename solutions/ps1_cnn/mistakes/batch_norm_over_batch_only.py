# answer: batch_norm_forward
# rejected by: test_batch_norm_forward
# why: the mean over the batch axis only: every pixel has statistics of its own
def batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.9, eps=1e-5):
    """Normalize each channel of x; gives (out, running_mean, running_var)."""
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        running_mean = momentum * running_mean + (1 - momentum) * mean.reshape(-1, x.shape[-1]).mean(axis=0)
        running_var = momentum * running_var + (1 - momentum) * var.reshape(-1, x.shape[-1]).mean(axis=0)
    out = gamma * (x - mean) / np.sqrt(var + eps) + beta
    return out, running_mean, running_var
