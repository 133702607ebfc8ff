"""JSON lines: what the grader found, a line a submission, for programs to read. `grader/README.md` lists the keys."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from coursegrader.gradebook.table import replacing
from coursegrader.submission.grade import Result
from coursegrader.submission.scores import CellScore, Status

# Grows when a key changes its meaning or goes; new keys may come at any time.
FORMAT = 1
# A test's account for staff: enough to see what happened, in a file that stays small.
MAX_STAFF = 4_000

# Control characters (some move the cursor or worse) and lone surrogates (which no file can hold).
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def as_line(assignment: str, student: str, result: Result) -> dict:
    """A result as plain data; `seconds` is wall time, `peak_memory` in bytes."""
    accounts = {one.grade_id: one.staff[:MAX_STAFF] for one in result.outcomes}
    cells = [_cell(score) | {"staff": accounts.get(score.cell, "")} for score in result.scores]
    total = result.total
    line = {
        "format": FORMAT,
        "assignment": assignment,
        "student": student,
        "status": total.status.value,
        "reason": total.reason,
        "total": total.points,
        "max_points": total.max_points,
        "seconds": round(result.seconds, 3),
        "peak_memory": result.peak_memory,
        "sandbox": result.level,
        "forgeable": any(one.forgeable for one in result.outcomes),
        "flags": list(result.flags),
        "notes": list(result.notes),
        "cells": cells,
    }
    return _clean(line)


def _clean(value: object) -> object:
    """Plain data whose texts can be written to any file and shown on any terminal: students' code has written them."""
    if isinstance(value, str):
        return UNPRINTABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {name: _clean(one) for name, one in value.items()}
    return value


def _cell(score: CellScore) -> dict:
    return {
        "cell": score.cell,
        "points": score.points,
        "max_points": score.max_points,
        "status": score.status.value,
        "reason": score.reason,
        "seconds": round(score.seconds, 3),
    }


def scores_of(line: dict) -> tuple[CellScore, ...]:
    """The scores of a line's cells."""
    return tuple(
        CellScore(one["cell"], one["points"], one["max_points"], Status(one["status"]), one["reason"], one["seconds"])
        for one in line.get("cells", [])
    )


def total_of(line: dict) -> CellScore:
    """The row of a line's sum."""
    return CellScore("total", line["total"], line["max_points"], Status(line["status"]), line["reason"])


def failure_of(line: dict) -> str:
    """Why the submission could not be graded; empty where it was."""
    return line["reason"] if line.get("status") == Status.FAILED else ""


def write_lines(path: Path, lines: Iterable[dict]) -> None:
    """Writes lines to a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as handle:
        for line in lines:
            handle.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


class Spool:
    """Lines that come in any order and are read in the students'; they wait on the disk, not in memory."""

    def __enter__(self) -> Spool:
        self._file = tempfile.TemporaryFile()
        self._places: dict[str, int] = {}
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, line: dict) -> None:
        """Keeps a line; a later one of the same student takes its place."""
        self._places[line["student"]] = self._file.seek(0, 2)
        self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")

    def __iter__(self) -> Iterator[dict]:
        for student in sorted(self._places):
            self._file.seek(self._places[student])
            yield json.loads(self._file.readline())
