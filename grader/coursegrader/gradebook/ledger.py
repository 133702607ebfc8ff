"""Ledger: what the grader found on each submission, in a table of its own inside the gradebook.

It is written in the transaction that writes the grades, so that the two cannot disagree. nbgrader does not know the
table and leaves it alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from nbgrader.api import Assignment, Gradebook, SubmittedAssignment
from sqlalchemy import Boolean, Column, MetaData, Select, String, Table, Text, delete, insert, select

from coursegrader.gradebook.fingerprint import Fingerprint

# By nbgrader's id of the submission: where that is removed, what was found on it no longer counts.
TABLE = Table(
    "coursegrader_result",
    MetaData(),
    Column("submission", String(32), primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("notebook", String(64), nullable=False),
    Column("run", String(32), nullable=False),
    Column("machine", Boolean, nullable=False),
    Column("found", Text, nullable=False),
)
WITHOUT_FINDINGS = [column for column in TABLE.columns if column.name != "found"]


@dataclass(frozen=True)
class Entry:
    """What is known of one graded submission.

    `notebook` is the digest of the graded notebook, `run` names the run that graded it, `machine` says that it failed
    for reasons of the machine and is to be tried again, `found` is its line of `results/PS.jsonl` with the digests of
    the answers under `answers`.
    """

    fingerprint: Fingerprint
    notebook: str
    run: str
    machine: bool
    found: dict


def prepare(gradebook: Gradebook) -> None:
    """Makes the table where there is none."""
    TABLE.create(gradebook.engine, checkfirst=True)


def read(gradebook: Gradebook, submission: SubmittedAssignment) -> Entry | None:
    """What is known of a submission; None where the grader did not grade it."""
    row = gradebook.db.execute(select(TABLE).where(TABLE.c.submission == submission.id)).mappings().first()
    return _entry(row) if row else None


def write(gradebook: Gradebook, submission: SubmittedAssignment, entry: Entry) -> None:
    """Puts an entry in the place of the one before, in the session's transaction."""
    gradebook.db.execute(delete(TABLE).where(TABLE.c.submission == submission.id))
    row = {
        "submission": submission.id,
        "fingerprint": json.dumps(asdict(entry.fingerprint)),
        "notebook": entry.notebook,
        "run": entry.run,
        "machine": entry.machine,
        "found": json.dumps(entry.found, allow_nan=False),
    }
    gradebook.db.execute(insert(TABLE).values(row))


def known(gradebook: Gradebook, assignment: str) -> dict[str, Entry]:
    """Every student's entry without what was found, which is most of it."""
    rows = gradebook.db.execute(_of(assignment, WITHOUT_FINDINGS)).mappings()
    return {row["student_id"]: _entry({**row, "found": "{}"}) for row in rows}


def entries(gradebook: Gradebook, assignment: str) -> Iterator[tuple[str, Entry]]:
    """Every student with an entry, in the students' order, read a few at a time."""
    rows = gradebook.db.execute(_of(assignment, [*TABLE.columns]), execution_options={"yield_per": 20}).mappings()
    for row in rows:
        yield row["student_id"], _entry(row)


def _of(assignment: str, columns: list[Column]) -> Select:
    return (
        select(SubmittedAssignment.student_id, *columns)
        .join(SubmittedAssignment, SubmittedAssignment.id == TABLE.c.submission)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .where(Assignment.name == assignment)
        .order_by(SubmittedAssignment.student_id)
    )


def _entry(row) -> Entry:
    return Entry(
        Fingerprint(**json.loads(row["fingerprint"])),
        row["notebook"],
        row["run"],
        row["machine"],
        json.loads(row["found"]),
    )
