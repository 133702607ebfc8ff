"""Collecting from an exchange that students write into."""

import os

import pytest
import tiny
from coursegrader.course import Course
from coursegrader.gradebook.record import register_assignment
from coursegrader.submission.spec import Spec
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

STAMP = "2026-10-01 10:00:00 UTC"


@pytest.fixture
def course(tmp_path):
    course = tiny.make_course(tmp_path)
    register_assignment(course, Spec.load(course, tiny.PS))
    return course


def inbound(course: Course, student: str, random: str = "abc"):
    """The folder that a student's `nbgrader submit` makes on the exchange."""
    exchange = course.data / "exchange" / course.directory.course_id / "inbound"
    folder = exchange / f"{student}+{tiny.PS}+{STAMP}+{random}"
    folder.mkdir(parents=True)
    (folder / f"{tiny.PS}.ipynb").write_bytes(tiny.to_bytes(tiny.submission()))
    (folder / "timestamp.txt").write_text(STAMP)
    return folder


def collect(course: Course) -> dict:
    """What the formgrader's button for collecting does."""
    return NbGraderAPI(CourseDirectory(config=course.config), config=course.config).collect(tiny.PS)


def collected(course: Course) -> set[str]:
    return {path.relative_to(course.submitted).as_posix() for path in course.submitted.rglob("*") if path.is_file()}


def test_what_students_hand_in_is_collected_and_what_they_point_at_is_not(course):
    (inbound(course, "ann") / "figures").mkdir()
    figure = course.data.rglob("figures")
    (next(figure) / "mine.png").write_bytes(b"picture")
    secret = course.source(tiny.PS) / f"{tiny.PS}.ipynb"
    folder = inbound(course, "bob")
    (folder / "data.csv").symlink_to(secret)
    (folder / "more").symlink_to(secret.parent)
    os.mkfifo(folder / "endless")
    (folder.parent / f"cid+{tiny.PS}+{STAMP}+abc").symlink_to(secret.parent)
    (folder.parent / f"dan+{tiny.PS}+{STAMP}+abc").symlink_to("nowhere")
    answer = collect(course)
    assert answer["success"]
    expected = {
        f"{student}/{tiny.PS}/{name}" for student in ("ann", "bob") for name in (f"{tiny.PS}.ipynb", "timestamp.txt")
    }
    assert collected(course) == expected | {f"ann/{tiny.PS}/figures/mine.png"}
    for words in ("data.csv is a link", "more is a link", "endless is a link or no plain file", "dan+"):
        assert words in answer["log"]


def test_a_submission_that_is_too_large_stops_no_other(course):
    course.config.CourseDirectory.max_dir_size = 50
    (inbound(course, "ann") / "large.txt").write_bytes(bytes(100_000))
    inbound(course, "bob")
    answer = collect(course)
    assert answer["success"] and "not collected; ask the student to submit it without large files" in answer["log"]
    assert {name.split("/")[0] for name in collected(course)} == {"bob"}
