"""One place to examine in for all tests of a process."""

from collections.abc import Iterator

import pytest
from coursegrader import sandbox
from coursegrader.submission.hall import Hall, open_hall

# All but TensorFlow, which takes most of a warm process's start.
PRELOAD = ("numpy", "coursedata", "coursegrader.checks", "coursegrader.exam.agent", "coursegrader.exam.examiner")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--level landlock` tries the lesser sandbox on a machine that has the better one too."""
    parser.addoption("--level", help="the sandbox to examine in (default: the best that this machine has, or none)")


@pytest.fixture(scope="session")
def hall(request: pytest.FixtureRequest) -> Iterator[Hall]:
    """The sandbox asked for, else the best that this machine has, or none; its warm process knows no TensorFlow."""
    level = request.config.getoption("--level")
    unsafe = level is None and not any(found.ok for found in sandbox.available())
    with open_hall(level, unsafe=unsafe, preload=PRELOAD) as opened:
        yield opened
