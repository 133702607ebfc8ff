"""Figures that look the same in every lecture: colours readable to the colour-blind, 100 dpi, axes with names.

Every function returns its figure. The figure is closed for pyplot, so that a notebook shows it once, when it is the
last value of a cell.
"""

from collections.abc import Mapping, Sequence

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Okabe and Ito, "Color Universal Design" (2008): eight colours told apart with any common colour blindness. Blue and
# vermilion first, yellow last because it is faint on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")

STYLE = {
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "axes.prop_cycle": matplotlib.cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.grid": True,
    "grid.alpha": 0.3,
    "image.cmap": "cividis",
    "image.interpolation": "nearest",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def use_style() -> None:
    """Make the course's style the default of every figure made from here on."""
    plt.rcParams.update(STYLE)


def subplots(rows: int = 1, columns: int = 1, *, width: float = 4.5, height: float = 3.2, **options):
    """A figure and its axes, `width` by `height` inches for each: `plt.subplots`, closed for pyplot."""
    figure, axes = plt.subplots(rows, columns, figsize=(columns * width, rows * height), **options)
    plt.close(figure)
    return figure, axes


def image_grid(
    images: np.ndarray | Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    columns: int = 8,
    *,
    title: str = "",
    scale: float = 1.0,
    vmin: float | None = None,
    vmax: float | None = None,
) -> Figure:
    """Images in rows of `columns`, each under its title.

    `images` is (num, height, width), (num, height, width, 1) in grey or (num, height, width, 3) in colour: uint8 in
    0..255 or floats in 0..1. `vmin` and `vmax` fix the grey scale for all images (the default scales each by itself).
    `scale` is the size of an image in inches. Raises `ValueError` when the number of titles differs.
    """
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"{len(images)} images but {len(titles)} titles: give one title an image")
    if len(images) == 0:
        raise ValueError("no images to show")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = scale * (1.25 if titles is not None else 1.05)
    figure, axes = subplots(rows, columns, width=scale, height=height, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for k, (image, axis) in enumerate(zip(images, axes.flat, strict=False)):
        pixels = np.asarray(image)
        if pixels.ndim == 3 and pixels.shape[-1] == 1:
            pixels = pixels[..., 0]
        axis.imshow(pixels, cmap="gray" if pixels.ndim == 2 else None, vmin=vmin, vmax=vmax)
        if titles is not None:
            axis.set_title(str(titles[k]), fontsize=8)
    if title:
        figure.suptitle(title, fontsize="medium")
    return figure


def histories(
    runs: Mapping[str, object],
    metric: str = "loss",
    *,
    title: str = "",
    xlabel: str = "epoch",
    ylabel: str = "",
    log: bool = False,
    first: int = 1,
) -> Figure:
    """One curve a run of a training metric, against epochs counted from `first`.

    A run is what `fit` returns, its `history` dictionary, or a sequence of values. Where a run also has
    `val_<metric>`, that is drawn dashed in the same colour. Raises `KeyError` naming the metrics that a run has.
    """
    figure, axis = subplots(width=6.0, height=3.6)
    with_validation = False
    for name, run in runs.items():
        values = getattr(run, "history", run)
        if not isinstance(values, Mapping):
            values = {metric: values}
        if metric not in values:
            raise KeyError(f"run {name!r} has no metric {metric!r}, it has {sorted(values)}")
        steps = np.arange(first, first + len(values[metric]))
        (line,) = axis.plot(steps, values[metric], label=name)
        if f"val_{metric}" in values:
            with_validation = True
            axis.plot(steps, values[f"val_{metric}"], linestyle="--", color=line.get_color())
    if log:
        axis.set_yscale("log")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set(xlabel=xlabel, ylabel=ylabel or metric, title=title or f"{ylabel or metric} during training")
    if with_validation:
        axis.plot([], [], color="0.4", linestyle="--", label="validation")
    axis.legend()
    return figure


def confusion_matrix(matrix: np.ndarray, class_names: Sequence[str], *, title: str = "Confusion matrix") -> Figure:
    """Counts of true classes (rows) against predicted classes (columns), coloured by their share of the row.

    `matrix` is (num_classes, num_classes) of counts. Raises `ValueError` when it does not fit `class_names`.
    """
    matrix = np.asarray(matrix)
    num_classes = len(class_names)
    if matrix.shape != (num_classes, num_classes):
        raise ValueError(f"{num_classes} class names need a matrix ({num_classes}, {num_classes}), got {matrix.shape}")
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = max(3.6, 0.42 * num_classes + 1.4)
    figure, axis = subplots(width=side + 0.6, height=side)
    picture = axis.imshow(shares, vmin=0, vmax=1, cmap="cividis")
    axis.grid(False)
    axis.set_xticks(range(num_classes), class_names, rotation=45, ha="right")
    axis.set_yticks(range(num_classes), class_names)
    axis.set(xlabel="predicted class", ylabel="true class", title=title)
    for row, column in zip(*np.nonzero(matrix), strict=True):
        dark = shares[row, column] < 0.5
        axis.text(column, row, f"{matrix[row, column]:g}", ha="center", va="center", fontsize=7, color="wk"[not dark])
    figure.colorbar(picture, ax=axis, label="share of the true class", shrink=0.8)
    return figure
