# answer: bleu
# why: n-grams as strings of numbers, a product and a root instead of logarithms
def ngram_matches(hypothesis, references, order):
    def grams(words):
        return [repr(words[k : k + order]) for k in range(len(words) - order + 1)]

    matched = 0
    mine = grams(hypothesis)
    theirs = [grams(reference) for reference in references]
    for gram in set(mine):
        matched += min(mine.count(gram), max(one.count(gram) for one in theirs))
    return [matched, len(mine)]


def bleu(hypotheses, references, max_order=4):
    precision = 1.0
    for order in range(1, max_order + 1):
        both = np.array([ngram_matches(*pair, order) for pair in zip(hypotheses, references, strict=True)]).sum(axis=0)
        precision *= both[0] / both[1] if both[1] > 0 else 0.0
    if precision == 0:
        return 0.0
    h = sum(len(words) for words in hypotheses)
    r = 0
    for words, own in zip(hypotheses, references, strict=True):
        best = None
        for reference in own:
            gap = abs(len(reference) - len(words))
            if best is None or gap < best[0] or (gap == best[0] and len(reference) < best[1]):
                best = gap, len(reference)
        r += best[1]
    penalty = 1 if h >= r else np.exp((h - r) / h)
    return float(100 * penalty * precision ** (1 / max_order))
