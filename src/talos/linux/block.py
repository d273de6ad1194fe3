"""Block devices: what sysfs says of them, and what may be done to one that is open.

Attributes: Documentation/ABI/stable/sysfs-block. Requests: linux/fs.h, linux/blkpg.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors

SYS_BLOCK = Path("/sys/class/block")
DEV = Path("/dev")

_BLKPG, _ADD, _DELETE, _RESIZE = 0x1269, 1, 2, 3
_BLKDISCARD, _BLKZEROOUT = 0x1277, 0x127F
_RANGE = struct.Struct("=QQ")
_PARTITION_BYTES = 152
_SECTOR = 512  # sysfs counts in these, whatever the device's own are
_CD_MAJOR, _LOOP_MAJOR, _RAM_MAJOR, _FLOPPY_MAJOR = 11, 7, 1, 2
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Device:
    """A disk or partition the kernel knows. `parent` is the disk of a partition; sizes in bytes."""

    name: str
    kind: str  # "disk" or "partition"
    major: int
    minor: int
    size: int
    sector_bytes: int
    io_bytes: int
    device_path: str
    parent: str = ""
    partition: int = 0
    partition_label: str = ""
    start: int = 0
    read_only: bool = False
    secondaries: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """/dev name."""
        return f"/dev/{self.name}"


@dataclass(frozen=True, slots=True)
class Details:
    """What else is known of a disk."""

    model: str = ""
    serial: str = ""
    firmware: str = ""
    modalias: str = ""
    wwid: str = ""
    uuid: str = ""
    bus_path: str = ""
    subsystem: str = ""
    transport: str = ""
    rotational: bool = False
    cdrom: bool = False


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\n\0 ")
    except OSError:
        return ""


def _int(path: Path, default: int = 0) -> int:
    text = _read(path)
    return int(text) if text.isdigit() else default


def _uevent(folder: Path) -> dict[str, str]:
    lines = _read(folder / "uevent").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def find(name: str, sys: Path = SYS_BLOCK) -> Device | None:
    """A device by its name, None when it is gone or not worth speaking of (empty loop, RAM disk, floppy)."""
    folder = sys / name
    facts = _uevent(folder)
    if "DEVTYPE" not in facts:
        return None
    major, minor = int(facts.get("MAJOR", 0)), int(facts.get("MINOR", 0))
    size = _int(folder / "size") * _SECTOR
    if major in (_RAM_MAJOR, _FLOPPY_MAJOR) or (major == _LOOP_MAJOR and not size):
        return None
    real = folder.resolve()
    partition = facts["DEVTYPE"] == "partition"
    queue = (real.parent if partition else real) / "queue"
    return Device(
        name=name,
        kind=facts["DEVTYPE"],
        major=major,
        minor=minor,
        size=size,
        sector_bytes=_int(queue / "logical_block_size", 512),
        io_bytes=_int(queue / "optimal_io_size") or _int(queue / "minimum_io_size", 512),
        device_path=str(real).removeprefix("/sys"),
        parent=real.parent.name if partition else "",
        partition=int(facts.get("PARTN", 0)),
        partition_label=facts.get("PARTNAME", ""),
        start=_int(folder / "start") * _SECTOR,
        read_only=_read(folder / "ro") == "1",
        secondaries=tuple(sorted(entry.name for entry in _entries(folder / "slaves"))),
    )


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def listed(sys: Path = SYS_BLOCK) -> list[Device]:
    """All devices, by name."""
    found = (find(entry.name, sys) for entry in sorted(_entries(sys)))
    return [device for device in found if device is not None]


def partitions_of(disk: str, sys: Path = SYS_BLOCK) -> list[Device]:
    """The partitions of a disk the kernel knows, by number."""
    return sorted((d for d in listed(sys) if d.parent == disk), key=lambda d: d.partition)


def partition_name(disk: str, number: int) -> str:
    """`vda`, 1 -> `vda1`; `nvme0n1`, 1 -> `nvme0n1p1`."""
    return f"{disk}{'p' if disk[-1:].isdigit() else ''}{number}"


def _serial(folder: Path) -> str:
    direct = _read(folder / "serial") or _read(folder / "device" / "serial")
    if direct:
        return direct
    with contextlib.suppress(OSError):
        page = (folder / "device" / "vpd_pg80").read_bytes()
        return page[4:].decode("ascii", errors="replace").strip("\0 ")
    return ""


def _transport(real: str, name: str) -> str:
    for mark, transport in (("/virtio", "virtio"), ("/usb", "usb"), ("/ata", "sata"), ("/mmc", "mmc")):
        if mark in real:
            return transport
    return "nvme" if name.startswith("nvme") else ""


def details(device: Device, sys: Path = SYS_BLOCK) -> Details:
    """What sysfs says of a disk beyond its size."""
    folder = sys / device.name
    real = str(folder.resolve())
    hardware = folder / "device"
    subsystem = (folder / "subsystem").resolve()
    scsi_cd = device.major == _CD_MAJOR
    vendor, model = _read(hardware / "vendor"), _read(hardware / "model") or _read(hardware / "name")
    transport = _transport(real, device.name)
    return Details(
        model=model if transport in ("nvme", "mmc", "virtio") or vendor in ("", "ATA") else f"{vendor} {model}".strip(),
        serial=_serial(folder),
        firmware=_read(hardware / "firmware_rev") or _read(hardware / "rev"),
        modalias=_read(hardware / "modalias"),
        wwid=_read(folder / "wwid") or _read(hardware / "wwid"),
        uuid=_read(folder / "uuid"),
        bus_path=_bus_path(device.device_path),
        subsystem=str(subsystem).removeprefix("/sys") if subsystem.name != "subsystem" else "",
        transport=transport,
        rotational=_read(folder / "queue" / "rotational") == "1",
        cdrom=scsi_cd,
    )


def _bus_path(device_path: str) -> str:
    """/devices/pci0000:00/0000:00:02.0/virtio1/block/vda -> /pci0000:00/0000:00:02.0/virtio1."""
    return device_path.removeprefix("/devices").split("/block/")[0] if "/block/" in device_path else ""


# --- requests to an open device


@contextlib.contextmanager
def opened(path: str | os.PathLike[str], *, write: bool = False, exclusive: bool = False) -> Iterator[int]:
    """A descriptor of a device. Exclusive: Conflict when a file system, swap or another device uses it."""
    flags = (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC | (os.O_EXCL if exclusive else 0)
    try:
        fd = os.open(path, flags)
    except OSError as error:
        if exclusive and error.errno == errno.EBUSY:
            raise errors.Conflict(f"{os.fspath(path)} is in use") from error
        raise
    try:
        yield fd
    finally:
        os.close(fd)


def is_block(fd: int) -> bool:
    """Whether a descriptor is a block device's, not a file's."""
    return stat.S_ISBLK(os.fstat(fd).st_mode)


def _partition_request(fd: int, operation: int, number: int, start: int, length: int) -> None:
    record = struct.pack("=qqi", start, length, number).ljust(_PARTITION_BYTES, b"\0")
    buffer = ctypes.create_string_buffer(record, _PARTITION_BYTES)
    request = struct.pack("iiiiP", operation, 0, _PARTITION_BYTES, 0, ctypes.addressof(buffer))
    fcntl.ioctl(fd, _BLKPG, request)


def add_partition(fd: int, number: int, start: int, length: int) -> None:
    """Tell the kernel of a new partition (bytes); others stay as they are, in use or not. Raises OSError."""
    _partition_request(fd, _ADD, number, start, length)


def resize_partition(fd: int, number: int, start: int, length: int) -> None:
    """Tell the kernel of a partition's new length. Raises OSError."""
    _partition_request(fd, _RESIZE, number, start, length)


def remove_partition(fd: int, number: int) -> None:
    """Let the kernel forget a partition. Raises OSError; EBUSY while it is in use."""
    _partition_request(fd, _DELETE, number, 0, 0)


def discard(fd: int, offset: int, length: int) -> bool:
    """Tell the device that a range is free; whether it can be told."""
    try:
        fcntl.ioctl(fd, _BLKDISCARD, _RANGE.pack(offset, length))
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL):
            return False
        raise
    return True


def zero(fd: int, offset: int, length: int) -> None:
    """Fill a range with zeros, by the device itself where it can. Raises OSError."""
    if is_block(fd):
        fcntl.ioctl(fd, _BLKZEROOUT, _RANGE.pack(offset, length))
        return
    end, blank = offset + length, bytes(MIB)
    while offset < end:
        offset += os.pwrite(fd, blank[: end - offset], offset)


def wipe_ends(fd: int, offset: int, length: int) -> None:
    """Zero the first and the last MiB of a range: every signature of what was there. Raises OSError."""
    head = min(MIB, length)
    zero(fd, offset, head)
    if length > head:
        tail = min(MIB, length - head)
        zero(fd, offset + length - tail, tail)
    os.fsync(fd)
