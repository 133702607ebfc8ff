# answer: bonus_beam_search
# rejected by: bonus_test_beam_search
# why: only the last token's probability counts
def hypothesis_score(log_p, attention, alpha, beta):
    """The log-probability, normalized by length, plus the penalty for what was not looked at."""
    score = log_p / ((5 + len(attention)) / 6) ** alpha
    if beta:
        score += beta * np.log(np.minimum(attention.sum(axis=0), 1)).sum()
    return float(score)


def beam_search(step, end, beam_width, max_length, alpha=0.0, beta=0.0):
    """Finished translations with their scores, best first."""
    beam, finished = [([], 0.0, [])], []
    for _ in range(max_length):
        log_p, attention = step([tokens for tokens, _, _ in beam])
        sums = np.array(log_p)
        grown = []
        for place in np.argsort(-sums, axis=None)[:beam_width]:
            row, token = divmod(int(place), sums.shape[1])
            tokens, _, rows = beam[row]
            longer = ([*tokens, token], sums[row, token], [*rows, attention[row]])
            (finished if token == end else grown).append(longer)
        beam = grown
        if not beam:
            break
    scored = [(tokens, hypothesis_score(total, np.array(rows), alpha, beta)) for tokens, total, rows in finished + beam]
    return sorted(scored, key=lambda pair: -pair[1])
