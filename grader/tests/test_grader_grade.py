"""Grading: what each kind of submission earns, in kernels of their own, and that none of them disturbs another."""

import signal
import time
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from dataclasses import replace

import nbformat
import psutil
import pytest
import tiny
from coursegrader import sandbox, warm
from coursegrader.course import Course
from coursegrader.errors import Refused
from coursegrader.exam import session
from coursegrader.submission.grade import grade_class, grade_submission
from coursegrader.submission.hall import COLD, Hall, open_hall
from coursegrader.submission.intake import Submission
from coursegrader.submission.scores import partial_credit
from coursegrader.submission.spec import Spec
from nbformat.v4 import new_code_cell, new_output

SHORT = {"cell_seconds": 2, "answer_seconds": 2, "grace_seconds": 1}
FULL = {"test_square": 10, "test_half": 4, "why": None, "bonus_test_shout": 5}
NO_INTERRUPT = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass"
DAEMON = """import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open({path!r}, "w").write(str(child.pid))
def square(x):
    return x * x"""


@pytest.fixture
def grade(hall):
    """`grade(notebook, files=, spec=, **limits)`: the result of a submission to the small assignment."""

    def grade(notebook, files=None, spec=None, **limits):
        data = notebook if isinstance(notebook, bytes) else tiny.to_bytes(notebook)
        return grade_submission(data, spec or tiny.spec(**limits), files, hall)

    return grade


def points(result):
    return {one.cell: one.points for one in result.scores}


def statuses(result):
    return [one.status.value for one in (*result.scores, result.total)]


def test_right_answers_earn_all_points_though_a_test_writes_to_stderr(grade, hall):
    result = grade(tiny.submission())
    assert points(result) == FULL
    assert statuses(result) == ["graded", "graded", "needs_manual", "graded", "needs_manual"]
    assert (result.total.points, result.total.max_points) == (19, 20)
    assert b"a remark of a library" in result.notebook
    assert result.seconds > 0 and result.peak_memory > 10 * 2**20
    assert result.level == hall.level and [one.points for one in result.outcomes] == [10, 4, 5]


def test_a_blank_release_earns_nothing(grade):
    result = grade(tiny.release())
    assert set(points(result).values()) == {0}
    assert set(statuses(result)) == {"blank"}


def test_a_wrong_answer_loses_its_task_and_partial_credit_counts(grade):
    result = grade(tiny.submission(square="def square(x):\n    return 4", half="def half(x):\n    return x // 2"))
    assert points(result) == FULL | {"test_square": 0, "test_half": 2}
    assert result.scores[0].reason == "[square gives x times itself.] try a negative number"


def test_tags_do_not_spare_a_cell(grade):
    notebook = tiny.submission(square="def square(x):\n    return 0")
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception"]
    assert points(grade(notebook))["test_square"] == 0


def test_an_endless_loop_is_interrupted_and_the_rest_graded(grade):
    result = grade(tiny.submission(square="while True:\n    pass"), **SHORT)
    assert points(result) == FULL | {"test_square": 0}
    assert any("stopped after 2 s: in cell square" in note for note in result.notes)


def test_a_loop_that_ignores_interrupts_ends_the_kernel(grade):
    started = time.monotonic()
    result = grade(tiny.submission(half=NO_INTERRUPT), **SHORT)
    assert points(result) == FULL | {"test_half": 0, "bonus_test_shout": 0}
    assert statuses(result) == ["graded", "not_run", "needs_manual", "not_run", "not_run"]
    assert "did not heed" in result.total.reason
    assert time.monotonic() - started < 60


def test_what_kills_its_kernel_loses_only_what_did_not_run(grade):
    result = grade(tiny.submission(half="import os\nos._exit(3)"))
    assert points(result) == FULL | {"test_half": 0, "bonus_test_shout": 0}
    assert statuses(result) == ["graded", "not_run", "needs_manual", "not_run", "not_run"]
    assert result.scores[1].reason.startswith("your kernel died in half (exit")
    assert "what came after it did not run" in result.total.reason


@pytest.fixture
def killing(hall, monkeypatch):
    """`killing(part, step, times)` has a kernel killed from outside when that step begins; it lists the deaths."""
    if hall.address is None:
        pytest.skip("this machine's kernels have no supervisor that could be told to kill them")
    do = session._Session._do

    def killing(part, step, times):
        killed = []

        def do_or_kill(self, one):
            if one.label == step and len(killed) < times:
                killed.append(one)
                control = getattr(self.pair, part)._control
                control.line.send(signal=signal.SIGKILL)
                while control.ended is None:
                    time.sleep(0.01)
            do(self, one)

        monkeypatch.setattr(session._Session, "_do", do_or_kill)
        return killed

    return killing


@pytest.mark.parametrize("part", ["candidate", "examiner"])
@pytest.mark.parametrize("step", ["setup", "square", "test_square", "test_half"])
def test_a_kernel_killed_from_outside_costs_nothing(grade, killing, part, step):
    killed = killing(part, step, 1)
    result = grade(tiny.submission())
    assert len(killed) == 1 and points(result) == FULL and not result.failure, result.total


def test_a_students_kernel_that_is_killed_again_has_died(grade, killing):
    killed = killing("candidate", "test_half", 9)
    result = grade(tiny.submission())
    assert len(killed) == 2 and points(result) == FULL | {"test_half": 0, "bonus_test_shout": 0}
    assert "your kernel died" in result.total.reason and not result.machine


def test_a_kernel_of_the_tests_that_is_killed_again_is_the_machines_fault(grade, killing):
    killed = killing("examiner", "test_half", 9)
    result = grade(tiny.submission())
    assert len(killed) == 2 and result.machine
    assert result.failure.startswith("a kernel was killed") and result.failure.endswith("(grade again)")


def test_a_test_in_which_the_kernel_dies_did_not_run_to_its_end(grade):
    result = grade(tiny.submission(half="import os\ndef half(x):\n    os._exit(3)"))
    assert statuses(result) == ["graded", "not_run", "needs_manual", "not_run", "not_run"]
    assert "your kernel died in test_half" in result.scores[1].reason


def test_too_much_memory_ends_the_kernel(grade):
    hungry = "x = bytearray(10**9)\nx[::4096] = b'x' * len(x[::4096])\nimport time\ntime.sleep(60)"
    result = grade(tiny.submission(half=hungry), memory=500 * 2**20)
    assert "your kernel died in half (memory)" in result.total.reason
    assert points(result)["test_square"] == 10


def test_a_submission_has_its_time(grade):
    # An answer may take longer than the whole, and a busy machine may take its time to interrupt it.
    slow = tiny.submission(square="import time\ntime.sleep(600)\n" + tiny.ANSWERS["square"])
    result = grade(slow, submission_seconds=2, answer_seconds=600, grace_seconds=60)
    assert result.scores[0].status == "not_run" and "2 s were over" in result.scores[0].reason
    assert result.seconds < 120


def test_output_is_bounded(grade):
    result = grade(tiny.submission(square=tiny.ANSWERS["square"] + "\nprint('x' * 10_000_000)"), output=10_000)
    assert points(result) == FULL
    assert len(result.notebook) < 100_000
    assert b"more than 10000 bytes of output" in result.notebook


def test_no_process_is_left_behind(tmp_path):
    path = tmp_path / "pid"
    notebook = tiny.submission(square=DAEMON.format(path=str(path)))
    result = grade_submission(tiny.to_bytes(notebook), tiny.spec(), {}, COLD)
    assert points(result) == FULL and result.level == "unsafe"
    pid = int(path.read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_kernel_sees_the_specification_and_not_the_machine(grade, monkeypatch):
    for name, value in {"PROFILE": "full", "SOURCE": "real", "SEED": "7", "DATA": "/elsewhere"}.items():
        monkeypatch.setenv(f"COURSE_{name}", value)
    names = "'COURSE_PROFILE', 'COURSE_SOURCE', 'COURSE_SEED', 'COURSE_DATA', 'CUDA_VISIBLE_DEVICES'"
    seen = f"import os\nprint('seen', *(os.environ.get(name) for name in ({names})), sorted(os.listdir()))"
    files = {"table.txt": b"ours", "data/x.txt": b"ours"}
    spec = replace(tiny.spec(), files=files, held_out={"labels.txt": b"nobody sees"})
    notebook = tiny.submission(square=f"{tiny.ANSWERS['square']}\n{seen}\nprint(open('table.txt').read())")
    result = grade(notebook, {"table.txt": b"theirs", "note.txt": b"", "data": b"a file, not a folder"}, spec)
    assert b"seen small bundled 0 None -1 ['data', 'note.txt', 'table.txt']" in result.notebook
    assert b"ours" in result.notebook and b"theirs" not in result.notebook


def test_no_kernel_serves_two_submissions(grade):
    leave = f"{tiny.ANSWERS['square']}\nimport json\nprint('found', vars(json).get('left'))\njson.left = 'something'"
    for _ in range(2):
        assert b"found None" in grade(tiny.submission(square=leave)).notebook


def test_the_assignments_limits_reach_the_sandbox(grade):
    names = "CPU", "NOFILE", "FSIZE"
    ask = (
        f"import resource\nprint('limits', *(resource.getrlimit(getattr(resource, 'RLIMIT_' + n))[1] for n in {names}))"
    )
    limits = {"cpu_seconds": 100, "open_files": 99, "file_size": 10**6}
    result = grade(tiny.submission(square=f"{tiny.ANSWERS['square']}\n{ask}"), **limits)
    assert points(result) == FULL and b"limits 101 99 1000000" in result.notebook


def test_a_students_file_is_no_library_of_the_examiner(grade):
    result = grade(tiny.submission(), {"math.py": b"1 / 0", "numpy.py": b"1 / 0", "coursegrader.py": b"1 / 0"})
    assert points(result) == FULL


HIDDEN = """import sys
print("heard", {name})
print("heard", {name}, file=sys.stderr)
sys.__stdout__.write("heard " + str({name}))
raise type("Heard" + str({name}), (ValueError,), {{}})("heard", {name})"""


def test_what_the_hidden_part_showed_is_for_staff_only(grade):
    body = "    if x in (2, 4):\n        return x * x\n    " + HIDDEN.format(name="x").replace("\n", "\n    ")
    result = grade(tiny.submission(square=f"def square(x):\n{body}"))
    assert points(result) == FULL | {"test_square": 0}
    notebook = nbformat.reads(result.notebook.decode(), as_version=4)
    shown = "".join(str(cell.get("outputs", "")) for cell in notebook.cells)
    shown += str([result.scores, result.total, result.notes, result.flags])
    # The inputs of the hidden part are numbers that the student never sees.
    assert "-7" not in shown and "heard" not in shown.lower()
    assert "your code failed in a hidden check" in result.scores[0].reason
    assert "heard -7" in result.outcomes[0].staff and "Heard-7" in result.outcomes[0].staff


def test_a_copied_answer_is_graded_and_flagged(grade):
    notebook = tiny.submission()
    notebook.cells.append(new_code_cell(tiny.ANSWERS["square"], metadata=notebook.cells[2].metadata))
    result = grade(notebook)
    assert points(result) == FULL
    assert result.scores[0].status == "flagged" and result.total.status == "flagged"
    assert result.needs_a_look


def test_a_student_cannot_bring_back_lost_marks_by_deleting_tests(grade):
    notebook = tiny.submission(square="def square(x):\n    return 0")
    del notebook.cells[3]
    result = grade(notebook)
    assert points(result) == FULL | {"test_square": 0}
    assert "missing in the file and put back: test_square" in result.notes


def notice(result):
    return nbformat.reads(result.notebook.decode(), 4).cells[0].source


def test_a_refused_submission_earns_zero_and_gets_a_page_that_says_why(grade):
    result = grade(b"")
    assert set(points(result).values()) == {0} and set(statuses(result)) == {"failed"}
    assert result.failure == "the file is empty (ask the student to hand in ps0_tiny.ipynb again)"
    assert notice(result) == (
        "**Your submission could not be graded.** The file is empty. Save the notebook in JupyterLab, see that it opens"
        " again, and hand in ps0_tiny.ipynb again."
    )
    assert result.total.max_points == 20


def test_a_failing_cell_of_the_courses_own_fails_the_submission_and_says_what_to_do(grade):
    notebook = tiny.instructor()
    notebook.cells[1].source = "import no_such_module"
    result = grade(tiny.submission(), spec=Spec.of_notebook(tiny.to_bytes(notebook), tiny.PS))
    assert set(statuses(result)) == {"failed"} and result.level == ""
    assert "the course's own cell setup does not run in the examiner: ModuleNotFoundError" in result.failure
    assert "correct the cell, then grade again" in result.failure
    assert "Your teacher sees why" in notice(result) and "no_such_module" not in notice(result)


def test_a_student_who_breaks_the_courses_names_is_flagged(grade):
    notebook = tiny.instructor()
    notebook.cells[1].source = "import math\nroot = math.sqrt(4)"
    spec = Spec.of_notebook(tiny.to_bytes(notebook), tiny.PS)
    submitted = tiny.submission()
    submitted.cells.insert(0, new_code_cell("import math\ndel math.sqrt"))
    result = grade(submitted, spec=spec)
    assert points(result) == FULL
    assert result.total.status == "flagged" and "the course's own cell" in result.total.reason


def test_the_material_that_is_held_out_and_withdrawn_comes_with_the_specification(tmp_path):
    course = tiny.make_course(tmp_path)
    place = course.source(tiny.PS) / "examiner" / "labels"
    place.mkdir(parents=True)
    (place / "test.txt").write_bytes(b"1 2 3")
    configuration = course.root / "grader" / "nbgrader_config.py"
    configuration.write_text(configuration.read_text() + f"\nc.Exam.withdraw = {{'{tiny.PS}': ['json.loads']}}\n")
    spec = Spec.load(Course.at(course.root), tiny.PS, call_seconds=7)
    assert spec.held_out == {"labels/test.txt": b"1 2 3"} and not spec.files
    assert spec.withdraw == ("json.loads",) and spec.limits.call_seconds == 7


def test_a_name_that_cannot_be_withdrawn_fails_the_submission(grade):
    result = grade(tiny.submission(), spec=replace(tiny.spec(), withdraw=("no_such_module.f",)))
    assert "cannot be withdrawn" in result.failure and "c.Exam.withdraw" in result.failure


def test_a_hall_that_is_closed_is_the_machines_fault(hall):
    with pytest.raises(warm.NoForge, match="start the run again"):
        grade_submission(tiny.to_bytes(tiny.submission()), tiny.spec(), {}, replace(hall, address="/nowhere"))


def test_no_sandbox_must_be_asked_for_by_name(monkeypatch):
    with pytest.raises(sandbox.NoSandbox, match="--unsafe-no-sandbox"), open_hall("unsafe"):
        pass
    monkeypatch.setattr(
        "coursegrader.sandbox.levels.available", lambda: (sandbox.Availability("namespaces", False, "allow it"),)
    )
    with pytest.raises(sandbox.NoSandbox, match="allow it"), open_hall():
        pass
    with open_hall(unsafe=True, preload=()) as opened:
        assert opened.level == "unsafe" and isinstance(opened, Hall) and not opened.message
        assert points(grade_submission(tiny.to_bytes(tiny.submission()), tiny.spec(), {}, opened)) == FULL


def test_where_nothing_can_be_forked_kernels_are_cold_and_the_hall_says_why(monkeypatch):
    monkeypatch.setattr("coursegrader.sandbox.supported", lambda: False)
    with open_hall(unsafe=True) as opened:
        assert opened.address is None and "start cold" in opened.message


@pytest.mark.parametrize(
    ("shown", "points"),
    [
        ("2", 2.0),
        ("2.5", 2.5),
        ("np.float64(2.5)", 2.5),
        ("1e-3", 0.001),
        ("99", 4.0),
        ("-1", 0.0),
        ("nan", 0.0),
        ("np.float32(nan)", 0.0),
        ("inf", 0.0),
        ("True", None),
        ("'2'", None),
        ("[2]", None),
        ("", None),
    ],
)
def test_partial_credit_is_a_number_within_bounds(shown, points):
    output = new_output("execute_result", data={"text/plain": shown}, execution_count=1)
    assert partial_credit(new_code_cell("", outputs=[output]), 4.0) == points


def test_a_class_is_graded_side_by_side_and_one_submission_stops_no_other(hall):
    killer = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(1, signal.SIGKILL)\nos.kill(-1, 9)"
    notebooks = {"ann": tiny.submission(), "bad": b"{", "kil": tiny.submission(square=killer), "zoe": tiny.submission()}
    submissions = [
        Submission(name, one if isinstance(one, bytes) else tiny.to_bytes(one)) for name, one in notebooks.items()
    ]
    submissions.append(Submission("lnk", refusal=Refused("a link", "hand in the file")))
    results = {one.student: result for one, result in grade_class(submissions, tiny.spec(), workers=2, hall=hall)}
    assert points(results["ann"]) == points(results["zoe"]) == FULL
    assert results["bad"].total.status == results["lnk"].total.status == "failed"
    assert points(results["kil"])["test_square"] == 0
    assert results["lnk"].failure == "a link (hand in the file)"
    assert notice(results["lnk"]).endswith("A link. Ask your teacher what to do about it.")


def test_what_kills_its_worker_twice_fails_and_stops_no_other():
    killer = tiny.submission(square="import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")
    submissions = [Submission("kil", tiny.to_bytes(killer)), Submission("zoe", tiny.to_bytes(tiny.submission()))]
    results = {one.student: result for one, result in grade_class(submissions, tiny.spec(), workers=1, hall=COLD)}
    assert "killed twice" in results["kil"].failure and points(results["zoe"]) == FULL


def test_as_many_work_as_the_machine_has_cores_unless_it_is_said(monkeypatch):
    asked = []
    monkeypatch.setattr("coursegrader.submission.grade._pool", lambda workers: asked.append(workers) or nullcontext())
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    for workers in (None, 3):
        assert list(grade_class([], tiny.spec(), workers, hall=COLD)) == []
    assert asked == [7, 3]


def test_an_executor_of_ones_own_serves():
    class Here(Executor):
        def submit(self, fn, /, *arguments):
            future = Future()
            try:
                future.set_result(fn(*arguments))
            except Exception as error:
                future.set_exception(error)
            return future

    submissions = [Submission("ann", b"")]
    ((_, result),) = grade_class(submissions, tiny.spec(), executor=Here(), hall=COLD)
    assert result.total.status == "failed"
