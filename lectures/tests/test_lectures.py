"""What every stored lecture must be: sections, clean outputs, claims that hold, a twin, a syllabus line."""

import json
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from coursekit.execution import Lecture, find_lectures
from coursekit.results import load, results_table, stored_claims, with_results
from jupytext.config import find_jupytext_configuration_file

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "lectures"
LECTURES = find_lectures(FOLDER)
SECTIONS = ["Claim", "Data", "Before", "Idea", "Build", "Train", "Measure", "Go further"]
LARGEST_NOTEBOOK_BYTES = 1_500_000
# 25 are long already (one thing a cell); blank lines and comments are free.
LONGEST_CELL_LINES = 40
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|home|tmp|work|Users|usr|opt)/[\w.]+")


each_lecture = pytest.mark.parametrize("lecture", LECTURES, ids=[lecture.name for lecture in LECTURES])


def authored_notebooks() -> list[Path]:
    """Every notebook that people write: lectures and solutions; releases are built and have no twin."""
    folders = (FOLDER, ROOT / "solutions")
    found = [path for folder in folders for path in sorted(folder.rglob("*.ipynb"))]
    return [path for path in found if ".ipynb_checkpoints" not in path.parts]


def code_cells(lecture: Lecture) -> list[nbformat.NotebookNode]:
    return [cell for cell in lecture.read().cells if cell.cell_type == "code"]


def test_there_are_lectures() -> None:
    # Otherwise every test with a `lecture` would pass by not running.
    assert LECTURES


@pytest.mark.parametrize("path", authored_notebooks(), ids=lambda path: path.stem)
def test_twin_is_in_sync(path: Path) -> None:
    twin_path = path.with_suffix(".py")
    assert twin_path.exists(), f"{path.name} has no text twin: run `make sync`"
    notebook, twin = nbformat.read(path, as_version=4), jupytext.read(twin_path)
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    twins = [(cell.cell_type, cell.source) for cell in twin.cells]
    for k, (cell, other) in enumerate(zip(cells, twins, strict=False)):
        assert cell == other, f"cell {k + 1} of {path.name} differs from its twin: run `make sync`"
    assert len(cells) == len(twins)


def test_only_authored_notebooks_have_twins() -> None:
    # JupyterLab would write a twin beside the notebook that a student fetched and saved.
    paired = {folder: find_jupytext_configuration_file(str(ROOT / folder)) for folder in ("lectures", "solutions")}
    assert all(Path(found).is_relative_to(ROOT / folder) for folder, found in paired.items())
    for folder in (ROOT, ROOT / "assignments/ps1_cnn"):
        assert find_jupytext_configuration_file(str(folder)) is None


@pytest.mark.parametrize("path", authored_notebooks(), ids=lambda path: path.stem)
def test_kernel_is_the_courses(path: Path) -> None:
    assert nbformat.read(path, as_version=4).metadata.kernelspec.name == "dl-course"


@each_lecture
def test_sections(lecture: Lecture) -> None:
    cells = [cell.source for cell in lecture.read().cells if cell.cell_type == "markdown"]
    headings = [line[3:].strip() for source in cells for line in source.splitlines() if line.startswith("## ")]
    assert headings == SECTIONS


@each_lecture
def test_first_cell_names_papers_and_time(lecture: Lecture) -> None:
    first = lecture.read().cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert re.search(r"\((19|20)\d\d\)", first.source), "no paper with its year"
    assert "two CPU cores" in first.source
    assert "GPU" in first.source


@each_lecture
def test_second_cell_sets_seed_profile_device(lecture: Lecture) -> None:
    second = lecture.read().cells[1]
    assert second.cell_type == "code"
    lines = second.source.splitlines()
    imports = re.findall(r"^(?:import|from) (coursekit|keras|tensorflow)\b", second.source, flags=re.MULTILINE)
    assert imports[0] == "coursekit", "coursekit comes before Keras: it imports TensorFlow quietly"
    for call in ("seed = coursekit.set_seed(", "profile = coursekit.get_profile(", "device = coursekit.set_device("):
        assert sum(line.startswith(call) for line in lines) == 1, f"{call}...) is missing"


@each_lecture
def test_cells_are_short(lecture: Lecture) -> None:
    long = [
        cell.source.splitlines()[0] for cell in code_cells(lecture) if cell.source.count("\n") >= LONGEST_CELL_LINES
    ]
    assert not long


@each_lecture
def test_everything_was_executed(lecture: Lecture) -> None:
    counts = [cell.execution_count for cell in code_cells(lecture)]
    assert counts == list(range(1, len(counts) + 1)), "execute it with `make lectures`"


@each_lecture
def test_outputs_are_clean(lecture: Lecture) -> None:
    for cell in code_cells(lecture):
        where = cell.source.splitlines()[0]
        for output in cell.outputs:
            assert output.output_type != "error", where
            assert output.get("name") != "stderr", where
            assert not MACHINE_PATH.search(json.dumps(output)), where
        assert "execution" not in cell.metadata, where


@each_lecture
def test_progress_leaves_one_line(lecture: Lecture) -> None:
    for cell in code_cells(lecture):
        assert all("\r" not in output.get("text", "") for output in cell.outputs), cell.source.splitlines()[0]


@each_lecture
def test_no_installs_no_shell(lecture: Lecture) -> None:
    commands = [line for cell in code_cells(lecture) for line in cell.source.splitlines() if re.match(r"\s*[!%]", line)]
    assert not commands


@each_lecture
def test_size(lecture: Lecture) -> None:
    assert lecture.path.stat().st_size < LARGEST_NOTEBOOK_BYTES


@each_lecture
def test_claims_hold(lecture: Lecture) -> None:
    for claim in stored_claims(lecture):
        assert claim["holds"] is True, claim["claim"]
        assert claim["lecture"] == lecture.name
        assert (claim["profile"], claim["source"]) == ("small", "bundled")
        assert re.search(r"\d|half|third|quarter|twice", claim["margin"]), f"no margin in {claim['margin']!r}"
        assert claim["before"] != claim["here"]


@each_lecture
def test_cost_is_within_limits(lecture: Lecture) -> None:
    entry = load(FOLDER / "results" / "cost.json")[lecture.name]
    assert entry["wall_s"] < 240, "measure it again, alone on the machine: `make lectures`"
    assert entry["peak_gib"] < 4


@each_lecture
def test_four_of_five_seeds_hold(lecture: Lecture) -> None:
    seeds = load(FOLDER / "results" / "seeds.json")
    if lecture.name not in seeds:
        pytest.skip(f"five seeds of {lecture.name} were not run yet: `make claims-seeds`")
    stored = {claim["claim"] for claim in stored_claims(lecture)}
    assert {claim["claim"] for claim in seeds[lecture.name]["claims"]} == stored, "run `make claims-seeds`"
    assert all(claim["seeds"] == 5 and claim["holds"] >= 4 for claim in seeds[lecture.name]["claims"])


def test_syllabus_names_every_lecture_and_no_other() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    syllabus = text[text.index("## Syllabus") : text.index("## Results")]
    assert re.findall(r"\]\((.+?)\.ipynb\)", syllabus) == [lecture.name for lecture in LECTURES]
    assert len(re.findall(r"^### Part \d", syllabus, flags=re.MULTILINE)) == 5


def test_results_are_what_claims_would_write() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    table = results_table(LECTURES, FOLDER / "results")
    assert text == with_results(text, table), "run `make claims`"
