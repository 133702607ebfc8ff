"""The autograder: builds releases, grades submissions, and checks that the hidden tests are worth their points."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("deep-learning-breakthroughs")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"

__all__ = ["__version__"]
