# answer: ctc_gradient
# why: all in float32, as keras.ops would have it: hundreds of roundings add up; loops, and np.add.at with all rows at once
def ctc_gradient(logits, targets, logit_lengths, target_lengths):
    """All in float32."""
    out = np.zeros(logits.shape, np.float32)
    for n in range(len(logits)):
        T, L = int(logit_lengths[n]), int(target_lengths[n])
        z = np.asarray(logits[n, :T], np.float32)
        z = z - z.max(axis=1, keepdims=True)
        lp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        ell = np.zeros(2 * L + 1, int)
        ell[1::2] = targets[n, :L]
        S = len(ell)
        ninf = np.float32(-np.inf)
        ok = np.array([s > 1 and ell[s] != 0 and ell[s] != ell[s - 2] for s in range(S)])
        a = np.full((T, S), ninf, np.float32)
        a[0, :2] = lp[0, ell[:2]]
        for t in range(1, T):
            for s in range(S):
                v = a[t - 1, s]
                if s > 0:
                    v = np.logaddexp(v, a[t - 1, s - 1])
                if ok[s]:
                    v = np.logaddexp(v, a[t - 1, s - 2])
                a[t, s] = v + lp[t, ell[s]]
        total = np.logaddexp(a[-1, -1], a[-1, -2]) if S > 1 else a[-1, -1]
        if not np.isfinite(total):
            continue
        b = np.full((T, S), ninf, np.float32)
        b[-1, max(0, S - 2) :] = 0
        for t in range(T - 2, -1, -1):
            e = b[t + 1] + lp[t + 1, ell]
            for s in range(S):
                v = e[s]
                if s + 1 < S:
                    v = np.logaddexp(v, e[s + 1])
                if s + 2 < S and ok[s + 2]:
                    v = np.logaddexp(v, e[s + 2])
                b[t, s] = v
        g = np.exp(a + b - total)
        gamma = np.zeros_like(lp)
        np.add.at(gamma, (slice(None), ell), g)
        out[n, :T] = np.exp(lp) - gamma
    return out
