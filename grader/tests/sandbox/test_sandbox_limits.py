"""What a candidate does to use the machine up, and how each attempt ends: bounded, and with nothing left behind."""

import re
import time

import pytest
from coursegrader import sandbox
from coursegrader.sandbox import Limits, watch

MIB = 1 << 20
# Everything here is bounded by small limits first: a test that fails must not take the machine with it.
SMALL = dict(wall=8, cpu=8, memory=512 * MIB, processes=96, file_bytes=4 * MIB, scratch_bytes=8 * MIB)


def small(**changes: float) -> Limits:
    return Limits(**{**SMALL, "scratch_files": 200, "output_bytes": 4 * MIB, **changes})


@pytest.fixture(autouse=True)
def nothing_left(forge):
    """After each attempt the warm process has no descendants but those that shared kernels have."""
    before = set(watch.descendants(forge.pid))
    yield
    deadline = time.monotonic() + 5
    while (left := set(watch.descendants(forge.pid)) - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def test_fork_bomb(run):
    code = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
    outcome = run(code, limits=small(wall=3))
    assert outcome.usage.ended in ("wall", "cpu", "processes", "memory")
    assert outcome.usage.wall_seconds < 8


def test_fork_is_refused_beyond_the_limit(run):
    code = (
        "import subprocess\nchildren = []\n"
        "try:\n    while len(children) < 1000:\n        children.append(subprocess.Popen(['sleep', '60']))\n"
        "except BlockingIOError:\n    print(len(children))"
    )
    outcome = run(code, limits=small(processes=64))
    # Without a user namespace the system counts all that the user runs, and the supervisor is the one that counts.
    assert outcome.usage.ended == "processes" or int(outcome.text) < 64, outcome


def test_ten_gigabytes(run):
    outcome = run("data = bytearray(10 << 30)", limits=small())
    assert outcome.error == "MemoryError"


def test_ten_gigabytes_of_shared_memory(run):
    code = "import mmap\ndata = mmap.mmap(-1, 10 << 30)\nfor start in range(0, 10 << 30, 4096):\n    data[start] = 1"
    outcome = run(code, limits=small())
    assert outcome.usage.ended == "memory"
    assert outcome.usage.peak_bytes < 3 << 30


def test_memory_of_many_processes(run):
    code = (
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n        data = b'1' * (200 << 20)\n        time.sleep(60)\n"
        "time.sleep(60)"
    )
    assert run(code, limits=small()).usage.ended == "memory"


def test_full_disk(forge, run):
    code = (
        "import time\nfor number in range(1000):\n"
        "    open(f'{number}', 'wb').write(bytes(1 << 20))\n    time.sleep(0.02)"
    )
    outcome = run(code, limits=small())
    if forge.level == sandbox.NAMESPACES:
        assert outcome.error == "OSError"  # no space left on device
    else:
        assert outcome.usage.ended == "disk"


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_full_disk_elsewhere(forge, run, folder):
    if forge.level != sandbox.NAMESPACES:
        pytest.skip("level landlock has no such folder")
    code = f"for number in range(1000):\n    open(f'{folder}/{{number}}', 'wb').write(bytes(1 << 20))"
    assert run(code, limits=small()).error == "OSError"


def test_big_file(run):
    outcome = run("open('x', 'wb').write(bytes(5 << 20))", limits=small(scratch_bytes=64 * MIB))
    assert outcome.error == "OSError"  # file too large


def test_a_million_files(forge, run):
    code = "for number in range(10**6):\n    open(f'{number}', 'w').close()"
    outcome = run(code, limits=small())
    assert outcome.error == "OSError" or outcome.usage.ended == "disk"
    assert outcome.usage.ended == "disk" or forge.level == sandbox.NAMESPACES


def test_many_open_files(run):
    outcome = run("files = [open('/dev/null') for _ in range(10**5)]", limits=small(open_files=128))
    assert outcome.error == "OSError"  # too many open files


def test_endless_loop(run):
    outcome = run("while True:\n    pass", limits=small(wall=2))
    assert outcome.usage.ended == "wall"


def test_processor_time(run):
    outcome = run("while True:\n    pass", limits=small(cpu=1, wall=30), timeout=60)
    assert outcome.usage.ended == "cpu"
    assert 0.9 < outcome.usage.cpu_seconds < 2


def test_processor_time_of_many_processes(run):
    code = "import os\nfor _ in range(4):\n    os.fork()\nwhile True:\n    pass"
    # Memory that forked processes share with each other counts for each.
    assert run(code, limits=small(cpu=1, wall=40, memory=4096 * MIB), timeout=60).usage.ended == "cpu"


def test_sleeping_for_ever(run):
    assert run("import time\ntime.sleep(10**6)", limits=small(wall=2)).usage.ended == "wall"


def test_loop_that_ignores_signals(run):
    code = (
        "import signal\n"
        "for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:\n"
        "    signal.signal(number, signal.SIG_IGN)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"
    )
    outcome = run(code, timeout=1, limits=small(wall=3))
    assert outcome.usage.ended in ("wall", "killed")


def test_a_gigabyte_of_output(run):
    outcome = run("for _ in range(1024):\n    print('x' * (1 << 20))", limits=small())
    assert outcome.usage.ended in ("output", "memory")  # what nobody has read yet is the kernel's own memory
    assert len(outcome.text) <= 4 * MIB


def test_a_gigabyte_past_the_kernel(run):
    code = "import os\nfor _ in range(256):\n    os.write(3, b'x' * (1 << 22))\nprint('written')"
    outcome = run(code, limits=small())
    assert outcome.text == "written\n"
    assert len(outcome.usage.log) <= 8192


def test_os_exit(run):
    assert run("import os\nos._exit(3)").usage.ended == "exit 3"


def test_segmentation_fault(run):
    outcome = run("import ctypes\nctypes.string_at(0)")
    assert outcome.usage.ended == "signal SIGSEGV"
    assert "Segmentation fault" in outcome.usage.log


def test_abort(run):
    assert re.match("signal SIG(ABRT|SEGV|ILL|TRAP)", run("import os\nos.abort()").usage.ended)


DAEMON = (
    "import os, signal, time\n"
    "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
    "        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n        time.sleep(600)\n    os._exit(0)\n"
    "os.wait()\n"
)


def test_daemon_ends_with_its_kernel(run):
    assert run(DAEMON + "print('started')").text == "started\n"  # and `nothing_left` looks


def test_daemon_ends_with_a_kernel_that_ends_itself(run):
    assert run(DAEMON + "os._exit(0)").usage.ended == "exit 0"


def test_daemons_that_start_each_other(run):
    code = (
        "import os\nif os.fork() == 0:\n    while True:\n        if os.fork():\n            os._exit(0)\n"
        "import time\ntime.sleep(0.5)\nprint('started')"
    )
    assert run(code, limits=small()).text == "started\n"


@pytest.mark.parametrize("limit", ["NPROC", "DATA", "CPU", "FSIZE", "NOFILE", "CORE"])
def test_limits_cannot_be_raised(run, limit):
    code = (
        f"import resource\nkind = resource.RLIMIT_{limit}\nsoft, hard = resource.getrlimit(kind)\n"
        "assert hard != resource.RLIM_INFINITY\nresource.setrlimit(kind, (hard + 1, hard + 1))"
    )
    assert run(code).error in ("ValueError", "PermissionError")


def test_limits_hold_for_children(run):
    code = "import subprocess\nprint(subprocess.run(['sh', '-c', 'ulimit -n'], capture_output=True, text=True).stdout)"
    assert run(code, limits=small(open_files=100)).text.strip() == "100"
