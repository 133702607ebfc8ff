"""Lock: one run at a time writes grades of a class; and what an unfinished run was doing, so that it is continued."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from coursegrader.course import Course
from coursegrader.errors import CourseError, GradingUnderWay
from coursegrader.gradebook.table import replacing


@contextmanager
def grading(course: Course) -> Iterator[None]:
    """Holds the class's lock: `GradingUnderWay` where another run holds it.

    The operating system gives it back when its holder ends, however that ends: a lock of a dead run is no obstacle.
    """
    path = course.data / ".grading.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not inherited by what this process starts: a kernel left behind must not hold it.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise CourseError(
                    f"{path} cannot be locked ({error.strerror}), and two runs at once would spoil the gradebook: name"
                    " a folder on a local disk in COURSE_DIR."
                ) from error
            raise GradingUnderWay(
                f"Another run is grading this class: {_holder(path)}. Wait until it ends, or stop it there; what it"
                " has graded is kept, and this command then does the rest."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now():%H:%M}".encode())
        yield
    finally:
        os.close(descriptor)


def _holder(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() or "it has just begun"


@dataclass(frozen=True)
class Job:
    """What a run that grades again was asked for; `run` names it in the ledger."""

    assignment: str
    again: bool
    only: tuple[str, ...]
    students: tuple[str, ...]
    specification: str
    run: str = ""
    started: str = ""


def begin(course: Course, job: Job) -> tuple[Job, bool]:
    """Starts a job, or takes up the unfinished one that was asked for the same; says whether it was taken up.

    Without this, a run with `--again` that was killed could not tell what it had graded from what was graded before.
    """
    path = _path(course, job.assignment)
    if path.exists():
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            before = Job(**stored | {"only": tuple(stored["only"]), "students": tuple(stored["students"])})
        except (ValueError, TypeError, KeyError):
            before = None
        if before and asdict(before) | {"run": "", "started": ""} == asdict(job):
            return before, True
    job = Job(**asdict(job) | {"run": uuid.uuid4().hex, "started": f"{datetime.now():%Y-%m-%d %H:%M}"})
    with replacing(path) as handle:
        json.dump(asdict(job), handle)
    return job, False


def end(course: Course, assignment: str) -> None:
    """Forgets the job: it is done."""
    _path(course, assignment).unlink(missing_ok=True)


def _path(course: Course, assignment: str) -> Path:
    return course.data / f".grading-{assignment}.json"
