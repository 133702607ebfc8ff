# answer: bleu
# rejected by: test_bleu
# why: capital letters are made small
def ngram_matches(hypothesis, references, order):
    """How many n-grams of a sentence are in its references, and how many it has."""
    counts = ngrams(hypothesis, order)
    allowed = Counter()
    for reference in references:
        allowed |= ngrams(reference, order)
    return (counts & allowed).total(), counts.total()


def bleu(hypotheses, references, max_order=4):
    """BLEU of a corpus, from 0 to 100."""
    log_precision = 0.0
    for order in range(1, max_order + 1):
        pairs = [ngram_matches(*pair, order) for pair in zip(hypotheses, references, strict=True)]
        matches, total = map(sum, zip(*pairs, strict=True))
        if matches == 0:
            return 0.0
        log_precision += np.log(matches / total) / max_order
    h = sum(map(len, hypotheses))
    r = sum(closest_length(*pair) for pair in zip(hypotheses, references, strict=True))
    return float(100 * np.exp(min(0.0, 1 - r / h) + log_precision))


def ngrams(words, order):
    """How often each n-gram occurs."""
    words = [w.lower() if isinstance(w, str) else w for w in words]
    return Counter(tuple(words[i : i + order]) for i in range(len(words) - order + 1))


def closest_length(hypothesis, references):
    """The length of the reference that is nearest to the hypothesis' length, the shorter one of two."""
    return min((abs(len(reference) - len(hypothesis)), len(reference)) for reference in references)[1]
