"""Find the lectures and run them: the kernel, its cost, and a notebook whose outputs change little from run to run."""

import base64
import contextlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from coursedata import png
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from traitlets.config import Config

NUM_CORES = 2
_CELL_TIMEOUT_S = 3600
_STARTUP_TIMEOUT_S = 300

# Runs in the lecture's kernel, after its last cell. VmHWM is the peak of this program alone; ru_maxrss, the fallback
# outside Linux, can also hold the peak of the process that started it.
_COST_PROBE = """
def _course_cost():
    import json, pathlib, re, resource, sys
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) * 1024
    else:
        peak = usages[0].ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return json.dumps({"cpu_s": sum(u.ru_utime + u.ru_stime for u in usages), "peak_bytes": peak})
"""


class LectureError(Exception):
    """A lecture did not run to its end; the message names the notebook, the cell and the error."""


@dataclass(frozen=True)
class Lecture:
    """A lecture notebook: `path` of the file, `name` as in the curriculum ("1_foundations/2_training")."""

    path: Path
    name: str

    def read(self) -> NotebookNode:
        """The stored notebook."""
        return nbformat.read(self.path, as_version=4)

    @property
    def has_real_data(self) -> bool:
        """Whether its code hands the profile's source to a loader."""
        return any("profile.source" in cell.source for cell in self.read().cells if cell.cell_type == "code")


@dataclass(frozen=True)
class Cost:
    """What a run took on `NUM_CORES` cores: seconds on the clock and of CPU, and the kernel's peak memory in bytes."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


@dataclass(frozen=True)
class Run:
    """An executed copy of a lecture's notebook and what it took."""

    notebook: NotebookNode
    cost: Cost


def find_lectures(folder: Path, names: Iterable[str] = ()) -> list[Lecture]:
    """The lectures in `folder`, in the course's order: `N_part/N_name.ipynb`.

    `names` picks some, by their name or its last part. Raises `LectureError` when one names no lecture.
    """
    paths = sorted(folder.glob("[0-9]_*/[0-9]*_*.ipynb"), key=_position)
    lectures = [Lecture(path, f"{path.parent.name}/{path.stem}") for path in paths]
    chosen = list(names)
    for name in chosen:
        if not any(name in (lecture.name, lecture.path.stem) for lecture in lectures):
            there = ", ".join(lecture.name for lecture in lectures) or "none"
            raise LectureError(f"no lecture {name!r} in {folder}: there are {there}")
    return [x for x in lectures if not chosen or x.name in chosen or x.path.stem in chosen]


def execute(lecture: Lecture, environment: dict[str, str], *, failed_claims_stop: bool = True) -> Run:
    """Run a lecture in a fresh kernel, in its folder, and return the executed copy.

    `environment` is added to this process's. With `failed_claims_stop=False` a claim that does not hold is displayed
    and the cells behind it run. Raises `LectureError`, also when a cell wrote to stderr.
    """
    notebook = lecture.read()
    where = lecture.path.name
    start = time.monotonic()
    try:
        with _kernel(lecture, notebook, environment, failed_claims_stop) as client:
            for index, cell in enumerate(notebook.cells):
                where = _where(lecture, index, cell)
                client.execute_cell(cell, index)
            wall_s = time.monotonic() - start
            usage = _ask_cost(client)
    except CellExecutionError as error:
        raise LectureError(f"{where}: {error.ename}: {error.evalue}") from error
    except CellTimeoutError as error:
        raise LectureError(f"{where}: still running after {_CELL_TIMEOUT_S} s") from error
    except NoSuchKernel as error:
        raise LectureError(f"{where}: no kernel {error.name!r} is installed: run `make setup`") from error
    except RuntimeError as error:
        # nbclient's word for a kernel that died or never answered.
        raise LectureError(f"{where}: {error} (out of memory?)") from error
    _refuse_stderr(lecture, notebook)
    return Run(normalized(notebook), Cost(wall_s, usage["cpu_s"], usage["peak_bytes"]))


def use_two_cores() -> None:
    """Keep this process, and the kernels it starts, on two cores, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:NUM_CORES])


def normalized(notebook: NotebookNode) -> NotebookNode:
    """The notebook without what changes from run to run and says nothing, its figures made small.

    What goes is execution times, object addresses, the interpreter's version, and views of widgets: their state lives
    in the kernel, so that a stored view could not be drawn.
    """
    # The pairing with the text twin is the project's, in pyproject.toml.
    notebook.metadata.pop("jupytext", None)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = _without_addresses(output["text"])
            data = output.get("data", {})
            data.pop("application/vnd.jupyter.widget-view+json", None)
            for mime_type, content in data.items():
                if mime_type.startswith("text/") and isinstance(content, str):
                    data[mime_type] = _without_addresses(content)
                elif mime_type == "image/png":
                    data[mime_type] = base64.b64encode(png.smaller(base64.b64decode(content))).decode()
    return notebook


def store(lecture: Lecture, notebook: NotebookNode) -> None:
    """Replace the stored notebook by this one, whole or not at all."""
    write_text(lecture.path, nbformat.writes(notebook) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        # A temporary file is readable by its owner only; what it replaces is for everyone.
        os.chmod(scratch, path.stat().st_mode if path.exists() else 0o644)
        os.replace(scratch, path)
    except OSError:
        os.unlink(scratch)
        raise


@contextlib.contextmanager
def _kernel(
    lecture: Lecture, notebook: NotebookNode, environment: dict[str, str], failed_claims_stop: bool
) -> Iterator[NotebookClient]:
    with tempfile.TemporaryDirectory(prefix="lecture-") as sockets:
        client = NotebookClient(
            notebook,
            timeout=_CELL_TIMEOUT_S,
            startup_timeout=_STARTUP_TIMEOUT_S,
            resources={"metadata": {"path": str(lecture.path.parent)}},
            record_timing=False,
            coalesce_streams=True,
            allow_error_names=[] if failed_claims_stop else ["ClaimFailed"],
            # Files instead of TCP ports, which others on the machine could read.
            config=Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"}),
        )
        with client.setup_kernel(env={**os.environ, **environment}):
            yield client


def _ask_cost(client: NotebookClient) -> dict[str, float]:
    """What the kernel used so far, asked of the kernel itself."""
    reply = run_sync(client.kc.execute_interactive)(
        _COST_PROBE,
        store_history=False,
        silent=True,
        user_expressions={"cost": "_course_cost()"},
        timeout=60,
        output_hook=lambda message: None,
    )
    answer = reply["content"]["user_expressions"]["cost"]["data"]["text/plain"]
    return json.loads(answer.strip("'"))


def _position(path: Path) -> tuple[int, int]:
    return int(path.parent.name.partition("_")[0]), int(path.stem.partition("_")[0])


def _where(lecture: Lecture, index: int, cell: NotebookNode) -> str:
    lines = cell.source.splitlines() or [""]
    return f"{lecture.path.name}, cell {index + 1} ({lines[0]!r})"


def _refuse_stderr(lecture: Lecture, notebook: NotebookNode) -> None:
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                text = output.text.strip().splitlines()
                raise LectureError(f"{_where(lecture, index, cell)}: wrote to stderr: {text[0] if text else ''}")


def _without_addresses(text: str) -> str:
    return re.sub(r"\b0x[0-9a-f]{8,}\b", "0x...", text)
