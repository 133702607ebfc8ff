"""Intake: is what a student handed in a notebook that can be graded? Reads only; every refusal says what to do."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import nbformat
import traitlets.log
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from coursegrader.errors import NothingSubmitted, Refused
from coursegrader.submission.spec import Spec

MAX_CELLS = 2000
MAX_FILES = 200
# More than this in one folder is no submission, and looking through it would take the run's time.
MAX_ENTRIES = 20_000
# What can be a student's id and a folder's name at once: no pattern, no hidden file, no spreadsheet formula.
STUDENT = re.compile(r"[\w][\w.@+-]{0,127}", re.UNICODE)
NEW_CELL = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


@dataclass(frozen=True)
class Submission:
    """What one student handed in: bytes, or the reason why there are none.

    `files` are the student's other files (name to bytes), `timestamp` the text of `timestamp.txt`, `notes` what staff
    should know about it.
    """

    student: str
    notebook: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    timestamp: str | None = None
    refusal: Refused | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Intake:
    """A submitted notebook in nbformat 4, reduced to what grading uses, and notes for staff."""

    notebook: NotebookNode
    notes: tuple[str, ...]


def find_submissions(folder: Path, spec: Spec) -> Iterator[Submission]:
    """Every submission in a folder laid out as `STUDENT/PS/*.ipynb`, in the students' order, each read at its turn.

    Raises `NothingSubmitted` as `students_folders` does.
    """
    for path in students_folders(folder, spec):
        yield open_submission(path, spec)


def students_folders(folder: Path, spec: Spec) -> list[Path]:
    """The folders of the students who handed in the assignment, in the students' order.

    Raises `NothingSubmitted` when there is none, so that a mistyped folder is not a class without marks.
    """
    if not folder.is_dir():
        raise NothingSubmitted(
            f"There is no folder {folder}; submissions are looked for in FOLDER/STUDENT/{spec.assignment}/."
        )
    # A folder of a student with nothing for this assignment is no submission: other assignments lie there too.
    students = [
        path
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".") and _is_there(path / spec.assignment)
    ]
    if not students:
        raise NothingSubmitted(
            f"{folder} holds no submission: STUDENT/{spec.assignment}/*.ipynb is looked for in it;"
            f" {_what_is_there(folder, spec)}"
        )
    return students


def _what_is_there(folder: Path, spec: Spec) -> str:
    """What lies in a folder without a submission, as the end of a sentence that says what to do."""
    inner = [path for path in sorted(folder.glob("[!.]*/[!.]*")) if path.is_dir()]
    if deeper := sorted({path.parent for path in inner if _is_there(path / spec.assignment)}):
        shown = _shortened([_shown(str(path)) for path in deeper])
        return f"submissions lie one folder deeper, so name {shown} instead."
    if _is_there(folder / spec.assignment):
        return f"it seems to be one student's folder, so name the one above it: {folder.resolve().parent}."
    loose = sorted(path for pattern in ("[!.]*.ipynb", "[!.]*/[!.]*.ipynb") for path in folder.glob(pattern))
    if loose:
        shown = _shortened([_shown(str(path.relative_to(folder))) for path in loose])
        return f"put each student's notebook ({shown}) into a folder STUDENT/{spec.assignment}/ of its own."
    others = sorted({_shown(path.name) for path in inner})
    return f"is one of {_shortened(others)} meant?" if others else "is it the folder of the class?"


def _is_there(path: Path) -> bool:
    """Whether something of that name is there, be it unreadable or a link to nowhere: that is refused, not skipped."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def open_submission(path: Path, spec: Spec) -> Submission:
    """The submission in a student's folder `path`; a refusal is stored in it, not raised."""
    student = _shown(path.name)
    if not student.isprintable() or student.startswith(tuple("=+-@")):
        # No such name is accepted, but its refusal is shown: on terminals, and in spreadsheets.
        student = repr(student)
    try:
        if not STUDENT.fullmatch(student):
            raise Refused(
                "the student's folder has a name that nbgrader cannot use",
                "rename the folder: letters, digits and . _ @ + - only",
            )
        return _read(path, student, spec)
    except Refused as refusal:
        return Submission(student, refusal=refusal)
    except OSError as error:
        return Submission(
            student, refusal=Refused(f"its files cannot be read: {error.strerror}", "check the files and run again")
        )


def _read(path: Path, student: str, spec: Spec) -> Submission:
    folder = path / spec.assignment
    if path.is_symlink() or folder.is_symlink():
        raise Refused("the submission's folder is a link", "replace the link by the folder itself")
    if not folder.is_dir():
        raise Refused("the submission is a file where a folder should be", f"put the notebook into {spec.assignment}/")
    plain_files = _plain_files(folder)
    notebook_path, notes = _choose(folder, spec)
    if notebook_path.is_symlink() or not notebook_path.is_file():
        raise Refused(
            "the notebook is a link or no plain file",
            "ask the student to hand in the file itself",
            f"hand in {spec.notebook_name} itself",
        )
    size = notebook_path.stat().st_size
    if size > spec.limits.notebook:
        raise _too_large(size, spec.limits.notebook)
    stamp = folder / "timestamp.txt"
    others = [file for file in plain_files if file not in (notebook_path, stamp)]
    files, file_notes = _other_files(folder, others, spec)
    timestamp = None
    if stamp.is_file() and not stamp.is_symlink() and stamp.stat().st_size < 200:
        timestamp = stamp.read_text(encoding="utf-8", errors="replace").strip() or None
    return Submission(student, notebook_path.read_bytes(), files, timestamp, notes=(*notes, *file_notes))


def _plain_files(folder: Path) -> list[Path]:
    """Every file below a folder that is neither hidden nor a link, in the order of their names."""
    found, folders, num_entries = [], [folder], 0
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                num_entries += 1
                if num_entries > MAX_ENTRIES:
                    raise Refused(
                        f"the submission's folder holds more than {MAX_ENTRIES:,} files",
                        "delete what does not belong to it and run again",
                        "delete what does not belong to it and hand in again",
                    )
                if entry.name.startswith(".") or entry.is_symlink():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    found.append(Path(entry.path))
    return sorted(found)


def _choose(folder: Path, spec: Spec) -> tuple[Path, list[str]]:
    found = sorted(path for path in folder.iterdir() if path.suffix == ".ipynb" and not path.name.startswith("."))
    named = folder / spec.notebook_name
    if named in found:
        others = [_shown(path.name) for path in found if path != named]
        return named, [f"other notebooks were left out: {_shortened(others)}"] if others else []
    if len(found) == 1:
        return found[0], [f"the notebook is called {_shown(found[0].name)}, not {spec.notebook_name}"]
    if found:
        raise Refused(
            f"{len(found)} notebooks, and none is called {spec.notebook_name}",
            f"rename the one that counts to {spec.notebook_name} and run again",
            f"name the one that counts {spec.notebook_name} and hand in again",
        )
    raise Refused(
        "no notebook in the submission", f"ask the student for {spec.notebook_name}", f"hand in {spec.notebook_name}"
    )


def _shown(name: str) -> str:
    """A file's name as text that can be written down: bytes that are no UTF-8 replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


def _shortened(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _other_files(folder: Path, paths: list[Path], spec: Spec) -> tuple[dict[str, bytes], list[str]]:
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    room = spec.limits.files - sum(path.stat().st_size for path in paths)
    if room < 0 or len(named) > MAX_FILES:
        return {}, ["the student's other files are too many or too large and were left out"]
    # A name that is no text could not be written into any report of it.
    unreadable = [name for name in named if _shown(name) != name]
    files = {name: path.read_bytes() for name, path in named.items() if name not in unreadable}
    shown = _shortened([_shown(name) for name in unreadable])
    return files, [f"left out, for their names are no text: {shown}"] if unreadable else []


class _Again(NamedTuple):
    """Refusals of a file that has to be handed in again, under the assignment's name."""

    name: str

    def because(self, reason: str) -> Refused:
        return Refused(
            reason,
            f"ask the student to hand in {self.name} again",
            f"save the notebook in JupyterLab, see that it opens again, and hand in {self.name} again",
        )


def take(data: bytes, spec: Spec) -> Intake:
    """Reads a submitted notebook; raises `Refused` with what to do when it cannot be graded."""
    again = _Again(spec.notebook_name)
    if not data.strip():
        raise again.because("the file is empty")
    if len(data) > spec.limits.notebook:
        raise _too_large(len(data), spec.limits.notebook)
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise again.because("the file is not a notebook: it is not JSON") from None
    cells = _cells(_upgraded(content, again), again)
    notebook = new_notebook(cells=cells)
    known = {cell.metadata.nbgrader.grade_id for cell in spec.reference_notebook().cells if "nbgrader" in cell.metadata}
    if not known & {submitted_id(cell) for cell in cells}:
        raise Refused(
            f"it is another notebook: it has no cell of {spec.assignment}",
            f"ask the student to hand in {spec.notebook_name} again",
            f"hand in {spec.notebook_name}, the notebook of the assignment with your answers in it",
        )
    return Intake(notebook, tuple(_kernel_notes(content, spec)))


def submitted_id(cell: NotebookNode) -> str | None:
    """The `grade_id` that a submitted cell claims, or None; anything may stand in its metadata."""
    marks = cell.metadata.get("nbgrader")
    name = marks.get("grade_id") if isinstance(marks, dict) else None
    return name if isinstance(name, str) else None


def _upgraded(content: object, again: _Again) -> dict:
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        raise again.because("the file is JSON but not a notebook")
    if content["nbformat"] > 4:
        raise again.because(f"the notebook's format {_number(content['nbformat'])} is newer than this grader")
    if content["nbformat"] == 4:
        return content
    # The converter logs what it finds, without the student's name; the cells are looked at here anyway.
    converter_log = traitlets.log.get_logger()
    was_disabled, converter_log.disabled = converter_log.disabled, True
    try:
        return nbformat.convert(nbformat.from_dict(content), 4)
    # An old notebook may be broken in any way, and the converter checks nothing.
    except Exception:
        raise again.because(f"the notebook's old format {_number(content['nbformat'])} cannot be read") from None
    finally:
        converter_log.disabled = was_disabled


def _number(number: int) -> str:
    # A file may say anything, a thousand digits too.
    return str(number)[:20]


def _cells(content: dict, again: _Again) -> list[NotebookNode]:
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise again.because("the notebook has no cells")
    if len(cells) > MAX_CELLS:
        raise again.because(f"the notebook has {len(cells)} cells")
    return [_cell(cell, number, again) for number, cell in enumerate(cells, start=1)]


def _cell(cell: object, number: int, again: _Again) -> NotebookNode:
    """A cell with nothing in it but what grading uses."""
    broken = again.because(f"cell {number} of the notebook is damaged")
    if not isinstance(cell, dict) or cell.get("cell_type") not in list(NEW_CELL):
        raise broken
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise broken
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = marks.get("grade_id") if isinstance(marks, dict) else None
    # Only text is a name: lists nested a thousand deep, which JSON can carry too, would exhaust whoever copies them.
    kept = {"nbgrader": {"grade_id": _encodable(name)}} if isinstance(name, str) else {}
    new = NEW_CELL[cell["cell_type"]](source=_encodable(source), metadata=kept)
    attachments = cell.get("attachments")
    if cell["cell_type"] == "markdown" and _are_attachments(attachments):
        new["attachments"] = {
            _encodable(name): {_encodable(kind): _encodable(data) for kind, data in bundle.items()}
            for name, bundle in attachments.items()
        }
    return new


def _are_attachments(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(bundle, dict) and all(isinstance(data, str) for data in bundle.values()) for bundle in value.values()
    )


def _encodable(text: str) -> str:
    """The text with lone surrogates, which JSON can carry but no file or channel can, replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _kernel_notes(content: dict, spec: Spec) -> Iterator[str]:
    metadata = content.get("metadata")
    kernel = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    name = kernel.get("name") if isinstance(kernel, dict) else None
    if name != spec.kernel:
        shown = repr(name)[:40] if isinstance(name, str) and name else "no kernel"
        yield f"graded with the course's kernel ({spec.kernel}); the file names {shown}"


def _too_large(size: int, limit: int) -> Refused:
    return Refused(
        f"the notebook is {size / 2**20:.0f} MB large, more than {limit / 2**20:.0f} MB",
        "ask the student to clear the outputs and hand it in again",
        "clear its outputs (in JupyterLab: Edit, Clear Outputs of All Cells), save it, and hand it in again",
    )
