"""The command `coursegrader`: what staff and students call."""

from __future__ import annotations

import csv
import errno
import json
import logging
import os
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from coursegrader.course import Course
from coursegrader.errors import CourseError, NothingSubmitted
from coursegrader.gradebook.table import number
from coursegrader.notebooks import NotebookError

if TYPE_CHECKING:
    from coursegrader.gradebook.autograde import Order
    from coursegrader.submission.spec import Spec

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Builds, releases and grades the course's assignments.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console(highlight=False)

# What a person can mend; any other error of the system is the program's, and is shown whole.
FULL = (errno.ENOSPC, errno.EDQUOT)
NOT_YOURS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR)


def _named(assignment: str | None) -> str | None:
    """The name of an assignment that may be given as a folder, with the slash that a shell puts behind it."""
    return assignment.rstrip("/") if assignment else assignment


def _time(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: write it as 2026-10-30T23:59:00, in UTC.") from None
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when


Assignment = Annotated[
    str,
    typer.Argument(metavar="PS", help="The assignment's folder in solutions/, as ps1_cnn.", callback=_named),
]
Workers = Annotated[
    int | None, typer.Option("--workers", "-w", min=1, help="Submissions side by side.", show_default="cores")
]


class Sandbox(StrEnum):
    """The levels that `--level` takes."""

    NAMESPACES = "namespaces"
    LANDLOCK = "landlock"


Level = Annotated[
    Sandbox | None,
    typer.Option("--level", help="The sandbox to grade in.", show_default="c.Exam.level of the configuration"),
]
Unsafe = Annotated[
    bool, typer.Option("--unsafe-no-sandbox", help="Grade without a sandbox: only what you would run yourself.")
]


class Exit(IntEnum):
    """What the command's exit status says."""

    DONE = 0
    REFUSED = 1
    LOOK = 3


def _plainly(command: Callable) -> Callable:
    """Shows errors that a person can act on as one sentence, without a traceback."""

    @wraps(command)
    def wrapped(*arguments: object, **options: object) -> None:
        logging.getLogger("coursegrader").addHandler(logging.NullHandler())
        logging.getLogger("coursegrader").propagate = False
        _put_own_programs_first()
        try:
            command(*arguments, **options)
        except (CourseError, NotebookError) as error:
            _refuse(str(error))
        except OSError as error:
            if error.errno not in FULL and not (error.errno in NOT_YOURS and error.filename):
                raise
            _refuse(_in_words(error))

    return wrapped


def _put_own_programs_first() -> None:
    """nbgrader calls alembic by its name, which is not found where `.venv/bin/coursegrader` is called as it is."""
    own = sysconfig.get_path("scripts")
    if own not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join(filter(None, (own, os.environ.get("PATH"))))


def _refuse(message: str) -> NoReturn:
    Console(stderr=True, highlight=False).print(f"[red]Error:[/] {escape(message)}", soft_wrap=True)
    raise typer.Exit(Exit.REFUSED) from None


def _in_words(error: OSError) -> str:
    """What the system refused, and what to do about it."""
    if error.errno in FULL:
        where = f" for {error.filename}" if error.filename else ""
        return f"No room is left on the disk{where}: free some and run the same command again."
    return (
        f"{error.filename} cannot be read or written ({error.strerror}): see that it is there and yours to write, or"
        " name another place, and run the same command again."
    )


@app.command()
@_plainly
def build(
    assignments: Annotated[list[str] | None, typer.Argument(metavar="[PS]...", help="Default: all of them.")] = None,
) -> None:
    """Makes assignments/PS, what students get, from solutions/PS."""
    from coursegrader.authoring.build import build as build_release

    course = Course.find()
    for name in map(_named, assignments or course.names()):
        console.print(f"Built {_shown(build_release(course.root, name))}")


@app.command()
@_plainly
def release(
    assignment: Assignment,
    due: Annotated[
        datetime | None,
        typer.Option(metavar="TIME", parser=_time, help="When it is due, as 2026-10-30T23:59:00 (UTC)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is on the exchange.")] = False,
) -> None:
    """Builds an assignment and puts it on the exchange, where students fetch it."""
    from coursegrader.authoring.release import release as release_assignment

    console.print(f"Released to {_shown(release_assignment(Course.find(), assignment, due=due, force=force))}")


@app.command()
@_plainly
def autograde(
    assignment: Assignment,
    workers: Workers = None,
    again: Annotated[bool, typer.Option("--again", help="Grade what is graded already, too.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="CELL", help="Grade this test again and leave all other marks. Repeatable."),
    ] = None,
    student: Annotated[
        list[str] | None, typer.Option("--student", metavar="NAME", help="Only this student's. Repeatable.")
    ] = None,
    level: Level = None,
    unsafe: Unsafe = False,
) -> None:
    """Grades what was collected and is not graded yet, and records it in the gradebook."""
    from coursegrader.gradebook.autograde import Order, place
    from coursegrader.submission.spec import Spec

    course = Course.find()
    order = Order(again, tuple(only or ()), tuple(student or ()))
    raise typer.Exit(_autograde(course, Spec.load(course, assignment), order, place(course, level, unsafe), workers))


@app.command()
@_plainly
def feedback(
    assignment: Assignment,
    show_hidden: Annotated[bool, typer.Option("--show-hidden", help="Show hidden tests and their errors.")] = False,
) -> None:
    """Writes a page for each graded student."""
    course = Course.find()
    course.source(assignment)
    raise typer.Exit(_feedback(course, assignment, show_hidden))


@app.command()
@_plainly
def report(assignment: Assignment) -> None:
    """Writes a page on how the class did."""
    from coursegrader.pages.report import write_report

    course = Course.find()
    course.source(assignment)
    console.print(f"The class's page: {_shown(write_report(course, assignment))}")


@app.command()
@_plainly
def export(
    assignment: Assignment,
    to: Annotated[Path | None, typer.Option(help="The file to write.", show_default="reports/PS.csv")] = None,
) -> None:
    """Writes the gradebook's marks, a cell a row."""
    course = Course.find()
    course.source(assignment)
    console.print(f"Marks: {_shown(_export(course, assignment, to or course.reports / f'{assignment}.csv'))}")


@app.command()
@_plainly
def grade(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Laid out as STUDENT/PS/*.ipynb.")],
    assignment: Annotated[
        str | None,
        typer.Option(
            "--assignment",
            "-a",
            metavar="PS",
            help="The assignment.",
            show_default="the solution's name",
            callback=_named,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The table to write.")] = Path("grades.csv"),
    solution: Annotated[
        Path | None, typer.Option(metavar="PATH.ipynb", help="Any nbgrader course's solution, with its files beside.")
    ] = None,
    tests_inside: Annotated[
        bool, typer.Option("--tests-inside", help="With --solution: tests run beside the student's code; forgeable.")
    ] = False,
    to_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write JSON lines, a submission a line.")
    ] = None,
    workers: Workers = None,
    level: Level = None,
    unsafe: Unsafe = False,
) -> None:
    """Grades a folder of submissions into a table, without a gradebook."""
    from coursegrader.board import board, summary
    from coursegrader.gradebook.autograde import Chosen, place, standing
    from coursegrader.gradebook.lines import Spool, as_line, scores_of, total_of, write_lines
    from coursegrader.gradebook.table import row, write_table
    from coursegrader.sandbox import NAMESPACES
    from coursegrader.submission.foreign import check_fits, load
    from coursegrader.submission.grade import grade_class
    from coursegrader.submission.hall import told
    from coursegrader.submission.spec import Spec

    if solution is None and (assignment is None or tests_inside):
        raise typer.BadParameter("Say which assignment with -a PS, or with --solution PATH.ipynb one of any course.")
    if solution is None:
        course = Course.find()
        spec = Spec.load(course, assignment)
        level, opening = place(course, level, unsafe)
    else:
        spec = load(solution, assignment, tests_inside=tests_inside)
        assignment = spec.assignment
        # No course says what marks need: the safest that there is.
        level, opening = place(None, level or NAMESPACES, unsafe)
    submissions = Chosen(folder, spec)
    # Before the class is graded, which takes long.
    for table in filter(None, (out, to_json)):
        _check_writable(table)
    console.print(f"Sandbox: {level}")
    with Spool() as spool, told(opening, _note, spec) as hall:
        if solution is not None:
            with console.status("Examining the solution itself ..."):
                check_fits(spec, hall)
        if tests_inside:
            console.print("Tests run beside the students' code: [bold]every result can be forged[/] and is marked so.")
        with board(console, "Grading") as shown:
            tell = shown.watch(len(submissions))
            for submission, result in grade_class(submissions, spec, workers, hall=hall):
                spool.add(as_line(assignment, submission.student, result))
                tell(submission.student, standing(result))
        scores = ((line["student"], (*scores_of(line), total_of(line))) for line in spool)
        write_table(out, (row(student, one) for student, of_student in scores for one in of_student))
        if to_json:
            write_lines(to_json, spool)
        console.print(f"Marks: {_shown(out)}" + (f", {_shown(to_json)}" if to_json else ""))
        raise typer.Exit(Exit.LOOK if summary(console, assignment, spool) else Exit.DONE)


@app.command()
@_plainly
def check(notebook: Annotated[Path, typer.Argument(metavar="NOTEBOOK", help="Your notebook.")]) -> None:
    """For students: runs the public checks in a fresh kernel, as grading starts."""
    from coursegrader.selfcheck import Outcome, check_notebook

    with console.status(f"Running {escape(notebook.name)} from the first cell to the last ..."):
        found = check_notebook(notebook)
    colours = {Outcome.PASSES: "green", Outcome.FAILS: "red", Outcome.TO_DO: "yellow", Outcome.BY_HAND: "cyan"}
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for task in found.tasks:
        words = task.message or ("" if task.outcome is Outcome.PASSES else task.checks)
        table.add_row(
            f"[{colours[task.outcome]}]{task.outcome}[/]", escape(task.cell), f"{number(task.points)} p", escape(words)
        )
    console.print(table)
    for remark in found.remarks:
        console.print(f"[yellow]Note:[/] {escape(remark)}", soft_wrap=True)
    tests = [task for task in found.tasks if not task.by_hand]
    passed = [task for task in tests if task.outcome is Outcome.PASSES]
    console.print(
        f"{len(passed)} of {len(tests)} tests pass, worth {number(sum(task.points for task in passed))} points."
    )
    if found.passes:
        console.print("All public checks pass. Grading runs hidden ones too, on other inputs.")
    raise typer.Exit(Exit.DONE if found.passes else Exit.REFUSED)


@app.command("sample-class")
@_plainly
def sample_class(
    assignment: Assignment,
    students: Annotated[int, typer.Option(min=1, help="How many.")] = 12,
    out: Annotated[Path, typer.Option(help="A new folder.")] = Path("class"),
    seed: Annotated[int, typer.Option(help="The same seed gives the same class.")] = 0,
    trainers: Annotated[int | None, typer.Option(min=0, help="How many train a model.", show_default="all")] = None,
) -> None:
    """Makes up a class whose true scores are known, to try the grader on."""
    from coursegrader.sample.sample_class import make_class, write_class

    course = Course.find()
    write_class(make_class(course, assignment, students, seed=seed, trainers=trainers), assignment, out)
    console.print(f"{students} submissions in {_shown(out)}, their true scores in {_shown(out / 'truth.csv')}")


@app.command()
@_plainly
def demo(
    assignment: Annotated[str, typer.Argument(metavar="[PS]", callback=_named)] = "ps1_cnn",
    seed: Annotated[int, typer.Option(help="The same seed gives the same class.")] = 0,
    workers: Workers = None,
    level: Level = None,
    unsafe: Unsafe = False,
) -> None:
    """Takes a small class all the way, in course/demo, and holds its scores against the true ones."""
    from coursegrader.authoring.release import import_students, release
    from coursegrader.gradebook.autograde import place
    from coursegrader.pages.report import write_report
    from coursegrader.sample import demo as steps
    from coursegrader.sample.sample_class import DUE
    from coursegrader.sandbox import UNSAFE

    started = time.monotonic()
    where = place(Course.find(), level, unsafe, marks=False)
    # Before the last demonstration's folder is emptied.
    Course.find().source(assignment)
    course = steps.demo_course(Course.find())
    _step("Release", f"from solutions/{assignment} to assignments/{assignment} and the exchange")
    release(course, assignment, due=DUE)
    _step("Submit", f"a class of {steps.STUDENTS} hands in, {steps.TRAINERS} of them with a trained model")
    made = steps.sample(course, assignment, seed, forgers=where[0] != UNSAFE)
    forged = steps.forged(made / "truth.csv")
    if not_tried := _not_tried(where[0]):
        console.print(not_tried, soft_wrap=True)
    if forged:
        console.print(f"{len(forged)} of them are forgers: the class's page shows what they tried and gained.")
    else:
        console.print("The forgers are left out: what they do belongs into a sandbox.")
    import_students(course, made / "students.csv")
    _step("Grade", "every notebook in a kernel of its own")
    _autograde(course, steps.demo_spec(course, assignment), None, where, workers)
    _step("Feedback", "a page for each student")
    _feedback(course, assignment, show_hidden=False)
    _step("Report and export", "the class's page and its marks")
    page = write_report(course, assignment, forged)
    marks = _export(course, assignment, course.reports / f"{assignment}.csv")
    differences = _compare(steps, marks, made / "truth.csv")
    console.print("\nLook at")
    student = next(name for name, kind in steps.kinds(made / "truth.csv").items() if kind.startswith("mistake"))
    for what, path in (
        ("the class", page),
        ("one student's feedback", course.feedback / student / assignment / f"{assignment}.html"),
        ("the marks", marks),
        ("the gradebook", course.data / "gradebook.db"),
    ):
        console.print(f"  {what}: {_shown(path)}", soft_wrap=True)
    console.print(f"Done in {time.monotonic() - started:.0f} s.")
    raise typer.Exit(Exit.LOOK if differences else Exit.DONE)


@app.command()
@_plainly
def doctor() -> None:
    """Says what this machine has and lacks, with remedies."""
    from coursegrader.doctor import run

    raise typer.Exit(Exit.DONE if run(Course.find().root, console) else Exit.REFUSED)


@app.command()
@_plainly
def register() -> None:
    """Makes the course known to this environment's Jupyter."""
    from coursegrader.register import is_for_staff
    from coursegrader.register import register as register_course

    root = Course.find().root
    register_course(root)
    console.print(f"Jupyter of this environment knows the course in {root}.", soft_wrap=True)
    if not is_for_staff(root):
        console.print(
            "A students' copy, without solutions/: nbgrader's tools for staff are hidden in JupyterLab.", soft_wrap=True
        )


def _autograde(course: Course, spec: Spec, order: Order | None, where: tuple, workers: int | None) -> Exit:
    """Grades with a progress bar, and ends with counts and with who needs a person."""
    from coursegrader.board import board, in_words, summary
    from coursegrader.gradebook.autograde import autograde as grade_what_is_left
    from coursegrader.gradebook.backup import sqlite_file
    from coursegrader.gradebook.record import results_path
    from coursegrader.submission.hall import told

    level, opening = where[0], partial(told, where[1], _note)
    try:
        with board(console, "Grading", f"Sandbox: {level}") as shown:
            done = grade_what_is_left(course, spec, opening, level, order, workers=workers, watch=shown.watch)
    except KeyboardInterrupt:
        console.print("Stopped. What was graded is recorded; the same command does the rest.")
        return Exit.REFUSED
    if done.continued:
        console.print(f"This went on with the run of {done.continued} that did not end.")
    if done.copy:
        console.print(f"The gradebook before this run: {_shown(done.copy)}", soft_wrap=True)
    elif sqlite_file(course) is None:
        console.print("No copy of the gradebook was made: a database server keeps it, and copies it by its own tools.")
    results = results_path(course, spec.assignment)
    console.print(f"{in_words(shown.counts)}. Results: {_shown(results)}", soft_wrap=True)
    for student, why in done.left_out.items():
        console.print(f"[yellow]{escape(student)} was left out:[/] {escape(why)}", soft_wrap=True)
    if done.left_out:
        console.print(f"`coursegrader autograde {spec.assignment}` without --only grades them whole.")
    with results.open(encoding="utf-8") as handle:
        look = summary(console, spec.assignment, map(json.loads, handle))
    return Exit.LOOK if look or done.left_out else Exit.DONE


def _note(text: str) -> None:
    console.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True)


def _not_tried(level: str) -> str:
    """What a demonstration at this level of the sandbox does not show; empty where it shows everything."""
    from coursegrader.sandbox import describe

    lacking = [one.name for one in describe(level) if not one.kept]
    return f"Not kept at level {level}, and so not tried here: {', '.join(lacking)}." if lacking else ""


def _feedback(course: Course, assignment: str, show_hidden: bool) -> Exit:
    from coursegrader.pages.feedback import generate_feedback

    total = len(list(course.autograded.glob(f"*/{assignment}/*.ipynb")))
    if not total:
        raise NothingSubmitted(f"Nothing of {assignment} is graded yet: `coursegrader autograde {assignment}` first.")
    errors = []
    with _progress("Feedback", total) as advance:
        for student, error in generate_feedback(course, assignment, show_hidden):
            if error:
                errors.append((student, error))
            advance()
    for student, error in errors:
        console.print(f"[red]No page for {escape(student)}:[/] {escape(error)}", soft_wrap=True)
    return Exit.LOOK if errors else Exit.DONE


def _export(course: Course, assignment: str, path: Path) -> Path:
    from coursegrader.gradebook.export import export_marks

    export_marks(course, assignment, path)
    return path


def _compare(steps, marks: Path, truth: Path) -> list:
    differences = steps.compare(marks, truth)
    wrong = {one.student for one in differences}
    table = Table("student", Column("what it is", overflow="fold"), "true", "computed", "status", "")
    totals = [{}, {}]
    for kept, path in zip(totals, (truth, marks), strict=True):
        with path.open(newline="", encoding="utf-8") as handle:
            kept.update({row["student"]: row for row in csv.DictReader(handle) if row["cell"] == "total"})
    for student, row in totals[0].items():
        computed = totals[1].get(student, {"points": "missing", "status": ""})
        mark = "[red]differs[/]" if student in wrong else "[green]same[/]"
        table.add_row(student, row["kind"], row["points"], computed["points"], computed["status"], mark)
    console.print(table)
    for one in differences:
        console.print(f"[red]{one.student}, {one.cell}:[/] computed {one.computed}, true {one.true}")
    if not differences:
        console.print(f"All {len(totals[0])} got their true points, cell by cell.")
    return differences


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def _check_writable(path: Path) -> None:
    """Raises `OSError` where no file can be put at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def _step(name: str, what: str) -> None:
    console.rule(f"[bold]{name}[/]: {what}", align="left", style="dim")


def _shown(path: Path) -> str:
    """A path as short as it can be said from here."""
    path = path.resolve()
    return escape(str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path))
