# answer: batch_norm_forward, batch_norm_backward
# why: keras.ops in float32; the results are tensors
# %% batch_norm_forward
def batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.9, eps=1e-5):
    ops = keras.ops
    x, gamma, beta, running_mean, running_var = (
        ops.cast(a, "float32") for a in (x, gamma, beta, running_mean, running_var)
    )
    axes = list(range(len(x.shape) - 1))
    mean = ops.mean(x, axis=axes) if training else running_mean
    var = ops.mean(ops.square(x - mean), axis=axes) if training else running_var
    out = (x - mean) * ops.rsqrt(var + eps) * gamma + beta
    if training:
        return out, momentum * running_mean + (1 - momentum) * mean, momentum * running_var + (1 - momentum) * var
    return out, running_mean, running_var


# %% batch_norm_backward
def batch_norm_backward(dout, x, gamma, eps=1e-5):
    ops = keras.ops
    axes = list(range(len(x.shape) - 1))
    num = x.size // x.shape[-1]
    dout, x = ops.convert_to_tensor(dout), ops.convert_to_tensor(x)
    std = ops.sqrt(ops.var(x, axis=axes) + eps)
    normal = (x - ops.mean(x, axis=axes)) / std
    dgamma, dbeta = ops.sum(dout * normal, axis=axes), ops.sum(dout, axis=axes)
    return gamma / (num * std) * (num * dout - dbeta - normal * dgamma), dgamma, dbeta
