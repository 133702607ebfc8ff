"""One place to examine in for all tests of a process."""

from collections.abc import Iterator

import pytest
from coursegrader import sandbox
from coursegrader.submission.hall import Hall, open_hall

# All but TensorFlow, which takes most of a warm process's start.
PRELOAD = ("numpy", "coursedata", "coursegrader.checks", "coursegrader.exam.agent", "coursegrader.exam.examiner")


@pytest.fixture(scope="session")
def hall() -> Iterator[Hall]:
    """The best sandbox that this machine has, or none; its warm process knows no TensorFlow."""
    unsafe = not any(found.ok for found in sandbox.available())
    with open_hall(unsafe=unsafe, preload=PRELOAD) as opened:
        yield opened
