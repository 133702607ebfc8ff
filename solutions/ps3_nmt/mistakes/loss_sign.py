# answer: translation_loss
# rejected by: test_translation_loss
# may break: test_training_loop
# why: the sign is missing
def translation_loss(logits, targets, smoothing):
    """The mean cross-entropy of the real tokens with their smoothed targets, a scalar."""
    ops = keras.ops
    log_p = ops.log_softmax(ops.convert_to_tensor(logits), axis=-1)
    num_tokens = log_p.shape[-1]
    right = ops.sum(ops.one_hot(targets, num_tokens, dtype=log_p.dtype) * log_p, axis=-1)
    each = (1 - smoothing) * right + smoothing * ops.mean(log_p, axis=-1)
    real = ops.cast(ops.not_equal(targets, 0), log_p.dtype)
    return ops.sum(each * real) / ops.maximum(ops.sum(real), 1)
