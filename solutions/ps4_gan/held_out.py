"""Makes examiner/face_judge.npz: the frozen network that scores generated faces. Run in this folder: python held_out.py

It learns glasses, beard and hair from faces of a private seed, and to tell faces from pictures that are none (noise,
mixtures, blurred and shuffled faces). Its last hidden layer gives the features of the Fréchet distance. About 60 s of
CPU; the same seed gives the same weights up to rounding.
"""

import sys
from pathlib import Path

import keras
import numpy as np
from coursedata import faces

FILE = Path("examiner", "face_judge.npz")
SEED = 0x5D1C9B0E77A2463F
# As the assignment's faces (`load_data`), and of every age and shape as well.
SIZE, VIEW = 16, {"pose": 0.5, "light": 0.5}
ATTRIBUTES = ("glasses", "beard", "hair")
HEADS = {"glasses": 2, "beard": 2, "hair": 4, "face": 2}
NUM_TRAIN, NUM_TEST, NUM_FEATURES = 5000, 1500, 32


def draw(num: int, number: int) -> faces.Faces:
    """Faces of this script's seed, seen from the front in even light."""
    return faces.render(num, seed=np.random.SeedSequence((SEED, number)), size=SIZE, labels=VIEW)


def no_faces(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures that are no faces, half as many as `images`, a fifth of them of each kind."""
    noise, mixed, blurred, shuffled, noisy = (part.astype(np.float64) for part in np.array_split(images[::2], 5))
    noise = rng.uniform(0, 255, noise.shape) * rng.uniform(0.1, 1, (len(noise), 1, 1, 1))
    mixed = (mixed + mixed[::-1]) / 2
    for axis in (1, 2):
        blurred = (np.roll(blurred, -2, axis) + np.roll(blurred, -1, axis) + blurred + np.roll(blurred, 1, axis)) / 4
    # The places of sixteen squares of 4 x 4 pixels.
    squares = shuffled.reshape(-1, 4, 4, 4, 4, 3).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 16, 4, 4, 3)
    squares = np.stack([rng.permutation(one) for one in squares])
    shuffled = squares.reshape(-1, 4, 4, 4, 4, 3).transpose(0, 1, 3, 2, 4, 5).reshape(shuffled.shape)
    noisy = noisy + rng.normal(0, 40, noisy.shape)
    return np.clip(np.concatenate([noise, mixed, blurred, shuffled, noisy]), 0, 255).astype(np.uint8)


def with_no_faces(drawn: faces.Faces, rng: np.random.Generator) -> tuple[np.ndarray, dict, dict]:
    """Pictures from -1 to 1, the labels of each head, and which of them count (no face has no hair to be judged)."""
    others = no_faces(drawn.images, rng)
    pictures = np.concatenate([drawn.images, others]) / np.float32(127.5) - 1
    is_face = np.repeat([1, 0], [len(drawn.images), len(others)])
    labels = {name: np.pad(getattr(drawn.labels, name), (0, len(others))) for name in ATTRIBUTES}
    counts = {name: is_face.astype("float32") for name in ATTRIBUTES} | {"face": np.ones(len(is_face), "float32")}
    return pictures, labels | {"face": is_face}, counts


def judge() -> keras.Model:
    """Three convolutions, a layer of features, and logits of each attribute."""
    layers = keras.layers
    x = inputs = keras.Input((SIZE, SIZE, 3))
    for width, strides in ((16, 1), (32, 2), (48, 2)):
        x = layers.Conv2D(width, 3, strides=strides, padding="same", activation="relu")(x)
    x = layers.Flatten()(x)
    features = layers.Dense(NUM_FEATURES, activation="tanh", name="features")(layers.Dropout(0.3)(x))
    outputs = {name: layers.Dense(num, name=name)(features) for name, num in HEADS.items()}
    return keras.Model(inputs, outputs)


def main() -> None:
    """Train, measure on other faces, write the weights in the order of the layers."""
    keras.utils.set_random_seed(SEED % 2**32)
    rng = np.random.default_rng(SEED)
    x, labels, counts = with_no_faces(draw(NUM_TRAIN, 0), rng)
    x_test, labels_test, counts_test = with_no_faces(draw(NUM_TEST, 1), rng)
    model = judge()
    losses = {name: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for name in HEADS}
    model.compile(keras.optimizers.Adam(), losses)
    for rate in (0.002, 0.0005):
        model.optimizer.learning_rate = rate
        model.fit(x, labels, sample_weight=counts, epochs=5, batch_size=64, verbose=0)
    logits = model.predict(x_test, verbose=0)
    for name, truth in labels_test.items():
        right = (logits[name].argmax(axis=1) == truth)[counts_test[name] > 0]
        sys.stdout.write(f"{name}: {right.mean():.1%} of {len(right)} right\n")
    FILE.parent.mkdir(exist_ok=True)
    named = {weight.path.replace("/", "."): weight.numpy().astype(np.float16) for weight in model.weights}
    np.savez_compressed(FILE, **named)


if __name__ == "__main__":
    main()
