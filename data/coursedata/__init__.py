"""Where every byte of the course's data comes from: generators, loaders, and downloads with checksums."""

from coursedata.digits import load_digits
from coursedata.errors import (
    ChecksumMismatch,
    CourseDataError,
    DataUnavailable,
    NoDiskSpace,
    UnknownDataset,
    UnknownSource,
)
from coursedata.fetching import fetch
from coursedata.scenes import Nuisances, Scenes, render
from coursedata.sources import ImageSplit, load_emoji, load_images, load_speech, resolve_source

__all__ = [
    "ChecksumMismatch",
    "CourseDataError",
    "DataUnavailable",
    "ImageSplit",
    "NoDiskSpace",
    "Nuisances",
    "Scenes",
    "UnknownDataset",
    "UnknownSource",
    "fetch",
    "load_digits",
    "load_emoji",
    "load_images",
    "load_speech",
    "render",
    "resolve_source",
]
