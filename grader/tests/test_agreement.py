"""On honest submissions the exam and plain nbgrader give the same points, cell by cell, in every assignment.

Plain nbgrader is its own Execute preprocessor and its own rule of what a cell earns; text on stderr, which it takes
for a failure and TensorFlow writes, is left aside.
"""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from coursegrader import answers, sandbox
from coursegrader.course import Course
from coursegrader.grade import grade_submission
from coursegrader.hall import Hall, open_hall
from coursegrader.intake import take
from coursegrader.notebooks import Role, with_role
from coursegrader.restore import restore
from coursegrader.spec import Spec
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from nbgrader.utils import determine_grade

ROOT = Path(__file__).resolve().parents[2]
COURSE = Course.at(ROOT)
SECONDS = {"cell_seconds": 600, "answer_seconds": 600, "submission_seconds": 1800}


@pytest.fixture(scope="module")
def hall() -> Iterator[Hall]:
    """The best sandbox that this machine has, or none; its warm process has imported TensorFlow."""
    with open_hall(unsafe=not any(found.ok for found in sandbox.available())) as opened:
        yield opened


def rounds(assignment: str) -> list[dict[str, str]]:
    """All alternatives in as few submissions as there are for one task: each has another right answer to every task."""
    found: list[dict[str, str]] = []
    for variant in answers.variants(COURSE.source(assignment) / answers.ALTERNATIVES):
        free = next((one for one in found if not one.keys() & variant.answers.keys()), None)
        if free is None:
            found.append(dict(variant.answers))
        else:
            free.update(variant.answers)
    return found


def handed_in(spec: Spec, kind: str) -> NotebookNode:
    """A submission: the solution, the release as it is, or a round of alternatives."""
    solution = nbformat.reads(spec.solution.decode(), as_version=4)
    if kind == "blank":
        return spec.reference_notebook()
    return solution if kind == "solution" else answers.replace(solution, rounds(spec.assignment)[int(kind[-1])])


def by_nbgrader(restored: NotebookNode, spec: Spec, folder: Path) -> dict[str, float]:
    """The points of every test after nbgrader's own execution, in a folder with the released files."""
    for name, content in spec.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    executed, _ = Execute(timeout=SECONDS["cell_seconds"], allow_errors=True).preprocess(
        restored, {"metadata": {"path": str(folder)}}
    )
    points = {}
    for name, cell in with_role(executed, Role.TEST).items():
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        points[name] = determine_grade(cell)[0]
    return points


def check_agreement(assignment: str, kind: str, hall: Hall, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that both give the same points for a submission, and that right answers are worth all of them."""
    spec = Spec.load(COURSE, assignment).with_limits(**SECONDS)
    notebook = handed_in(spec, kind)
    data = nbformat.writes(notebook).encode()
    result = grade_submission(data, spec, {}, hall)
    assert not result.failure
    tests = with_role(spec.reference_notebook(), Role.TEST)
    by_exam = {score.cell: score.points for score in result.scores if score.cell in tests}
    # Both see the same small data, and neither a graphics card.
    for name, value in (spec.environment | {"CUDA_VISIBLE_DEVICES": ""}).items():
        monkeypatch.setenv(name, value)
    restored = restore(take(data, spec).notebook, spec.reference_notebook()).notebook
    plain = by_nbgrader(restored, spec, folder)
    why = "\n".join(f"{one.grade_id}: {one.reason}\n{one.staff}" for one in result.outcomes)
    assert by_exam == plain, why
    most = {name: float(cell.metadata.nbgrader.points) for name, cell in tests.items()}
    assert by_exam == (dict.fromkeys(tests, 0) if kind == "blank" else most), why


def _cases() -> Iterator[object]:
    for assignment in COURSE.names():
        yield from ((assignment, kind) for kind in ("solution", "blank", "alternatives 0"))
        for number in range(1, len(rounds(assignment))):
            yield pytest.param(assignment, f"alternatives {number}", marks=pytest.mark.full)


@pytest.mark.parametrize(("assignment", "kind"), _cases())
def test_the_exam_agrees_with_plain_nbgrader(assignment, kind, hall, tmp_path, monkeypatch):
    check_agreement(assignment, kind, hall, tmp_path, monkeypatch)


@pytest.mark.parametrize("assignment", COURSE.names())
def test_every_alternative_is_in_a_round(assignment):
    variants = answers.variants(COURSE.source(assignment) / answers.ALTERNATIVES)
    sources = {source for one in rounds(assignment) for source in one.values()}
    assert variants and all(source in sources for variant in variants for source in variant.answers.values())
