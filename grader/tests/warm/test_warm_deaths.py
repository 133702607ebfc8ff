"""Whoever dies, its kernels die with it, and nobody else's."""

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from coursegrader import sandbox, warm
from coursegrader.sandbox import watch
from coursegrader.warm.protocol import Line

LEVELS = [found.level for found in sandbox.available() if found.ok] or [sandbox.UNSAFE]
SECONDS = 10


@pytest.fixture(params=LEVELS)
def forge(request: pytest.FixtureRequest) -> Iterator[warm.Forge]:
    """A warm process of its own for each test: it may die."""
    with warm.start(request.param, preload=()) as forge:
        yield forge


def running(manager: warm.WarmKernelManager) -> warm.WarmKernelManager:
    """The manager, its kernel started."""
    asyncio.run(manager.start_kernel())
    return manager


def gone(pids: list[int]) -> bool:
    """True when none of these processes runs any more, after some patience."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not any(_runs(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def owner(level: str, connect_to: str | None = None) -> tuple[subprocess.Popen, list[int]]:
    """A process that starts a forge (or connects to one) and a kernel, and the pids of all below its warm process."""
    forge = f"warm.connect({connect_to!r})" if connect_to else f"warm.start({level!r}, preload=())"
    code = f"""
        import asyncio, time
        from coursegrader import warm
        from coursegrader.sandbox import watch
        forge = {forge}
        manager = forge.kernel()
        asyncio.run(manager.start_kernel())
        print(forge.address, *([forge.pid, *watch.descendants(forge.pid)] if forge.pid else []), flush=True)
        time.sleep(600)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    address, *pids = process.stdout.readline().split()
    process.address = Path(address)
    return process, [int(pid) for pid in pids]


def kill(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("level", LEVELS)
def test_coordinator_killed(level):
    process, pids = owner(level)
    assert len(pids) == 3  # warm process, supervisor, kernel
    kill(process)
    assert gone(pids)
    assert not process.address.exists()


def test_worker_killed(forge):
    survivor = running(forge.kernel())
    before = watch.descendants(forge.pid)
    process, _ = owner(forge.level, connect_to=forge.address)
    its = sorted(set(watch.descendants(forge.pid)) - set(before))
    assert len(its) == 2
    kill(process)
    assert gone(its)
    assert survivor.usage().ended is None
    survivor.kill()


def test_warm_process_killed(forge):
    manager = running(forge.kernel())
    pids = watch.descendants(forge.pid)
    os.kill(forge.pid, signal.SIGKILL)
    assert gone(pids)
    assert manager.usage().ended in ("killed", "lost")
    with pytest.raises(warm.KernelFailed, match="start the run again"):
        running(forge.kernel())


def test_supervisor_killed(forge):
    manager = running(forge.kernel())
    supervisor, kernel = watch.descendants(forge.pid)
    os.kill(supervisor, signal.SIGKILL)
    assert gone([supervisor, kernel])
    assert manager.usage().ended == "lost"


def test_kernel_killed(forge):
    manager = running(forge.kernel())
    supervisor, kernel = watch.descendants(forge.pid)
    os.kill(kernel, signal.SIGKILL)
    assert gone([supervisor, kernel])
    assert manager.usage().ended == "signal SIGKILL"


def test_closing_the_forge_ends_everything(forge):
    running(forge.kernel())
    pids = [forge.pid, *watch.descendants(forge.pid)]
    forge.close()
    assert gone(pids)
    assert not Path(forge.address).exists()
    with pytest.raises(warm.NoForge, match="start the run again"):
        warm.connect(forge.address)


def test_forgotten_manager_ends_its_kernel(forge):
    running(forge.kernel())  # nobody keeps it
    gc.collect()
    assert gone(watch.descendants(forge.pid))


# What arrives at the warm process's socket


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\n",
        b"{}\n",
        b"[1]\n",
        b"not json\n",
        b'{"folder": 1}\n',
        b"\xff\xfe\n",
        b'{"a": 1}\n{"b": 2}\n',
        b"x" * 100_000,
    ],
)
def test_nonsense_is_answered_and_harms_nobody(light, sent):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"{light.address}/warm.sock")
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        line = Line(connection)
        answers = line.receive(timeout=SECONDS)
        assert [answer["event"] for answer in answers] in (["failed"], [])
    running(light.kernel()).kill()


def test_weaker_level_is_refused(forge):
    order = forge.kernel()
    object.__setattr__(order.order, "level", "namespaces" if forge.level != "namespaces" else "landlock")
    with pytest.raises(warm.KernelFailed, match="serves level"):
        running(order)
