"""The Jupyter provisioner of warm kernels: nbclient and nbgrader use it through a kernelspec that names it."""

import asyncio
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Unicode

from coursegrader.warm.client import Control, from_folder

NAME = "dl-warm"
_GROUP = "jupyter_client.kernel_provisioners"


class WarmProvisioner(LocalProvisioner):
    """Kernels forked from the warm process at `address`; without an address an ordinary, cold, unconfined kernel."""

    address = Unicode("", config=True, help="The forge's address; empty: start kernels cold, with a message.")
    level = Unicode("", config=True, help="The sandbox's level.")
    control: Control | None = None

    @property
    def has_process(self) -> bool:
        """True from the launch until the end was seen."""
        return self.control is not None if self.address else super().has_process

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare the connection; a warm kernel has neither a command line nor this process's environment."""
        if not self.address:
            self.log.warning("No warm process: starting a cold kernel, which imports everything itself.")
            return await super().pre_launch(**kwargs)
        kwargs.pop("extra_arguments", None)
        return await KernelProvisionerBase.pre_launch(self, cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Ask for a kernel and wait until its sockets are bound. Raises KernelFailed."""
        if not self.address:
            return await super().launch_kernel(cmd, **kwargs)
        manager = self.parent
        order = getattr(manager, "order", None) or from_folder(kwargs.get("cwd"), self.level, self.kernel_spec.env)
        self.control = Control(Path(self.address), order, manager.session.key.decode())
        manager.transport = "ipc"
        manager.connection_file = str(self.control.folder / "connection.json")
        while not self.control.ready and not self.control.ended:
            await asyncio.sleep(0.005)
        self.control.check_started()
        self.connection_info = self.control.connection | {
            "key": manager.session.key,
            "signature_scheme": manager.session.signature_scheme,
        }
        return self.connection_info

    async def poll(self) -> int | None:
        """None while the kernel runs, else 1."""
        if not self.address:
            return await super().poll()
        return 1 if self.control is None or self.control.ended else None

    async def wait(self) -> int | None:
        """Wait for the kernel's end."""
        if not self.address:
            return await super().wait()
        while self.control is not None and not self.control.ended:
            await asyncio.sleep(0.01)
        return 1

    async def send_signal(self, signum: int) -> None:
        """Signal the kernel process."""
        if not self.address:
            await super().send_signal(signum)
        elif self.control is not None:
            self.control.line.send(signal=signum)

    async def kill(self, restart: bool = False) -> None:
        """End the kernel and everything it started."""
        if not self.address:
            await super().kill(restart)
        elif self.control is not None:
            self.control.end()

    async def terminate(self, restart: bool = False) -> None:
        """As `kill`: there is nothing that a kernel could still want to save."""
        if self.address:
            await self.kill(restart)
        else:
            await super().terminate(restart)

    async def cleanup(self, restart: bool = False) -> None:
        """Delete the kernel's folder."""
        if not self.address:
            await super().cleanup(restart)
        elif self.control is not None:
            self.control.close()


def register() -> None:
    """Make the provisioner known where the distribution's entry point is not installed."""
    factory = KernelProvisionerFactory.instance()
    factory.provisioners.setdefault(NAME, EntryPoint(NAME, f"{__name__}:WarmProvisioner", _GROUP))
