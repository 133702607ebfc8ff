"""nbgrader's configuration of this course.

`make setup` links this file into the environment's Jupyter configuration, so that every nbgrader command, JupyterLab's
extensions and `coursegrader` read it from any folder. `COURSE_DIR` may name another folder for the class's data than
`course/` (a relative name counts from the course's root), `COURSE_EXCHANGE` another folder for the exchange with
students.
"""

import os
from contextlib import suppress
from pathlib import Path

c = get_config()  # noqa: F821  (nbgrader gives it to this file)

root = Path(__file__).resolve().parent.parent
data = (root / os.environ.get("COURSE_DIR", "course")).resolve()
# nbgrader matches folders by a pattern that breaks on absolute paths: all of them are given from the root.
folder = Path(os.path.relpath(data, root)).as_posix()
# nbgrader's gradebook needs its folder, the formgrader opened in a fresh checkout too; where students only read the
# course, they have none.
with suppress(OSError):
    data.mkdir(parents=True, exist_ok=True)

# -- where things are -----------------------------------------------------------------------------------------------
c.CourseDirectory.course_id = "deep_learning_breakthroughs"
c.CourseDirectory.root = str(root)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
c.CourseDirectory.source_with_tests_directory = f"{folder}/source_with_tests"
c.CourseDirectory.solution_directory = f"{folder}/solution"
c.CourseDirectory.submitted_directory = f"{folder}/submitted"
c.CourseDirectory.autograded_directory = f"{folder}/autograded"
c.CourseDirectory.feedback_directory = f"{folder}/feedback"
c.CourseDirectory.db_url = f"sqlite:///{data}/gradebook.db"
c.Exchange.root = os.environ.get("COURSE_EXCHANGE", str(data / "exchange"))

# -- what never travels: twins, notes, wrong and right answers, held-out material -----------------------------------
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    ".*",
    "feedback",
    "*.py",
    "*.md",
    "*.toml",
    "NOTES*",
    "mistakes",
    "alternatives",
    "examiner",
]

# -- limits of one submission (nbgrader's 30 s a cell would stop a training cell, in Validate too) -------------------
c.Limits.cell_seconds = 180
c.Limits.answer_seconds = 60
c.Limits.submission_seconds = 900
c.Limits.memory = 4 * 2**30
# Two networks train in ps4_gan: half a minute on two free cores, and several where grading shares them.
c.Limits.assignments = {"ps4_gan": {"cell_seconds": 420}}
c.Execute.timeout = c.Limits.cell_seconds

# -- what could answer an experiment, taken from the student's code after the data cells ----------------------------
_GRAMMAR = ("grammar", "english", "french", "german", "lexicon", "meaning", "numerals", "splits")
_FACES = ("attributes", "portrait")
c.Exam.withdraw = {
    "ps3_nmt": [f"coursedata.translation.{module}" for module in _GRAMMAR],
    "ps4_gan": [*(f"coursedata.faces.{module}" for module in _FACES), "coursedata.faces"],
}

# -- nbgrader's own doors --------------------------------------------------------------------------------------------
# `nbgrader autograde` and the formgrader's button: the exam grades, and none of nbgrader's own steps runs.
c.Autograde.exporter_class = "coursegrader.doors.ExamExporter"
c.Autograde.sanitize_preprocessors = []
c.Autograde.autograde_preprocessors = []
# Students write into the exchange: what they put there as a link is not followed.
c.ExchangeFactory.collect = "coursegrader.gradebook.collect.PlainCollect"
# Feedback: hidden tests stay hidden; `c.StudentView.show_hidden = True` shows them.
c.GenerateFeedback.exporter_class = "coursegrader.pages.feedback.FeedbackExporter"
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "coursegrader.pages.feedback.StudentView",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
# The formgrader's pages and the feedback's: what a student wrote or printed is shown, and never runs.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "markdown2html": "coursegrader.pages.harmless.markdown2html",
    "clean_html": "coursegrader.pages.harmless.clean_html",
}
