"""How fast 3_speech/2_wavenet generates: naive, cached, cached and compiled, for networks of growing depth.

    python lectures/benchmarks/wavenet.py [--runs 5]

Keeps to one core. A row a network (32 channels, 64 skip channels, untrained: the weights do not matter to the clock).
Times are CPU seconds of the fastest run, so that a busy machine hardly matters. Targets: at 10 layers x 2 stacks the
cache is at least 20 times the naive speed; compiled, the bundled model (9 layers) gives 4,000 samples a second or
more.
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
import numpy as np
from coursekit.definitions import definitions
from rich.console import Console
from rich.table import Table

CHANNELS, SKIP_CHANNELS = 32, 64
NETWORKS = {
    "2 layers": (1, 2),
    "4 layers": (1, 2, 4, 8),
    "6 layers": (1, 2, 4, 8, 16, 32),
    "8 layers": tuple(2**k for k in range(8)),
    "9 layers (bundled model)": tuple(2**k for k in range(9)),
    "10 layers": tuple(2**k for k in range(10)),
    "10 layers, no dilation": (1,) * 10,
    "10 layers x 2 stacks": tuple(2**k for k in range(10)) * 2,
    "10 layers x 3 stacks": tuple(2**k for k in range(10)) * 3,
}
# Samples a run: enough that a run takes tens of milliseconds.
NUM_SAMPLES = {"naive": 10, "cached": 400, "compiled": 8000}
COLUMNS = ("receptive field", "naive /s", "cached /s", "compiled /s", "cached : naive", "compiled : real time")


def samples_per_second(generate: Callable[[np.ndarray], np.ndarray], num: int, runs: int) -> float:
    """The speed of the fastest of `runs` runs of `num` samples, by CPU time; a first one compiles and is left out."""
    draws = np.random.default_rng(0).random(num).astype(np.float32)
    generate(draws)
    times = []
    for _ in range(runs):
        start = time.process_time()
        generate(draws)
        times.append(time.process_time() - start)
    return num / min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    coursekit.set_seed(0)
    lecture = definitions(Path(__file__).resolve().parents[1] / "3_speech/2_wavenet.py", seed=0)
    table = Table("network", *COLUMNS, title=f"samples a CPU second, fastest of {runs} runs, one core")
    for name, dilations in NETWORKS.items():
        model = lecture.wavenet(dilations, CHANNELS, SKIP_CHANNELS)
        generators = {
            "naive": lecture.NaiveGenerator(model),
            "cached": lecture.CachedGenerator(model),
            "compiled": lecture.CompiledGenerator(model, NUM_SAMPLES["compiled"]),
        }
        naive, cached, compiled = (
            samples_per_second(generate, NUM_SAMPLES[kind], runs) for kind, generate in generators.items()
        )
        numbers = (naive, cached, compiled, cached / naive, compiled / lecture.RATE)
        table.add_row(name, str(lecture.receptive_field(dilations)), *(f"{number:,.1f}" for number in numbers))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
