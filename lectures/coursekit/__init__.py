"""What every lecture shares: profile, device, plots, progress and claims.

Import it first in a notebook: it imports Keras and its backend without their start-up lines.
"""

import os

from coursekit.quiet import quiet_stderr

# The course's kernel sets this; other kernels would show TensorFlow's chatter in the middle of a lecture.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with quiet_stderr():
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow  # noqa: F401

from coursekit import plots
from coursekit.claims import Claim, ClaimFailed
from coursekit.device import BadSeed, Device, set_device, set_seed
from coursekit.profile import Profile, UnknownProfile, get_profile
from coursekit.progress import FitProgress, ProgressLine, progress_bar

plots.use_style()

__all__ = [
    "BadSeed",
    "Claim",
    "ClaimFailed",
    "Device",
    "FitProgress",
    "Profile",
    "ProgressLine",
    "UnknownProfile",
    "get_profile",
    "plots",
    "progress_bar",
    "set_device",
    "set_seed",
]
