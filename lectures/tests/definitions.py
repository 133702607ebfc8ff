"""What a lecture defines, without running it: for tests of the functions and classes that its notebook writes out."""

import ast
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).resolve().parents[1]


def definitions(lecture: str, **values: Any) -> ModuleType:
    """A module with the imports, functions, classes and literal constants of a lecture ("3_speech/2_wavenet").

    Reads the text twin. What cells compute is left out; `values` stand for those results that functions use
    (`definitions("3_speech/2_wavenet", seed=0)`), and for constants that a test wants otherwise.
    """
    path = FOLDER / f"{lecture}.py"
    twin = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    twin.body = [statement for statement in twin.body if _defines(statement)]
    module = ModuleType(f"lecture_{path.stem}")
    # Before too: defaults and decorators are evaluated where a function is defined.
    module.__dict__.update(values)
    exec(compile(twin, str(path), "exec"), module.__dict__)
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
