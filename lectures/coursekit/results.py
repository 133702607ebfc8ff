"""The syllabus' results: claims gathered from executed notebooks, what lectures cost, five seeds, real data."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from coursekit.claims import KEYS, MIME_TYPE, format_value
from coursekit.execution import Cost, Lecture, write_text

BEGIN = "<!-- results: written by `make claims`, do not edit -->"
END = "<!-- end of results -->"

# Of five seeds, four must hold: a claim that only a lucky seed bears out does not stand.
SHARE_THAT_MUST_HOLD = 0.8

Results = dict[str, Any]


class ResultsError(Exception):
    """A lecture or a file of results is not as the syllabus needs it; the message says what to run."""


def claims_of(notebook: NotebookNode) -> list[Results]:
    """The claims displayed in an executed notebook, in order, each with the keys `claims.KEYS`."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    claims = [output.data[MIME_TYPE] for output in outputs if MIME_TYPE in output.get("data", {})]
    for claim in claims:
        if set(claim) != set(KEYS):
            raise ResultsError(f"a claim has the keys {sorted(claim)} instead of {sorted(KEYS)}")
    return [dict(claim) for claim in claims]


def stored_claims(lecture: Lecture) -> list[Results]:
    """The claims in a lecture's stored outputs. Raises `ResultsError` where there are none."""
    claims = claims_of(lecture.read())
    if not claims:
        raise ResultsError(f"{lecture.name} shows no claim: execute it with `make lectures`")
    return claims


def cost_entry(cost: Cost, profile: str, source: str) -> Results:
    """A lecture's line in `cost.json`: whole seconds and tenths of a GiB, so that a new run changes little."""
    return {
        "wall_s": round(cost.wall_s),
        "cpu_s": round(cost.cpu_s),
        "peak_gib": round(cost.peak_bytes / 2**30, 1),
        "profile": profile,
        "source": source,
    }


def over_seeds(runs: Mapping[int, Sequence[Results]]) -> list[Results]:
    """For each claim, what the seeds' runs say: how many hold, and the median and the worst seed's values.

    `runs` maps a seed to the claims of its run. The worst seed is the one whose value lies least far from its baseline
    on the side where the median lies, counted relative to the baseline. Claims that are no numbers have neither.
    """
    statements = list(dict.fromkeys(claim["claim"] for claims in runs.values() for claim in claims))
    return [_over_seeds_of(statement, runs) for statement in statements]


def load(path: Path) -> Results:
    """A results file, empty where it has not been written yet. Raises `ResultsError` when it is damaged."""
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResultsError(f"{path} is no JSON ({error}): delete it and run its make target again") from error


def save(path: Path, results: Results) -> None:
    """Write a results file, sorted by lecture, whole or not at all."""
    ordered = {name: results[name] for name in sorted(results)}
    write_text(path, json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")


def results_table(lectures: Sequence[Lecture], folder: Path) -> str:
    """The syllabus' results in Markdown, from stored notebooks and the results files in `folder`."""
    cost, seeds, real = (load(folder / f"{name}.json") for name in ("cost", "seeds", "real"))
    columns = ["lecture", "claim", "paper", "before", "here", "holds"]
    columns += ["five seeds: median here (worst seed: before → here)", "real data: before → here"]
    lines = [_row(columns), "|---" * len(columns) + "|"]
    for lecture in lectures:
        for claim in stored_claims(lecture):
            statement = f"{claim['claim']} *({claim['margin']})*"
            cells = [
                f"[{lecture.name}]({lecture.name}.ipynb)",
                statement,
                claim["paper"],
                format_value(claim["before"]),
                format_value(claim["here"]),
                _yes_no(claim["holds"]),
                _seeds_cell(seeds.get(lecture.name), claim["claim"]),
                _real_cell(real.get(lecture.name), claim["claim"]),
            ]
            lines.append(_row(cells))
    lines += ["", "| lecture | time on two cores | of CPU | peak memory |", "|---|---|---|---|"]
    for lecture in lectures:
        entry = cost.get(lecture.name)
        if entry is None:
            raise ResultsError(f"the cost of {lecture.name} is not measured: run `make lectures`")
        cells = [lecture.name, f"{entry['wall_s']} s", f"{entry['cpu_s']} s", f"{entry['peak_gib']} GiB"]
        lines.append(_row(cells))
    return "\n".join(lines)


def with_results(text: str, table: str) -> str:
    """The syllabus' text with its results replaced. Raises `ResultsError` when a marker is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ResultsError(f"the syllabus has no place for its results: put back the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def _over_seeds_of(statement: str, runs: Mapping[int, Sequence[Results]]) -> Results:
    found = {seed: claim for seed, claims in runs.items() for claim in claims if claim["claim"] == statement}
    values = [
        {"seed": seed, **{key: claim[key] for key in ("before", "here", "holds")}} for seed, claim in found.items()
    ]
    result: Results = {"claim": statement, "seeds": len(runs), "holds": sum(value["holds"] for value in values)}
    if all(not isinstance(value[key], str) for value in values for key in ("before", "here")):
        gains = [_relative_change(value["before"], value["here"]) for value in values]
        sign = 1 if statistics.median(gains) >= 0 else -1
        worst = min(range(len(values)), key=lambda k: sign * gains[k])
        for key in ("before", "here"):
            result[f"{key}_median"] = statistics.median(value[key] for value in values)
            result[f"{key}_worst"] = values[worst][key]
    return {**result, "runs": values}


def _relative_change(before: float, here: float) -> float:
    return (here - before) / abs(before) if before else here - before


def _seeds_cell(entry: Results | None, statement: str) -> str:
    if entry is None:
        return "not run"
    for claim in entry["claims"]:
        if claim["claim"] == statement:
            count = f"{claim['holds']} of {claim['seeds']} hold"
            if "here_median" not in claim:
                return count
            median, *worst = (format_value(claim[key]) for key in ("here_median", "before_worst", "here_worst"))
            return f"{count}: {median} ({' → '.join(worst)})"
    return "not run"


def _real_cell(entry: Results | None, statement: str) -> str:
    if entry is None:
        return "–"
    for claim in entry["claims"]:
        if claim["claim"] == statement:
            values = f"{format_value(claim['before'])} → {format_value(claim['here'])}"
            return f"{values}, {'holds' if claim['holds'] else 'does **not** hold'} ({entry['date']})"
    return f"not claimed ({entry['date']})"


def _yes_no(holds: bool) -> str:
    return "yes" if holds else "**no**"


def _row(cells: Sequence[str]) -> str:
    # A bar inside a cell would end it.
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
