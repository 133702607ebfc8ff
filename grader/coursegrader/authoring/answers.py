"""Answers beside the solution: `mistakes/`, which hidden tests must reject, and `alternatives/`, which they must not.

A file begins with a header of comments and then holds the whole source of the answer cell it replaces:

    # answer: conv_forward
    # rejected by: test_conv_forward, test_experiment
    # may break: test_residual_block
    # why: pads one side only

Several answers in one file are listed in `# answer:` with commas and each opens with a line `# %% GRADE_ID`.
"""

import ast
import copy
import re
from dataclasses import dataclass
from pathlib import Path

from nbformat.notebooknode import NotebookNode

from coursegrader.errors import CourseError
from coursegrader.notebooks import Role, role, syntax_tree, with_role

MISTAKES = "mistakes"
ALTERNATIVES = "alternatives"

_HEADER = re.compile(r"#\s*(answer|rejected by|may break|why)\s*:\s*(.*)")
_SEPARATOR = re.compile(r"#\s*%%\s*(.*)")


class AnswerError(CourseError):
    """A file of `mistakes/` or `alternatives/` that cannot be used; the message names file, line and what to do."""

    def __init__(self, path: Path, line: int, message: str):
        super().__init__(f"{path}:{line}: {message}")
        self.path = path
        self.line = line


@dataclass(frozen=True)
class Variant:
    """One file: answers (source by `grade_id`), the tests that must and may reject them, and why it is here."""

    path: Path
    answers: dict[str, str]
    rejected_by: tuple[str, ...]
    may_break: tuple[str, ...]
    why: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def is_mistake(self) -> bool:
        """Whether tests must reject it."""
        return bool(self.rejected_by)


def load(path: str | Path) -> Variant:
    """The variant stored at `path`; raises `AnswerError` for a bad header or a body that is not Python."""
    path = Path(path)
    lines = path.read_text(encoding="utf-8").split("\n")
    header, first = _read_header(path, lines)
    if "answer" not in header:
        raise AnswerError(path, 1, "no '# answer: GRADE_ID' in the header; name the answer cell this file replaces")
    if "why" not in header:
        raise AnswerError(path, 1, "no '# why: ...' in the header; say in one line what is special about this answer")
    names, rejected_by, may_break = (_names(header.get(key, "")) for key in ("answer", "rejected by", "may break"))
    kind = path.parent.name
    if kind == MISTAKES and not rejected_by:
        raise AnswerError(path, 1, "a mistake needs '# rejected by: GRADE_ID, ...': the test cells that must reject it")
    if kind == ALTERNATIVES and (rejected_by or may_break):
        raise AnswerError(
            path, 1, "an alternative gets full marks; take 'rejected by' and 'may break' out of its header"
        )
    if both := sorted(set(rejected_by) & set(may_break)):
        raise AnswerError(path, 1, f"{', '.join(both)} stands in 'rejected by' and 'may break'; keep one")
    return Variant(path, _read_answers(path, lines, first, names), rejected_by, may_break, header["why"])


def variants(folder: str | Path) -> list[Variant]:
    """Every variant of a folder by name; none where there is no such folder."""
    return [load(path) for path in sorted(Path(folder).glob("*.py"))]


def check(notebook: NotebookNode, variant: Variant) -> None:
    """Raises `AnswerError` where a variant names cells that the notebook lacks, or repeats the solution's code."""
    answers, tests = with_role(notebook, Role.ANSWER), with_role(notebook, Role.TEST)
    for name, source in variant.answers.items():
        if name not in answers:
            raise AnswerError(variant.path, 1, f"no answer cell '{name}'; the notebook has {_listing(answers)}")
        if _tree(source) == _tree(answers[name].source):
            raise AnswerError(variant.path, 1, f"'{name}' is the solution's own code; change it or leave it out")
    for name in (*variant.rejected_by, *variant.may_break):
        if name not in tests:
            raise AnswerError(variant.path, 1, f"no test cell '{name}'; the notebook has {_listing(tests)}")


def apply(notebook: NotebookNode, variant: Variant) -> NotebookNode:
    """A copy of the notebook with the variant's answers in their cells; `notebook` stays as it is.

    Raises `AnswerError` where `check` does.
    """
    check(notebook, variant)
    return replace(notebook, variant.answers)


def replace(notebook: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """A copy of the notebook with these sources in its answer cells, outputs dropped; raises `KeyError` for others."""
    changed = copy.deepcopy(notebook)
    cells = with_role(changed, Role.ANSWER)
    for name, source in answers.items():
        cells[name].source = source
    for cell in changed.cells:
        if cell.cell_type == "code" and role(cell) is not Role.FREE:
            cell.outputs, cell.execution_count = [], None
    return changed


def _read_header(path: Path, lines: list[str]) -> tuple[dict[str, str], int]:
    """The header's entries and the index of the first line after it."""
    header: dict[str, str] = {}
    for index, line in enumerate(lines):
        match = _HEADER.fullmatch(line.rstrip())
        if match is None:
            return header, index
        key, value = match.groups()
        if key in header:
            raise AnswerError(path, index + 1, f"'# {key}:' stands here twice; join the two lines")
        if not value.strip():
            raise AnswerError(path, index + 1, f"'# {key}:' is empty; fill it or take the line out")
        header[key] = value.strip()
    return header, len(lines)


def _read_answers(path: Path, lines: list[str], first: int, names: tuple[str, ...]) -> dict[str, str]:
    """The body as source by `grade_id`."""
    starts = [(index, match[1].strip()) for index, line in enumerate(lines) if (match := _SEPARATOR.fullmatch(line))]
    if not starts:
        if len(names) > 1:
            raise AnswerError(path, 1, f"{len(names)} answers, but no '# %% GRADE_ID' line that says where each begins")
        starts = [(first - 1, names[0])]
    elif "".join(lines[first : starts[0][0]]).strip():
        raise AnswerError(path, first + 1, "code between the header and the first '# %% GRADE_ID'; move it below one")
    if sorted(name for _, name in starts) != sorted(names):
        found = ", ".join(name for _, name in starts)
        raise AnswerError(path, 1, f"the header's answers ({', '.join(names)}) are not those of the body ({found})")
    answers: dict[str, str] = {}
    ends = [index for index, _ in starts[1:]] + [len(lines)]
    for (start, name), end in zip(starts, ends, strict=True):
        source = "\n".join(lines[start + 1 : end]).strip("\n")
        if not source.strip():
            raise AnswerError(path, start + 1, f"nothing for '{name}'; write the whole source of the answer cell")
        try:
            syntax_tree(source)
        except SyntaxError as error:
            line = start + 1 + (error.lineno or 1)
            raise AnswerError(
                path, line, f"not Python: {error.msg}; a typing slip is no mistake to test for"
            ) from error
        answers[name] = source
    return answers


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _listing(cells: dict[str, NotebookNode]) -> str:
    return ", ".join(cells) or "none"


def _tree(source: str) -> str:
    return ast.dump(syntax_tree(source))
