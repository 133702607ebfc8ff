"""Which sizes and which data a lecture uses: `COURSE_PROFILE` and `COURSE_SOURCE`."""

import os
from dataclasses import dataclass
from typing import Any, TypeVar

import coursedata

from coursekit.device import gpu_names

PROFILES = ("small", "full")
_DEFAULT_SOURCE = {"small": "bundled", "full": "real"}

Size = TypeVar("Size")


class UnknownProfile(ValueError):
    """`COURSE_PROFILE` (or the argument) names no profile of the course."""

    def __init__(self, name: str) -> None:
        allowed = " or ".join(repr(profile) for profile in PROFILES)
        super().__init__(f"unknown profile {name!r}: set COURSE_PROFILE to {allowed}, or leave it unset")


@dataclass(frozen=True)
class Profile:
    """Sizes and data of a run: `name` is "small" or "full", `source` is "bundled" or "real"."""

    name: str
    source: str

    def pick(self, *, small: Size, full: Size) -> Size:
        """The value for this profile. It may change a size, never what the code does."""
        values: dict[str, Any] = {"small": small, "full": full}
        return values[self.name]

    def __repr__(self) -> str:
        return f"profile {self.name}, {self.source} data"


def get_profile(name: str | None = None) -> Profile:
    """The profile to run in: the argument, else `COURSE_PROFILE`, else "full" with a GPU and "small" without.

    The data source is `COURSE_SOURCE`, else "bundled" in `small` and "real" in `full`.
    Raises `UnknownProfile`, and `coursedata.UnknownSource` for a source that does not exist.
    """
    name = name or os.environ.get("COURSE_PROFILE") or ("full" if gpu_names() else "small")
    if name not in PROFILES:
        raise UnknownProfile(name)
    # Without an argument, coursedata reads the variable itself and names it where it is wrong.
    source = coursedata.resolve_source(None if os.environ.get("COURSE_SOURCE") else _DEFAULT_SOURCE[name])
    return Profile(name, source)
