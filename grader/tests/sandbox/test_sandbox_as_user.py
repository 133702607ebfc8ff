"""The same attempts, made while the grader runs as an ordinary user."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from coursegrader import sandbox

HERE = Path(__file__).parent
USER = 65534


@pytest.fixture
def home() -> Iterator[Path]:
    """A home for USER; not pytest's own folder, which is root's alone."""
    if os.geteuid() != 0:
        pytest.skip("this run is by an ordinary user already")
    if not sandbox.available()[0].ok:
        pytest.skip(f"only namespaces let root hand its interpreter to another user: {sandbox.available()[0].reason}")
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, USER, USER)
        yield Path(folder)


def as_user(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python with `command` as USER."""
    python = [sys.executable, str(HERE / "as_user.py"), str(USER), str(home), sys.executable]
    return subprocess.run([*python, *command], capture_output=True, text=True, timeout=900)


def test_is_an_ordinary_user(home):
    code = "import os\nprint(os.getuid(), 'CapEff:\\t' + '0' * 16 in open('/proc/self/status').read())"
    assert as_user(home, "-c", code).stdout.split() == [str(USER), "True"]


def test_both_levels_are_there(home):
    code = "from coursegrader import sandbox\nprint([found.ok for found in sandbox.available()])"
    assert as_user(home, "-c", code).stdout.strip() == str([found.ok for found in sandbox.available()])


@pytest.mark.parametrize("module", ["test_sandbox_reach.py", "test_sandbox_limits.py"])
def test_attempts_fail_as_they_do_for_root(home, module):
    options = ["-q", "-x", "-p", "no:cacheprovider", f"--basetemp={home / 'base'}"]
    done = as_user(home, "-m", "pytest", *options, str(HERE / module))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
