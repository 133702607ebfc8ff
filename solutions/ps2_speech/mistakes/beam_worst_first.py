# answer: beam_search
# rejected by: test_beam_search
# why: the worst string comes first
def beam_search(log_y, beam_width):
    """The most probable label strings of one utterance, best first: pairs of labels and log-probability."""
    nothing = (-np.inf, -np.inf)
    beam = {(): (0.0, -np.inf)}
    for row in log_y:
        grown = {}
        for prefix, (blank, label) in beam.items():
            both = np.logaddexp(blank, label)
            old = grown.get(prefix, nothing)
            goes_on = label + row[prefix[-1]] if prefix else -np.inf
            grown[prefix] = np.logaddexp(old[0], both + row[0]), np.logaddexp(old[1], goes_on)
            for c in range(1, len(row)):
                longer = (*prefix, c)
                old = grown.get(longer, nothing)
                before = blank if prefix and prefix[-1] == c else both
                grown[longer] = old[0], np.logaddexp(old[1], before + row[c])
        ranked = sorted(grown, key=lambda prefix: np.logaddexp(*grown[prefix]), reverse=True)
        beam = {prefix: grown[prefix] for prefix in ranked[:beam_width]}
    return [(list(prefix), float(np.logaddexp(*pair))) for prefix, pair in reversed(beam.items())]
