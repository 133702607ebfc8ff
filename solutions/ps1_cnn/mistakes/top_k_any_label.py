# answer: top_k_error
# rejected by: test_loss_and_error
# why: a class counts when it is the label of any example
def top_k_error(scores, labels, k):
    """The fraction of examples whose label is not among the k classes with the highest scores."""
    best = np.argsort(scores, axis=1)[:, -k:]
    return 1 - np.isin(best, labels).any(axis=1).mean()
