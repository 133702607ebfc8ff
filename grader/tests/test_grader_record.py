"""What is recorded, exported and shown to students; a person's marks survive grading again."""

import csv
import os
import shutil
from datetime import datetime, timedelta

import nbformat
import pytest
import tiny
from coursegrader.authoring.release import import_students, publish
from coursegrader.errors import CourseError, GradebookMismatch
from coursegrader.gradebook.export import export_marks
from coursegrader.gradebook.record import Recorder, found, open_gradebook, register_assignment
from coursegrader.gradebook.table import row
from coursegrader.notebooks import by_grade_id
from coursegrader.pages.feedback import generate_feedback
from coursegrader.pages.report import write_report
from coursegrader.submission.grade import failed, grade_submission
from coursegrader.submission.intake import Submission, open_submission
from coursegrader.submission.scores import CellScore, Status
from coursegrader.submission.spec import Spec
from nbgrader.api import MissingEntry, Student
from nbgrader.apps import NbGraderApp

DUE = datetime(2026, 10, 30, 23, 59)


@pytest.fixture(scope="module")
def graded(hall):
    """Two graded submissions, which many tests record: a right one and a wrong one."""
    spec = tiny.spec()
    wrong = tiny.submission(square='print("my input was", 12345)\ndef square(x):\n    print(x)\n    return 4')
    return {"ann": _graded(tiny.submission(), spec, hall), "bob": _graded(wrong, spec, hall)}


def _graded(notebook, spec, hall):
    return grade_submission(tiny.to_bytes(notebook), spec, {}, hall)


@pytest.fixture(scope="module")
def new_gradebook(tmp_path_factory):
    """A gradebook that knows the assignment; nbgrader takes seconds to make one."""
    course = tiny.make_course(tmp_path_factory.mktemp("new"))
    register_assignment(course, Spec.load(course, tiny.PS), DUE)
    return course.data / "gradebook.db"


@pytest.fixture
def course(tmp_path, new_gradebook):
    course = tiny.make_course(tmp_path)
    course.data.mkdir()
    shutil.copy(new_gradebook, course.data)
    return course


def record(course, results, **timestamps):
    spec = Spec.load(course, tiny.PS)
    with open_gradebook(course) as gradebook:
        recorder = Recorder(course, spec, gradebook)
        for student, result in results.items():
            recorder.record(Submission(student, timestamp=timestamps.get(student)), result)


def grades(course, student):
    with open_gradebook(course) as gradebook:
        notebook = gradebook.find_submission_notebook(tiny.PS, tiny.PS, student)
        return {one.name: (one.auto_score, one.manual_score, one.needs_manual_grade) for one in notebook.grades}


def exported(course):
    path = course.reports / "marks.csv"
    export_marks(course, tiny.PS, path)
    with path.open(newline="") as handle:
        return {(row["student"], row["cell"]): row for row in csv.DictReader(handle)}


def test_the_gradebook_holds_scores_and_what_waits_for_a_person(course, graded):
    record(course, graded)
    assert grades(course, "ann") == {
        "test_square": (10, None, False),
        "test_half": (4, None, False),
        "why": (None, None, True),
        "bonus_test_shout": (5, None, False),
    }
    with open_gradebook(course) as gradebook:
        assert gradebook.find_submission(tiny.PS, "bob").score == 9
        assert gradebook.find_notebook(tiny.PS, tiny.PS).max_score == 25
        line = found(gradebook, gradebook.find_submission(tiny.PS, "bob"))
    assert (line["total"], line["max_points"]) == (9, 20) and line["seconds"] > 0
    graded_notebook = nbformat.read(course.autograded / "ann" / tiny.PS / f"{tiny.PS}.ipynb", as_version=4)
    assert list(by_grade_id(graded_notebook)) == list(by_grade_id(tiny.release()))


def test_a_blank_answer_is_marked_as_no_response(course, hall):
    record(course, {"eve": _graded(tiny.submission(why="YOUR ANSWER HERE"), tiny.spec(), hall)})
    assert grades(course, "eve")["why"] == (0, None, False)
    with open_gradebook(course) as gradebook:
        assert gradebook.find_comment("why", tiny.PS, tiny.PS, "eve").auto_comment == "No response."
        assert gradebook.find_comment("square", tiny.PS, tiny.PS, "eve").auto_comment is None


def test_marks_and_comments_of_a_person_survive_grading_again(course, graded, hall):
    record(course, graded)
    with open_gradebook(course) as gradebook:
        for name, mark in (("why", 5.0), ("test_square", 8.0)):
            grade = gradebook.find_grade(name, tiny.PS, tiny.PS, "bob")
            grade.manual_score, grade.needs_manual_grade = mark, False
        gradebook.find_comment("why", tiny.PS, tiny.PS, "bob").manual_comment = "Say more."
        gradebook.db.commit()
    record(course, graded)
    assert grades(course, "bob")["why"] == (None, 5.0, False)
    assert grades(course, "bob")["test_square"] == (0, 8.0, False)
    row = exported(course)["bob", "why"]
    assert (row["points"], row["status"], row["reason"]) == ("5", "graded", "marked by a person")
    # The student hands in something else: the marks stay, and a person is asked to look at them again.
    record(course, {"bob": graded["ann"]})
    assert grades(course, "bob")["why"] == (None, 5.0, False)
    assert grades(course, "bob")["test_square"] == (10, 8.0, True)
    changed = _graded(tiny.submission(why="Now I say more."), tiny.spec(), hall)
    record(course, {"bob": changed})
    assert grades(course, "bob")["why"] == (None, 5.0, True)
    assert "changed since" in exported(course)["bob", "why"]["reason"]
    with open_gradebook(course) as gradebook:
        assert gradebook.find_comment("why", tiny.PS, tiny.PS, "bob").comment == "Say more."


def test_a_submission_is_recorded_whole_or_not_at_all(course, graded, monkeypatch):
    record(course, {"ann": graded["ann"]})

    def full_disk(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(Recorder, "_stage", full_disk)
    for student in ("ann", "new"):
        with pytest.raises(OSError, match="no space"):
            record(course, {student: graded["bob"]})
    assert grades(course, "ann")["test_square"] == (10, None, False)
    with open_gradebook(course) as gradebook, pytest.raises(MissingEntry):
        gradebook.find_submission(tiny.PS, "new")
    assert not (course.autograded / "new").exists()


def test_a_failed_submission_is_recorded_with_its_reason(course):
    record(course, {"cid": failed("the file is empty (ask for it again)", Spec.load(course, tiny.PS))})
    assert set(grades(course, "cid").values()) == {(0, None, False)}
    total = exported(course)["cid", "total"]
    assert (total["points"], total["status"]) == ("0", "failed")
    assert total["reason"] == "the file is empty (ask for it again)"


def test_late_work_is_known_and_the_plugin_decides_what_it_costs(course, graded):
    late = f"{DUE + timedelta(hours=3):%Y-%m-%d %H:%M:%S} UTC"
    record(course, graded, ann=late, bob="2026-10-01 10:00:00 UTC")
    assert exported(course)["ann", "total"]["points"] == "19"
    assert "3.0 h late" in exported(course)["ann", "total"]["reason"]
    assert exported(course)["bob", "total"]["reason"] == ""
    course.config.LateSubmissionPlugin.penalty_method = "zero"
    record(course, graded, ann=late)
    assert exported(course)["ann", "total"]["points"] == "0"
    assert exported(course)["bob", "total"]["points"] == "9"
    with open_gradebook(course) as gradebook:
        gradebook.grant_extension(tiny.PS, "ann", hours=4)
    record(course, graded, ann=late)
    assert exported(course)["ann", "total"]["points"] == "19"


def test_an_unreadable_time_does_not_stop_recording(course, graded):
    record(course, {"ann": graded["ann"]}, ann="yesterday at tea time")
    assert exported(course)["ann", "total"]["points"] == "19"


def test_export_has_the_columns_and_order_of_grades_csv(course, graded):
    record(course, graded)
    path = course.reports / "marks.csv"
    export_marks(course, tiny.PS, path)
    lines = path.read_text().splitlines()
    assert lines[0] == "student,cell,points,max_points,status,reason"
    assert lines[1:6] == [
        "ann,test_square,10,10,graded,",
        "ann,test_half,4,4,graded,",
        "ann,why,,6,needs_manual,",
        "ann,bonus_test_shout,5,5,graded,",
        "ann,total,19,20,needs_manual,",
    ]
    assert lines[6] == "bob,test_square,0,10,graded,[square gives x times itself.] try a negative number"


def test_another_version_of_the_notebook_is_refused(course, graded):
    record(course, graded)
    path = course.solutions / tiny.PS / f"{tiny.PS}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(tiny.cell("assert True", "test_more", points=1))
    nbformat.write(notebook, path)
    with pytest.raises(GradebookMismatch, match="start a new gradebook"):
        register_assignment(course, Spec.load(course, tiny.PS))


def test_feedback_shows_no_hidden_test_and_nothing_that_ran_under_one(course, graded):
    record(course, graded)
    assert dict(generate_feedback(course, tiny.PS)) == {"ann": "", "bob": ""}
    page = (course.feedback / "bob" / tiny.PS / f"{tiny.PS}.html").read_text()
    assert "50879689" not in page and "7133" not in page and "square(-7)" not in page.replace("<span", "")
    for text in ("[square gives x times itself.] try a negative number",):
        assert text in page
    assert "my input was 12345" in page
    # nbgrader counts bonus points into the maximum; the page's head does not.
    assert "9.0 / 20.0" in page
    dict(generate_feedback(course, tiny.PS, show_hidden=True))
    assert "50879689" in (course.feedback / "bob" / tiny.PS / f"{tiny.PS}.html").read_text()


def test_the_report_names_students_and_links_their_pages(course, graded, tmp_path):
    table = tmp_path / "students.csv"
    table.write_text("id,first_name,last_name,email\nann,Ann,Ärmel <b>,ann@example.org\n")
    assert import_students(course, table) == 1
    record(course, graded | {"cid": failed("the file is empty (ask for it again)", Spec.load(course, tiny.PS))})
    dict(generate_feedback(course, tiny.PS))
    page = write_report(course, tiny.PS).read_text()
    assert "Ann Ärmel &lt;b&gt;" in page and "the file is empty (ask for it again)" in page
    assert 'href="../feedback/ann/ps0_tiny/ps0_tiny.html"' in page
    assert "[square gives x times itself.] try a negative number" in page
    assert "http" not in page  # works offline


def test_release_goes_on_the_exchange_once(course):
    folder = publish(course, tiny.PS)
    assert os.listdir(folder) == [f"{tiny.PS}.ipynb"]
    with pytest.raises(CourseError, match="--force"):
        publish(course, tiny.PS)
    assert publish(course, tiny.PS, force=True) == folder


def test_nbgraders_own_commands_find_the_course(course, graded, monkeypatch, tmp_path_factory):
    """`nbgrader generate_feedback` through the configuration that `make setup` links, from another folder."""
    record(course, graded)
    installed = tmp_path_factory.mktemp("etc")
    (installed / "nbgrader_config.py").symlink_to(course.root / "grader" / "nbgrader_config.py")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(installed))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(installed))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    NbGraderApp.clear_instance()
    NbGraderApp.launch_instance(["generate_feedback", tiny.PS, "--force"])
    NbGraderApp.clear_instance()
    page = (course.feedback / "bob" / tiny.PS / f"{tiny.PS}.html").read_text()
    assert "try a negative number" in page and "50879689" not in page


def test_a_submission_is_read_from_where_nbgrader_collects(course):
    path = tiny.hand_in(course, "ann", tiny.submission())
    submission = open_submission(path.parent.parent, Spec.load(course, tiny.PS))
    assert submission.notebook == path.read_bytes()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_reason_is_a_formula_to_a_spreadsheet(start):
    reason = f'{start}HYPERLINK("http://example.org"): boom'
    assert row("ann", CellScore("test_square", 0, 10, Status.GRADED, reason))["reason"] == f"'{reason}"
    assert row("ann", CellScore("test_square", 0, 10, Status.GRADED, "NameError: x"))["reason"] == "NameError: x"


def test_no_students_name_is_a_formula_to_a_spreadsheet(course, graded):
    """The grader refuses such a folder; a gradebook that nbgrader filled by itself may know the name."""
    name = '=HYPERLINK("http://example.org")'
    record(course, graded)
    with open_gradebook(course) as gradebook:
        gradebook.find_submission(tiny.PS, "ann").student = Student(id=name)
        gradebook.db.commit()
    assert {student for student, _ in exported(course)} == {"bob", f"'{name}"}
