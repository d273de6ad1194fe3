"""PCI devices as the kernel shows them below /sys/bus/pci, and giving one to another driver."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors

ROOT = Path("/sys/bus/pci")
_ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


@dataclass(frozen=True, slots=True)
class Device:
    """One function of a device. `kind` is its 24-bit class code; `driver` is empty when none is bound."""

    address: str
    kind: int
    vendor: int
    product: int
    driver: str


def _number(file: Path) -> int:
    return int(file.read_text().strip(), 16)


def _driver(device: Path) -> str:
    link = device / "driver"
    return link.resolve().name if link.exists() else ""


def devices(root: Path = ROOT) -> list[Device]:
    """All devices by address; none on a machine without PCI."""
    try:
        folders = sorted((root / "devices").iterdir())
    except FileNotFoundError:
        return []
    found = []
    for one in folders:
        try:
            kind, vendor, product = (_number(one / name) for name in ("class", "vendor", "device"))
        except FileNotFoundError:
            # It was unplugged meanwhile.
            continue
        found.append(Device(one.name, kind, vendor, product, _driver(one)))
    return found


def rebind(address: str, driver: str, root: Path = ROOT) -> bool:
    """Take a device from its driver and give it to another; False when it has it already.

    Raises Invalid for what is no address, NotFound without the device or the driver, OSError.
    """
    if not _ADDRESS.fullmatch(address):
        raise errors.Invalid(f"{address!r} is no address of a PCI device (0000:00:00.0)")
    device = root / "devices" / address
    if not device.exists():
        raise errors.NotFound(f"there is no PCI device {address}")
    current = _driver(device)
    if current == driver:
        return False
    if not (root / "drivers" / driver).is_dir():
        raise errors.NotFound(f"the kernel has no PCI driver {driver!r}; its module may have to be loaded")
    (device / "driver_override").write_text(driver + "\n")
    if current:
        (device / "driver/unbind").write_text(address)
    (root / "drivers_probe").write_text(address)
    return True


def release(address: str, root: Path = ROOT) -> None:
    """Let a device have the driver the kernel would give it. Raises OSError; a device that is gone is fine."""
    device = root / "devices" / address
    if not device.exists():
        return
    (device / "driver_override").write_text("\n")
    if _driver(device):
        (device / "driver/unbind").write_text(address)
    (root / "drivers_probe").write_text(address)
