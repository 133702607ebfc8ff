# answer: ctc_loss
# rejected by: test_ctc_loss
# why: the whole batch at once; padding behind the labels is looked up among the classes, and fails where it is none
def ctc_loss(logits, targets, logit_lengths, target_lengths):
    B, T, C = logits.shape
    lp = log_softmax(logits)
    S = 2 * targets.shape[1] + 1
    ext = np.zeros((B, S), int)
    ext[:, 1::2] = targets
    can = np.zeros((B, S), bool)
    can[:, 3::2] = ext[:, 3::2] != ext[:, 1:-2:2]
    rows = np.arange(B)
    alpha = np.full((B, S), -np.inf)
    alpha[:, 0] = lp[:, 0, 0]
    if S > 1:
        alpha[:, 1] = lp[rows, 0, ext[:, 1]]
    final = [alpha]
    for t in range(1, T):
        p1 = np.pad(alpha, ((0, 0), (1, 0)), constant_values=-np.inf)[:, :S]
        p2 = np.pad(alpha, ((0, 0), (2, 0)), constant_values=-np.inf)[:, :S]
        alpha = np.logaddexp(np.logaddexp(alpha, p1), np.where(can, p2, -np.inf)) + lp[rows[:, None], t, ext]
        final.append(alpha)
    last = np.stack(final)[logit_lengths - 1, rows]
    end = 2 * target_lengths
    other = np.where(end > 0, last[rows, end - 1], -np.inf)
    return -np.logaddexp(last[rows, end], other)


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
    alphas = np.full((len(log_y), len(places)), -np.inf)
    alphas[0, :2] = log_y[0, places[:2]]
    for t in range(1, len(log_y)):
        alpha = np.logaddexp(alphas[t - 1], shifted(alphas[t - 1], 1))
        alpha = np.logaddexp(alpha, np.where(may_skip, shifted(alphas[t - 1], 2), -np.inf))
        alphas[t] = alpha + log_y[t, places]
    return alphas


def shifted(alpha, by):
    """The same values `by` places later."""
    return np.concatenate([np.full(by, -np.inf), alpha])[: len(alpha)]
