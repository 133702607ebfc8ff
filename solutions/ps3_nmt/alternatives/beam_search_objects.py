# answer: bonus_beam_search
# why: one prefix at a time, a heap instead of an array, tuples as tokens, the score from its logarithm
import heapq


def hypothesis_score(log_p, attention, alpha, beta):
    length_penalty = np.exp(alpha * (np.log(5 + attention.shape[0]) - np.log(6)))
    coverage = 0.0
    if beta > 0:
        for column in np.asarray(attention).T:
            coverage += np.log(min(float(column.sum()), 1.0))
    return np.float64(log_p / length_penalty + beta * coverage)


def beam_search(step, end, beam_width, max_length, alpha=0.0, beta=0.0):
    alive = [(0.0, (), np.zeros((0, 0)))]
    done = []
    while alive and len(alive[0][1]) < max_length:
        candidates = []
        for total, tokens, rows in alive:
            log_p, attention = step([list(tokens)])
            seen = np.concatenate([rows.reshape(-1, attention.shape[1]), attention])
            candidates += [(total + float(value), (*tokens, token), seen) for token, value in enumerate(log_p[0])]
        kept = heapq.nlargest(beam_width, candidates, key=lambda one: one[0])
        done += [one for one in kept if one[1][-1] == end]
        alive = [one for one in kept if one[1][-1] != end]
    results = [(hypothesis_score(total, rows, alpha, beta), tokens) for total, tokens, rows in done + alive]
    return [[tokens, score] for score, tokens in sorted(results, reverse=True)]
