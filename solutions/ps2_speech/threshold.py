"""Word error rates of the solution and of wrongly trained recognizers over seeds: where the thresholds come from.

Run in this folder, where ps2_speech.ipynb lies: python threshold.py [number of seeds] [seeds of the wrong recognizers].
A seed of the solution takes about 12 s of CPU, one of the wrong recognizers 20 s.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import coursekit  # first: it keeps TensorFlow quiet while it is imported

# isort: split
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from coursedata import load_speech
from coursedata.speech import RATE, bundled
from coursegrader import notebooks

HELD_OUT = Path("examiner", "unseen_voices.npz.xz")


def error_rate(heard: list[list[int]], transcripts: list[list[int]]) -> float:
    """The word error rate, by TensorFlow's edit distance."""
    sparse = [tf.ragged.constant(strings, tf.int64, ragged_rank=1).to_sparse() for strings in (heard, transcripts)]
    return float(tf.reduce_sum(tf.edit_distance(*sparse, normalize=False))) / sum(map(len, transcripts))


def rates_of_seed(seed: int, names: dict, unseen: tuple[bundled.Utterance, ...], wrong: bool) -> dict[str, float]:
    """Word error rates on the held-out voices, one for each way to train; everything random follows from `seed`."""
    fit, transcribe = names["fit_recognizer"], names["transcribe"]
    waves, transcripts = names["train_waves"], names["train_digits"]
    unseen_waves, unseen_digits = [one.wave for one in unseen], [list(one.digits) for one in unseen]

    def rate(recognizer: object, hear: Callable = transcribe) -> float:
        return error_rate(hear(recognizer, unseen_waves), unseen_digits)

    names["seed"] = seed
    keras.utils.set_random_seed(seed)
    recognizer = fit(waves, transcripts)
    rates = {"solution": rate(recognizer)}
    off_by_one = [[(digit + 1) % 10 for digit in digits] for digits in transcribe(recognizer, unseen_waves)]
    rates["digits off by one"] = error_rate(off_by_one, unseen_digits)

    # Features that are not normalized in the second function: what a student forgets.
    features = names["features"]
    names["features"] = lambda wave: 3 * features(wave) - 4
    rates["features made differently"] = rate(recognizer)
    names["features"] = features
    if not wrong:
        return rates

    keras.utils.set_random_seed(seed)
    # The strings lie voice by voice, twenty each.
    for num_voices in (1, 4):
        few = slice(0, 20 * num_voices)
        rates[f"trained on {num_voices} of 20 voices"] = rate(fit(waves[few], transcripts[few]))
    shuffled = np.random.default_rng(seed).permutation(150)
    rates["transcripts shuffled"] = rate(fit(waves[:150], [transcripts[n] for n in shuffled]))
    return rates


def main(num_seeds: int, num_wrong: int) -> None:
    """Write a table row a seed, then the range of each column."""
    cells = notebooks.by_grade_id(notebooks.read("ps2_speech.ipynb"))
    names = {"keras": keras, "np": np, "tf": tf, "plt": plt, "coursekit": coursekit, "RATE": RATE}
    names["load_speech"] = load_speech
    for grade_id in ("load_data", "experiment"):
        exec(cells[grade_id].source, names)  # the notebook's own cells: what is measured is what is graded
    unseen = bundled.unpack(HELD_OUT.read_bytes())
    rows = []
    for seed in range(num_seeds):
        rows.append(rates_of_seed(seed, names, unseen, seed < num_wrong))
        sys.stdout.write(f"{seed}: " + ", ".join(f"{name} {rate:.1%}" for name, rate in rows[-1].items()) + "\n")
        sys.stdout.flush()
    for name in rows[0]:
        column = [row[name] for row in rows if name in row]
        sys.stdout.write(
            f"| {name} | {len(column)} | {min(column):.1%} | {np.median(column):.1%} | {max(column):.1%} |\n"
        )


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    seeds = given[0] if given else 10
    main(seeds, given[1] if len(given) > 1 else seeds)
