"""On honest submissions the exam and plain nbgrader give the same points, cell by cell, in every assignment.

Plain nbgrader is its own Execute preprocessor and its own rule of what a cell earns; text on stderr, which it takes
for a failure and TensorFlow writes, is left aside.
"""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from coursegrader import sandbox
from coursegrader.authoring import answers
from coursegrader.course import Course
from coursegrader.notebooks import Role, points, trains, with_role
from coursegrader.submission.grade import grade_submission
from coursegrader.submission.hall import Hall, open_hall
from coursegrader.submission.intake import take
from coursegrader.submission.restore import restore
from coursegrader.submission.scores import answers_of
from coursegrader.submission.spec import Spec
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from nbgrader.utils import determine_grade

ROOT = Path(__file__).resolve().parents[2]
COURSE = Course.at(ROOT)
# Training is most of what a submission takes: in the short tests the solution alone does it.
UNTRAINED = "alternatives 0, untrained"
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
    if kind == "solution":
        return solution
    if kind == UNTRAINED:
        stubs = with_role(spec.reference_notebook(), Role.ANSWER)
        untrained = {name: cell.source for name, cell in stubs.items() if trains(cell)}
        return answers.replace(solution, rounds(spec.assignment)[0] | untrained)
    return answers.replace(solution, rounds(spec.assignment)[int(kind.split()[-1])])


def worth(spec: Spec, kind: str) -> dict[str, float]:
    """The points of every test for it: all of them, but for tests of what was left undone."""
    cells = with_role(spec.reference_notebook(), Role.ANSWER)
    undone = {name for name, cell in cells.items() if kind == "blank" or (kind == UNTRAINED and trains(cell))}
    tests = with_role(spec.reference_notebook(), Role.TEST)
    about = answers_of(spec.reference_notebook())
    return {name: 0 if undone & set(about[name]) else points(cell) for name, cell in tests.items()}


def by_nbgrader(restored: NotebookNode, spec: Spec, folder: Path) -> dict[str, float]:
    """The points of every test after nbgrader's own execution, in a folder with the released and the held-out files."""
    for name, content in (spec.files | spec.held_out).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    executed, _ = Execute(timeout=SECONDS["cell_seconds"], allow_errors=True).preprocess(
        restored, {"metadata": {"path": str(folder)}}
    )
    earned = {}
    for name, cell in with_role(executed, Role.TEST).items():
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        earned[name] = determine_grade(cell)[0]
    return earned


def check_agreement(assignment: str, kind: str, hall: Hall, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that both give the same points for a submission, and that right answers are worth all of them."""
    spec = Spec.load(COURSE, assignment).with_limits(**SECONDS)
    notebook = handed_in(spec, kind)
    data = nbformat.writes(notebook).encode()
    result = grade_submission(data, spec, {}, hall)
    assert not result.failure
    expected = worth(spec, kind)
    by_exam = {score.cell: score.points for score in result.scores if score.cell in expected}
    # Both see the same small data, and neither a graphics card.
    for name, value in (spec.environment | {"CUDA_VISIBLE_DEVICES": ""}).items():
        monkeypatch.setenv(name, value)
    restored = restore(take(data, spec).notebook, spec.reference_notebook()).notebook
    plain = by_nbgrader(restored, spec, folder)
    why = "\n".join(f"{one.grade_id}: {one.reason}\n{one.staff}" for one in result.outcomes)
    assert by_exam == plain, why
    assert by_exam == expected, why


def _cases() -> Iterator[object]:
    for assignment in COURSE.names():
        yield from ((assignment, kind) for kind in ("solution", "blank", UNTRAINED))
        for number in range(len(rounds(assignment))):
            yield pytest.param(assignment, f"alternatives {number}", marks=pytest.mark.full)


@pytest.mark.parametrize(("assignment", "kind"), list(_cases()))
def test_the_exam_agrees_with_plain_nbgrader(assignment, kind, hall, tmp_path, monkeypatch):
    check_agreement(assignment, kind, hall, tmp_path, monkeypatch)


@pytest.mark.parametrize("assignment", COURSE.names())
def test_every_alternative_is_in_a_round(assignment):
    variants = answers.variants(COURSE.source(assignment) / answers.ALTERNATIVES)
    sources = {source for one in rounds(assignment) for source in one.values()}
    assert variants and all(source in sources for variant in variants for source in variant.answers.values())
