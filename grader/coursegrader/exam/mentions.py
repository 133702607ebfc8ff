"""What library functions an answer mentions, read from its syntax tree; nothing is run.

From the functions that a task asks for, every definition of the student's that they lead to is read, and each dotted
name is followed through imports, aliases and `getattr` with a literal to the path that it stands for. Where that is
certain, the mention is sure; where a name may stand for several things, it is not. Constructions that hide a name
until the program runs are reported as such.
"""

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from IPython.core.inputtransformer2 import TransformerManager

# The first part of the path of an argument: `model.fit` is the method of what the test passes as `model`.
ARGUMENT = "$"
_HIDING = {"eval", "exec", "compile", "__import__", "globals", "get_ipython", "__builtins__"}
_HIDING_MODULES = {"importlib", "builtins", "imp", "runpy", "pkgutil", "ctypes", "subprocess"}
_HIDING_PATHS = ("sys.modules", "os.system", "os.popen")
# What every notebook has without defining it.
_GIVEN = {"display", "__name__", "__file__", "__doc__"}
_BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.TryStar, ast.Match, ast.AsyncFor, ast.AsyncWith)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)
# Cell magics whose cell is no code.
_SHOWS = tuple(f"%%{name}" for name in ("html", "HTML", "markdown", "latex", "svg", "SVG", "javascript", "js"))
MAX_DEPTH = 30
MAX_STEPS = 200_000


class TooTangled(RuntimeError):
    """The code leads through more names than anyone would follow."""


class Cell(NamedTuple):
    """A cell that ran before the test: its label, its source, whether the student wrote it, whether it ran through."""

    label: str
    source: str
    students: bool
    whole: bool = True


class Mention(NamedTuple):
    """A path that the student's code mentions, and where: cell, line and function.

    `sure` says that the name can stand for nothing else; `escapes` that it is handed on, instead of used by attribute;
    `star` that a star import is what may have brought it.
    """

    path: str
    cell: str
    line: int
    function: str
    sure: bool
    escapes: bool
    star: bool = False


class Hint(NamedTuple):
    """A construction that could hide what is used."""

    what: str
    cell: str
    line: int
    function: str


@dataclass(frozen=True)
class Mentions:
    """What the functions of a task mention."""

    paths: tuple[Mention, ...]
    hints: tuple[Hint, ...]


class _Value(NamedTuple):
    """What a name is bound to: a path, an expression to be followed, a definition, or nothing that is known."""

    path: str = ""
    node: ast.AST | None = None
    cell: Cell | None = None


class Parameter(NamedTuple):
    """A parameter of a function that a task asks for: its position (None: by name only) and its name."""

    position: int | None
    name: str


def mentions(
    cells: Sequence[Cell],
    functions: Iterable[str],
    parameters: Mapping[str, Sequence[Parameter]],
    files: Iterable[str] = (),
    methods: Iterable[str] = (),
) -> Mentions:
    """What the student's definitions of `functions`, and all of the student's that they lead to, mention.

    `cells` are those that ran before the test, in their order. `parameters` are those whose methods a task forbids,
    by function; `methods` are the names of these methods. `files` are the modules among the student's own files.
    """
    reader = _Reader(parameters, frozenset(files), frozenset(methods))
    try:
        for cell in cells:
            reader.collect(cell)
        reader.read(functions)
    except (TooTangled, RecursionError):
        reader.hints.append(Hint("code too tangled to be followed", reader.cell.label, 1, reader.function))
    return Mentions(tuple(dict.fromkeys(reader.paths)), tuple(dict.fromkeys(reader.hints)))


@dataclass
class _Scope:
    names: dict[str, list[_Value]]
    parent: "_Scope | None" = None
    is_class: bool = False
    # Of a class: what its methods and its body bind to `self.NAME`.
    attributes: dict[str, list[_Value]] = field(default_factory=dict)
    # Of a method: the name of its first parameter, and its class.
    itself: str = ""
    owner: "_Scope | None" = None


class _Reader:
    def __init__(self, parameters: Mapping[str, Sequence[Parameter]], files: frozenset[str], methods: frozenset[str]):
        self.parameters, self.files, self.methods = parameters, files, methods
        self.top = _Scope({})
        self.stars: list[str] = []
        self.paths: list[Mention] = []
        self.hints: list[Hint] = []
        # By definition, whether it was reached for sure.
        self.reached: dict[int, bool] = {}
        # By global name, the statements that change what it stands for without binding it.
        self.touched: dict[str, list[_Value]] = {}
        self.num_steps = 0
        self.pending: list[tuple[str, bool]] = []
        # Where the reader is: cell, function, and whether this code is surely what runs.
        self.cell = Cell("", "", True)
        self.function = ""
        self.sure = True

    # What the cells bind

    def collect(self, cell: Cell) -> None:
        """Take up what a cell binds."""
        self.cell, self.function = cell, ""
        tree = parse(cell.source)
        if tree is None:
            if cell.students and cell.whole:
                self.hints.append(Hint("code that cannot be read", cell.label, 1, ""))
            return
        for statement in tree.body:
            self._bind_top(statement, cell, sure=cell.whole)
            if cell.students:
                self._touch_top(statement, cell)
        if cell.students:
            for node in _own_nodes(tree):
                self._changes(node, self.top)

    def _bind_top(self, statement: ast.stmt, cell: Cell, sure: bool) -> None:
        if isinstance(statement, _BLOCKS):
            sure = sure and isinstance(statement, ast.With | ast.AsyncWith)
        for name, value in _bindings([statement], cell):
            if value.node is None and not value.path:
                value = value._replace(node=statement)
            if name == "*":
                self.stars.append(value.path)
            elif sure:
                self.top.names[name] = [value]
            else:
                self.top.names.setdefault(name, []).append(value)

    def _touch_top(self, statement: ast.stmt, cell: Cell) -> None:
        for node in _own_nodes(statement):
            if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
                changed = node.value
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                changed = node.func.value
            else:
                continue
            while isinstance(changed, ast.Attribute | ast.Subscript):
                changed = changed.value
            if isinstance(changed, ast.Name):
                self.touched.setdefault(changed.id, []).append(_Value(node=statement, cell=cell))

    def _changes(self, node: ast.AST, scope: _Scope) -> None:
        """Code of the student's that puts something into a library, to be found there later."""
        target = None
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            target = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr" and node.args:
            target = node.args[0]
        if target is not None:
            paths, _ = self._resolve(target, scope)
            if any(not path.startswith(ARGUMENT) for path in paths):
                self._hint(f"an assignment into {min(paths)}", node)

    # Reading what is reached

    def read(self, functions: Iterable[str]) -> None:
        """Read the student's definitions of `functions`, and all that they lead to."""
        functions = list(functions)
        self.pending = [(name, True) for name in functions]
        while self.pending:
            name, sure = self.pending.pop()
            values = self.top.names.get(name, [])
            wanted = self.parameters.get(name, ()) if name in functions else ()
            for value in values:
                # What a loop, say, binds may be one of several things.
                plain = isinstance(value.node, ast.expr | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                self._reach(value, sure and plain and len(values) == 1, wanted)
            if any(isinstance(value.node, ast.expr) for value in values):
                for value in self.touched.get(name, []):
                    self._reach(value, False, ())

    def _reach(self, value: _Value, sure: bool, wanted: Sequence[Parameter]) -> None:
        if value.node is None or value.cell is None or not value.cell.students:
            return
        if self.reached.get(id(value.node), False) or (not sure and id(value.node) in self.reached):
            return
        self.reached[id(value.node)] = sure
        self.cell, self.function, self.sure = value.cell, "", sure
        self._visit(value.node, self.top, wanted)

    def _visit(self, node: ast.AST | None, scope: _Scope, wanted: Sequence[Parameter] = ()) -> None:
        if node is None:
            return
        if isinstance(node, _FUNCTIONS):
            self._function(node, scope, wanted)
        elif isinstance(node, ast.ClassDef):
            self._class(node, scope)
        elif isinstance(node, _COMPREHENSIONS):
            names = _grouped(_bindings([node], self.cell, inside=True))
            self._children(node, _Scope(names, scope))
        elif isinstance(node, ast.Name | ast.Attribute):
            self._name(node, scope, escapes=True)
        elif isinstance(node, ast.Call):
            self._call(node, scope)
        elif isinstance(node, ast.Assign | ast.NamedExpr | ast.AnnAssign):
            self._assignment(node, scope)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node)
        else:
            self._children(node, scope)

    def _children(self, node: ast.AST, scope: _Scope) -> None:
        for child in ast.iter_child_nodes(node):
            self._visit(child, scope)

    def _function(self, node: ast.AST, scope: _Scope, wanted: Sequence[Parameter]) -> None:
        arguments = node.args
        for default in (*arguments.defaults, *arguments.kw_defaults, *getattr(node, "decorator_list", ())):
            self._visit(default, scope)
        body = node.body if isinstance(node.body, list) else [node.body]
        parameters = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
        names = _grouped(_bindings(body, self.cell))
        for one in (*parameters, *(one.arg for one in arguments.kwonlyargs)):
            names.setdefault(one, []).insert(0, _Value())
        for one in filter(None, (arguments.vararg, arguments.kwarg)):
            names.setdefault(one.arg, []).insert(0, _Value())
        for parameter in wanted:
            by_position = parameter.position is not None and parameter.position < len(parameters)
            name = parameters[parameter.position] if by_position else parameter.name
            if name in names:
                names[name][0] = _Value(path=f"{ARGUMENT}.{parameter.name}")
        outer = {name for one in _own_nodes(*body) if isinstance(one, ast.Global | ast.Nonlocal) for name in one.names}
        for name in outer & names.keys():
            del names[name]
        inner = _Scope(names, scope)
        if scope.is_class and parameters:
            inner.itself, inner.owner = parameters[0], scope
        before, self.function = self.function, getattr(node, "name", self.function)
        for statement in body:
            self._visit(statement, inner)
        self.function = before

    def _class(self, node: ast.ClassDef, scope: _Scope) -> None:
        for part in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            # To inherit is to use.
            self._visit(part, scope)
        inner = _Scope(_grouped(_bindings(node.body, self.cell)), scope, is_class=True)
        inner.attributes = {name: list(values) for name, values in inner.names.items()}
        for method in node.body:
            if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and method.args.args:
                for name, value in _attributes_of(method.args.args[0].arg, method, self.cell):
                    inner.attributes.setdefault(name, []).append(value)
        for statement in node.body:
            self._visit(statement, inner)

    def _assignment(self, node: ast.Assign | ast.NamedExpr | ast.AnnAssign, scope: _Scope) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        pairs = [pair for target in targets for pair in _pairs(target, node.value)]
        for target, value in pairs:
            if value is not None and isinstance(value, ast.Name | ast.Attribute):
                # Another name for something: it is followed where that name is used.
                is_alias = isinstance(target, ast.Name) or (
                    isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
                )
                self._name(value, scope, escapes=not is_alias)
            else:
                self._visit(value, scope)
            if not isinstance(target, ast.Name):
                self._children(target, scope)
                self._changes(target, scope)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        for module in modules:
            self._module(module, node)

    def _module(self, module: str, node: ast.AST) -> None:
        root = module.partition(".")[0]
        if root in self.files:
            self._hint(f"the student's own file {root}.py", node)
        elif root in _HIDING_MODULES:
            self._hint(f"the module {root}", node)

    def _call(self, node: ast.Call, scope: _Scope) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) and self._lookup(node.func.id, scope) is None else ""
        if name == "getattr" and len(node.args) >= 2:
            if not _is_text(node.args[1]):
                self._hint("getattr with a name that is made at run time", node)
            elif self._record(node, scope, escapes=True):
                return
        arguments = node.args
        if name in ("isinstance", "issubclass"):
            # To ask what something is uses nothing.
            arguments = node.args[:1]
        self._changes(node, scope)
        if isinstance(node.func, ast.Name | ast.Attribute):
            self._name(node.func, scope, escapes=False)
        else:
            self._visit(node.func, scope)
        for argument in (*arguments, *(keyword.value for keyword in node.keywords)):
            self._visit(argument, scope)

    def _name(self, node: ast.Name | ast.Attribute, scope: _Scope, escapes: bool) -> None:
        if not isinstance(node.ctx, ast.Load):
            return
        if self._record(node, scope, escapes):
            return
        if isinstance(node, ast.Attribute):
            if node.attr in self.methods:
                self._hint(f".{node.attr} of something that is not followed", node)
            self._visit(node.value, scope)
            return
        values = self._lookup(node.id, scope)
        if values is None:
            if node.id in _HIDING:
                self._hint(node.id, node)
            elif not hasattr(builtins, node.id) and not self.stars and node.id not in _GIVEN:
                self._hint(f"the name {node.id}, which no cell defines in plain sight", node)
            for module in self.stars:
                self._add(f"{module}.{node.id}", node, sure=len(self.stars) == 1, escapes=False, star=True)
        elif self.top.names.get(node.id) is values:
            self.pending.append((node.id, self.sure))

    # What a name stands for

    def _lookup(self, name: str, scope: _Scope) -> list[_Value] | None:
        own = scope
        while scope is not None:
            if name in scope.names and (scope is own or not scope.is_class):
                return scope.names[name]
            scope = scope.parent
        return None

    def _resolve(self, node: ast.AST, scope: _Scope, depth: int = 0) -> tuple[set[str], bool]:
        """The paths that an expression may stand for, and whether it can be nothing else."""
        self.num_steps += 1
        if self.num_steps > MAX_STEPS:
            raise TooTangled
        if depth > MAX_DEPTH:
            return set(), False
        if isinstance(node, ast.Name):
            return self._follow(self._lookup(node.id, scope) or [], scope, depth, name=node.id)
        if isinstance(node, ast.Attribute):
            base, attribute = node.value, node.attr
        elif _is_getattr(node):
            base, attribute = node.args[0], node.args[1].value
        elif isinstance(node, ast.IfExp):
            left, right = (self._resolve(part, scope, depth + 1) for part in (node.body, node.orelse))
            return left[0] | right[0], False
        elif isinstance(node, ast.NamedExpr):
            return self._resolve(node.value, scope, depth + 1)
        else:
            return set(), True
        itself = _method(scope)
        if itself is not None and isinstance(base, ast.Name) and base.id == itself.itself:
            return self._follow(itself.owner.attributes.get(attribute, []), scope, depth)
        paths, sure = self._resolve(base, scope, depth + 1)
        return {f"{path}.{attribute}" for path in paths}, sure

    def _follow(self, values: list[_Value], scope: _Scope, depth: int, name: str = "") -> tuple[set[str], bool]:
        paths: set[str] = set()
        sure = len(values) == 1
        while name and scope is not None and scope.names.get(name) is not values:
            scope = scope.parent
        for value in values:
            if value.path:
                paths.add(value.path)
            elif isinstance(value.node, ast.expr):
                found, certain = self._resolve(value.node, scope or self.top, depth + 1)
                paths |= found
                sure = sure and certain
        return paths, sure

    # What is found

    def _record(self, node: ast.expr, scope: _Scope, escapes: bool) -> bool:
        paths, sure = self._resolve(node, scope)
        for path in sorted(paths):
            self._add(path, node, sure=sure and len(paths) == 1, escapes=escapes)
        return bool(paths)

    def _add(self, path: str, node: ast.AST, *, sure: bool, escapes: bool, star: bool = False) -> None:
        self._module(path, node)
        if path.startswith(_HIDING_PATHS):
            self._hint(path, node)
        line = getattr(node, "lineno", 0)
        self.paths.append(Mention(path, self.cell.label, line, self.function, sure and self.sure, escapes, star))

    def _hint(self, what: str, node: ast.AST) -> None:
        self.hints.append(Hint(what, self.cell.label, getattr(node, "lineno", 0), self.function))


@lru_cache(maxsize=512)
def parse(source: str) -> ast.Module | None:
    """The syntax tree of a cell as IPython runs it, with the cell's own lines; None where it is not Python."""
    if source.startswith(_SHOWS):
        return ast.Module([], [])
    if source.startswith("%%"):
        # What a cell magic wraps is code like any other; its first line stays as an empty one.
        source = "\n".join(["", *source.split("\n")[1:]])
    try:
        return ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _own_nodes(*roots: ast.AST) -> Iterator[ast.AST]:
    """The nodes of these trees without those inside functions, classes and comprehensions."""
    pending = list(roots)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, _SCOPES):
            pending += ast.iter_child_nodes(node)


def _bindings(roots: Iterable[ast.AST], cell: Cell, inside: bool = False) -> Iterator[tuple[str, _Value]]:
    """The names that code binds in its own scope, with what they are bound to; `*` for a star import."""
    roots = list(roots)
    if inside:
        roots = [child for root in roots for child in ast.iter_child_nodes(root)]
    plain: dict[int, ast.expr] = {}
    for node in _own_nodes(*roots):
        match node:
            case ast.Import():
                for alias in node.names:
                    path = alias.name if alias.asname else alias.name.partition(".")[0]
                    yield alias.asname or path, _Value(path=path)
            case ast.ImportFrom(level=0):
                for alias in node.names:
                    path = node.module if alias.name == "*" else f"{node.module}.{alias.name}"
                    yield alias.asname or alias.name, _Value(path=path)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, _Value(node=node, cell=cell)
            case ast.Assign() | ast.NamedExpr() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target, value in (pair for one in targets for pair in _pairs(one, node.value)):
                    if isinstance(target, ast.Name) and value is not None:
                        plain[id(target)] = value
                        yield target.id, _Value(node=value, cell=cell)
                    elif isinstance(target, ast.Name):
                        plain[id(target)] = target
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, _Value(cell=cell)
            case ast.Name(ctx=ast.Store()) if id(node) not in plain:
                yield node.id, _Value(cell=cell)


def _pairs(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """The parts of an assignment: of two sequences of the same length, element by element."""
    sequences = ast.Tuple | ast.List
    if isinstance(target, sequences) and isinstance(value, sequences) and len(target.elts) == len(value.elts):
        if not any(isinstance(one, ast.Starred) for one in (*target.elts, *value.elts)):
            for pair in zip(target.elts, value.elts, strict=True):
                yield from _pairs(*pair)
            return
    yield target, value


def _grouped(pairs: Iterable[tuple[str, _Value]]) -> dict[str, list[_Value]]:
    grouped: dict[str, list[_Value]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _attributes_of(itself: str, method: ast.AST, cell: Cell) -> Iterator[tuple[str, _Value]]:
    for node in ast.walk(method):
        if isinstance(node, ast.Assign):
            for target, value in (pair for one in node.targets for pair in _pairs(one, node.value)):
                if (
                    isinstance(target, ast.Attribute)
                    and isinstance(target.value, ast.Name)
                    and target.value.id == itself
                ):
                    yield target.attr, _Value(node=value, cell=cell)


def _method(scope: _Scope | None) -> _Scope | None:
    """The innermost method around a scope."""
    while scope is not None and scope.owner is None:
        scope = scope.parent
    return scope


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_getattr(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and len(node.args) >= 2
        and _is_text(node.args[1])
    )
