# answer: translation_loss
# why: the smoothed distribution as an array, multiplied with the logarithms; the result in float32
def translation_loss(logits, targets, smoothing):
    ops = keras.ops
    logits = ops.cast(logits, "float32")
    num_tokens = ops.shape(logits)[-1]
    wanted = ops.one_hot(targets, num_tokens) * (1 - smoothing) + smoothing / num_tokens
    shifted = logits - ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))
    log_p = shifted - ops.log(ops.sum(ops.exp(shifted), axis=-1, keepdims=True))
    mask = ops.cast(targets, "bool")
    each = ops.where(mask, -ops.sum(wanted * log_p, axis=-1), 0.0)
    count = ops.sum(ops.cast(mask, "float32"))
    return ops.sum(each) / ops.where(count > 0, count, 1.0)
