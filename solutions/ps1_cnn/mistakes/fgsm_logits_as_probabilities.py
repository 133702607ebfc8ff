# answer: bonus_fgsm
# rejected by: bonus_test_fgsm
# why: the loss takes the logits for probabilities
def fgsm(model, images, labels, epsilon):
    """Images moved by epsilon a pixel in the direction that raises the model's loss."""
    x = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(x, training=False)
        loss = keras.ops.mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=False))
    return tf.clip_by_value(x + epsilon * tf.sign(tape.gradient(loss, x)), 0, 1)
