"""What the firmware says of the machine: maker, serial number, processors, memory modules."""

from __future__ import annotations

from pathlib import Path

from talos.cosi import controller
from talos.linux import smbios
from talos.machined.modes import Mode
from talos.machinery.resources.hardware.memory_module import MemoryModule
from talos.machinery.resources.hardware.processor import Processor
from talos.machinery.resources.hardware.system_information import SYSTEM_INFORMATION_ID, SystemInformation
from talos.machinery.resources.runtime.meta_key import MetaKey

UUID_KEY = "0x0f"
"""Tag of META with a UUID that replaces the firmware's, for machines that all have the same one."""


def system(found: smbios.Machine, uuid: str) -> SystemInformation.Spec:
    """The machine, with the UUID somebody gave it if there is one."""
    return SystemInformation.Spec(
        manufacturer=found.manufacturer,
        product_name=found.product,
        version=found.version,
        bios_version=found.bios_version,
        serial_number=found.serial,
        uuid=uuid or found.uuid,
        wake_up_type=found.wake_up,
        sku_number=found.sku,
    )


class SystemInfoController(controller.Controller):
    """Tables are read once; META may change what the machine is called."""

    modes = Mode.MACHINE
    inputs = (controller.weak(MetaKey, id=UUID_KEY),)
    outputs = (
        controller.exclusive(Processor),
        controller.exclusive(MemoryModule),
        controller.exclusive(SystemInformation),
    )

    def __init__(self) -> None:
        self._path: Path = smbios.TABLE
        self._structures: list[smbios.Structure] | None = None

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource for each structure, numbered in the order of the tables."""
        if self._structures is None:
            self._structures = smbios.read(self._path)
        given = await r.find(MetaKey, UUID_KEY)
        machine = smbios.machine(self._structures)
        uuid = given.spec.value if given is not None else ""
        await r.put(SystemInformation(SYSTEM_INFORMATION_ID, system(machine, uuid)))
        for number, one in enumerate(smbios.processors(self._structures)):
            spec = Processor.Spec(
                socket=one.socket,
                manufacturer=one.manufacturer,
                product_name=one.version,
                max_speed=one.max_speed,
                boot_speed=one.boot_speed,
                status=one.status,
                serial_number=one.serial,
                asset_tag=one.asset_tag,
                part_number=one.part,
                core_count=one.cores,
                core_enabled=one.enabled,
                thread_count=one.threads,
            )
            await r.put(Processor(f"CPU-{number}", spec))
        for number, module in enumerate(smbios.memory_modules(self._structures)):
            memory = MemoryModule.Spec(
                size=module.size_mib,
                device_locator=module.locator,
                bank_locator=module.bank,
                speed=module.speed,
                manufacturer=module.manufacturer,
                serial_number=module.serial,
                asset_tag=module.asset_tag,
                product_name=module.part,
            )
            await r.put(MemoryModule(f"DIMM-{number}", memory))
