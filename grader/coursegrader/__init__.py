"""The autograder: builds releases, grades submissions, and checks that the hidden tests are worth their points."""

import sys
from importlib.metadata import PackageNotFoundError, version

# jsonschema, which reads notebooks, builds a parser of internationalized addresses when it is imported: 1.6 s of CPU in
# every process that grades, for a format that no notebook has. It does without where the parser is missing.
sys.modules.setdefault("rfc3987_syntax", None)

try:
    __version__ = version("deep-learning-breakthroughs")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"

__all__ = ["__version__"]
