"""Forbidden shortcuts: what a task's text does not allow, whether an answer uses it, and what that costs.

A task names what must not be used in its text: a paragraph that begins with `**Not allowed` and holds the names in
backticks, as in

    **Not allowed:** ready-made convolutions (`keras.layers.*Conv*`, `tf.nn.conv2d`, `scipy.signal`) and `model.fit`.

A name is the dotted path of a function, class or module (`tf` is TensorFlow, the last part may be a pattern), or a
method of an argument of the function that the task asks for. It holds for the answers and tests that follow, up to
the next heading of the same level or a higher one.

Use is found in the answer's syntax tree (`mentions`) and by tripwires while a test runs (`tripwires`). What is certain
is a finding and costs points; what is not is a doubt, for a person to look at.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from nbformat import NotebookNode

from coursegrader.exam.forbidden import Kind, Verdict, packages
from coursegrader.exam.mentions import ARGUMENT, Cell, Mentions, Parameter, mentions, parse
from coursegrader.exam.tripwires import OWN_FILE
from coursegrader.exam.verdict import Outcome
from coursegrader.notebooks import Role, grade_id, role
from coursegrader.submission.run import Ended
from coursegrader.submission.spec import ShortcutPolicy

_PARAGRAPH = re.compile(r"^\*\*Not allowed\b.*?(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) ", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
MAX_PATHS = 2_000
MAX_SHOWN = 5
MAX_SENTENCE = 300


class Named(NamedTuple):
    """A name in a task's text: the line within its cell, and the name."""

    line: int
    name: str


@dataclass(frozen=True)
class Task:
    """A task that does not allow something.

    `cell` is the place of its text in the notebook, `answers` and `tests` the cells that belong to it, `functions` the
    functions and classes that it asks for, with their parameters.
    """

    cell: int
    named: tuple[Named, ...]
    answers: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    functions: Mapping[str, tuple[Parameter, ...]] = field(default_factory=dict)

    @property
    def arguments(self) -> frozenset[str]:
        """The parameters of its functions."""
        return frozenset(parameter.name for each in self.functions.values() for parameter in each)

    @property
    def methods(self) -> tuple[str, ...]:
        """The names that mean a method of an argument."""
        return tuple(one.name for one in self.named if one.name.partition(".")[0] in self.arguments)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that mean something of a library."""
        return tuple(one.name for one in self.named if one.name not in self.methods)


def named(source: str) -> tuple[Named, ...]:
    """What a text cell does not allow; none where it says nothing of the kind."""
    found = []
    for paragraph in _PARAGRAPH.finditer(source):
        for code in _CODE.finditer(paragraph[0]):
            line = source.count("\n", 0, paragraph.start() + code.start()) + 1
            found.append(Named(line, code[1].strip()))
    return tuple(found)


def tasks(solution: NotebookNode) -> list[Task]:
    """The tasks of an instructor's notebook that do not allow something, in its order."""
    found: list[Task] = []
    current: Task | None = None
    level = 0
    for index, cell in enumerate(solution.cells):
        if cell.cell_type == "markdown" and role(cell) in (Role.FREE, Role.LOCKED):
            headings = [len(heading[1]) for heading in _HEADING.finditer(cell.source)]
            if headings and (current is None or not current.named or min(headings) <= level):
                level, current = min(headings), Task(index, ())
                found.append(current)
            if names := named(cell.source):
                if current is None:
                    current = Task(index, ())
                    found.append(current)
                current = found[-1] = replace(current, cell=index, named=(*current.named, *names))
        elif current is not None and cell.cell_type == "code" and role(cell) is Role.ANSWER:
            functions = dict(current.functions) | _functions(cell.source)
            current = replace(current, answers=(*current.answers, grade_id(cell)), functions=functions)
            found[-1] = current
        elif current is not None and role(cell) is Role.TEST:
            current = found[-1] = replace(current, tests=(*current.tests, grade_id(cell)))
    return [task for task in found if task.named]


def by_test(solution: NotebookNode) -> dict[str, Task]:
    """The tasks that do not allow something, by each of their tests."""
    return {test: task for task in tasks(solution) for test in task.tests}


def _functions(source: str) -> dict[str, tuple[Parameter, ...]]:
    functions: dict[str, tuple[Parameter, ...]] = {}
    tree = parse(source)
    for statement in tree.body if tree else []:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = statement.args
            by_position = [*arguments.posonlyargs, *arguments.args]
            functions[statement.name] = (
                *(Parameter(number, one.arg) for number, one in enumerate(by_position)),
                *(Parameter(None, one.arg) for one in arguments.kwonlyargs),
            )
        elif isinstance(statement, ast.ClassDef):
            functions[statement.name] = ()
        elif isinstance(statement, ast.Assign):
            functions |= {target.id: () for target in statement.targets if isinstance(target, ast.Name)}
    return functions


@dataclass(frozen=True)
class Found:
    """What was found in one task: sentences on certain uses, and on what a person should look at."""

    certain: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def read(task: Task, cells: Sequence[Cell], files: Iterable[str] = ()) -> Mentions:
    """What the student's answer to a task mentions; `cells` ran before its test, `files` are the student's own."""
    modules = {PurePosixPath(name).parts[0].removesuffix(".py") for name in files if name.endswith(".py")}
    methods = {name.rpartition(".")[2] for name in task.methods}
    parameters = {
        function: [one for one in each if any(name.startswith(f"{one.name}.") for name in task.methods)]
        for function, each in task.functions.items()
    }
    return mentions(cells, task.functions, parameters, modules, methods)


def paths(task: Task, found: Mentions) -> list[str]:
    """The paths whose meaning a library must tell, at most `MAX_PATHS`."""
    roots = packages(task.names)
    return sorted({one.path for one in found.paths if one.path.partition(".")[0] in roots})[:MAX_PATHS]


def weigh(task: Task, found: Mentions, verdicts: Mapping[str, Verdict]) -> Found:
    """What the mentions of an answer come to, given what each of `paths` leads to."""
    certain: list[str] = []
    doubts: list[str] = []
    for one in found.paths:
        place = _place(one.cell, one.line, one.function)
        if one.path.startswith(ARGUMENT):
            verdict = _of_argument(one.path, task.methods)
        else:
            verdict = verdicts.get(one.path, Verdict(Kind.OTHER))
        if verdict.kind is Kind.FORBIDDEN:
            # The student may know it by another name than the task.
            path, name = (whole.partition(".")[2] for whole in (one.path, verdict.name))
            alike = one.path.startswith(ARGUMENT) or path.startswith(name)
            what = verdict.name if alike else f"{verdict.name} (as {one.path})"
            sentence = f"{place} uses {what}, which this task does not allow"
            certain.append(sentence) if one.sure else doubts.append(f"{sentence} (if it is what the name means there)")
        elif verdict.kind is Kind.MODULE and one.escapes:
            doubts.append(f"{place} hands on {one.path} as a whole")
        elif verdict.kind is Kind.HIDDEN or (verdict.kind is Kind.UNKNOWN and not one.star):
            doubts.append(f"{place} uses {one.path}, which the library does not have")
        elif verdict.kind is Kind.PRIVATE:
            doubts.append(f"{place} uses {one.path}, a private part of the library")
    doubts += [f"{_place(one.cell, one.line, one.function)} uses {one.what}" for one in found.hints]
    return Found(_sentences(certain), _sentences(doubts))


def _sentences(sentences: Iterable[str]) -> tuple[str, ...]:
    """Each once, and no longer than anyone reads: names in them are the student's."""
    return tuple(dict.fromkeys(sentence[:MAX_SENTENCE] for sentence in sentences))


def _of_argument(path: str, methods: Iterable[str]) -> Verdict:
    path = path.removeprefix(f"{ARGUMENT}.")
    name = next((name for name in methods if path == name or path.startswith(f"{name}.")), None)
    return Verdict(Kind.OTHER) if name is None else Verdict(Kind.FORBIDDEN, name)


def _place(cell: str, line: int, function: str) -> str:
    return f"line {line} of {cell}" + (f" (in {function})" if function else "")


def tripped(reports: Any, cells: Mapping[int, str]) -> Iterator[str]:
    """Sentences on the tripwires that fired; the student's kernel reports them, so that anything may stand there."""
    if type(reports) is not list:
        return
    for report in reports:
        if type(report) is tuple and [type(part) for part in report] == [str, int, int, str]:
            name, count, line, function = report
            cell = "a file of your own" if count == OWN_FILE else cells.get(count, "a cell of your own")
            place = _place(cell, line, function[:100])
            yield f"{place} calls {name[:100]}, which this task does not allow"


def charge(outcome: Outcome, found: Found, policy: ShortcutPolicy) -> Outcome:
    """A test's outcome after what was found in its task; a doubt costs nothing, and matters where points were had."""
    if found.certain:
        points = outcome.points * (1 - policy.cost)
        words = [*found.certain[:MAX_SHOWN], *([outcome.reason] if outcome.reason else [])]
        ended = Ended.ERROR if outcome.ended is Ended.OK and not points else outcome.ended
        outcome = replace(outcome, points=points, reason="; ".join(words), ended=ended, shortcuts=found.certain)
    if found.doubts and outcome.points:
        outcome = replace(outcome, doubts=found.doubts[:MAX_SHOWN])
    return outcome
