"""The machine's PCI devices as resources."""

from __future__ import annotations

from pathlib import Path

from talos.cosi import controller
from talos.linux import pci
from talos.machined.controllers.hardware import _pci_names
from talos.machined.modes import Mode
from talos.machinery.resources.hardware.pci_device import PCIDevice
from talos.machinery.resources.hardware.pci_driver_rebind_status import PCIDriverRebindStatus

INTERVAL_S = 60.0


def spec(device: pci.Device) -> PCIDevice.Spec:
    """A device as a resource; names where we know them, numbers always."""
    kind, below = _pci_names.kind(device.kind)
    return PCIDevice.Spec(
        class_=kind,
        subclass=below,
        vendor=_pci_names.VENDORS.get(device.vendor, ""),
        class_id=f"0x{device.kind >> 16:02x}",
        subclass_id=f"0x{device.kind >> 8 & 0xFF:02x}",
        vendor_id=f"0x{device.vendor:04x}",
        product_id=f"0x{device.product:04x}",
        driver=device.driver,
    )


class PCIDevicesController(controller.Controller):
    """Looks once a minute, and when a device was given to another driver: drivers come late at boot."""

    modes = Mode.MACHINE
    inputs = (controller.weak(PCIDriverRebindStatus),)
    outputs = (controller.exclusive(PCIDevice),)

    def __init__(self) -> None:
        self._root: Path = pci.ROOT

    async def reconcile(self, r: controller.Handle) -> None:
        """All devices there are."""
        for device in pci.devices(self._root):
            await r.put(PCIDevice(device.address, spec(device)))
        r.wake_after(INTERVAL_S)
