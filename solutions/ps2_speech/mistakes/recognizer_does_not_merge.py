# answer: experiment
# rejected by: test_experiment
# why: a digit that lasts is written many times
def fit_recognizer(waves, transcripts):
    """Train on waves (num_samples,) and their lists of digits; gives what transcribe needs."""
    rng = np.random.default_rng(0)
    faster = [played_faster(wave, np.exp(rng.uniform(-0.18, 0.18))) for wave in waves]
    inputs = [features(wave) for wave in [*waves, *faster]]
    labels = [np.array(digits) + 1 for digits in [*transcripts, *transcripts]]
    model = acoustic_model()
    num_epochs, batch_size = 3, 16
    num_steps = num_epochs * -(-len(inputs) // batch_size)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.004, num_steps), global_clipnorm=5.0)

    @tf.function(reduce_retracing=True)
    def step(x, y, num_rows):
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            # Sparse labels take TensorFlow's fast path.
            losses = tf.nn.ctc_loss(
                tf.sparse.from_dense(y), logits, None, num_rows, logits_time_major=False, blank_index=0
            )
            loss = tf.reduce_mean(losses)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    order = np.argsort([len(x) for x in inputs], kind="stable")
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    for _ in coursekit.progress_bar(range(num_epochs), label="recognizer"):
        for number in rng.permutation(len(batches)):
            batch = batches[number]
            y = np.zeros((len(batch), max(len(labels[n]) for n in batch)), "int32")
            for row, n in zip(y, batch, strict=True):
                row[: len(labels[n])] = labels[n]
            step(side_by_side([inputs[n] for n in batch]), y, rows_of([inputs[n] for n in batch]))
    return model


def transcribe(recognizer, waves):
    """The digits that are heard in each wave."""
    inputs = [features(wave) for wave in waves]
    paths = recognizer.predict(side_by_side(inputs), verbose=0).argmax(axis=-1)
    heard = []
    for path, num_rows in zip(paths, rows_of(inputs), strict=True):
        path = path[:num_rows]
        first = np.append(True, path[1:] != path[:-1])
        heard.append([int(label) - 1 for label in np.repeat(path, 2) if label > 0])
    return heard


NUM_BANDS = 32


def features(wave, length=200, step=80, fft_size=256):
    """Log-mel features (num_frames, NUM_BANDS) of a wave, each band with mean 0 and variance 1."""
    low, high = (np.log1p(hertz / 700) for hertz in (60, 3800))
    corners = 700 * np.expm1(np.linspace(low, high, NUM_BANDS + 2))
    frequencies = np.arange(fft_size // 2 + 1)[:, None] * RATE / fft_size
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    starts = np.arange(0, len(wave) - length + 1, step)
    spectrum = np.fft.rfft(wave[starts[:, None] + np.arange(length)] * np.hanning(length), fft_size)
    bands = np.log(np.abs(spectrum) ** 2 @ np.maximum(0, np.minimum(rising, falling)) + 1e-5)
    return ((bands - bands.mean(axis=0)) / (bands.std(axis=0) + 1e-3)).astype("float32")


def played_faster(wave, factor):
    """The wave at another speed: pitch and pace change together."""
    return np.interp(np.arange(0, len(wave) - 1, factor), np.arange(len(wave)), wave)


def acoustic_model(width=96):
    """Convolutions over time that give logits of the blank and ten digits, a row for every four frames."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((None, NUM_BANDS))])
    for strides, dropout in [(2, 0.0), (2, 0.2), (1, 0.2), (1, 0.2)]:
        model.add(layers.Conv1D(width, 5, strides=strides, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(11))
    return model


def side_by_side(inputs, multiple=32):
    """Features as one array (batch, time, NUM_BANDS), with zeros behind the shorter ones."""
    time = -(-max(map(len, inputs)) // multiple) * multiple
    return np.stack([np.pad(x, ((0, time - len(x)), (0, 0))) for x in inputs])


def rows_of(inputs):
    """How many rows of logits each utterance has."""
    return np.array([-(-len(x) // 4) for x in inputs], "int32")
