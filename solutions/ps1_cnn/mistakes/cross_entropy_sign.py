# answer: cross_entropy
# rejected by: test_loss_and_error
# why: the log-likelihood, not its negative
def cross_entropy_forward(logits, labels):
    """The mean of -log softmax(logits) at the labels, a number."""
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return log_p[np.arange(len(labels)), labels].mean()


def cross_entropy_backward(logits, labels):
    """The gradient of cross_entropy_forward with respect to the logits."""
    z = logits - logits.max(axis=1, keepdims=True)
    dlogits = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    dlogits[np.arange(len(labels)), labels] -= 1
    return dlogits / len(labels)
