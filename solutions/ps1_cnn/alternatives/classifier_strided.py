# answer: experiment
# why: strided convolutions, mirrored copies, SGD with momentum, a dictionary as the classifier, probabilities as scores
def fit_classifier(images, labels):
    mean, std = images.mean(axis=(0, 1, 2)), images.std(axis=(0, 1, 2))
    x = ((images - mean) / std).astype("float32")
    x, y = np.concatenate([x, x[:, :, ::-1]]), np.concatenate([labels, labels])
    inputs = out = keras.Input((32, 32, 3))
    for filters in (16, 32, 64, 96):
        out = keras.layers.Conv2D(filters, 5 if filters == 16 else 3, strides=2, padding="same")(out)
        out = keras.layers.BatchNormalization(momentum=0.9)(out)
        out = keras.layers.Activation("relu")(out)
    out = keras.layers.Dense(num_classes, activation="softmax")(keras.layers.Flatten()(out))
    model = keras.Model(inputs, out)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=64, epochs=12, verbose=0)
    return {"model": model, "mean": mean, "std": std}


def class_scores(classifier, images):
    return classifier["model"](((images - classifier["mean"]) / classifier["std"]).astype("float32"), training=False)
