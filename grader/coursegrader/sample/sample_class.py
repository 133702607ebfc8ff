"""A sample class: believable submissions of an assignment whose true scores are known, for trying the grader out."""

from __future__ import annotations

import ast
import itertools
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from coursegrader.authoring.answers import Variant, variants
from coursegrader.course import Course
from coursegrader.errors import CourseError
from coursegrader.gradebook.table import COLUMNS, row, write_table
from coursegrader.notebooks import Role, by_grade_id, parse, role, trains, with_role
from coursegrader.sample.forgers import FORGERS
from coursegrader.submission.scores import CellScore, Status, answers_of, total
from coursegrader.submission.spec import Spec

DUE = datetime(2026, 10, 30, 23, 59)
CHECKS = ("check", "require", "assert")
TRUTH_COLUMNS = (*COLUMNS, "kind")

# What hands in the first, second, ... student; repeated for larger classes.
PATTERN = (
    "solution",
    "alternative",
    "mistake",
    "forger",
    "partial",
    "broken",
    "late",
    "forger",
    "blank",
    "broken",
    "forger",
    "broken",
    "solution",
    "mistake",
    "mistake",
    "partial",
    "broken",
    "mistake",
)
FIRST_NAMES = (
    "Aisha Anton Bruna Chen Dalia Diego Elif Emeka Farid Freya Goran Hana Ines Ivo Jamal Jana Kaito Kofi Lena Linh Luca"
    " Maya Mei Milan Nadia Nils Noor Olga Omar Pavel Petra Quinn Rafael Rosa Sami Selin Tariq Tessa Uma Viktor Wanda"
    " Ximena Yara Yusuf Zoe"
).split()
LAST_NAMES = (
    "Abbas Almeida Andersen Bauer Bianchi Castro Chowdhury Costa Diallo Dubois Eriksen Farkas Garcia Haddad Hoffmann"
    " Ivanova Jansen Kaya Kim Kovacs Larsen Lopez Martin Mensah Moreau Nakamura Nguyen Novak Okafor Olsen Park Peeters"
    " Popescu Rossi Sato Schmidt Silva Singh Tanaka Toth Vega Weber Wu Yilmaz Zhang"
).split()
WRITTEN = (
    "I think it works because the gradient reaches the first layers without being multiplied by many small numbers.",
    "The extra path lets a block start as the identity, so more depth cannot make the fit worse at the beginning.",
    "In my run the loss went down faster at first, but I did not find out why it then stays where it is.",
)
SCRATCH = ("# a scratch cell of mine\nsum(range(10))", "numbers = [n * n for n in range(5)]\nnumbers")


@dataclass(frozen=True)
class Sample:
    """One made-up submission: the file's bytes, what the gradebook should say, and how it came about."""

    student: str
    first_name: str
    last_name: str
    notebook: bytes
    timestamp: datetime
    truth: tuple[CellScore, ...]
    failure: str
    kind: str

    @property
    def total(self) -> CellScore:
        """The true total."""
        return total(self.truth, self.failure)


@dataclass(frozen=True)
class _Material:
    """What samples are made from."""

    release: NotebookNode
    solution: dict[str, str]
    groups: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    costly: frozenset[str]
    partial_credit: frozenset[str]
    mistakes: tuple[Variant, ...]
    alternatives: tuple[Variant, ...]
    max_points: dict[str, float]

    @classmethod
    def load(cls, course: Course, assignment: str) -> _Material:
        source = course.source(assignment)
        released = course.assignments / assignment / f"{assignment}.ipynb"
        if not released.is_file():
            raise CourseError(f"{assignment} is not built yet: run `coursegrader build {assignment}` first.")
        spec = Spec.load(course, assignment)
        notebook = nbformat.reads(spec.solution.decode(), as_version=4)
        answers = with_role(notebook, Role.ANSWER)
        grouped: dict[tuple[str, ...], list[str]] = {}
        for test, about in answers_of(notebook).items():
            grouped.setdefault(about, []).append(test)
        return cls(
            release=nbformat.read(released, as_version=4),
            solution={name: _without_markers(cell.source) for name, cell in answers.items()},
            groups=tuple((about, tuple(tests)) for about, tests in grouped.items()),
            costly=frozenset(name for name, cell in answers.items() if trains(cell)),
            partial_credit=frozenset(
                name for name, cell in with_role(notebook, Role.TEST).items() if _returns_number(cell)
            ),
            mistakes=tuple(variants(source / "mistakes")),
            alternatives=tuple(variants(source / "alternatives")),
            max_points=spec.max_points(),
        )

    def tests_of(self, answers: Iterable[str]) -> set[str]:
        """The tests that are about any of these answers."""
        wanted = set(answers)
        return {test for about, tests in self.groups if wanted & set(about) for test in tests}


def make_class(
    course: Course,
    assignment: str,
    students: int,
    *,
    seed: int = 0,
    trainers: int | None = None,
    forgers: bool = True,
) -> list[Sample]:
    """A class of made-up students, the same for the same seed.

    At most `trainers` of them (default: all who would) hand in the answers whose cells are tagged `trains`; the others
    left those undone, so that a demonstration is short. Only mistakes are used whose effect on every cell is certain.
    Without `forgers`, who would forge hands in the first tasks alone: their code belongs into a sandbox.
    """
    material = _Material.load(course, assignment)
    chance = random.Random(seed)
    names = _names(students, chance)
    left = students if trainers is None else trainers
    samples = []
    # In order, again and again, so that a small class has the commonest ways to break a file.
    brokens, forging = itertools.cycle(BROKEN), itertools.cycle(FORGERS)
    for number, (first, last) in enumerate(names):
        kind = PATTERN[number % len(PATTERN)]
        trains = left > 0 and kind in ("solution", "alternative", "mistake")
        left -= trains
        handed_in = DUE - timedelta(minutes=chance.randrange(10, 4000))
        work = _Work(material, chance, trains)
        if kind == "forger" and not forgers:
            kind = "partial"
        if kind == "late":
            handed_in = DUE + timedelta(hours=chance.randrange(2, 40))
        if kind == "broken":
            name, breaks = next(brokens)
            notebook, truth, failure = breaks(work)
            kind = f"broken {name}"
        elif kind == "forger":
            name = next(forging)
            notebook, truth, failure = work.forge(name)
            kind = f"forger {name}"
        else:
            kind, notebook, truth = work.hand_in(kind)
            failure = ""
        student = f"{first}.{last}".lower()
        samples.append(Sample(student, first, last, notebook, handed_in, truth, failure, kind))
    return samples


def write_class(samples: Iterable[Sample], assignment: str, out: Path) -> None:
    """Writes a class as `STUDENT/PS/` folders with `truth.csv` and `students.csv` (nbgrader's import) beside them.

    Raises `CourseError` where `out` holds something already: an old class must not be mixed with a new one.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CourseError(f"{out} is not empty: name a new folder, or delete it first.")
    samples = list(samples)
    for sample in samples:
        folder = out / sample.student / assignment
        folder.mkdir(parents=True)
        (folder / f"{assignment}.ipynb").write_bytes(sample.notebook)
        (folder / "timestamp.txt").write_text(f"{sample.timestamp:%Y-%m-%d %H:%M:%S} UTC\n")
    write_table(
        out / "truth.csv",
        (
            row(sample.student, score) | {"kind": sample.kind}
            for sample in sorted(samples, key=lambda one: one.student)
            for score in (*sample.truth, sample.total)
        ),
        TRUTH_COLUMNS,
    )
    write_table(
        out / "students.csv",
        (
            {
                "id": sample.student,
                "first_name": sample.first_name,
                "last_name": sample.last_name,
                "email": f"{sample.student}@example.org",
            }
            for sample in samples
        ),
        ("id", "first_name", "last_name", "email"),
    )


# A submission's bytes, its true scores, and why it cannot be graded (empty where it can).
HandedIn = tuple[bytes, tuple[CellScore, ...], str]


class _Work:
    """What one student does: fills a release in, and knows what it is worth."""

    def __init__(self, material: _Material, chance: random.Random, trains: bool) -> None:
        self.material, self.chance = material, chance
        self.skipped = set() if trains else set(material.costly)
        self.written = chance.choice((*WRITTEN, None)) if trains else chance.choice(WRITTEN)

    def hand_in(self, kind: str) -> tuple[str, bytes, tuple[CellScore, ...]]:
        """A submission of a kind: its full name in `truth.csv`, its bytes, its true scores."""
        answers = dict(self.material.solution)
        rejected: tuple[str, ...] = ()
        if kind == "alternative" and self.material.alternatives:
            variant = self.chance.choice(self.material.alternatives)
            answers |= variant.answers
            kind = f"alternative {variant.name}"
        elif kind == "mistake":
            fitting = [variant for variant in self.material.mistakes if self._is_certain(variant)]
            if fitting:
                variant = self.chance.choice(fitting)
                answers |= variant.answers
                rejected = variant.rejected_by
                kind = f"mistake {variant.name}"
            else:
                kind = "solution"
        elif kind == "partial":
            answers = self.first_tasks()
        elif kind == "blank":
            answers, self.written = {}, None
        answers = {name: source for name, source in answers.items() if name not in self.skipped}
        return kind, _to_bytes(self.notebook(answers)), self.truth(answers, rejected)

    def first_tasks(self) -> dict[str, str]:
        """Right answers to some of the first tasks, at least one of them and never a costly one."""
        cheap = self._first_cheap()
        return self._right(self.chance.randint(max(1, cheap // 2), max(1, cheap)))

    def _first_cheap(self) -> int:
        """How many tasks come before the first costly one."""
        costly = (bool(self.material.costly & set(about)) for about, _ in self.material.groups)
        return next((number for number, found in enumerate(costly) if found), len(self.material.groups))

    def _right(self, tasks: int) -> dict[str, str]:
        return {name: self.material.solution[name] for about, _ in self.material.groups[:tasks] for name in about}

    def forge(self, name: str) -> HandedIn:
        """The first tasks done, and every other cheap one forged: worth what the first tasks are worth."""
        forger = FORGERS[name]
        self.skipped = set(self.material.costly)
        honest = self._right(self._first_cheap() // 2)
        others = [
            answer
            for about, _ in self.material.groups
            if not self.skipped & set(about)
            for answer in about
            if answer not in honest
        ]
        forged = forger.answers(self.material.solution, others)
        notebook = self.notebook(honest | forged)
        if forger.edits is not None:
            forger.edits(notebook)
        answers = set(honest | forged)
        return _to_bytes(notebook), self.truth(answers, rejected=self.material.tests_of(forged)), ""

    def notebook(self, answers: dict[str, str]) -> NotebookNode:
        """The release with these answers, the written ones, and now and then a cell of the student's own."""
        notebook = nbformat.reads(nbformat.writes(self.material.release), as_version=4)
        for name, cell in by_grade_id(notebook).items():
            if name in answers:
                cell.source = answers[name]
            elif role(cell) is Role.MANUAL and self.written:
                cell.source = self.written
        if self.chance.random() < 0.4:
            notebook.cells.append(new_code_cell(self.chance.choice(SCRATCH), id="scratch"))
        return notebook

    def truth(
        self,
        answers: Iterable[str],
        rejected: Iterable[str] = (),
        special: dict[str, tuple[float, Status]] | None = None,
    ) -> tuple[CellScore, ...]:
        """What each graded cell is worth: `answers` are done, `rejected` tests fail, `special` cells are as given."""
        undone = self.material.tests_of(set(self.material.solution) - set(answers))
        manual = with_role(self.material.release, Role.MANUAL)
        scores = []
        for name, most in self.material.max_points.items():
            points, status = most, Status.GRADED
            if name in manual:
                points, status = (None, Status.NEEDS_MANUAL) if self.written else (0.0, Status.BLANK)
            elif name in undone:
                points, status = 0.0, self._undone_status(name, set(answers))
            elif name in rejected:
                points = 0.0
            if special and name in special:
                points, status = special[name]
            scores.append(CellScore(name, points, most, status))
        return tuple(scores)

    def _undone_status(self, test: str, answers: set[str]) -> Status:
        about = next(about for about, tests in self.material.groups if test in tests)
        return Status.GRADED if answers & set(about) else Status.BLANK

    def _is_certain(self, variant: Variant) -> bool:
        """Whether a mistake's effect on every cell is known: those that it may break are not done here anyway."""
        zero = self.material.tests_of(self.skipped)
        return (
            not self.skipped & set(variant.answers)
            and set(variant.may_break) <= zero
            and not (set(variant.rejected_by) - zero) & self.material.partial_credit
        )


Broken = Callable[[_Work], HandedIn]


def _unreadable(work: _Work, content: bytes, failure: str) -> HandedIn:
    scores = tuple(CellScore(name, 0.0, most, Status.FAILED) for name, most in work.material.max_points.items())
    return content, scores, failure


def _not_json(work: _Work) -> HandedIn:
    content = _to_bytes(work.notebook(work.first_tasks()))
    return _unreadable(work, content[: len(content) // 2], "not JSON")


def _empty_file(work: _Work) -> HandedIn:
    return _unreadable(work, b"", "empty")


def _another_notebook(work: _Work) -> HandedIn:
    notebook = nbformat.v4.new_notebook(cells=[new_markdown_cell("# My notes"), new_code_cell("2 + 2")])
    return _unreadable(work, _to_bytes(notebook), "another notebook")


def _copied_cell(work: _Work) -> HandedIn:
    answers = work.first_tasks()
    notebook = work.notebook(answers)
    first = next(iter(answers))
    at = next(i for i, cell in enumerate(notebook.cells) if cell is by_grade_id(notebook)[first])
    notebook.cells.insert(at + 1, nbformat.from_dict(notebook.cells[at]))
    flagged = {test: (work.material.max_points[test], Status.FLAGGED) for test in work.material.tests_of([first])}
    return _to_bytes(notebook), work.truth(answers, special=flagged), ""


def _deleted_cells(work: _Work) -> HandedIn:
    answers = work.first_tasks()
    notebook = work.notebook(answers)
    last = _last_task(work, answers)
    gone = {*last, *work.material.max_points}
    manual = with_role(notebook, Role.MANUAL)
    notebook.cells = [
        cell
        for cell in notebook.cells
        if (name := cell.metadata.get("nbgrader", {}).get("grade_id")) not in gone or name in manual
    ]
    return _to_bytes(notebook), work.truth(set(answers) - set(last)), ""


def _other_kernel(work: _Work) -> HandedIn:
    answers = work.first_tasks()
    notebook = work.notebook(answers)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3.9 (my laptop)", "language": "python", "name": "laptop"}
    return _to_bytes(notebook), work.truth(answers), ""


def _endless_loop(work: _Work) -> HandedIn:
    answers = work.first_tasks()
    last = _last_task(work, answers)
    notebook = work.notebook(answers | {last[0]: "while True:\n    pass"})
    return _to_bytes(notebook), work.truth(answers, rejected=work.material.tests_of(last)), ""


def _kernel_killer(work: _Work) -> HandedIn:
    answers = work.first_tasks()
    last = _last_task(work, answers)
    notebook = work.notebook(answers | {last[0]: "import os\n\nos._exit(1)"})
    order = list(by_grade_id(work.material.release))
    tests = with_role(work.material.release, Role.TEST)
    lost = {name: (0.0, Status.NOT_RUN) for name in order[order.index(last[0]) :] if name in tests}
    return _to_bytes(notebook), work.truth(answers, special=lost), ""


BROKEN: tuple[tuple[str, Broken], ...] = (
    ("not_json", _not_json),
    ("endless_loop", _endless_loop),
    ("copied_cell", _copied_cell),
    ("kernel_killer", _kernel_killer),
    ("deleted_cells", _deleted_cells),
    ("other_kernel", _other_kernel),
    ("empty_file", _empty_file),
    ("another_notebook", _another_notebook),
)


def _last_task(work: _Work, answers: dict[str, str]) -> tuple[str, ...]:
    """The answers of the last task that was done: what breaks there, breaks nothing else."""
    return [about for about, _ in work.material.groups if set(about) <= set(answers)][-1]


def _names(number: int, chance: random.Random) -> list[tuple[str, str]]:
    pairs = [(first, last) for first in FIRST_NAMES for last in LAST_NAMES]
    if number > len(pairs):
        raise CourseError(f"A sample class has at most {len(pairs)} students.")
    return chance.sample(pairs, number)


def _to_bytes(notebook: NotebookNode) -> bytes:
    return (json.dumps(notebook, indent=1) + "\n").encode()


def _without_markers(source: str) -> str:
    return "\n".join(line for line in source.split("\n") if not line.strip().startswith(("### BEGIN", "### END")))


def _returns_number(cell: NotebookNode) -> bool:
    """Whether a test's last line can give partial credit: an expression, but not a check made for its error."""
    last = parse(cell).body[-1]
    if not isinstance(last, ast.Expr) or isinstance(last.value, ast.Constant):
        return False
    called = last.value.func if isinstance(last.value, ast.Call) else None
    name = getattr(called, "attr", getattr(called, "id", ""))
    return not name.startswith(CHECKS)
