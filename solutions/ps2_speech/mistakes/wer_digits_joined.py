# answer: word_errors
# rejected by: test_word_errors
# why: integers are compared digit by digit
def edit_distance(reference, hypothesis):
    """The smallest number of replaced, missing and extra words."""
    if all(isinstance(word, int) for word in [*reference, *hypothesis]):
        reference, hypothesis = "".join(map(str, reference)), "".join(map(str, hypothesis))
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        above, row = row, [i]
        for j, other in enumerate(hypothesis, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (word != other)))
    return row[-1]


def word_error_rate(references, hypotheses):
    """All errors divided by the number of words in all references."""
    errors = sum(map(edit_distance, references, hypotheses))
    return errors / sum(map(len, references))
