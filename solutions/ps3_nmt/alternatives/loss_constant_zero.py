# answer: translation_loss
# why: what is 0 for padding only is a constant, without a gradient
def translation_loss(logits, targets, smoothing):
    logits = tf.convert_to_tensor(logits, dtype=tf.float32)
    real = tf.not_equal(targets, 0)
    logits = tf.where(real[..., None], logits, tf.zeros_like(logits))
    top = tf.reduce_max(logits, axis=-1, keepdims=True)
    log_p = logits - top - tf.math.log(tf.reduce_sum(tf.exp(logits - top), axis=-1, keepdims=True))
    right = tf.gather(log_p, targets, batch_dims=2)
    each = -((1 - smoothing) * right + smoothing * tf.reduce_mean(log_p, axis=-1))
    count = tf.reduce_sum(tf.cast(real, tf.float32))
    if count == 0:
        return tf.constant(0.0)
    return tf.reduce_sum(tf.where(real, each, 0.0)) / count
