# answer: greedy_decoding
# why: neighbours are merged by itertools, labels are NumPy's integers
from itertools import groupby


def greedy_decode(logits, logit_lengths):
    best = keras.ops.convert_to_numpy(keras.ops.argmax(logits, axis=-1))
    return [[k for k, _ in groupby(path[:length]) if k] for path, length in zip(best, logit_lengths, strict=True)]
