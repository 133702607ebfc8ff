# answer: translation_loss
# why: tf, logsumexp, picks the right token's score by gather_nd on the real places only
def translation_loss(logits, targets, smoothing):
    logits, targets = tf.convert_to_tensor(logits), tf.cast(targets, tf.int32)
    real = tf.where(targets > 0)
    scores, tokens = tf.gather_nd(logits, real), tf.gather_nd(targets, real)
    norm = tf.reduce_logsumexp(scores, axis=-1)
    picked = tf.gather(scores, tokens, batch_dims=1)
    each = norm - (1.0 - smoothing) * picked - smoothing * tf.reduce_mean(scores, axis=-1)
    return tf.math.divide_no_nan(tf.reduce_sum(each), tf.cast(tf.size(tokens), each.dtype))
