"""The three packages as a wheel would install them, in a folder of their own.

A kernel imports these copies: from an editable install it would see the repository, and `solutions/` with it.
"""

import compileall
import importlib.util
import shutil
import sys
from pathlib import Path

NAMES = ("coursedata", "coursekit", "coursegrader")


def stage(folder: Path) -> None:
    """Copy the packages, with their data, into `folder`; it can then stand on `sys.path` in place of the install."""
    for name in NAMES:
        source = Path(importlib.util.find_spec(name).origin).parent
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    compileall.compile_dir(folder, quiet=2)


def use_only(folder: Path) -> None:
    """Make this process import from `folder`, the environment and the standard library, and from nowhere else.

    Raises ImportError when a package would still come from elsewhere.
    """
    # An editable install's finder is a class or an object of a module that the installer generates.
    sys.meta_path[:] = [finder for finder in sys.meta_path if not _module(finder).startswith("__editable__")]
    roots = [Path(prefix) for prefix in (sys.prefix, sys.base_prefix)]
    kept = [path for path in sys.path if any(Path(path).is_relative_to(root) for root in roots)]
    sys.path[:] = [str(folder), *kept]
    sys.path_importer_cache.clear()
    for name in NAMES:
        origin = importlib.util.find_spec(name).origin
        if not Path(origin).is_relative_to(folder):
            raise ImportError(f"{name} comes from {origin}, not from the staged copy in {folder}")


def _module(finder: object) -> str:
    return getattr(finder, "__module__", None) or type(finder).__module__
