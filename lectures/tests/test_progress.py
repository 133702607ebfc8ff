"""Progress leaves one line on stdout and nothing on stderr."""

import keras
import numpy as np
import pytest
from coursekit import ProgressLine, progress, progress_bar


def test_loop_yields_everything_and_leaves_one_line(capfd) -> None:
    assert list(progress_bar([3, 1, 2], "items")) == [3, 1, 2]
    out, err = capfd.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    assert out.startswith("items: 3/3 steps, ")
    assert "\r" not in out


def test_loop_without_a_length(capfd) -> None:
    list(progress_bar((x for x in "ab"), unit="letters"))
    assert capfd.readouterr().out.startswith("2 letters, ")


def test_loop_left_early_says_how_far_it_came(capfd) -> None:
    walk = progress_bar(range(5), "loop")
    next(walk)
    next(walk)
    walk.close()
    assert capfd.readouterr().out.startswith("loop: 1/5 steps")


def test_error_in_the_loop_is_not_swallowed() -> None:
    def failing():
        yield 1
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        list(progress_bar(failing()))


def test_fit_leaves_one_line_with_its_metrics(capfd) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 2)), np.ones(8), epochs=3, verbose=0, callbacks=[progress_bar(label="net")])
    out, err = capfd.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    assert out.startswith("net: 3/3 epochs, loss ")


def test_notebook_gets_one_display_that_is_updated(monkeypatch) -> None:
    shown = []

    class Handle:
        def update(self, text):
            shown[-1] = repr(text)

    def display(text, display_id):
        assert display_id is True
        shown.append(repr(text))
        return Handle()

    monkeypatch.setattr(progress, "get_ipython", lambda: type("Shell", (), {"kernel": object()})())
    monkeypatch.setattr(progress, "display", display)
    line = ProgressLine()
    line.update("one")
    line.update("too soon, dropped")
    assert shown == ["one"]
    line.update("done", last=True)
    assert shown == ["done"]
