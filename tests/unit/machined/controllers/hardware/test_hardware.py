"""Hardware from the files the kernel shows, written by the test."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from talos.base import errors
from talos.linux import pci, smbios
from talos.machined.controllers.hardware import (
    cpu_info,
    pci_devices,
    pci_driver_rebind,
    pci_driver_rebind_config,
    system_info,
)
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.hardware.cpu_core import CPUCore
from talos.machinery.resources.hardware.memory_module import MemoryModule
from talos.machinery.resources.hardware.pci_device import PCIDevice
from talos.machinery.resources.hardware.pci_driver_rebind_config import PCIDriverRebindConfig
from talos.machinery.resources.hardware.pci_driver_rebind_status import PCIDriverRebindStatus
from talos.machinery.resources.hardware.processor import Processor
from talos.machinery.resources.hardware.system_information import SYSTEM_INFORMATION_ID, SystemInformation
from talos.machinery.resources.runtime.meta_key import MetaKey
from talos.testing import ctest

CPUS = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model name\t: Some CPU
physical id\t: 0
siblings\t: 2
core id\t\t: 3
cpu cores\t: 1
flags\t\t: fpu vme
bugs\t\t: spectre_v1
bogomips\t: 5199.99
power management:

processor\t: 1
vendor_id\t: GenuineIntel
physical id\t: 0
core id\t\t: 3

"""
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU part\t: 0xd0c\n\nprocessor\t: 1\n\n"


@pytest.mark.feature("E069")
async def test_cores_with_their_threads(tmp_path: Path) -> None:
    reader = cpu_info.CPUInfoController()
    reader._path = tmp_path / "cpuinfo"
    reader._path.write_text(CPUS)
    async with ctest.bench(reader) as b:
        assert await b.ids(CPUCore) == ["0-3"]
        spec = (await b.expect(CPUCore, "0-3")).spec
    assert (spec.logical_cp_us, spec.cores_per_socket, spec.threads_per_socket) == ((0, 1), 1, 2)
    assert (spec.vendor_id, spec.flags, spec.bogo_mips) == ("GenuineIntel", ("fpu", "vme"), 5199.99)


def test_arm_has_no_core_ids() -> None:
    found = cpu_info.cores(ARM)
    assert list(found) == ["0-0", "0-1"]
    assert (found["0-0"].flags, found["0-0"].model, found["0-0"].bogo_mips) == (("fp", "asimd"), "0xd0c", 50.0)


def structure(kind: int, area: bytes, *texts: str) -> bytes:
    tail = b"".join(one.encode() + b"\0" for one in texts) or b"\0"
    return struct.pack("<BBH", kind, 4 + len(area), kind << 8) + area + tail + b"\0"


UUID = bytes.fromhex("33221100554477668899aabbccddeeff")


def tables() -> bytes:
    system = bytes([1, 2, 3, 4]) + UUID + bytes([6, 5, 0])
    cpu = bytearray(44)
    cpu[0], cpu[3], cpu[12] = 1, 2, 3
    struct.pack_into("<HHB", cpu, 16, 4000, 2600, 0x41)
    cpu[28:31] = bytes([0, 0, 0])
    cpu[31:34] = bytes([0xFF, 8, 16])
    struct.pack_into("<H", cpu, 38, 300)
    memory = bytearray(30)
    struct.pack_into("<H", memory, 8, 0x7FFF)
    memory[12], memory[13] = 1, 2
    struct.pack_into("<H", memory, 17, 3200)
    memory[19:23] = bytes([3, 4, 0, 5])
    struct.pack_into("<I", memory, 24, 65536)
    return b"".join(
        (
            structure(smbios.BIOS, bytes([0, 1, 0, 0]), "1.16.3"),
            structure(smbios.SYSTEM, system, "Maker", "Product", "v2", "SN-1", "SKU-9"),
            structure(smbios.PROCESSOR, bytes(cpu), "CPU 0", "Intel", "Xeon"),
            structure(smbios.MEMORY_DEVICE, bytes(memory), "DIMM A1", "Bank 0", "Samsung", "M-1", "PART"),
            structure(smbios.MEMORY_DEVICE, bytes(30)),
            structure(smbios.END, b""),
            structure(smbios.MEMORY_DEVICE, bytes(30)),
        )
    )


@pytest.mark.feature("E074", "Q026", "Q027")
async def test_the_firmwares_tables(tmp_path: Path) -> None:
    reader = system_info.SystemInfoController()
    reader._path = tmp_path / "DMI"
    reader._path.write_bytes(tables())
    async with ctest.bench(reader) as b:
        machine = (await b.expect(SystemInformation, SYSTEM_INFORMATION_ID)).spec
        assert (machine.manufacturer, machine.product_name, machine.serial_number) == ("Maker", "Product", "SN-1")
        assert (machine.bios_version, machine.sku_number, machine.wake_up_type) == ("1.16.3", "SKU-9", "Power Switch")
        assert machine.uuid == "00112233-4455-6677-8899-aabbccddeeff"
        cpu = (await b.expect(Processor, "CPU-0")).spec
        assert (cpu.socket, cpu.manufacturer, cpu.product_name) == ("CPU 0", "Intel", "Xeon")
        assert (cpu.max_speed, cpu.boot_speed, cpu.status) == (4000, 2600, 0x41)
        assert (cpu.core_count, cpu.core_enabled, cpu.thread_count) == (300, 8, 16)
        assert await b.ids(MemoryModule) == ["DIMM-0", "DIMM-1"]
        memory = (await b.expect(MemoryModule, "DIMM-0")).spec
        assert (memory.size, memory.speed, memory.device_locator) == (65536, 3200, "DIMM A1")
        assert (memory.manufacturer, memory.serial_number, memory.product_name) == ("Samsung", "M-1", "PART")
        await b.put(MetaKey(system_info.UUID_KEY, MetaKey.Spec(value="given")))
        assert (await b.expect(SystemInformation, SYSTEM_INFORMATION_ID)).spec.uuid == "given"


def test_tables_cut_anywhere_end_quietly() -> None:
    whole = tables()
    for length in range(len(whole)):
        found = list(smbios.parse(whole[:length]))
        smbios.machine(found)
        smbios.processors(found)
        smbios.memory_modules(found)
    assert smbios.read(Path("/nonexistent")) == []


@pytest.fixture
def bus(tmp_path: Path) -> Path:
    """Two devices; what the kernel does on a write has to be done by hand."""
    for address, kind in (("0000:00:1f.2", "0x010601"), ("0000:00:03.0", "0x020000")):
        device = tmp_path / "devices" / address
        device.mkdir(parents=True)
        (device / "class").write_text(kind + "\n")
        (device / "vendor").write_text("0x8086\n")
        (device / "device").write_text("0x2922\n")
    for driver in ("ahci", "vfio-pci"):
        (tmp_path / "drivers" / driver).mkdir(parents=True)
    (tmp_path / "devices/0000:00:1f.2/driver").symlink_to(tmp_path / "drivers/ahci")
    return tmp_path


@pytest.mark.feature("E070", "Q026")
async def test_pci_devices(bus: Path) -> None:
    reader = pci_devices.PCIDevicesController()
    reader._root = bus
    async with ctest.bench(reader) as b:
        assert await b.ids(PCIDevice) == ["0000:00:03.0", "0000:00:1f.2"]
        disk = (await b.expect(PCIDevice, "0000:00:1f.2")).spec
    assert (disk.class_, disk.subclass, disk.driver) == ("Mass storage controller", "SATA controller", "ahci")
    assert (disk.class_id, disk.subclass_id, disk.vendor_id, disk.product_id) == ("0x01", "0x06", "0x8086", "0x2922")
    assert disk.vendor == "Intel Corporation"


@pytest.mark.feature("E071", "E072")
async def test_a_device_for_another_driver_and_back(bus: Path) -> None:
    address, binder = "0000:00:1f.2", pci_driver_rebind.PCIDriverRebindController()
    binder._root = bus
    device = bus / "devices" / address
    document = f"apiVersion: v1alpha1\nkind: PCIDriverRebindConfig\nname: '{address}'\ntargetDriver: vfio-pci\n"
    async with ctest.bench(pci_driver_rebind_config.PCIDriverRebindConfigController(), binder) as b:
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=document.encode())))
        assert (await b.expect(PCIDriverRebindStatus, address)).spec.target_driver == "vfio-pci"
        assert (device / "driver_override").read_text() == "vfio-pci\n"
        assert (bus / "drivers/ahci/unbind").read_text() == address
        assert (bus / "drivers_probe").read_text() == address
        (bus / "drivers_probe").unlink()
        await b.destroy(MachineConfig, ACTIVE_ID)
        await b.expect_none(PCIDriverRebindConfig, address)
        assert (device / "driver_override").read_text() == "\n"
        assert (bus / "drivers_probe").read_text() == address


@pytest.mark.parametrize(
    ("address", "driver", "error"),
    [
        ("../../x", "ahci", errors.Invalid),
        ("0000:09:00.0", "ahci", errors.NotFound),
        ("0000:00:03.0", "nothing", errors.NotFound),
    ],
)
def test_rebinding_what_is_not_there(bus: Path, address: str, driver: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        pci.rebind(address, driver, bus)
    assert not (bus / "drivers_probe").exists()
    assert not pci.rebind("0000:00:1f.2", "ahci", bus)
