"""The commands behind make, on small notebooks in a folder of their own."""

import json
import os
from pathlib import Path

import coursekit.__main__ as command
import nbformat
import pytest
from coursekit.execution import LectureError, execute, find_lectures, write_text
from coursekit.results import BEGIN, END, claims_of, load
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

# A claim without coursekit, which would import TensorFlow into each of these kernels.
CLAIM = """
import os
from IPython.display import display
def check(claim, holds):
    values = ["1_part/1_good", claim, "–", 0.5, 0.1 + int(os.environ["COURSE_SEED"]) / 100, "half", holds]
    keys = ["lecture", "claim", "paper", "before", "here", "margin", "holds"]
    bundle = dict(zip(keys, values), profile=os.environ["COURSE_PROFILE"], source=os.environ["COURSE_SOURCE"])
    display({"application/vnd.course.claim+json": bundle, "text/plain": claim}, raw=True)
    class ClaimFailed(Exception): pass
    if not holds: raise ClaimFailed(claim)
"""


def write(folder: Path, name: str, *cells: str) -> None:
    kernel = {"display_name": "Deep Learning (GPU if present)", "language": "python", "name": "dl-course"}
    notebook = new_notebook(cells=[new_markdown_cell("# A lecture"), *map(new_code_cell, cells)])
    notebook.metadata["kernelspec"] = kernel
    path = folder / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text(f"# Syllabus\n{BEGIN}\n{END}\n", encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def same_cores_afterwards():
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    yield
    if cores is not None:
        os.sched_setaffinity(0, cores)


def run(folder: Path, *words: str):
    return CliRunner().invoke(command.app, [*words, "--folder", str(folder)])


def test_finds_lectures_in_order(folder: Path) -> None:
    for name in ("2_b/1_x", "1_a/10_z", "1_a/2_y"):
        write(folder, name)
    (folder / "tests").mkdir()
    nbformat.write(new_notebook(), folder / "tests" / "1_no.ipynb")
    assert [lecture.name for lecture in find_lectures(folder)] == ["1_a/2_y", "1_a/10_z", "2_b/1_x"]
    assert [lecture.name for lecture in find_lectures(folder, ["1_x"])] == ["2_b/1_x"]
    with pytest.raises(LectureError, match=r"no lecture '3_c'.*1_a/2_y"):
        find_lectures(folder, ["3_c"])


def test_lectures_stores_outputs_and_cost_and_goes_on_after_a_failure(folder: Path) -> None:
    write(folder, "1_part/1_good", CLAIM, "check('A', True)", "print(object())", "x = b'x' * 2**29")
    write(folder, "1_part/2_bad", "print('shown')", "1 / 0\n", "print('never')")
    write(folder, "1_part/3_loud", "import sys; print('warning: x', file=sys.stderr)")
    before = (folder / "1_part" / "2_bad.ipynb").read_bytes()
    done = run(folder, "lectures")
    assert done.exit_code == 1
    assert "1_part/1_good: " in done.stdout
    assert "2_bad.ipynb, cell 3 ('1 / 0'): ZeroDivisionError: division by zero" in done.output
    assert "3_loud.ipynb, cell 2" in done.output
    assert "wrote to stderr: warning: x" in done.output
    assert "2 of 3 lectures failed" in done.output
    assert (folder / "1_part" / "2_bad.ipynb").read_bytes() == before
    stored = find_lectures(folder)[0].read()
    assert stored.cells[3].outputs[0].text == "<object object at 0x...>\n"
    assert [cell.execution_count for cell in stored.cells[1:]] == [1, 2, 3, 4]
    assert all("execution" not in cell.metadata for cell in stored.cells)
    cost = load(folder / "results" / "cost.json")
    assert list(cost) == ["1_part/1_good"]
    assert 0.5 <= cost["1_part/1_good"]["peak_gib"] < 1
    again = run(folder, "lectures", "1_good")
    assert again.exit_code == 0, again.output
    assert find_lectures(folder)[0].read() == stored


def test_claims_writes_the_table(folder: Path) -> None:
    write(folder, "1_part/1_good", CLAIM, "check('A', True)")
    assert run(folder, "lectures").exit_code == 0
    assert run(folder, "claims").exit_code == 0
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# Syllabus\n")
    assert "| A *(half)* | – | 0.5 | 0.1 | yes |" in text


def test_claims_names_what_is_missing(folder: Path) -> None:
    write(folder, "1_part/1_good", "1")
    done = run(folder, "claims")
    assert done.exit_code == 1
    assert "1_part/1_good shows no claim" in done.output


def test_seeds_count_a_failed_claim_and_what_follows_it(folder: Path) -> None:
    write(folder, "1_part/1_good", CLAIM, "check('A', os.environ['COURSE_SEED'] != '3')", "check('B', True)")
    done = run(folder, "claims-seeds")
    assert done.exit_code == 0, done.output
    first, second = load(folder / "results" / "seeds.json")["1_part/1_good"]["claims"]
    assert (first["claim"], first["seeds"], first["holds"]) == ("A", 5, 4)
    assert (second["claim"], second["seeds"], second["holds"]) == ("B", 5, 5)
    assert second["here_median"] == pytest.approx(0.12)
    assert second["here_worst"] == pytest.approx(0.14)


def test_real_data_only_where_there_is_some_and_the_notebook_stays(folder: Path) -> None:
    write(folder, "1_part/1_good", CLAIM, "# profile.source", "check('A', False)", "check('B', True)")
    write(folder, "1_part/2_generated", "1 / 0")
    before = (folder / "1_part" / "1_good.ipynb").read_bytes()
    done = run(folder, "claims-real")
    assert done.exit_code == 0, done.output
    real = load(folder / "results" / "real.json")
    assert list(real) == ["1_part/1_good"]
    assert [(claim["claim"], claim["holds"], claim["source"]) for claim in real["1_part/1_good"]["claims"]] == [
        ("A", False, "real"),
        ("B", True, "real"),
    ]
    assert len(real["1_part/1_good"]["date"]) == 10
    assert (folder / "1_part" / "1_good.ipynb").read_bytes() == before


def test_a_failed_claim_stops_when_outputs_are_stored(folder: Path) -> None:
    write(folder, "1_part/1_good", CLAIM, "check('A', False)")
    environment = {"COURSE_PROFILE": "small", "COURSE_SOURCE": "bundled", "COURSE_SEED": "0"}
    (lecture,) = find_lectures(folder)
    with pytest.raises(LectureError, match="ClaimFailed"):
        execute(lecture, environment)
    run_on = execute(lecture, environment, failed_claims_stop=False)
    assert [claim["holds"] for claim in claims_of(run_on.notebook)] == [False]


def test_no_lectures_no_silence(tmp_path: Path) -> None:
    done = run(tmp_path, "lectures")
    assert done.exit_code == 1
    assert "no lectures in" in done.output


def test_an_unknown_profile_is_one_sentence(folder: Path, monkeypatch) -> None:
    write(folder, "1_part/1_good", "1")
    monkeypatch.setenv("COURSE_PROFILE", "tiny")
    done = run(folder, "claims-real")
    assert done.exit_code == 1
    assert done.output.startswith("unknown profile 'tiny': set COURSE_PROFILE")


def test_a_kernel_that_is_not_installed(folder: Path) -> None:
    write(folder, "1_part/1_good", "1")
    path = folder / "1_part" / "1_good.ipynb"
    path.write_text(path.read_text().replace("dl-course", "no-such-kernel"))
    done = run(folder, "lectures")
    assert done.exit_code == 1
    assert "no kernel 'no-such-kernel' is installed: run `make setup`" in done.output


def test_write_text_keeps_the_old_file_when_it_fails(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "x.json"
    write_text(path, "old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        write_text(path, json.dumps("new"))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
