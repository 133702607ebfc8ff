"""Backup: a dated copy of the gradebook before a run that writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url
from traitlets import Integer
from traitlets.config import Configurable

from coursegrader.course import Course
from coursegrader.errors import BackupFailed


class Backups(Configurable):
    """How many dated copies of the gradebook are kept, as `c.Backups.NAME` in the configuration."""

    keep = Integer(20, min=1, help="The newest copies stay, older ones go.").tag(config=True)


def sqlite_file(course: Course) -> Path | None:
    """The gradebook's file; None where the gradebook is kept by a database server."""
    address = make_url(course.database)
    if address.get_backend_name() != "sqlite" or not address.database:
        return None
    return Path(address.database)


def copy_gradebook(course: Course) -> Path | None:
    """Copies the gradebook to `course/backups/` and gives the copy; None where there is nothing to copy yet.

    sqlite's own backup is used: a file copied while somebody writes can be torn. A gradebook on a database server is
    not copied here (None): its own tools do that, as `pg_dump`. Raises `BackupFailed`.
    """
    path = sqlite_file(course)
    if path is None or not path.exists():
        return None
    folder = course.data / "backups"
    now = datetime.now(UTC)
    # To the millisecond, in order of time: two runs within a second keep both.
    target = folder / f"gradebook-{now:%Y-%m-%dT%H-%M-%S}.{now.microsecond // 1000:03d}Z.db"
    unfinished = folder / ".unfinished.db"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as copy:
            source.backup(copy)
        unfinished.chmod(path.stat().st_mode & 0o777)
        unfinished.replace(target)
        for old in copies(course)[: -Backups(config=course.config).keep]:
            old.unlink()
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(
            f"No copy of the gradebook could be made in {folder} ({error}), so nothing was written. Make room there, or"
            " see whether the gradebook is whole (`sqlite3 gradebook.db 'pragma integrity_check'`), and run again."
        ) from error
    return target


def copies(course: Course) -> list[Path]:
    """The copies that there are, oldest first."""
    return sorted((course.data / "backups").glob("gradebook-*.db"))
