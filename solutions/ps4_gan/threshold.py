"""Scores of the solution and of wrong generators over seeds: where the thresholds of task 10 come from.

Run in this folder, where ps4_gan.ipynb lies: python threshold.py [number of seeds]. A seed takes about 25 s of CPU.
"""

import sys
from pathlib import Path

import coursekit  # first: it keeps TensorFlow quiet while it is imported

# isort: split
import keras
import numpy as np
import tensorflow as tf
from coursegrader import notebooks

WRONG = ("copies", "copies_moved", "halves", "quarters", "mixtures", "gaussian", "noise_as_images")


def cell(name: str) -> str:
    """The source of a cell of the notebook: what is measured is what is graded."""
    return notebooks.by_grade_id(notebooks.read("ps4_gan.ipynb"))[name].source


def names_of_the_notebook() -> dict:
    """The names that the notebook's setup and the test of the experiment define, up to where it asks for images."""
    names = {"coursekit": coursekit, "keras": keras, "np": np, "tf": tf}
    for locked in ("setup", "load_data", "scores", "experiment"):
        exec(cell(locked), names)
    public, _, hidden = cell("test_experiment").partition("### BEGIN HIDDEN TESTS")
    for part, begin, end in (
        (public, "def drawn", "rng = "),
        (hidden, "rng = ", "noise = "),
        (hidden, "# Beside", "features, sure = judged"),
    ):
        exec(part[part.index(begin) : part.index(end)], names)
    return names


def scores(images: np.ndarray, names: dict) -> dict[str, float]:
    """What the test measures of 1,000 images, public and hidden."""
    features, sure = names["judged"](images)
    unseen, much_nearer = names["unseen"], names["much_nearer"]
    pixels = names["pixel_features"]
    return {
        "recognized": 100 * sure.mean(),
        "Fréchet distance": names["frechet_distance"](features, names["judged"](unseen)[0]),
        "of pixels": names["frechet_distance"](pixels(images[:256]), pixels(names["real_images"])),
        "spread": 100 * names["spread"](images) / names["spread"](unseen[:1000]),
        "much nearer to training": 100 * much_nearer(images[:300], names["WHOLE"], 0.8).mean(),
        "quarters much nearer": 100
        * np.mean([much_nearer(images[:300], quarter, 0.5) for quarter in names["QUARTERS"]]),
    }


def show(what: str, rows: list[dict[str, float]]) -> None:
    """Best, median and worst of each score in a table row."""
    columns = {name: sorted(row[name] for row in rows) for name in rows[0]}
    cells = [f"{values[0]:.1f} / {np.median(values):.1f} / {values[-1]:.1f}" for values in columns.values()]
    sys.stdout.write(f"| {what} | {len(rows)} | " + " | ".join(cells) + " |\n")
    sys.stdout.flush()


def main(num_seeds: int) -> None:
    """Write a table row for each generator: lowest, median and highest score over seeds."""
    names = names_of_the_notebook()
    noise = np.random.default_rng(5).standard_normal((1000, 32)).astype("float32")
    real = names["faces"].render(1000, seed=777, size=16, labels=names["VIEW"]).images
    show("new real faces", [scores(real, names)])
    for wrong in WRONG:
        own = dict(names)
        exec(Path("mistakes", f"experiment_{wrong}.py").read_text(encoding="utf-8"), own)
        show(wrong, [scores(own["generate"](own["fit_generator"](names["real_images"]), noise), names)])
    for what, num_epochs in (("untrained", 0), ("one epoch", 1), ("solution", names["NUM_EPOCHS"])):
        rows = []
        names["NUM_EPOCHS"] = num_epochs
        for seed in range(num_seeds):
            names["seed"] = seed
            generator = names["fit_generator"](names["real_images"])
            rows.append(scores(names["generate"](generator, noise), names))
            if num_epochs > 1:
                sys.stdout.write(f"{seed}: " + ", ".join(f"{k} {v:.2f}" for k, v in rows[-1].items()) + "\n")
                sys.stdout.flush()
        show(what, rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
