# answer: dot_attention
# why: keras.ops in float32, the softmax over differences from the largest real score
def masked_softmax(scores, mask):
    ops = keras.ops
    scores = ops.where(mask, ops.cast(scores, "float32"), -np.inf)
    top = ops.max(scores, axis=-1, keepdims=True)
    e = ops.where(mask, ops.exp(scores - ops.where(ops.isfinite(top), top, 0.0)), 0.0)
    total = ops.sum(e, axis=-1, keepdims=True)
    return e / ops.where(total > 0, total, 1.0)


def dot_attention(queries, keys, values, mask):
    ops = keras.ops
    queries, keys, values = (ops.cast(each, "float32") for each in (queries, keys, values))
    scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
    weights = masked_softmax(scores, np.repeat(mask[:, None], scores.shape[1], axis=1))
    return ops.matmul(weights, values), weights
