# answer: bonus_beam_search
# rejected by: bonus_test_beam_search
# why: the beam is pruned by the normalized score
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
        sums = np.array([total for _, total, _ in beam])[:, None] + log_p
        grown = []
        lengths = ((5 + len(beam[0][0]) + 1) / 6) ** alpha
        cover = np.array(
            [
                np.log(np.minimum(np.sum([*rows, new], axis=0), 1)).sum()
                for (_, _, rows), new in zip(beam, attention, strict=True)
            ]
        )
        for place in np.argsort(-(sums / lengths + beta * cover[:, None]), axis=None)[:beam_width]:
            row, token = divmod(int(place), sums.shape[1])
            tokens, _, rows = beam[row]
            longer = ([*tokens, token], sums[row, token], [*rows, attention[row]])
            (finished if token == end else grown).append(longer)
        beam = grown
        if not beam:
            break
    scored = [(tokens, hypothesis_score(total, np.array(rows), alpha, beta)) for tokens, total, rows in finished + beam]
    return sorted(scored, key=lambda pair: -pair[1])
