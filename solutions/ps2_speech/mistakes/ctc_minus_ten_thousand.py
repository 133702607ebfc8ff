# answer: ctc_loss
# rejected by: test_ctc_loss
# may break: test_ctc_gradient
# why: -10,000 for minus infinity: what is unlikely counts as impossible
def ctc_loss(logits, targets, logit_lengths, target_lengths):
    """Minus the log-probability (batch,) of each target, summed over all alignments."""
    losses = []
    for rows, target, num_rows, num_labels in zip(logits, targets, logit_lengths, target_lengths, strict=True):
        alphas = log_alphas(log_softmax(rows[:num_rows]), target[:num_labels])
        loss = -np.logaddexp.reduce(alphas[-1, -2:])
        losses.append(np.inf if loss > 5000 else loss)
    return np.array(losses)


def log_softmax(logits):
    """The logarithm of the softmax over the last axis."""
    z = logits - logits.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def log_alphas(log_y, target):
    """The log-probabilities (num_rows, 2 * len(target) + 1) of all beginnings of paths."""
    places = np.zeros(2 * len(target) + 1, int)
    places[1::2] = target
    may_skip = np.zeros(len(places), bool)
    may_skip[2:] = places[2:] != places[:-2]
    alphas = np.full((len(log_y), len(places)), -1e4)
    alphas[0, :2] = log_y[0, places[:2]]
    for t in range(1, len(log_y)):
        alpha = np.logaddexp(alphas[t - 1], shifted(alphas[t - 1], 1))
        alpha = np.logaddexp(alpha, np.where(may_skip, shifted(alphas[t - 1], 2), -1e4))
        alphas[t] = alpha + log_y[t, places]
    return alphas


def shifted(alpha, by):
    """The same values `by` places later."""
    return np.concatenate([np.full(by, -1e4), alpha])[: len(alpha)]
