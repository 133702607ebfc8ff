"""What is written to file descriptor 2 is held back, and shown when the body fails."""

import os
import subprocess
import sys

import pytest
from coursekit.quiet import quiet_stderr


def test_silent_when_all_is_well(capfd) -> None:
    with quiet_stderr():
        os.write(2, b"chatter from C++\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_shown_when_the_body_fails(capfd) -> None:
    with pytest.raises(ImportError, match="no such thing"), quiet_stderr():
        os.write(2, b"the reason\n")
        raise ImportError("no such thing")
    assert "the reason" in capfd.readouterr().err


def test_importing_coursekit_is_quiet() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    command = "import coursekit, sys; assert 'keras' in sys.modules"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
