"""What students have tried, or could: every case ends with the points of the wrong answer that it is, none."""

import contextlib

import nbformat
import pytest
from coursegrader.exam.division import Place, divide
from exam_harness import answer, earned, exam, graded, locked, own, specification, submission

WRONG = "def square(x):\n    return None\ndef predict(x):\n    return None"
LABELS = "[3, 5, 3, 3, 5, 4, 4, 3]"
CELLS = [
    locked("setup", "import numpy as np\ndef check(got, want):\n    assert np.array_equal(got, want), 'wrong'"),
    answer("square", "def square(x):\n    return x ** 2\ndef predict(x):\n    return np.array(" + LABELS + ")"),
    graded(
        "values",
        "check(square(np.arange(3)), [0, 1, 4])",
        5,
        hidden="assert square(3.0) == 9 and square(4711) == 22193521",
    ),
    graded("credit", "got = predict(np.zeros(8))", 5, hidden=f"float(5 * np.mean(got == np.array({LABELS})))"),
    graded("text", "assert str(square(2)) == '4'", 5),
    graded("shape", "assert np.asarray(square(np.ones((2, 3)))).shape == (2, 3)", 5),
]
# The number that `credit` returns is 0: nothing that a forger makes `predict` return equals a label.
NOTHING = {"values": 0, "credit": 0, "text": 0, "shape": 0}

EVERYTHING = """
class Everything:
    def __eq__(self, other): return True
    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__
    def __bool__(self): return True
    def __hash__(self): return 0
    def __getattr__(self, name): return Everything()
    def __call__(self, *args, **kwargs): return Everything()
    def __getitem__(self, key): return Everything()
    def __iter__(self): return iter([Everything()] * 3)
    def __len__(self): return 7
    def __float__(self): return 9.0
    def __index__(self): return 9
"""

FORGERIES = {
    "nothing": "",
    "ast transformer that empties later cells": """
import ast
class Empty(ast.NodeTransformer):
    def visit_Module(self, node):
        node.body = []
        return node
get_ipython().ast_transformers.append(Empty())
""",
    "input transformer that empties later cells": """
get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])
""",
    "an object that equals everything": EVERYTHING + "square = predict = lambda x: Everything()",
    "a name that equals everything": EVERYTHING + "square = predict = Everything()",
    "an array that equals everything": """
class Liar(np.ndarray):
    def __eq__(self, other): return np.True_
    def __array_function__(self, *args): return True
    def all(self, *args): return np.True_
    shape = (2, 3)
square = predict = lambda x: np.zeros(1).view(Liar)
""",
    "a number that equals everything": """
class Liar(float):
    def __eq__(self, other): return True
    def __str__(self): return '4'
    __hash__ = float.__hash__
square = predict = lambda x: Liar(0)
""",
    "a text that equals everything": """
class Liar(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
square = predict = lambda x: Liar('x')
""",
    "printing a number as partial credit": "def square(x):\n    print(5.0)\n    display(5.0)\nprint(5.0)",
    "rebinding what the tests use": """
import sys
np.array_equal = lambda *_: True
def check(got, want): pass
np.mean = lambda *_: 1.0
import builtins
builtins.float = lambda *_: 5.0
builtins.str = lambda *_: '4'
builtins.len = lambda *_: 7
""",
    "monkeypatching numpy inside": """
import numpy.testing
np.ndarray_equal = np.array_equal
np.core.numeric.array_equal = np.array_equal = np.allclose = lambda *_, **__: True
""",
    "display hooks": """
import sys
sys.displayhook = lambda value: None
get_ipython().displayhook = None
get_ipython().display_formatter.format = lambda *_: ({'text/plain': '5.0'}, {})
""",
    "hooks that replace results": """
def after(result):
    result.result = 5.0
    result.error_in_exec = result.error_before_exec = None
get_ipython().events.register('post_run_cell', after)
get_ipython().showtraceback = lambda *_, **__: None
""",
    "fake messages on the kernel's sockets": """
kernel = get_ipython().kernel
parent = kernel.get_parent('shell')
def square(x):
    parent = kernel.get_parent('shell')
    content = {'status': 'ok', 'execution_count': 1, 'user_expressions': {}, 'payload': []}
    ident = kernel._get_shell_context_var(kernel._shell_parent_ident)
    for _ in range(3):
        kernel.session.send(kernel.iopub_socket, 'execute_result',
                            {'data': {'text/plain': '5.0'}, 'metadata': {}, 'execution_count': 1}, parent=parent)
        kernel.session.send(kernel.iopub_socket, 'status', {'execution_state': 'idle'}, parent=parent)
        kernel.session.send(kernel.stdin_socket, 'execute_reply', content, parent=parent, ident=ident)
    return None
""",
    "an agent that answers everything with yes": """
from coursegrader.exam import agent, wire
agent._AGENT.server._carry_out = lambda data: wire.encode(('value', True))
""",
    "an agent that sends garbage": """
import os
from coursegrader.exam import agent
agent._AGENT.server._carry_out = lambda data: os.urandom(1000)
""",
    "an agent that sends something deep": """
from coursegrader.exam import agent
agent._AGENT.server._carry_out = lambda data: b'l\\x01\\x00\\x00\\x00' * 100_000 + b'N'
""",
    "an agent that sends something huge": """
from coursegrader.exam import agent
agent._AGENT.server._carry_out = lambda data: bytes(100 << 20)
""",
    "an agent that sends no message": """
from coursegrader.exam import agent
server = agent._AGENT.server
def serve():
    ident = server.kernel._get_shell_context_var(server.kernel._shell_parent_ident)
    server.kernel.stdin_socket.send_multipart([*ident, b'<IDS|MSG>', b'junk', b'{', b'[' * 50_000, b'', b''])
server.serve = serve
""",
    "an agent that raises what it likes": """
from coursegrader.exam import agent, wire
agent._AGENT.server._carry_out = lambda data: wire.encode(('error', 'X', ['KeyboardInterrupt'], 'x', [], 0))
""",
    "an agent that asks for functions that nobody passed": """
from coursegrader.exam import agent, wire
server = agent._AGENT.server
def serve():
    for number in range(5):
        server._send(b'A', wire.encode((number, (), {})))
    server._send(b'R', wire.encode(('value', None)))
server.serve = serve
""",
    "an exit in a call": "import sys\ndef square(x): sys.exit(0)\npredict = square",
    "an exit of the process in a call": "import os\ndef square(x): os._exit(0)\npredict = square",
    "a payload that a pickle would run": """
class Payload:
    def __reduce__(self): return (exec, ("import builtins; builtins.assert_nothing = True",))
square = predict = lambda x: Payload()
""",
    "a dict that lies": """
class D(dict):
    def __getitem__(self, key): return 9
    def __eq__(self, other): return True
square = predict = lambda x: D()
""",
    "an object whose length lies": """
class L:
    def __len__(self): return 7
    def __getitem__(self, i): raise IndexError
    shape = (2, 3)
    def __str__(self): return 'four'
square = predict = lambda x: L()
""",
    "a recursion bomb": "def square(x):\n    try:\n        return square(x)\n    except RecursionError:\n"
    "        return square(x)",
    "an array full of other arrays": "square = predict = lambda x: np.array([object()] * 8)",
    "looking for the tests in memory": """
import gc
def square(x):
    for item in gc.get_objects():
        if isinstance(item, dict) and '__file__' not in item and 'want' in item:
            return item['want']
""",
}


@pytest.mark.parametrize("forgery", list(FORGERIES), ids=lambda name: name.replace(" ", "-"))
def test_a_forgery_earns_what_its_answer_is_worth(launcher, forgery):
    result = exam(CELLS, {"square": f"{WRONG}\n{FORGERIES[forgery]}"}, launcher=launcher, cell_seconds=8)
    assert earned(result) == NOTHING
    # Each test has a verdict of its own, whatever came before it.
    assert len(result.outcomes) == 4 and all(outcome.reason for outcome in result.outcomes)


def test_the_right_answer_earns_everything():
    assert earned(exam(CELLS)) == {"values": 5, "credit": 5, "text": 5, "shape": 5}


def test_tags_and_marks_of_a_students_cell_change_nothing():
    skipping = own("raise SystemExit")
    skipping.metadata["tags"] = ["skip-execution", "raises-exception", "candidate"]
    locked_by_name = own("def check(got, want):\n    pass\nsquare = 3")
    locked_by_name.metadata["nbgrader"] = {"grade_id": "mine", "locked": True, "grade": False, "solution": False}
    copied = own("def check(got, want):\n    pass")
    copied.metadata["nbgrader"] = {"grade_id": "setup", "locked": True, "grade": False, "solution": False}
    graded_by_name = own("5.0")
    graded_by_name.metadata["nbgrader"] = {"grade_id": "mine2", "locked": True, "grade": True, "points": 100}
    extra = {"setup": [skipping, locked_by_name, copied, graded_by_name]}
    assert earned(exam(CELLS, {"square": WRONG}, extra=extra)) == NOTHING
    assert sum(earned(exam(CELLS, extra=extra)).values()) == 20


def test_a_changed_locked_cell_never_runs_in_the_examiner():
    cells = [locked("setup", "want = 1"), answer("f", "f = 1"), graded("test", "assert want == 1 and f == 1")]
    spec = specification(cells)
    reference, solution = spec.reference_notebook(), nbformat.reads(spec.solution.decode(), as_version=4)

    def places(cells):
        return [step.place for step in divide(submission(specification(cells)), reference, solution)]

    assert places(cells) == [Place.BOTH, Place.CANDIDATE, Place.EXAMINER]
    assert places([locked("setup", "want = 2"), *cells[1:]]) == [Place.CANDIDATE, Place.CANDIDATE, Place.EXAMINER]
    assert places([*cells[:2], graded("test", "pass")]) == [Place.BOTH, Place.CANDIDATE, Place.CANDIDATE]
    assert places([locked("setup", "want = 1"), *cells]) == [
        Place.BOTH,
        Place.CANDIDATE,
        Place.CANDIDATE,
        Place.EXAMINER,
    ]


def memory_of(pid: int) -> bytes:
    """All that a process of ours holds in memory that it may write to."""
    content = []
    with open(f"/proc/{pid}/maps") as areas, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for area in areas:
            span, rights = area.split()[:2]
            first, last = (int(part, 16) for part in span.split("-"))
            if rights.startswith("rw"):
                with contextlib.suppress(OSError):
                    memory.seek(first)
                    content.append(memory.read(last - first))
    return b"".join(content)


def test_hidden_tests_and_expected_values_never_reach_the_candidate(room):
    """The candidate's whole memory is searched, from outside, for the text and the values of a test that ran."""
    room.student("kept = []\ndef f(x, fn):\n    kept.append(fn(x))\n    return kept[0]")
    room.check_passes(
        "def secret_function_name(x):\n    secret_variable = 'secret literal'\n    return x\n"
        "expected = 'expected 48' + '15162342'\n"
        "### BEGIN HIDDEN TESTS\n"
        "assert f('an argument that crosses', secret_function_name) == 'an argument that crosses', 'secret message'\n"
        "assert np.array_equal(f(np.array([1]), secret_function_name) == 'x', np.full(3, 'expected array')) is False\n"
        "### END HIDDEN TESTS"
    )
    room.fails("def check(x):\n    raise ValueError('secret exception')\nf(1, check)", "ValueError", "secret exception")
    memory = memory_of(room.pair.candidate.pid)
    assert b"an argument that crosses" in memory
    for text in ("secret_function_name", "secret_variable", "secret literal", "expected 4815162342", "secret message",
                 "expected array", "secret exception", "BEGIN HIDDEN TESTS"):  # fmt: skip
        for encoded in (text.encode(), text.encode("utf-16-le"), text.encode("utf-32-le")):
            assert encoded not in memory, text
