"""One warm process with everything imported, and a way to run cells in kernels of it."""

from collections.abc import Callable, Iterator

import nbformat
import pytest
from coursegrader import sandbox, warm
from nbclient import NotebookClient

Run = Callable[..., str]


def level() -> str:
    """The best level here; where there is none, these tests are about forking alone."""
    return next((found.level for found in sandbox.available() if found.ok), sandbox.UNSAFE)


@pytest.fixture(scope="session")
def forge() -> Iterator[warm.Forge]:
    """A warm process that has imported TensorFlow."""
    with warm.start(level()) as forge:
        yield forge


@pytest.fixture(scope="session")
def light() -> Iterator[warm.Forge]:
    """A warm process without TensorFlow."""
    with warm.start(level(), preload=()) as forge:
        yield forge


def cells(manager: warm.WarmKernelManager, *sources: str) -> str:
    """Run cells in a new kernel; what they printed. An exception in a cell is raised."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    client = NotebookClient(notebook, km=manager, timeout=120)
    try:
        client.execute()
    finally:
        client.kc.stop_channels()
        manager.kill()
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.outputs)


@pytest.fixture
def run(forge: warm.Forge) -> Run:
    """`run(source, ..., env=, files=)`: cells in a kernel of their own, forked with TensorFlow imported."""

    def run(*sources: str, **order: object) -> str:
        return cells(forge.kernel(**order), *sources)

    return run


@pytest.fixture
def run_light(light: warm.Forge) -> Run:
    """As `run`, without TensorFlow."""

    def run(*sources: str, **order: object) -> str:
        return cells(light.kernel(**order), *sources)

    return run


@pytest.fixture
def run_ahead() -> Callable[[str, str], tuple[str | None, str]]:
    """`run_ahead(ahead, source)`: why kernels of a warm process that ran `ahead` are cold, and what `source` prints."""

    def run(ahead: str, source: str) -> tuple[str | None, str]:
        with warm.start(level(), ("coursedata",), ahead) as forge:
            return forge.message, cells(forge.kernel(), source)

    return run
