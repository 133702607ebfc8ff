# answer: experiment
# why: Keras' fit with a loss of its own, fixed length, linear spectra in wide bands, a dictionary as the recognizer
NUM_CODES, LENGTH = 11, 240


def energies(wave):
    place = np.arange(0, max(1, len(wave) - 240), 80)[:, None] + np.arange(240)
    cut = np.pad(wave, (0, 240))[place] * np.hamming(240)
    power = np.abs(np.fft.rfft(cut, 512)) ** 2
    edges = np.unique(np.round(np.geomspace(8, 250, 34) - 4).astype(int))
    bands = np.log(np.add.reduceat(power, edges, axis=1)[:, :-1] + 1e-4)
    return ((bands - bands.mean(0)) / (bands.std(0) + 0.01)).astype("float32")


def boxed(waves):
    x = [energies(wave)[:LENGTH] for wave in waves]
    rows = np.array([(len(one) + 3) // 4 for one in x], "int32")
    return np.stack([np.pad(one, ((0, LENGTH - len(one)), (0, 0))) for one in x]), rows


class Recognizer(keras.Model):
    def __init__(self):
        super().__init__()
        layers = keras.layers
        self.body = keras.Sequential()
        for width, stride in ((64, 2), (96, 2), (96, 1), (96, 1)):
            self.body.add(layers.Conv1D(width, 5, strides=stride, padding="same", use_bias=False))
            self.body.add(layers.BatchNormalization(momentum=0.9))
            self.body.add(layers.Activation("relu"))
            self.body.add(layers.SpatialDropout1D(0.1))
        self.body.add(layers.Dense(NUM_CODES))

    def call(self, x, training=None):
        return self.body(x, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        labels, sizes = y[:, 2:], y[:, :2]
        return keras.ops.mean(keras.ops.ctc_loss(labels, y_pred, sizes[:, 1], sizes[:, 0], mask_index=0))


def fit_recognizer(waves, transcripts):
    rng = np.random.default_rng(3)
    slower = [
        np.interp(np.linspace(0, len(wave) - 1, int(len(wave) * rng.uniform(0.85, 1.18))), np.arange(len(wave)), wave)
        for wave in waves
    ]
    x, rows = boxed([*waves, *slower])
    y = np.zeros((len(x), 8), "int32")
    for line, row, digits in zip(y, rows, [*transcripts, *transcripts], strict=True):
        line[0], line[1] = row, len(digits)
        line[2 : 2 + len(digits)] = np.array(digits) + 1
    model = Recognizer()
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.004, 9 * 50), clipnorm=1.0))
    model.fit(x, y, batch_size=16, epochs=9, verbose=0)
    return {"model": model}


def transcribe(recognizer, waves):
    x, rows = boxed(waves)
    best = np.argmax(recognizer["model"](x, training=False), axis=-1)
    texts = []
    for path, length in zip(best, rows, strict=True):
        text, before = [], 0
        for label in path[:length].tolist():
            if label not in (0, before):
                text.append(label - 1)
            before = label
        texts.append(text)
    return texts
