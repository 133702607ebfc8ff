# answer: experiment
# rejected by: test_experiment
# why: word by word, by which words come together: no order, no agreement
def fit_translator(pairs):
    """Train on pairs of an English and a French sentence; gives what translate needs."""
    together, english_counts, french_counts = Counter(), Counter(), Counter()
    for english, french in pairs:
        words, others = set(tokenize(english.lower())), set(tokenize(french.lower()))
        english_counts.update(words)
        french_counts.update(others)
        together.update((word, other) for word in words for other in others)
    best = {}
    for (word, other), count in together.items():
        dice = 2 * count / (english_counts[word] + french_counts[other])
        if dice > best.get(word, ("", 0.0))[1]:
            best[word] = other, dice
    return {word: other for word, (other, _) in best.items()}


def translate(translator, sentences):
    """A French sentence for each English one."""
    return [
        detokenize([translator.get(word, word) for word in tokenize(sentence.lower())], "fr") for sentence in sentences
    ]
