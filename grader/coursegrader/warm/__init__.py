"""Kernels forked from a process that has imported TensorFlow: ready at once, each as if newly started.

`start` starts that process, once a run; `Forge.kernel` gives kernel managers that nbclient accepts.
"""

from coursegrader.warm.client import KernelFailed
from coursegrader.warm.forge import Forge, NoForge, connect, start
from coursegrader.warm.manager import WarmKernelManager
from coursegrader.warm.protocol import Usage

__all__ = ["Forge", "KernelFailed", "NoForge", "Usage", "WarmKernelManager", "connect", "start"]
