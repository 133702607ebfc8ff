# answer: cross_entropy, top_k_error
# why: float32 throughout, scalars of NumPy and tensors as results, np.argpartition
# %% cross_entropy
def _log_softmax(logits):
    shifted = (logits - np.max(logits, axis=-1)[:, np.newaxis]).astype(np.float32)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1))[:, np.newaxis]


def cross_entropy_forward(logits, labels):
    onehot = np.eye(logits.shape[-1], dtype=np.float32)[labels]
    return keras.ops.convert_to_tensor(-np.sum(onehot * _log_softmax(logits)) / np.float32(len(logits)))


def cross_entropy_backward(logits, labels):
    onehot = np.eye(logits.shape[-1], dtype=np.float32)[labels]
    return keras.ops.convert_to_tensor((np.exp(_log_softmax(logits)) - onehot) / len(logits))


# %% top_k_error
def top_k_error(scores, labels, k):
    num_classes_here = scores.shape[1]
    best = np.argpartition(scores, num_classes_here - k, axis=1)[:, num_classes_here - k :]
    return np.mean([label not in row for row, label in zip(best, labels, strict=True)])
