"""A whole exam: which cell runs where, in what order, and what it earns."""

import numpy as np
import pytest
from coursegrader.exam.errors import ExamError
from coursegrader.notebooks import grade_id
from coursegrader.submission.run import Ended
from exam_harness import answer, earned, exam, graded, locked, own, written
from nbgrader.utils import determine_grade

SECRET = "hidden-4711-secret"


@pytest.fixture(scope="module")
def result():
    """One honest exam that exercises each row of the table."""
    cells = [
        locked("setup", "import numpy as np\nimport os\nplace = os.getpid()"),
        locked("made_there", "def make(n):\n    return [double(n)]\nmade_at = os.getpid()", "candidate"),
        answer("double", "def double(x):\n    print('doubling', x)\n    return 2 * x"),
        graded("test_double", '"""double doubles."""\nassert double(2) == 4', 5, hidden="assert double('a') == 'aa'"),
        graded(
            "test_made",
            "assert make(2) == [4] and double.__name__ == 'double'\nassert place == os.getpid() != made_at",
            2,
        ),
        graded("test_partial", '"""Partial."""\n1.5', 4),
        graded("test_flag", "True", 4),
        graded("test_scalar", "np.float32(0.5)", 4),
        graded("test_over", "99", 4),
        graded("test_nan", "float('nan')", 4),
        graded("test_quiet", "3;", 4),
        written("essay"),
        answer("half", "def half(x):\n    return x / 2\nfactor = 3"),
        graded("test_half", "factor_here = factor\nassert half(4) == 2 and factor_here == 3", 1),
    ]
    extra = {
        "double": [own("extra = 'the student\\'s own'\nprint(extra)"), own("1 / 0"), own("input('name? ')")],
        "test_flag": [own("def double(x):\n    return 'changed later'")],
    }
    return exam(cells, extra=extra)


def test_points_follow_from_what_the_examiner_saw(result):
    assert earned(result) == {
        "test_double": 5,
        "test_made": 2,
        "test_partial": 1.5,
        "test_flag": 4,
        "test_scalar": 0.5,
        "test_over": 4,
        "test_nan": 0,
        "test_quiet": 4,
        "test_half": 1,
    }


def test_the_executed_notebook_shows_the_students_outputs(result):
    cells = {grade_id(cell): cell for cell in result.notebook.cells if grade_id(cell)}
    own_cells = [cell for cell in result.notebook.cells if cell.cell_type == "code" and not grade_id(cell)]
    assert own_cells[0].outputs[0].text == "the student's own\n"
    assert own_cells[1].outputs[0].ename == "ZeroDivisionError"
    assert own_cells[2].outputs[0].ename == "StdinNotImplementedError"
    assert cells["double"].execution_count == 3 and cells["test_double"].execution_count is None
    assert not cells["double"].outputs


def test_nbgrader_reads_the_same_points_from_the_executed_notebook(result):
    cells = {grade_id(cell): cell for cell in result.notebook.cells if grade_id(cell)}
    assert {name: determine_grade(cells[name])[0] for name in earned(result)} == earned(result)


def test_every_code_cell_has_an_end(result):
    code = [index for index, cell in enumerate(result.notebook.cells) if cell.cell_type == "code"]
    assert sorted(result.ends) == code
    kinds = [result.ends[index].kind for index in code]
    assert kinds.count(Ended.ERROR) == 2 and set(kinds) == {Ended.OK, Ended.ERROR}


def test_the_students_output_in_a_public_part_is_shown_and_costs_nothing(result):
    outcome = result.outcomes[0]
    assert outcome.printed == "doubling 2\n" and "doubling a" in outcome.staff and outcome.points == 5


def test_a_later_cell_of_the_student_counts_from_there_on():
    cells = [
        answer("f", "def f():\n    return 1"),
        graded("before", "assert f() == 1"),
        graded("after", "assert f() == 2"),
    ]
    assert earned(exam(cells, extra={"before": [own("def f():\n    return 2")]})) == {"before": 1, "after": 1}


def test_an_answer_takes_back_a_name_that_a_test_has_used():
    cells = [
        locked("setup", "limit = 5"),
        graded("first", "out = 'of the test'\nlimit = 5"),
        answer("out", "out = 'of the answer'\nlimit = 7"),
        graded("second", "assert out == 'of the answer' and limit == 5"),
    ]
    assert earned(exam(cells)) == {"first": 1, "second": 1}


def test_an_answer_may_have_the_name_of_a_builtin():
    cells = [
        answer("filter", "def filter(x):\n    return 'filtered'"),
        graded("test", "assert filter(1) == 'filtered'"),
    ]
    assert earned(exam(cells)) == {"test": 1}
    assert earned(exam(cells, {"filter": "pass"})) == {"test": 0}


FAILING = [
    locked("setup", "from coursegrader.checks import check_array, require\nimport numpy as np"),
    answer("work", "def work(x):\n    return x"),
    graded("public", '"""work works."""\nassert work(1) == 1', hidden="pass"),
    graded("literal", '"""work works."""', hidden=f"seen = work('{SECRET}')\nassert seen == 1, 'say it in words'"),
    graded("computed", '"""work works."""', hidden=f"seen = work('{SECRET}')\nassert seen == 1, f'not {{seen}} but'"),
    graded("bare", '"""work works."""', hidden=f"assert work('{SECRET}') == '{SECRET}'"),
    graded("library", "", hidden="np.testing.assert_array_equal(work(np.arange(4711, 4713)), np.arange(4711, 4713))"),
    graded("check", "", hidden="check_array(work(np.ones(2)), np.ones(2), 'work(ones)', hint='mind the sign')"),
    graded("required", "", hidden=f"require(work('{SECRET}') == '{SECRET}', 'it must be kept')"),
]


def test_what_students_see_of_a_hidden_part():
    """The docstring and the instructor's literal words; never values, library texts, or the student's own output."""
    leak = "def work(x):\n    print('leak', x)\n    return -x if type(x) is np.ndarray else [x]"
    result = exam(FAILING, {"work": leak})
    reasons = {outcome.grade_id: outcome.reason for outcome in result.outcomes}
    assert reasons == {
        "public": "[work works.] AssertionError",
        "literal": "[work works.] say it in words",
        "computed": "[work works.] not … but",
        "bare": "[work works.] a hidden check failed",
        "library": "a hidden check failed",
        "check": "work(ones): 2 of 2 values are wrong, the first at index (0,). They have the opposite "
        "sign. mind the sign",
        "required": "it must be kept",
    }
    assert not any(outcome.points for outcome in result.outcomes)
    shown = "".join(str(cell.outputs) for cell in result.notebook.cells if cell.cell_type == "code")
    assert SECRET not in shown and "4711" not in shown
    staff = {outcome.grade_id: outcome.staff for outcome in result.outcomes}
    assert f"leak {SECRET}" in staff["bare"] and "4711" in staff["library"]


def test_an_exception_in_a_hidden_part_is_not_shown_either():
    result = exam(
        FAILING, {"work": f"def work(x):\n    raise type(str(x), (ValueError,), {{}})(x)\nSECRET = '{SECRET[:3]}'"}
    )
    outcome = {outcome.grade_id: outcome for outcome in result.outcomes}
    assert outcome["public"].reason == (
        "[work works.] 1: 1\n  work, line 2, in work: raise type(str(x), (ValueError,), {})(x)"
    )
    assert outcome["bare"].reason == "[work works.] your code failed in a hidden check"
    assert SECRET in outcome["bare"].staff


def test_a_dead_kernel_leaves_the_rest_not_run():
    cells = [
        answer("f", "def f():\n    return 1"),
        graded("one", "assert f() == 1"),
        answer("g", "def g():\n    return 1"),
        graded("two", "try:\n    g()\nexcept BaseException:\n    pass"),
        graded("three", "assert f() == 1"),
        graded("four", "pass"),
    ]
    result = exam(cells, {"g": "import os\ndef g():\n    os._exit(0)"})
    assert earned(result) == {"one": 1, "two": 0, "three": 0, "four": 0}
    statuses = [outcome.status for outcome in result.outcomes]
    assert statuses == ["graded", "not_run", "not_run", "not_run"]
    assert all("your kernel died in two (exit status 0)" in outcome.reason for outcome in result.outcomes[1:])
    assert result.died.startswith("your kernel died in two")


def test_a_crash_in_a_students_cell_is_named():
    cells = [answer("f", "f = 1"), graded("test", "pass")]
    result = exam(cells, {"f": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"})
    assert result.outcomes[0].status == "not_run"
    assert result.outcomes[0].reason == "your kernel died in f (signal 11)"


def test_an_endless_cell_is_interrupted_and_the_rest_goes_on():
    cells = [answer("f", "f = 1"), answer("g", "g = 2"), graded("test", "assert g == 2")]
    result = exam(cells, {"f": "while True:\n    pass"}, cell_seconds=2)
    assert earned(result) == {"test": 1}
    assert result.ends[0].kind is Ended.TIMEOUT and "stopped after 2 s" in result.ends[0].reason


def test_a_cell_that_ignores_signals_ends_the_kernel():
    stubborn = "import time\nwhile True:\n    try:\n        time.sleep(9)\n    except BaseException:\n        pass"
    result = exam([answer("f", "f = 1"), graded("test", "pass")], {"f": stubborn}, cell_seconds=2, grace_seconds=1)
    assert result.outcomes[0].status == "not_run" and "did not heed" in result.outcomes[0].reason


def test_a_call_that_ignores_signals_ends_the_kernel():
    stubborn = (
        "import time\ndef f():\n    while True:\n        try:\n            time.sleep(9)\n"
        "        except BaseException:\n            pass"
    )
    cells = [
        answer("f", "def f():\n    return 1"),
        graded("one", "try:\n    f()\nfinally:\n    x = 1"),
        graded("two", "pass"),
    ]
    result = exam(cells, {"f": stubborn}, call_seconds=1)
    assert [outcome.status for outcome in result.outcomes] == ["not_run", "not_run"]


def test_a_call_that_takes_too_long_costs_its_test_only():
    cells = [answer("f", "def f():\n    return 1"), graded("one", "f()"), graded("two", "pass")]
    slow = "import time\ndef f():\n    time.sleep(60)"
    result = exam(cells, {"f": slow}, call_seconds=1)
    assert earned(result) == {"one": 0, "two": 1}
    assert result.outcomes[0].reason == "your code did not end within 1 s and was interrupted"
    assert result.outcomes[0].ended is Ended.TIMEOUT


def test_a_test_that_takes_too_long_does_not_hold_up_the_next():
    cells = [
        answer("f", "def f():\n    return 1"),
        graded("one", "for _ in range(9):\n    f()"),
        graded("two", "assert g() == 2"),
    ]
    slow = "import time\ndef f():\n    time.sleep(15)\ndef g():\n    return 2"
    result = exam(cells, {"f": slow}, cell_seconds=2, call_seconds=20)
    assert earned(result) == {"one": 0, "two": 1}, result.outcomes
    assert result.outcomes[0].ended is Ended.TIMEOUT and result.seconds < 15


def test_a_kernel_that_dies_between_cells_is_named():
    cells = [answer("f", "def f():\n    return 1"), graded("one", "assert f() == 1"), graded("two", "pass")]
    ends = "import asyncio, os\nasyncio.get_event_loop().call_soon(os._exit, 3)"
    result = exam(cells, extra={"f": [own(ends)]})
    assert earned(result)["two"] == 0 and {outcome.status for outcome in result.outcomes[1:]} == {"not_run"}
    assert result.died.startswith("your kernel died") and "could not be ended" not in result.died


def test_the_whole_has_a_time_limit():
    cells = [answer("f", "f = 1"), graded("one", "pass"), answer("g", "g = 1"), graded("two", "pass")]
    result = exam(cells, {"f": "import time\ntime.sleep(60)"}, submission_seconds=2, cell_seconds=60)
    assert [outcome.status for outcome in result.outcomes] == ["not_run", "not_run"]
    assert "2 s were over" in result.outcomes[0].reason


def test_a_flood_of_output_is_cut_and_ends_the_kernel():
    cells = [answer("f", "f = 1"), answer("g", "g = 1"), graded("one", "pass")]
    much = "for _ in range(50):\n    print('x' * 1000)"
    result = exam(cells, {"f": much, "g": "while True:\n    print('x' * 100_000)"}, output=10_000, shown=5_000_000)
    assert len(str(result.notebook.cells[0].outputs)) < 12_000
    assert "left out" in str(result.notebook.cells[0].outputs)
    assert result.outcomes[0].status == "not_run" and "more output" in result.outcomes[0].reason


def test_too_much_memory_ends_the_kernel():
    cells = [answer("f", "f = 1"), graded("one", "pass")]
    hungry = "kept = bytearray(10**9)\nkept[::4096] = b'x' * len(kept[::4096])\nimport time\ntime.sleep(20)"
    result = exam(cells, {"f": hungry}, memory=500 << 20)
    assert "memory" in result.outcomes[0].reason and result.outcomes[0].status == "not_run"


def test_a_locked_cell_that_fails_is_nobodys_fault_but_the_exams():
    with pytest.raises(ExamError, match="own cell setup"):
        exam([locked("setup", "import nothing_of_that_name"), graded("one", "pass")])


def test_a_locked_cell_may_use_the_students_names_and_fail_by_them():
    cells = [answer("f", "def f():\n    return 2"), locked("use", "value = f()"), graded("one", "assert value == 2")]
    assert earned(exam(cells)) == {"one": 1}
    assert earned(exam(cells, {"f": "def f():\n    return 3"})) == {"one": 0}
    assert earned(exam(cells, {"f": "def f():\n    raise ValueError"})) == {"one": 0}


def test_a_locked_cell_that_asks_the_student_does_not_compete_with_itself():
    """Side by side, the examiner's call would wait for the candidate's own run of the cell, and interrupt it."""
    use = locked("use", "import time\nvalue = f()\ntime.sleep(3)\nother = f()")
    cells = [answer("f", "def f():\n    return 2"), use, graded("one", "assert value == other == 2")]
    assert earned(exam(cells, call_seconds=1)) == {"one": 1}


def test_a_locked_cell_that_a_student_holds_up_costs_what_needs_it():
    cells = [
        answer("f", "def f():\n    return 2"),
        graded("before", "assert True"),
        locked("use", "values = [f() for _ in range(40)]"),
        graded("one", "assert values[0] == 2"),
    ]
    slow = exam(cells, {"f": "import time\ndef f():\n    time.sleep(0.2)"}, cell_seconds=2)
    assert earned(slow) == {"before": 1, "one": 0}
    dead = exam(cells, {"f": "import os\ndef f():\n    os._exit(3)"})
    assert earned(dead) == {"before": 1, "one": 0} and "died in use" in dead.died


def test_files_lie_where_they_belong():
    cells = [
        answer("f", "import os\ndef f():\n    return sorted(os.listdir())"),
        graded("one", "import os\nassert 'labels.txt' in os.listdir() and 'labels.txt' not in f()"),
        graded(
            "two", "assert 'mine.py' in f() and 'numpy.py' not in os.listdir()\nimport numpy\nassert numpy.ones(1) == 1"
        ),
    ]
    files = {"mine.py": b"x = 1", "numpy.py": b"raise SystemExit"}
    result = exam(cells, student_files=files, held_out={"labels.txt": b"1 2 3"})
    assert earned(result) == {"one": 1, "two": 1}, [outcome.staff for outcome in result.outcomes]


def test_the_environment_is_the_specifications(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    monkeypatch.setenv("SECRET_TOKEN", "x")
    cells = [
        answer("f", "import os\ndef f():\n    return os.environ.get('COURSE_PROFILE'), 'SECRET_TOKEN' in os.environ"),
        graded("one", "import os\nassert f() == ('small', False) and os.environ['COURSE_PROFILE'] == 'small'"),
    ]
    assert earned(exam(cells)) == {"one": 1}


def test_nothing_is_left_running(tmp_path):
    import psutil

    marker = tmp_path / "child"
    answers = {
        "f": f"import subprocess\nchild = subprocess.Popen(['sleep', '300'])\n"
        f"open({str(marker)!r}, 'w').write(str(child.pid))"
    }
    exam([answer("f", "f = 1"), graded("one", "pass")], answers)
    pid = int(marker.read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_number_of_points_is_the_instructors():
    cells = [answer("f", "f = 1"), graded("one", "np = 1\n0.25", 0.5)]
    assert earned(exam(cells)) == {"one": np.float64(0.25)}
