"""Where a course's things are, and how nbgrader is configured for it."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jupyter_core.paths import jupyter_config_path
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from coursegrader.errors import CourseNotFound, UnknownAssignment

CONFIG_NAME = "nbgrader_config.py"
DATA_VARIABLE = "COURSE_DIR"


@dataclass(frozen=True)
class Course:
    """A course's root and the folder of one class's data (`course/`, or the one that `COURSE_DIR` names)."""

    root: Path
    data: Path

    @classmethod
    def at(cls, root: Path, data: Path | None = None) -> Course:
        """The course whose root is known; `data` counts from the root when it is relative."""
        root = root.resolve()
        return cls(root, (root / (data or os.environ.get(DATA_VARIABLE, "course"))).resolve())

    @classmethod
    def find(cls, start: Path | None = None) -> Course:
        """The course around `start` (default: the working folder), else the one that the environment was set up for.

        That one is where Jupyter finds nbgrader's configuration, or where this package was installed from in place.
        Raises `CourseNotFound` when there is neither.
        """
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if _is_root(folder):
                return cls.at(folder)
        installed = ((Path(folder) / CONFIG_NAME).resolve().parent.parent for folder in jupyter_config_path())
        for folder in (*installed, Path(__file__).resolve().parents[2]):
            if _is_root(folder):
                return cls.at(folder)
        raise CourseNotFound(
            f"No course here: neither {start} nor a folder above it holds grader/{CONFIG_NAME}, and this Python"
            " environment was not set up for one. Run the command inside the course's folder, or `make setup` there."
        )

    @property
    def solutions(self) -> Path:
        """The instructors' notebooks (nbgrader's source)."""
        return self.root / "solutions"

    @property
    def assignments(self) -> Path:
        """What students get (nbgrader's release)."""
        return self.root / "assignments"

    @property
    def submitted(self) -> Path:
        """The class's submissions, laid out as `STUDENT/PS/`."""
        return self.data / "submitted"

    @property
    def autograded(self) -> Path:
        """Graded notebooks, laid out as `STUDENT/PS/`."""
        return self.data / "autograded"

    @property
    def feedback(self) -> Path:
        """Pages for students, laid out as `STUDENT/PS/`."""
        return self.data / "feedback"

    @property
    def results(self) -> Path:
        """What the grader found, as `PS.jsonl`: a line a submission."""
        return self.data / "results"

    @property
    def reports(self) -> Path:
        """Pages and tables for staff."""
        return self.data / "reports"

    @cached_property
    def config(self) -> Config:
        """nbgrader's configuration: the course's own file, then those on Jupyter's path, nearest last."""
        own = self.root / "grader" / CONFIG_NAME
        others = [Path(folder) / CONFIG_NAME for folder in reversed(jupyter_config_path())]
        merged = Config()
        # The installed link names this very file, or that of another checkout, whose folders must not win here.
        files = [own, *(path for path in others if path.exists() and not _is_root(path.resolve().parent.parent))]
        with _environment(DATA_VARIABLE, str(self.data)):
            for path in files:
                merged.merge(PyFileConfigLoader(path.name, str(path.parent)).load_config())
        return merged

    @cached_property
    def directory(self) -> CourseDirectory:
        """nbgrader's own view of the layout."""
        return CourseDirectory(config=self.config, log=logging.getLogger("coursegrader.nbgrader"))

    @property
    def database(self) -> str:
        """The gradebook's address for SQLAlchemy."""
        return self.directory.db_url

    def names(self) -> list[str]:
        """Every assignment of the course: a folder in `solutions/` with a notebook of the same name."""
        return sorted(path.parent.name for path in self.solutions.glob("*/*.ipynb") if path.stem == path.parent.name)

    def source(self, assignment: str) -> Path:
        """The folder of an assignment's solution; raises `UnknownAssignment`, which lists what exists."""
        if not self.solutions.is_dir():
            raise UnknownAssignment(
                f"{self.root} is a students' copy of the course, without solutions/, which this command needs: run it"
                " in the teachers' one."
            )
        if assignment not in self.names():
            known = ", ".join(self.names()) or "none yet"
            raise UnknownAssignment(f"There is no assignment {assignment!r} in {self.solutions}; there is: {known}.")
        return self.solutions / assignment


def _is_root(folder: Path) -> bool:
    # Students have a copy without solutions/.
    parts = (folder / "solutions", folder / "assignments")
    return (folder / "grader" / CONFIG_NAME).is_file() and any(part.is_dir() for part in parts)


class _environment:
    """Sets one environment variable for the time of a `with` block."""

    def __init__(self, name: str, value: str) -> None:
        self.name, self.value = name, value

    def __enter__(self) -> None:
        self.before = os.environ.get(self.name)
        os.environ[self.name] = self.value

    def __exit__(self, *exception: object) -> None:
        if self.before is None:
            del os.environ[self.name]
        else:
            os.environ[self.name] = self.before
