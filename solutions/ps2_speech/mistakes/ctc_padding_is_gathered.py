# answer: ctc_loss
# rejected by: test_ctc_loss
# may break: test_ctc_gradient
# why: the whole batch at once; padding behind the labels is looked up among the classes, and fails where it is none
def ctc_loss(logits, targets, logit_lengths, target_lengths):
    B, T, C = logits.shape
    z = logits - logits.max(-1, keepdims=True)
    lp = z - np.log(np.exp(z).sum(-1, keepdims=True))
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
