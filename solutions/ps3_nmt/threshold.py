"""BLEU of the solution and of wrongly trained translators over seeds: where the thresholds come from.

Run in this folder, where ps3_nmt.ipynb lies: python threshold.py [number of seeds] [seeds of the wrong translators]
[first seed]. A seed of the solution takes about 35 s of CPU, one of the wrong translators 130 s.
"""

import ast
import sys
from collections import Counter
from collections.abc import Callable

import coursekit  # first: it keeps TensorFlow quiet while it is imported

# isort: split
import keras
import numpy as np
import tensorflow as tf
from coursegrader import notebooks

NOTEBOOK = "ps3_nmt.ipynb"


def bleu_of_unseen(names: dict, hidden: ast.Module) -> Callable[[Callable], float]:
    """A function that measures a `translate` on the held-out sentences, made of the hidden test's own definitions."""
    kept = [
        node for node in hidden.body if isinstance(node, ast.FunctionDef) and node.name in ("words_of", "corpus_bleu")
    ]
    kept += [
        node
        for node in hidden.body
        if isinstance(node, ast.Assign) and node.targets[0].id in ("unseen", "learned", "chosen")
    ]
    exec(compile(ast.Module(kept, []), "test_experiment", "exec"), names)
    unseen, chosen, words_of = names["unseen"], names["chosen"], names["words_of"]
    sources = [unseen.test[n][0] for n in chosen]
    references = [[words_of(one) for one in unseen.test_references[n]] for n in chosen]

    def measure(translate: Callable[[list[str]], list[str]]) -> float:
        return float(names["corpus_bleu"]([words_of(text) for text in translate(sources)], references))

    return measure


def scores_of_seed(seed: int, names: dict, measure: Callable, wrong: bool) -> dict[str, float]:
    """BLEU on the held-out sentences, one for each way to train; everything random follows from `seed`."""
    pairs, source = names["train_pairs"], names["experiment"]

    def score(given: list, *changes: tuple[str, str]) -> float:
        changed = source
        for old, new in changes:
            assert old in changed, old
            changed = changed.replace(old, new)
        own = names | {"seed": seed}
        keras.utils.set_random_seed(seed)
        exec(changed, own)
        translator = own["fit_translator"](given)
        return measure(lambda sentences: own["translate"](translator, sentences))

    scores = {"solution": score(pairs)}
    if wrong:
        order = np.random.default_rng(seed).permutation(len(pairs))
        mixed = [(pairs[n][0], pairs[m][1]) for n, m in enumerate(order)]
        scores["pairs shuffled"] = score(mixed)
        scores["decoder inputs not shifted"] = score(pairs, ("shifted = tf.concat(", "shifted = y + 0 * tf.concat("))
        scores["without attention"] = score(
            pairs, ("keras.ops.matmul(weights, memory)]", "0 * keras.ops.matmul(weights, memory)]")
        )
        scores["a fifth of the pairs"] = score(pairs[: len(pairs) // 5])
        scores["half of the epochs"] = score(
            pairs, ("num_epochs, batch_size = 6, 32", "num_epochs, batch_size = 3, 32")
        )
    return scores


def main(num_seeds: int, num_wrong: int, first: int) -> None:
    """Write a table row a seed, then the range of each column."""
    cells = notebooks.by_grade_id(notebooks.read(NOTEBOOK))
    names = {"keras": keras, "np": np, "tf": tf, "coursekit": coursekit, "Counter": Counter, "print": lambda *_: None}
    # The notebook's own cells: what is measured is what is graded.
    imports = [node for node in ast.parse(cells["setup"].source).body if isinstance(node, ast.ImportFrom)]
    exec(compile(ast.Module(imports, []), "setup", "exec"), names)
    exec(cells["load_data"].source, names)
    names["experiment"] = cells["experiment"].source
    measure = bleu_of_unseen(names, ast.parse(cells["test_experiment"].source))
    rows = []
    for seed in range(first, first + num_seeds):
        rows.append(scores_of_seed(seed, names, measure, seed < first + num_wrong))
        sys.stdout.write(f"{seed}: " + ", ".join(f"{name} {score:.1f}" for name, score in rows[-1].items()) + "\n")
        sys.stdout.flush()
    for name in rows[0]:
        column = [row[name] for row in rows if name in row]
        sys.stdout.write(
            f"| {name} | {len(column)} | {max(column):.1f} | {np.median(column):.1f} | {min(column):.1f} |\n"
        )


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    seeds = given[0] if given else 10
    main(seeds, given[1] if len(given) > 1 else seeds, given[2] if len(given) > 2 else 0)
