"""What the forgeries' tests share: a small assignment, what a forger hands in, and what it is worth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import nbformat
import tiny
from coursegrader.submission.grade import Result
from coursegrader.submission.scores import Status
from coursegrader.submission.spec import LimitValues, Spec
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

# Strings that stand in hidden regions alone, put together here so that no kernel holds them by way of this file.
HIDDEN_TEXT = "quagga" + "-text-4127"
EXPECTED_TEXT = "quagga" + "-value-8350"

# Of an expected array.
HELD_OUT_SEED = 0xA3C59AC2F04B7D11

SETUP = """import numpy as np

def same(got, want):
    assert np.array_equal(got, want), "not the same"
"""
SQUARE = "def square(x):\n    return x * x"
REST = """def label(images):
    return images.sum(axis=1) * 7919 % 10

def roman(number):
    return "I" * number

def apply(fn, x):
    return [fn(item) for item in x]

def reject(x):
    raise ValueError("not x")

class Count:
    total = 0

    def add(self, number):
        self.total += number
        return self.total
"""
TESTS = {
    "test_square": (
        4,
        '"""square gives x times itself."""\nassert square(3) == 9',
        "same(square(np.arange(5.0)), [0, 1, 4, 9, 16])\nassert type(square(2)) is int\n"
        f"held_out = np.random.default_rng({HELD_OUT_SEED}).normal(size=4)\n"
        "same(square(1.0) * held_out, held_out)",
    ),
    "test_label": (
        4,
        '"""label names each row."""\nassert label(np.ones((2, 3))).shape == (2,)',
        f"images = np.arange(24).reshape(8, 3)\nwant = [7, 8, 9, 0, 1, 2, 3, 4]  # {HIDDEN_TEXT}\n"
        "want = np.array([(row.sum() * 7919) % 10 for row in images])\n"
        "float(4 * np.mean(np.asarray(label(images)) == want))",
    ),
    "test_roman": (
        2,
        '"""roman writes small numbers."""\nassert roman(2) == "II", "two is II"',
        f'secret = "{EXPECTED_TEXT}"[:0] + "III"\nassert roman(3) == secret\nassert len(roman(3)) == 3',
    ),
    "test_each": (
        2,
        '"""roman, again and again."""\nfor got, letters in zip(map(roman, (1, 2)), "I II".split()):\n'
        "    assert got == letters",
        "",
    ),
    "test_credit": (
        2,
        '"""label, with credit for what is nearly right."""',
        "few = np.arange(6).reshape(2, 3)\nright = np.array([7, 8])\n"
        "2 * (1 - np.mean((np.asarray(label(few)) - right) ** 2))",
    ),
    "test_again": (
        2,
        '"""label, on what an earlier test made."""\nassert list(np.asarray(label(images[:3]))) == list(want[:3])',
        "",
    ),
    "test_apply": (
        2,
        '"""apply calls a function for each item."""\nassert list(apply(lambda x: x + 1, [1, 2])) == [2, 3]',
        "seen = []\ngot = apply(lambda x: seen.append(x) or 3 * x, [4, 5, 6])\n"
        "assert seen == [4, 5, 6] and list(got) == [12, 15, 18]",
    ),
    "test_reject": (
        2,
        '"""reject raises a ValueError."""\ntry:\n    reject(3)\nexcept ValueError as error:\n'
        '    assert "not" in str(error)\nelse:\n    raise AssertionError("reject raised nothing")',
        "",
    ),
    "test_count": (
        2,
        '"""Count adds up."""\ncount = Count()\ncount.add(2)\nassert count.add(3) == 5',
        "assert count.total == 5\nassert float(count.total) == 5.0\nassert 5 in [count.total]",
    ),
}
HONEST = {name: points for name, (points, *_) in TESTS.items()}
# What a forger earns honestly: the first task is done, and nothing else.
SQUARE_ONLY = dict.fromkeys(TESTS, 0) | {"test_square": 4}
# What every forger's other answers are.
WRONG = """def label(images):
    return None
roman = apply = reject = Count = label
"""
LIMITS = LimitValues(
    cell_seconds=10,
    answer_seconds=10,
    submission_seconds=60,
    call_seconds=4,
    grace_seconds=1,
    memory=1 << 30,
    message=8 << 20,
    output=1 << 16,
    notebook=1 << 22,
    files=1 << 20,
)


def _hidden(public: str, hidden: str) -> str:
    return f"{public}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS" if hidden else public


def instructor() -> NotebookNode:
    """The instructor's notebook: one task that forgers do, and five that they do not."""
    tests = {
        name: tiny.cell(_hidden(public, hidden), name, points=points)
        for name, (points, public, hidden) in TESTS.items()
    }
    return new_notebook(
        cells=[
            tiny.cell(SETUP, "setup"),
            tiny.cell(_solution(SQUARE), "square", answer=True),
            tests.pop("test_square"),
            tiny.cell(_solution(REST), "rest", answer=True),
            *tests.values(),
        ],
        metadata={"kernelspec": tiny.KERNELSPEC},
    )


def _solution(source: str) -> str:
    return f"### BEGIN SOLUTION\n{source}\n### END SOLUTION"


def specification(**limits: float) -> Spec:
    """The small assignment's specification."""
    made = Spec.of_notebook(nbformat.writes(instructor()).encode(), "tiny", limits=LIMITS)
    return made.with_limits(**limits)


def handed_in(
    rest: str = WRONG, square: str = SQUARE, extra: Mapping[str, Sequence[str]] | None = None
) -> NotebookNode:
    """A student's notebook with these answers; `extra` are sources of own cells behind the named ones ("" = first)."""
    notebook = specification().reference_notebook()
    answers = {"square": square, "rest": rest}
    cells = [new_code_cell(source) for source in (extra or {}).get("", ())]
    for cell in notebook.cells:
        name = cell.metadata.nbgrader.grade_id
        cell.source = answers.get(name, cell.source)
        cells += [cell, *(new_code_cell(source) for source in (extra or {}).get(name, ()))]
    notebook.cells = cells
    return notebook


def earned(result: Result) -> dict[str, float]:
    """The points of each test."""
    return {score.cell: score.points for score in result.scores}


def statuses(result: Result) -> dict[str, str]:
    """The status of each test."""
    return {score.cell: score.status.value for score in result.scores}


def told(result: Result) -> str:
    """All that is said about a result, for a failing test's message."""
    return (
        "\n".join(f"{score.cell}: {score.points} {score.status} {score.reason[:300]}" for score in result.scores)
        + f"\n{result.failure} {result.flags} {result.notes}"
    )


@dataclass(frozen=True)
class Forgery:
    """One forgery: what stands behind the wrong answers, and what becomes of it.

    `lost` names the first test that does not run because the forgery ended its own kernel, None where it may end it
    at any test.
    """

    source: str
    lost: str | None = ""
    limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each test."""
        names = list(TESTS)
        first = names.index(self.lost) if self.lost else len(names)
        return {name: (Status.NOT_RUN if number >= first else Status.GRADED).value for number, name in enumerate(names)}


Grade = Callable[..., Result]


def check(forgery: Forgery, grade: Grade) -> Result:
    """Hand a forgery in and check that it earns what is honest in it: the first task."""
    result = grade(f"{WRONG}\n{forgery.source}", **forgery.limits)
    assert not result.failure, told(result)
    assert earned(result) == SQUARE_ONLY, told(result)
    assert forgery.lost is None or statuses(result) == forgery.statuses, told(result)
    assert all(score.reason for score in result.scores if score.points == 0), told(result)
    return result
