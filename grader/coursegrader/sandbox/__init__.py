"""A place for code that nobody trusts: which levels this machine offers, what each keeps, and how to enter it."""

from coursegrader.sandbox.confine import LANDLOCK, NAMESPACES, UNSAFE
from coursegrader.sandbox.levels import Availability, Guarantee, NoSandbox, available, choose, describe
from coursegrader.sandbox.limits import Limits
from coursegrader.sandbox.syscalls import supported

__all__ = [
    "LANDLOCK",
    "NAMESPACES",
    "UNSAFE",
    "Availability",
    "Guarantee",
    "Limits",
    "NoSandbox",
    "available",
    "choose",
    "describe",
    "supported",
]
