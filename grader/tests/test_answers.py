"""Mistakes and alternatives: reading the files, refusing broken ones, and putting them into a notebook."""

from pathlib import Path
from textwrap import dedent

import pytest
from coursegrader.authoring import answers
from coursegrader.authoring.answers import AnswerError
from small_notebooks import answer, graded, locked, notebook


@pytest.fixture
def solved():
    return notebook(
        locked("setup", "import numpy as np"),
        answer("double", "def double(x):\n    return 2 * x"),
        graded("test_double", 5, "assert double(1) == 2"),
        answer("half", "def half(x):\n    return x / 2"),
        graded("test_half", 5, "assert half(2) == 1"),
    )


@pytest.fixture
def write(tmp_path):
    def write(content: str, folder: str = "mistakes", name: str = "wrong.py") -> Path:
        (tmp_path / folder).mkdir(exist_ok=True)
        path = tmp_path / folder / name
        path.write_text(dedent(content).lstrip("\n"))
        return path

    return write


MISTAKE = dedent(
    """
    # answer: double
    # rejected by: test_double, test_half
    # may break: test_other
    # why: adds instead of multiplying

    def double(x):
        return 2 + x
    """
)


def test_a_mistake_is_read(write):
    variant = answers.load(write(MISTAKE))
    assert variant.name == "wrong" and variant.is_mistake
    assert variant.answers == {"double": "def double(x):\n    return 2 + x"}
    assert variant.rejected_by == ("test_double", "test_half") and variant.may_break == ("test_other",)
    assert variant.why == "adds instead of multiplying"


def test_an_alternative_of_two_answers_is_read(write):
    variant = answers.load(
        write(
            """
            # answer: double, half
            # why: other names
            # %% half
            def half(y):
                return y * 0.5

            # %% double
            def double(y):
                return y + y
            """,
            "alternatives",
        )
    )
    assert not variant.is_mistake
    assert variant.answers == {
        "half": "def half(y):\n    return y * 0.5",
        "double": "def double(y):\n    return y + y",
    }


@pytest.mark.parametrize(
    ("content", "folder", "line", "says"),
    [
        ("x = 1\n", "mistakes", 1, "no '# answer"),
        ("# answer: a\n# rejected by: t\nx = 1\n", "mistakes", 1, "no '# why"),
        ("# answer: a\n# why: w\nx = 1\n", "mistakes", 1, "needs '# rejected by"),
        ("# answer: a\n# rejected by: t\n# why: w\nx = 1\n", "alternatives", 1, "gets full marks"),
        ("# answer: a\n# may break: t\n# why: w\nx = 1\n", "alternatives", 1, "gets full marks"),
        ("# answer: a\n# rejected by: t\n# may break: t\n# why: w\nx = 1\n", "mistakes", 1, "keep one"),
        ("# answer: a\n# answer: b\n# why: w\nx = 1\n", "alternatives", 2, "twice"),
        ("# answer:\n# why: w\nx = 1\n", "alternatives", 1, "empty"),
        ("# answer: a\n# why: w\n", "alternatives", 2, "nothing for 'a'"),
        ("# answer: a\n# why: w\nx = 1\ny = (\n", "alternatives", 4, "not Python"),
        ("# answer: a, b\n# why: w\nx = 1\n", "alternatives", 1, "where each begins"),
        ("# answer: a, b\n# why: w\n# %% a\nx = 1\n", "alternatives", 1, "not those of the body"),
        ("# answer: a, b\n# why: w\nx = 0\n# %% a\nx = 1\n# %% b\ny = 1\n", "alternatives", 3, "between the header"),
    ],
)
def test_a_broken_file_is_refused_with_file_line_and_remedy(write, content, folder, line, says):
    path = write(content, folder)
    with pytest.raises(AnswerError, match=says) as caught:
        answers.load(path)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_applying_replaces_that_answer_and_leaves_the_notebook_alone(write, solved):
    before = [cell.source for cell in solved.cells]
    variant = answers.load(write(MISTAKE.replace("# may break: test_other\n", "")))
    changed = answers.apply(solved, variant)
    assert [cell.source for cell in solved.cells] == before
    assert [cell.source for cell in changed.cells] == [
        variant.answers["double"] if index == 1 else source for index, source in enumerate(before)
    ]


def test_applying_drops_outputs_that_the_old_answer_made(write, solved):
    solved.cells[2].execution_count = 7
    changed = answers.apply(solved, answers.load(write(MISTAKE.replace("# may break: test_other\n", ""))))
    assert changed.cells[2].execution_count is None and solved.cells[2].execution_count == 7


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("answer: double", "answer: treble", "no answer cell 'treble'; the notebook has double, half"),
        ("answer: double", "answer: setup", "no answer cell 'setup'"),
        ("test_half", "test_third", "no test cell 'test_third'"),
        ("test_other", "test_third", "no test cell 'test_third'"),
        ("2 + x", "2 * x  # the same", "solution's own code"),
    ],
)
def test_a_variant_that_does_not_fit_the_notebook_is_refused(write, solved, old, new, says):
    content = MISTAKE if "test_other" in old else MISTAKE.replace("# may break: test_other\n", "")
    with pytest.raises(AnswerError, match=says):
        answers.apply(solved, answers.load(write(content.replace(old, new))))


def test_variants_come_by_name_and_an_absent_folder_has_none(write, tmp_path):
    for name in ("b.py", "a.py"):
        write(MISTAKE, name=name)
    assert [variant.name for variant in answers.variants(tmp_path / "mistakes")] == ["a", "b"]
    assert answers.variants(tmp_path / "alternatives") == []
