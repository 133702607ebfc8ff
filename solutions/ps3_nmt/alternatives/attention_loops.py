# answer: dot_attention
# why: row by row over the real keys only
def masked_softmax(scores, mask):
    weights = np.zeros(scores.shape)
    for place in np.ndindex(*scores.shape[:-1]):
        chosen = scores[place][mask[place]]
        if chosen.size:
            e = np.exp(chosen - chosen.max())
            weights[place][mask[place]] = e / e.sum()
    return weights


def dot_attention(queries, keys, values, mask):
    batch, num_queries, _ = queries.shape
    weights = np.zeros((batch, num_queries, keys.shape[1]))
    context = np.zeros((batch, num_queries, values.shape[2]))
    for n in range(batch):
        for q in range(num_queries):
            weights[n, q] = masked_softmax(keys[n] @ queries[n, q], mask[n])
            for k in np.flatnonzero(mask[n]):
                context[n, q] += weights[n, q, k] * values[n, k]
    return context, weights
