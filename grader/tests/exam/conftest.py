import pytest
from coursegrader import sandbox, warm
from coursegrader.exam.kernels import ColdLauncher
from coursegrader.exam.warm_kernels import WarmLauncher
from exam_harness import Room


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """Candidate and examiner, shared by the tests of a module; names must differ between tests."""
    made = Room(tmp_path_factory.mktemp("room"), prologue="import numpy as np")
    yield made
    made.pair.close()


@pytest.fixture(scope="module")
def launcher():
    """Warm kernels in the sandbox; where this machine has none, cold ones without it."""
    try:
        forge = warm.start(preload=("numpy", "coursedata"))
    except sandbox.NoSandbox:
        yield ColdLauncher()
        return
    with forge:
        yield WarmLauncher(forge)
