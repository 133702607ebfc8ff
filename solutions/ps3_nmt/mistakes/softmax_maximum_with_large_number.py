# answer: dot_attention
# rejected by: test_dot_attention
# why: the maximum is taken with a large negative number for padding, and real scores may be below it
def masked_softmax(scores, mask):
    """Weights of the scores' shape that sum to 1 over the last axis, with exactly 0 where the mask is False."""
    scores = np.where(mask, scores, -1e9)
    largest = scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores - largest) * mask
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def dot_attention(queries, keys, values, mask):
    """The context (batch, num_queries, channels) and the weights (batch, num_queries, num_keys)."""
    scores = queries @ keys.swapaxes(1, 2)
    weights = masked_softmax(scores, np.broadcast_to(mask[:, None, :], scores.shape))
    return weights @ values, weights
