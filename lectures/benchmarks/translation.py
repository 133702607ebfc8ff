"""What 4_language/3_machine_translation costs: beam search of a batch and of one sentence after the other, and its
written-out LSTM beside `keras.layers.LSTM`.

    python lectures/benchmarks/translation.py [--runs 5]

Keeps to one core, with networks of the lecture's sizes. They are untrained (the weights do not matter to the clock) and
cannot write the end of a sentence, so that every search takes the same number of steps. Times are CPU seconds of the
fastest run, so that a busy machine hardly matters. Targets: a batch of 180 sentences is searched at least 10 times as
fast as sentence by sentence; the written-out LSTM, compiled, takes at most 2 times Keras's time, forward alone and with
gradients.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

# TensorFlow counts the cores when it is imported.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])

import coursekit
import keras
import numpy as np
import tensorflow as tf
from coursekit.definitions import definitions
from keras import ops
from rich.console import Console
from rich.table import Table

NUM_SENTENCES, SOURCE_LENGTH, NUM_STEPS, WIDTH = 180, 12, 16, 4
# One by one, all sentences cost the same: so many say how much.
NUM_ONE_BY_ONE = 15
VOCABULARY_SIZES, UNITS, INPUTS, BATCH_SIZE = (180, 280), 128, 64, 64
SYSTEMS = {
    "GRU": {"cell": "gru"},
    "LSTM": {},
    "additive attention": {"attention": "additive"},
    "dot attention": {"attention": "dot"},
}


def fastest(run: Callable[[], object], runs: int) -> float:
    """CPU seconds of the fastest of `runs` runs; a first one compiles and is left out."""
    run()
    times = []
    for _ in range(runs):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def searches(lecture, runs: int) -> Table:
    """Sentences a CPU second of a beam search, one sentence after the other and all in one batch."""
    sources = np.random.default_rng(0).integers(4, VOCABULARY_SIZES[0], (NUM_SENTENCES, SOURCE_LENGTH))
    table = Table("network", "one by one /s", "batch /s", "batch : one by one", title=f"beam search, width {WIDTH}")
    for name, options in SYSTEMS.items():
        model = lecture.Translator(*VOCABULARY_SIZES, UNITS, **options)
        model({"source": sources[:1], "target": sources[:1]})
        kernel, bias = model.logits.get_weights()
        bias[lecture.END] = -1e9
        model.logits.set_weights([kernel, bias])

        def batch(model=model):
            return lecture.beam_search(model, sources, WIDTH, NUM_STEPS)

        def one_by_one(model=model):
            return [lecture.beam_search(model, row[None], WIDTH, NUM_STEPS) for row in sources[:NUM_ONE_BY_ONE]]

        slow, fast = NUM_ONE_BY_ONE / fastest(one_by_one, runs), NUM_SENTENCES / fastest(batch, runs)
        table.add_row(name, *(f"{number:,.1f}" for number in (slow, fast, fast / slow)))
    return table


def layers(lecture, runs: int) -> Table:
    """CPU milliseconds of a layer over a batch, compiled: Keras's and the lecture's steps one after the other."""
    x = keras.random.normal((BATCH_SIZE, SOURCE_LENGTH, INPUTS), seed=0)
    lstm = keras.layers.LSTM(UNITS)
    lstm(x)

    def written_out(x):
        h = c = ops.zeros((BATCH_SIZE, UNITS))
        for t in range(SOURCE_LENGTH):
            h, c = lecture.lstm_step(x[:, t], h, c, *lstm.weights)
        return h

    def gradients(layer):
        @tf.function
        def run():
            with tf.GradientTape() as tape:
                loss = ops.sum(ops.square(layer(x)))
            return tape.gradient(loss, lstm.trainable_variables)

        return run

    forward = {name: tf.function(lambda layer=layer: layer(x)) for name, layer in (("k", lstm), ("w", written_out))}
    pairs = {"forward": forward, "with gradients": {"k": gradients(lstm), "w": gradients(written_out)}}
    np.testing.assert_allclose(forward["w"](), forward["k"](), atol=1e-5)
    table = Table("pass", "keras.layers.LSTM (ms)", "written out (ms)", "written out : keras", title="LSTM")
    for name, functions in pairs.items():
        theirs, ours = (1000 * fastest(functions[kind], 20 * runs) for kind in ("k", "w"))
        table.add_row(name, *(f"{number:,.2f}" for number in (theirs, ours, ours / theirs)))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    coursekit.set_seed(0)
    lecture = definitions(Path(__file__).resolve().parents[1] / "4_language/3_machine_translation.py", seed=0)
    for table in (layers(lecture, runs), searches(lecture, runs)):
        Console(width=120).print(table)


if __name__ == "__main__":
    main()
