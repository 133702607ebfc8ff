# answer: cross_entropy, top_k_error
# why: Python loops and numbers; the error from the rank of the right class
# %% cross_entropy
import math


def probabilities(row):
    top = max(row)
    powers = [math.exp(value - top) for value in row]
    return [power / sum(powers) for power in powers]


def cross_entropy_forward(logits, labels):
    total = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        top = max(row)
        total += top + math.log(sum(math.exp(value - top) for value in row)) - row[label]
    return total / len(labels)


def cross_entropy_backward(logits, labels):
    gradient = np.array([probabilities(row) for row in logits.tolist()])
    onehot = labels[:, None] == np.arange(logits.shape[1])
    return (gradient - onehot) / labels.size


# %% top_k_error
def top_k_error(scores, labels, k):
    misses = 0
    for row, label in zip(scores, labels, strict=True):
        misses += sum(score > row[label] for score in row) >= k
    return misses / len(labels)
