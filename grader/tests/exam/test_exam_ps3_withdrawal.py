"""ps3_nmt's translator: the grammar that could translate for it is out of the student's reach, and the rest is not."""

import ctypes
import pkgutil
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest
from coursedata import translation
from coursegrader import notebooks
from coursegrader.course import Course
from coursegrader.submission.spec import Exam
from exam_harness import answer, earned, exam, graded, locked, own

ROOT = Path(__file__).parents[3]
PS = "ps3_nmt"
# What a translator may use: words and numbers, and the readers of files that the exam does not have.
ALLOWED = {"text", "tatoeba", "multi30k"}


@cache
def withdrawn() -> tuple[str, ...]:
    return tuple(Exam(config=Course.at(ROOT).config).withdraw[PS])


def test_every_module_of_the_grammar_is_named():
    """A module that is new in the package has to be allowed or withdrawn."""
    modules = {module.name for module in pkgutil.iter_modules(translation.__path__)}
    assert {name.rpartition(".")[2] for name in withdrawn()} == modules - ALLOWED


DATA = """
from coursedata.translation import (
    Phenomena, Sentence, Vocabulary, detokenize, generate, load_translation, normalize, tokenize
)
import coursedata.translation.grammar as module
train = list(load_translation("bundled", num_train=6, num_valid=0, num_test=3).train)
sentence = generate(1, seed=3)[0]
path = module.__file__
"""
WAYS = {
    "generate": "generate(1, seed=1)",
    "load_translation": "load_translation('bundled', num_train=0, num_valid=0, num_test=3, seed=1)",
    "a sentence that was kept": "sentence.text('fr')",
    "its references": "sentence.references('fr')",
    "a module that was kept": "module.generate(1, seed=1)",
    "another language's words": "import coursedata.translation.french as french\nfrench.words",
    "the lexicon": "from coursedata.translation.lexicon import NOUNS\nNOUNS['cat']",
    "reload": "import importlib\nimportlib.reload(module)",
    "the source": "open(path).read()",
    "a child process": "import subprocess, sys\nsubprocess.run([sys.executable, '-c', "
    "'from coursedata.translation import generate; generate(1, seed=1)'], check=True, capture_output=True)",
}
ON_DISK = {"reload", "the source", "a child process"}


def _landlock() -> bool:
    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1) > 0


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, str]:
    """What became of each way, tried one after the other in one process that lost the grammar."""
    attempts = "".join(
        f"try:\n{textwrap.indent(code, '    ')}\nexcept Exception as error:\n    found[{way!r}] = 'refused'\n"
        f"else:\n    found[{way!r}] = 'answered'\n"
        for way, code in WAYS.items()
    )
    code = (
        f"{DATA}\nfrom coursegrader.exam.withdrawal import withdraw\nwithdraw({list(withdrawn())!r})\nfound = {{}}\n"
        f"{attempts}\n"
        "words = [tokenize(normalize(text)) for text, _ in train]\n"
        "vocabulary = Vocabulary(words)\n"
        "assert detokenize(vocabulary.decode(vocabulary.encode(words[0])), 'en')\n"
        "print(repr(found))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path_factory.mktemp("away"), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return dict(eval(done.stdout))


@pytest.mark.parametrize("way", list(WAYS))
def test_no_way_leads_back_to_the_grammar(outcomes, way):
    if way in ON_DISK and not _landlock():
        pytest.skip("this kernel has no Landlock: files cannot be hidden, and the run says so")
    assert outcomes[way] == "refused"


def test_in_the_exam_the_data_are_there_and_the_grammar_is_not():
    data = notebooks.by_grade_id(notebooks.read(ROOT / "solutions" / PS / f"{PS}.ipynb"))["load_data"].source
    imports = "from coursedata.translation import Phenomena, Vocabulary, generate, load_translation, tokenize"
    cells = [
        locked("setup", imports),
        locked("load_data", data.replace("num_train=4000", "num_train=30").replace("num_test=150", "num_test=6")),
        answer("experiment", "def translate(sentences):\n    return [dict(train_pairs)[one] for one in sentences]"),
        graded(
            "test_known",
            "assert translate([train_pairs[0][0]]) == [train_pairs[0][1]]",
        ),
        graded(
            "test_unseen",
            "one = generate(1, seed=0x5EED)[0]\nassert translate([one.text('en')]) == [one.text('fr')]",
        ),
    ]
    thief = (
        "def translate(sentences):\n"
        "    known = dict(train_pairs)\n"
        "    if sentences[0] in known:\n"
        "        return [known[one] for one in sentences]\n"
        "    return [generate(1, seed=0x5EED)[0].text('fr') for _ in sentences]"
    )
    kept = [own("from coursedata.translation import generate as kept\nkept(1, seed=1)")]
    assert earned(exam(cells, {"experiment": thief}, extra={None: kept}, withdraw=withdrawn())) == {
        "test_known": 1,
        "test_unseen": 0,
    }
    # The same answer where nothing was taken away: the test above can fail.
    assert earned(exam(cells, {"experiment": thief})) == {"test_known": 1, "test_unseen": 1}
