"""Assignments of other nbgrader courses: graded with nothing but their solution notebook and the files beside it."""

import csv
import json

import foreign_courses
import nbformat
import pytest
from coursegrader.authoring import rules
from coursegrader.cli import app
from coursegrader.sandbox import available
from coursegrader.submission import foreign
from coursegrader.submission.grade import grade_submission
from coursegrader.submission.scores import FORGEABLE, Status
from foreign_courses import Foreign, submission
from typer.testing import CliRunner


def written(course: Foreign, folder, submissions: bool = False):
    """The solution notebook in a folder, with its files; submissions in `class` beside it."""
    source = folder / "source"
    source.mkdir()
    nbformat.write(course.solution, source / f"{course.name}.ipynb")
    for name, content in course.files.items():
        (source / name).write_bytes(content)
    for kind in course.submissions if submissions else ():
        where = folder / "class" / kind / course.name
        where.mkdir(parents=True)
        nbformat.write(submission(course, kind), where / "mine.ipynb")
    return source / f"{course.name}.ipynb"


@pytest.mark.parametrize("make", [foreign_courses.squares, foreign_courses.shapes])
def test_honest_work_earns_its_points_and_forgeries_nothing(make, tmp_path, hall):
    course = make()
    spec = foreign.load(written(course, tmp_path))
    foreign.check_fits(spec, hall)
    tests = {cell.metadata.nbgrader.grade_id for cell in spec.reference_notebook().cells if _is_test(cell)}
    for kind, points in course.points.items():
        handed_in = nbformat.writes(submission(course, kind)).encode()
        result = grade_submission(handed_in, spec, {}, hall)
        rows = {one.cell: one for one in result.scores}
        assert rows.keys() >= tests
        assert sum(rows[name].points for name in tests) == points, (kind, [*rows.values()])
        assert all(one.status is Status.NEEDS_MANUAL for name, one in rows.items() if name not in tests)


def _is_test(cell) -> bool:
    marks = cell.metadata.get("nbgrader", {})
    return bool(marks.get("grade")) and not marks.get("solution")


def test_metadata_of_any_version_is_brought_up_to_date(tmp_path):
    spec = foreign.load(written(foreign_courses.squares(), tmp_path))
    marks = [cell.metadata.nbgrader for cell in spec.reference_notebook().cells if "nbgrader" in cell.metadata]
    assert {one.schema_version for one in marks} == {3}
    assert spec.max_points() == {"squares_ok": 1, "squares_invalid": 1, "sums": 2, "explain": 3}
    assert (spec.assignment, spec.notebook_name, spec.kernel) == ("squares", "squares.ipynb", "python3")
    assert "YOUR CODE HERE" in spec.reference.decode()


def test_the_files_beside_the_solution_are_released(tmp_path):
    path = written(foreign_courses.shapes(), tmp_path)
    (path.parent / ".ipynb_checkpoints").mkdir()
    (path.parent / ".ipynb_checkpoints" / "old.txt").write_text("old")
    (path.parent / "other.ipynb").write_text("{}")
    (path.parent / "sub").mkdir()
    (path.parent / "sub" / "helper.py").write_text("x = 1")
    assert foreign.load(path).files.keys() == {"corners.json", "sub/helper.py"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda notebook: "not JSON", "no valid notebook"),
        (lambda notebook: json.dumps([1]), "no notebook"),
        (lambda notebook: notebook.metadata.kernelspec.update(language="R"), "written in R"),
        (lambda notebook: [cell.metadata.clear() for cell in notebook.cells], "no cell has points"),
        (lambda notebook: notebook.cells.append(notebook.cells[1]), "Duplicate grade id"),
        (
            lambda notebook: [cell.update(source="raise NotImplementedError") for cell in notebook.cells],
            "this is the released version",
        ),
    ],
)
def test_a_solution_that_is_none_is_refused_with_what_to_do(change, words, tmp_path):
    course = foreign_courses.squares()
    path = written(course, tmp_path)
    text = change(course.solution)
    path.write_text(text if isinstance(text, str) else json.dumps(course.solution))
    with pytest.raises(foreign.ForeignError, match=words):
        foreign.load(path)


def test_tests_that_need_the_students_objects_are_refused_and_say_why(tmp_path, hall):
    path = written(foreign_courses.beside(), tmp_path)
    with pytest.raises(foreign.TestsDoNotFit) as caught:
        foreign.check_fits(foreign.load(path), hall)
    lines = {line.split()[0]: line for line in str(caught.value).splitlines() if line.startswith("  ")}
    assert lines.keys() == {"test_patch", "test_kind", "test_source", "test_in_place"}
    for cell, words in {
        "test_patch": "a patch in the examiner never reaches",
        "test_kind": "no isinstance() on a student's object",
        "test_source": "source and signature stay",
        "test_in_place": "arguments are copies, so that values stays",
    }.items():
        assert words in lines[cell]
    assert "--tests-inside" in str(caught.value)


def test_tests_beside_the_students_code_are_marked_as_forgeable(tmp_path, hall):
    course = foreign_courses.beside()
    spec = foreign.load(written(course, tmp_path), tests_inside=True)
    foreign.check_fits(spec, hall)
    for kind, points in course.points.items():
        result = grade_submission(nbformat.writes(submission(course, kind)).encode(), spec, {}, hall)
        assert result.total.points == points, (kind, result.scores)
        assert result.total.status is Status.FLAGGED
        for one in result.scores:
            assert not one.points or (one.status is Status.FLAGGED and one.reason.startswith(FORGEABLE))


def test_the_rules_say_what_does_not_fit():
    found = {(one.cell, one.rule) for one in rules.misfits(foreign_courses.beside().solution)}
    wanted = {("test_patch", "patch"), ("test_kind", "isinstance"), ("test_source", "source")}
    assert found == wanted | {("test_in_place", "mutation")}
    assert rules.misfits(foreign_courses.shapes().solution) == []


@pytest.mark.parametrize("inside", [False, True])
def test_the_command_grades_a_folder_without_a_course(tmp_path, monkeypatch, inside):
    if not any(one.ok for one in available()):
        pytest.skip("this machine has no sandbox")
    level = next(one.level for one in available() if one.ok)
    course = foreign_courses.beside() if inside else foreign_courses.squares()
    solution = written(course, tmp_path, submissions=True)
    monkeypatch.chdir(tmp_path)
    options = ["--solution", str(solution), "--out", "marks.csv", "--json", "marks.jsonl", "--level", level, "-w", "2"]
    refused = CliRunner().invoke(app, ["grade", "class", *options, *(["-a", "nothing"])])
    assert refused.exit_code == 1
    if inside:
        options.append("--tests-inside")
    done = CliRunner().invoke(app, ["grade", "class", *options])
    # Written answers alone ask for nobody's look; a forgeable result does.
    assert done.exit_code == (3 if inside else 0), done.output
    with (tmp_path / "marks.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    totals = {row["student"]: float(row["points"]) for row in rows if row["cell"] == "total"}
    assert totals == course.points
    lines = [json.loads(line) for line in (tmp_path / "marks.jsonl").read_text().splitlines()]
    assert {line["student"]: line["forgeable"] for line in lines} == dict.fromkeys(course.points, inside)
