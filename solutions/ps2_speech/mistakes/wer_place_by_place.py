# answer: word_errors
# rejected by: test_word_errors
# why: words are compared place by place
def edit_distance(reference, hypothesis):
    """The smallest number of replaced, missing and extra words."""
    replaced = sum(a != b for a, b in zip(reference, hypothesis))
    return replaced + abs(len(reference) - len(hypothesis))


def word_error_rate(references, hypotheses):
    """All errors divided by the number of words in all references."""
    errors = sum(map(edit_distance, references, hypotheses))
    return errors / sum(map(len, references))
