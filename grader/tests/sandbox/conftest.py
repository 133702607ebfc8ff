"""A forge for each level of the sandbox that this machine offers, and a way to run code in a kernel of it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import nbformat
import pytest
from coursegrader import sandbox, warm
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

SECRET = "the-secret-of-the-machine"
os.environ["EXAM_TEST_SECRET"] = SECRET  # before any forge starts: none of its kernels may see it


@dataclass(frozen=True)
class Outcome:
    """What a cell printed, the name of the exception it raised (or ""), and what its kernel used."""

    text: str
    error: str
    usage: warm.Usage


Run = Callable[..., Outcome]


@pytest.fixture(scope="session", params=[sandbox.NAMESPACES, sandbox.LANDLOCK])
def forge(request: pytest.FixtureRequest) -> Iterator[warm.Forge]:
    """A warm process without TensorFlow: what is tried here needs none."""
    level = {found.level: found for found in sandbox.available()}[request.param]
    if not level.ok:
        pytest.skip(f"level {level.level}: {level.reason}")
    with warm.start(level.level, preload=()) as forge:
        yield forge


def _outcome(cell: nbformat.NotebookNode, manager: warm.WarmKernelManager) -> Outcome:
    text = "".join(output.get("text", "") for output in cell.outputs)
    error = "".join(output.ename for output in cell.outputs if output.output_type == "error")
    return Outcome(text, error, manager.usage())


@pytest.fixture(scope="session")
def attempt(forge: warm.Forge) -> Iterator[Run]:
    """`attempt(code)`: a cell in the one kernel that all attempts of a level share; for code that does it no harm."""
    with forge.kernel() as manager:
        client = NotebookClient(nbformat.v4.new_notebook(), km=manager, allow_errors=True, timeout=20)
        client.start_new_kernel()
        client.start_new_kernel_client()

        def attempt(code: str) -> Outcome:
            cell = nbformat.v4.new_code_cell(code)
            client.nb.cells = [cell]
            client.execute_cell(cell, 0)
            return _outcome(cell, manager)

        yield attempt
        client.kc.stop_channels()


def execute(manager: warm.WarmKernelManager, code: str, timeout: int = 20) -> Outcome:
    """Run one cell in a new kernel, and end the kernel."""
    cell = nbformat.v4.new_code_cell(code)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    client = NotebookClient(notebook, km=manager, allow_errors=True, timeout=timeout)
    try:
        client.execute()
    except (DeadKernelError, CellTimeoutError):
        pass  # what became of the kernel is in its usage
    client.kc.stop_channels()
    manager.kill()
    return _outcome(cell, manager)


@pytest.fixture
def run(forge: warm.Forge) -> Run:
    """`run(code, files=, env=, limits=)`: a cell in a sandboxed kernel of its own."""

    def run(code: str, timeout: int = 20, **order: object) -> Outcome:
        return execute(forge.kernel(**order), code, timeout)

    return run
