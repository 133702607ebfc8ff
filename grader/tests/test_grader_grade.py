"""Grading: what each kind of submission earns, in kernels of their own, and that none of them disturbs another."""

import time
from concurrent.futures import Executor, Future

import psutil
import pytest
import tiny
from coursegrader.errors import KernelUnavailable, Refused
from coursegrader.grade import grade_class, grade_submission
from coursegrader.intake import Submission
from coursegrader.scores import partial_credit
from coursegrader.spec import Spec
from nbformat.v4 import new_code_cell, new_output

SHORT = {"cell_seconds": 2, "answer_seconds": 2, "grace_seconds": 1}
FULL = {"test_square": 10, "test_half": 4, "why": None, "bonus_test_shout": 5}
NO_INTERRUPT = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass"
DAEMON = """import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open({path!r}, "w").write(str(child.pid))
def square(x):
    return x * x"""


def grade(notebook, **limits):
    data = notebook if isinstance(notebook, bytes) else tiny.to_bytes(notebook)
    return grade_submission(data, tiny.spec(**limits))


def points(result):
    return {one.cell: one.points for one in result.scores}


def statuses(result):
    return [one.status.value for one in (*result.scores, result.total)]


def test_right_answers_earn_all_points_though_a_test_writes_to_stderr():
    result = grade(tiny.submission())
    assert points(result) == FULL
    assert statuses(result) == ["graded", "graded", "needs_manual", "graded", "needs_manual"]
    assert (result.total.points, result.total.max_points) == (19, 20)
    assert b"a remark of a library" in result.notebook
    assert result.seconds > 0 and result.peak_memory > 10 * 2**20


def test_a_blank_release_earns_nothing():
    result = grade(tiny.release())
    assert set(points(result).values()) == {0}
    assert set(statuses(result)) == {"blank"}


def test_a_wrong_answer_loses_its_task_and_partial_credit_counts():
    result = grade(tiny.submission(square="def square(x):\n    return 4", half="def half(x):\n    return x // 2"))
    assert points(result) == FULL | {"test_square": 0, "test_half": 2}
    assert result.scores[0].reason == "AssertionError: try a negative number"


def test_tags_do_not_spare_a_cell():
    notebook = tiny.submission(square="def square(x):\n    return 0")
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception"]
    assert points(grade(notebook))["test_square"] == 0


def test_an_endless_loop_is_interrupted_and_the_rest_graded():
    result = grade(tiny.submission(square="while True:\n    pass"), **SHORT)
    assert points(result) == FULL | {"test_square": 0}
    assert any("stopped after 2 s: in cell square" in note for note in result.notes)


def test_a_loop_that_ignores_interrupts_ends_the_kernel():
    started = time.monotonic()
    result = grade(tiny.submission(half=NO_INTERRUPT), **SHORT)
    assert points(result) == FULL | {"test_half": 0, "bonus_test_shout": 0}
    assert statuses(result) == ["graded", "not_run", "needs_manual", "not_run", "not_run"]
    assert "did not heed" in result.total.reason
    assert time.monotonic() - started < 60


def test_what_kills_its_kernel_loses_only_what_did_not_run():
    result = grade(tiny.submission(half="import os\nos._exit(3)"))
    assert points(result) == FULL | {"test_half": 0, "bonus_test_shout": 0}
    assert statuses(result) == ["graded", "not_run", "needs_manual", "not_run", "not_run"]
    assert result.scores[1].reason == "the kernel died, in cell half"
    assert "what came after it did not run" in result.total.reason


def test_a_test_in_which_the_kernel_dies_did_not_run_to_its_end():
    result = grade(tiny.submission(half="import os\ndef half(x):\n    os._exit(3)"))
    assert result.scores[1].status == "not_run" and "did not run to its end" in result.scores[1].reason


def test_too_much_memory_ends_the_kernel():
    result = grade(tiny.submission(half="x = bytearray(10**9)\nimport time\ntime.sleep(60)"), memory=400 * 2**20)
    assert "more than 0.4 GiB of memory, in cell half" in result.total.reason
    assert points(result)["test_square"] == 10


def test_a_submission_has_its_time():
    slow = tiny.submission(square="import time\ntime.sleep(3)\n" + tiny.ANSWERS["square"])
    result = grade(slow, submission_seconds=2)
    assert result.scores[0].status == "not_run" and "2 s were over" in result.scores[0].reason


def test_output_is_bounded():
    result = grade(tiny.submission(square=tiny.ANSWERS["square"] + "\nprint('x' * 10_000_000)"), output=10_000)
    assert points(result) == FULL
    assert len(result.notebook) < 100_000
    assert b"more than 10000 bytes of output" in result.notebook


def test_no_process_is_left_behind(tmp_path):
    path = tmp_path / "pid"
    result = grade(tiny.submission(square=DAEMON.format(path=str(path))))
    assert points(result) == FULL
    pid = int(path.read_text())
    assert not psutil.pid_exists(pid)


def test_the_kernel_sees_the_specification_and_not_the_machine(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    monkeypatch.setenv("COURSE_DATA", "/elsewhere")
    seen = "import os\nprint('seen', os.environ['COURSE_PROFILE'], os.environ.get('COURSE_DATA'), sorted(os.listdir()))"
    spec = Spec.of_notebook(tiny.spec().solution, tiny.PS, files={"table.txt": b"ours"}, limits=tiny.spec().limits)
    notebook = tiny.submission(square=f"{tiny.ANSWERS['square']}\n{seen}\nprint(open('table.txt').read())")
    result = grade_submission(tiny.to_bytes(notebook), spec, {"table.txt": b"theirs", "note.txt": b""})
    assert b"seen small None ['note.txt', 'table.txt']" in result.notebook
    assert b"ours" in result.notebook and b"theirs" not in result.notebook


def test_a_copied_answer_is_graded_and_flagged():
    notebook = tiny.submission()
    notebook.cells.append(new_code_cell(tiny.ANSWERS["square"], metadata=notebook.cells[2].metadata))
    result = grade(notebook)
    assert points(result) == FULL
    assert result.scores[0].status == "flagged" and result.total.status == "flagged"
    assert result.needs_a_look


def test_a_student_cannot_bring_back_lost_marks_by_deleting_tests():
    notebook = tiny.submission(square="def square(x):\n    return 0")
    del notebook.cells[3]
    result = grade(notebook)
    assert points(result) == FULL | {"test_square": 0}
    assert "missing in the file and put back: test_square" in result.notes


def test_a_refused_submission_earns_zero_and_gets_a_page_that_says_why():
    result = grade(b"")
    assert set(points(result).values()) == {0} and set(statuses(result)) == {"failed"}
    assert b"could not be graded" in result.notebook and b"hand in ps0_tiny.ipynb again" in result.notebook
    assert result.total.max_points == 20


def test_a_failing_cell_of_the_courses_own_is_flagged():
    notebook = tiny.instructor()
    notebook.cells[1].source = "import no_such_module"
    spec = Spec.of_notebook(tiny.to_bytes(notebook), tiny.PS, limits=tiny.spec().limits)
    result = grade_submission(tiny.to_bytes(tiny.submission()), spec)
    assert points(result) == FULL
    assert result.total.status == "flagged" and "the course's own cell" in result.total.reason


def test_a_missing_kernel_is_the_machines_fault():
    notebook = tiny.instructor()
    notebook.metadata["kernelspec"]["name"] = "no-such-kernel"
    spec = Spec.of_notebook(tiny.to_bytes(notebook), tiny.PS)
    with pytest.raises(KernelUnavailable, match="make setup"):
        grade_submission(tiny.to_bytes(tiny.submission()), spec)


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


def test_a_class_is_graded_side_by_side_and_one_submission_stops_no_other():
    killer = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"
    notebooks = {"ann": tiny.submission(), "bad": b"{", "kil": tiny.submission(square=killer), "zoe": tiny.submission()}
    submissions = [
        Submission(name, one if isinstance(one, bytes) else tiny.to_bytes(one)) for name, one in notebooks.items()
    ]
    submissions.append(Submission("lnk", refusal=Refused("a link", "hand in the file")))
    results = {one.student: result for one, result in grade_class(submissions, tiny.spec(), workers=2)}
    assert points(results["ann"]) == points(results["zoe"]) == FULL
    assert results["bad"].total.status == results["lnk"].total.status == "failed"
    assert "killed twice" in results["kil"].failure
    assert results["lnk"].failure == "a link (hand in the file)"


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
    ((_, result),) = grade_class(submissions, tiny.spec(), executor=Here())
    assert result.total.status == "failed"
