"""The command, the sample class and the demonstration's comparison, on the small assignment."""

import csv
import errno
import os
import shutil
import subprocess
import sys
from datetime import datetime
from functools import partial

import nbformat
import pytest
import tiny
from coursegrader import sandbox
from coursegrader.cli import _not_tried, _time, app
from coursegrader.course import Course
from coursegrader.errors import CourseError, CourseNotFound, GradingUnderWay, UnknownAssignment
from coursegrader.gradebook import lock
from coursegrader.sample.demo import MARKER, compare, demo_course
from coursegrader.sample.forgers import FORGERS
from coursegrader.sample.sample_class import BROKEN, PATTERN, make_class, write_class
from coursegrader.submission.hall import open_hall
from typer.testing import CliRunner

RUNNER = CliRunner()
# The best sandbox that this machine has; none only where there is none.
ANYWHERE = [] if any(one.ok for one in sandbox.available()) else ["--unsafe-no-sandbox"]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = tiny.make_course(tmp_path_factory.mktemp("course"))
    (course.root / "grader" / "nbgrader_config.py").open("a").write('c.Exam.level = ""\n')
    return course


@pytest.fixture
def inside(course, monkeypatch):
    """In the course's folder, with kernels that have not imported TensorFlow: the small assignment needs none."""
    monkeypatch.setattr("coursegrader.gradebook.autograde.open_hall", partial(open_hall, preload=("numpy",)))
    monkeypatch.chdir(course.solutions)
    return course


def call(*arguments):
    return RUNNER.invoke(app, [str(one) for one in arguments], catch_exceptions=False)


def test_the_course_is_found_from_inside_and_through_jupyters_path(course, monkeypatch, tmp_path):
    assert Course.find(course.solutions / tiny.PS).root == course.root
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "nbgrader_config.py").symlink_to(course.root / "grader" / "nbgrader_config.py")
    monkeypatch.setattr("coursegrader.course.jupyter_config_path", lambda: [str(tmp_path / "etc")])
    assert Course.find(tmp_path).root == course.root
    monkeypatch.setattr("coursegrader.course.jupyter_config_path", list)
    monkeypatch.setattr("coursegrader.course.__file__", str(tmp_path / "site-packages" / "coursegrader" / "course.py"))
    with pytest.raises(CourseNotFound, match="make setup"):
        Course.find(tmp_path)


def test_the_classs_folder_may_be_another_one(course, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DIR", str(tmp_path / "autumn"))
    autumn = Course.at(course.root)
    assert autumn.data == tmp_path / "autumn"
    assert autumn.database == f"sqlite:///{tmp_path}/autumn/gradebook.db"
    submitted = autumn.directory.format_path(autumn.directory.submitted_directory, "ann", tiny.PS)
    assert os.path.normpath(submitted) == str(autumn.submitted / "ann" / tiny.PS)


def test_an_unknown_assignment_lists_what_exists(inside):
    with pytest.raises(UnknownAssignment, match=tiny.PS):
        inside.source("ps9")
    for command in ("release", "autograde", "feedback", "report", "export", "sample-class"):
        result = call(command, "ps9")
        assert result.exit_code == 1 and tiny.PS in result.stderr, command


@pytest.mark.parametrize("command", ["autograde", "feedback", "report"])
def test_nothing_to_do_is_said_and_not_passed_over(inside, command):
    result = call(command, tiny.PS)
    assert result.exit_code == 1 and result.stderr.startswith("Error:")


def test_a_class_is_the_same_for_the_same_seed(course):
    first, again, other = (make_class(course, tiny.PS, 30, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert [one.student for one in first] != [one.student for one in other]
    assert len({one.student for one in first}) == 30


def test_at_most_so_many_students_train(course):
    for trainers in (0, 2):
        samples = make_class(course, tiny.PS, 24, trainers=trainers)
        trained = [one for one in samples if b"return text.upper()" in one.notebook]
        assert len(trained) == trainers


def test_a_class_is_not_mixed_with_an_older_one(course, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").touch()
    with pytest.raises(CourseError, match="not empty"):
        write_class(make_class(course, tiny.PS, 1), tiny.PS, tmp_path / "old")


def test_the_computed_scores_of_a_sample_class_are_the_true_ones(inside, tmp_path):
    """Through the command: a student or two of each kind, every kind of broken file, every forger."""
    (inside.root / "grader" / "nbgrader_config.py").open("a").write("c.Limits.answer_seconds = 3\n")
    size = 3 * len(PATTERN)
    assert call("sample-class", tiny.PS, "--students", size, "--out", tmp_path / "class").exit_code == 0
    kinds = {one.kind for one in make_class(Course.at(inside.root), tiny.PS, size)}
    assert {f"broken {name}" for name, _ in BROKEN} | {f"forger {name}" for name in FORGERS} <= kinds
    _thin_out(tmp_path / "class", len(kinds) + 2)
    result = call("grade", tmp_path / "class", "-a", tiny.PS, "--out", tmp_path / "grades.csv", "-w", 2, *ANYWHERE)
    assert result.exit_code == 3 and "Who needs a look" in result.stdout
    assert compare(tmp_path / "grades.csv", tmp_path / "class" / "truth.csv") == []
    rows = (tmp_path / "class" / "truth.csv").read_text()
    (tmp_path / "truth.csv").write_text(rows.replace("total,19,20", "total,18,20", 1))
    (difference,) = compare(tmp_path / "grades.csv", tmp_path / "truth.csv")
    assert (difference.cell, difference.true) == ("total", "18 (needs_manual)")


def _thin_out(folder, number):
    """Leaves the first of each kind in a class's folder and its table, and fills up to `number` students."""
    with (folder / "truth.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    first = {row["kind"]: row["student"] for row in reversed(rows)}
    kept = set(first.values()) | {row["student"] for row in rows[: 5 * (number - len(first))]}
    for student in {row["student"] for row in rows} - kept:
        shutil.rmtree(folder / student)
    with (folder / "truth.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for row in rows if row["student"] in kept)


def test_from_submitted_to_marks(inside):
    tiny.hand_in(inside, "ann", tiny.submission())
    tiny.hand_in(inside, "bob", tiny.submission(square="def square(x):\n    return 0"))
    assert call("autograde", tiny.PS, "-w", 2, *ANYWHERE).exit_code == 0
    assert call("feedback", tiny.PS).exit_code == 0
    assert call("report", tiny.PS).exit_code == 0
    assert call("export", tiny.PS).exit_code == 0
    marks = (inside.reports / f"{tiny.PS}.csv").read_text()
    assert "ann,total,19,20,needs_manual" in marks and "bob,total,9,20,needs_manual" in marks
    for path in (
        "reports/ps0_tiny.html",
        "feedback/ann/ps0_tiny/ps0_tiny.html",
        "autograded/bob/ps0_tiny/ps0_tiny.ipynb",
    ):
        assert (inside.data / path).stat().st_size > 1000


@pytest.fixture
def students_folder(course, tmp_path, monkeypatch):
    """A folder that holds nothing but the released notebook."""
    shutil.copy(course.assignments / tiny.PS / f"{tiny.PS}.ipynb", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path / f"{tiny.PS}.ipynb"


def write_answers(path, **answers):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if source:
            cell.source = source
    nbformat.write(notebook, path)


def test_check_says_what_is_done_and_what_fails_and_why(students_folder):
    write_answers(students_folder, square="def square(x):\n    return 3", half=tiny.ANSWERS["half"], shout="def shout(")
    result = call("check", students_folder.name)
    text = " ".join(result.stdout.split())
    assert result.exit_code == 1
    assert "fails test_square 10 p" in text and "square(2) is 2 times 2" in text
    assert "passes test_half" in text
    assert "not yet done why" in text and "1 of 3 tests pass, worth 4 points." in text
    assert "fails bonus_test_shout" in text and "your cell shout ends with SyntaxError" in text and "(line 1)" in text


def test_check_passes_when_all_public_checks_do(students_folder):
    write_answers(students_folder, **tiny.ANSWERS)
    result = call("check", students_folder.name)
    assert result.exit_code == 0 and "All public checks pass" in result.stdout and "Note:" not in result.stdout


def test_check_warns_of_what_grading_will_undo(students_folder):
    write_answers(students_folder, **tiny.ANSWERS, test_square="pass")
    notebook = nbformat.read(students_folder, as_version=4)
    notebook.cells.append(nbformat.from_dict(notebook.cells[2]))
    notebook.metadata["kernelspec"]["name"] = "python3"
    nbformat.write(notebook, students_folder)
    text = " ".join(call("check", students_folder.name).stdout.split())
    assert "You changed test_square" in text
    assert "The cell square stands here more than once" in text
    assert "names the kernel 'python3'" in text


@pytest.mark.parametrize("content", [None, "", "{", "[]"])
def test_check_of_no_notebook_is_one_sentence(tmp_path, content):
    path = tmp_path / "a.ipynb"
    if content is not None:
        path.write_text(content)
    result = call("check", path)
    assert result.exit_code == 1 and result.stderr.startswith("Error:")


def test_the_demonstration_never_touches_another_classs_folder(tmp_path):
    course = tiny.make_course(tmp_path)
    demo = demo_course(course)
    assert demo.data == course.root / "course" / "demo" and (demo.data / MARKER).exists()
    (demo.data / "gradebook.db").write_text("old")
    assert not (demo_course(course).data / "gradebook.db").exists()
    (demo.data / MARKER).unlink()
    (demo.data / "gradebook.db").write_text("somebody's")
    with pytest.raises(CourseError, match="move it away"):
        demo_course(course)


def test_an_assignment_may_be_named_as_its_folder(inside, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DIR", str(tmp_path / "new"))
    for command in ("feedback", "export"):
        result = call(command, f"{tiny.PS}/")
        assert result.exit_code == 1 and f"coursegrader autograde {tiny.PS}`" in result.stderr, command


def test_nothing_is_shown_of_a_run_that_cannot_begin(inside, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DIR", str(tmp_path / "new"))
    result = call("autograde", tiny.PS)
    assert result.exit_code == 1 and result.stdout == ""
    assert f"nbgrader collect {tiny.PS}" in result.stderr
    assert not (tmp_path / "new").exists() or not list((tmp_path / "new").iterdir())


def test_no_table_is_written_of_a_class_without_marks(inside, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DIR", str(tmp_path / "new"))
    result = call("export", tiny.PS, "--to", tmp_path / "marks.csv")
    assert result.exit_code == 1 and f"coursegrader autograde {tiny.PS}" in result.stderr
    assert not (tmp_path / "marks.csv").exists()


@pytest.mark.parametrize("text", ["tomorrow", "30.10.2026", "2026-13-01"])
def test_a_due_time_that_is_none_is_shown_how_to_write(inside, text):
    result = call("release", tiny.PS, "--due", text)
    assert result.exit_code == 2 and "2026-10-30T23:59:00" in " ".join(result.stderr.split())


def test_a_due_time_with_its_zone_becomes_utc():
    assert _time("2026-10-30T23:59:00+02:00") == datetime(2026, 10, 30, 21, 59)
    assert _time("2026-10-30") == datetime(2026, 10, 30)


def test_a_place_for_the_marks_is_looked_at_before_the_class_is_graded(inside, tmp_path):
    tiny.hand_in(inside, "ann", tiny.submission())
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "grades.csv", tmp_path):
        result = call("grade", inside.submitted, "-a", tiny.PS, "--out", place, *ANYWHERE)
        assert result.exit_code == 1 and result.stdout == ""
        assert result.stderr.startswith("Error:") and str(tmp_path) in result.stderr


def test_a_full_disk_is_one_sentence(inside, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("coursegrader.pages.report.write_report", full)
    result = call("report", tiny.PS)
    assert result.exit_code == 1 and result.stderr.startswith("Error: No room is left on the disk")


def test_an_error_that_nobody_can_mend_is_shown_whole(inside, monkeypatch):
    def broken(*_):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "template")

    monkeypatch.setattr("coursegrader.pages.report.write_report", broken)
    with pytest.raises(FileNotFoundError):
        call("report", tiny.PS)


def test_a_demonstration_says_what_it_does_not_try_at_a_lesser_level():
    assert _not_tried(sandbox.NAMESPACES) == ""
    said = _not_tried(sandbox.LANDLOCK)
    assert said.startswith("Not kept at level landlock") and "other processes invisible" in said
    assert "no network" not in said and "no network" in _not_tried(sandbox.UNSAFE)


def test_a_mistyped_demonstration_leaves_the_last_one(inside):
    demo = demo_course(inside)
    (demo.data / "gradebook.db").write_text("of the last demonstration")
    result = call("demo", "ps9")
    assert result.exit_code == 1 and tiny.PS in result.stderr and result.stdout == ""
    assert (demo.data / "gradebook.db").exists()


def test_a_demonstration_under_way_is_not_emptied(inside):
    demo = demo_course(inside)
    with lock.grading(demo), pytest.raises(GradingUnderWay, match="Another run"):
        demo_course(inside)
    assert (demo.data / MARKER).exists()


def test_check_of_a_folder_names_the_notebook_in_it(students_folder):
    result = call("check", students_folder.parent)
    assert result.exit_code == 1 and f"{tiny.PS}.ipynb" in result.stderr


def test_the_command_needs_no_activated_environment(course, tmp_path):
    environment = os.environ | {"PATH": "/usr/bin:/bin", "COURSE_DIR": str(tmp_path / "new")}
    program = [sys.executable, "-m", "coursegrader", "report", tiny.PS]
    done = subprocess.run(program, cwd=course.root, env=environment, capture_output=True, text=True)
    assert done.stderr.startswith("Error: The gradebook has no submission"), done.stderr[-2000:]
    assert (tmp_path / "new" / "gradebook.db").exists()


def test_the_command_is_installed():
    done = subprocess.run([sys.executable, "-m", "coursegrader", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for command in ("build", "release", "autograde", "feedback", "check", "sample-class", "grade", "export", "demo"):
        assert command in done.stdout
