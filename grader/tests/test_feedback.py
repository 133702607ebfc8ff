"""What a student reads on their page, and what neither a student's file nor a student's code can put on anyone's."""

import base64
import html
import re
import shutil

import nbformat
import pytest
import tiny
from coursegrader.course import Course
from coursegrader.gradebook.record import Recorder, open_gradebook, register_assignment
from coursegrader.pages.feedback import WAITING_NOTICE, FeedbackExporter, generate_feedback
from coursegrader.pages.harmless import MAX_HTML, clean_html
from coursegrader.submission.grade import grade_submission
from coursegrader.submission.intake import Submission
from coursegrader.submission.spec import Spec
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.server_extensions.formgrader import handlers

# The inputs of test_square's hidden part, and what they give.
HIDDEN = ("7133", "50879689")
SCRIPT = "<script>run()</script>"
# What a browser would run, or fetch with the reader's rights.
LIVE = re.compile(
    r"<script|<iframe|<svg|<object|<embed|<form|<input|<meta|<link|<style|\son\w+=|javascript:", re.IGNORECASE
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A gradebook that knows the assignment; nbgrader takes seconds to make one."""
    course = tiny.make_course(tmp_path_factory.mktemp("empty"))
    register_assignment(course, Spec.load(course, tiny.PS))
    return course.data / "gradebook.db"


@pytest.fixture
def pages(tmp_path, empty, hall):
    """Grades notebooks by student and gives their pages."""
    course = tiny.make_course(tmp_path)
    course.data.mkdir()
    shutil.copy(empty, course.data)
    spec = tiny.spec()

    def make(show_hidden=False, **notebooks):
        with open_gradebook(course) as gradebook:
            recorder = Recorder(course, spec, gradebook)
            for student, notebook in notebooks.items():
                recorder.record(Submission(student), grade_submission(tiny.to_bytes(notebook), spec, {}, hall))
        assert dict(generate_feedback(course, tiny.PS, show_hidden)) == dict.fromkeys(notebooks, "")
        return {name: (course.feedback / name / tiny.PS / f"{tiny.PS}.html").read_text() for name in notebooks}

    return make


def text_of(page):
    """The words of a page."""
    return html.unescape(re.sub(r"<[^>]+>", "", page))


BETRAYALS = {
    "raises": "def square(x):\n    if x > 100: raise ValueError(f'the input is {x}')\n    return x * x",
    "prints": "def square(x):\n    print('the input is', x)\n    return x * x if x < 100 else 0",
    "warns": "import warnings\ndef square(x):\n    warnings.warn(f'given {x}')\n    return x * x if x < 100 else 0",
    "shows": "from IPython.display import display\ndef square(x):\n    display(x)\n    return x * x if x < 100 else 0",
    "names": (
        "def square(x):\n    if x < 100: return x * x\n"
        "    exec(f'def input_{x}():\\n    raise KeyError({x})\\ninput_{x}()', globals())"
    ),
    "types": (
        "def square(x):\n    if x < 100: return x * x\n"
        "    class Odd:\n        def __repr__(self): return f'{x}'\n    Odd.__name__ = f'Input{x}'\n    return Odd()"
    ),
    "errors": "def square(x):\n    if x < 100: return x * x\n    raise type(f'Input{x}Error', (Exception,), {})()",
}


@pytest.mark.parametrize("how", BETRAYALS)
def test_what_code_says_of_hidden_inputs_reaches_no_page(pages, how):
    page = text_of(pages(ann=tiny.submission(square=BETRAYALS[how]))["ann"])
    assert not [value for value in HIDDEN if value in page.replace(",", "").replace("x < 100", "")]
    assert "[square gives x times itself.]" in page and "(Score: 0.0 / 10.0)" in page


def test_a_page_says_in_words_which_check_failed(pages):
    chatty = 'print("a cell of mine")\ndef square(x):\n    print("given", x)\n    return abs(x) * x'
    made = pages(
        ann=tiny.submission(square=chatty),
        bob=tiny.submission(square="def square(x):\n    return x[0]", half="def half(x):\n    return 1"),
    )
    ann, bob = map(text_of, (made["ann"], made["bob"]))
    assert "[square gives x times itself.] try a negative number" in ann
    # What ran in public is the student's to see; what ran in hiding is not, nor are the tests.
    assert "a cell of mine" in ann and "given 2" in ann and "given -7" not in ann
    assert "hidden tests ran here" in ann and "square(-7)" not in ann and "HIDDEN" not in ann
    assert "TypeError: 'int' object is not subscriptable" in bob and "return x[0]" in bob
    assert "1.0 / 4.0" in bob


def test_an_answer_that_waits_for_a_person_says_so(pages):
    made = pages(ann=tiny.submission(), bob=tiny.submission(why="YOUR ANSWER HERE"))
    assert {name: text_of(page).count(WAITING_NOTICE) for name, page in made.items()} == {"ann": 1, "bob": 0}


def index_of(page):
    lines = text_of(re.search(r'id="toc">(.*?)</div>', page, re.DOTALL)[1]).split("\n")
    return [line.strip() for line in lines if line.strip()]


def test_the_index_names_what_was_checked_and_comments_that_a_person_wrote(pages, tmp_path):
    page = pages(ann=tiny.submission(square=None))["ann"]
    index = [
        "square gives x times itself (Score: 0.0 / 10.0)",
        "half gives half of a number, for as many numbers as possible (Score: 4.0 / 4.0)",
        "Why (Score: 0.0 / 6.0, not marked yet)",
        "Bonus: shout makes a text loud (Score: 5.0 / 5.0)",
    ]
    assert index_of(page) == index
    assert "No response" not in page and page.index("border-collapse") < page.index("</head>")
    course = Course.at(tmp_path, tmp_path / "course")
    with open_gradebook(course) as gradebook:
        gradebook.find_comment("square", tiny.PS, tiny.PS, "ann").manual_comment = "Begin with x = 2."
        gradebook.db.commit()
    assert dict(generate_feedback(course, tiny.PS)) == {"ann": ""}
    page = (course.feedback / "ann" / tiny.PS / f"{tiny.PS}.html").read_text()
    assert index_of(page) == [*index, "Comments: Square"]
    assert "Begin with x = 2." in page and 'href="#comment-square"' in page and 'name="comment-square"' in page


def test_hidden_tests_can_be_shown(pages):
    page = text_of(pages(show_hidden=True, ann=tiny.submission())["ann"])
    assert "square(-7) == 49" in page and "hidden tests ran here" not in page


def test_what_is_printed_in_public_is_bounded(pages):
    loud = "def square(x):\n    print('loud ' * 100_000)\n    return x * x"
    page = pages(ann=tiny.submission(square=loud))["ann"]
    assert "the rest was left out" in page and page.count("loud") < 10_000


def hostile():
    """A graded notebook with a script wherever a student can put text."""
    picture = {"image/png": f'"><script>run()</script>{"A" * 8}'}
    displayed = [
        {"text/html": SCRIPT + "<img src=x onerror=run()><b>bold</b>"},
        {"text/markdown": f"*stressed*\n\n{SCRIPT}"},
        {"application/javascript": "run()"},
        {"image/svg+xml": "<svg onload=run()><script>run()</script></svg>"},
        {"text/latex": f"$x$ {SCRIPT}"},
        {"text/plain": SCRIPT},
        {"application/vnd.jupyter.widget-view+json": {"model_id": SCRIPT}},
        picture,
    ]
    outputs = [new_output("display_data", data=data) for data in displayed]
    outputs += [
        new_output("stream", text=SCRIPT),
        new_output("error", ename=SCRIPT, evalue=SCRIPT, traceback=[SCRIPT, f"\x1b[31m{SCRIPT}\x1b[0m"]),
        new_output("display_data", data={"text/html": SCRIPT}, metadata={"text/html": {"isolated": True}}),
    ]
    text = f"`a<b` $a<b$ [a](javascript:run()) {SCRIPT} <svg onload=run()>"
    answer = tiny.cell(text, "why", points=6, answer=True, kind="markdown")
    answer.metadata.nbgrader |= {"score": 0, "comment": None}
    return new_notebook(
        cells=[
            new_markdown_cell(
                f"# A heading\n\n{SCRIPT}\n\n<iframe srcdoc='{SCRIPT}'></iframe>\n\n<input id=why class=score>"
            ),
            new_code_cell(f"'''{SCRIPT}'''", outputs=outputs),
            answer,
        ],
        metadata={"widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"a": SCRIPT}}}},
    )


@pytest.mark.parametrize(
    ("exporter_class", "template"),
    [(FeedbackExporter, "feedback"), (HTMLExporter, "feedback"), (HTMLExporter, "formgrade")],
)
def test_a_students_script_runs_on_no_page_of_nbgrader(exporter_class, template, tmp_path):
    config = tiny.make_course(tmp_path).config
    config.HTMLExporter.template_name = template
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    config.HTMLExporter.extra_template_paths = [f"{handlers.static_path}/node_modules/bootstrap/dist/css"]
    marks = {"notebook": "n", "score": 0, "max_score": 0, "late_penalty": 0}
    resources = {"nbgrader": marks, "base_url": "", "index": 0, "total": 1, "notebook_path": "n", "submission_id": "s"}
    exporter = exporter_class(config=config)
    page, _ = exporter.from_notebook_node(hostile(), resources)
    bare, _ = exporter.from_notebook_node(new_notebook(), resources)
    assert page.count("<script") == bare.count("<script")
    body = page[page.index('id="notebook-container"') :]
    # nbconvert puts what a kernel calls isolated into a frame of its own, by then cleaned too.
    framed = [base64.b64decode(text).decode() for text in re.findall(r"<iframe[^>]*base64,([^\"]*)", body)]
    assert framed == [html.escape(SCRIPT)] and body.count("<iframe") == 1
    assert not re.search(r"<svg|<input id=|<[a-z][^>]*\son\w+=|href=\"javascript", body)
    assert "¶" not in body
    assert "&lt;script&gt;run()" in body and "<b>bold</b>" in body and "<em>stressed</em>" in body
    assert "<code>a&lt;b</code>" in body and "$a&lt;b$" in body


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT,
        "<img src=x onerror=run()>",
        "<a href='java\nscript:run()'>a</a>",
        "<a href='data:text/html,x'>a</a>",
        "<svg><a xlink:href='javascript:run()'>a</a></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=run()>",
        "<form action=/logout><input></form><meta http-equiv=refresh><base href=x><link rel=import>",
        "<p style='background:url(javascript:run())'>",
        "<div id=why class='score tabbable'>",
    ],
)
def test_nothing_alive_is_left_of_html(text):
    cleaned = clean_html(text)
    assert not LIVE.search(cleaned), cleaned
    assert not re.search(r"<[^>]*(?:data:text|url\(|id=|score|xlink)", cleaned), cleaned


@pytest.mark.parametrize(
    "address", ["/logout", "//elsewhere.org/a.png", "https://elsewhere.org/a.png", "../../api", "x/../.."]
)
def test_a_picture_asks_no_server_for_anything(address):
    assert "src" not in clean_html(f"<img src='{address}' alt='a'>")


@pytest.mark.parametrize(
    "text",
    [
        '<table class="dataframe" border="1"><tr><th colspan="2">a</th></tr><tr><td>1</td></tr></table>',
        '<img src="data:image/png;base64,AAAA" alt="mine">',
        '<img src="figures/mine.png" alt="mine">',
        '<a href="https://example.org/?a=1" title="t">there</a>',
        '<span class="nb">print</span>',
        '<p style="color: red;">red</p>',
    ],
)
def test_what_people_write_is_left_as_it_is(text):
    parts = re.findall(r"<[^/>][^>]*>|[^<>]+", text)
    assert all(part in clean_html(text) for part in parts), clean_html(text)


@pytest.mark.parametrize("text", ["<div>" * 20_000, "<b></i>" * 20_000, "<p>a</p>" * MAX_HTML])
def test_html_that_takes_long_to_clean_is_shown_as_text(text):
    cleaned = clean_html(text)
    assert cleaned.startswith("<pre>&lt;") and len(cleaned) < 10 * MAX_HTML


def test_a_pasted_picture_of_any_size_is_shown():
    text = f'<p><img src="data:image/png;base64,{"A" * 2 * MAX_HTML}" alt="mine"></p>'
    assert clean_html(text) == text


def test_outputs_that_no_notebook_can_hold_cost_only_themselves(pages):
    odd = new_code_cell(
        "from IPython.display import display\n"
        "display({'text/html': 5, 'image/png': ['a'], 'text/plain': {'a': 1}}, raw=True)\n"
        "display({'text/plain': 'shown'}, metadata='odd', raw=True)\n"
        "print('and this')"
    )
    notebook = tiny.submission()
    notebook.cells.insert(2, odd)
    page = pages(ann=nbformat.from_dict(notebook))["ann"]
    assert "and this" in page and "19.0 / 20.0" in page
