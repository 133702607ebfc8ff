"""Claims gathered, seeds summed up, and the syllabus' table."""

import json
from pathlib import Path

import nbformat
import pytest
from coursekit.claims import KEYS, MIME_TYPE
from coursekit.execution import Cost, Lecture
from coursekit.results import (
    BEGIN,
    END,
    ResultsError,
    claims_of,
    cost_entry,
    load,
    over_seeds,
    results_table,
    save,
    stored_claims,
    with_results,
)
from nbformat.v4 import new_code_cell, new_notebook, new_output

NAME = "1_part/1_lecture"


def claim(statement="A beats B.", before=0.4, here=0.1, holds=True, paper="–") -> dict:
    return dict(
        zip(KEYS, (NAME, statement, paper, before, here, "at most half", holds, "small", "bundled"), strict=True)
    )


def notebook(*claims: dict) -> nbformat.NotebookNode:
    outputs = [new_output("display_data", data={MIME_TYPE: claim, "text/plain": "a claim"}) for claim in claims]
    return new_notebook(cells=[new_code_cell("check()", outputs=[output]) for output in outputs])


@pytest.fixture
def lecture(tmp_path: Path) -> Lecture:
    path = tmp_path / f"{NAME}.ipynb"
    path.parent.mkdir()
    nbformat.write(notebook(claim(), claim("C | D.", paper="14 %", holds=False)), path)
    save(tmp_path / "results" / "cost.json", {NAME: cost_entry(Cost(61.4, 50.2, 2**30 + 1), "small", "bundled")})
    return Lecture(path, NAME)


def test_claims_are_gathered_in_order() -> None:
    assert claims_of(notebook(claim("first"), claim("second"))) == [claim("first"), claim("second")]


def test_a_claim_with_other_keys_is_refused() -> None:
    with pytest.raises(ResultsError, match="keys"):
        claims_of(notebook({"claim": "A", "holds": True}))


def test_a_lecture_without_claims_is_refused(tmp_path: Path) -> None:
    nbformat.write(notebook(), tmp_path / "1_x.ipynb")
    with pytest.raises(ResultsError, match="p/1_x shows no claim.*make lectures"):
        stored_claims(Lecture(tmp_path / "1_x.ipynb", "p/1_x"))


def test_cost_is_rounded() -> None:
    entry = cost_entry(Cost(61.4, 50.2, 2**30 + 1), "small", "bundled")
    assert entry == {"wall_s": 61, "cpu_s": 50, "peak_gib": 1.0, "profile": "small", "source": "bundled"}


def test_seeds_lower_is_better() -> None:
    heres = [0.1, 0.2, 0.05, 0.39, 0.15]
    (summary,) = over_seeds({seed: [claim(here=here, holds=here <= 0.2)] for seed, here in enumerate(heres)})
    assert (summary["seeds"], summary["holds"]) == (5, 4)
    assert (summary["here_median"], summary["here_worst"]) == (0.15, 0.39)
    assert [run["seed"] for run in summary["runs"]] == [0, 1, 2, 3, 4]


def test_seeds_higher_is_better_and_baselines_differ() -> None:
    pairs = [(0.2, 0.9), (0.5, 0.6), (0.2, 0.8)]
    (summary,) = over_seeds({seed: [claim(before=before, here=here)] for seed, (before, here) in enumerate(pairs)})
    # Least gain over its own baseline, though not the lowest value over the lowest baseline.
    assert (summary["before_worst"], summary["here_worst"]) == (0.5, 0.6)
    assert (summary["before_median"], summary["here_median"]) == (0.2, 0.8)


def test_seeds_of_text_are_counted_only() -> None:
    (summary,) = over_seeds({0: [claim(here="nan")], 1: [claim(here=0.1, holds=False)]})
    assert summary["holds"] == 1
    assert "here_median" not in summary


def test_a_claim_that_a_seed_did_not_reach_does_not_hold_there() -> None:
    (first, second) = over_seeds({0: [claim("A"), claim("B")], 1: [claim("A")]})
    assert (first["seeds"], first["holds"]) == (2, 2)
    assert (second["seeds"], second["holds"]) == (2, 1)


def test_table(lecture: Lecture, tmp_path: Path) -> None:
    table = results_table([lecture], tmp_path / "results")
    rows = table.splitlines()
    assert rows[2].startswith(
        f"| [{NAME}]({NAME}.ipynb) | A beats B. *(at most half)* | – | 0.4 | 0.1 | yes | not run |"
    )
    assert "C \\| D." in rows[3]
    assert "**no**" in rows[3]
    assert rows[-1] == f"| {NAME} | 61 s | 50 s | 1.0 GiB |"


def test_table_with_seeds_and_real_data(lecture: Lecture, tmp_path: Path) -> None:
    seeds = over_seeds({seed: [claim(here=here)] for seed, here in enumerate([0.1, 0.2, 0.3])})
    save(tmp_path / "results" / "seeds.json", {NAME: {"date": "2026-01-02", "claims": seeds}})
    real = {"date": "2026-01-03", "claims": [claim(before=0.5, here=0.45, holds=False)]}
    save(tmp_path / "results" / "real.json", {NAME: real})
    first, second = results_table([lecture], tmp_path / "results").splitlines()[2:4]
    assert first.endswith("| 3 of 3 hold: 0.2 (0.4 → 0.3) | 0.5 → 0.45, does **not** hold (2026-01-03) |")
    assert second.endswith("| not run | not claimed (2026-01-03) |")


def test_table_needs_the_cost(lecture: Lecture, tmp_path: Path) -> None:
    save(tmp_path / "results" / "cost.json", {})
    with pytest.raises(ResultsError, match=f"cost of {NAME}"):
        results_table([lecture], tmp_path / "results")


def test_results_go_between_the_markers_and_stay_there() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = with_results(text, "new")
    assert once == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert with_results(once, "new") == once


@pytest.mark.parametrize("text", ["nothing", f"{BEGIN} only", f"{END} only"])
def test_missing_markers(text) -> None:
    with pytest.raises(ResultsError, match="put back"):
        with_results(text, "new")


def test_files_of_results(tmp_path: Path) -> None:
    path = tmp_path / "results" / "x.json"
    assert load(path) == {}
    save(path, {"b": 1, "a": "→"})
    assert path.read_text(encoding="utf-8") == json.dumps({"a": "→", "b": 1}, indent=1, ensure_ascii=False) + "\n"
    assert load(path) == {"a": "→", "b": 1}
    path.write_text("{")
    with pytest.raises(ResultsError, match=r"x\.json.*delete"):
        load(path)
