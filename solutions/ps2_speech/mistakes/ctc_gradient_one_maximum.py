# answer: ctc_gradient
# rejected by: test_ctc_gradient
# why: before the softmax, all rows of an utterance are made smaller by the same maximum: rows far below it underflow
def ctc_gradient(logits, targets, logit_lengths, target_lengths):
    """The gradient (batch, time, num_classes) of the sum of the CTC losses with respect to the logits."""
    gradient = np.zeros(logits.shape)
    for n, (rows, target) in enumerate(zip(logits, targets, strict=True)):
        z = rows - rows.max()
        log_y = (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))[: logit_lengths[n]]
        target = target[: target_lengths[n]]
        alphas = log_alphas(log_y, target)
        log_p = np.logaddexp.reduce(alphas[-1, -2:])
        if np.isinf(log_p):
            continue
        places = np.zeros(2 * len(target) + 1, int)
        places[1::2] = target
        # Endings with their first row, which the beginnings hold already.
        betas = log_alphas(log_y[::-1], target[::-1])[::-1, ::-1] - log_y[:, places]
        gamma = np.zeros(log_y.shape)
        for s, label in enumerate(places):
            gamma[:, label] += np.exp(alphas[:, s] + betas[:, s] - log_p)
        gradient[n, : len(log_y)] = np.exp(log_y) - gamma
    return gradient
