# answer: greedy_decoding
# rejected by: test_greedy_decoding
# why: a label is never said twice in a row, blank or not
def greedy_decode(logits, logit_lengths):
    """The labels of each utterance's best path."""
    decoded = []
    for rows, num_rows in zip(logits, logit_lengths, strict=True):
        path = rows[:num_rows].argmax(axis=1)
        first = np.concatenate([[True], path[1:] != path[:-1]])
        labels = [int(label) for label in path[first] if label != 0]
        decoded.append([b for a, b in zip([0, *labels], labels) if a != b])
    return decoded
