"""Board: what staff see while a class is graded, and what is left for them to do when it is."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from textwrap import shorten

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from coursegrader.gradebook.autograde import Standing
from coursegrader.gradebook.table import number
from coursegrader.submission.scores import Status

SKIPPED = (Standing.ALREADY, Standing.LEFT_OUT)
LOOK = (Status.FAILED, Status.NOT_RUN, Status.FLAGGED)
MAX_ROWS, MAX_WHY = 40, 400
# On a narrower terminal the line has no rate and a short bar; with a rate it would be cut in its middle.
WIDE = 110
# What stands on a narrow line beside the counts.
BESIDE = 52
REMEDIES = {
    Status.FAILED: "has zero points until it is mended or handed in again, as the line says; then run this again",
    Status.NOT_RUN: (
        "was cut short: open the graded notebook. Where the machine was to blame (busy, out of memory), grade it again"
        " with `coursegrader autograde {assignment} --again --student NAME`"
    ),
    Status.FLAGGED: "has points, but a person should decide: look, and mark by hand in the formgrader where you differ",
}


class Board:
    """Counts what became of each submission, and shows it once the number of submissions is known."""

    def __init__(self, progress: Progress, task: TaskID, title: str = "") -> None:
        self._progress, self._task, self._title = progress, task, title
        self.counts: Counter[Standing] = Counter()
        self.started = time.monotonic()

    def watch(self, number: int) -> Callable[[str, Standing], None]:
        """Takes the number of submissions, and gives what is to be told of each."""
        if self._title:
            self._progress.console.print(self._title)
        self._progress.update(self._task, total=number)
        self._progress.start()
        return self.tell

    def tell(self, student: str, standing: Standing) -> None:
        """One submission is done."""
        self.counts[standing] += 1
        rate = self.rate()
        left = self._progress.tasks[self._task].total - self.counts.total()
        width, counts = self._progress.console.width, in_words(self.counts)
        self._progress.update(
            self._task,
            advance=1,
            rate=f"{60 * rate:.3g}/min" if rate and width >= WIDE else "",
            left=f"{timedelta(seconds=round(left / rate))} left" if rate and left else "",
            counts=counts if width >= WIDE else shorten(counts, max(width - BESIDE, 20), placeholder=" ..."),
        )

    def rate(self) -> float:
        """Submissions a second, those not counted that were graded before."""
        graded = self.counts.total() - sum(self.counts[one] for one in SKIPPED)
        return graded / max(time.monotonic() - self.started, 0.001)


@contextmanager
def board(console: Console, what: str, title: str = "") -> Iterator[Board]:
    """A progress bar with rate, remaining time and counts, which leaves one line behind.

    Nothing is shown, `title` neither, before `Board.watch` is called: a run that is refused leaves no bar.
    """
    columns = (
        TextColumn(what),
        BarColumn(bar_width=24 if console.width >= WIDE else 8),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[counts]}"),
    )
    progress = Progress(*columns, console=console)
    try:
        yield Board(progress, progress.add_task(what, total=None, rate="", left="", counts=""), title)
    finally:
        if progress.live.is_started:
            progress.stop()


def in_words(counts: Counter[Standing]) -> str:
    """Counts as `20 graded, 1 failed`; standings that nobody has are left out."""
    return ", ".join(f"{counts[one]} {one}" for one in Standing if counts[one])


def summary(console: Console, assignment: str, lines: Iterable[dict]) -> bool:
    """Shows who needs a person and what that person can do; gives whether there is anybody.

    `lines` are those of `results/PS.jsonl`: of the whole class, whenever it was graded.
    """
    table = Table("student", "status", "points", "why, and what to do", title="Who needs a look", title_justify="left")
    found: Counter[Status] = Counter()
    for line in lines:
        status = Status(line["status"])
        if status not in LOOK:
            continue
        found[status] += 1
        if found.total() <= MAX_ROWS:
            table.add_row(escape(line["student"]), status.value, number(line["total"]), escape(_why(line)))
    if not found:
        return False
    console.print(table)
    if found.total() > MAX_ROWS:
        console.print(f"and {found.total() - MAX_ROWS} more: see the results that a machine can read.")
    for status in LOOK:
        if found[status]:
            remedy = escape(REMEDIES[status].format(assignment=assignment))
            console.print(f"[bold]{status.value}[/] ({found[status]}): {remedy}.", soft_wrap=True)
    return True


def _why(line: dict) -> str:
    reasons = dict.fromkeys(one["reason"] for one in line["cells"] if one["status"] == line["status"])
    why = line["reason"] or "; ".join(filter(None, reasons))
    return why if len(why) <= MAX_WHY else f"{why[:MAX_WHY]} ..."
