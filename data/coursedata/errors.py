"""What can go wrong between a lecture and its data; every message says what to do next."""


class CourseDataError(Exception):
    """The base of every error of this package that is not a wrong argument."""


class UnknownSource(CourseDataError, ValueError):
    """A source other than the allowed ones was asked for."""


class UnknownDataset(CourseDataError, KeyError):
    """A data set that is not in the registry, or has no file to fetch, was asked for."""

    __str__ = Exception.__str__  # KeyError would show the sentence in quotation marks.


class DataUnavailable(CourseDataError):
    """The data is neither on this machine nor can it be downloaded."""


class ChecksumMismatch(CourseDataError):
    """A file is not what its card says."""


class NoDiskSpace(CourseDataError):
    """The download did not fit on the disk."""
