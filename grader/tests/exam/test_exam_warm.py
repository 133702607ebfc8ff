"""The exam with warm kernels: the candidate in the sandbox, the examiner beside it."""

import pytest
from coursegrader import sandbox
from exam_harness import answer, earned, exam, graded, locked

CELLS = [
    locked("setup", "import numpy as np\nfrom coursedata import scenes\nseen = scenes.render(2, seed=5).images.mean()"),
    answer("f", "import os\ndef f(x):\n    return 2 * x\ndef spy():\n    return os.getcwd(), sorted(os.listdir())"),
    graded("doubles", "assert f(3) == 6 and np.array_equal(f(np.ones(2)), [2, 2]) and seen > 0", 2),
    graded("alone", "import os\nassert spy()[0] != os.getcwd() and spy()[1] == ['given.txt']", 1),
]
GIVEN = {"given.txt": b"x"}
TAKEN = {"released": GIVEN, "held_out": {"labels.txt": b"1"}, "withdraw": ["coursedata.scenes.render"]}


@pytest.fixture(autouse=True)
def _in_a_sandbox(hall):
    if hall.level == sandbox.UNSAFE:
        pytest.skip("no sandbox on this machine")


def test_an_honest_submission_earns_its_points(launcher):
    result = exam(CELLS, launcher=launcher, **TAKEN)
    assert earned(result) == {"doubles": 2, "alone": 1}, [outcome.staff for outcome in result.outcomes]
    assert result.peak_memory > 0 and not result.died and not result.notes


@pytest.mark.parametrize(
    "cheat",
    [
        "from coursedata import scenes\nf = lambda x: scenes.render(1, seed=1) and 2 * x",
        "import importlib\nfrom coursedata import scenes\nimportlib.reload(scenes)\nf = lambda x: 2 * x",
        "f = eval(open('../examiner/labels.txt').read())",
        "import coursedata, pathlib\nf = (lambda x: 2 * x) if pathlib.Path(scenes.__file__).read_text() else None",
    ],
)
def test_what_was_taken_away_stays_away(launcher, cheat):
    spied = "\nimport os\ndef spy():\n    return os.getcwd(), sorted(os.listdir())"
    result = exam(CELLS, {"f": cheat + spied}, launcher=launcher, **TAKEN)
    assert earned(result) == {
        "doubles": 0,
        "alone": 0 if "reload" in cheat or "open" in cheat or "read" in cheat else 1,
    }


def test_a_kernel_that_ends_itself_is_named(launcher):
    result = exam(CELLS[1:], {"f": "import os\ndef f(x):\n    os._exit(3)"}, launcher=launcher, released=GIVEN)
    assert [outcome.reason for outcome in result.outcomes] == ["your kernel died in doubles (exit 3)"] * 2


def test_endless_code_is_interrupted_or_ended(launcher):
    endless = {"f": "while True:\n    pass"}
    result = exam(CELLS[1:], endless, launcher=launcher, released=GIVEN, cell_seconds=2)
    assert "stopped after 2 s" in result.ends[0].reason and not result.died


def test_a_module_beside_the_notebook_is_found_in_both_kernels_and_hides_no_library(launcher):
    cells = [
        locked("setup", "from helpers import double"),
        answer("f", "import numpy as np\nfrom helpers import double as f\ndef real():\n    return np.sqrt(4.0)"),
        graded("doubles", "assert f(3) == double(3) == 6 and real() == 2", 1),
    ]
    released = {"helpers.py": b"def double(x):\n    return 2 * x\n", "numpy.py": b"sqrt = lambda x: 'forged'\n"}
    result = exam(cells, launcher=launcher, released=released)
    assert earned(result) == {"doubles": 1}, [outcome.staff for outcome in result.outcomes]
