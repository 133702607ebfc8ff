"""Report: a page on how a class did, for staff. One file that works offline."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from urllib.parse import quote

from jinja2 import Environment, PackageLoader

from coursegrader.course import Course
from coursegrader.errors import NothingSubmitted
from coursegrader.gradebook.export import submission_scores
from coursegrader.gradebook.record import found, open_gradebook, seconds_late
from coursegrader.gradebook.table import number, replacing
from coursegrader.submission.scores import TOTAL, CellScore, Status

PASS_SHARE = 0.6
KINDS = (
    ("full", "full points"),
    ("partial", "some points"),
    ("zero", "no points"),
    ("blank", "nothing written"),
    ("stopped", "did not run"),
)
WORDS = {"needs_manual": "to be marked", "not_run": "cut short"}
LOOK = (Status.FAILED, Status.NOT_RUN, Status.FLAGGED)
WIDTH, HEIGHT, FLOOR, BIN = 1040, 240, 200, 10


@dataclass(frozen=True)
class Line:
    """One student in the report."""

    student: str
    name: str
    scores: tuple[CellScore, ...]
    total: CellScore
    seconds: float
    late: bool
    feedback: str


@dataclass(frozen=True)
class Forged:
    """What a made-up student tried, and the points that the honest answers are worth."""

    student: str
    tried: str
    worth: float


def write_report(course: Course, assignment: str, forged: Sequence[Forged] = ()) -> Path:
    """Writes the class's page from the gradebook and gives its path; `NothingSubmitted` when nothing is recorded.

    `forged` is known of made-up classes alone: of a real one, the page shows flags and reasons.
    """
    path = course.reports / f"{assignment}.html"
    lines = list(_lines(course, assignment))
    if not lines:
        raise NothingSubmitted(
            f"The gradebook has no submission of {assignment}: `coursegrader autograde {assignment}` comes first."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as handle:
        handle.write(page(assignment, lines, forged))
    return path


def page(assignment: str, lines: list[Line], forged: Sequence[Forged] = ()) -> str:
    """The page as HTML."""
    environment = Environment(loader=PackageLoader("coursegrader.pages"), autoescape=True)
    environment.filters["points"] = lambda value: number(round(value, 2))
    environment.filters["words"] = lambda status: WORDS.get(status, status)
    lines = sorted(lines, key=lambda line: (-line.total.points, line.name))
    most = lines[0].total.max_points
    waiting = sum(score.status is Status.NEEDS_MANUAL for line in lines for score in line.scores)
    return environment.get_template("report.html.j2").render(
        assignment=assignment,
        note=f"{waiting} written answers wait to be marked by hand; their points are not in yet." if waiting else "",
        cards=_cards(lines, most),
        chart=_chart([line.total.points for line in lines], most),
        pass_mark=PASS_SHARE * most,
        max_points=most,
        kinds=KINDS,
        tasks=[_task(column) for column in zip(*(line.scores for line in lines), strict=True)],
        forgers=_forgers(lines, forged),
        looks=[_student(line) for line in lines if line.total.status in LOOK],
        students=[_student(line) for line in lines],
    )


def _lines(course: Course, assignment: str) -> Iterable[Line]:
    with open_gradebook(course) as gradebook:
        for submission in gradebook.assignment_submissions(assignment):
            *scores, total = submission_scores(gradebook, submission)
            student = submission.student
            names = (student.first_name, student.last_name)
            feedback = course.feedback / student.id / assignment / f"{assignment}.html"
            link = quote(Path(os.path.relpath(feedback, course.reports)).as_posix()) if feedback.exists() else ""
            yield Line(
                student.id,
                " ".join(filter(None, names)) or student.id,
                tuple(scores),
                total,
                found(gradebook, submission).get("seconds", 0.0),
                seconds_late(submission) > 0,
                link,
            )


def _forgers(lines: list[Line], forged: Sequence[Forged]) -> list[dict]:
    """One row for each forger: what was tried, what the honest answers are worth, what was earned."""
    of_student = {line.student: line for line in lines}
    return [
        {
            "name": of_student[one.student].name,
            "tried": one.tried,
            "worth": one.worth,
            "earned": of_student[one.student].total.points,
            "gained": of_student[one.student].total.points - one.worth,
        }
        for one in forged
        if one.student in of_student
    ]


def _cards(lines: list[Line], most: float) -> list[dict]:
    points = [line.total.points for line in lines]
    passed = sum(value >= PASS_SHARE * most for value in points)
    return [
        {"value": number(round(mean(points), 1)), "label": "points on average"},
        {"value": number(round(median(points), 1)), "label": "points, median"},
        {"value": f"{100 * passed / len(lines):.0f} %", "label": "at or above the pass mark"},
        {"value": sum(line.late for line in lines), "label": "handed in late"},
        {"value": sum(line.total.status in LOOK for line in lines), "label": "need a look"},
        {"value": sum(line.total.status is Status.FAILED for line in lines), "label": "could not be graded"},
    ]


def _chart(points: list[float], most: float) -> dict:
    """The geometry of the histogram, in bins of a tenth of the points that can be had without bonus."""
    step = most / BIN
    bins = BIN + 1
    counts = Counter(min(int(value / step), bins - 1) for value in points)
    width = WIDTH / bins
    tallest = max(counts.values())
    bars = []
    for index in range(bins):
        height = 160 * counts[index] / tallest
        low, high = number(round(index * step, 1)), number(round((index + 1) * step, 1))
        bars.append(
            {
                "x": round(index * width + 4, 1),
                "y": round(FLOOR - height, 1),
                "width": round(width - 8, 1),
                "height": round(height, 1),
                "middle": round((index + 0.5) * width, 1),
                "count": counts[index],
                "colour": "#0072b2" if index * step >= PASS_SHARE * most - 1e-9 else "#e69f00",
                "title": f"{low} to {high} points: {counts[index]}",
            }
        )
    ticks = [
        {
            "x": round(index * width, 1),
            "label": number(round(index * step, 1)),
            "anchor": "start" if index == 0 else "middle",
        }
        for index in range(bins)
    ]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "floor": FLOOR,
        "bars": bars,
        "ticks": ticks,
        "pass_x": round(PASS_SHARE * BIN * width, 1),
    }


def _task(column: tuple[CellScore, ...]) -> dict:
    """One row of the table of tasks, from the same cell of every student."""
    first = column[0]
    marked = [score for score in column if score.points is not None]
    counts = Counter(kind(score) for score in marked)
    reasons = Counter(score.reason for score in marked if kind(score) == "zero" and score.reason)
    reason, times = reasons.most_common(1)[0] if reasons else ("", 0)
    earned = [score.points / score.max_points for score in marked if score.max_points]
    return {
        "cell": first.cell,
        "max_points": first.max_points,
        "mean": mean(earned) if len(earned) == len(column) else None,
        "parts": [
            {"kind": name, "percent": round(100 * counts[name] / len(column), 2)} for name, _ in KINDS if counts[name]
        ],
        "title": ", ".join(f"{counts[name]} {label}" for name, label in KINDS if counts[name]),
        "reason": reason,
        "reason_count": times,
        "waiting": len(column) - len(marked),
    }


def kind(score: CellScore) -> str:
    """What a square or a part of a bar shows."""
    if score.points is None:
        return "wait"
    if score.status in (Status.NOT_RUN, Status.FAILED):
        return "stopped"
    if score.status is Status.BLANK:
        return "blank"
    if score.points >= score.max_points:
        return "full"
    return "partial" if score.points > 0 else "zero"


def _student(line: Line) -> dict:
    return {
        "name": line.name,
        "points": line.total.points,
        "status": line.total.status.value,
        "reason": line.total.reason or _flags(line),
        "late": line.late,
        "seconds": line.seconds,
        "feedback": line.feedback,
        "dots": [
            {
                "kind": kind(score),
                "title": f"{score.cell}: {_points(score)} of {number(score.max_points)}. {score.reason}".rstrip(". "),
            }
            for score in line.scores
            if score.cell != TOTAL
        ],
    }


def _points(score: CellScore) -> str:
    return "–" if score.points is None else number(round(score.points, 2))


def _flags(line: Line) -> str:
    return "; ".join(dict.fromkeys(score.reason for score in line.scores if score.status in LOOK and score.reason))
