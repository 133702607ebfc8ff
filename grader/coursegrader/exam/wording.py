"""What the instructor said in words about a check that failed: text that stands in the notebook, and nothing computed.

A hidden part may fail in front of a student only with such text: everything else (the values of an assertion, a
library's message, what the student's code raised) can carry what the part keeps hidden.
"""

import ast
import linecache
import traceback
from collections.abc import Container

CHECKS = "coursegrader.checks"
MAX_MESSAGE = 500
_MESSAGE_ARGUMENTS = ("message", "msg", "err_msg", "hint")
# Checks whose message is wholly the caller's.
_TAKES_MESSAGE = {"require": 1}


def instructors_words(error: BaseException, cells: Container[str]) -> str:
    """The instructor's own text for this failure, or nothing.

    `cells` holds the file names of the examiner's cells. Of a computed message (an f-string) only the literal parts
    are given. A `CheckFailed` of the course's checks brings its own message, which those keep free of expected values.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [(frame, line) for frame, line in frames if frame.f_code.co_filename in cells]
    if not own:
        return ""
    frame, line = own[-1]
    last = frames[-1][0]
    in_checks = type(error).__module__ == CHECKS and last.f_globals.get("__name__") == CHECKS
    if in_checks and last.f_code.co_name not in _TAKES_MESSAGE:
        return str(error)[:MAX_MESSAGE]
    source = "".join(linecache.getlines(frame.f_code.co_filename))
    try:
        statement = _innermost(ast.parse(source), line)
    except SyntaxError:
        return ""
    inside = last is frame or in_checks or isinstance(error, AssertionError)
    return _words(statement)[:MAX_MESSAGE] if statement is not None and inside else ""


def _innermost(tree: ast.AST, line: int) -> ast.stmt | None:
    """The smallest statement that covers a line."""
    covering = [
        node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno
    ]
    return min(covering, key=lambda node: node.end_lineno - node.lineno, default=None)


def _words(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Assert):
        return _literal(statement.msg)
    if isinstance(statement, ast.Raise):
        call = statement.exc
        return _literal(call.args[0]) if isinstance(call, ast.Call) and call.args else ""
    if isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Call):
        call = statement.value
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        given = [keyword.value for keyword in call.keywords if keyword.arg in _MESSAGE_ARGUMENTS]
        if name in _TAKES_MESSAGE:
            given += call.args[_TAKES_MESSAGE[name] :]
        return " ".join(filter(None, map(_literal, given)))
    return ""


def _literal(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
        return "".join(parts)
    return ""
