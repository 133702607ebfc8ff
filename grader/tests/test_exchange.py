"""The whole way through nbgrader's exchange, by the commands that people type, each a process of its own."""

import os
import pwd
import subprocess
import sys
from functools import partial
from pathlib import Path

import nbformat
import pytest
import tiny
from coursegrader import sandbox
from coursegrader.notebooks import by_grade_id

UNSAFE = [] if any(found.ok for found in sandbox.available()) else ["--unsafe-no-sandbox"]


@pytest.fixture
def name():
    """What nbgrader calls whoever submits."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        pytest.skip("this user has no name on this machine, and nbgrader's exchange asks for one")


@pytest.fixture
def people(tmp_path):
    """The course, and how its teacher and a student of it run commands: with nothing shared but the exchange."""
    course = tiny.make_course(tmp_path / "course")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "nbgrader_config.py").symlink_to(course.root / "grader" / "nbgrader_config.py")
    students_folder = tmp_path / "student"
    students_folder.mkdir()
    everyone = os.environ | {
        "JUPYTER_CONFIG_DIR": str(tmp_path / "etc"),
        "JUPYTER_PREFER_ENV_PATH": "0",
        "COURSE_EXCHANGE": str(tmp_path / "exchange"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    teacher = partial(run, course.root, everyone)
    student = partial(run, students_folder, everyone | {"HOME": str(students_folder)})
    return course, teacher, student, students_folder / tiny.PS / f"{tiny.PS}.ipynb"


def run(folder, environment, *command):
    """Runs a command that must succeed."""
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def answer(path, **answers):
    """Writes answers into a student's copy."""
    notebook = nbformat.read(path, as_version=4)
    cells = by_grade_id(notebook)
    for name, source in answers.items():
        cells[name].source = source
    nbformat.write(notebook, path)


def test_from_release_to_feedback_in_the_students_hands(people, name):
    course, teacher, student, notebook = people
    course_id = ["--course", course.config.CourseDirectory.course_id]
    teacher("nbgrader", "release_assignment", tiny.PS)
    student("nbgrader", "fetch_assignment", tiny.PS, *course_id)
    assert "HIDDEN" not in notebook.read_text()
    answer(notebook, **tiny.ANSWERS | {"square": "def square(x):\n    return 2 * x"})
    student("nbgrader", "submit", tiny.PS, *course_id)
    teacher("nbgrader", "collect", tiny.PS)
    teacher("coursegrader", "autograde", tiny.PS, *UNSAFE)
    teacher("coursegrader", "feedback", tiny.PS)
    teacher("nbgrader", "release_feedback", tiny.PS)
    student("nbgrader", "fetch_feedback", tiny.PS, *course_id)
    (page,) = notebook.parent.glob("feedback/*/*.html")
    assert "Score: 9.0 / 20.0" in page.read_text()
    # A second, better version counts when it was collected.
    answer(notebook, **tiny.ANSWERS)
    student("nbgrader", "submit", tiny.PS, *course_id)
    teacher("nbgrader", "collect", tiny.PS, "--update")
    teacher("coursegrader", "autograde", tiny.PS, *UNSAFE)
    teacher("coursegrader", "export", tiny.PS)
    assert f"{name},total,19,20,needs_manual," in (course.reports / f"{tiny.PS}.csv").read_text()
