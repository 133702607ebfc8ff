"""`nbgrader autograde` and the formgrader's button, through the configuration that `make setup` links."""

import json
import logging
import os
import re
from contextlib import nullcontext
from dataclasses import replace

import nbformat
import pytest
import tiny
from coursegrader import doors, sandbox
from coursegrader.gradebook.autograde import autograde, place
from coursegrader.gradebook.lock import grading
from coursegrader.gradebook.record import lines, open_gradebook
from coursegrader.submission.hall import COLD
from coursegrader.submission.spec import Spec
from nbconvert.exporters import HTMLExporter
from nbgrader.apps import AutogradeApp, NbGraderAPI, NbGraderApp
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader import handlers


@pytest.fixture
def course(tmp_path, monkeypatch, hall):
    """A course that nbgrader finds from any folder, examined in this process's hall."""
    course = tiny.make_course(tmp_path / "course")
    installed = tmp_path / "etc"
    installed.mkdir()
    (installed / "nbgrader_config.py").symlink_to(course.root / "grader" / "nbgrader_config.py")
    for name, value in (("DIR", installed), ("PATH", installed)):
        monkeypatch.setenv(f"JUPYTER_CONFIG_{name}", str(value))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    monkeypatch.chdir(tmp_path)
    # Setting up its log, traitlets closes every handler there is; absl's would close the stream that pytest reads.
    monkeypatch.setattr(logging, "_handlerList", [])
    monkeypatch.setattr(doors, "place", lambda course: (hall.level, lambda spec: nullcontext(hall)))
    return course


@pytest.fixture
def button(course):
    """What the formgrader's button calls."""
    return NbGraderAPI(CourseDirectory(config=course.config), config=course.config).autograde


def nbgrader(*arguments):
    """Runs a command of nbgrader's; gives its exit status."""
    apps = (NbGraderApp, AutogradeApp)
    for app in apps:
        app.clear_instance()
        # The one before wrote into a stream that pytest has closed.
        logging.getLogger(app.__name__).handlers.clear()
    try:
        NbGraderApp.launch_instance(list(arguments))
    except SystemExit as end:
        return end.code
    finally:
        for app in apps:
            app.clear_instance()
    return 0


def found(course):
    """What is recorded of each student."""
    with open_gradebook(course) as gradebook:
        return {line["student"]: line for line in lines(gradebook, tiny.PS)}


def skips_its_tests():
    notebook = tiny.submission(square="def square(x):\n    return 0")
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution"]
    return notebook


def of_an_old_schema():
    notebook = tiny.submission()
    for cell in notebook.cells:
        cell.metadata.get("nbgrader", {}).pop("schema_version", None)
    return notebook


def copied():
    notebook = tiny.submission()
    notebook.cells += [nbformat.from_dict(json.loads(json.dumps(notebook.cells[3])))]
    return notebook


def hand_in_a_difficult_class(course):
    """Right and wrong ones, and each kind of file at which nbgrader's own steps stumble."""
    notebooks = {
        "ann": tiny.submission(),
        "bob": tiny.submission(
            square="def square(x):\n    return 4",
            half="import sys\ndef half(x):\n    print('loud', file=sys.stderr)\n    return x / 2",
            why="YOUR ANSWER HERE",
        ),
        "cid": copied(),
        "dan": b"{not json",
        "eve": b"",
        "fay": nbformat.v4.new_notebook(cells=tiny.submission().cells[:3]),
        "gus": skips_its_tests(),
        "hal": of_an_old_schema(),
    }
    for student, notebook in notebooks.items():
        tiny.hand_in(course, student, notebook, timestamp="2026-10-01 10:00:00 UTC")
    (course.submitted / "hal" / tiny.PS / "timestamp.txt").write_text("the day before yesterday")
    path = tiny.hand_in(course, "kim", tiny.submission())
    path.rename(path.with_name("homework.ipynb"))
    (path.parent / "data.txt").symlink_to("/dev/zero")
    (path.parent / "notes.txt").write_text("mine")
    path = tiny.hand_in(course, "leo", tiny.submission())
    path.rename(path.with_suffix(".txt"))


def test_nbgrader_autograde_is_coursegrader_autograde(course, hall, capfd):
    hand_in_a_difficult_class(course)
    assert nbgrader("autograde", tiny.PS) == 1
    said = capfd.readouterr().err
    assert "Traceback" not in said
    known = found(course)
    assert {name: (line["total"], line["status"]) for name, line in known.items()} == {
        "ann": (19, "needs_manual"),
        "bob": (9, "graded"),
        "cid": (19, "needs_manual"),
        "dan": (0, "failed"),
        "eve": (0, "failed"),
        "fay": (10, "graded"),
        "gus": (9, "needs_manual"),
        "hal": (19, "needs_manual"),
        "kim": (19, "needs_manual"),
        "leo": (0, "failed"),
    }
    assert {line["sandbox"] for line in known.values()} == {hall.level, ""}
    for student, words in {"ann": "19 of 20", "dan": "not JSON", "eve": "empty", "leo": "no notebook"}.items():
        line = next(line for line in said.splitlines() if f" {student}: " in line)
        assert words in line, line
    # Nothing that lay beside a notebook was copied, and the link to an endless file was not followed.
    written = {path.relative_to(course.autograded).as_posix() for path in course.autograded.rglob("*.*")}
    assert {path for path in written if path.startswith("kim")} == {"kim/ps0_tiny/ps0_tiny.ipynb"}
    # For the course's own command there is nothing left to do: both doors leave the same behind.
    standings = []
    autograde(
        course,
        Spec.load(course, tiny.PS),
        lambda: pytest.fail("nothing is to be examined"),
        hall.level,
        watch=lambda number: lambda student, standing: standings.append(standing),
    )
    assert standings == ["already graded"] * len(known)


def test_a_second_run_leaves_what_is_graded_and_force_grades_it_again(course, hall, monkeypatch):
    tiny.hand_in(course, "ann", tiny.submission())
    tiny.hand_in(course, "bob", tiny.submission(), timestamp="2026-10-01 10:00:00 UTC")
    assert nbgrader("autograde", tiny.PS, "--student", "ann") == 0
    assert list(found(course)) == ["ann"]
    opened = []
    monkeypatch.setattr(doors, "place", lambda course: (hall.level, lambda spec: opened.append(1) or nullcontext(hall)))
    assert nbgrader("autograde", tiny.PS, "--CourseDirectory.student_id_exclude=bob") == 0
    assert opened == []
    assert nbgrader("autograde", tiny.PS) == 0
    assert sorted(found(course)) == ["ann", "bob"] and len(opened) == 1
    assert nbgrader("autograde", tiny.PS, "--force") == 0
    assert len(opened) == 2


def test_the_formgraders_button_grades_again_and_keeps_what_a_person_gave(course, button):
    tiny.hand_in(course, "ann", tiny.submission())
    first = button(tiny.PS, "ann")
    assert first["success"] and "ann: 19 of 20 points, needs manual" in first["log"]
    with open_gradebook(course) as gradebook:
        for name, mark in (("why", 5), ("test_half", 1)):
            grade = gradebook.find_grade(name, tiny.PS, tiny.PS, "ann")
            grade.manual_score, grade.needs_manual_grade = mark, False
        gradebook.find_grade("test_square", tiny.PS, tiny.PS, "ann").auto_score = 3
        gradebook.find_comment("why", tiny.PS, tiny.PS, "ann").manual_comment = "Say more."
        gradebook.db.commit()
    assert button(tiny.PS, "ann")["success"]
    with open_gradebook(course) as gradebook:
        scores = {
            name: gradebook.find_grade(name, tiny.PS, tiny.PS, "ann").score
            for name in ("why", "test_half", "test_square")
        }
        assert scores == {"why": 5, "test_half": 1, "test_square": 10}
        assert gradebook.find_comment("why", tiny.PS, tiny.PS, "ann").comment == "Say more."


def test_the_graded_notebook_opens_in_the_formgrader(course, button):
    """Its page has a field for every score and every comment; what stands in them it asks of the gradebook."""
    tiny.hand_in(course, "ann", tiny.submission())
    assert button(tiny.PS, "ann")["success"]
    config = course.config
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    config.HTMLExporter.extra_template_paths = [f"{handlers.static_path}/node_modules/bootstrap/dist/css"]
    resources = {"base_url": "", "index": 0, "total": 1, "notebook_path": "n", "submission_id": "s"}
    path = course.autograded / "ann" / tiny.PS / f"{tiny.PS}.ipynb"
    page, _ = HTMLExporter(config=config).from_filename(str(path), resources=resources)
    with open_gradebook(course) as gradebook:
        notebook = gradebook.find_submission_notebook(tiny.PS, tiny.PS, "ann")
        grades = {one.name: one.to_dict() for one in notebook.grades}
        comments = [one.name for one in notebook.comments]
    scores = dict(re.findall(r'<input class="score tabbable" id="(\w+)"[^>]*> / ([\d.]+)', page))
    assert {name: float(most) for name, most in scores.items()} == {
        name: one["max_score"] for name, one in grades.items()
    }
    assert {name: one["auto_score"] for name, one in grades.items()} == {
        "test_square": 10,
        "test_half": 4,
        "why": None,
        "bonus_test_shout": 5,
    }
    assert sorted(re.findall(r'<textarea[^>]* id="(\w+)-comment"', page)) == sorted(comments)


def test_the_log_says_why_kernels_start_cold(course, button, monkeypatch):
    cold = replace(COLD, message="kernels start cold: importing it started 3 threads")
    monkeypatch.setattr(doors, "place", lambda course: (cold.level, lambda spec: nullcontext(cold)))
    tiny.hand_in(course, "dan", b"{not json")
    assert cold.message in button(tiny.PS, "dan")["log"]


def test_the_button_says_why_a_submission_cannot_be_graded(course, button):
    tiny.hand_in(course, "dan", b"{not json")
    answer = button(tiny.PS, "dan")
    assert not answer["success"]
    assert "not JSON" in answer["log"] and "Not graded, for the reasons in the log: dan." in answer["error"]
    assert found(course)["dan"]["total"] == 0


def test_without_a_sandbox_nothing_is_graded_and_the_remedy_is_said(course, button, monkeypatch, capfd):
    monkeypatch.setattr(doors, "place", place)
    none = (sandbox.Availability("namespaces", False, "do this and that"),)
    for module in ("coursegrader.sandbox.levels", "coursegrader.gradebook.autograde"):
        monkeypatch.setattr(f"{module}.available", lambda: none)
    tiny.hand_in(course, "ann", tiny.submission())
    answer = button(tiny.PS, "ann")
    assert not answer["success"] and "no sandbox of level namespaces: do this and that" in answer["log"]
    assert not course.autograded.exists() and not (course.data / "gradebook.db").exists()


def test_two_runs_at_once_are_refused(course, button):
    tiny.hand_in(course, "ann", tiny.submission())
    with grading(course):
        answer = button(tiny.PS, "ann")
    assert not answer["success"] and "Another run is grading this class" in answer["log"]


def test_options_that_the_exam_would_not_see_are_refused(course, tmp_path, capfd):
    tiny.hand_in(course, "ann", tiny.submission())
    assert nbgrader("autograde", tiny.PS, f"--db=sqlite:///{tmp_path}/mine.db") == 1
    assert "nbgrader was given a db_url of its own" in capfd.readouterr().err
    assert not os.path.exists(tmp_path / "mine.db")
    assert nbgrader("autograde", tiny.PS, "--no-execute") == 0
    assert "--no-execute change nothing" in capfd.readouterr().err


def test_nbgraders_own_steps_never_see_a_submission(course):
    exporter = doors.ExamExporter(parent=type("Converter", (doors.Autograde,), {})())
    with pytest.raises(doors.NbGraderException, match="do not grade in this course"):
        exporter.from_filename("submitted/ann/ps/ps.ipynb")
