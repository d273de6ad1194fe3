"""Names of PCI classes (PCI Code and ID Assignment Specification), and of the vendors that are met most."""

from __future__ import annotations

CLASSES = {
    0x00: ("Unclassified device", {}),
    0x01: (
        "Mass storage controller",
        {0x00: "SCSI storage controller", 0x01: "IDE interface", 0x04: "RAID bus controller", 0x05: "ATA controller"}
        | {0x06: "SATA controller", 0x07: "Serial Attached SCSI controller", 0x08: "Non-Volatile memory controller"},
    ),
    0x02: ("Network controller", {0x00: "Ethernet controller", 0x07: "Infiniband controller"}),
    0x03: ("Display controller", {0x00: "VGA compatible controller", 0x02: "3D controller"}),
    0x04: ("Multimedia controller", {0x01: "Multimedia audio controller", 0x03: "Audio device"}),
    0x05: ("Memory controller", {0x00: "RAM memory", 0x01: "FLASH memory", 0x02: "CXL"}),
    0x06: ("Bridge", {0x00: "Host bridge", 0x01: "ISA bridge", 0x04: "PCI bridge"}),
    0x07: ("Communication controller", {0x00: "Serial controller"}),
    0x08: ("Generic system peripheral", {0x03: "RTC", 0x05: "SD Host controller", 0x06: "IOMMU"}),
    0x09: ("Input device controller", {}),
    0x0A: ("Docking station", {}),
    0x0B: ("Processor", {}),
    0x0C: ("Serial bus controller", {0x03: "USB controller", 0x05: "SMBus", 0x04: "Fibre Channel"}),
    0x0D: ("Wireless controller", {}),
    0x0E: ("Intelligent controller", {}),
    0x0F: ("Satellite communications controller", {}),
    0x10: ("Encryption controller", {}),
    0x11: ("Signal processing controller", {}),
    0x12: ("Processing accelerators", {}),
    0x13: ("Non-Essential Instrumentation", {}),
    0xFF: ("Unassigned class", {}),
}
VENDORS = {
    0x1002: "Advanced Micro Devices, Inc. [AMD/ATI]",
    0x1013: "Cirrus Logic",
    0x1022: "Advanced Micro Devices, Inc. [AMD]",
    0x10DE: "NVIDIA Corporation",
    0x10EC: "Realtek Semiconductor Co., Ltd.",
    0x1234: "Technical Corp.",
    0x1414: "Microsoft Corporation",
    0x144D: "Samsung Electronics Co Ltd",
    0x14E4: "Broadcom Inc. and subsidiaries",
    0x15AD: "VMware",
    0x15B3: "Mellanox Technologies",
    0x1AF4: "Red Hat, Inc.",
    0x1B36: "Red Hat, Inc.",
    0x1D0F: "Amazon.com, Inc.",
    0x8086: "Intel Corporation",
}
"""The vendors most machines have something of."""


def kind(code: int) -> tuple[str, str]:
    """Names of class and subclass; empty for those that have none."""
    name, below = CLASSES.get(code >> 16, ("", {}))
    return name, below.get(code >> 8 & 0xFF, "")
