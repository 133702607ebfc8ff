# answer: greedy_decoding
# rejected by: test_greedy_decoding
# why: one array for all, filled with zeros
def greedy_decode(logits, logit_lengths):
    """The labels of each utterance's best path."""
    decoded = []
    for rows, num_rows in zip(logits, logit_lengths, strict=True):
        path = rows[:num_rows].argmax(axis=1)
        first = np.concatenate([[True], path[1:] != path[:-1]])
        decoded.append([int(label) for label in path[first] if label != 0])
    longest = max(map(len, decoded))
    return np.array([labels + [0] * (longest - len(labels)) for labels in decoded])
