"""Makes the course known to this environment's Jupyter: its kernel, nbgrader's configuration, JupyterLab's settings."""

import json
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

KERNEL = "dl-course"
# JupyterLab asks at its first start whether it may fetch news: noise in a classroom, and an error offline.
NEWS = "@jupyterlab/apputils-extension:announcements"
# nbgrader's tools for staff, in the page and in the server: students have no use for them.
STAFF_PAGES = tuple(f"@jupyter/nbgrader:{name}" for name in ("formgrader", "course-list", "create-assignment"))
STAFF_SERVICES = tuple(f"nbgrader.server_extensions.{name}" for name in ("formgrader", "course_list"))


def kernelspec_folder(root: Path) -> Path:
    """Where a checkout keeps the description of its kernel."""
    return root / "lectures/coursekit/kernelspec"


def is_for_staff(root: Path) -> bool:
    """Whether a checkout is the teachers' one; students get a copy without `solutions/`."""
    return (root / "solutions").is_dir()


def register(root: Path, prefix: Path = Path(sys.prefix)) -> None:
    """Register the course at `root` with the environment at `prefix`; a second call changes nothing.

    The configuration is linked, not copied, so that nbgrader finds the course from any folder. In a students' copy the
    tools of nbgrader that are for staff are switched off, in the teachers' checkout they are on.
    """
    KernelSpecManager().install_kernel_spec(str(kernelspec_folder(root)), KERNEL, prefix=str(prefix))
    jupyter = prefix / "etc/jupyter"
    config = jupyter / "nbgrader_config.py"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.unlink(missing_ok=True)
    config.symlink_to((root / "grader/nbgrader_config.py").resolve())
    hidden = () if is_for_staff(root) else STAFF_PAGES
    _write(jupyter / "labconfig/page_config.json", {"disabledExtensions": dict.fromkeys((NEWS, *hidden), True)})
    # Read after nbgrader.json, which switches everything on: Jupyter goes by the files' names.
    services = jupyter / "jupyter_server_config.d/nbgrader_students.json"
    if is_for_staff(root):
        services.unlink(missing_ok=True)
    else:
        _write(services, {"ServerApp": {"jpserver_extensions": dict.fromkeys(STAFF_SERVICES, False)}})


def _write(path: Path, settings: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=2) + "\n")
