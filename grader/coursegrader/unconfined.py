"""One ordinary kernel with the rights of whoever asks: a student's code on their own machine, for `coursegrader check`.

Never for marks: nothing here keeps tests and answers apart. Marks come from the exam (`coursegrader.exam.session`).
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path

import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output

from coursegrader.errors import KernelUnavailable
from coursegrader.notebooks import Role, role
from coursegrader.submission.run import CellEnd, Ended, Run, place
from coursegrader.submission.spec import LimitValues, Spec

MEMORY_POLL_SECONDS = 0.5
OUTPUT_MESSAGES = {"stream", "display_data", "execute_result", "error", "update_display_data"}
PR_SET_CHILD_SUBREAPER = 36


def run(notebook: NotebookNode, spec: Spec, folder: Path) -> Run:
    """Executes every code cell in order in a fresh kernel whose working folder is `folder`/work.

    `folder` is empty and the caller's to delete; the released files are put there before the kernel starts. Errors in
    cells do not stop the run. When this returns, the kernel and every process that it started are gone.
    Raises `KernelUnavailable` when no kernel can be started.
    """
    work = folder / "work"
    for name, content in spec.files.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    work.mkdir(exist_ok=True)
    with _no_process_left():
        return asyncio.run(_execute(deepcopy(notebook), spec, folder, work))


class _BoundedClient(NotebookClient):
    """nbclient with a bound on what is kept of a cell's output, and no tag that makes it skip a cell."""

    def __init__(self, notebook: NotebookNode, output_limit: int, **options: object) -> None:
        super().__init__(
            notebook,
            allow_errors=True,
            timeout=None,
            iopub_timeout=30,
            raise_on_iopub_timeout=False,
            coalesce_streams=True,
            record_timing=False,
            store_widget_state=False,
            skip_cells_with_tag="",
            **options,
        )
        self.output_limit = output_limit
        self.room: dict[int, int] = {}
        self.reply: dict | None = None

    def process_message(self, msg: dict, cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        if msg["msg_type"] in OUTPUT_MESSAGES:
            room = self.room.get(cell_index, self.output_limit)
            self.room[cell_index] = room - _size(msg["content"])
            if self.room[cell_index] < 0:
                if room >= 0:
                    text = f"[more than {self.output_limit} bytes of output: the rest was left out]\n"
                    cell.outputs.append(new_output("stream", name="stderr", text=text))
                return None
        return super().process_message(msg, cell, cell_index)


def _size(content: object) -> int:
    if isinstance(content, dict):
        return sum(_size(value) for value in content.values())
    if isinstance(content, list):
        return sum(_size(value) for value in content)
    return len(content) if isinstance(content, str) else 8


async def _execute(notebook: NotebookNode, spec: Spec, folder: Path, work: Path) -> Run:
    limits = spec.limits
    manager = await _start_kernel(spec, folder, work)
    client = _BoundedClient(notebook, limits.output, km=manager)

    def keep_reply(*, execute_reply: dict, **_: object) -> None:
        client.reply = execute_reply

    client.on_cell_executed = keep_reply
    try:
        await _connect(client, limits)
        memory = _Memory(manager, limits.memory)
        watch = asyncio.ensure_future(memory.watch())
        ends: dict[int, CellEnd] = {}
        died = ""
        started = time.monotonic()
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            left = limits.submission_seconds - (time.monotonic() - started)
            if died or left <= 0:
                why = died or f"the submission's {limits.submission_seconds:g} s were over before this cell"
                ends[index] = CellEnd(Ended.SKIPPED, why)
                continue
            ends[index] = await _execute_cell(client, manager, index, limits, left)
            if ends[index].kind is Ended.DIED:
                reason = memory.exceeded or ends[index].reason
                ends[index] = CellEnd(Ended.DIED, reason, ends[index].seconds)
                died = f"{reason}, {place(notebook, index)}"
        watch.cancel()
        return Run(notebook, ends, time.monotonic() - started, memory.peak, died)
    finally:
        await _stop(client, manager)


async def _start_kernel(spec: Spec, folder: Path, work: Path) -> AsyncKernelManager:
    manager = AsyncKernelManager(kernel_name=spec.kernel)
    # A Unix socket in this run's own folder: two kernels that start at once cannot race for a port.
    manager.transport = "ipc"
    manager.connection_file = str(folder / "kernel.json")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")}
    environment.pop("PYTHONPATH", None)
    environment |= {
        "IPYTHONDIR": str(folder / "ipython"),
        "KERAS_HOME": str(folder / "keras"),
        "NBGRADER_EXECUTION": "autograde",
        **spec.environment,
    }
    try:
        await manager.start_kernel(
            cwd=str(work), env=environment, extra_arguments=["--HistoryManager.hist_file=:memory:"]
        )
    except NoSuchKernel:
        raise KernelUnavailable(f"There is no kernel {spec.kernel!r} here: run `make setup` in the course.") from None
    return manager


async def _connect(client: _BoundedClient, limits: LimitValues) -> None:
    client.startup_timeout = int(limits.start_seconds)
    client.reset_execution_trackers()
    try:
        await client.async_start_new_kernel_client()
    except RuntimeError as error:
        raise KernelUnavailable(f"The kernel did not start ({error}): see `coursegrader doctor`.") from error


async def _execute_cell(
    client: _BoundedClient, manager: AsyncKernelManager, index: int, limits: LimitValues, left: float
) -> CellEnd:
    """Runs one cell; interrupts it at its limit, and kills a kernel that does not heed that."""
    cell = client.nb.cells[index]
    instructors = role(cell) in (Role.TEST, Role.LOCKED)
    seconds = min(limits.cell_seconds if instructors else limits.answer_seconds, left)
    started = time.monotonic()
    client.reply = None
    task = asyncio.ensure_future(client.async_execute_cell(cell, index, execution_count=client.code_cells_executed + 1))
    done, _ = await asyncio.wait({task}, timeout=seconds)
    late = not done
    if late:
        await manager.interrupt_kernel()
        done, _ = await asyncio.wait({task}, timeout=limits.grace_seconds)
    if not done:
        await manager.shutdown_kernel(now=True)
        task.cancel()
        await asyncio.wait({task})
        reason = f"the kernel did not heed an interrupt after {seconds:g} s and was stopped"
        _note(cell, "KernelStopped", reason)
        return CellEnd(Ended.DIED, reason, time.monotonic() - started)
    spent = time.monotonic() - started
    try:
        task.result()
    except DeadKernelError:
        _note(cell, "KernelDied", "the kernel died")
        return CellEnd(Ended.DIED, "the kernel died", spent)
    if late:
        reason = f"stopped after {seconds:g} s"
        _note(cell, "TimeLimit", reason)
        return CellEnd(Ended.TIMEOUT, reason, spent)
    if client.reply and client.reply["content"]["status"] != "ok":
        return CellEnd(Ended.ERROR, _error(client.reply["content"]), spent)
    return CellEnd(Ended.OK, seconds=spent)


def _error(content: dict) -> str:
    """The first line of an exception, for a table."""
    message = str(content.get("evalue", "")).strip().splitlines()
    name = str(content.get("ename", "an error"))
    return f"{name}: {message[0][:200]}" if message else name


def _note(cell: NotebookNode, name: str, reason: str) -> None:
    cell.outputs.append(new_output("error", ename=name, evalue=reason, traceback=[f"{name}: {reason}"]))


class _Memory:
    """Watches what a kernel and its children use, and kills the kernel at the limit."""

    def __init__(self, manager: AsyncKernelManager, limit: int) -> None:
        self.manager, self.limit = manager, limit
        self.peak = 0
        self.exceeded = ""

    async def watch(self) -> None:
        pid = self.manager.provisioner.pid
        while not self.exceeded:
            self.peak = max(self.peak, _resident(pid))
            if self.peak > self.limit:
                self.exceeded = f"more than {self.limit / 2**30:.1f} GiB of memory"
                await self.manager.shutdown_kernel(now=True)
            await asyncio.sleep(MEMORY_POLL_SECONDS)


def _resident(pid: int) -> int:
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += one.memory_info().rss
    return total


async def _stop(client: _BoundedClient, manager: AsyncKernelManager) -> None:
    if client.kc is not None:
        client.kc.stop_channels()
    if manager.has_kernel:
        await manager.shutdown_kernel(now=True)
    await ensure_async(manager.cleanup_resources())


@contextmanager
def _no_process_left() -> Iterator[None]:
    """Ends every process that came into being under this one inside the block, daemons included."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    _adopt_orphans()
    try:
        yield
    finally:
        # What a process starts between the listing and its end shows up in the next round.
        for _ in range(20):
            left = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
            if not left:
                break
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(left, timeout=1)


def _adopt_orphans() -> None:
    """On Linux, makes processes whose parent ended children of this one, so that they can be found and ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
