"""Makes the checkpoints of 2_wavenet anew, by the lecture's own cells in the full profile; see README.md beside this.

Those cells carry the tag "checkpoint". They load a checkpoint that is there: delete it first.
"""

import os
from pathlib import Path

import jupytext

PART = Path(__file__).resolve().parents[1]


def main() -> None:
    # Seed and sizes are those of the log, whatever the caller's own settings.
    os.environ.update(COURSE_PROFILE="full", COURSE_SOURCE="bundled", COURSE_SEED="0")
    os.chdir(PART)
    import coursekit
    from coursekit.definitions import definitions

    seed, profile = coursekit.set_seed(), coursekit.get_profile()
    lecture = definitions(PART / "2_wavenet.py", seed=seed, profile=profile)
    for cell in jupytext.read(PART / "2_wavenet.py").cells:
        if "checkpoint" in cell.metadata.get("tags", []):
            exec(cell.source, lecture.__dict__)


if __name__ == "__main__":
    main()
