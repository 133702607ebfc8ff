"""What this machine has and lacks for the course: a line each, PASS or FAIL with the remedy."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_core.paths import jupyter_config_path
from packaging.requirements import Requirement
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from coursegrader import sandbox
from coursegrader.register import KERNEL, kernelspec_folder

if TYPE_CHECKING:
    from coursedata.registry import Card

DISK_NEEDED = 2 * 2**30

# A process of its own: TensorFlow must not be imported, and a GPU not be taken, by the command itself.
_DEVICES = """
import json, tensorflow as tf
gpus = tf.config.list_physical_devices("GPU")
names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
print(json.dumps({"tensorflow": tf.__version__, "gpus": names}))
"""


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        name: what was looked at.
        ok: whether it is as the course needs it.
        detail: what is there.
        remedy: what to do where it is not.
        required: whether grading, lectures or tests fail without it.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    required: bool = True


def check_python(root: Path) -> Finding:
    """Whether this interpreter is the Python that the lock was made for."""
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "Python", sys.version_info[:2] == (3, 11), f"{found} in {sys.prefix}", "run `make setup` with Python 3.11"
    )


def locked_versions(lock: Path) -> dict[str, str]:
    """The versions that a requirements file with hashes pins for this machine, by package name."""
    pinned = {}
    for line in lock.read_text().splitlines():
        if line and line[0] not in "# ":
            requirement = Requirement(line.removesuffix("\\").strip())
            if requirement.marker is None or requirement.marker.evaluate():
                pinned[requirement.name] = next(iter(requirement.specifier)).version
    return pinned


def check_versions(root: Path) -> Finding:
    """Whether what is installed is what `requirements.lock` pins."""
    lock = root / "requirements.lock"
    if not lock.is_file():
        return Finding("Packages", False, "requirements.lock is missing", "restore it: git checkout requirements.lock")
    pinned, wrong = locked_versions(lock), []
    for name, wanted in pinned.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "missing"
        if found != wanted:
            wrong.append(f"{name} {found} (lock: {wanted})")
    detail = (
        f"{len(pinned)} as in the lock"
        if not wrong
        else f"{len(wrong)} of {len(pinned)} differ: " + ", ".join(wrong[:5])
    )
    return Finding("Packages", not wrong, detail, "run `make setup`")


def check_kernelspec(root: Path) -> Finding:
    """Whether Jupyter finds the course's kernel, as this checkout describes it."""
    shipped = json.loads((kernelspec_folder(root) / "kernel.json").read_text())
    try:
        spec = KernelSpecManager().get_kernel_spec(KERNEL)
    except NoSuchKernel:
        return Finding("Kernel", False, f"no kernelspec {KERNEL}", "run `make setup`")
    ok = spec.env == shipped["env"] and spec.display_name == shipped["display_name"]
    return Finding("Kernel", ok, f"{KERNEL}: {spec.display_name}", "it is an older one: run `make setup`")


def check_nbgrader_config(root: Path) -> Finding:
    """Whether nbgrader finds the course's configuration from any folder."""
    wanted = (root / "grader/nbgrader_config.py").resolve()
    for folder in jupyter_config_path():
        found = Path(folder, "nbgrader_config.py")
        if found.exists():
            return Finding(
                "nbgrader", found.resolve() == wanted, f"configured by {found}", f"remove {found} and run `make setup`"
            )
    return Finding("nbgrader", False, "no nbgrader_config.py where Jupyter looks", "run `make setup`")


def check_tensorflow(root: Path) -> Finding:
    """Whether TensorFlow imports, and on which devices it runs."""
    done = subprocess.run(
        [sys.executable, "-c", _DEVICES], capture_output=True, text=True, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Finding(
            "TensorFlow", False, f"does not import: {last}", "run `make setup`; its wheel needs a 64-bit CPU with AVX"
        )
    seen = json.loads(done.stdout.splitlines()[-1])
    where = ", ".join(seen["gpus"]) or f"CPU, {os.cpu_count()} cores (lectures run in the `small` profile)"
    return Finding("TensorFlow", True, f"{seen['tensorflow']} on {where}")


def check_sandbox(root: Path) -> Finding:
    """Whether students' code can be confined here, and at which level."""
    levels = sandbox.available()
    detail = "; ".join(f"{one.level} {'yes' if one.ok else 'no'} ({one.reason})" for one in levels)
    return Finding(
        "Sandbox", any(one.ok for one in levels), detail, "grade on a Linux machine that offers one of the two"
    )


def check_disk(root: Path) -> Finding:
    """Whether there is room for submissions, graded notebooks and real data."""
    free = shutil.disk_usage(root).free
    return Finding(
        "Disk",
        free >= DISK_NEEDED,
        f"{free / 2**30:.1f} GiB free",
        f"free {DISK_NEEDED / 2**30:.0f} GiB where the course lies",
    )


def check_real_data(root: Path) -> Finding:
    """Whether real data lies ready, for `COURSE_SOURCE=real`; nothing else needs it."""
    # Not above: what the other checks find must be said where the course's packages do not import.
    from coursedata.registry import CARDS

    folder = os.environ.get("COURSE_DATA")
    remedy = "set COURSE_DATA to a folder laid out as data/README.md says, or let a lecture download what it needs"
    if not folder:
        return Finding("Real data", False, "COURSE_DATA is not set", remedy, required=False)
    sets = [card.name for card in CARDS.values() if _lies_in(Path(folder), card)]
    return Finding("Real data", bool(sets), f"{folder}: {', '.join(sets) or 'no prepared set'}", remedy, required=False)


def _lies_in(folder: Path, card: "Card") -> bool:
    there = [(folder / card.name / prepared.name).is_file() for prepared in card.files]
    return bool(there) and (all(there) if card.folder else any(there))


CHECKS: tuple[Callable[[Path], Finding], ...] = (
    check_python,
    check_versions,
    check_kernelspec,
    check_nbgrader_config,
    check_tensorflow,
    check_sandbox,
    check_disk,
    check_real_data,
)


def levels() -> Table:
    """What each level of the sandbox keeps; those that this machine offers are marked."""
    here = {one.level for one in sandbox.available() if one.ok}
    names = (sandbox.NAMESPACES, sandbox.LANDLOCK, sandbox.UNSAFE)
    table = Table("a student's code", *(f"{name}, here" if name in here else name for name in names), box=None)
    for kept in zip(*map(sandbox.describe, names), strict=True):
        table.add_row(kept[0].name, *("yes" if one.kept else "no" for one in kept))
    return table


def findings(root: Path) -> Iterator[Finding]:
    """Every check's finding for the checkout at `root`, in order, each as soon as it is known."""
    for check in CHECKS:
        yield check(root)


def run(root: Path, console: Console) -> bool:
    """Print a line a check; True when everything that the course requires is there."""
    ready = True
    for finding in findings(root):
        mark = "[green]PASS[/]" if finding.ok else "[red]FAIL[/]" if finding.required else "[yellow]FAIL[/] (optional)"
        remedy = "" if finding.ok else f"; {finding.remedy}"
        console.print(f"{mark} {finding.name}: {escape(finding.detail + remedy)}", soft_wrap=True, highlight=False)
        ready = ready and (finding.ok or not finding.required)
    console.print(levels())
    return ready
