# answer: ctc_gradient
# rejected by: test_ctc_gradient
# why: padding behind the labels is made one-hot, too, and fails where it is no class
def ctc_gradient(logits, targets, logit_lengths, target_lengths):
    """The gradient (batch, time, num_classes) of the sum of the CTC losses with respect to the logits."""
    gradient = np.zeros(logits.shape)
    classes = np.eye(logits.shape[2])[targets]
    for n, (rows, target) in enumerate(zip(logits, targets, strict=True)):
        log_y = log_softmax(rows[: logit_lengths[n]])
        target = target[: target_lengths[n]]
        alphas = log_alphas(log_y, target)
        log_p = np.logaddexp.reduce(alphas[-1, -2:])
        if np.isinf(log_p):
            continue
        places = np.zeros(2 * len(target) + 1, int)
        places[1::2] = target
        # Endings with their first row, which the beginnings hold already.
        betas = log_alphas(log_y[::-1], target[::-1])[::-1, ::-1] - log_y[:, places]
        occupied = np.exp(alphas + betas - log_p)
        gamma = occupied[:, 1::2] @ classes[n, : len(target)]
        gamma[:, 0] = occupied[:, ::2].sum(axis=1)
        gradient[n, : len(log_y)] = np.exp(log_y) - gamma
    return gradient
