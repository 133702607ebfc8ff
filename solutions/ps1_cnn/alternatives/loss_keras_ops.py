# answer: cross_entropy, top_k_error
# why: keras.ops in float32: one_hot, top_k; the results are tensors
# %% cross_entropy
def cross_entropy_forward(logits, labels):
    ops = keras.ops
    z = ops.cast(logits, "float32")
    z = z - ops.max(z, axis=-1, keepdims=True)
    onehot = ops.one_hot(labels, z.shape[-1], dtype="float32")
    return ops.mean(ops.log(ops.sum(ops.exp(z), axis=-1)) - ops.sum(onehot * z, axis=-1))


def cross_entropy_backward(logits, labels):
    ops = keras.ops
    z = ops.cast(logits, "float32")
    e = ops.exp(z - ops.max(z, axis=-1, keepdims=True))
    return (e / ops.sum(e, axis=-1, keepdims=True) - ops.one_hot(labels, z.shape[-1])) / len(labels)


# %% top_k_error
def top_k_error(scores, labels, k):
    ops = keras.ops
    _, best = ops.top_k(ops.convert_to_tensor(scores), k)
    hit = ops.any(ops.equal(ops.cast(best, "int64"), ops.cast(labels, "int64")[:, None]), axis=1)
    return 1.0 - ops.mean(ops.cast(hit, "float32"))
