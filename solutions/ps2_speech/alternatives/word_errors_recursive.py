# answer: word_errors
# why: the recursion as it stands, with a cache; fractions until the end
from fractions import Fraction
from functools import cache


def edit_distance(reference, hypothesis):
    @cache
    def distance(i, j):
        if i == 0 or j == 0:
            return i + j
        replaced = distance(i - 1, j - 1) + (0 if reference[i - 1] == hypothesis[j - 1] else 1)
        return min(replaced, 1 + distance(i - 1, j), 1 + distance(i, j - 1))

    return distance(len(reference), len(hypothesis))


def word_error_rate(references, hypotheses):
    errors, words = 0, 0
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        errors += edit_distance(reference, hypothesis)
        words += len(reference)
    return float(Fraction(errors, words))
