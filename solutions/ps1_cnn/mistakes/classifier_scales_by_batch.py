# answer: experiment
# rejected by: test_experiment
# why: scales with mean and deviation of the pictures that come together
def fit_classifier(images, labels):
    """Train a classifier on uint8 images (num, 32, 32, 3) and their labels; gives what class_scores needs."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((32, 32, 3)), layers.Identity()])
    for filters in (16, 32, 64, 64):
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(num_classes))
    model.compile(keras.optimizers.Adam(0.003), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    progress = coursekit.progress_bar(label="classifier")
    images = (images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2))
    model.fit(images, labels, batch_size=64, epochs=4, verbose=0, callbacks=[progress])
    return model


def class_scores(classifier, images):
    """Scores (num, num_classes) for uint8 images; the highest marks the class."""
    images = (images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2))
    return classifier.predict(images, verbose=0)
