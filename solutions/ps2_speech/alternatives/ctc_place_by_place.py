# answer: ctc_loss, ctc_gradient
# why: plain loops over rows and places with math.log, endings by a recursion of their own, occupancies in a dictionary
# %% ctc_loss
import math

NOTHING = float("-inf")


def plus(*terms):
    top = max(terms)
    return NOTHING if top == NOTHING else top + math.log(sum(math.exp(term - top) for term in terms))


def rows_of_logs(logits, length):
    rows = []
    for row in np.asarray(logits, "float64")[:length].tolist():
        total = plus(*row)
        rows.append([value - total for value in row])
    return rows


def with_blanks(target):
    extended = [0]
    for label in target:
        extended += [int(label), 0]
    return extended


def sources(extended, s):
    found = [s]
    if s >= 1:
        found.append(s - 1)
    if s >= 2 and extended[s] != 0 and extended[s] != extended[s - 2]:
        found.append(s - 2)
    return found


def beginnings(rows, extended):
    table = [[row0 if s < 2 else NOTHING for s, row0 in ((s, rows[0][k]) for s, k in enumerate(extended))]]
    for row in rows[1:]:
        last = table[-1]
        table.append([row[k] + plus(*(last[r] for r in sources(extended, s))) for s, k in enumerate(extended)])
    return table


def ctc_loss(logits, targets, logit_lengths, target_lengths):
    losses = np.empty(len(logits), "float32")
    for n in range(len(logits)):
        extended = with_blanks(targets[n][: target_lengths[n]])
        table = beginnings(rows_of_logs(logits[n], logit_lengths[n]), extended)
        losses[n] = -plus(*table[-1][-2:])
    return losses


# %% ctc_gradient
def ctc_gradient(logits, targets, logit_lengths, target_lengths):
    out = np.zeros(np.shape(logits), "float64")
    for n in range(len(logits)):
        extended = with_blanks(targets[n][: target_lengths[n]])
        rows = rows_of_logs(logits[n], logit_lengths[n])
        alphas = beginnings(rows, extended)
        total = plus(*alphas[-1][-2:])
        if total == NOTHING:
            continue
        num_places = len(extended)
        goals = [[r for r in range(s, min(s + 3, num_places)) if s in sources(extended, r)] for s in range(num_places)]
        beta = [0.0 if s >= num_places - 2 else NOTHING for s in range(num_places)]
        for t in reversed(range(len(rows))):
            shares = {}
            for s, label in enumerate(extended):
                shares[label] = shares.get(label, 0.0) + math.exp(alphas[t][s] + beta[s] - total)
            for k, value in enumerate(rows[t]):
                out[n, t, k] = math.exp(value) - shares.get(k, 0.0)
            beta = [plus(*(beta[r] + rows[t][extended[r]] for r in goals[s])) for s in range(num_places)]
    return out
