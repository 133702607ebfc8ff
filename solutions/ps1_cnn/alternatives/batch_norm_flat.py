# answer: batch_norm_forward, batch_norm_backward
# why: works on a matrix (values, channels), writes into its arguments, and goes back step by step through mean and variance
# %% batch_norm_forward
def batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.9, eps=1e-5):
    rows = x.reshape(-1, x.shape[-1])
    if not training:
        normal = (rows - running_mean[None]) * (running_var[None] + eps) ** -0.5
        return [(normal * gamma + beta).reshape(x.shape), running_mean, running_var]
    mu = np.einsum("mc->c", rows) / rows.shape[0]
    sigma2 = np.einsum("mc,mc->c", rows - mu, rows - mu) / rows.shape[0]
    running_mean += (1 - momentum) * (mu - running_mean)
    running_var += (1 - momentum) * (sigma2 - running_var)
    normal = (rows - mu) / np.sqrt(sigma2 + eps)
    return [np.reshape(gamma * normal + beta, x.shape), running_mean, running_var]


# %% batch_norm_backward
def batch_norm_backward(dout, x, gamma, eps=1e-5):
    upstream, rows = dout.reshape(-1, dout.shape[-1]), x.reshape(-1, x.shape[-1])
    m = rows.shape[0]
    centred = rows - np.mean(rows, 0)
    inverse = 1.0 / np.sqrt(np.mean(centred**2, 0) + eps)
    d_normal = upstream * gamma
    d_var = np.sum(d_normal * centred, 0) * -0.5 * inverse**3
    d_mean = -np.sum(d_normal, 0) * inverse - 2 * d_var * np.mean(centred, 0)
    d_rows = d_normal * inverse + d_var * 2 * centred / m + d_mean / m
    return d_rows.reshape(x.shape), np.sum(upstream * centred * inverse, 0), np.sum(upstream, 0)
