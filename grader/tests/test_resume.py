"""A run that is killed at any moment is continued by the same command, and ends as an undisturbed run does."""

import itertools
import json
import os
import random
import shutil
import signal
import time
from concurrent.futures import Future
from dataclasses import replace
from multiprocessing import get_context
from pkgutil import resolve_name

import nbformat
import pytest
import quick
import tiny
from coursegrader.course import Course
from coursegrader.errors import GradingUnderWay, NothingSubmitted, UnknownCell
from coursegrader.gradebook import ledger, lock
from coursegrader.gradebook.autograde import Chosen, Standing
from coursegrader.gradebook.record import Recorder, open_gradebook, register_assignment
from coursegrader.submission.spec import Spec
from coursegrader.warm import NoForge

WRONG = "def square(x):\n    return 4"
STUDENTS = {
    "ann": tiny.submission(),
    "bad": b"{",
    "bob": tiny.submission(square=WRONG),
    "eve": tiny.submission(why="YOUR ANSWER HERE"),
    "zoe": tiny.submission(half="def half(x):\n    return x"),
}


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """A course whose class has handed in; its gradebook knows the assignment (nbgrader takes its time to make one)."""
    course = tiny.make_course(tmp_path_factory.mktemp("collected"))
    for name, notebook in STUDENTS.items():
        tiny.hand_in(course, name, notebook, "2026-10-01 10:00:00 UTC")
    register_assignment(course, Spec.load(course, tiny.PS))
    return course


def copied(course, folder):
    shutil.copytree(course.root, folder / "course")
    return Course.at(folder / "course", folder / "course" / "course")


@pytest.fixture(scope="module")
def graded_class(collected, tmp_path_factory):
    """A course whose class was graded without disturbance."""
    course = copied(collected, tmp_path_factory.mktemp("undisturbed"))
    quick.grade(course)
    return course


@pytest.fixture
def course(collected, tmp_path):
    """A course whose class has handed in, and nothing is graded."""
    return copied(collected, tmp_path)


@pytest.fixture
def graded(graded_class, tmp_path):
    """A copy of the graded class."""
    return copied(graded_class, tmp_path)


def mark_by_hand(course, student, cell, points, comment):
    with open_gradebook(course) as gradebook:
        grade = gradebook.find_grade(cell, tiny.PS, tiny.PS, student)
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.find_comment("why", tiny.PS, tiny.PS, student).manual_comment = comment
        gradebook.db.commit()


def set_scores(course, points):
    """Puts other automatic scores into the gradebook, to see later which of them were written anew."""
    with open_gradebook(course) as gradebook:
        for student in ("ann", "bob"):
            for grade in gradebook.find_submission_notebook(tiny.PS, tiny.PS, student).grades:
                grade.auto_score = points
        gradebook.db.commit()


def scores(course, student):
    with open_gradebook(course) as gradebook:
        return {
            one.name: one.auto_score for one in gradebook.find_submission_notebook(tiny.PS, tiny.PS, student).grades
        }


# -- what is graded already --------------------------------------------------------------------------------------------


def test_what_is_graded_is_not_graded_again(graded):
    before, executor = quick.contents(graded), quick.Here()
    standings, outcome = quick.grade(graded, executor=executor)
    assert executor.given == [] and set(standings.values()) == {Standing.ALREADY} and len(standings) == 5
    assert quick.contents(graded) == before
    assert outcome.copy is None, "a run that writes nothing makes no copy"


def test_no_hall_is_opened_where_nothing_is_to_be_examined(graded, monkeypatch):
    opened = []
    monkeypatch.setattr(quick, "no_hall", lambda spec: opened.append("a hall"))
    quick.grade(graded)
    assert opened == []


@pytest.mark.parametrize("what", ["notebook", "file", "name"])
def test_a_submission_that_changed_is_graded_again(graded, what):
    folder = graded.submitted / "bob" / tiny.PS
    if what == "notebook":
        tiny.hand_in(graded, "bob", STUDENTS["ann"])
    elif what == "file":
        (folder / "help.py").write_text("x = 1")
    else:
        (folder / f"{tiny.PS}.ipynb").rename(folder / "mine.ipynb")
    standings, _ = quick.grade(graded)
    assert [name for name, one in standings.items() if one is not Standing.ALREADY] == ["bob"]


def test_a_new_submission_is_graded_beside_the_old_ones(graded):
    tiny.hand_in(graded, "new", tiny.submission())
    standings, outcome = quick.grade(graded)
    assert standings["new"] is Standing.GRADED and list(standings.values()).count(Standing.ALREADY) == 5
    assert outcome.copy.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec.with_limits(answer_seconds=1),
        lambda spec: replace(spec, files={"table.csv": b"1"}),
        lambda spec: replace(spec, held_out={"labels.npy": b"1"}),
        lambda spec: replace(spec, environment={"COURSE_SEED": "1"}),
        lambda spec: replace(spec, withdraw=("math.sqrt",)),
        lambda spec: Spec.of_notebook(changed_source(spec, "setup", "import math, sys"), tiny.PS),
        lambda spec: Spec.of_notebook(changed_source(spec, "test_half", tiny.TEST_HALF + "\n"), tiny.PS),
    ],
)
def test_another_specification_grades_again(graded, change):
    standings, _ = quick.grade(graded, spec=change(Spec.load(graded, tiny.PS)))
    assert Standing.ALREADY not in standings.values()


def test_another_level_or_version_of_the_grader_grades_again(graded, monkeypatch):
    assert Standing.ALREADY not in quick.grade(graded, level="landlock")[0].values()
    assert set(quick.grade(graded, level="landlock")[0].values()) == {Standing.ALREADY}
    monkeypatch.setattr("coursegrader.gradebook.fingerprint.__version__", "99")
    assert Standing.ALREADY not in quick.grade(graded, level="landlock")[0].values()


def test_a_solution_that_was_only_executed_again_is_the_same(graded):
    path = graded.solutions / tiny.PS / f"{tiny.PS}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell["id"] = f"x{cell['id']}"
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="ran")]
            cell.execution_count = 7
    nbformat.write(notebook, path)
    assert set(quick.grade(graded)[0].values()) == {Standing.ALREADY}


def changed_source(spec, name, source):
    notebook = nbformat.reads(spec.solution.decode(), as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == name:
            cell.source = source
    return nbformat.writes(notebook).encode()


def test_a_failure_of_the_machine_is_tried_again_and_one_of_the_submission_is_not(course):
    executor = quick.Here(machine_fails=(b"Because it is so.",))
    standings, _ = quick.grade(course, executor=executor)
    assert standings["ann"] is standings["bad"] is Standing.FAILED
    standings, _ = quick.grade(course)
    assert standings["ann"] is Standing.GRADED and standings["bad"] is Standing.ALREADY


def test_a_graded_notebook_that_was_lost_or_changed_is_made_again(graded):
    before = quick.contents(graded)
    (graded.autograded / "ann" / tiny.PS / f"{tiny.PS}.ipynb").write_text("{}")
    (graded.autograded / "bob" / tiny.PS / f"{tiny.PS}.ipynb").unlink()
    executor = quick.Here()
    quick.grade(graded, executor=executor)
    assert len(executor.given) == 2 and quick.contents(graded) == before


def test_a_submission_that_was_removed_from_the_gradebook_is_graded(graded):
    with open_gradebook(graded) as gradebook:
        gradebook.remove_submission(tiny.PS, "ann")
    assert quick.grade(graded)[0]["ann"] is Standing.GRADED
    assert scores(graded, "ann")["test_square"] == 10


def test_one_student_can_be_graded_again(graded):
    standings, _ = quick.grade(graded, again=True, students=("bob",))
    assert standings == {"bob": Standing.GRADED}
    with pytest.raises(NothingSubmitted, match="nothing of ps0_tiny by nobody"):
        quick.grade(graded, students=("bob", "nobody"))


# -- grading again -----------------------------------------------------------------------------------------------------


def test_grading_again_keeps_what_a_person_wrote_and_resets_the_rest(graded):
    mark_by_hand(graded, "bob", "why", 5.0, "Say more.")
    mark_by_hand(graded, "bob", "test_square", 8.0, "Say more.")
    set_scores(graded, 1.0)
    executor = quick.Here()
    quick.grade(graded, executor=executor, again=True)
    assert len(executor.given) == 5
    assert scores(graded, "bob") == {"test_square": 0, "test_half": 4, "why": None, "bonus_test_shout": 5}
    with open_gradebook(graded) as gradebook:
        notebook = gradebook.find_submission_notebook(tiny.PS, tiny.PS, "bob")
        assert {one.name: one.manual_score for one in notebook.grades if one.manual_score} == {
            "why": 5.0,
            "test_square": 8.0,
        }
        assert gradebook.find_comment("why", tiny.PS, tiny.PS, "bob").comment == "Say more."


def mend_test(course):
    """The teacher changes one test."""
    path = course.solutions / tiny.PS / f"{tiny.PS}.ipynb"
    path.write_bytes(
        changed_source(Spec.load(course, tiny.PS), "test_half", tiny.TEST_HALF.replace("range(4)", "range(2)"))
    )


def test_one_question_is_graded_again_and_nothing_else_changes(graded):
    mark_by_hand(graded, "bob", "why", 5.0, "Say more.")
    mark_by_hand(graded, "bob", "test_square", 8.0, "Say more.")
    set_scores(graded, 1.0)
    mend_test(graded)
    standings, outcome = quick.grade(graded, only=("test_half",))
    # The whole notebook is run; all scores but one stay as they were, right or wrong.
    assert scores(graded, "ann") == {"test_square": 1, "test_half": 4, "why": 1, "bonus_test_shout": 1}
    with open_gradebook(graded) as gradebook:
        assert gradebook.find_grade("test_square", tiny.PS, tiny.PS, "bob").manual_score == 8
        assert gradebook.find_comment("why", tiny.PS, tiny.PS, "bob").comment == "Say more."
    assert standings["bob"] is Standing.GRADED and outcome.left_out.keys() == {"bad"}
    found = json.loads((graded.results / f"{tiny.PS}.jsonl").read_text().splitlines()[0])
    assert (found["student"], found["total"]) == ("ann", 19)
    shown = nbformat.read(graded.autograded / "ann" / tiny.PS / f"{tiny.PS}.ipynb", as_version=4)
    assert "range(2)" in str(shown)


def test_after_one_question_the_class_counts_as_graded_by_the_new_tests(graded):
    mend_test(graded)
    quick.grade(graded, only=("test_half",))
    standings, _ = quick.grade(graded)
    # A file that cannot be graded was left out above: it is the only one that waits.
    assert [name for name, one in standings.items() if one is not Standing.ALREADY] == ["bad"]


def test_one_question_of_what_was_handed_in_again_waits_for_a_whole_run(graded):
    tiny.hand_in(graded, "bob", STUDENTS["ann"])
    tiny.hand_in(graded, "new", STUDENTS["ann"])
    standings, outcome = quick.grade(graded, only=("test_half",))
    assert standings["bob"] is standings["new"] is Standing.LEFT_OUT
    assert outcome.left_out["bob"] == "handed in again since it was graded"
    assert outcome.left_out["new"] == "not graded yet"
    assert scores(graded, "bob")["test_square"] == 0


def test_a_question_that_does_not_exist_names_those_that_do(graded):
    with pytest.raises(UnknownCell, match=r"no test why .*formgrader.*: test_square, test_half, bonus_test_shout"):
        quick.grade(graded, only=("why",))


# -- killed ------------------------------------------------------------------------------------------------------------

# What is being called when the run is killed, at which call, and how many submissions are recorded then.
MOMENTS = {
    "the gradebook is made": ("coursegrader.gradebook.record.ledger.prepare", 1, 0),
    "the copy is made": ("coursegrader.gradebook.autograde.register_assignment", 1, 0),
    "the notebook is put beside its place": ("coursegrader.gradebook.record.Recorder._stage", 2, 1),
    "the grades are written but not committed": ("coursegrader.gradebook.record.ledger.write", 2, 1),
    "the grades are committed": ("coursegrader.gradebook.record.Recorder._settle", 2, 2),
    "the notebook is in its place": ("coursegrader.gradebook.autograde._Run._done", 2, 2),
    "the lines are written": ("coursegrader.gradebook.autograde.write_lines", 1, 5),
    "the run's order is forgotten": ("coursegrader.gradebook.lock.end", 1, 5),
}


def dies(course, moment, call, **order):
    """Grades in a process of its own that kills itself at the given call; gives its exit code."""
    holder, _, name = moment.rpartition(".")
    holder = resolve_name(holder)
    real, calls = getattr(holder, name), itertools.count(1)

    def deadly(*arguments, **options):
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)

    def run():
        setattr(holder, name, deadly)
        quick.grade(course, **order)

    return ended(run)


def ended(run, after=None):
    """The exit code of a function in a forked process, which is killed after so many seconds."""
    process = get_context("fork").Process(target=run)
    process.start()
    if after is not None:
        time.sleep(after)
        process.kill()
    process.join()
    return process.exitcode


@pytest.mark.parametrize(("moment", "call", "recorded"), MOMENTS.values(), ids=MOMENTS.keys())
def test_a_run_killed_when(moment, call, recorded, course, graded_class):
    if moment.endswith("prepare"):
        (course.data / "gradebook.db").unlink()
    assert dies(course, moment, call) == -signal.SIGKILL
    executor = quick.Here()
    quick.grade(course, executor=executor)
    assert quick.contents(course) == quick.contents(graded_class)
    assert len(executor.given) == 5 - recorded, "what was committed is not graded twice"


class WithoutHall(quick.Here):
    """An executor whose warm process is gone at these of its submissions, counted from 1."""

    def __init__(self, *gone):
        super().__init__()
        self.gone, self.calls = gone, itertools.count(1)

    def submit(self, fn, /, *arguments):
        if next(self.calls) not in self.gone:
            return super().submit(fn, *arguments)
        future = Future()
        future.set_exception(NoForge("no warm process: start the run again"))
        return future


def test_a_warm_process_that_was_killed_is_replaced_and_the_run_goes_on(course, graded_class):
    executor = WithoutHall(2, 4)
    quick.grade(course, executor=executor)
    assert quick.contents(course) == quick.contents(graded_class)


def test_a_machine_on_which_no_warm_process_lives_is_said_and_the_rest_can_be_done(course, graded_class):
    with pytest.raises(NoForge, match="start the run again"):
        quick.grade(course, executor=WithoutHall(*range(2, 100)))
    quick.grade(course)
    assert quick.contents(course) == quick.contents(graded_class)


def test_grading_again_that_was_killed_goes_on_where_it_was(graded):
    before = quick.contents(graded)
    assert dies(graded, "coursegrader.gradebook.record.Recorder._settle", 3, again=True) == -signal.SIGKILL
    executor = quick.Here()
    _, outcome = quick.grade(graded, executor=executor, again=True)
    assert outcome.continued and len(executor.given) == 2
    assert quick.contents(graded) == before
    # That run is over: the next one with --again grades everything.
    executor = quick.Here()
    _, outcome = quick.grade(graded, executor=executor, again=True)
    assert not outcome.continued and len(executor.given) == 5


def test_one_question_that_was_killed_goes_on_where_it_was(graded):
    mend_test(graded)
    assert dies(graded, "coursegrader.gradebook.record.Recorder._settle", 2, only=("test_half",)) == -signal.SIGKILL
    executor = quick.Here()
    quick.grade(graded, executor=executor, only=("test_half",))
    # Two of five are done; the file that cannot be graded is among the other three.
    assert len(executor.given) == 3


def test_runs_killed_at_random_moments_end_as_an_undisturbed_one(course, collected, graded_class):
    dice = random.Random(3)

    def run():
        quick.grade(course, executor=quick.Here(seconds=0.02))

    started = time.monotonic()
    assert ended(run) == 0
    whole = time.monotonic() - started
    shutil.rmtree(course.data)
    shutil.copytree(collected.data, course.data)
    codes = [ended(run, after=dice.uniform(0.0, 0.9) * whole) for _ in range(12)]
    assert -signal.SIGKILL in codes
    quick.grade(course)
    assert quick.contents(course) == quick.contents(graded_class)


# -- one at a time -----------------------------------------------------------------------------------------------------


def test_two_runs_do_not_write_at_once(course):
    with lock.grading(course), pytest.raises(GradingUnderWay) as raised:
        quick.grade(course)
    assert f"process {os.getpid()} on " in str(raised.value) and "Wait until it ends" in str(raised.value)
    assert not (course.data / "results").exists()


def test_the_lock_of_a_dead_run_is_no_obstacle(course):
    def run():
        with lock.grading(course):
            os.kill(os.getpid(), signal.SIGKILL)

    assert ended(run) == -signal.SIGKILL
    assert (course.data / ".grading.lock").read_text()
    assert len(quick.grade(course)[0]) == 5


# -- what does not pile up ---------------------------------------------------------------------------------------------


def test_nothing_is_left_beside_the_graded_notebooks(graded):
    assert {path.name for path in graded.autograded.rglob("*") if path.is_file()} == {
        f"{tiny.PS}.ipynb",
        "timestamp.txt",
    }
    assert not list(graded.data.glob(".grading-*")) and not list(graded.data.glob(".gradebook*"))


def test_the_session_forgets_each_submission(course):
    spec = Spec.load(course, tiny.PS)
    with open_gradebook(course) as gradebook:
        register_assignment(course, spec)
        recorder = Recorder(course, spec, gradebook)
        for submission in Chosen(course.submitted, spec):
            recorder.record(submission, quick.result(submission.notebook, spec))
            assert len(gradebook.db.identity_map) == 0
        assert [name for name, _ in ledger.entries(gradebook, tiny.PS)] == [*STUDENTS]
