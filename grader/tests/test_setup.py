"""The set-up files agree with one another, and the README's commands exist."""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import typer
import yaml
from coursedata.registry import CARDS
from coursegrader import doctor, sandbox
from coursegrader.cli import app
from coursegrader.course import Course
from coursegrader.errors import UnknownAssignment
from coursegrader.register import register
from jupyter_server.extension.config import ExtensionConfigManager
from packaging.requirements import Requirement
from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
EDITABLE = "pip install --no-deps -e ."


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M))


def requirements(*, extras: tuple[str, ...] = ()) -> list[Requirement]:
    project = PYPROJECT["project"]
    lines = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    return [Requirement(line) for line in lines]


def test_environment_has_the_python_that_the_project_requires():
    (python,) = [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str) and line.startswith("python=")]
    minor = python.removeprefix("python=")
    assert PYPROJECT["project"]["requires-python"] == f">={minor},<3.{int(minor.split('.')[1]) + 1}"


def test_environment_installs_the_lock_and_nothing_beside_it():
    plain = [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]
    (pip,) = [line["pip"] for line in ENVIRONMENT["dependencies"] if isinstance(line, dict)]
    assert pip == ["-r requirements.lock"]
    assert [line.split("=")[0] for line in plain] == ["python", "pip"]


def test_lock_pins_every_requirement_of_the_project():
    pinned = doctor.locked_versions(ROOT / "requirements.lock")
    for requirement in requirements(extras=("dev",)):
        assert requirement.name in pinned, f"{requirement.name} is not in the lock: run `make lock`"
        assert requirement.specifier.contains(pinned[requirement.name]), f"{requirement}: run `make lock`"


def test_gpu_extra_is_the_same_tensorflow():
    (plain,) = [r for r in requirements() if r.name == "tensorflow"]
    (gpu,) = [Requirement(line) for line in PYPROJECT["project"]["optional-dependencies"]["gpu"]]
    assert (gpu.name, gpu.extras, gpu.specifier) == ("tensorflow", {"and-cuda"}, plain.specifier)


def test_lock_has_hashes_and_names_no_index():
    entries = re.split(r"\n(?=[a-z0-9])", LOCK.split("\n", 2)[2])
    assert all("--hash=sha256:" in entry for entry in entries)
    assert len(entries) > 100
    assert not re.search(r"https?:|--(extra-)?index|find-links", LOCK)


def test_build_requirement_is_pinned():
    for line in PYPROJECT["build-system"]["requires"]:
        assert [s.operator for s in Requirement(line).specifier] == ["=="]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_command_in_the_documents_exists(document):
    text = (ROOT / document).read_text()
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.S))))
    assert named and named <= make_targets()
    commands = set(re.findall(r"\bcoursegrader ([a-z][a-z-]*)", text))
    assert commands and commands <= set(typer.main.get_command(app).commands)


def test_readme_gives_the_conda_way_as_it_is_tested():
    assert EDITABLE in (ROOT / "README.md").read_text()
    assert EDITABLE in (ROOT / "environment.yml").read_text()


def test_the_two_pip_commands_install_the_course_in_a_fresh_venv(tmp_path):
    """What conda does with environment.yml, and README's next line, both by pip."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    # A copy: an editable install writes its egg-info beside the sources.
    for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
        target = tmp_path / "course" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {
        "PATH": f"{tmp_path / 'venv/bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        # Half of the time would go into byte code that nothing here runs.
        "PIP_NO_COMPILE": "1",
    }
    (from_lock,) = [line["pip"] for line in ENVIRONMENT["dependencies"] if isinstance(line, dict)]
    for command in (f"pip install {' '.join(from_lock)}", EDITABLE):
        done = subprocess.run(command.split(), cwd=tmp_path / "course", env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    program = "import coursedata, coursekit, coursegrader; print(coursegrader.__file__)"
    done = subprocess.run(["python", "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.stdout.strip().startswith(str(tmp_path / "course")), done.stderr


def test_doctor_says_pass_or_fail_with_the_remedy(tmp_path, monkeypatch):
    (tmp_path / "requirements.lock").write_text("numpy==0.0.1 \\\n    --hash=sha256:00\n")
    finding = doctor.check_versions(tmp_path)
    assert not finding.ok and "lock: 0.0.1" in finding.detail and "make setup" in finding.remedy
    monkeypatch.delenv("COURSE_DATA", raising=False)
    assert not doctor.check_real_data(tmp_path).ok
    assert not doctor.check_real_data(tmp_path).required
    assert doctor.check_python(ROOT).ok and doctor.check_kernelspec(ROOT).ok


def test_doctor_shows_what_each_level_of_the_sandbox_keeps():
    shown = Console(file=io.StringIO(), width=120)
    shown.print(doctor.levels())
    head, *rows = shown.file.getvalue().splitlines()
    for one in sandbox.available():
        assert f"{one.level}{', here' * one.ok}" in head
    for guarantees in zip(*map(sandbox.describe, ("namespaces", "landlock", "unsafe")), strict=True):
        (row,) = [row for row in rows if guarantees[0].name in row]
        assert row.split()[-3:] == ["yes" if one.kept else "no" for one in guarantees]


def test_doctor_names_the_real_sets_that_a_loader_would_find(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    for name in ("mnist/mnist.npz", "foreign/foreign.npz", "multi30k/train.en.gz"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert doctor.check_real_data(tmp_path).detail == f"{tmp_path}: mnist"
    for prepared in CARDS["tatoeba"].files:
        path = tmp_path / "tatoeba" / prepared.name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert doctor.check_real_data(tmp_path).detail == f"{tmp_path}: mnist, tatoeba"


def test_set_up_ends_with_the_versions_in_one_line():
    (program,) = re.findall(r"""echo "Ready: .* -c '(.*)'\)\."$""", (ROOT / "Makefile").read_text(), re.M)
    said = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert re.fullmatch(r"TensorFlow [\d.]+, Keras [\d.]+, nbgrader [\d.]+\n", said)


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize(("told", "compiled"), [({"PYTHONDONTWRITEBYTECODE": "1"}, 1), ({}, 0)])
def test_packages_are_compiled_at_once_where_python_will_not_do_it(told, compiled):
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    variables = subprocess.check_output(["make", "-pn", "help"], cwd=ROOT, env=kept | told, text=True)
    assert f"\nUV_COMPILE_BYTECODE := {compiled}\n" in variables


def copy_for_students(folder: Path) -> Path:
    """What README's command packs, unpacked: the course's folder."""
    (command,) = re.findall(r"^git archive .*$", (ROOT / "README.md").read_text(), re.M)
    packed = folder / "students.tar.gz"
    subprocess.run(shlex.split(command.split("#")[0].replace("students.tar.gz", str(packed))), cwd=ROOT, check=True)
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    return folder / "course"


def test_a_students_copy_has_everything_but_solutions(tmp_path):
    course = copy_for_students(tmp_path)
    kept = {path.name for path in course.iterdir()}
    tracked = subprocess.check_output(["git", "ls-tree", "--name-only", "HEAD"], cwd=ROOT, text=True).split()
    assert kept == set(tracked) - {"solutions"} and {"assignments", "grader", "lectures", "data"} <= kept
    assert not [path for path in course.rglob("*.ipynb") if "BEGIN HIDDEN TESTS" in path.read_text(encoding="utf-8")]
    assert Course.find(course).root == course
    with pytest.raises(UnknownAssignment, match="students' copy .* without solutions/"):
        Course.find(course).source("ps1_cnn")


def test_staff_tools_are_hidden_from_students_and_come_back_for_staff(tmp_path):
    course = tmp_path / "course"
    shutil.copytree(ROOT / "lectures/coursekit/kernelspec", course / "lectures/coursekit/kernelspec")
    prefix = tmp_path / "venv"
    enabled = prefix / "etc/jupyter/jupyter_server_config.d/nbgrader.json"
    enabled.parent.mkdir(parents=True)
    shutil.copy(Path(sys.prefix, "etc/jupyter/jupyter_server_config.d/nbgrader.json"), enabled)

    def hidden() -> tuple[set, set]:
        register(course, prefix)
        page = json.loads((prefix / "etc/jupyter/labconfig/page_config.json").read_text())["disabledExtensions"]
        services = ExtensionConfigManager(read_config_path=[str(prefix / "etc/jupyter")]).get_jpserver_extensions()
        off = {name.removeprefix("@jupyter/nbgrader:") for name, is_off in page.items() if is_off}
        return off, {name.split(".")[-1] for name, is_on in services.items() if not is_on}

    news = "@jupyterlab/apputils-extension:announcements"
    assert hidden() == ({news, "formgrader", "course-list", "create-assignment"}, {"formgrader", "course_list"})
    (course / "solutions").mkdir()
    assert hidden() == ({news}, set())


def test_register_installs_kernel_and_configuration_and_is_idempotent(tmp_path):
    for _ in range(2):
        register(ROOT, tmp_path)
        assert (tmp_path / "share/jupyter/kernels/dl-course/kernel.json").is_file()
        assert (tmp_path / "etc/jupyter/nbgrader_config.py").resolve() == ROOT / "grader/nbgrader_config.py"
    assert not list(tmp_path.rglob("*~"))
