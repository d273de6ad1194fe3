"""Where the kernel's log is sent: documents of the configuration and the kernel argument `talos.logging.kernel`."""

from __future__ import annotations

from talos.cosi import controller
from talos.linux import procfs
from talos.machined.modes import Mode
from talos.machinery.config.documents.runtime.kmsg_log import KmsgLogConfig as KmsgLogDocument
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.kmsg_log_config import KMSG_LOG_CONFIG_ID, KmsgLogConfig

ARGUMENT = "talos.logging.kernel="


def from_cmdline(cmdline: str) -> list[str]:
    """Destinations of the kernel's command line."""
    return [word.removeprefix(ARGUMENT) for word in cmdline.split() if word.startswith(ARGUMENT)]


class KmsgLogConfigController(controller.Controller):
    """Publishes all destinations, none of them twice; without any there is no resource."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(KmsgLogConfig),)

    def __init__(self, mode: Mode) -> None:
        # A container's kernel arguments are those of its host.
        self._early = from_cmdline(procfs.cmdline()) if mode is not Mode.CONTAINER else []

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        documents = active.documents.all(KmsgLogDocument) if active is not None else []
        destinations = tuple(dict.fromkeys([*self._early, *(one.url for one in documents)]))
        if destinations:
            await r.put(KmsgLogConfig(KMSG_LOG_CONFIG_ID, KmsgLogConfig.Spec(destinations=destinations)))
