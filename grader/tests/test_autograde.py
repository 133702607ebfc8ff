"""Around the grading of a class: late work, copies of the gradebook, results for programs, what staff are told."""

import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import quick
import tiny
from coursegrader import sandbox
from coursegrader.board import Board, board, summary
from coursegrader.cli import app
from coursegrader.course import Course
from coursegrader.errors import BackupFailed, GradebookFailed
from coursegrader.gradebook import backup, ledger
from coursegrader.gradebook.autograde import Standing, place
from coursegrader.gradebook.export import export_marks
from coursegrader.gradebook.lines import Spool, as_line, scores_of, write_lines
from coursegrader.gradebook.record import open_gradebook, register_assignment
from coursegrader.sandbox import Availability, NoSandbox
from coursegrader.submission.hall import COLD, open_hall
from coursegrader.submission.spec import Spec
from nbgrader.plugins import BasePlugin
from rich.console import Console
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

TESTS = Path(__file__).parent
DUE = datetime(2026, 10, 30, 23, 59)
IN_TIME = f"{DUE - timedelta(hours=1):%Y-%m-%d %H:%M:%S} UTC"
LATE = f"{DUE + timedelta(hours=3):%Y-%m-%d %H:%M:%S} UTC"


@pytest.fixture(scope="module")
def new_course(tmp_path_factory):
    """A course whose gradebook knows the assignment and when it is due."""
    course = tiny.make_course(tmp_path_factory.mktemp("new"))
    register_assignment(course, Spec.load(course, tiny.PS), DUE)
    return course


@pytest.fixture
def course(new_course, tmp_path):
    shutil.copytree(new_course.root, tmp_path / "course")
    return Course.at(tmp_path / "course", tmp_path / "course" / "course")


def totals(course):
    path = course.reports / "marks.csv"
    export_marks(course, tiny.PS, path)
    rows = [line.split(",", 5) for line in path.read_text().splitlines()]
    return {row[0]: (row[2], row[5]) for row in rows if row[1] == "total"}


# -- late work ---------------------------------------------------------------------------------------------------------


class APointAnHour(BasePlugin):
    """A penalty as a teacher would configure it."""

    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late / 3600


def test_without_a_configured_penalty_late_work_costs_nothing_and_is_named(course):
    tiny.hand_in(course, "ann", tiny.submission(), LATE)
    tiny.hand_in(course, "bob", tiny.submission(), IN_TIME)
    quick.grade(course)
    assert totals(course) == {"ann": ("19", "3.0 h late"), "bob": ("19", "")}


def test_a_configured_penalty_plugin_is_used(course):
    course.config.AssignLatePenalties.plugin_class = "test_autograde.APointAnHour"
    tiny.hand_in(course, "ann", tiny.submission(), LATE)
    tiny.hand_in(course, "bob", tiny.submission(), IN_TIME)
    tiny.hand_in(course, "eve", tiny.submission(), f"{DUE + timedelta(hours=50):%Y-%m-%d %H:%M:%S} UTC")
    quick.grade(course)
    # No more is taken off than there is.
    assert totals(course) == {
        "ann": ("16", '"3.0 h late, 3 off"'),
        "bob": ("19", ""),
        "eve": ("0", '"50.0 h late, 19 off"'),
    }


def test_an_extension_counts_though_it_was_granted_after_grading(course):
    course.config.AssignLatePenalties.plugin_class = "test_autograde.APointAnHour"
    tiny.hand_in(course, "ann", tiny.submission(), LATE)
    quick.grade(course)
    with open_gradebook(course) as gradebook:
        gradebook.grant_extension(tiny.PS, "ann", hours=2)
    executor = quick.Here()
    standings, outcome = quick.grade(course, executor=executor)
    assert standings == {"ann": Standing.ALREADY} and executor.given == []
    assert totals(course) == {"ann": ("18", '"1.0 h late, 1 off"')}
    assert outcome.copy is not None, "the penalty was written, so a copy comes first"


def test_the_same_work_handed_in_again_late_is_late_and_not_examined_again(course):
    course.config.LateSubmissionPlugin.penalty_method = "zero"
    tiny.hand_in(course, "ann", tiny.submission(), IN_TIME)
    quick.grade(course)
    tiny.hand_in(course, "ann", tiny.submission(), LATE)
    assert quick.grade(course)[0] == {"ann": Standing.ALREADY}
    assert totals(course) == {"ann": ("0", '"3.0 h late, 19 off"')}


def test_an_extension_without_a_due_date_is_no_obstacle(course):
    with open_gradebook(course) as gradebook:
        gradebook.find_assignment(tiny.PS).duedate = None
        gradebook.db.commit()
    tiny.hand_in(course, "ann", tiny.submission(), LATE)
    quick.grade(course)
    with open_gradebook(course) as gradebook:
        gradebook.grant_extension(tiny.PS, "ann", hours=2)
    quick.grade(course, again=True)
    assert totals(course) == {"ann": ("19", "")}


# -- copies of the gradebook -------------------------------------------------------------------------------------------


def students_in(path):
    with closing(sqlite3.connect(path)) as gradebook:
        assert gradebook.execute("pragma integrity_check").fetchone() == ("ok",)
        return [row[0] for row in gradebook.execute("select id from student order by id")]


def test_a_dated_copy_is_made_before_each_run_that_writes(course):
    for number, name in enumerate(["ann", "bob", "eve"]):
        tiny.hand_in(course, name, tiny.submission())
        _, outcome = quick.grade(course)
        assert students_in(outcome.copy) == ["ann", "bob", "eve"][:number]
        assert outcome.copy.name.startswith(f"gradebook-{datetime.now():%Y-}")
    assert len(backup.copies(course)) == 3


def test_only_so_many_copies_are_kept(course):
    course.config.Backups.keep = 2
    made = [backup.copy_gradebook(course) for _ in range(4)]
    assert backup.copies(course) == made[2:]
    assert (
        os.listdir(course.data / "backups") == [path.name for path in made[2:]]
        or len(os.listdir(course.data / "backups")) == 2
    )


def test_a_copy_made_while_somebody_writes_is_whole(course):
    with closing(sqlite3.connect(course.data / "gradebook.db", isolation_level=None)) as writer:
        writer.execute("begin immediate")
        writer.execute("insert into student (id) values ('half')")
        assert students_in(backup.copy_gradebook(course)) == []
        writer.execute("commit")
    assert students_in(backup.copy_gradebook(course)) == ["half"]


def test_where_no_copy_can_be_made_nothing_is_written(course):
    tiny.hand_in(course, "ann", tiny.submission())
    (course.data / "backups").write_text("a file where the folder should be")
    with pytest.raises(BackupFailed, match="so nothing was written. Make room there"):
        quick.grade(course)
    assert students_in(course.data / "gradebook.db") == []


# -- the database ------------------------------------------------------------------------------------------------------


def test_the_ledgers_statements_suit_another_database():
    dialect = postgresql.dialect()
    for statement in (ledger._of(tiny.PS, [*ledger.TABLE.columns]), select(ledger.TABLE), ledger.TABLE.insert()):
        assert "coursegrader_result" in str(statement.compile(dialect=dialect))


def test_the_gradebook_may_be_kept_elsewhere(course, tmp_path):
    with (course.root / "grader" / "nbgrader_config.py").open("a") as config:
        config.write(f"c.CourseDirectory.db_url = 'sqlite:///{tmp_path}/marks/class.db'\n")
    course = Course.at(course.root, course.data)
    tiny.hand_in(course, "ann", tiny.submission())
    quick.grade(course)
    quick.grade(course, again=True)
    assert students_in(tmp_path / "marks" / "class.db") == ["ann"]
    assert students_in(backup.copies(course)[-1]) == ["ann"]


def test_a_database_server_is_not_copied(course):
    course.directory.db_url = "postgresql://host/marks"
    assert backup.sqlite_file(course) is None and backup.copy_gradebook(course) is None


@pytest.mark.parametrize("address", ["postgresql+nodriver://host/marks", "postgres://host/marks", "marks.db"])
def test_an_address_that_cannot_be_used_is_named(course, address):
    tiny.hand_in(course, "ann", tiny.submission())
    course.directory.db_url = address
    with pytest.raises(GradebookFailed, match=r"c\.CourseDirectory\.db_url, cannot be used: .* Correct the address"):
        quick.grade(course)


def test_a_server_that_does_not_answer_is_named(course, monkeypatch):
    def refuse(*_, **__):
        raise OperationalError("select 1", {}, ConnectionRefusedError("connection refused\n"))

    monkeypatch.setattr("nbgrader.api.create_engine", refuse)
    tiny.hand_in(course, "ann", tiny.submission())
    course.directory.db_url = "sqlite://"  # a database without a file, as a server's is
    with pytest.raises(GradebookFailed, match=r"\(connection refused\)\. .* see that its server runs and lets you in"):
        export_marks(course, tiny.PS, course.data / "marks.csv")


def test_a_gradebook_that_somebody_holds_is_named(course, monkeypatch):
    monkeypatch.setattr("nbgrader.api.create_engine", partial(impatient, __import__("sqlalchemy").create_engine))
    tiny.hand_in(course, "ann", tiny.submission())
    with closing(sqlite3.connect(course.data / "gradebook.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(GradebookFailed, match=r"\(database is locked\)\. Close what else .* goes on from here"):
            quick.grade(course)
        other.execute("rollback")
    assert quick.grade(course)[0] == {"ann": Standing.GRADED}


def impatient(real, *arguments, **options):
    return real(*arguments, **options, connect_args={"timeout": 0.1})


def test_a_damaged_gradebook_is_named_with_its_copies(course):
    tiny.hand_in(course, "ann", tiny.submission())
    (course.data / "gradebook.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(GradebookFailed, match=r"damaged \(file is not a database\): put the newest copy of .*backups"):
        quick.grade(course)


# -- results for programs ----------------------------------------------------------------------------------------------

KEYS = [
    "format",
    "assignment",
    "student",
    "status",
    "reason",
    "total",
    "max_points",
    "seconds",
    "peak_memory",
    "sandbox",
    "forgeable",
    "flags",
    "notes",
    "cells",
]
CELL_KEYS = ["cell", "points", "max_points", "status", "reason", "seconds", "staff"]


def test_each_submission_is_a_line_with_the_documented_keys(course):
    for name, notebook in {"zoe": tiny.submission(), "bad": b"{", "a b": tiny.submission()}.items():
        tiny.hand_in(course, name, notebook)
    quick.grade(course)
    lines = [json.loads(line) for line in (course.results / f"{tiny.PS}.jsonl").read_text().splitlines()]
    # A student whom nbgrader cannot know has no place in the gradebook, but is not dropped.
    assert [line["student"] for line in lines] == ["bad", "zoe", "a b"]
    for line in lines:
        assert [*line] == KEYS and all([*cell] == CELL_KEYS for cell in line["cells"])
    bad, zoe, nameless = lines
    assert (zoe["format"], zoe["assignment"], zoe["total"], zoe["max_points"]) == (1, tiny.PS, 19, 20)
    assert (zoe["status"], zoe["sandbox"], zoe["seconds"], zoe["peak_memory"]) == ("needs_manual", "unsafe", 0.5, 2**20)
    assert [cell["points"] for cell in zoe["cells"]] == [10, 4, None, 5]
    assert bad["status"] == "failed" and "not JSON" in bad["reason"] and bad["total"] == 0
    assert "rename the folder" in nameless["reason"]


def test_the_readme_tells_every_key():
    text = (TESTS.parent / "README.md").read_text()
    table = text.split("## Results a machine can read")[1].split("\n## ")[0]
    assert [key for key in KEYS + CELL_KEYS if f"`{key}`" not in table] == []


def test_what_students_wrote_can_be_written_and_shown(tmp_path):
    spec = tiny.spec()
    result = quick.result(tiny.to_bytes(tiny.submission()), spec)
    line = as_line(tiny.PS, "ann", result.__class__(**vars(result) | {"notes": ("\x1b[2J\ud800 é\n", "\x00")}))
    assert line["notes"] == ["�[2J� é\n", "�"]
    write_lines(tmp_path / "a.jsonl", [line])
    assert json.loads((tmp_path / "a.jsonl").read_text()) == line
    assert scores_of(line) == result.scores


def test_a_spool_gives_lines_in_the_students_order():
    with Spool() as spool:
        for student, total in (("zoe", 1), ("ann", 2), ("zoe", 3)):
            spool.add({"student": student, "total": total})
        assert [(line["student"], line["total"]) for line in spool] == [("ann", 2), ("zoe", 3)]


# -- what staff are told -----------------------------------------------------------------------------------------------


@pytest.fixture
def shown():
    return Console(file=io.StringIO(), width=200, highlight=False)


def text(console):
    return " ".join(console.file.getvalue().split())


def test_the_board_counts_and_says_how_long_it_takes(shown, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("coursegrader.board.time.monotonic", lambda: now[0])
    with board(shown, "Grading") as seen:
        assert isinstance(seen, Board)
        tell = seen.watch(10)
        for _ in range(4):
            tell("old", Standing.ALREADY)
        for standing in (Standing.GRADED, Standing.FAILED, Standing.LOOK):
            now[0] += 10
            tell("new", standing)
    said = text(shown)
    assert "7/10" in said and "6/min" in said and "0:00:30 left" in said
    assert "1 graded, 1 failed, 1 to look at, 4 already graded" in said


def test_a_board_that_watches_nothing_shows_nothing(shown):
    with board(shown, "Grading", "Sandbox: landlock"):
        pass
    assert shown.file.getvalue() == ""
    with board(shown, "Grading", "Sandbox: landlock") as seen:
        seen.watch(1)
    assert "Sandbox: landlock" in shown.file.getvalue()


def test_on_eighty_columns_the_time_is_whole():
    narrow = Console(file=io.StringIO(), width=80, highlight=False)
    with board(narrow, "Grading") as seen:
        tell = seen.watch(200)
        for standing in (*Standing, Standing.GRADED):
            tell("ann", standing)
    bar, *rest = narrow.file.getvalue().splitlines()
    assert re.search(r"6/200 0:00:\d\d +\d:\d\d:\d\d left 2 graded", bar), bar
    assert not "".join(rest).strip()


def line(student, status, reason="", total=3.0):
    cells = [{"cell": "test_a", "status": status, "reason": f"cell: {reason}"}]
    return {"student": student, "status": status, "reason": reason, "total": total, "cells": cells}


def test_the_summary_names_a_remedy_for_each_status(shown):
    lines = [
        line("ann", "graded"),
        line("bob", "failed", "the file is empty (ask for it again)"),
        line("cid", "not_run", "the kernel died"),
        line("dan", "flagged"),
        line("eve", "needs_manual"),
    ]
    assert summary(shown, tiny.PS, lines)
    said = text(shown)
    assert "ann" not in said and "eve" not in said
    for words in ("ask for it again", "--again --student NAME", "a person should decide", f"autograde {tiny.PS}"):
        assert words in said
    assert "cell: " in said, "where the total says nothing, its cells do"


def test_nobody_to_look_at_is_no_summary(shown):
    assert not summary(shown, tiny.PS, [line("ann", "graded"), line("eve", "needs_manual"), line("bob", "blank")])
    assert shown.file.getvalue() == ""


def test_a_long_summary_is_cut(shown):
    summary(shown, tiny.PS, [line(f"s{number}", "failed", "why") for number in range(60)])
    assert "and 20 more" in text(shown)


# -- the sandbox -------------------------------------------------------------------------------------------------------


def no_level(*, but=()):
    return tuple(Availability(one, one in but, "not here; install it") for one in ("namespaces", "landlock"))


@pytest.fixture
def machine(monkeypatch):
    """Makes this machine one that offers only the given levels."""

    def offers(*levels):
        for where in ("coursegrader.sandbox.levels.available", "coursegrader.gradebook.autograde.available"):
            monkeypatch.setattr(where, lambda: no_level(but=levels))

    return offers


def test_no_sandbox_is_refused_with_the_remedy(course, machine):
    machine()
    with pytest.raises(NoSandbox) as raised:
        place(course)
    said = str(raised.value)
    assert "namespaces: not here; install it" in said and "--unsafe-no-sandbox" in said


def test_a_weaker_sandbox_than_marks_need_must_be_asked_for(course, machine):
    machine("landlock")
    with pytest.raises(
        NoSandbox, match="This machine has --level landlock; `coursegrader doctor` says what that keeps"
    ):
        place(course)
    assert place(course, "landlock")[0] == "landlock"
    assert place(course, marks=False)[0] == "landlock"
    course.config.Exam.level = "landlock"
    assert place(course)[0] == "landlock"


def test_no_sandbox_by_name(course, machine):
    machine()
    assert place(course, unsafe=True)[0] == "unsafe"


@pytest.mark.parametrize("command", [["autograde", tiny.PS], ["grade", "course/submitted", "-a", tiny.PS], ["demo"]])
def test_the_commands_refuse_without_a_sandbox(course, machine, monkeypatch, command):
    machine()
    monkeypatch.chdir(course.root)
    tiny.hand_in(course, "ann", tiny.submission())
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 1 and "Error: " in result.stderr and "--unsafe-no-sandbox" in result.stderr
    assert not (course.data / "results").exists() and not (course.data / "demo").exists()


@pytest.fixture
def options(monkeypatch):
    """How the commands grade here: in whatever sandbox there is, with kernels that have not imported TensorFlow."""
    light = partial(open_hall, preload=("numpy",))
    monkeypatch.setattr("coursegrader.gradebook.autograde.open_hall", light)
    levels = [one.level for one in sandbox.available() if one.ok]
    return ["--level", levels[0]] if levels else ["--unsafe-no-sandbox"]


def test_the_command_says_what_was_done_and_its_status_says_whether_to_look(course, monkeypatch, options):
    monkeypatch.chdir(course.root)
    tiny.hand_in(course, "ann", tiny.submission())
    run = partial(CliRunner().invoke, app, catch_exceptions=False)
    done = run(["autograde", tiny.PS, *options])
    assert done.exit_code == 0, done.output
    assert "1 graded. Results: course/results/ps0_tiny.jsonl" in done.output and "Sandbox: " in done.output
    tiny.hand_in(course, "bad", b"{")
    done = run(["autograde", tiny.PS, *options])
    assert done.exit_code == 3 and "1 failed, 1 already graded" in done.output
    # Whoever needed a look before still does.
    done = run(["autograde", tiny.PS, *options])
    assert done.exit_code == 3 and "2 already graded." in done.output and "Who needs a look" in done.output
    done = run(["autograde", tiny.PS, "--only", "test_half", *options])
    assert done.exit_code == 3 and "1 graded, 1 left out" in done.output
    assert "bad was left out: it could not be graded" in done.output
    done = run(["autograde", tiny.PS, "--only", "nothing", *options])
    assert done.exit_code == 1 and "its tests are: test_square" in done.stderr
    done = run(["autograde", tiny.PS, "--student", "nobody", *options])
    assert done.exit_code == 1 and "holds nothing of ps0_tiny by nobody" in done.stderr
    done = run(["grade", "course/submitted", "-a", tiny.PS, "--out", "g.csv", "--json", "g.jsonl", *options])
    assert done.exit_code == 3
    lines = [json.loads(line) for line in (course.root / "g.jsonl").read_text().splitlines()]
    assert [one["student"] for one in lines] == ["ann", "bad"] and lines[0]["total"] == 19
    assert "ann,total,19,20,needs_manual" in (course.root / "g.csv").read_text()


@pytest.mark.parametrize("command", [["autograde", tiny.PS], ["grade", "course/submitted", "-a", tiny.PS]])
def test_the_commands_say_why_kernels_start_cold(course, monkeypatch, command):
    cold = replace(COLD, message="kernels start cold: importing it started 3 threads")
    monkeypatch.setattr("coursegrader.gradebook.autograde.open_hall", lambda **_: nullcontext(cold))
    monkeypatch.chdir(course.root)
    tiny.hand_in(course, "bad", b"{")
    done = CliRunner().invoke(app, [*command, "--unsafe-no-sandbox"], catch_exceptions=False)
    assert done.exit_code == 3 and "Note: kernels start cold: importing it started 3 threads" in done.output


# -- memory ------------------------------------------------------------------------------------------------------------

GRADES = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import quick
from coursegrader.course import Course
quick.grade(Course.at(Path({root!r}), Path({data!r})))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def test_the_coordinators_memory_does_not_grow_with_the_class(course):
    """Submissions of 1 MB each: kept, a class of 84 would need 60 MB more than one of 24."""
    notebook = tiny.submission(shout=f"{tiny.ANSWERS['shout']}\n# {'x' * 2**20}")
    peaks = []
    for number in (24, 84):
        for student in range(number):
            tiny.hand_in(course, f"s{student}", notebook)
        script = GRADES.format(tests=str(TESTS), root=str(course.root), data=str(course.data))
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        peaks.append(float(done.stdout))
    assert peaks[1] - peaks[0] < 15, peaks
