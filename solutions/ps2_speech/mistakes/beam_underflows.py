# answer: beam_search
# rejected by: test_beam_search
# why: probabilities are multiplied and the logarithm comes last
def beam_search(log_y, beam_width):
    """The most probable label strings of one utterance, best first: pairs of labels and log-probability."""
    nothing = (0.0, 0.0)
    beam = {(): (1.0, 0.0)}
    for row in np.exp(log_y):
        grown = {}
        for prefix, (blank, label) in beam.items():
            both = blank + label
            old = grown.get(prefix, nothing)
            goes_on = label * row[prefix[-1]] if prefix else 0.0
            grown[prefix] = old[0] + both * row[0], old[1] + goes_on
            for c in range(1, len(row)):
                longer = (*prefix, c)
                old = grown.get(longer, nothing)
                before = blank if prefix and prefix[-1] == c else both
                grown[longer] = old[0], old[1] + before * row[c]
        ranked = sorted(grown, key=lambda prefix: sum(grown[prefix]), reverse=True)
        beam = {prefix: grown[prefix] for prefix in ranked[:beam_width]}
    return [(list(prefix), float(np.log(sum(pair)))) for prefix, pair in beam.items()]
