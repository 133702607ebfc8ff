# answer: bleu
# why: dictionaries instead of counters, arrays of sums, logarithms of sums, np.float64 results
def ngram_matches(hypothesis, references, order):
    def table(words):
        counts = {}
        for gram in zip(*(words[k:] for k in range(order)), strict=False):
            counts[gram] = counts.get(gram, 0) + 1
        return counts

    tables = [table(reference) for reference in references]
    own = table(hypothesis)
    matched = [min(count, max(other.get(gram, 0) for other in tables)) for gram, count in own.items()]
    return np.int64(sum(matched)), max(0, len(hypothesis) - order + 1)


def bleu(hypotheses, references, max_order=4):
    counts = np.zeros((max_order, 2))
    length = wanted = 0
    for words, own in zip(hypotheses, references, strict=True):
        for order in range(max_order):
            counts[order] += ngram_matches(words, own, order + 1)
        length += len(words)
        sizes = sorted(len(reference) for reference in own)
        wanted += min(sizes, key=lambda size: abs(size - len(words)))
    if (counts == 0).any():
        return 0.0
    mean = np.exp(np.log(counts[:, 0] / counts[:, 1]).mean())
    return 100 * mean * (1.0 if length > wanted else np.exp(1 - wanted / length))
