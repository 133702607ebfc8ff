"""What a hostile kernel shows: bounded in size, and well-formed whatever it is."""

import json

import nbformat
import pytest
from coursegrader.exam.channel import FLOODED
from coursegrader.exam.outputs import CellOutputs
from coursegrader.exam.printed import Printed
from exam_harness import answer, earned, exam, graded
from nbformat.v4 import new_code_cell, new_notebook

HALF = json.loads('"half a character: \\ud800"')
DEEP = json.loads("[" * 400 + "]" * 400)


def message(kind, **content):
    return {"header": {"msg_type": kind}, "content": content}


def kept(*messages, limit=10_000):
    outputs = CellOutputs(limit)
    for one in messages:
        outputs.add(one)
    return outputs.finished()


def shown(data, kind="display_data", **more):
    return message(kind, data=data, metadata={}, transient={}, **more)


@pytest.mark.parametrize(
    "one",
    [
        shown([]),
        shown("text"),
        shown({"text/plain": {"a": 1}}),
        shown({"text/plain": 5}),
        shown({"image/png": ["not", 5]}),
        message("display_data", data={}, metadata=[]),
        shown({"text/plain": "x"}, "execute_result", execution_count="7"),
        shown({"application/json": DEEP}),
        message("error", ename=1, evalue="", traceback=[]),
        message("error", ename="E", evalue="", traceback="no list"),
        message("error", ename="E", evalue="", traceback=[["deep"]]),
        message("stream", text="no name"),
        message("stream", name="stdlog", text="another name"),
    ],
)
def test_what_no_notebook_can_hold_is_left_out(one):
    assert kept(one) == []


def test_what_is_kept_can_be_written_and_read_as_a_notebook():
    outputs = kept(
        message("stream", name="stdout", text=HALF),
        shown({"text/plain": HALF, "application/x+json": {HALF: [float("nan"), 1.5]}}),
        shown({"text/plain": "7"}, "execute_result", execution_count=7),
        message("error", ename="E", evalue=HALF, traceback=[HALF]),
    )
    assert len(outputs) == 4
    written = nbformat.writes(new_notebook(cells=[new_code_cell("", outputs=outputs)])).encode()
    nbformat.validate(nbformat.reads(written.decode(), as_version=4))
    assert b"half a character: ?" in written and b"NaN" not in written


def test_text_of_a_test_is_printable_too():
    printed = Printed(100)
    printed.add(message("stream", name="stdout", text=HALF))
    assert printed.text.encode() == b"half a character: ?"


def test_a_candidate_that_floods_during_a_test_is_ended(launcher):
    cells = [
        answer("f", "def f():\n    return 1"),
        graded("quiet", "assert f() == 1"),
        graded("loud", "try:\n    f()\nexcept BaseException:\n    pass"),
        graded("after", "pass"),
    ]
    loud = "calls = []\ndef f():\n    calls.append(1)\n    while calls[1:]:\n        print('x' * 100_000)\n    return 1"
    result = exam(cells, {"f": loud}, launcher=launcher, shown=3_000_000)
    assert earned(result) == {"quiet": 1, "loud": 0, "after": 0}
    assert FLOODED in result.outcomes[1].reason and result.outcomes[2].status == "not_run"
    assert len(result.outcomes[1].staff) < 100_000


def test_a_message_that_is_too_long_ends_the_kernel(launcher):
    cells = [answer("f", "f = 1"), graded("test", "pass")]
    result = exam(cells, {"f": "print('x' * (40 << 20))\nimport time\ntime.sleep(20)"}, launcher=launcher)
    assert result.outcomes[0].status == "not_run" and FLOODED in result.outcomes[0].reason


HOSTILE = """kernel = get_ipython().kernel
def f():
    ident = kernel.get_parent("shell")
    for _ in range(3000):
        kernel.session.send(kernel.stdin_socket, "input_request", {"prompt": "", "password": False}, parent=ident,
            ident=kernel._get_shell_context_var(kernel._shell_parent_ident), buffers=[b"A" * 100_000])
    return 2"""


def test_a_flood_on_the_channel_of_answers_earns_nothing_and_ends(launcher):
    cells = [answer("f", "def f():\n    return 1"), graded("one", "assert f() == 1"), graded("two", "pass")]
    result = exam(cells, {"f": HOSTILE}, launcher=launcher, call_seconds=5, cell_seconds=20)
    assert not result.outcomes[0].points and len(result.outcomes) == 2
    # The limits of the call and of the cell end it; on a busy machine that takes its time.
    assert result.seconds < 150
