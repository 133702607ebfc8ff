"""Which cells of a notebook a changed answer can reach, so that a trial executes those and no others.

Cells share one namespace, so a cell reaches another through names. What a cell reads is found in its syntax tree, flow
by flow: a name that the cell surely binds before it reads it comes from nowhere else. What a cell writes is what it
binds there, and what it changed in place, which no syntax shows: `trial` records that by comparing fingerprints of all
names before and after each cell, once for the instructor's notebook and again in every trial. A name carries what its
value can call later (a function's globals, the names its value was made from), so a fixture made from a changed answer
counts as changed.

Assumed, and true of this course's assignments:

* cells reach each other through names of the notebook only: not through files, `globals()`, `eval` or `import *`;
* state of libraries (seeds, precision, the plot style) is set in cells that import something or call a function whose
  name begins with `set_`, `seed`, `enable` or `disable`. Such cells always run, and each cell is seeded before it runs;
* a test cell leaves no library changed.
"""

import ast
import symtable
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nbformat.notebooknode import NotebookNode

from coursegrader.notebooks import Role, grade_id, points, role, syntax_tree

_SETTERS = ("set_", "seed", "enable", "disable")
_SWALLOWING = {"raises", "suppress", "assertRaises", "assert_raises"}


@dataclass(frozen=True)
class Names:
    """What the code of one cell does to names: reads from other cells, binds at all, and binds for sure.

    `called` gives, for each function or class defined at the top of the cell, the global names its body reads;
    `imports` what an import surely binds a name to (`np` to `numpy`) that nothing else in the cell binds.
    """

    reads: frozenset[str]
    binds: frozenset[str]
    surely: frozenset[str]
    called: Mapping[str, frozenset[str]]
    imports: Mapping[str, str]
    settings: bool


@dataclass(frozen=True)
class Code:
    """A code cell on the bench: its name (`grade_id`, or `cell N`), role, source, points and names."""

    name: str
    role: Role
    source: str
    points: float
    names: Names


@dataclass
class Record:
    """What was seen when cells ran: names that a cell changed beyond those it binds, and cells that raised."""

    changed: dict[str, set[str]] = field(default_factory=dict)
    raised: set[str] = field(default_factory=set)


def code_cells(notebook: NotebookNode) -> list[Code]:
    """The code cells of a notebook in order, each with the names it reads and writes."""
    return [
        Code(grade_id(cell) or f"cell {index}", role(cell), cell.source, points(cell), names_of(cell.source))
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
    ]


def names_of(source: str, imported: Mapping[str, str] | None = None) -> Names:
    """What a cell's code does to names; code that is not Python reads and binds nothing.

    `imported` says what names are bound to already, as `imports_of` finds it: to import the same again binds nothing.
    """
    try:
        tree = syntax_tree(source)
    except SyntaxError:
        return Names(frozenset(), frozenset(), frozenset(), {}, {}, False)
    walk = _Walk(imported or {})
    walk.block(tree.body)
    return Names(
        frozenset(walk.reads),
        frozenset(walk.binds),
        frozenset(walk.surely),
        _called(tree),
        walk.imports(),
        _changes_settings(tree),
    )


def imports_of(cells: Sequence[Code]) -> dict[str, str]:
    """What the imports of the locked cells bind names to, of names that no other cell binds to anything else."""
    targets: dict[str, set[str | None]] = {}
    for cell in cells:
        for name in cell.names.binds:
            targets.setdefault(name, set()).add(cell.names.imports.get(name) if cell.role is Role.LOCKED else None)
    return _only(targets)


def affected(cells: Sequence[Code], changed: Mapping[str, Names], record: Record) -> set[str]:
    """The cells whose behaviour may differ from the recorded run when `changed` cells hold other code."""
    dirty: set[str] = set()
    reached: set[str] = set()
    for index, cell in enumerate(cells):
        if cell.name in changed or dirty & reads(cells, index, changed):
            reached.add(cell.name)
            dirty |= _writes(cell, changed, record)
        elif cell.name not in record.raised:
            dirty -= cell.names.surely
    return reached


def needed(
    cells: Sequence[Code], changed: Mapping[str, Names], record: Record, targets: set[str], reached: set[str]
) -> list[str]:
    """`targets` and every cell before them that writes a name they can read, however indirectly, in order."""
    live: set[str] = set()
    chosen: list[str] = []
    last = max(index for index, cell in enumerate(cells) if cell.name in targets)
    for index in range(last, -1, -1):
        cell = cells[index]
        settings = cell.names.settings and cell.role in (Role.LOCKED, Role.FREE)
        if not (cell.name in targets or settings or live & _writes(cell, changed, record)):
            continue
        chosen.append(cell.name)
        # A cell that may stop half-way leaves the names bound before it as they were.
        if cell.name not in reached and cell.name not in record.raised:
            live -= cell.names.surely
        live |= reads(cells, index, changed)
    return chosen[::-1]


def _writes(cell: Code, changed: Mapping[str, Names], record: Record) -> set[str]:
    new = changed[cell.name].binds if cell.name in changed else frozenset()
    return set(cell.names.binds | new | record.changed.get(cell.name, set()))


def reads(cells: Sequence[Code], index: int, changed: Mapping[str, Names]) -> set[str]:
    """Every name that running this cell can read from cells before it: its own, and what their values carry."""
    cell = cells[index]
    names = set(cell.names.reads) | (set(changed[cell.name].reads) if cell.name in changed else set())
    found: set[str] = set()
    while names:
        name = names.pop()
        found.add(name)
        for before in cells[:index]:
            for known in (before.names, changed.get(before.name)):
                if known is not None and name in known.binds:
                    names |= (known.called.get(name, known.reads)) - found
    return found


def _called(tree: ast.Module) -> dict[str, frozenset[str]]:
    """The global names that the functions and classes at the top of a cell read, defaults and decorators too."""
    called: dict[str, frozenset[str]] = {}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            walk = _Walk({})
            walk.statement(statement)
            called[statement.name] = frozenset(walk.reads)
    return called


def _changes_settings(tree: ast.Module) -> bool:
    """Whether code that runs with the cell, not in a function for later, imports something or calls a setter."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name.startswith(_SETTERS):
                return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending += ast.iter_child_nodes(node)
    return False


class _Walk:
    """A walk over statements in the order they run, keeping what is read, what is bound, and what is surely bound."""

    def __init__(self, imported: Mapping[str, str]) -> None:
        self.imported = imported
        self.targets: dict[str, set[str | None]] = {}
        self.reads: set[str] = set()
        self.binds: set[str] = set()
        self.surely: set[str] = set()

    def imports(self) -> dict[str, str]:
        """What imports surely bind names to that nothing else binds."""
        return _only({name: self.targets[name] for name in self.surely})

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._definition(node)
            case ast.Assign(targets=targets, value=value):
                self._expression(value)
                for target in targets:
                    self._target(target)
            case ast.AugAssign(target=target, value=value):
                self._expression(value)
                self._read_names(target)
                self._target(target)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                self._expression(annotation)
                if value is not None:
                    self._expression(value)
                    self._target(target)
            case ast.If(test=test, body=body, orelse=orelse):
                self._expression(test)
                self._branches([body, orelse])
            case (
                ast.For(target=target, iter=iterable, body=body, orelse=orelse)
                | ast.AsyncFor(target=target, iter=iterable, body=body, orelse=orelse)
            ):
                self._expression(iterable)
                self._maybe(lambda: (self._target(target), self.block(body)))
                self._maybe(lambda: self.block(orelse))
            case ast.While(test=test, body=body, orelse=orelse):
                self._expression(test)
                self._maybe(lambda: self.block(body))
                self._maybe(lambda: self.block(orelse))
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    self._expression(item.context_expr)
                    if item.optional_vars is not None:
                        self._target(item.optional_vars)
                if any(_swallows(item.context_expr) for item in items):
                    self._maybe(lambda: self.block(body))
                else:
                    self.block(body)
            case (
                ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final)
                | ast.TryStar(body=body, handlers=handlers, orelse=orelse, finalbody=final)
            ):
                self._maybe(lambda: (self.block(body), self.block(orelse)))
                for handler in handlers:
                    self._maybe(lambda handler=handler: self._handler(handler))
                self.block(final)
            case ast.Match(subject=subject, cases=cases):
                self._expression(subject)
                for each in cases:
                    self._maybe(lambda each=each: self._case(each))
            case ast.Import() | ast.ImportFrom():
                for name, target in _imported(node):
                    if self.imported.get(name) == target:
                        self.reads |= {name} - self.surely
                    else:
                        self._bind(name, target)
            case ast.Delete(targets=targets):
                for target in targets:
                    self._read_names(target)
                    self._target(target)
                    self.surely -= _loaded(target, ast.Del)
            case _:
                self._expression(node)

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        free, bound = _free_names(node)
        # Inside its body the name is the definition itself; only what runs now can mean an older thing of that name.
        now = [*node.decorator_list]
        now += [*node.bases, *node.keywords] if isinstance(node, ast.ClassDef) else [node.args]
        self.reads |= free - self.surely - {node.name}
        self._may_bind(bound)
        for part in now:
            self._read_names(part)
        self._bind(node.name)

    def _handler(self, handler: ast.ExceptHandler) -> None:
        if handler.type is not None:
            self._expression(handler.type)
        if handler.name:
            self._bind(handler.name)
        self.block(handler.body)

    def _case(self, case: ast.match_case) -> None:
        for node in ast.walk(case.pattern):
            if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
                self._bind(node.name)
            elif isinstance(node, ast.MatchMapping) and node.rest:
                self._bind(node.rest)
        self._read_names(case.pattern)
        if case.guard is not None:
            self._expression(case.guard)
        self.block(case.body)

    def _branches(self, bodies: Sequence[Sequence[ast.stmt]]) -> None:
        """Alternatives: what each binds may be bound after, what all surely bind is surely bound."""
        before, after = set(self.surely), []
        for body in bodies:
            self.surely = set(before)
            self.block(body)
            after.append(self.surely)
        self.surely = set.intersection(*after)

    def _maybe(self, run) -> None:
        """Code that may run or not: nothing it binds is sure afterwards."""
        before = set(self.surely)
        run()
        self.surely = before

    def _target(self, target: ast.expr) -> None:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                self._bind(node.id)
        if not isinstance(target, ast.Name):
            self._read_names(target)
            # `x[0] = 1` and `x.a = 1` change x: a write that no name shows.
            for node in ast.walk(target):
                if isinstance(node, ast.Attribute | ast.Subscript):
                    self.binds |= _loaded(node.value, ast.Load)

    def _bind(self, name: str, target: str | None = None) -> None:
        self.binds.add(name)
        self.surely.add(name)
        self.targets.setdefault(name, set()).add(target)

    def _may_bind(self, names: set[str]) -> None:
        self.binds |= names
        for name in names:
            self.targets.setdefault(name, set()).add(None)

    def _read_names(self, node: ast.AST) -> None:
        self.reads |= {name.id for name in ast.walk(node) if isinstance(name, ast.Name)} - self.surely

    def _expression(self, node: ast.AST) -> None:
        """An expression, or a definition: the free names inside are read, whether they are called now or later."""
        free, bound = _free_names(node)
        self.reads |= free - self.surely
        self._may_bind(bound)


def _imported(node: ast.Import | ast.ImportFrom) -> list[tuple[str, str]]:
    """The names that an import binds, and what to: a module, or what a module has by a name."""
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        return [(alias.asname or alias.name, f"{module}:{alias.name}") for alias in node.names]
    return [(alias.asname or alias.name.partition(".")[0], alias.name) for alias in node.names]


def _only(targets: Mapping[str, set[str | None]]) -> dict[str, str]:
    """Of names with all that they are bound to, those that are bound to one import only."""
    return {name: target for name, found in targets.items() for target in found if target and len(found) == 1}


def _swallows(context: ast.expr) -> bool:
    """Whether a context manager is one of those that end their body at an exception and go on."""
    return any(
        name in _SWALLOWING
        for node in ast.walk(context)
        for name in (getattr(node, "attr", None), getattr(node, "id", None))
    )


def _loaded(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, context)}


def _free_names(node: ast.AST) -> tuple[set[str], set[str]]:
    """The global names that code inside a node can read, and those that it can bind, in nested functions too."""
    body = node if isinstance(node, ast.stmt) else ast.Expr(node)
    reads: set[str] = set()
    binds: set[str] = set()
    pending = [(symtable.symtable(ast.unparse(ast.Module([body], [])), "cell", "exec"), True)]
    while pending:
        scope, top = pending.pop()
        pending += [(child, False) for child in scope.get_children()]
        for symbol in scope.get_symbols():
            if top or symbol.is_global():
                reads |= {symbol.get_name()} if symbol.is_referenced() else set()
                binds |= {symbol.get_name()} if symbol.is_assigned() else set()
    return reads, binds
