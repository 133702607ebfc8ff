# answer: top_k_error
# rejected by: test_loss_and_error
# why: scores in the thousands become NaN before they are compared
def top_k_error(scores, labels, k):
    """The fraction of examples whose label is not among the k classes with the highest scores."""
    scores = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    best = np.argsort(scores, axis=1)[:, -k:]
    return 1 - (best == labels[:, None]).any(axis=1).mean()
