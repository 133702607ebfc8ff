"""The course's commands on lectures, behind `make lectures`, `claims`, `claims-real` and `claims-seeds`."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from coursekit import results
from coursekit.execution import Lecture, LectureError, execute, find_lectures, store, use_two_cores, write_text
from coursekit.profile import UnknownProfile, get_profile

NUM_SEEDS = 5

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

Names = Annotated[list[str] | None, typer.Argument(help="Lectures, by name (2_training); all without any.")]
Folder = Annotated[Path, typer.Option(help="The folder of the lectures.")]


@app.command()
def lectures(names: Names = None, folder: Folder = Path("lectures")) -> None:
    """Execute lectures (small, bundled), store their outputs in place and what they cost in results/cost.json."""

    def run(lecture: Lecture) -> str:
        done = execute(lecture, _environment(profile="small", source="bundled"))
        store(lecture, done.notebook)
        entry = results.cost_entry(done.cost, "small", "bundled")
        _update(folder / "results" / "cost.json", lecture, entry)
        return f"{entry['wall_s']} s, {entry['cpu_s']} s of CPU, {entry['peak_gib']} GiB"

    _for_each(_find(folder, names), run)


@app.command()
def claims(folder: Folder = Path("lectures")) -> None:
    """Gather the claims of the stored notebooks and write the syllabus' results in README.md."""
    syllabus = folder / "README.md"
    try:
        table = results.results_table(find_lectures(folder), folder / "results")
        text = results.with_results(syllabus.read_text(encoding="utf-8"), table)
    except (results.ResultsError, OSError) as error:
        raise _stop(error) from error
    write_text(syllabus, text)
    typer.echo(f"results written to {syllabus}")


@app.command("claims-real")
def claims_real(names: Names = None, folder: Folder = Path("lectures")) -> None:
    """Run the lectures that have real data on it and store their claims, with the date, in results/real.json."""
    try:
        profile = get_profile().name
    except UnknownProfile as error:
        raise _stop(error) from error

    def run(lecture: Lecture) -> str:
        done = execute(lecture, _environment(profile=profile, source="real"), failed_claims_stop=False)
        found = results.claims_of(done.notebook)
        entry = {"date": _today(), **results.cost_entry(done.cost, profile, "real")}
        _update(folder / "results" / "real.json", lecture, {**entry, "claims": found})
        return _verdict([claim["holds"] for claim in found])

    _for_each([lecture for lecture in _find(folder, names) if lecture.has_real_data], run)


@app.command("claims-seeds")
def claims_seeds(names: Names = None, folder: Folder = Path("lectures")) -> None:
    """Run lectures with five seeds (small, bundled) and store what holds in results/seeds.json."""

    def run(lecture: Lecture) -> str:
        runs = {}
        for seed in range(NUM_SEEDS):
            environment = _environment(profile="small", source="bundled", seed=seed)
            runs[seed] = results.claims_of(execute(lecture, environment, failed_claims_stop=False).notebook)
            typer.echo(f"  {lecture.name}, seed {seed}: {_verdict([claim['holds'] for claim in runs[seed]])}")
        summary = results.over_seeds(runs)
        _update(folder / "results" / "seeds.json", lecture, {"date": _today(), "claims": summary})
        standing = [claim["holds"] >= results.SHARE_THAT_MUST_HOLD * claim["seeds"] for claim in summary]
        return _verdict(standing)

    _for_each(_find(folder, names), run)


def _environment(*, profile: str, source: str, seed: int = 0) -> dict[str, str]:
    """What a lecture's kernel is told; seeds, sizes and data must not depend on the caller's own settings."""
    return {"COURSE_PROFILE": profile, "COURSE_SOURCE": source, "COURSE_SEED": str(seed)}


def _find(folder: Path, names: list[str] | None) -> list[Lecture]:
    try:
        found = find_lectures(folder, names or ())
    except LectureError as error:
        raise _stop(error) from error
    if not found:
        raise _stop(f"no lectures in {folder}: run this in the course's folder, or name one with --folder")
    return found


def _for_each(chosen: list[Lecture], run: Callable[[Lecture], str]) -> None:
    """Run every lecture whatever happens to the others; leave with status 1 if one failed."""
    use_two_cores()
    num_failed = 0
    for lecture in chosen:
        try:
            typer.echo(f"{lecture.name}: {run(lecture)}")
        except (LectureError, results.ResultsError) as error:
            num_failed += 1
            typer.echo(f"{lecture.name}: FAILED: {error}", err=True)
    if num_failed:
        raise _stop(f"{num_failed} of {len(chosen)} lectures failed")


def _update(path: Path, lecture: Lecture, entry: results.Results) -> None:
    results.save(path, {**results.load(path), lecture.name: entry})


def _verdict(holds: list[bool]) -> str:
    return f"{sum(holds)} of {len(holds)} claims hold"


def _today() -> str:
    return datetime.date.today().isoformat()


def _stop(reason: object) -> typer.Exit:
    typer.echo(str(reason), err=True)
    return typer.Exit(1)


if __name__ == "__main__":
    app()
