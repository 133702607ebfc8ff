# answer: batch_norm_forward
# rejected by: test_batch_norm_forward
# why: one image in training is normalized with the running statistics
def batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.9, eps=1e-5):
    """Normalize each channel of x; gives (out, running_mean, running_var)."""
    mean, var = running_mean, running_var
    if training and len(x) > 1:
        axes = tuple(range(x.ndim - 1))
        mean, var = x.mean(axis=axes), x.var(axis=axes)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
    out = gamma * (x - mean) / np.sqrt(var + eps) + beta
    return out, running_mean, running_var
