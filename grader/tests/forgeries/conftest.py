"""One hall for all forgers of a run, and a way to hand something in there."""

import json
from collections.abc import Mapping

import pytest
from coursegrader.submission.grade import Result, grade_submission
from coursegrader.submission.hall import Hall
from forging import Grade, handed_in, specification
from nbformat import NotebookNode


@pytest.fixture(scope="session")
def grade(hall: Hall) -> Grade:
    """`grade(source)` or `grade(notebook=...)`: what a student hands in, graded as every submission is."""

    def grade(
        rest: str | None = None,
        *,
        notebook: NotebookNode | bytes | None = None,
        files: Mapping[str, bytes] | None = None,
        **limits: float,
    ) -> Result:
        if notebook is None:
            notebook = handed_in(rest)
        data = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
        return grade_submission(data, specification(**limits), dict(files or {}), hall)

    return grade
