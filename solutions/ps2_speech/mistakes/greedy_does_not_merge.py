# answer: greedy_decoding
# rejected by: test_greedy_decoding
# why: equal neighbours are not merged
def greedy_decode(logits, logit_lengths):
    """The labels of each utterance's best path."""
    decoded = []
    for rows, num_rows in zip(logits, logit_lengths, strict=True):
        path = rows[:num_rows].argmax(axis=1)
        first = np.concatenate([[True], path[1:] != path[:-1]])
        decoded.append([int(label) for label in path if label != 0])
    return decoded
