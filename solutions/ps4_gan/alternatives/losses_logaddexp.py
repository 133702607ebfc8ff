# answer: losses
# why: log(e^0 + e^s) by keras.ops.logaddexp, labels as arrays, one table of functions
def discriminator_loss(real_logits, fake_logits, kind="non_saturating", real_label=1.0):
    terms = _term(kind)
    return terms(real_logits, real_label) + terms(fake_logits, 0.0)


def generator_loss(fake_logits, kind="non_saturating"):
    terms = _term(kind)
    return -terms(fake_logits, 0.0) if kind == "minimax" else terms(fake_logits, 1.0)


def _term(kind):
    def cross_entropy(logits, label):
        s = keras.ops.convert_to_tensor(logits)
        return keras.ops.mean(keras.ops.logaddexp(keras.ops.zeros_like(s), s) - label * s)

    def squares(logits, label):
        s = keras.ops.convert_to_tensor(logits)
        return 0.5 * keras.ops.mean((s - label) ** 2)

    kinds = {"minimax": cross_entropy, "non_saturating": cross_entropy, "least_squares": squares}
    if kind not in kinds:
        raise ValueError(f"kind must be one of {', '.join(kinds)}")
    return kinds[kind]
