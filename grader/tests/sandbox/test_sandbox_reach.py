"""What a candidate tries to reach outside its sandbox, and does not."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from coursegrader import sandbox

ROOT = Path(__file__).parents[3]
REFUSED = {"PermissionError", "FileNotFoundError", "OSError", "ProcessLookupError", "NotADirectoryError"}
PREFACE = "import ctypes, os, signal, socket, sys\nlibc = ctypes.CDLL(None, use_errno=True)\n"
# Raises for a C function's error as Python's own functions do.
CHECK = "def check(result):\n    if result < 0:\n        raise OSError(ctypes.get_errno(), 'refused')\n"


def check_refused(attempt, code: str) -> None:
    """`code` must raise, before it comes to print that it got through."""
    outcome = attempt(f"{PREFACE}{CHECK}{code}\nprint('got through')")
    assert outcome.error in REFUSED, outcome
    assert "got through" not in outcome.text


# Network


@pytest.fixture
def listener():
    """A TCP port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_no_tcp(attempt, listener):
    check_refused(attempt, f"socket.create_connection(('127.0.0.1', {listener}), timeout=2)")


def test_no_udp(attempt):
    check_refused(attempt, "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))")


def test_no_tcp_server(attempt):
    check_refused(attempt, "socket.create_server(('127.0.0.1', 0))")


def test_no_raw_or_netlink_socket(attempt):
    check_refused(attempt, "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)")


def test_no_unix_socket_by_path(attempt, tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        check_refused(attempt, f"socket.socket(socket.AF_UNIX).connect({str(tmp_path / 's')!r})")


def test_no_abstract_unix_socket(attempt):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0exam-test")
        server.listen()
        check_refused(attempt, "socket.socket(socket.AF_UNIX).connect('\\0exam-test')")


def test_no_datagram_through_a_socket_pair(attempt):
    check_refused(attempt, "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', '\\0exam-test')")


def test_no_socket_through_a_subprocess(attempt, listener):
    program = f"import socket; socket.create_connection(('127.0.0.1', {listener}), timeout=2); print('got through')"
    outcome = attempt(f"import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', {program!r}]).returncode)")
    assert "got through" not in outcome.text
    assert "PermissionError" in outcome.text or outcome.error in REFUSED


def test_no_io_uring(attempt):
    check_refused(attempt, "check(libc.syscall(425, 8, ctypes.create_string_buffer(256)))")


# Files


@pytest.mark.parametrize(
    "path", [ROOT / "pyproject.toml", ROOT / "grader/coursegrader/__init__.py", ROOT / ".git/HEAD"]
)
def test_course_unreadable(attempt, path):
    assert path.exists() or path.parent.name == ".git"
    check_refused(attempt, f"open({str(path)!r}).read()")


def test_course_cannot_be_listed(attempt):
    # The folder above the environment may be there, as a place for it; nothing else of the course may.
    outcome = attempt(f"import os\nprint(sorted(os.listdir({str(ROOT)!r})))")
    assert outcome.error in REFUSED or outcome.text.strip() in ("[]", "['.venv']")


def test_home_unreadable(attempt, tmp_path_factory):
    for folder in (Path.home(), tmp_path_factory.getbasetemp()):
        secret = folder / "exam-test-secret"
        secret.write_text("secret")
        secret.chmod(0o644)
        try:
            check_refused(attempt, f"open({str(secret)!r}).read()")
        finally:
            secret.unlink()


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/hostname", "/var/log", "/dev/kmsg", "/sys/kernel"])
def test_system_unreadable(attempt, path):
    check_refused(attempt, f"path = {path!r}\nopen(path).read(1) if not os.path.isdir(path) else os.listdir(path)")


def test_grader_configuration_unreadable(attempt):
    check_refused(attempt, f"os.listdir({str(Path(sys.prefix, 'etc'))!r})")


def test_other_submission_unreadable(forge, run):
    with forge.kernel(files={"answer.txt": b"42"}) as other:
        asyncio.run(other.start_kernel())
        for name in ("files/answer.txt", "link", ""):
            path = other.control.folder / name
            assert path.exists()
            check_refused(run, f"path = {str(path)!r}\nos.listdir(path) if os.path.isdir(path) else open(path).read()")
        assert run("import os; print(os.listdir())").text == "[]\n"


def test_environment_holds_no_secrets(attempt):
    # The value is put together here, so that the code itself does not hold it.
    code = (
        "import glob, os\n"
        "secret = '-'.join(['the', 'secret', 'of', 'the', 'machine'])\n"
        "seen = list(os.environ.values())\n"
        "for path in glob.glob('/proc/*/environ') + ['/proc/self/environ']:\n"
        "    try:\n        seen.append(open(path, errors='replace').read())\n"
        "    except OSError:\n        pass\n"
        "print(any(secret in text for text in seen), 'EXAM_TEST_SECRET' in os.environ)"
    )
    assert os.environ["EXAM_TEST_SECRET"] == "the-secret-of-the-machine"
    assert attempt(code).text == "False False\n"


@pytest.mark.parametrize("name", ["status", "environ", "cmdline", "maps", "fd", "root", "cwd"])
def test_proc_of_others_unreadable(attempt, name):
    path = f"/proc/{os.getpid()}/{name}"
    check_refused(attempt, f"path = {path!r}\nos.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(1)")


def test_sees_its_own_process_only(forge, run):
    outcome = run("import os\nprint([name for name in os.listdir('/proc') if name.isdecimal()])")
    if forge.level == sandbox.NAMESPACES:
        assert outcome.text == "['1']\n"
    else:
        assert outcome.error == "PermissionError"


@pytest.mark.parametrize(
    "path",
    ["/usr/lib/x", "/etc/passwd", "/x", "/run/x", "/dev/x", "/var/tmp/x", sys.prefix + "/x", sys.prefix + "/lib/x"],
)
def test_no_writing_outside(attempt, path):
    code = f"open({path!r}, 'w')"
    # A checkout in /tmp: its folders are shown in the candidate's own /tmp, and what is written there goes with it.
    if Path(path).parent == Path(sys.prefix) and path.startswith("/tmp/"):
        attempt(f"{code}.close()")
    else:
        check_refused(attempt, code)
    assert path == "/etc/passwd" or not Path(path).exists()


def test_no_writing_to_the_test_folder(attempt, tmp_path):
    tmp_path.chmod(0o777)
    check_refused(attempt, f"open({str(tmp_path / 'x')!r}, 'w')")
    assert list(tmp_path.iterdir()) == []


def test_no_writing_to_the_socket_folder(attempt):
    code = (
        "import socket\nfrom ipykernel.kernelapp import IPKernelApp\n"
        "folder = os.path.dirname(IPKernelApp.instance().ip)\nassert 'k-1' in os.listdir(folder)\n"
        "open(folder + '/x', 'w')"
    )
    check_refused(attempt, code)


def test_no_device_or_socket_in_the_socket_folder(attempt):
    code = (
        "import stat\nfrom ipykernel.kernelapp import IPKernelApp\n"
        "folder = os.path.dirname(IPKernelApp.instance().ip)\nos.mknod(folder + '/x', stat.S_IFSOCK | 0o600)"
    )
    check_refused(attempt, code)


def test_no_change_of_packages(attempt):
    check_refused(attempt, "import coursegrader\nopen(coursegrader.__file__, 'a')")


def test_no_change_of_modes_and_times_outside(run, tmp_path):
    tmp_path.chmod(0o755)
    file = tmp_path / "marks.db"
    file.write_text("marks")
    if os.geteuid() == 0:
        os.chown(file, 0, 0)
    before = file.stat()
    run(f"import os\nos.chmod({str(file)!r}, 0o777)")
    run(f"import os\nos.utime({str(file)!r}, (1, 1))")
    run(f"import os\nos.truncate({str(file)!r}, 0)")
    after = file.stat()
    assert stat.S_IMODE(after.st_mode) == stat.S_IMODE(before.st_mode)
    assert (after.st_mtime, after.st_size) == (before.st_mtime, before.st_size)


def test_scratch_can_be_used(run):
    code = (
        "import os, shutil, tempfile\n"
        "os.makedirs('a/b'); open('a/b/x', 'w').write('1'); shutil.copy('a/b/x', 'y'); os.rename('y', 'a/z')\n"
        "tempfile.NamedTemporaryFile().write(b'1'); shutil.rmtree('a')\n"
        "print(open('given/in.txt').read(), os.listdir())"
    )
    outcome = run(code, files={"given/in.txt": b"in"})
    assert outcome.error == ""
    assert outcome.text == "in ['given']\n"


# Processes


@pytest.fixture
def victim():
    """A process of this user that has started: its name and limits change no more by themselves."""
    started = "import time; print('started', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", started], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def alive(process: subprocess.Popen) -> bool:
    return process.poll() is None


def test_no_signal(attempt, victim):
    check_refused(attempt, f"os.kill({victim.pid}, signal.SIGTERM)")
    assert alive(victim)


def test_no_signal_to_everyone(run, victim, forge):
    run("import os, signal\ntry:\n    os.kill(-1, signal.SIGTERM)\nexcept OSError:\n    pass")
    assert alive(victim)
    assert run("1").usage.ended == "killed"  # the warm process lives


def test_no_tracing(attempt, victim):
    check_refused(attempt, f"check(libc.ptrace(16, {victim.pid}, 0, 0))")


def test_no_reading_of_memory(attempt, victim):
    code = (
        "class Vector(ctypes.Structure):\n    _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]\n"
        "here = Vector(ctypes.addressof(ctypes.create_string_buffer(8)), 8)\n"
        f"check(libc.process_vm_readv({victim.pid}, ctypes.byref(here), 1, ctypes.byref(here), 1, 0))"
    )
    check_refused(attempt, code)


def test_no_renaming(attempt, victim):
    before = Path(f"/proc/{victim.pid}/comm").read_text()
    check_refused(attempt, f"open('/proc/{victim.pid}/comm', 'w').write('renamed')")
    assert Path(f"/proc/{victim.pid}/comm").read_text() == before


def test_no_changing_of_others_limits_and_priority(attempt, victim):
    priority = os.getpriority(os.PRIO_PROCESS, victim.pid)
    check_refused(attempt, f"import resource\nresource.prlimit({victim.pid}, resource.RLIMIT_NOFILE, (3, 3))")
    check_refused(attempt, f"os.setpriority(os.PRIO_PROCESS, {victim.pid}, 19)")
    check_refused(attempt, f"os.sched_setaffinity({victim.pid}, [0])")
    attempt(f"import os\nos.sched_setscheduler({victim.pid}, os.SCHED_IDLE, os.sched_param(0))")
    assert os.sched_getscheduler(victim.pid) == os.SCHED_OTHER
    assert os.getpriority(os.PRIO_PROCESS, victim.pid) == priority


@pytest.mark.parametrize("flag", [0x10000000, 0x00020000, 0x20000000, 0x40000000])
def test_no_namespaces(attempt, flag):
    check_refused(attempt, f"check(libc.unshare({flag}))")


def test_no_mount(attempt):
    check_refused(attempt, "check(libc.mount(b'none', b'/scratch', b'tmpfs', 0, None))")


def test_no_privileges(attempt):
    code = (
        "lines = dict(line.split(':\\t') for line in open('/proc/self/status').read().splitlines() if ':\\t' in line)\n"
        "print(os.getuid() != 0, *(int(lines[name], 16) for name in ('CapInh', 'CapAmb', 'NoNewPrivs', 'Seccomp')))"
    )
    assert attempt(PREFACE + code).text == "True 0 0 1 2\n"


@pytest.mark.parametrize("call", ["os.setuid(0)", "os.setgid(0)", "os.setgroups([0])", "os.chroot('.')"])
def test_no_way_back_to_root(attempt, call):
    check_refused(attempt, call)


def test_cannot_outlive_its_supervisor(attempt):
    check_refused(attempt, "check(libc.prctl(1, 0, 0, 0, 0))")  # PR_SET_PDEATHSIG


# Memory that no process owns


@pytest.mark.parametrize("call", ["os.memfd_create('x')", "check(libc.shmget(0, 1 << 20, 0o1600))"])
def test_no_hidden_memory(attempt, call):
    check_refused(attempt, call)


# The warm process


def test_warm_process_out_of_reach(forge, attempt, run):
    for code in (
        f"os.kill({forge.pid}, signal.SIGKILL)",
        f"check(libc.ptrace(16, {forge.pid}, 0, 0))",
        f"open('/proc/{forge.pid}/mem', 'r+b')",
        f"socket.socket(socket.AF_UNIX).connect({forge.address + '/warm.sock'!r})",
        f"open({forge.address + '/forge.json'!r}).read()",
        f"os.listdir({forge.address!r}); open({forge.address + '/packages/x.py'!r}, 'w')",
    ):
        check_refused(attempt, code)
    assert run("print(1 + 1)").text == "2\n"


def test_no_inherited_descriptors(attempt):
    code = (
        "import os, socket, stat\nnames = []\n"
        "for fd in range(3, 256):\n"
        "    try:\n        kind = os.fstat(fd).st_mode\n    except OSError:\n        continue\n"
        "    if stat.S_ISSOCK(kind):\n"
        "        names.append(socket.socket(fileno=os.dup(fd)).getsockname())\n"
        "    elif stat.S_ISREG(kind) or stat.S_ISDIR(kind):\n"
        "        names.append(os.readlink(f'/proc/self/fd/{fd}'))\n"
        "print(sorted({os.path.basename(name) for name in names if name}))"
    )
    assert attempt(code).text == "['k-1', 'k-2', 'k-3', 'k-4', 'k-5']\n"
