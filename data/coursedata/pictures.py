"""The pictures in data/README.md, made anew by `python -m coursedata.pictures FOLDER`."""

import io
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from coursedata import domains, faces, png
from coursedata.scenes import CLASSES, Nuisances, render
from coursedata.speech import RATE, add_noise, bundled, reverberate

NUISANCES = ("viewpoint", "illumination", "occlusion", "deformation", "variation", "clutter")
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


def classes_figure(rows: int = 4) -> Figure:
    """Every class: its prototype, then `rows` pictures at the standard difficulty."""
    labels = np.arange(len(CLASSES))
    columns = [render(len(CLASSES), seed=0, labels=labels, size=48, nuisances=Nuisances.none())]
    columns += [render(len(CLASSES), seed=seed, labels=labels) for seed in range(1, rows + 1)]
    figure, axes = plt.subplots(
        rows + 1, len(CLASSES), figsize=(len(CLASSES) * 0.9, (rows + 1) * 0.95), layout="constrained"
    )
    for row, scenes in enumerate(columns):
        for column, axis in enumerate(axes[row]):
            axis.imshow(scenes.images[column])
            axis.set_axis_off()
            if row == 0:
                axis.set_title(CLASSES[column], fontsize=9)
    figure.suptitle("Top: prototypes without nuisances. Below: 32×32 pixels at the standard difficulty", fontsize=10)
    return figure


def nuisances_figure() -> Figure:
    """The same objects while one nuisance grows from 0 to 1 and all others are absent, two objects a nuisance."""
    labels = np.array([CLASSES.index(name) for name in ("car", "mug")])
    figure, axes = plt.subplots(len(NUISANCES), 2 * len(STRENGTHS), figsize=(11, 6.6), layout="constrained")
    for row, name in zip(axes, NUISANCES, strict=True):
        for place, strength in enumerate(STRENGTHS):
            nuisances = replace(Nuisances.none(), **{name: strength})
            images = render(2, seed=11, labels=labels, nuisances=nuisances).images
            for thing, image in enumerate(images):
                axis = row[thing * len(STRENGTHS) + place]
                axis.imshow(image)
                axis.set(xticks=[], yticks=[])
                if row is axes[0]:
                    axis.set_title(f"{strength:g}", fontsize=9)
        row[0].set_ylabel(name, fontsize=9)
    figure.suptitle("One nuisance at a time, from 0 (absent) to 1", fontsize=10)
    return figure


def objects_figure() -> Figure:
    """Several objects in a picture, with the box and the visible pixels of each."""
    scenes = render(4, seed=5, size=96, num_objects=3)
    figure, axes = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
    for axis, image, masks, boxes, classes in zip(
        axes, scenes.images, scenes.masks, scenes.boxes, scenes.classes, strict=True
    ):
        axis.imshow(image)
        for mask, (y0, x0, y1, x1), label in zip(masks, boxes, classes, strict=True):
            axis.contour(mask, levels=[0.5], colors="white", linewidths=1)
            frame = plt.Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor="#f0e442")
            axis.add_patch(frame)
            axis.text(x0, y0 - 2, CLASSES[label], fontsize=8, color="black", backgroundcolor="#f0e442")
        axis.set_axis_off()
    figure.suptitle("Three objects a picture: class, box and visible pixels of each", fontsize=10)
    return figure


def speech_figure() -> Figure:
    """Spectrograms of a digit string by three voices, and of one in noise and in a room; words and phonemes marked."""
    rng = np.random.default_rng(0)
    long = {one.speaker: one for one in bundled.load().train if len(one.digits) == 4}
    ada, jock, kate = (long[name] for name in ("ada", "jock", "kate"))
    shown = {
        "ada, a woman from America": (ada, ada.wave),
        "jock, a man from Scotland": (jock, jock.wave),
        "kate, a woman from Lancashire": (kate, kate.wave),
        "kate with pink noise, 10 dB": (kate, add_noise(kate.wave, 10, rng)),
        "kate in a room, 0.5 s": (kate, reverberate(kate.wave, 0.5, rng)),
    }
    figure, axes = plt.subplots(len(shown), 1, figsize=(9, 8), layout="constrained")
    for axis, (title, (utterance, wave)) in zip(axes, shown.items(), strict=True):
        audible = wave + 1e-5 * rng.standard_normal(len(wave))  # digital silence has no logarithm
        axis.specgram(
            audible, NFFT=256, Fs=RATE, noverlap=160, vmin=-110, vmax=-30, cmap="magma", interpolation="nearest"
        )
        for word in utterance.words:
            axis.axvline(word.start / RATE, color="white", linewidth=1)
        for phoneme in utterance.phonemes:
            middle = (phoneme.start + phoneme.end) / 2 / RATE
            axis.text(middle, 3600, phoneme.label, color="white", fontsize=8, ha="center")
        axis.set_title(f"{title}: {' '.join(word.label for word in utterance.words)}", fontsize=9, loc="left")
        axis.set_ylabel("Hz")
    axes[-1].set_xlabel("seconds")
    figure.suptitle("Bundled speech: words begin at the lines, phonemes in eSpeak's notation above", fontsize=10)
    return figure


def faces_figure(columns: int = 9) -> Figure:
    """Faces at random, then one face while a single attribute changes."""
    figure, axes = plt.subplots(3 + len(faces.ATTRIBUTES), columns, figsize=(0.8 * columns, 11), layout="constrained")
    for axis, image in zip(axes[:3].flat, faces.render(3 * columns, seed=0).images, strict=True):
        axis.imshow(image)
    usual = {"glasses": 0, "smile": 1, "hair": 1, "beard": 0, "age": 0.45, "shape": 1, "skin": 0.2, "hair_colour": 1}
    usual |= {"pose": 0.5, "light": 0.35}
    for row, (name, attribute) in zip(axes[3:], faces.ATTRIBUTES.items(), strict=True):
        values = range(len(attribute.values)) if attribute.is_class else np.linspace(0, 1, columns)
        for axis, value in zip(row, values, strict=False):
            axis.imshow(faces.render(1, seed=12, size=48, labels={**usual, name: value}).images[0])
            if attribute.is_class:
                axis.set_xlabel(attribute.values[value], fontsize=8)
        if not attribute.is_class:
            row[0].set_xlabel(attribute.values[0], fontsize=8)
            row[-1].set_xlabel(attribute.values[1], fontsize=8)
        row[0].set_ylabel(name, fontsize=9)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.set_frame_on(False)
    figure.suptitle("Top: 32×32 pixels at random. Below: one attribute at a time, 48×48", fontsize=10)
    return figure


def domains_figure(columns: int = 7) -> Figure:
    """Pairs, with two photographs of each layout, then each domain above the counterparts of its scenes."""
    rows: list[tuple[str, np.ndarray]] = []
    for kind in domains.PAIRS:
        looks = [domains.render_pairs(kind, columns, seed=0, look=look) for look in (0, 1)]
        rows += [(kind, looks[0].inputs), *((f"look {look}", pairs.targets) for look, pairs in enumerate(looks))]
    for kind, (first, second) in domains.DOMAINS.items():
        for here, there in ((first, second), (second, first)):
            rows.append((here, domains.render_domain(kind, here, columns, seed=0).images))
            rows.append((f"({there})", domains.counterpart(kind, here, columns, seed=0).images))
    figure, axes = plt.subplots(len(rows), columns, figsize=(0.82 * columns, 0.78 * len(rows)), layout="constrained")
    for row, (name, images) in zip(axes, rows, strict=True):
        row[0].set_ylabel(name, fontsize=9)
        for axis, image in zip(row, images, strict=True):
            axis.imshow(image)
            axis.set(xticks=[], yticks=[])
            axis.set_frame_on(False)
    figure.suptitle(
        "Pairs: input and two photographs of it. Domains: pictures and (below) their counterparts", fontsize=10
    )
    return figure


FIGURES = {
    "faces": faces_figure,
    "domains": domains_figure,
    "classes": classes_figure,
    "nuisances": nuisances_figure,
    "objects": objects_figure,
    "speech": speech_figure,
}


def main(folder: Path) -> None:
    """Writes every figure as a PNG file of 100 dpi into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        figure = draw()
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=100, bbox_inches="tight", metadata={"Software": None})
        (folder / f"{name}.png").write_bytes(png.smaller(file.getvalue()))
        plt.close(figure)


if __name__ == "__main__":
    plt.switch_backend("agg")
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/pictures"))
