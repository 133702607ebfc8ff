"""Seeds, and where a lecture's numbers are computed."""

import os
import platform
from dataclasses import dataclass

import keras

_LARGEST_SEED = 2**32 - 1


class BadSeed(ValueError):
    """`COURSE_SEED` (or the argument) is not a whole number that every generator accepts."""

    def __init__(self, value: object) -> None:
        super().__init__(f"{value!r} is no seed: set COURSE_SEED to a whole number from 0 to {_LARGEST_SEED}")


@dataclass(frozen=True)
class Device:
    """Where Keras computes: its backend, the processors it uses and the type it computes in (a Keras dtype policy)."""

    backend: str
    kind: str
    names: tuple[str, ...]
    dtype_policy: str

    def __repr__(self) -> str:
        return f"Keras on {self.backend}, {self.kind}: {', '.join(self.names)}, {self.dtype_policy}"


def set_seed(seed: int | None = None) -> int:
    """Seed Python, NumPy and Keras, and return the seed: the argument, else `COURSE_SEED`, else 0.

    Raises `BadSeed` for anything but a whole number from 0 to 2**32 - 1.
    """
    value = os.environ.get("COURSE_SEED") or 0 if seed is None else seed
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise BadSeed(value) from None
    if not 0 <= number <= _LARGEST_SEED:
        raise BadSeed(value)
    keras.utils.set_random_seed(number)
    return number


def set_device(*, mixed_precision: bool = True) -> Device:
    """Choose the type to compute in and say what runs where.

    On a GPU with fast half precision, layers compute in bfloat16 or float16 and keep their variables in float32;
    on a CPU everything is float32. `mixed_precision=False` keeps float32 everywhere: for networks so small that it
    gains nothing, and for loops that do not scale their loss.
    """
    gpus = gpu_names()
    policy = _half_precision() if gpus and mixed_precision else "float32"
    keras.config.set_dtype_policy(policy)
    if gpus:
        return Device(keras.backend.backend(), "GPU", tuple(gpus), policy)
    return Device(keras.backend.backend(), "CPU", (f"{_num_cores()} cores ({platform.machine()})",), policy)


def gpu_names() -> list[str]:
    """Names of the GPUs that the Keras backend can use, in order; empty without one."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # The physical devices: asking for the logical ones would start TensorFlow's runtime.
        gpus = tf.config.list_physical_devices("GPU")
        return [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    return [name for name in keras.distribution.list_devices() if name.startswith(("gpu", "cuda"))]


def _half_precision() -> str:
    """The Keras dtype policy for the first GPU: bfloat16 needs no loss scaling, but only newer GPUs compute in it."""
    if keras.backend.backend() != "tensorflow":
        return "mixed_bfloat16"
    import tensorflow as tf

    gpu = tf.config.list_physical_devices("GPU")[0]
    capability = tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
    if capability >= (8, 0):
        return "mixed_bfloat16"
    return "mixed_float16" if capability >= (7, 0) else "float32"


def _num_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
