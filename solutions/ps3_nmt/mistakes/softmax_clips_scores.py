# answer: dot_attention
# rejected by: test_dot_attention
# why: scores are cut off at a million, and what is beyond becomes equal
def masked_softmax(scores, mask):
    """Weights of the scores' shape that sum to 1 over the last axis, with exactly 0 where the mask is False."""
    scores = np.where(mask, np.clip(scores, -1e6, 1e6), -np.inf)
    largest = scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(largest), 0, largest))
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def dot_attention(queries, keys, values, mask):
    """The context (batch, num_queries, channels) and the weights (batch, num_queries, num_keys)."""
    scores = queries @ keys.swapaxes(1, 2)
    weights = masked_softmax(scores, np.broadcast_to(mask[:, None, :], scores.shape))
    return weights @ values, weights
