# answer: word_errors
# why: the whole table with NumPy, numbers of NumPy as results
def edit_distance(reference, hypothesis):
    table = np.zeros((len(reference) + 1, len(hypothesis) + 1), int)
    table[:, 0], table[0] = np.arange(len(reference) + 1), np.arange(len(hypothesis) + 1)
    for i in range(1, len(reference) + 1):
        for j in range(1, len(hypothesis) + 1):
            if reference[i - 1] == hypothesis[j - 1]:
                table[i, j] = table[i - 1, j - 1]
            else:
                table[i, j] = 1 + min(table[i - 1, j - 1], table[i - 1, j], table[i, j - 1])
    return table[-1, -1]


def word_error_rate(references, hypotheses):
    counts = np.array([(edit_distance(a, b), len(a)) for a, b in zip(references, hypotheses, strict=True)])
    return counts[:, 0].sum() / counts[:, 1].sum()
