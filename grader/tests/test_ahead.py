"""What is loaded once for all submissions of an assignment."""

from pathlib import Path

import nbformat
import pytest
import tiny
from coursegrader import sandbox, warm
from coursegrader.course import Course
from coursegrader.notebooks import by_grade_id
from coursegrader.submission.ahead import loading
from coursegrader.submission.spec import Spec
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
LOADS = """import numpy as np
from coursedata import load_images as load, scenes
hard = scenes.Nuisances(clutter=1)
print('drawing')
data = load('bundled', num_train=12, num_test=12, nuisances=hard)
mean = data.x_train.mean()"""
LOADED = """from coursedata import scenes, sources
from coursedata import load_images
load_images('bundled', num_train=12, num_test=12, nuisances=scenes.Nuisances(clutter=1))
print(sources._object_scenes.cache_info().misses)"""


def spec_with(setup: str) -> Spec:
    """The specification of the tiny assignment whose first locked cell is `setup`."""
    notebook = nbformat.reads(tiny.spec().solution.decode(), as_version=4)
    by_grade_id(notebook)["setup"].source = setup
    return Spec.of_notebook(nbformat.writes(notebook).encode(), tiny.PS)


def test_statements_that_load_and_what_they_need():
    assert loading(spec_with(LOADS)).splitlines() == [
        "from coursedata import load_images as load, scenes",
        "hard = scenes.Nuisances(clutter=1)",
        "data = load('bundled', num_train=12, num_test=12, nuisances=hard)",
    ]


@pytest.mark.parametrize(
    "setup",
    ["import numpy as np", "from coursedata import scenes\nscenes.render(1, seed=0)", "%matplotlib inline\nimport os"],
)
def test_where_nothing_is_loaded_there_is_nothing_to_do(setup):
    assert loading(spec_with(setup)) == ""


def test_the_course_loads_its_data_ahead():
    course = Course.at(ROOT)
    source = loading(Spec.load(course, "ps1_cnn"))
    assert "load_images(" in source and "fit_classifier" not in source


def printed(ahead: str, source: str) -> tuple[str | None, str]:
    """Why kernels start cold, and what `source` prints in a kernel from a warm process that ran `ahead`."""
    level = next((found.level for found in sandbox.available() if found.ok), sandbox.UNSAFE)
    with warm.start(level, ("coursedata",), ahead) as forge:
        manager = forge.kernel()
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        client = NotebookClient(notebook, km=manager, timeout=120)
        try:
            client.execute()
        finally:
            client.kc.stop_channels()
            manager.kill()
        return forge.message, "".join(output.text for output in notebook.cells[0].outputs)


def test_a_kernel_has_what_was_loaded_ahead():
    assert printed(loading(spec_with(LOADS)), LOADED) == (None, "1\n")


def test_what_fails_ahead_is_left_to_the_cell_that_it_comes_from():
    assert printed("1 / 0", "print('ready')") == (None, "ready\n")


def test_threads_that_loading_leaves_make_kernels_cold():
    message, said = printed(
        "import threading\nthreading.Thread(target=threading.Event().wait).start()", "print('ready')"
    )
    assert "or loading the data started 1 threads" in message and said == "ready\n"
