"""Code that is taken away from a kernel: every way back to it that a student could try."""

import os
import subprocess
import sys
import textwrap

import pytest
from exam_harness import answer, earned, exam, graded, locked, own

MODULE = '''
"""Makes what the experiment asks for."""
import functools

KEY = 42


def translate(word):
    return word[::-1] + helper()


def helper():
    return str(KEY)


@functools.lru_cache
def cached(word):
    return translate(word)


def numbers(n):
    yield from range(n)


class Grammar:
    def apply(self, word):
        return translate(word)

    @staticmethod
    def static(word):
        return word
'''

WAYS = {
    "import again": "from answers.book import translate\ntranslate('abc')",
    "a saved reference": "saved('abc')",
    "a saved module": "module.translate('abc')",
    "a saved class": "saved_class().apply('abc')",
    "reload": "import importlib\nimportlib.reload(module).translate('abc')",
    "a fresh import": "import sys\nsys.modules.pop('answers.book', None)\nimport answers.book\n"
    "answers.book.translate('abc')",
    "the source": "namespace = {}\nexec(open(path).read(), namespace)\nnamespace['translate']('abc')",
    "the compiled form": "import importlib.util, pathlib\n"
    "pathlib.Path(importlib.util.cache_from_source(path)).read_bytes()",
    "the loader": "spec.loader.get_code('answers.book')",
    "a child process": "import subprocess, sys\n"
    "subprocess.run([sys.executable, '-c', 'import sys; sys.path.insert(0, \".\"); "
    'import answers.book as b; print(b.translate("abc"))\'], check=True, capture_output=True)',
    "a wrapped function": "wrapped.__wrapped__('abc')",
}


def _landlock() -> bool:
    import ctypes

    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1) > 0


@pytest.mark.parametrize("what", ["answers.book", "answers.book.translate"])
@pytest.mark.parametrize("way", list(WAYS))
def test_no_way_leads_back(tmp_path, what, way):
    if not _landlock() and way in (
        "reload",
        "a fresh import",
        "the source",
        "the compiled form",
        "the loader",
        "a child process",
    ):
        pytest.skip("this kernel has no Landlock: files cannot be hidden, and the run says so")
    package = tmp_path / "answers"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "book.py").write_text(MODULE)
    attempt = f"""
import sys
sys.path.insert(0, ".")
import answers.book as module
from answers.book import translate as saved, Grammar as saved_class, cached as wrapped
path, spec = module.__file__, module.__spec__
assert saved("abc") == "cba42"
from coursegrader.exam.withdrawal import withdraw
withdraw([{what!r}])
try:
{textwrap.indent(WAYS[way], "    ")}
except Exception as error:
    print("refused:", type(error).__name__)
else:
    print("answered")
"""
    done = subprocess.run([sys.executable, "-c", attempt], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("refused:"), done.stdout + done.stderr


def test_other_files_and_functions_stay(tmp_path):
    package = tmp_path / "answers"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "book.py").write_text(MODULE)
    (package / "other.py").write_text("x = 1")
    (tmp_path / "work").mkdir()
    attempt = """
import sys, json
sys.path.insert(0, ".")
import answers.book
from coursegrader.exam.withdrawal import withdraw
withdraw(["answers.book.translate", "answers.book.numbers"])
import answers.other, colorsys, csv
assert answers.other.x == 1 and answers.book.helper() == "42" and open("/etc/hostname").read() is not None
open("work/new", "w").write("x")
assert open("work/new").read() == "x"
try:
    list(answers.book.numbers(2))
except RuntimeError as error:
    print("withdrawn", error)
"""
    done = subprocess.run([sys.executable, "-c", attempt], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("withdrawn"), done.stdout + done.stderr


def test_temporary_files_can_be_read_beside_what_is_hidden(tmp_path):
    (tmp_path / "answers.py").write_text(MODULE)
    attempt = """
import os, subprocess, sys, tempfile
sys.path.insert(0, os.environ["TMPDIR"])
import answers
from coursegrader.exam.withdrawal import withdraw
withdraw(["answers.translate"])
with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
    file.write("x = 7")
sys.path.insert(0, os.path.dirname(file.name))
print(__import__(os.path.basename(file.name)[:-3]).x)
child = "import tempfile; f = tempfile.TemporaryFile(); f.write(b'8'); f.seek(0); print(f.read().decode())"
print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout)
"""
    done = subprocess.run(
        [sys.executable, "-c", attempt],
        cwd="/",
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["7", "8"], done.stdout + done.stderr


@pytest.mark.parametrize("name", ["no_such_module.x", "json.no_such_function"])
def test_a_name_that_is_nothing_is_an_error(name):
    from coursegrader.exam.withdrawal import withdraw

    with pytest.raises((ImportError, AttributeError)):
        withdraw([name])


CELLS = [
    locked("setup", "import answer_book\ndata = [answer_book.translate(word) for word in ('ab', 'cd')]"),
    answer("translate", "def my_translate(word):\n    return word[::-1]"),
    graded(
        "experiment",
        "import answer_book\nassert data == ['ba', 'dc'] and my_translate('xyz') == answer_book.translate('xyz')",
    ),
]
BOOK = b"def translate(word):\n    return word[::-1]\n"


def test_in_an_exam_the_data_cells_have_it_and_the_student_does_not():
    withdraw = ["answer_book.translate"]
    cheat = "import answer_book\nmy_translate = answer_book.translate"
    early = [own("import answer_book\nfrom answer_book import translate as kept")]

    def points(answers, extra=None):
        # Released files lie beside the notebook in both kernels, as an installed package would.
        return earned(exam(CELLS, answers, extra=extra, withdraw=withdraw, released={"answer_book.py": BOOK}))

    assert points(None) == {"experiment": 1}
    assert points({"translate": cheat}) == {"experiment": 0}
    # A cell of the student's own before the data does not run before them.
    assert points({"translate": "my_translate = kept"}, {None: early}) == {"experiment": 0}
