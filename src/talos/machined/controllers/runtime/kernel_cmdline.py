"""The kernel's command line."""

from __future__ import annotations

from talos.cosi import controller
from talos.linux import procfs
from talos.machinery.resources.runtime.kernel_cmdline import KERNEL_CMDLINE_ID, KernelCmdline


class KernelCmdlineController(controller.Controller):
    """Read once."""

    outputs = (controller.exclusive(KernelCmdline),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource from one file."""
        await r.put(KernelCmdline(KERNEL_CMDLINE_ID, KernelCmdline.Spec(cmdline=procfs.cmdline())))
