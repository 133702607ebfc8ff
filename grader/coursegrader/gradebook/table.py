"""`grades.csv`: marks, a cell a row."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from coursegrader.submission.scores import CellScore

# What a cell must not begin with (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = ("student", "cell", "points", "max_points", "status", "reason")


def row(student: str, score: CellScore) -> dict[str, str]:
    """A cell's score as a row; points are empty until somebody marked the cell."""
    return {
        "student": harmless(student),
        "cell": score.cell,
        "points": "" if score.points is None else number(score.points),
        "max_points": number(score.max_points),
        "status": score.status.value,
        "reason": harmless(score.reason),
    }


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: students choose the names of their exceptions, and a gradebook
    that nbgrader filled may know any name for a student.
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def number(value: float) -> str:
    """Points as people write them: no more than four decimals, and none that say nothing."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def write_table(path: Path, rows: Iterable[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> None:
    """Writes rows to a CSV file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


class replacing:
    """A text file that takes the place of `path` when the `with` block ends without an exception."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self):
        descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        self.temporary = Path(name)
        self.handle = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        return self.handle

    def __exit__(self, kind: type | None, *_: object) -> None:
        self.handle.close()
        if kind is None:
            self.temporary.chmod(0o644)
            self.temporary.replace(self.path)
        else:
            self.temporary.unlink()
