# answer: dot_attention
# rejected by: test_dot_attention
# why: the mask is put on the queries where it fits
def masked_softmax(scores, mask):
    """Weights of the scores' shape that sum to 1 over the last axis, with exactly 0 where the mask is False."""
    scores = np.where(mask, scores, -np.inf)
    largest = scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(largest), 0, largest))
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def dot_attention(queries, keys, values, mask):
    """The context (batch, num_queries, channels) and the weights (batch, num_queries, num_keys)."""
    scores = queries @ keys.swapaxes(1, 2)
    weights = masked_softmax(
        scores,
        np.broadcast_to(mask[:, :, None], scores.shape)
        if scores.shape[1] == scores.shape[2]
        else np.broadcast_to(mask[:, None, :], scores.shape),
    )
    return weights @ values, weights
