"""Makes the course known to this environment's Jupyter: its kernel, nbgrader's configuration, JupyterLab's settings."""

import json
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

KERNEL = "dl-course"
# JupyterLab asks at its first start whether it may fetch news: noise in a classroom, and an error offline.
LAB_SETTINGS = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


def kernelspec_folder(root: Path) -> Path:
    """Where a checkout keeps the description of its kernel."""
    return root / "lectures/coursekit/kernelspec"


def register(root: Path, prefix: Path = Path(sys.prefix)) -> None:
    """Register the course at `root` with the environment at `prefix`; a second call changes nothing.

    The configuration is linked, not copied, so that nbgrader finds the course from any folder.
    """
    KernelSpecManager().install_kernel_spec(str(kernelspec_folder(root)), KERNEL, prefix=str(prefix))
    jupyter = prefix / "etc/jupyter"
    config = jupyter / "nbgrader_config.py"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.unlink(missing_ok=True)
    config.symlink_to((root / "grader/nbgrader_config.py").resolve())
    settings = jupyter / "labconfig/page_config.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(LAB_SETTINGS, indent=2) + "\n")
