# answer: ctc_loss, ctc_gradient
# why: the whole batch at once with keras.ops and float32; the gradient by the chain rule back through the recursion
# %% ctc_loss
LOG_ZERO = -1e30


def ctc_loss(logits, targets, logit_lengths, target_lengths):
    ops = keras.ops
    logits = np.asarray(logits, "float32")
    batch, time, _ = logits.shape
    longest = targets.shape[1]
    inside = np.arange(longest) < np.asarray(target_lengths)[:, None]
    places = np.zeros((batch, 2 * longest + 1), "int32")
    places[:, 1::2] = np.where(inside, targets, 0)
    skip = np.zeros(places.shape, bool)
    skip[:, 2:] = (places[:, 2:] != 0) & (places[:, 2:] != places[:, :-2])
    log_y = ops.take_along_axis(ops.log_softmax(logits, axis=-1), places[:, None, :], axis=2)
    alpha = ops.where(np.arange(places.shape[1]) < 2, log_y[:, 0], LOG_ZERO)
    for t in range(1, time):
        one = ops.pad(alpha[:, :-1], ((0, 0), (1, 0)), constant_values=LOG_ZERO)
        two = ops.pad(alpha[:, :-2], ((0, 0), (2, 0)), constant_values=LOG_ZERO)[:, : places.shape[1]]
        two = ops.where(skip, two, LOG_ZERO)
        new = ops.maximum(log_y[:, t] + ops.logsumexp(ops.stack([alpha, one, two]), axis=0), LOG_ZERO)
        alpha = ops.where((t < np.asarray(logit_lengths))[:, None], new, alpha)
    last = 2 * np.asarray(target_lengths)[:, None]
    final = ops.take_along_axis(alpha, last, axis=1)[:, 0]
    before = ops.take_along_axis(alpha, np.maximum(last - 1, 0), axis=1)[:, 0]
    before = ops.where(np.asarray(target_lengths) > 0, before, LOG_ZERO)
    loss = -ops.logaddexp(final, before)
    return ops.where(loss > 1e20, np.inf, loss)


# %% ctc_gradient
def ctc_gradient(logits, targets, logit_lengths, target_lengths):
    gradient = np.zeros(logits.shape)
    lengths = zip(logit_lengths, target_lengths, strict=True)
    for n, (num_rows, num_labels) in enumerate(lengths):
        places = np.zeros(2 * num_labels + 1, int)
        places[1::2] = targets[n, :num_labels]
        rows = logits[n, :num_rows].astype("float64")
        log_y = rows - np.logaddexp.reduce(rows, axis=1, keepdims=True)
        # Where each place is reached from: itself, the one before, and the one before that if it may be skipped to.
        num_places = len(places)
        reached = np.eye(num_places) + np.eye(num_places, k=-1)
        for s in range(2, num_places):
            reached[s, s - 2] = places[s] != 0 and places[s] != places[s - 2]
        with np.errstate(divide="ignore"):
            log_reached = np.log(reached)
        alpha = np.full(num_places, -np.inf)
        alpha[:2] = log_y[0, places[:2]]
        shares = []
        for t in range(1, num_rows):
            parts = log_reached + alpha
            total = np.logaddexp.reduce(parts, axis=1, keepdims=True)
            shares.append(np.exp(parts - np.where(np.isinf(total), 0, total)))
            alpha = total[:, 0] + log_y[t, places]
        ends = np.logaddexp.reduce(alpha[-2:])
        if ends == -np.inf:
            continue
        d_alpha = np.zeros(num_places)
        d_alpha[-2:] = -np.exp(alpha[-2:] - ends)
        d_log_y = np.zeros(log_y.shape)
        for t in reversed(range(num_rows)):
            np.add.at(d_log_y[t], places, d_alpha)
            if t > 0:
                d_alpha = d_alpha @ shares[t - 1]
        gradient[n, :num_rows] = d_log_y - np.exp(log_y) * d_log_y.sum(axis=1, keepdims=True)
    return gradient
