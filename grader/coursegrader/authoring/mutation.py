"""Mutation testing of an assignment: small faults put into the solutions, which the tests must notice.

    python -m coursegrader.authoring.mutation PS

A mutant is the solution with one change inside a solution region: an operator swapped, a constant off by one, a
statement dropped, and so on. One that compiles to the solution's own bytecode is left out. A mutant is rejected when a
test cell that it can reach gives fewer points than the solution gets, or never ends. Those that survive are listed in
`solutions/PS/survivors.toml`, each with the reason why it may:

    [survivors]
    "convolution_forward.constant.3f2a91" = "np.empty is filled wholly afterwards, so that ones do as well"

Mutants that only a training run can judge are sampled: `--slow` of each answer, chosen by their ids: always the same.
"""

import ast
import copy
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Annotated

import typer
from nbformat.notebooknode import NotebookNode
from rich.console import Console
from rich.progress import track
from rich.table import Table

from coursegrader.authoring.trial import Bench, Limits, Warm
from coursegrader.course import Course
from coursegrader.errors import CourseError
from coursegrader.notebooks import SOLUTION, Role, marked_regions, read, syntax_tree, with_role

SURVIVORS = "survivors.toml"
WANTED_SHARE = 0.9
SLOW_SECONDS = 5.0
NUM_SLOW = 4
LIMITS = Limits(spare=5.0, wall_spare=45.0)

_ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
_COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_PAIRS = (
    ("min", "max"),
    ("minimum", "maximum"),
    ("argmin", "argmax"),
    ("floor", "ceil"),
    ("sum", "mean"),
    ("mean", "sum"),
    ("var", "std"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("any", "all"),
    ("exp", "log"),
)
_SWAPPED_NAMES = {**{right: left for left, right in _PAIRS}, **dict(_PAIRS)}


class MutationError(CourseError):
    """A file of survivors that cannot be used."""


@dataclass(frozen=True)
class Mutant:
    """One change: the answer, the operator's name, the line in the cell, what became what, the cell's new source."""

    answer: str
    operator: str
    line: int
    change: str
    occurrence: int
    source: str

    @property
    def id(self) -> str:
        """A name that stays when other lines of the answer change."""
        digest = hashlib.sha256(f"{self.change}#{self.occurrence}".encode()).hexdigest()[:6]
        return f"{self.answer}.{self.operator}.{digest}"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: `rejected`, `survived`, `timeout` (counts as rejected) or `not tried` (sampled out)."""

    mutant: Mutant
    status: str
    by: tuple[str, ...] = ()
    cpu: float = 0.0

    @property
    def tried(self) -> bool:
        """Whether it counts."""
        return self.status != "not tried"


def mutants(notebook: NotebookNode) -> list[Mutant]:
    """Every mutant of a notebook's answers, in order, without those whose bytecode is another's or the solution's."""
    found: list[Mutant] = []
    for name, cell in with_role(notebook, Role.ANSWER).items():
        found += _mutants_of(name, cell.source)
    return found


def judge(notebook: NotebookNode, bench: Bench, num_slow: int = NUM_SLOW, show: bool = False) -> list[Verdict]:
    """The verdict on each mutant; of those that only slow tests can judge, `num_slow` of each answer are tried."""
    best = bench.solution.points
    candidates = mutants(notebook)
    reach = {mutant.id: bench.reach({mutant.answer: mutant.source}) for mutant in candidates}
    slow = {
        (answer, test)
        for answer in {mutant.answer for mutant in candidates}
        for test in bench.tests
        if bench.cost(bench.plan({answer: "pass"}, [test])) > SLOW_SECONDS
    }

    def run(mutant: Mutant, tests: list[str]) -> Verdict:
        result = bench.run({mutant.answer: mutant.source}, tests)
        by = tuple(test for test in tests if result.points[test] < best[test])
        late = result.died is not None or any("CellTimeout" in (result.outcomes[test].error or "") for test in by)
        return Verdict(mutant, ("timeout" if late else "rejected") if by else "survived", by, result.cpu)

    def quick(mutant: Mutant) -> Verdict:
        tests = [test for test in reach[mutant.id] if (mutant.answer, test) not in slow]
        return run(mutant, tests) if tests else Verdict(mutant, "survived")

    with ThreadPoolExecutor(bench.jobs) as pool:
        total = len(candidates)
        verdicts = list(
            track(pool.map(quick, candidates), "mutants", total, disable=not show, console=Console(stderr=True))
        )
        chosen = _sample(
            [verdict.mutant for verdict in verdicts if verdict.status == "survived"], reach, slow, num_slow
        )
        again = dict(
            zip(
                [mutant.id for mutant in chosen],
                track(
                    pool.map(lambda mutant: run(mutant, reach[mutant.id]), chosen),
                    "mutants that train",
                    len(chosen),
                    disable=not show,
                    console=Console(stderr=True),
                ),
                strict=True,
            )
        )
    return [_final(verdict, again, reach, slow) for verdict in verdicts]


def reasons(folder: Path) -> dict[str, str]:
    """Why mutants may survive, by their ids; raises `MutationError` where the file is broken."""
    path = folder / SURVIVORS
    if not path.exists():
        return {}
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("survivors", {})
    except tomllib.TOMLDecodeError as error:
        raise MutationError(f'{path}: not TOML ({error}); write lines like \'"ID" = "reason"\'') from error
    if bare := [name for name, reason in entries.items() if not (isinstance(reason, str) and reason.strip())]:
        raise MutationError(f"{path}: no reason for {', '.join(bare)}; say why the mutant may survive")
    return entries


def complaints(verdicts: list[Verdict], known: Mapping[str, str]) -> list[str]:
    """What is wrong with a run: too few rejected, survivors without a reason, reasons for mutants that died."""
    tried = [verdict for verdict in verdicts if verdict.tried]
    survived = {verdict.mutant.id: verdict.mutant for verdict in tried if verdict.status == "survived"}
    untried = {verdict.mutant.id for verdict in verdicts if not verdict.tried}
    found = []
    share = 1 - len(survived) / len(tried) if tried else 0.0
    if share < WANTED_SHARE:
        found.append(f"{share:.1%} of the mutants are rejected; strengthen the tests until it is {WANTED_SHARE:.0%}")
    for name, mutant in survived.items():
        if name not in known:
            found.append(f"{name} survived (line {mutant.line}: {mutant.change}); test for it, or give the reason")
    for name in known.keys() - survived.keys() - untried:
        found.append(f"{name} has a reason to survive and does not; take it out of {SURVIVORS}")
    return found


def _sample(survivors: list[Mutant], reach: Mapping, slow: set, num: int) -> list[Mutant]:
    """Of the mutants that have a slow test left to face, the first `num` of each answer in the order of a hash."""
    left: dict[str, list[Mutant]] = {}
    for mutant in survivors:
        if any((mutant.answer, test) in slow for test in reach[mutant.id]):
            left.setdefault(mutant.answer, []).append(mutant)
    return [
        mutant
        for group in left.values()
        for mutant in sorted(group, key=lambda each: hashlib.sha256(each.id.encode()).hexdigest())[:num]
    ]


def _final(verdict: Verdict, again: Mapping[str, Verdict], reach: Mapping, slow: set) -> Verdict:
    mutant = verdict.mutant
    if verdict.status != "survived" or mutant.id in again:
        return again.get(mutant.id, verdict)
    if any((mutant.answer, test) in slow for test in reach[mutant.id]):
        return Verdict(mutant, "not tried")
    return verdict


def _mutants_of(answer: str, source: str) -> Iterator[Mutant]:
    spans = marked_regions(source, SOLUTION) or [(0, source.count("\n") + 2)]
    tree = syntax_tree(source)
    seen = {_bytecode(tree)}
    occurrences: dict[tuple[str, str], int] = {}
    for path, node in _nodes(tree):
        if not any(begin < getattr(node, "lineno", 0) < end for begin, end in spans):
            continue
        for operator, new in _changes(node):
            changed = _with(tree, path, new)
            try:
                code = _bytecode(changed)
            except (SyntaxError, ValueError):  # such as `return` dropped from where Python wants a statement
                continue
            text = f"{_short(node)} -> {_short(new)}"
            occurrence = occurrences[operator, text] = occurrences.get((operator, text), -1) + 1
            if code not in seen:
                seen.add(code)
                yield Mutant(answer, operator, node.lineno, text, occurrence, ast.unparse(changed))


def _nodes(tree: ast.AST, path: tuple = ()) -> Iterator[tuple[tuple, ast.AST]]:
    """Every node below a tree with the way to it: pairs of a field and an index (None where it is no list)."""
    for field, value in ast.iter_fields(tree):
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if isinstance(child, ast.AST):
                way = (*path, (field, index))
                yield way, child
                yield from _nodes(child, way)


def _with(tree: ast.Module, path: tuple, new: ast.AST) -> ast.Module:
    """A copy of the tree with another node at the end of the way."""
    changed = copy.deepcopy(tree)
    parent: ast.AST = changed
    for field, index in path[:-1]:
        parent = getattr(parent, field) if index is None else getattr(parent, field)[index]
    field, index = path[-1]
    if index is None:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[index] = new
    return ast.fix_missing_locations(changed)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The mutations of one node: the operator's name, and the node in its place."""
    match node:
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            yield "arithmetic", _like(node, op=_ARITHMETIC[type(op)]())
        case ast.AugAssign(op=op) if type(op) in _ARITHMETIC:
            yield "arithmetic", _like(node, op=_ARITHMETIC[type(op)]())
            yield "assignment", ast.Assign([node.target], node.value, lineno=node.lineno)
            yield "dropped", ast.Pass()
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            yield "comparison", _like(node, ops=[_COMPARISONS[type(op)]()])
        case ast.BoolOp(op=op):
            yield "boolean", _like(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            yield "sign" if isinstance(node.op, ast.USub) else "boolean", operand
        case ast.Constant(value=bool() as value):
            yield "boolean", ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield "constant", ast.Constant(value + 1)
            yield "constant", ast.Constant(value - 1)
        case ast.Call(args=args, keywords=keywords):
            for index, keyword in enumerate(keywords):
                if keyword.arg == "axis":
                    yield from _axes(node, index)
                yield "argument", _like(node, keywords=keywords[:index] + keywords[index + 1 :])
            for index in range(1, len(args)):
                yield "argument", _like(node, args=args[:index] + args[index + 1 :])
        case ast.Attribute(attr=name) if name in _SWAPPED_NAMES:
            yield "function", _like(node, attr=_SWAPPED_NAMES[name])
        case ast.Name(id=name, ctx=ast.Load()) if name in _SWAPPED_NAMES:
            yield "function", _like(node, id=_SWAPPED_NAMES[name])
        case ast.Slice(lower=lower, upper=upper):
            if lower is not None:
                yield "slice", _like(node, lower=None)
            if upper is not None:
                yield "slice", _like(node, upper=None)
        case ast.If() | ast.While():
            yield "condition", _like(node, test=ast.UnaryOp(ast.Not(), node.test))
            if isinstance(node, ast.If):
                yield "dropped", ast.Pass()
        case ast.IfExp():
            yield "condition", _like(node, body=node.orelse, orelse=node.body)
        case ast.Expr(value=ast.Call()) | ast.For() | ast.With():
            yield "dropped", ast.Pass()
        case ast.Assign(targets=[ast.Subscript()]):
            yield "dropped", ast.Pass()
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in _read_in(value):
            # `x = f(x)` can go; an assignment that brings the name into being would only raise a NameError.
            yield "dropped", ast.Pass()
        case ast.Return(value=ast.Tuple(elts=[first, second, *rest])):
            yield "order", ast.Return(ast.Tuple([second, first, *rest], ast.Load()))
        case ast.Break():
            yield "loop", ast.Continue()
        case ast.Continue():
            yield "loop", ast.Break()


def _axes(node: ast.Call, index: int) -> Iterator[tuple[str, ast.AST]]:
    """Other axes than the given ones: one of a tuple left out (single axes change as constants do)."""
    axes = node.keywords[index].value
    if isinstance(axes, ast.Tuple) and len(axes.elts) > 1:
        for left_out in range(len(axes.elts)):
            others = [axis for place, axis in enumerate(axes.elts) if place != left_out]
            keyword = ast.keyword("axis", ast.Tuple(others, ast.Load()))
            yield "axis", _like(node, keywords=[*node.keywords[:index], keyword, *node.keywords[index + 1 :]])


def _like(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _read_in(node: ast.AST) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return text if len(text) <= 70 else f"{text[:45]} ... {text[-20:]}"


def _bytecode(tree: ast.Module) -> tuple:
    return _content(compile(ast.unparse(tree), "<answer>", "exec"))


def _content(code: CodeType) -> tuple:
    """What a code object does, without where it was written."""
    constants = tuple(
        _content(value) if isinstance(value, CodeType) else (type(value), repr(value)) for value in code.co_consts
    )
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_argcount, code.co_exceptiontable


def _report(console: Console, verdicts: list[Verdict], known: Mapping[str, str]) -> None:
    table = Table("answer", "mutants", "rejected", "timeout", "survived", "not tried", title="Mutants by answer")
    for answer in dict.fromkeys(verdict.mutant.answer for verdict in verdicts):
        own = [verdict.status for verdict in verdicts if verdict.mutant.answer == answer]
        counts = (own.count(status) for status in ("rejected", "timeout", "survived", "not tried"))
        table.add_row(answer, str(len(own)), *map(str, counts))
    console.print(table)
    for verdict in verdicts:
        if verdict.status == "survived":
            mutant = verdict.mutant
            reason = known.get(mutant.id, "NO REASON GIVEN")
            console.print(
                f"{mutant.id}  line {mutant.line}: {mutant.change}\n    {reason}", markup=False, soft_wrap=True
            )
    tried = [verdict for verdict in verdicts if verdict.tried]
    num = sum(verdict.status != "survived" for verdict in tried)
    cpu = sum(verdict.cpu for verdict in verdicts)
    console.print(f"{num} of {len(tried)} rejected ({num / max(len(tried), 1):.1%}), {cpu:.0f} s of CPU")


def main(
    ps: Annotated[str, typer.Argument(help="The assignment: a folder of solutions/.")],
    slow: Annotated[int, typer.Option(help="Mutants of each answer that may train a model.")] = NUM_SLOW,
    jobs: Annotated[int | None, typer.Option(help="Trials at once; all cores by default.")] = None,
) -> None:
    """Mutates an assignment's solutions and says which mutants its tests let through."""
    console = Console()
    try:
        folder = Course.find().source(ps)
        notebook = read(folder / f"{ps}.ipynb")
        with Warm() as warm:
            verdicts = judge(notebook, Bench(notebook, warm, files=folder, jobs=jobs, limits=LIMITS), slow, show=True)
        known = reasons(folder)
    except CourseError as error:
        Console(stderr=True).print(str(error), markup=False)
        raise typer.Exit(1) from error
    _report(console, verdicts, known)
    found = complaints(verdicts, known)
    for complaint in found:
        console.print(complaint, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(int(bool(found)))


if __name__ == "__main__":
    typer.run(main)
