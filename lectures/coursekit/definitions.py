"""What a lecture defines, without running it: for tests and benchmarks of it, and for a lecture that uses it again."""

import ast
from pathlib import Path
from types import ModuleType
from typing import Any


def definitions(twin: Path, **values: Any) -> ModuleType:
    """A module with the imports, functions, classes and literal constants of a lecture, read from its text `twin`.

    What cells compute is left out; `values` stand for those results that functions use
    (`definitions(folder / "2_wavenet.py", seed=0)`), and for constants that a test wants otherwise.
    """
    tree = ast.parse(twin.read_text(encoding="utf-8"), filename=str(twin))
    tree.body = [statement for statement in tree.body if _defines(statement)]
    module = ModuleType(f"lecture_{twin.stem}")
    # Before too: defaults and decorators are evaluated where a function is defined.
    module.__dict__.update(values)
    exec(compile(tree, str(twin), "exec"), module.__dict__)
    module.__dict__.update(values)
    return module


def _defines(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
        return True
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or not _is_literal(statement.value):
        return False
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    # Not `x[0] = 1.0`: what that changes was computed. `a, b = 1, 2` is fine.
    return not any(isinstance(node, ast.Subscript | ast.Attribute) for target in targets for node in ast.walk(target))


def _is_literal(node: ast.expr | None) -> bool:
    if node is None:
        return False
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError):
        return False
    return True
