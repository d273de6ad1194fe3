"""Gives PCI devices to the wanted drivers, and back when nobody wants that any more."""

from __future__ import annotations

from pathlib import Path

from talos.base import errors
from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.linux import pci
from talos.machined.modes import Mode
from talos.machinery.resources.hardware.pci_driver_rebind_config import PCIDriverRebindConfig
from talos.machinery.resources.hardware.pci_driver_rebind_status import PCIDriverRebindStatus


class PCIDriverRebindController(controller.Controller):
    """One device after the other; one that fails does not keep the others."""

    modes = Mode.MACHINE
    inputs = (controller.strong(PCIDriverRebindConfig),)
    outputs = (controller.exclusive(PCIDriverRebindStatus),)

    def __init__(self) -> None:
        self._root: Path = pci.ROOT

    async def reconcile(self, r: controller.Handle) -> None:
        """Bind what runs, release what goes."""
        failed: Exception | None = None
        for one in await r.list(PCIDriverRebindConfig):
            address, driver = one.spec.pciid, one.spec.target_driver
            try:
                if one.metadata.phase is not Phase.RUNNING:
                    pci.release(address, self._root)
                    await r.remove_finalizer(PCIDriverRebindConfig, one.id)
                    continue
                await r.add_finalizer(PCIDriverRebindConfig, one.id)
                if pci.rebind(address, driver, self._root):
                    r.log.info("PCI device %s was given to %s", address, driver)
            except (OSError, errors.NotFound, errors.Invalid) as error:
                failed = failed or error
                continue
            spec = PCIDriverRebindStatus.Spec(pciid=address, target_driver=driver)
            await r.put(PCIDriverRebindStatus(one.id, spec))
        if failed is not None:
            raise failed
