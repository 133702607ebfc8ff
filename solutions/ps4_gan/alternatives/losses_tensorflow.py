# answer: losses
# why: TensorFlow's own functions: tf.math.log_sigmoid
def discriminator_loss(real_logits, fake_logits, kind="non_saturating", real_label=1.0):
    if kind not in {"minimax", "non_saturating", "least_squares"}:
        raise ValueError(kind)
    if kind == "least_squares":
        return (tf.reduce_mean((real_logits - real_label) ** 2) + tf.reduce_mean(tf.square(fake_logits))) / 2
    real = tf.reduce_mean(tf.math.log_sigmoid(real_logits)) * real_label
    real += tf.reduce_mean(tf.math.log_sigmoid(-real_logits)) * (1 - real_label)
    return -real - tf.reduce_mean(tf.math.log_sigmoid(-fake_logits))


def generator_loss(fake_logits, kind="non_saturating"):
    match kind:
        case "minimax":
            return tf.reduce_mean(tf.math.log_sigmoid(-fake_logits))
        case "non_saturating":
            return -tf.reduce_mean(tf.math.log_sigmoid(fake_logits))
        case "least_squares":
            return tf.reduce_mean(tf.math.squared_difference(fake_logits, 1.0)) / 2
        case _:
            raise ValueError(f"no loss is called {kind}")
