"""The rules that an assignment's notebook keeps, so that it can be released, graded safely, and graded the same by both
graders. They judge the text of the instructor's notebook and run none of it; each finding says where and what to do.
Libraries that a task names as not allowed are imported, in a process of their own, to see that the names exist.

A test cell must work when the student's names are stand-ins for objects in another process: what comes back from a call
is plain data, or a handle that cannot be compared, tested for truth, or passed to Keras.
"""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from nbformat.notebooknode import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator, SchemaTooNewError, SchemaTooOldError, ValidationError

from coursegrader.authoring.dependencies import names_of
from coursegrader.exam import shortcuts
from coursegrader.exam.forbidden import Kind, Verdict
from coursegrader.exam.mentions import Cell
from coursegrader.notebooks import (
    HIDDEN,
    SOLUTION,
    Region,
    RegionError,
    Role,
    docstring,
    grade_id,
    is_bonus,
    is_candidate,
    marked_regions,
    nbgrader,
    parse,
    points,
    role,
    syntax_tree,
)
from coursegrader.register import KERNEL

POINTS = 100.0
MOST_BONUS = 10.0
FEWEST_TESTS, MOST_TESTS = 8, 12

# What makes a Keras object, below `keras.`; `keras.ops`, `keras.random` and `keras.utils` give arrays and tensors.
_KERAS_OBJECTS = {
    *("layers", "models", "optimizers", "losses", "metrics", "callbacks", "initializers", "regularizers"),
    *("constraints", "applications", "Sequential", "Model", "Input", "Variable"),
}
_COMPARED = "{what} of a student's object never reaches it in the exam; compare a plain value it returns"


class Finding(NamedTuple):
    """A rule that a cell breaks: the cell (`grade_id`, `cell N` or `notebook`), its line (0: the whole), what to do."""

    cell: str
    line: int
    rule: str
    advice: str

    def __str__(self) -> str:
        place = f"{self.cell}, line {self.line}" if self.line else self.cell
        return f"{place}: {self.advice} [{self.rule}]"


@dataclass(frozen=True)
class _Context:
    """What a rule looks at: a cell, its name, and the names that answers and candidate cells define."""

    cell: NotebookNode
    name: str
    student: frozenset[str]
    classes: frozenset[str]

    def finding(self, line: int, rule: str, advice: str) -> Finding:
        return Finding(self.name, line, rule, advice)


def check(notebook: NotebookNode) -> list[Finding]:
    """Every rule that the notebook breaks, in the order of its cells; what concerns the whole comes first."""
    findings = list(_whole(notebook))
    student, classes = _students_names(notebook)
    for index, cell in enumerate(notebook.cells):
        context = _Context(cell, grade_id(cell) or f"cell {index}", student, classes)
        for rule in _RULES:
            try:
                findings += rule(context)
            except RegionError as error:
                findings.append(context.finding(error.line, "region", str(error)))
    return list(dict.fromkeys([*findings, *_not_allowed(notebook)]))


def misfits(notebook: NotebookNode) -> list[Finding]:
    """Why tests may not fit the exam, where they need the student's objects beside them: of any course's notebook."""
    findings: list[Finding] = []
    student, classes = _students_names(notebook)
    for index, cell in enumerate(notebook.cells):
        context = _Context(cell, grade_id(cell) or f"cell {index}", student, classes)
        try:
            findings += [one for one in (*_tests(context), *_beside(context)) if one.rule != "no-effect"]
        except RegionError as error:
            findings.append(context.finding(error.line, "region", str(error)))
    return list(dict.fromkeys(findings))


def _not_allowed(notebook: NotebookNode) -> Iterator[Finding]:
    """What tasks do not allow: each name exists, belongs to a task, and the solution does without it."""
    tasks = shortcuts.tasks(notebook)
    if not tasks:
        return
    read = [shortcuts.read(task, _before(notebook, task)) for task in tasks]
    looked_up = look_up(
        tuple((task.names, tuple(shortcuts.paths(task, one))) for task, one in zip(tasks, read, strict=True))
    )
    for task, mentioned, (unknown, verdicts) in zip(tasks, read, looked_up, strict=True):
        if not task.answers or not task.tests:
            advice = "no answer and test follow what is not allowed; put the text above them"
            yield Finding(f"cell {task.cell}", task.named[0].line, "not-allowed", advice)
        for line, name in task.named:
            if name in unknown:
                advice = f"`{name}` is nothing that could be used ({unknown[name]}); correct the name"
                yield Finding(f"cell {task.cell}", line, "not-allowed", advice)
        found = shortcuts.weigh(task, mentioned, verdicts)
        for sentence in (*found.certain, *found.doubts):
            yield Finding(task.answers[0], 0, "not-allowed", f"{sentence}: a student could not write this solution")


def _before(notebook: NotebookNode, task: shortcuts.Task) -> list[Cell]:
    """The cells that run before a task's last test, the answers as a student's."""
    cells: list[Cell] = []
    for cell in notebook.cells:
        if task.tests and grade_id(cell) == task.tests[-1]:
            break
        if cell.cell_type == "code" and role(cell) is not Role.TEST:
            cells.append(Cell(grade_id(cell) or "", cell.source, role(cell) is Role.ANSWER))
    return cells


_LOOK_UP = """
import json, sys
from coursegrader.exam.forbidden import judge, unknown
answers = [(unknown(names), judge(names, paths)) for names, paths in json.loads(sys.stdin.read())]
sys.stdout.write("\\n" + json.dumps(answers))
"""


@lru_cache(maxsize=8)
def look_up(questions: tuple) -> list[tuple[dict[str, str], dict[str, Verdict]]]:
    """For each (names, paths): which names are nothing and why, and what the paths lead to."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "-c", _LOOK_UP],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return [
        (unknown, {path: Verdict(Kind(kind), name) for path, (kind, name) in verdicts.items()})
        for unknown, verdicts in json.loads(done.stdout.splitlines()[-1])
    ]


def _whole(notebook: NotebookNode) -> Iterator[Finding]:
    def finding(rule: str, advice: str) -> Finding:
        return Finding("notebook", 0, rule, advice)

    if notebook.metadata.get("kernelspec", {}).get("name") != KERNEL:
        yield finding("kernel", f"choose the course's kernel: kernelspec name '{KERNEL}'")
    if notebook.get("nbformat_minor", 0) < 5 or len({cell.get("id") for cell in notebook.cells}) < len(notebook.cells):
        yield finding("cell-ids", "give each cell an id of its own: save the notebook as nbformat 4.5 or later")
    seen: set[str] = set()
    for cell in notebook.cells:
        if (name := grade_id(cell)) in seen:
            yield Finding(name, 0, "unique-ids", "two cells have this grade_id; give each its own")
        if name is not None:
            seen.add(name)
    total = sum(points(cell) for cell in notebook.cells if not is_bonus(cell))
    bonus = sum(points(cell) for cell in notebook.cells if is_bonus(cell))
    if total != POINTS:
        yield finding("points", f"points without bonus sum to {total:g}; make them {POINTS:g}")
    if bonus > MOST_BONUS:
        yield finding("points", f"bonus points sum to {bonus:g}; at most {MOST_BONUS:g}")
    num_tests = sum(role(cell) is Role.TEST for cell in notebook.cells)
    if not FEWEST_TESTS <= num_tests <= MOST_TESTS:
        yield finding("tests", f"{num_tests} graded test cells; make it {FEWEST_TESTS} to {MOST_TESTS}")
    if not any(role(cell) is Role.MANUAL for cell in notebook.cells):
        yield finding("manual", "no written answer; add a markdown cell that is graded by hand")


def _students_names(notebook: NotebookNode) -> tuple[frozenset[str], frozenset[str]]:
    """The names that only the candidate defines, and those among them that are classes."""
    names: set[str] = set()
    classes: set[str] = set()
    examiners: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if role(cell) is Role.ANSWER or is_candidate(cell):
            names |= names_of(cell.source).binds
            classes |= {node.name for node in _tree_or_nothing(cell).body if isinstance(node, ast.ClassDef)}
        elif role(cell) is Role.LOCKED:
            imported = [
                node for node in ast.walk(_tree_or_nothing(cell)) if isinstance(node, ast.Import | ast.ImportFrom)
            ]
            examiners |= {(alias.asname or alias.name).partition(".")[0] for node in imported for alias in node.names}
    return frozenset(names - examiners), frozenset(classes - examiners)


def _metadata(context: _Context) -> Iterator[Finding]:
    cell, metadata = context.cell, nbgrader(context.cell)
    if not metadata:
        return
    copy = cell.copy()
    try:
        MetadataValidator().validate_cell(copy)
    except (ValidationError, SchemaTooOldError, SchemaTooNewError) as error:
        reason = getattr(error, "message", None) or str(error)
        yield context.finding(0, "metadata", f"nbgrader's metadata is broken ({reason.splitlines()[0]}); set it anew")
    if metadata.get("grade") and not points(cell) > 0:
        yield context.finding(0, "metadata", "a graded cell is worth nothing; give it points")
    if metadata.get("cell_type", cell.cell_type) != cell.cell_type:
        yield context.finding(0, "metadata", f"was a {metadata['cell_type']} cell; make it one again")


def _python(context: _Context) -> Iterator[Finding]:
    if context.cell.cell_type == "code":
        parse(context.cell)
    yield from ()


def _regions(context: _Context) -> Iterator[Finding]:
    """Solution regions in what students write, hidden tests in test cells, and neither anywhere else."""
    kind = role(context.cell)
    yield from _region(context, SOLUTION, "solution-region", required=kind in (Role.ANSWER, Role.MANUAL))
    yield from _region(context, HIDDEN, "hidden-tests", required=kind is Role.TEST)


def _region(context: _Context, region: Region, rule: str, *, required: bool) -> Iterator[Finding]:
    spans = marked_regions(context.cell.source, region)
    if required and not spans and context.cell.cell_type == "code":
        yield context.finding(0, rule, f"no '### {region.begin}' region; mark what students must not see")
    if spans and not required:
        yield context.finding(spans[0][0], rule, f"'{region.begin}' does not belong into such a cell; take it out")
    for begin, end in spans:
        if required and rule == "hidden-tests" and end == begin + 1:
            yield context.finding(begin, rule, "the hidden region is empty; test what the public part does not")


def _docstring(context: _Context) -> Iterator[Finding]:
    if role(context.cell) is not Role.TEST:
        return
    text = docstring(context.cell)
    if not text:
        yield context.finding(
            1, "docstring", "open the test cell with a docstring that says in one line what it checks"
        )
    elif "\n" in text.strip():
        yield context.finding(1, "docstring", "say what the cell checks in one line: students see it with every result")


def _candidate_tag(context: _Context) -> Iterator[Finding]:
    if role(context.cell) is Role.LOCKED and context.cell.cell_type == "code" and not is_candidate(context.cell):
        for name in sorted(names_of(context.cell.source).reads & context.student):
            line = _first_line(context.cell, name)
            yield context.finding(line, "candidate-tag", f"uses the student's '{name}'; tag the cell 'candidate'")


def _shadows(context: _Context) -> Iterator[Finding]:
    examiner = role(context.cell) in (Role.TEST, Role.LOCKED) and not is_candidate(context.cell)
    if examiner and context.cell.cell_type == "code":
        for name in sorted(_bound(parse(context.cell)) & context.student):
            advice = f"binds the student's name '{name}', which later tests would then mean; choose another name"
            yield context.finding(_first_line(context.cell, name), "shadows", advice)


def _tests(context: _Context) -> Iterator[Finding]:
    """What a test cell must not do with a student's objects, as far as its syntax tells."""
    if role(context.cell) is not Role.TEST:
        return
    tree = parse(context.cell)
    taint = _Taint(tree, context.student, context.classes)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id="GradientTape") | ast.Attribute(attr="GradientTape"):
                advice = (
                    "a tape in the examiner sees nothing of the student's code; use a factory or finite differences"
                )
                yield context.finding(line, "tape", advice)
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass" | "type" as name), args=[first, *_]) if (
                taint.of_student(first)
            ):
                advice = f"no {name}() on a student's object: in the exam it is another type; look at what it does"
                yield context.finding(line, "isinstance", advice)
            case ast.Call(func=called) if taint.of_student(called):
                for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                    if taint.is_keras(argument):
                        advice = "a Keras object cannot be passed to the student's code; make it there, in a factory"
                        yield context.finding(argument.lineno, "keras-argument", advice)
            case ast.Compare(left=left, comparators=comparators):
                if any(taint.is_handle(operand) for operand in (left, *comparators)):
                    yield context.finding(line, "comparison", _COMPARED.format(what="comparing (or `in`)"))
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test):
                yield from _truth(context, taint, [test])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield from _truth(context, taint, [operand])
            case ast.BoolOp(values=values):
                yield from _truth(context, taint, values)
            case ast.Expr(value=ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not())):
                yield context.finding(line, "no-effect", "this comparison decides nothing; write assert before it")


def _truth(context: _Context, taint: "_Taint", operands: list[ast.expr]) -> Iterator[Finding]:
    for operand in operands:
        if taint.is_handle(operand):
            yield context.finding(operand.lineno, "comparison", _COMPARED.format(what="the truth value"))


_NAMESPACES = {"globals", "locals", "vars", "dir", "get_ipython"}
_PATCHES = {"patch", "monkeypatch", "Mock", "MagicMock"}
_READS_SOURCE = {"getsource", "getsourcelines", "signature", "getfullargspec"}
_CAPTURES = {"redirect_stdout", "redirect_stderr", "capture_output", "capsys"}


def _beside(context: _Context) -> Iterator[Finding]:
    """What a test cell can do only in the student's own process: patch, read source, capture, look for names."""
    if role(context.cell) is not Role.TEST:
        return
    tree = parse(context.cell)
    taint = _Taint(tree, context.student, context.classes)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        if name in _PATCHES:
            advice = "a patch in the examiner never reaches the student's code; pass what it should use as an argument"
            yield context.finding(line, "patch", advice)
        elif name in _CAPTURES:
            yield context.finding(line, "printed", "what the student's code prints is not printed here; let it return")
        match node:
            case ast.Call(func=ast.Name(id=called)) if called in _NAMESPACES and not node.args:
                advice = f"{called}() shows the examiner's names, not the student's; use the name itself"
                yield context.finding(line, "namespace", advice)
            case ast.Call(func=ast.Attribute(attr=called) | ast.Name(id=called), args=[first, *_]) if (
                called in _READS_SOURCE and taint.of_student(first)
            ):
                advice = "the student's source and signature stay in the student's kernel; judge what the code returns"
                yield context.finding(line, "source", advice)
            case ast.Attribute(value=value, attr=attribute) if attribute.startswith("__") and taint.of_student(value):
                advice = f"'{attribute}' of a student's object does not cross; judge what it returns"
                yield context.finding(line, "source", advice)
    yield from _mutation(context, tree, taint)


def _mutation(context: _Context, tree: ast.Module, taint: "_Taint") -> Iterator[Finding]:
    """An argument of a function whose result is dropped, looked at afterwards: it was a copy.

    Of methods this cannot be said: `layer.set_weights(weights)` changes the layer, and not `weights`.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Call(func=ast.Name() as called, args=args)) if taint.of_student(called):
                given = {argument.id for argument in args if isinstance(argument, ast.Name)} - context.student
                later = {
                    name.id
                    for check in ast.walk(tree)
                    if isinstance(check, ast.Assert | ast.Call) and check.lineno > node.lineno
                    for name in ast.walk(check)
                    if isinstance(name, ast.Name)
                }
                if changed := sorted(given & later):
                    advice = f"arguments are copies, so that {', '.join(changed)} stays as it is; return the result"
                    yield context.finding(node.lineno, "mutation", advice)


_RULES: tuple[Callable[[_Context], Iterator[Finding]], ...] = (
    _metadata,
    _python,
    _regions,
    _docstring,
    _candidate_tag,
    _shadows,
    _tests,
    _beside,
)


class _Taint:
    """Which expressions of a test cell are the student's objects, certain handles, or Keras objects.

    The cell is taken as one flow: a name that was ever given such a value counts as one everywhere in the cell.
    """

    def __init__(self, tree: ast.Module, student: frozenset[str], classes: frozenset[str]) -> None:
        self.classes = classes
        self.student = set(student)
        self.handles = set(student)
        self.keras: dict[str, str] = {"keras": "keras"}
        self.keras_objects: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
        assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.NamedExpr | ast.AnnAssign)]
        for _ in assigned:  # a chain of assignments is at most this long
            for node in assigned:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
                self._assign(names, node.value, single=all(isinstance(target, ast.Name) for target in targets))

    def _assign(self, names: set[str], value: ast.expr | None, *, single: bool) -> None:
        if value is None:
            return
        self.student |= names if self.of_student(value) else set()
        self.handles |= names if single and self.is_handle(value) else set()
        self.keras_objects |= names if self.is_keras(value) else set()

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            path = f"{module}.{alias.name}".lstrip(".")
            if path.split(".")[0] == "keras":
                self.keras[alias.asname or alias.name.split(".")[0]] = path if alias.asname or module else "keras"

    def of_student(self, node: ast.expr) -> bool:
        """Whether an expression is a student's name, or reached from one by calls, attributes and items."""
        while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
            node = node.func if isinstance(node, ast.Call) else node.value
        return isinstance(node, ast.Name) and node.id in self.student

    def is_handle(self, node: ast.expr) -> bool:
        """Whether an expression surely is an object of the student's and no plain data: a name, or a new instance."""
        if isinstance(node, ast.Call):
            return isinstance(node.func, ast.Name) and node.func.id in self.classes
        return isinstance(node, ast.Name) and node.id in self.handles

    def is_keras(self, node: ast.expr) -> bool:
        """Whether an expression makes or names a Keras layer, model, optimizer and the like."""
        if isinstance(node, ast.Name) and node.id in self.keras_objects:
            return True
        if isinstance(node, ast.List | ast.Tuple):
            return any(self.is_keras(element) for element in node.elts)
        while isinstance(node, ast.Call):
            node = node.func
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.keras:
            return False
        return bool(_KERAS_OBJECTS & {*self.keras[node.id].split("."), *parts})


def _tree_or_nothing(cell: NotebookNode) -> ast.Module:
    try:
        return syntax_tree(cell.source)
    except SyntaxError:  # `_python` reports it
        return ast.Module([], [])


def _bound(tree: ast.Module) -> set[str]:
    """The names that a cell binds, without those whose object it only changes (`x.a = 1`)."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    inner = {
        name.id
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp)
        or isinstance(function, ast.GeneratorExp)
        for name in ast.walk(function)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return (names - inner) | defined


def _first_line(cell: NotebookNode, name: str) -> int:
    lines = [
        node.lineno
        for node in ast.walk(_tree_or_nothing(cell))
        if name in (getattr(node, "id", None), getattr(node, "name", None))
    ]
    return min(lines, default=0)
