"""One line of progress: it moves while the work runs, and one line stays in the stored notebook.

tqdm and `fit` rewrite a line with carriage returns, which a stored notebook keeps one by one (and tqdm writes to
stderr). Here a notebook's line is one display that is updated in place; elsewhere it goes to stdout.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

import keras
from IPython import get_ipython
from IPython.display import display

_SECONDS_BETWEEN_UPDATES = 0.5

Item = TypeVar("Item")


class _Text:
    """Text that IPython shows as it is, without quotes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


class ProgressLine:
    """A line of text that is rewritten in place: a display in a notebook, a carriage return in a terminal.

    Where stdout is neither, only the last text is written.
    """

    def __init__(self) -> None:
        self._in_notebook = getattr(get_ipython(), "kernel", None) is not None
        self._handle = None
        self._next_update = 0.0
        self._width = 0

    def update(self, text: str, *, last: bool = False) -> None:
        """Show `text`; too frequent updates are dropped, the `last` one never is."""
        now = time.monotonic()
        if not last and now < self._next_update:
            return
        self._next_update = now + _SECONDS_BETWEEN_UPDATES
        if self._in_notebook:
            self._show(text)
        elif sys.stdout.isatty():
            sys.stdout.write("\r" + text.ljust(self._width) + ("\n" if last else ""))
            sys.stdout.flush()
            self._width = len(text)
        elif last:
            sys.stdout.write(text + "\n")

    def _show(self, text: str) -> None:
        if self._handle is None:
            self._handle = display(_Text(text), display_id=True)
        else:
            self._handle.update(_Text(text))


class FitProgress(keras.callbacks.Callback):
    """Keras callback: the epoch, the time and the latest metrics of `fit` in one line. Use it with `verbose=0`."""

    def __init__(self, label: str = "") -> None:
        super().__init__()
        self._label = label

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._line = ProgressLine()
        self._start = time.monotonic()
        self._num_epochs = self.params.get("epochs")
        self._epochs_done = 0
        self._logs: dict = {}

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._line.update(self._text(logs or {}, batch + 1))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._epochs_done = epoch + 1
        self._logs = dict(logs or {})
        self._line.update(self._text(self._logs))

    def on_train_end(self, logs: dict | None = None) -> None:
        self._line.update(self._text(self._logs), last=True)

    def _text(self, logs: dict, steps: int = 0) -> str:
        parts = [_count(self._epochs_done, self._num_epochs, "epochs")]
        if steps:
            parts.append(_count(steps, self.params.get("steps"), "steps"))
        parts += [f"{name} {float(value):.3g}" for name, value in logs.items()]
        parts.append(f"{time.monotonic() - self._start:.0f} s")
        return _join(self._label, parts)


def progress_bar(
    iterable: Iterable[Item] | None = None, label: str = "", *, unit: str = "steps"
) -> Iterator[Item] | FitProgress:
    """Progress in one line, of a loop or of `fit`.

    `for x in progress_bar(items, "label")` walks through `items`; `callbacks=[progress_bar(label="label")]` is the
    Keras callback for `fit(..., verbose=0)`.
    """
    if iterable is None:
        return FitProgress(label)
    return _walk(iterable, label, unit)


def _walk(iterable: Iterable[Item], label: str, unit: str) -> Iterator[Item]:
    line = ProgressLine()
    start = time.monotonic()
    total = len(iterable) if isinstance(iterable, Sized) else None
    done = 0

    def text() -> str:
        return _join(label, [_count(done, total, unit), f"{time.monotonic() - start:.0f} s"])

    try:
        for item in iterable:
            line.update(text())
            yield item
            done += 1
    finally:
        # Also where the loop is left early: the line then says how far it came.
        line.update(text(), last=True)


def _count(done: int, total: int | None, unit: str) -> str:
    return f"{done}/{total} {unit}" if total is not None else f"{done} {unit}"


def _join(label: str, parts: list[str]) -> str:
    return (f"{label}: " if label else "") + ", ".join(parts)
