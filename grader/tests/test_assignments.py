"""Every assignment: its rules and release, and that its tests reject what is wrong and nothing that is right.

As many trials run at once as there are cores. Each executes the cells that the changed answers can reach, no others.
Training is most of what these tests would take: in the short ones only the solution does it.
"""

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
from coursegrader import notebooks
from coursegrader.authoring import answers, build, junk, rules
from coursegrader.authoring.trial import Bench, Result, Warm
from coursegrader.submission.scores import answers_of

ROOT = Path(__file__).parents[2]
ASSIGNMENTS = [path.parent.name for path in notebooks.assignments(ROOT)]
FEWEST_MISTAKES, FEWEST_ALTERNATIVES = 25, 6
# A mistake that stops at one of these never came to be judged: it is a slip in the file and tests nothing.
SLIPS = ("NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "UnboundLocalError")

each = pytest.mark.parametrize("name", ASSIGNMENTS)


def solution(name: str) -> Path:
    return ROOT / "solutions" / name


@cache
def notebook(name: str):
    return notebooks.read(solution(name) / f"{name}.ipynb")


def variant_files(kind: str) -> Iterator:
    """Every file of `mistakes/` or `alternatives/`, as test parameters; those that train are for the full tests."""
    for name in ASSIGNMENTS:
        cells = notebooks.with_role(notebook(name), notebooks.Role.ANSWER)
        train = {key for key, cell in cells.items() if notebooks.trains(cell)}
        for path in sorted((solution(name) / kind).glob("*.py")):
            marks = pytest.mark.full if train & answers.load(path).answers.keys() else ()
            yield pytest.param(path, marks=marks, id=f"{name}-{path.stem}")


@pytest.fixture(scope="module")
def benches():
    """A bench for each assignment; the warm process starts with the first trial."""
    with Warm() as warm:
        yield {name: Bench(notebook(name), warm, files=solution(name)) for name in ASSIGNMENTS}


@pytest.fixture(scope="module")
def trial(benches, request):
    """The result of a variant's file; the first call starts the trials of every file that this session tests."""
    # A notebook's cells, which nbval collects beside these tests, have no fixtures.
    tests = [item for item in request.session.items if isinstance(item, pytest.Function)]
    wanted = [item.callspec.params["path"] for item in tests if "trial" in item.fixturenames]
    futures: dict[Path, Future[Result]] = {}

    def run(path: Path) -> Result:
        return benches[path.parents[1].name].run(answers.load(path).answers)

    with ThreadPoolExecutor(max((bench.jobs for bench in benches.values()), default=1)) as pool:

        def result(path: Path) -> Result:
            if not futures:
                futures.update((each, pool.submit(run, each)) for each in wanted)
            return futures[path].result()

        yield result
        for future in futures.values():
            future.cancel()


def test_there_is_an_assignment():
    assert ASSIGNMENTS


@each
def test_the_notebook_keeps_the_rules(name):
    assert [str(finding) for finding in rules.check(notebook(name))] == []


@each
def test_there_are_enough_mistakes_and_alternatives(name):
    mistakes = answers.variants(solution(name) / answers.MISTAKES)
    assert len(mistakes) >= FEWEST_MISTAKES
    assert len(answers.variants(solution(name) / answers.ALTERNATIVES)) >= FEWEST_ALTERNATIVES
    named = {test for mistake in mistakes for test in mistake.rejected_by}
    assert notebooks.with_role(notebook(name), notebooks.Role.TEST).keys() - named == set(), "no mistake tries these"


def test_ps1_has_a_layer_a_training_loop_and_a_callback_under_test():
    solved = notebook("ps1_cnn")
    tested = {name for about in answers_of(solved).values() for name in about}
    sources = {name: cell.source for name, cell in notebooks.with_role(solved, notebooks.Role.ANSWER).items()}
    for kind in (
        r"^class \w+\(keras\.layers\.Layer\)",
        r"tf\.GradientTape\(",
        r"^class \w+\(keras\.callbacks\.Callback\)",
    ):
        assert tested & {name for name, source in sources.items() if re.search(kind, source, re.M)}, kind


@each
def test_the_release_is_up_to_date_and_leaks_nothing(name, tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_DIR", raising=False)
    (tmp_path / "grader").mkdir()
    shutil.copy(ROOT / "grader" / "nbgrader_config.py", tmp_path / "grader")
    shutil.copytree(solution(name), tmp_path / "solutions" / name)
    built, committed = build.build(tmp_path, name), ROOT / "assignments" / name
    assert contents(built) == contents(committed), f"run `coursegrader build {name}`"
    assert list(build.leaks(committed, solution(name))) == []


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".ipynb_checkpoints" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@each
def test_held_out_material_cannot_be_guessed_or_found(name):
    seeds = {seed for seed in build.held_out_seeds(solution(name)) if seed >= 2**56}
    assert seeds or (solution(name) / "examiner").is_dir()
    sources = [path for folder in ("data", "lectures", "assignments") for path in (ROOT / folder).rglob("*.py")]
    for path in sources:
        text = path.read_text(encoding="utf-8").replace("_", "").lower()
        assert not [seed for seed in seeds if str(seed) in text or f"{seed:x}" in text], path


@each
def test_the_solution_gets_full_marks(benches, name):
    result = benches[name].solution
    assert result.errors == {} and result.died is None
    assert result.points == benches[name].tests


@each
def test_the_blank_release_gets_nothing(benches, name):
    released = notebooks.read(ROOT / "assignments" / name / f"{name}.ipynb")
    stubs = {key: cell.source for key, cell in notebooks.with_role(released, notebooks.Role.ANSWER).items()}
    result = benches[name].run(stubs)
    assert result.died is None and result.points == dict.fromkeys(benches[name].tests, 0)


@pytest.mark.parametrize("path", list(variant_files(answers.MISTAKES)))
def test_a_mistake_is_rejected_by_the_cells_it_names_and_no_others(trial, path):
    mistake = answers.load(path)
    answers.check(notebook(path.parents[1].name), mistake)
    result = trial(path)
    assert set(mistake.rejected_by) <= result.rejected, result.errors
    assert result.rejected <= {*mistake.rejected_by, *mistake.may_break}, result.errors
    for test in mistake.rejected_by:
        assert not (result.outcomes[test].error or "").startswith(SLIPS)


@pytest.mark.parametrize("path", list(variant_files(answers.ALTERNATIVES)))
def test_an_alternative_gets_full_marks(trial, path):
    answers.check(notebook(path.parents[1].name), answers.load(path))
    result = trial(path)
    assert result.rejected == set(), result.errors


@each
def test_junk_earns_nothing(benches, name):
    assert junk.check(notebook(name), benches[name]) == []


@pytest.mark.full
@each
def test_pruned_runs_give_what_whole_runs_give(benches, name):
    """For every fifth mistake and alternative: a whole run trains the experiment's model each time."""
    bench = benches[name]
    for kind in (answers.MISTAKES, answers.ALTERNATIVES):
        for variant in answers.variants(solution(name) / kind)[::5]:
            whole = bench.run(variant.answers, whole=True)
            assert (variant.name, bench.run(variant.answers).points) == (variant.name, whole.points)
