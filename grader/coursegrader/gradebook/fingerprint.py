"""Fingerprints: what a mark depends on, by content, so that a later run knows what is graded already.

A fingerprint has three parts: the submission's bytes; the specification (solution, files, held-out material, limits,
the grader's version, the sandbox's level) without its tests; and each test cell by itself, so that one question can be
graded again without the others becoming stale.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache

import nbformat
from nbformat import NotebookNode

from coursegrader import __version__
from coursegrader.notebooks import Role, grade_id, role
from coursegrader.submission.intake import Submission
from coursegrader.submission.spec import Spec

NOTEBOOKS = ("solution", "reference")


@dataclass(frozen=True)
class Fingerprint:
    """What a mark depends on: digests of the submission, of the specification without tests, and of each test cell."""

    submission: str
    specification: str
    tests: dict[str, str]


def fingerprint(submission: Submission, spec: Spec, level: str) -> Fingerprint:
    """The fingerprint of a submission, graded by `spec` in a sandbox of `level`.

    When it was handed in is no part of it: that changes a penalty and nothing that the exam finds.
    """
    specification, tests = _of_specification(_Key(spec, level))
    refusal = str(submission.refusal) if submission.refusal else ""
    work = _digest((submission.notebook, submission.files, refusal, submission.notes))
    return Fingerprint(work, specification, dict(tests))


def digest(data: bytes) -> str:
    """The digest of a file's bytes."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, eq=False)
class _Key:
    """A specification and a level; compared by identity, because a specification holds dictionaries."""

    spec: Spec
    level: str

    def __hash__(self) -> int:
        return hash((id(self.spec), self.level))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.spec is self.spec and other.level == self.level


@lru_cache(maxsize=4)
def _of_specification(key: _Key) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Digest of everything but the tests, and each test's own, from a specification's every field."""
    tests: dict[str, str] = {}
    parts: dict[str, object] = {"grader": __version__, "level": key.level}
    for field in fields(key.spec):
        value = getattr(key.spec, field.name)
        parts[field.name] = _cells(value, tests) if field.name in NOTEBOOKS else value
    return _digest(parts), tuple(tests.items())


def _cells(notebook: bytes, tests: dict[str, str]) -> list:
    """A notebook's cells without outputs and ids; a test cell's content goes to `tests`, its place stays."""
    kept = []
    for cell in nbformat.reads(notebook.decode(), as_version=4).cells:
        if role(cell) is Role.TEST:
            name = grade_id(cell)
            tests[name] = _digest((tests.get(name, ""), _content(cell)))
            kept.append(name)
        else:
            kept.append(_content(cell))
    return kept


def _content(cell: NotebookNode) -> tuple:
    marks, tags = cell.metadata.get("nbgrader", {}), cell.metadata.get("tags", [])
    # nbgrader's checksum depends on its version and says nothing that the source does not.
    marks = {name: value for name, value in marks.items() if name != "checksum"}
    return cell.cell_type, cell.source, marks, list(tags), dict(cell.get("attachments", {}))


def _digest(value: object) -> str:
    sha = hashlib.sha256()
    _feed(sha, value)
    return sha.hexdigest()


def _feed(sha, value: object) -> None:
    """Feeds plain data into a digest: no two different values feed the same bytes."""
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, bytes | str):
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        sha.update(f"{type(value).__name__}{len(data)}:".encode())
        sha.update(data)
    elif isinstance(value, dict):
        sha.update(f"dict{len(value)}:".encode())
        for name in sorted(value):
            _feed(sha, name)
            _feed(sha, value[name])
    elif isinstance(value, list | tuple):
        sha.update(f"list{len(value)}:".encode())
        for one in value:
            _feed(sha, one)
    elif isinstance(value, set | frozenset):
        _feed(sha, sorted(value))
    elif value is None or isinstance(value, bool | int | float):
        sha.update(f"{value!r};".encode())
    else:
        raise TypeError(
            f"no fingerprint of a {type(value).__name__}: give it a form in coursegrader.gradebook.fingerprint"
        )
