"""What can be done once for all submissions of an assignment: drawing the data that the course's own cells load.

These cells run anew in every kernel. But `coursedata`'s loaders remember what they drew last, so that a kernel which
is forked from a process that has loaded the same has it at once.
"""

import ast
from collections.abc import Iterable

from coursegrader.authoring.dependencies import names_of
from coursegrader.exam.division import Place, divide
from coursegrader.notebooks import syntax_tree
from coursegrader.submission.spec import Spec

_PACKAGE, _LOADER = "coursedata", "load_"


def loading(spec: Spec) -> str:
    """The statements that load data, of the cells that both kernels run, and what these need; empty where none does."""
    reference = spec.reference_notebook()
    steps = divide(reference, reference, reference)
    statements = [one for step in steps if step.place is Place.BOTH for one in _statements(step.source)]
    loaders = set(_loaders(statements))
    needed: set[str] = set()
    chosen: list[str] = []
    for source in map(ast.unparse, reversed(statements)):
        names = names_of(source)
        if names.reads & loaders or names.binds & needed:
            chosen.append(source)
            needed |= names.reads
    return "\n".join(reversed(chosen))


def _statements(source: str) -> list[ast.stmt]:
    try:
        return syntax_tree(source).body
    except SyntaxError:
        # IPython's own syntax: what it does, it does in the kernel.
        return []


def _loaders(statements: Iterable[ast.stmt]) -> Iterable[str]:
    """The names under which loaders are imported."""
    for statement in statements:
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").split(".")[0] == _PACKAGE:
            yield from (one.asname or one.name for one in statement.names if one.name.startswith(_LOADER))
