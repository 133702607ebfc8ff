# answer: top_k_error
# rejected by: test_loss_and_error
# why: gives the accuracy instead of the error
def top_k_error(scores, labels, k):
    """The fraction of examples whose label is not among the k classes with the highest scores."""
    best = np.argsort(scores, axis=1)[:, -k:]
    return (best == labels[:, None]).any(axis=1).mean()
