"""Import a chatty library without its start-up lines.

TensorFlow writes to file descriptor 2 from C++ before its log level is read, so that neither `TF_CPP_MIN_LOG_LEVEL`
nor `contextlib.redirect_stderr` silences it, and the lines would stand in every stored notebook.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what is written to file descriptor 2, and show it only when the body raises.

    Works at the level of the descriptor: C++ libraries and child processes are held back too. Where descriptor 2 is
    closed there is nothing to hold back.
    """
    try:
        original = os.dup(2)
    except OSError:
        yield
        return
    with tempfile.TemporaryFile() as held_back:
        sys.stderr.flush()
        os.dup2(held_back.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            if failed:
                held_back.seek(0)
                sys.stderr.write(held_back.read().decode(errors="replace"))
                sys.stderr.flush()
