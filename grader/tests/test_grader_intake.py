"""Intake: every bad input is refused with a reason and a remedy, and nothing else is."""

import json
import os

import pytest
import tiny
from coursegrader.errors import NothingSubmitted, Refused
from coursegrader.submission.intake import find_submissions, take

SPEC = tiny.spec()


def refused(data: bytes) -> str:
    with pytest.raises(Refused) as raised:
        take(data, SPEC)
    assert raised.value.remedy
    # Students read neither what staff can do about it, nor of themselves in the third person.
    assert raised.value.advice != raised.value.remedy and "the student" not in raised.value.to_student
    return raised.value.reason


def changed(**entries) -> bytes:
    return json.dumps(json.loads(tiny.to_bytes(tiny.submission())) | entries).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"nbformat": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "not a notebook"),
        (b'"text"', "not a notebook"),
        (b"{}", "not a notebook"),
        (changed(nbformat=5), "newer"),
        (changed(nbformat=10**4000), "format 10000000000000000000 is newer"),
        (changed(nbformat=True), "old format"),
        (changed(nbformat=-(10**4000)), "old format -1000000000000000000 cannot"),
        (b'{"nbformat": 3, "worksheets": 7}', "old format"),
        (changed(cells="none"), "no cells"),
        (changed(cells=[]), "another notebook"),
        (changed(cells=[{"cell_type": "code", "source": "2 + 2", "metadata": {}}]), "another notebook"),
        (changed(cells=[3]), "cell 1 of the notebook is damaged"),
        (changed(cells=[{"cell_type": "song", "source": ""}]), "damaged"),
        (changed(cells=[{"cell_type": "code", "source": {"a": 1}}]), "damaged"),
        (changed(cells=[{"cell_type": "code", "source": ["a", 1]}]), "damaged"),
        (changed(cells=[{"cell_type": "code", "source": ""}] * 3000), "3000 cells"),
        (changed(padding=" " * (SPEC.limits.notebook + 1)), "MB large"),
    ],
)
def test_refuses_what_is_no_submission(data, reason):
    assert reason in refused(data)


@pytest.mark.parametrize("levels", [100, 400, 900])
def test_json_nested_as_deep_as_it_can_be_read_does_no_harm(levels):
    def deep(entry: str) -> bytes:
        # Written by hand: the encoder gives up before the decoder does.
        return entry.replace('"DEEP"', "[" * levels + "]" * levels).encode()

    content = json.loads(tiny.to_bytes(tiny.submission()))
    content["metadata"]["kernelspec"]["name"] = "DEEP"
    content["cells"][2]["outputs"] = "DEEP"
    content["cells"].append(
        {"cell_type": "markdown", "source": "", "attachments": "DEEP", "metadata": {"nbgrader": {"grade_id": "DEEP"}}}
    )
    taken = take(deep(json.dumps(content)), SPEC)
    assert len(taken.notebook.cells) == len(content["cells"]) and taken.notebook.cells[-1].metadata == {}
    assert "no kernel" in taken.notes[0]


def test_text_that_no_file_can_hold_is_replaced_everywhere():
    notebook = tiny.submission(why="see \ud800")
    notebook.cells[6]["attachments"] = {"\ud800.png": {"image/\udfff": "\ud800"}}
    notebook.cells[6].metadata["nbgrader"]["grade_id"] = "why"
    taken = take(tiny.to_bytes(notebook), SPEC).notebook
    assert "ud800" not in ascii(taken) and "udfff" not in ascii(taken)
    assert list(taken.cells[6].attachments) == ["\ufffd.png"]


@pytest.mark.parametrize(
    "metadata", [{"nbgrader": 3}, {"nbgrader": {"grade_id": ["square"]}}, {"nbgrader": {}}, None, [], {"tags": "x"}]
)
def test_odd_metadata_of_a_cell_does_no_harm(metadata):
    content = json.loads(tiny.to_bytes(tiny.submission()))
    content["cells"].append({"cell_type": "code", "source": "1", "metadata": metadata})
    assert len(take(json.dumps(content).encode(), SPEC).notebook.cells) == len(content["cells"])


def test_takes_a_notebook_and_says_nothing_about_it():
    taken = take(tiny.to_bytes(tiny.submission()), SPEC)
    assert taken.notes == ()
    assert taken.notebook.cells[2].source == tiny.ANSWERS["square"]


def test_another_kernel_is_noted():
    notebook = tiny.submission()
    notebook.metadata["kernelspec"] = {"name": "julia-1.9", "display_name": "Julia", "language": "julia"}
    (note,) = take(tiny.to_bytes(notebook), SPEC).notes
    assert "course's kernel" in note and "julia-1.9" in note


def test_a_byte_order_mark_and_lone_surrogates_are_read():
    notebook = tiny.submission(square="def square(x):\n    return x * x  # \ud800")
    taken = take(b"\xef\xbb\xbf" + tiny.to_bytes(notebook), SPEC)
    assert b"return x * x" in taken.notebook.cells[2].source.encode("utf-8")


def test_a_notebook_of_format_3_is_upgraded():
    cell = {"cell_type": "code", "input": "x", "metadata": {"nbgrader": {"grade_id": "square"}}, "outputs": []}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [cell], "metadata": {}}]}
    assert take(json.dumps(old).encode(), SPEC).notebook.cells[0].source == "x"


@pytest.fixture
def course(tmp_path):
    return tiny.make_course(tmp_path)


def found(course):
    return {one.student: one for one in find_submissions(course.submitted, SPEC)}


def test_an_empty_or_missing_class_is_an_error(course):
    with pytest.raises(NothingSubmitted, match="no folder"):
        found(course)
    (course.submitted / "ann").mkdir(parents=True)
    with pytest.raises(NothingSubmitted, match="folder of the class"):
        found(course)
    (course.submitted / "ann" / "another").mkdir()
    with pytest.raises(NothingSubmitted, match="is one of another meant"):
        found(course)


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("ann.ipynb", r"put each student's notebook \(ann\.ipynb\) into a folder STUDENT/ps0_tiny/ of its own"),
        ("ann/ps0_tiny.ipynb", r"\(ann/ps0_tiny\.ipynb\) into a folder STUDENT/ps0_tiny/"),
        ("class/ann/ps0_tiny/ps0_tiny.ipynb", r"one folder deeper, so name \S*/submitted/class instead"),
        ("ps0_tiny/ps0_tiny.ipynb", r"one student's folder, so name the one above it: \S*/course\."),
    ],
)
def test_another_layout_is_told_the_right_one(course, path, advice):
    notebook = course.submitted / path
    notebook.parent.mkdir(parents=True)
    notebook.write_bytes(tiny.to_bytes(tiny.submission()))
    with pytest.raises(NothingSubmitted, match=r"STUDENT/ps0_tiny/\*\.ipynb is looked for.*" + advice):
        found(course)


def test_finds_each_students_notebook_with_files_and_time(course):
    path = tiny.hand_in(course, "ann", tiny.submission(), "2026-10-30 10:00:00 UTC")
    (path.parent / "mine").mkdir()
    (path.parent / "mine" / "helper.txt").write_text("hi")
    (path.parent / ".ipynb_checkpoints").mkdir()
    (path.parent / ".ipynb_checkpoints" / "old.ipynb").write_text("{}")
    (course.submitted / "truth.csv").write_text("a file beside the students")
    ann = found(course)["ann"]
    assert ann.refusal is None and ann.notes == ()
    assert ann.files == {"mine/helper.txt": b"hi"}
    assert ann.timestamp == "2026-10-30 10:00:00 UTC"


def test_a_notebook_of_another_name_counts_when_it_is_the_only_one(course):
    path = tiny.hand_in(course, "ann", tiny.submission())
    path.rename(path.with_name("my solution (2).ipynb"))
    ann = found(course)["ann"]
    assert ann.refusal is None and "my solution (2).ipynb" in ann.notes[0]


def test_of_several_notebooks_the_named_one_counts(course):
    path = tiny.hand_in(course, "ann", tiny.submission())
    path.with_name("draft.ipynb").write_text("{}")
    ann = found(course)["ann"]
    assert ann.refusal is None and "draft.ipynb" in ann.notes[0]
    path.rename(path.with_name("final.ipynb"))
    assert "none is called" in found(course)["ann"].refusal.reason


def test_links_and_odd_names_are_refused(course, tmp_path):
    honest = tiny.hand_in(course, "ann", tiny.submission())
    (tmp_path / "secret.txt").write_text("secret")
    honest.with_name("peek.txt").symlink_to(tmp_path / "secret.txt")
    honest.with_name("peeks").symlink_to(tmp_path)
    (course.submitted / "bob" / tiny.PS).mkdir(parents=True)
    (course.submitted / "bob" / tiny.PS / f"{tiny.PS}.ipynb").symlink_to(honest)
    (course.submitted / "cid").symlink_to(course.submitted / "ann")
    (course.submitted / "dan" / tiny.PS).mkdir(parents=True)
    (course.submitted / "eve").mkdir()
    (course.submitted / "eve" / tiny.PS).write_text("a file")
    tiny.hand_in(course, "=cmd()", tiny.submission())
    tiny.hand_in(course, "*", tiny.submission())
    tiny.hand_in(course, "\u202etxt\x1b[2J\n", tiny.submission())
    reasons = {name: one.refusal and one.refusal.reason for name, one in found(course).items()}
    assert reasons == {
        "*": "the student's folder has a name that nbgrader cannot use",
        # Neither a formula for a spreadsheet, nor anything that moves a cursor or turns the direction of writing.
        "'=cmd()'": "the student's folder has a name that nbgrader cannot use",
        "'\\u202etxt\\x1b[2J\\n'": "the student's folder has a name that nbgrader cannot use",
        "ann": None,
        "bob": "the notebook is a link or no plain file",
        "cid": "the submission's folder is a link",
        "dan": "no notebook in the submission",
        "eve": "the submission is a file where a folder should be",
    }
    assert found(course)["ann"].files == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(course):
    tiny.hand_in(course, "ann", tiny.submission()).chmod(0)
    assert "cannot be read" in found(course)["ann"].refusal.reason


def test_too_many_files_are_left_out_and_noted(course):
    path = tiny.hand_in(course, "ann", tiny.submission())
    for number in range(300):
        path.with_name(f"{number}.txt").touch()
    ann = found(course)["ann"]
    assert ann.files == {} and "left out" in ann.notes[0]


def test_a_folder_with_a_million_files_is_refused_after_a_few(course, monkeypatch):
    path = tiny.hand_in(course, "ann", tiny.submission())
    monkeypatch.setattr("coursegrader.submission.intake.MAX_ENTRIES", 50)
    (path.parent / "deep").mkdir()
    for number in range(60):
        (path.parent / "deep" / f".{number}").touch()
    refusal = found(course)["ann"].refusal
    assert "more than 50 files" in refusal.reason and refusal.remedy


def test_folders_nested_deeper_than_python_recurses(course, monkeypatch):
    monkeypatch.chdir(tiny.hand_in(course, "ann", tiny.submission()).parent)
    levels = 1200
    for _ in range(levels):
        os.mkdir("d")
        os.chdir("d")
    try:
        assert found(course)["ann"].refusal is None
    finally:
        for _ in range(levels):
            os.chdir("..")
            os.rmdir("d")


def test_names_that_are_no_text_reach_no_report(course):
    path = tiny.hand_in(course, "ann", tiny.submission())
    odd = os.fsencode(path.parent) + b"/\xff"
    for name in (odd + b".txt", odd + b".ipynb"):
        with open(name, "w") as file:
            file.write("text")
    os.mkdir(os.fsencode(course.submitted) + b"/bob\xff")
    os.mkdir(os.fsencode(course.submitted) + b"/bob\xff/" + tiny.PS.encode())
    everyone = found(course)
    ann = everyone["ann"]
    assert ann.files == {} and len(ann.notes) == 2
    assert "a name that nbgrader cannot use" in everyone["bob\ufffd"].refusal.reason
    for one in everyone.values():
        "".join((one.student, *one.notes, *one.files)).encode()


def test_a_link_to_nowhere_is_refused_and_not_skipped(course):
    tiny.hand_in(course, "ann", tiny.submission())
    (course.submitted / "bob").mkdir()
    (course.submitted / "bob" / tiny.PS).symlink_to("nowhere")
    assert "is a link" in found(course)["bob"].refusal.reason


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_student_is_refused_and_stops_nobody(course):
    tiny.hand_in(course, "ann", tiny.submission())
    locked = tiny.hand_in(course, "bob", tiny.submission()).parent.parent
    locked.chmod(0)
    try:
        everyone = found(course)
    finally:
        locked.chmod(0o700)
    assert everyone["ann"].refusal is None and "cannot be read" in everyone["bob"].refusal.reason
