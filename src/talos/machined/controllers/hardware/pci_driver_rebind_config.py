"""PCI devices the configuration gives to another driver."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.config.documents.hardware.pci_driver_rebind import PCIDriverRebindConfig as RebindDocument
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.hardware.pci_driver_rebind_config import PCIDriverRebindConfig


class PCIDriverRebindConfigController(controller.Controller):
    """One resource for each document; the id is the device's address."""

    modes = Mode.MACHINE
    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(PCIDriverRebindConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the documents."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        for one in active.documents.all(RebindDocument) if active is not None else ():
            spec = PCIDriverRebindConfig.Spec(pciid=one.name, target_driver=one.target_driver)
            await r.put(PCIDriverRebindConfig(one.name, spec))
