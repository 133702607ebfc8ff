# answer: experiment
# rejected by: test_experiment
# why: the decoder sees the word that it has to say
def fit_translator(pairs):
    """Train on pairs of an English and a French sentence; gives what translate needs."""
    english, french = ([tokenize(text.lower()) for text in texts] for texts in zip(*pairs, strict=True))
    vocabularies = Vocabulary(english), Vocabulary(french)
    sources = [vocabularies[0].encode(words) for words in english]
    targets = [[*vocabularies[1].encode(words), END] for words in french]
    model = Translator(*map(len, vocabularies))
    num_epochs, batch_size = 6, 32
    num_steps = num_epochs * -(-len(pairs) // batch_size)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.006, num_steps), global_clipnorm=1.0)

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)] * 2)
    def step(x, y):
        shifted = y
        with tf.GradientTape() as tape:
            logits, _ = model.decode(shifted, *model.encode(x, training=True), training=True)
            log_p = tf.nn.log_softmax(logits)
            each = -0.9 * tf.gather(log_p, y, batch_dims=2) - 0.1 * tf.reduce_mean(log_p, axis=-1)
            real = tf.cast(y != 0, tf.float32)
            loss = tf.reduce_sum(each * real) / tf.reduce_sum(real)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    # The layers make their weights when they are first called.
    model.decode(filled(targets[:1]), *model.encode(filled(sources[:1])))
    order = np.argsort([len(target) for target in targets], kind="stable")
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    rng = np.random.default_rng(seed)
    for _ in coursekit.progress_bar(range(num_epochs), label="translator"):
        for number in rng.permutation(len(batches)):
            step(*(filled([sentences[n] for n in batches[number]]) for sentences in (sources, targets)))
    return model, vocabularies


def translate(translator, sentences):
    """A French sentence for each English one."""
    model, (english, french) = translator
    x = filled([english.encode(tokenize(sentence.lower())) for sentence in sentences])
    memory, real, state = model.encode(x)
    tokens, written = np.full((len(x), 1), BEGIN, "int32"), []
    for _ in range(LONGEST):
        logits, state = model.decode(tokens, memory, real, state)
        tokens = keras.ops.convert_to_numpy(logits).argmax(axis=-1).astype("int32")
        written.append(tokens)
    return [detokenize(french.decode(row), "fr") for row in np.concatenate(written, axis=1).tolist()]


BEGIN, END, LONGEST = 1, 2, 24


class Translator(keras.Model):
    """GRUs that read and write, with dot attention in between."""

    def __init__(self, num_english, num_french, width=64):
        super().__init__()
        layers = keras.layers
        self.read_words = layers.Embedding(num_english, width)
        self.write_words = layers.Embedding(num_french, width)
        self.reader = layers.Bidirectional(layers.GRU(width, return_sequences=True, return_state=True))
        self.writer = layers.GRU(2 * width, return_sequences=True, return_state=True)
        self.key = layers.Dense(2 * width, use_bias=False)
        self.mix = layers.Dense(2 * width, activation="tanh")
        self.dropout = layers.Dropout(0.1)
        self.output_layer = layers.Dense(num_french)

    def encode(self, x, training=False):
        """What the decoder looks at, which of it is real, and the state that it begins with."""
        real = keras.ops.not_equal(x, 0)
        words = self.dropout(self.read_words(x), training=training)
        read, forward, backward = self.reader(words, mask=real)
        # With the words themselves in the memory, attention pays from the first steps on.
        memory = keras.ops.concatenate([read, words], axis=-1)
        return memory, real, keras.ops.concatenate([forward, backward], axis=-1)

    def decode(self, y, memory, real, state, training=False):
        """Logits for the tokens behind y, and the state after them."""
        words = self.dropout(self.write_words(y), training=training)
        h, state = self.writer(words, initial_state=state)
        scores = keras.ops.einsum("nqu,nku->nqk", h, self.key(memory))
        weights = keras.ops.softmax(keras.ops.where(real[:, None], scores, -1e9))
        mixed = self.mix(keras.ops.concatenate([h, keras.ops.matmul(weights, memory)], axis=-1))
        return self.output_layer(self.dropout(mixed, training=training)), state


def filled(sentences):
    """Sentences of different lengths as one array, with zeros behind the shorter ones."""
    width = max(1, *map(len, sentences))
    return np.array([[*sentence, *[0] * (width - len(sentence))] for sentence in sentences], "int32")
