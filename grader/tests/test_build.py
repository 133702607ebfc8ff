"""Releases: built by nbgrader, the same each time, whole or not at all, and free of leaks."""

import json
import shutil
import threading
from pathlib import Path

import nbformat
import pytest
from coursegrader import notebooks
from coursegrader.authoring.build import BuildError, build, held_out_seeds, leaks
from coursegrader.errors import UnknownAssignment
from small_notebooks import assignment

CONFIG = Path(__file__).parents[1] / "nbgrader_config.py"
SEED = 0x9E3779B97F4A7C15F39CC0605CEDC834


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course with one assignment and everything that must not leave it."""
    monkeypatch.delenv("COURSE_DIR", raising=False)
    root = tmp_path / "course root"
    (root / "grader").mkdir(parents=True)
    shutil.copy(CONFIG, root / "grader")
    solution = root / "solutions" / "ps"
    for folder in ("mistakes", "alternatives", "examiner"):
        (solution / folder).mkdir(parents=True)
    content = assignment()
    content.cells[3].source = content.cells[3].source.replace("# hidden 0", f"# {SEED}\nseed = {SEED}")
    for cell in content.cells:
        if cell.cell_type == "code":
            cell.execution_count = 1
            cell.outputs = [nbformat.v4.new_output("stream", text="secret output\n")]
    nbformat.write(content, solution / "ps.ipynb")
    (solution / "ps.py").write_text("# the twin\n")
    (solution / "words.txt").write_text("public words\n")
    (solution / "NOTES.md").write_text("The threshold comes from ten seeds.\n")
    (solution / "survivors.toml").write_text("[survivors]\n")
    (solution / "mistakes" / "wrong.py").write_text("# answer: task_0\ndef task_0(x):\n    return x - 12345\n")
    (solution / "alternatives" / "other.py").write_text("# answer: task_0\ndef task_0(x):\n    return sum([x, 0, 0])\n")
    (solution / "examiner" / "labels.npy").write_bytes(bytes(range(256)))
    return root


@pytest.fixture
def release(course):
    return build(course, "ps")


def edit(path, change):
    """Changes a stored notebook in place."""
    content = nbformat.read(path, 4)
    change(content)
    nbformat.write(content, path)


def test_a_release_has_stubs_and_public_tests_and_nothing_else(release, course):
    assert release == course / "assignments" / "ps"
    assert sorted(path.name for path in release.rglob("*")) == ["ps.ipynb", "words.txt"]
    cells = notebooks.by_grade_id(notebooks.read(release / "ps.ipynb"))
    assert cells["task_1"].source == "def task_1(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert cells["test_task_1"].source == '"""Checks it."""\nassert task_1(1) > 0'
    assert cells["why"].source == "YOUR ANSWER HERE"
    assert notebooks.points(cells["test_task_1"]) == 11


def test_a_release_keeps_kernel_and_ids_and_drops_outputs(release, course):
    source = notebooks.read(course / "solutions" / "ps" / "ps.ipynb")
    released = notebooks.read(release / "ps.ipynb")
    assert released.metadata.kernelspec == source.metadata.kernelspec
    assert [cell.id for cell in released.cells] == [cell.id for cell in source.cells]
    code = [cell for cell in released.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_building_again_changes_no_byte_and_touches_no_file(release, course):
    def state():
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(release.rglob("*"))}

    before = state()
    build(course, "ps")
    assert state() == before
    shutil.rmtree(release)
    build(course, "ps")
    assert {path: content for path, (content, _) in state().items()} == {
        path: content for path, (content, _) in before.items()
    }


def test_what_is_gone_from_the_source_is_gone_from_the_release(release, course):
    (course / "solutions" / "ps" / "words.txt").unlink()
    build(course, "ps")
    assert sorted(path.name for path in release.rglob("*")) == ["ps.ipynb"]
    assert sorted(path.name for path in release.parent.iterdir()) == ["ps"]


def test_no_gradebook_unless_asked(release, course):
    gradebook = course / "course" / "gradebook.db"
    assert not gradebook.exists()
    build(course, "ps", record=True)
    assert gradebook.exists()


def test_a_broken_rule_stops_the_build_and_leaves_the_old_release(release, course):
    before = (release / "ps.ipynb").read_bytes()
    edit(course / "solutions" / "ps" / "ps.ipynb", lambda content: content.cells[3].metadata.nbgrader.update(points=1))
    with pytest.raises(BuildError, match="sum to 90"):
        build(course, "ps")
    assert (release / "ps.ipynb").read_bytes() == before
    assert sorted(path.name for path in release.parent.iterdir()) == ["ps"]


def test_what_nbgrader_refuses_is_said_with_its_reason(course, monkeypatch):
    monkeypatch.setattr("coursegrader.authoring.rules.check", lambda notebook: [])

    def open_region(content):
        content.cells[2].source = content.cells[2].source.replace("### END SOLUTION", "")

    edit(course / "solutions" / "ps" / "ps.ipynb", open_region)
    with pytest.raises(BuildError, match="nbgrader cannot release ps"):
        build(course, "ps")
    assert list((course / "assignments").iterdir()) == []


def test_an_unknown_assignment_is_named(course):
    with pytest.raises(UnknownAssignment, match="ps9"):
        build(course, "ps9")


def test_a_public_part_that_shows_a_solution_is_refused(course):
    def show(content):
        content.cells[1].source += "\nHint: return x + 3 * secret\n"

    # The line stands in a public text now, which makes it public; the same in a supplementary file is a leak.
    edit(course / "solutions" / "ps" / "ps.ipynb", show)
    build(course, "ps")
    (course / "solutions" / "ps" / "words.txt").write_text("return x + 4 * secret")
    with pytest.raises(BuildError, match=r"would leak.*words\.txt"):
        build(course, "ps")


def inject(cell, text):
    """A change that adds text to a cell of the released notebook."""

    def change(release):
        edit(release / "ps.ipynb", lambda content: content.cells[cell].update(source=content.cells[cell].source + text))

    return change


def output(release):
    def change(content):
        content.cells[2].outputs = [nbformat.v4.new_output("stream", text="3\n")]

    edit(release / "ps.ipynb", change)


def metadata(release):
    edit(release / "ps.ipynb", lambda content: content.metadata.update(note="assert task_5(10) == 5 + 10  # hidden 5"))


LEAKS = {
    "a solution's line": (inject(1, "\n    return x + 7 * secret"), "a line of a solution"),
    "a hidden test": (inject(3, "\nassert task_3(10) == 3 + 10  # hidden 3"), "a line of a hidden test"),
    "a written answer": (inject(1, "\nBecause of the chain rule."), "a line of a solution"),
    "a seed": (inject(1, f"\n{SEED}"), "a held-out seed"),
    "a seed in hexadecimal": (inject(1, f"\n{SEED:#X}"), "a held-out seed"),
    "a mistake's line": (inject(1, "\nreturn x - 12345"), "mistakes/wrong.py"),
    "an alternative's line": (inject(1, "\nreturn sum([x, 0, 0])"), "alternatives/other.py"),
    "a line of the notes": (inject(1, "\nThe threshold comes from ten seeds."), "NOTES.md"),
    "an output": (output, "the outputs of cell 2"),
    "a hidden test in metadata": (metadata, "a line of a hidden test"),
    "a twin": (lambda release: (release / "ps.py").touch(), "only instructors have"),
    "a mistake": (
        lambda release: (release / "mistakes").mkdir() or (release / "mistakes" / "a").touch(),
        "instructors",
    ),
    "a renamed held-out file": (
        lambda release: (release / "data.bin").write_bytes(bytes(range(256))),
        "a copy of examiner/labels.npy",
    ),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_found(release, course, name):
    change, says = LEAKS[name]
    solution = course / "solutions" / "ps"
    assert list(leaks(release, solution)) == []
    change(release)
    assert any(says in leak.what for leak in leaks(release, solution))


def test_seeds_of_hidden_tests_are_known(course):
    assert held_out_seeds(course / "solutions" / "ps") == {SEED}


def test_a_release_is_replaced_at_once(release, course):
    """A reader sees the old notebook or the new one, and never a part of either."""
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            try:
                seen.add((release / "ps.ipynb").read_bytes())
            except FileNotFoundError:  # between the two renames
                continue

    old = (release / "ps.ipynb").read_bytes()
    reader = threading.Thread(target=read)
    reader.start()
    edit(course / "solutions" / "ps" / "ps.ipynb", lambda content: content.cells[1].update(source="New text."))
    build(course, "ps")
    stop.set()
    reader.join()
    new = (release / "ps.ipynb").read_bytes()
    assert seen <= {old, new} and json.loads(new)["cells"][1]["source"] == ["New text."]
