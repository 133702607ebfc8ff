import pytest
from coursegrader.submission.spec import LimitValues
from exam_harness import Room


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """Candidate and examiner, shared by the tests of a module; names must differ between tests."""
    made = Room(tmp_path_factory.mktemp("room"), prologue="import numpy as np")
    yield made
    made.pair.close()


@pytest.fixture(scope="session")
def launcher(hall):
    """Warm kernels in the sandbox; where this machine has none, without it."""
    return hall.launcher(LimitValues())
