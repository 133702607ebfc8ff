"""Errors of the experiment's solution and of wrongly trained classifiers over seeds: where the thresholds come from.

Run in this folder, where ps1_cnn.ipynb lies: python threshold.py [number of seeds]. About 35 s of CPU a seed.
"""

import sys

import coursekit  # first: it keeps TensorFlow quiet while it is imported

# isort: split
import keras
import numpy as np
from coursedata import load_images, scenes
from coursegrader import notebooks

HELD_OUT = 1008


def errors_of_seed(seed: int, fit_classifier, class_scores, difficulty) -> dict[str, float]:
    """Top-1 errors on held-out scenes, one for each way to train; everything random follows from `seed`."""
    data = load_images("bundled", num_train=2400, num_test=12, nuisances=difficulty)
    held_out = scenes.render(HELD_OUT, seed=10**30 + seed, nuisances=difficulty)

    def error(best: np.ndarray) -> float:
        return float((best != held_out.labels).mean())

    keras.utils.set_random_seed(seed)
    model = fit_classifier(data.x_train, data.y_train)
    best = class_scores(model, held_out.images).argmax(axis=1)
    errors = {"solution": error(best), "labels off by one": error((best + 1) % len(data.class_names))}
    errors["pixels scaled in training only"] = error(class_scores(model, held_out.images / 255).argmax(axis=1))

    # Frozen: the loss is computed and nothing learns; what remains is a random network.
    frozen = keras.models.clone_model(model)
    errors["frozen"] = error(class_scores(frozen, held_out.images).argmax(axis=1))

    # A quarter of the pictures: more of them, with labels that mean nothing, teach no more.
    shuffled = np.random.default_rng(seed).permutation(data.y_train[:600])
    model = fit_classifier(data.x_train[:600], shuffled)
    errors["labels shuffled"] = error(class_scores(model, held_out.images).argmax(axis=1))

    kept = list(model.layers)
    raw = [layer for layer in kept if not isinstance(layer, keras.layers.BatchNormalization | keras.layers.Rescaling)]
    model = keras.Sequential(
        [keras.Input((32, 32, 3)), *(type(layer).from_config(layer.get_config()) for layer in raw)]
    )
    model.compile(keras.optimizers.Adam(0.003), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(data.x_train, data.y_train, batch_size=64, epochs=8, verbose=0)
    errors["no normalization at all"] = error(class_scores(model, held_out.images).argmax(axis=1))
    return errors


def main(num_seeds: int) -> None:
    """Write a table row a seed, then the range of each column."""
    cells = notebooks.by_grade_id(notebooks.read("ps1_cnn.ipynb"))
    names = {"keras": keras, "np": np, "coursekit": coursekit, "scenes": scenes, "load_images": load_images}
    for grade_id in ("load_data", "experiment"):
        exec(cells[grade_id].source, names)  # the notebook's own cells: what is measured is what is graded
    rows = []
    for seed in range(num_seeds):
        rows.append(errors_of_seed(seed, names["fit_classifier"], names["class_scores"], names["difficulty"]))
        sys.stdout.write(f"{seed}: " + ", ".join(f"{name} {error:.1%}" for name, error in rows[-1].items()) + "\n")
        sys.stdout.flush()
    for name in rows[0]:
        column = [row[name] for row in rows]
        sys.stdout.write(f"| {name} | {min(column):.1%} | {np.median(column):.1%} | {max(column):.1%} |\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
