"""Releases: `assignments/PS` from `solutions/PS`, made by nbgrader's own converter, and a search for leaks in them.

nbgrader does the converting: solutions become stubs, hidden tests go, outputs are cleared, cells are locked. What is
added is that the rules are checked first, that the result depends on the source alone, that the folder is replaced as
a whole or not at all, and that the gradebook learns of it only when asked.
"""

import ast
import filecmp
import hashlib
import json
import logging
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from coursegrader.authoring import rules
from coursegrader.course import Course
from coursegrader.errors import CourseError
from coursegrader.notebooks import HIDDEN, MARK_SCHEME, SOLUTION, Region, parse, read, split

PRIVATE_FOLDERS = ("mistakes", "alternatives", "examiner")
PRIVATE_FILES = ("*.py", "*.md", "NOTES*", "*.toml")
SHORTEST_SECRET = 10  # characters; shorter lines (`return out`) may stand in a public part by chance
SMALLEST_SEED = 2**32


class BuildError(CourseError):
    """A release that cannot be made; the message says what to change in the instructor's notebook."""


class Leak(NamedTuple):
    """Something in a release that students must not see: the file, and what it gives away."""

    path: str
    what: str


def build(root: Path, name: str, *, record: bool = False) -> Path:
    """Makes `assignments/NAME` from `solutions/NAME` under the course's `root`; gives the release's folder.

    The same source gives the same bytes, and a folder that already holds them stays as it is. `record` also writes the
    assignment's cells into the gradebook. Raises `BuildError`, and leaves the old release, where the notebook breaks a
    rule or nbgrader refuses it; `UnknownAssignment` where there is no such assignment.
    """
    course = Course.at(Path(root))
    source = course.source(name)
    check_rules(source / f"{name}.ipynb")
    release = course.assignments / name
    course.assignments.mkdir(exist_ok=True)
    if record:
        course.data.mkdir(parents=True, exist_ok=True)
    # Beside the release: a folder can be renamed within a file system only.
    with tempfile.TemporaryDirectory(prefix=".build-", dir=course.assignments) as scratch:
        _generate(course, name, Path(scratch), record=record)
        built = Path(scratch) / name
        if found := list(leaks(built, source)):
            raise BuildError(f"the release of {name} would leak: {found[0].what}, in {found[0].path}; take it out")
        if not _same(built, release):
            _replace(built, release, Path(scratch))
    return release


def check_rules(path: Path) -> None:
    """Raises `BuildError` with every rule that the instructor's notebook breaks."""
    if findings := rules.check(read(path)):
        listing = "\n".join(f"  {finding}" for finding in findings)
        raise BuildError(f"{path.name} breaks {len(findings)} rules; change these cells:\n{listing}")


def release_config(config: Config, name: str, folder: str, *, record: bool) -> Config:
    """The course's nbgrader configuration, for releasing `name` into `folder` (relative to the course's root)."""
    changed = Config()
    changed.merge(config)
    changed.CourseDirectory.assignment_id = name
    changed.CourseDirectory.release_directory = folder
    changed.CourseDirectory.ignore = [*config.CourseDirectory.ignore, *PRIVATE_FOLDERS, *PRIVATE_FILES]
    if not record:  # what nbgrader's own --no-db sets
        changed.SaveCells.enabled = False
        changed.GenerateAssignment.no_database = True
    return changed


def leaks(release: Path, solution: Path) -> Iterator[Leak]:
    """What a release gives away of its solution's folder.

    That is: files that belong to instructors or equal one of theirs, outputs, and, in any text, lines of solutions,
    hidden tests, marking schemes, mistakes, alternatives and held-out material, and seeds from hidden tests, unless the
    public part of the instructor's notebook holds them too.
    """
    private_files = {_digest(path): path for path in _files(solution) if _is_private(path.relative_to(solution))}
    secrets = _Secrets(solution)
    for path in _files(release):
        name = path.relative_to(release).as_posix()
        if _is_private(path.relative_to(release)):
            yield Leak(name, "a file that only instructors have")
        elif (original := private_files.get(_digest(path))) is not None:
            yield Leak(name, f"a copy of {original.relative_to(solution).as_posix()}")
        text = _text(path)
        yield from (Leak(name, what) for what in secrets.found_in(text))
        if path.suffix == ".ipynb":
            for index, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
                if cell.get("outputs") or cell.get("execution_count"):
                    yield Leak(name, f"the outputs of cell {index}")


class _Secrets:
    """The lines and seeds of an assignment that only instructors may see."""

    def __init__(self, solution: Path) -> None:
        public: list[str] = []
        private: dict[str, str] = {}
        for path in sorted(solution.glob("*.ipynb")):
            for cell in read(path).cells:
                rest = cell.source
                for region, kind in (
                    (SOLUTION, "a solution"),
                    (HIDDEN, "a hidden test"),
                    (MARK_SCHEME, "a mark scheme"),
                ):
                    rest, inside = split(rest, region)
                    private |= dict.fromkeys(_lines(inside), kind)
                public.append(rest)
        for path in _files(solution):
            # A twin says what its notebook says, public parts and all.
            if _is_private(path.relative_to(solution)) and not path.with_suffix(".ipynb").exists():
                private |= dict.fromkeys(_lines(_text(path)), path.relative_to(solution).as_posix())
        shown = "\n".join(public)
        self.lines = {line: kind for line, kind in private.items() if line not in shown}
        self.seeds = held_out_seeds(solution) - {int(number) for number in re.findall(r"\d+", shown)}

    def found_in(self, text: str) -> list[str]:
        found = [f"a line of {kind}: {line}" for line, kind in self.lines.items() if line in text]
        plain = text.replace("_", "").lower()
        return found + ["a held-out seed" for seed in sorted(self.seeds) if str(seed) in plain or f"{seed:x}" in plain]


def held_out_seeds(solution: Path) -> set[int]:
    """The large whole numbers in the hidden tests of the folder's notebooks, by which they make held-out material."""
    return {
        number
        for path in solution.glob("*.ipynb")
        for cell in read(path).cells
        if cell.cell_type == "code" and HIDDEN.begin in cell.source
        for number in _numbers_inside(cell, HIDDEN)
        if number >= SMALLEST_SEED
    }


def _numbers_inside(cell: Any, region: Region) -> Iterator[int]:
    inside = split(cell.source, region)[1]
    for node in ast.walk(parse(cell)):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            text = ast.get_source_segment(cell.source, node) or ""
            if text and text in inside:
                yield node.value


def _generate(course: Course, name: str, scratch: Path, *, record: bool) -> None:
    config = release_config(course.config, name, scratch.relative_to(course.root).as_posix(), record=record)
    log = logging.getLogger("coursegrader.authoring.build")
    messages = _Errors()
    log.addHandler(messages)
    log.propagate = False
    try:
        directory = CourseDirectory(config=config, log=log)
        GenerateAssignment(coursedir=directory, config=config, log=log).start()
    except NbGraderException as error:
        raise BuildError(f"nbgrader cannot release {name}: {messages.last or error}") from error
    finally:
        log.removeHandler(messages)


class _Errors(logging.Handler):
    """Keeps the last line of the first error, where nbgrader names the reason."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        lines = [line for line in record.getMessage().splitlines() if line.strip()]
        if lines and not self.last:
            self.last = lines[-1]


def _same(left: Path, right: Path) -> bool:
    """Whether two folders hold the same files with the same bytes."""
    names = [path.relative_to(left) for path in _files(left)]
    if not right.is_dir() or names != [path.relative_to(right) for path in _files(right)]:
        return False
    return not any(filecmp.cmpfiles(left, right, names, shallow=False)[1:])


def _replace(built: Path, release: Path, scratch: Path) -> None:
    """Puts `built` in the place of `release`; the old one comes back where that fails."""
    old = scratch / "old"
    if release.exists():
        release.rename(old)
    try:
        built.rename(release)
    except OSError:
        if old.exists():
            old.rename(release)
        raise


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _is_private(path: Path) -> bool:
    return bool(set(PRIVATE_FOLDERS) & set(path.parts)) or any(path.match(pattern) for pattern in PRIVATE_FILES)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _text(path: Path) -> str:
    """All the text in a file: every string of a notebook, joined; nothing for a file that is not text."""
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
    return "\n".join(_strings(json.loads(content))) if path.suffix == ".ipynb" else content


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *_strings(item))
    elif isinstance(value, list):
        # A cell's source is a list of its lines, each with its newline.
        yield "".join(item for item in value if isinstance(item, str))
        for item in value:
            if not isinstance(item, str):
                yield from _strings(item)


def _lines(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if len(line) >= SHORTEST_SECRET and any(letter.isalpha() for letter in line)]
