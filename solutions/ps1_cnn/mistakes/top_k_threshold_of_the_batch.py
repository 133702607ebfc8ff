# answer: top_k_error
# rejected by: test_loss_and_error
# why: one threshold for all examples, from the scores of the whole batch
def top_k_error(scores, labels, k):
    threshold = np.sort(scores, axis=None)[-k * len(scores)]
    return float((scores[np.arange(len(labels)), labels] < threshold).mean())
