# answer: batch_norm_forward, batch_norm_backward
# why: the variance as a difference of means, and each channel's Jacobian written out
# %% batch_norm_forward
def batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.9, eps=1e-5):
    if training:
        count = np.prod(x.shape[:-1])
        flat = x.reshape(count, -1)
        mean = flat.sum(0) / count
        var = (flat**2).sum(0) / count - mean**2
        running_mean = running_mean - (1 - momentum) * (running_mean - mean)
        running_var = running_var - (1 - momentum) * (running_var - var)
    else:
        mean, var = running_mean, running_var
    scale = gamma / np.sqrt(var + eps)
    return x * scale + (beta - mean * scale), running_mean, running_var


# %% batch_norm_backward
def batch_norm_backward(dout, x, gamma, eps=1e-5):
    # The Jacobian of each channel, written out.
    C = x.shape[-1]
    X, D = x.reshape(-1, C), dout.reshape(-1, C)
    m = len(X)
    dX, dgamma = np.empty(X.shape), np.empty(C)
    for c in range(C):
        centred = X[:, c] - X[:, c].mean()
        std = np.sqrt((centred @ centred) / m + eps)
        h = centred / std
        jacobian = (np.eye(m) - np.ones((m, m)) / m - np.outer(h, h) / m) * gamma[c] / std
        dX[:, c] = jacobian @ D[:, c]
        dgamma[c] = h @ D[:, c]
    return dX.reshape(x.shape), dgamma, D.sum(axis=0)
