"""Figures: titles, labels, colours, and one figure shown once."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from coursekit import plots

matplotlib.use("Agg")


def images_of(figure) -> list[np.ndarray]:
    return [axis.images[0].get_array() for axis in figure.axes if axis.images]


def test_image_grid_places_each_image_under_its_title() -> None:
    images = np.arange(5 * 4 * 4, dtype="uint8").reshape(5, 4, 4, 1)
    figure = plots.image_grid(images, titles="abcde", columns=3, title="Five")
    assert [axis.get_title() for axis in figure.axes][:5] == list("abcde")
    assert len(figure.axes) == 6
    assert figure.get_suptitle() == "Five"
    for shown, image in zip(images_of(figure), images, strict=True):
        np.testing.assert_array_equal(shown, image[..., 0])


def test_image_grid_in_colour() -> None:
    images = np.random.default_rng(0).integers(0, 255, (2, 4, 4, 3), dtype="uint8")
    np.testing.assert_array_equal(images_of(plots.image_grid(images))[1], images[1])


@pytest.mark.parametrize(("num", "titles"), [(2, ["one"]), (0, None)])
def test_image_grid_refuses(num, titles) -> None:
    with pytest.raises(ValueError, match="title|no images"):
        plots.image_grid(np.zeros((num, 4, 4)), titles=titles)


def test_histories_takes_dictionaries_lists_and_fit_results() -> None:
    class Fitted:
        history = {"loss": [3.0, 2.0], "val_loss": [4.0, 3.0]}

    figure = plots.histories({"fit": Fitted(), "dictionary": {"loss": [2, 1]}, "list": [1, 0.5]}, "loss")
    (axis,) = figure.axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", "loss")
    assert axis.get_title()
    curves = {line.get_label(): line for line in axis.lines}
    np.testing.assert_array_equal(curves["list"].get_xdata(), [1, 2])
    np.testing.assert_array_equal(curves["fit"].get_ydata(), [3, 2])
    dashed = [line for line in axis.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    assert [list(line.get_ydata()) for line in dashed] == [[4, 3]]
    assert dashed[0].get_color() == curves["fit"].get_color()


def test_histories_names_what_is_there() -> None:
    with pytest.raises(KeyError, match="no metric 'accuracy'.*loss"):
        plots.histories({"run": {"loss": [1]}}, "accuracy")


def test_confusion_matrix_shows_counts_and_shares() -> None:
    figure = plots.confusion_matrix(np.array([[8, 2], [0, 5]]), ["cat", "dog"])
    axis = figure.axes[0]
    assert [text.get_text() for text in axis.texts] == ["8", "2", "5"]
    np.testing.assert_allclose(axis.images[0].get_array(), [[0.8, 0.2], [0, 1]])
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted class", "true class")


def test_confusion_matrix_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match="3 class names"):
        plots.confusion_matrix(np.eye(2), ["a", "b", "c"])


def test_figures_are_shown_once_and_share_a_style() -> None:
    plt.close("all")
    figure, axis = plots.subplots()
    (line,) = axis.plot([0, 1])
    assert plt.get_fignums() == [], "an open figure would appear a second time in a notebook"
    assert figure.dpi == 100
    assert line.get_color() == plots.PALETTE[0]


def test_palette_survives_colour_blindness() -> None:
    # Viénot, Brettel and Mollon (1999): what a deuteranope sees, in linear RGB.
    deuteranope = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    colours = np.array([matplotlib.colors.to_rgb(colour) for colour in plots.PALETTE[:6]]) ** 2.2
    seen = np.clip(colours @ deuteranope.T, 0, 1) ** (1 / 2.2)
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=-1) + np.eye(len(seen))
    assert distances.min() > 0.1
