# answer: dot_attention
# why: keras.ops and einsum, the scores of padding set to the smallest one instead of minus infinity
def masked_softmax(scores, mask):
    ops = keras.ops
    scores = ops.cast(scores, "float64")
    real = ops.cast(mask, "float64")
    finite = ops.where(mask, scores, ops.full_like(scores, -1e308))
    top = ops.max(finite, axis=-1, keepdims=True)
    e = ops.exp(ops.where(mask, scores - top, ops.zeros_like(scores))) * real
    return ops.divide_no_nan(e, ops.sum(e, axis=-1, keepdims=True))


def dot_attention(queries, keys, values, mask):
    ops = keras.ops
    queries, keys, values = (ops.cast(each, "float64") for each in (queries, keys, values))
    scores = ops.einsum("nqu,nku->nqk", queries, keys)
    weights = masked_softmax(scores, ops.repeat(mask[:, None], scores.shape[1], axis=1))
    return ops.einsum("nqk,nkc->nqc", weights, values), weights
