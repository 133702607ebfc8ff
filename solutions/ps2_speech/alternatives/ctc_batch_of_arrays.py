# answer: ctc_loss, ctc_gradient
# why: the whole batch at once, padding that is no class clipped before it is looked up; occupancies normalized in each row, as a tensor
# %% ctc_loss
def ctc_loss(logits, targets, logit_lengths, target_lengths):
    B, T, C = logits.shape
    z = logits - logits.max(-1, keepdims=True)
    lp = z - np.log(np.exp(z).sum(-1, keepdims=True))
    S = 2 * targets.shape[1] + 1
    ext = np.zeros((B, S), int)
    ext[:, 1::2] = np.clip(targets, 0, C - 1)
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


# %% ctc_gradient
def ctc_gradient(logits, targets, logit_lengths, target_lengths):
    """gamma normalized in each row: their sum is 1."""
    grad = np.zeros(np.shape(logits))
    for n, (T, L) in enumerate(zip(logit_lengths, target_lengths, strict=True)):
        y = tf.nn.log_softmax(tf.cast(logits[n, :T], tf.float64)).numpy()
        ell = np.zeros(2 * L + 1, int)
        ell[1::2] = targets[n, :L]
        S = 2 * L + 1
        onehot = np.eye(y.shape[1])[ell]
        M = np.full((S, S), -np.inf)
        for s in range(S):
            for d in (0, 1, 2):
                if s + d < S and (d < 2 or ell[s + d] not in (0, ell[s])):
                    M[s, s + d] = 0
        alpha = [np.where(np.arange(S) < 2, y[0, ell], -np.inf)]
        for t in range(1, T):
            alpha.append(np.logaddexp.reduce(alpha[-1][:, None] + M, axis=0) + y[t, ell])
        beta = [np.where(np.arange(S) >= S - 2, 0.0, -np.inf)]
        for t in range(T - 1, 0, -1):
            beta.append(np.logaddexp.reduce(M + (beta[-1] + y[t, ell])[None, :], axis=1))
        joint = np.array(alpha) + np.array(beta[::-1])
        norm = np.logaddexp.reduce(joint, axis=1, keepdims=True)
        if np.isneginf(norm).any():
            continue
        grad[n, :T] = np.exp(y) - np.exp(joint - norm) @ onehot
    return tf.constant(grad)
