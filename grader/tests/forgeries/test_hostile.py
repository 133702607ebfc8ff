"""Hostile programs the whole way: each is graded or failed with a reason, and its neighbours notice nothing."""

import json
import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest
from coursegrader.submission.grade import Result, grade_class
from coursegrader.submission.hall import Hall
from coursegrader.submission.intake import Submission
from forging import HONEST, REST, SQUARE_ONLY, WRONG, Forgery, Grade, check, earned, handed_in, specification, told

HONEST_NAME = "neighbour"


@pytest.fixture(autouse=True)
def _in_a_sandbox(hall: Hall):
    if hall.level == "unsafe":
        pytest.skip("no sandbox on this machine: hostile programs are not run")


def test_nothing_of_the_course_and_of_others_is_within_reach(grade: Grade, hall: Hall, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("EXAM_TEST_SECRET", "secret")
    tmp_path.chmod(0o777)
    book = tmp_path / "gradebook.db"
    book.write_text("marks")
    book.chmod(0o666)
    course = Path(__file__).parents[3]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tries = f"""
import os, socket
def attempt(act):
    try:
        return act()
    except Exception:
        return None
print('reached', [name for name, act in {{
    'gradebook': lambda: open({str(book)!r}).read() or open({str(book)!r}, 'w').write('100'),
    'folder': lambda: os.listdir({str(tmp_path)!r}),
    'solutions': lambda: os.listdir({str(course / "solutions")!r}),
    'warm process': lambda: open({hall.address + "/forge.json"!r}).read(),
    'network': lambda: socket.create_connection(('127.0.0.1', {port}), 1),
    'secret': lambda: os.environ['EXAM_TEST_SECRET'],
    'grader': lambda: open('/proc/{os.getpid()}/environ', 'rb').read(),
    'signal': lambda: os.kill({os.getpid()}, 0) or True,
    'file': lambda: open({str(tmp_path / "left")!r}, 'w'),
}}.items() if attempt(act)])"""
        result = check(Forgery(tries), grade)
    assert "reached []" in result.notebook.decode()
    assert book.read_text() == "marks" and not (tmp_path / "left").exists()


# What uses a machine up, by name; each does its worst and then has nothing to show for it.
HOSTILE = {
    "forks": "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
    "memory": "data = []\nwhile True:\n    data.append(bytearray(64 << 20))",
    "files": """
import os
for number in range(10**5):
    os.makedirs(f'{number}')
    open(f'{number}/x', 'w').write('x')""",
    "modules": """
import sys
for folder in ('.', '/tmp', *sys.path):
    for name in ('numpy', 'sitecustomize', 'coursegrader'):
        try:
            open(f'{folder}/{name}.py', 'w').write('while True: pass')
        except OSError:
            pass""",
    "daemon": """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        time.sleep(60)""",
    "output": "while True:\n    print('x' * 10**6)",
}


def _submissions(names: list[str]) -> list[Submission]:
    sources = HOSTILE | {HONEST_NAME: ""}
    return [
        Submission(
            name,
            json.dumps(handed_in(REST if name == HONEST_NAME else f"{WRONG}\n{sources[name]}")).encode(),
        )
        for name in names
    ]


def _timeless(result: Result) -> Result:
    """A result without what a clock and a meter measured."""
    return replace(
        result,
        scores=tuple(replace(score, seconds=0) for score in result.scores),
        outcomes=tuple(replace(outcome, seconds=0) for outcome in result.outcomes),
        seconds=0,
        peak_memory=0,
    )


def test_a_neighbour_gets_the_same_result_to_the_byte(grade: Grade, hall: Hall):
    alone = _timeless(grade(REST))
    assert earned(alone) == HONEST
    spec = specification(answer_seconds=4, processes=128, memory=512 << 20, shown=8 << 20)
    before = set(os.listdir(hall.address))
    names = ["forks", "memory", HONEST_NAME, "files", "modules", "daemon", "output"]
    found = {one.student: result for one, result in grade_class(_submissions(names), spec, 2, hall=hall)}
    assert _timeless(found.pop(HONEST_NAME)) == alone
    for name, result in found.items():
        assert earned(result) == SQUARE_ONLY and not result.failure, f"{name}: {told(result)}"
    after = _timeless(grade(REST))
    assert after == alone
    deadline = time.monotonic() + 5
    while set(os.listdir(hall.address)) != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert set(os.listdir(hall.address)) == before
