"""Kills a grading run at random moments, runs it again, and compares the gradebook with that of an undisturbed run.

    python grader/benchmarks/kill.py [--moments 50] [--students 12] [--seed 0]

Each round grades the import-bound class anew by `coursegrader autograde` and sends SIGKILL to the coordinator, a
worker, the warm process or a kernel, in turn. Then the same command runs until it says that it is done. Compared are
all grades and comments, the graded notebooks and the results in JSON lines, without times and memory.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
from classes import IMPORTS, imports_course
from coursegrader.course import DATA_VARIABLE, Course
from measure import console, role, show

TARGETS = ("coordinator", "worker", "warm process", "kernel")
GRADES = """
    select a.student_id, c.name, g.auto_score, g.manual_score, g.needs_manual_grade, m.auto_comment, m.manual_comment
    from submitted_assignment a join submitted_notebook n on n.assignment_id = a.id
    join grade g on g.notebook_id = n.id join base_cell c on c.id = g.cell_id
    left join comment m on m.notebook_id = n.id and m.cell_id = c.id
"""
# What differs from run to run: what was measured, and the traceback for staff, which names the kernel's own files.
VARYING = ("seconds", "peak_memory", "staff")
MOST_RERUNS = 5
# How long what a killed coordinator started may outlive it.
LINGER_SECONDS = 20.0


def command(course: Course) -> subprocess.Popen:
    """Starts `coursegrader autograde` in the course's folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "coursegrader", "autograde", IMPORTS],
        cwd=course.root,
        env=os.environ | {DATA_VARIABLE: str(course.data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(course: Course, expected: int) -> tuple[int, str]:
    """Runs the command until it ends well; how often it took, and what it said last."""
    for number in range(1, MOST_RERUNS + 1):
        running = command(course)
        said, _ = running.communicate()
        if running.returncode == expected:
            return number, said
    raise SystemExit(f"The run did not come to its end in {MOST_RERUNS} attempts:\n{said}")


def without_varying(value: object) -> object:
    """A result without what differs from run to run."""
    if isinstance(value, dict):
        return {key: without_varying(one) for key, one in value.items() if key not in VARYING}
    return [without_varying(one) for one in value] if isinstance(value, list) else value


def written(course: Course) -> dict[str, object]:
    """All that a run leaves behind: grades, results, graded notebooks."""
    with contextlib.closing(sqlite3.connect(course.data / "gradebook.db")) as gradebook:
        grades = sorted(gradebook.execute(GRADES))
        (sound,) = gradebook.execute("pragma integrity_check").fetchone()
    lines = (course.results / f"{IMPORTS}.jsonl").read_text().splitlines()
    notebooks = {path.parent.parent.name: path for path in course.autograded.glob("*/*/*.ipynb")}
    return {
        "sound": sound,
        "grades": grades,
        "results": sorted((without_varying(json.loads(line)) for line in lines), key=lambda line: line["student"]),
        "notebooks": {student: json.loads(path.read_text()) for student, path in sorted(notebooks.items())},
    }


def victims(coordinator: int, target: str) -> list[psutil.Process]:
    """The processes of a run that play a part."""
    try:
        run = psutil.Process(coordinator)
        everyone = [run, *run.children(recursive=True)]
    except psutil.Error:
        return []
    found = []
    for process in everyone:
        try:
            if role(process, coordinator) == target:
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_once(course: Course, target: str, seconds: float, chance: random.Random) -> bool:
    """Starts a run of about `seconds`, kills one process that plays the part, and waits for the run's end.

    The moment is drawn from what is left of the run when the first such process is there. Returns whether one was hit.
    """
    running = command(course)
    started = time.perf_counter()
    if await_victims(running, target):
        time.sleep(chance.uniform(0, max(0.0, seconds - (time.perf_counter() - started))))
    family: list[psutil.Process] = []
    hit = False
    # Between two submissions there may be no kernel: the next one.
    while not hit and (found := await_victims(running, target)):
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(running.pid).children(recursive=True)
            chance.choice(found).send_signal(signal.SIGKILL)
            hit = True
    running.communicate()
    _, left = psutil.wait_procs(family, timeout=LINGER_SECONDS)
    if left:
        raise SystemExit(f"Processes outlived the run after a {target} was killed: {left}")
    return hit


def await_victims(running: subprocess.Popen, target: str) -> list[psutil.Process]:
    """The processes that play the part, as soon as there are any; none where the run ends before."""
    while running.poll() is None:
        if found := victims(running.pid, target):
            return found
        time.sleep(0.01)
    return []


def main() -> None:
    """Reads the command line, kills, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--students", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        course = imports_course(Path(folder), options.students)
        started = time.perf_counter()
        undisturbed = command(course)
        said, _ = undisturbed.communicate()
        seconds = time.perf_counter() - started
        expected, truth = undisturbed.returncode, written(course)
        if len(truth["results"]) != options.students:
            raise SystemExit(f"The undisturbed run did not grade everyone:\n{said}")
        rows: dict[str, Counter] = {target: Counter() for target in TARGETS}
        for number in range(options.moments):
            target = TARGETS[number % len(TARGETS)]
            fresh(course)
            begun = time.perf_counter()
            killed = kill_once(course, target, seconds, chance)
            if not killed:
                # The machine is quicker now than it was: later moments would hit nothing.
                seconds = min(seconds, time.perf_counter() - begun)
            reruns, said = finish(course, expected)
            now = written(course)
            same = now == truth
            rows[target].update({"killed" if killed else "over": 1, "reruns": reruns})
            rows[target].update({"same" if same else "different": 1})
            if not same:
                parts = [part for part in truth if now[part] != truth[part]]
                console.print(f"round {number}: {target} killed, differs in {', '.join(parts)}")
                rows_of = {line["student"]: line for line in truth["results"]}
                for line in now["results"]:
                    was = rows_of.get(line["student"], {})
                    for key in (key for key in line if line[key] != was.get(key)):
                        console.print(f"  {line['student']}: {key} is {line[key]}, was {was.get(key)}", markup=False)
        show(
            f"SIGKILL at {options.moments} random moments of {seconds:.0f} s; {options.students} submissions",
            ["killed", "moments", "hit", "run was over", "runs after", "same gradebook", "different"],
            [
                (
                    target,
                    count["same"] + count["different"],
                    count["killed"],
                    count["over"],
                    count["reruns"],
                    count["same"],
                    count["different"],
                )
                for target, count in rows.items()
            ],
        )


def fresh(course: Course) -> None:
    """The class as it was handed in, before anything was graded."""
    for path in course.data.iterdir():
        if path != course.submitted:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main()
