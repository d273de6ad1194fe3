"""File systems: making them, letting them grow, giving free blocks back to the disk.

Made by the file system's own program; grown while mounted. Requests: linux/fs.h.
"""

from __future__ import annotations

import fcntl
import os
import struct
import uuid as uuids
from collections.abc import Sequence

from talos.base import errors
from talos.linux import block, process, swap_area

MAKE_TIMEOUT_S = 600.0
_FITRIM = 0xC0185879
_TRIM = struct.Struct("=QQQ")
_XFS_SMALL_BYTES = 300 << 20
_LABEL_BYTES = {"xfs": 12, "ext4": 16, "vfat": 11, "swap": swap_area.LABEL_BYTES}


def command(
    kind: str, device: str, *, label: str = "", uuid: str = "", size: int = 0, allocation_group: int = 0
) -> Sequence[str]:
    """The command that makes a file system. `allocation_group`: least size in bytes (xfs). Raises Invalid."""
    name = label.encode()[: _LABEL_BYTES.get(kind, 0)].decode(errors="ignore")
    labelled = ["-n" if kind == "vfat" else "-L", name] if name else []
    if kind == "xfs":
        argv = ["/usr/sbin/mkfs.xfs", "-q", "-f", "-K"]
        # It refuses small ones otherwise, and STATE has 100 MiB.
        argv += ["--unsupported"] if 0 < size < _XFS_SMALL_BYTES else []
        argv += ["-m", f"uuid={uuid}"] if uuid else []
        argv += ["-d", f"agsize={allocation_group}"] if 0 < allocation_group <= size // 2 else []
        return [*argv, *labelled, device]
    if kind == "ext4":
        return ["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", *(["-U", uuid] if uuid else []), *labelled, device]
    if kind == "vfat":
        return ["/usr/sbin/mkfs.fat", *labelled, device]
    raise errors.Unsupported(f"file system {kind} cannot be made by this system")


async def make(
    kind: str, device: str, *, label: str = "", uuid: str = "", size: int = 0, allocation_group: int = 0
) -> None:
    """Make a file system or swap area. Whatever was on the device is lost.

    Raises Conflict when the device is in use, Invalid, Unsupported, CommandFailed, TimedOut, OSError.
    """
    with block.opened(device, write=True, exclusive=True) as fd:
        length = os.lseek(fd, 0, os.SEEK_END)
        block.wipe_ends(fd, 0, length)
        if kind == "swap":
            id = uuids.UUID(uuid) if uuid else uuids.uuid4()
            os.pwrite(fd, swap_area.make(length, uuid=id, label=label[: swap_area.LABEL_BYTES]), 0)
            os.fsync(fd)
            return
    argv = command(kind, device, label=label, uuid=uuid, size=size or length, allocation_group=allocation_group)
    await process.run(argv, env={}, timeout_s=MAKE_TIMEOUT_S)


async def grow(kind: str, device: str, target: str) -> None:
    """Let a mounted file system fill its device. Raises CommandFailed, TimedOut, OSError."""
    if kind == "xfs":
        await process.run(["/usr/sbin/xfs_growfs", target], env={}, timeout_s=MAKE_TIMEOUT_S)
    elif kind == "ext4":
        await process.run(["/usr/sbin/resize2fs", device], env={}, timeout_s=MAKE_TIMEOUT_S)


def trim(target: str) -> int:
    """Give the free blocks of a mounted file system back to the disk; returns the bytes. Raises OSError."""
    fd = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        request = bytearray(_TRIM.pack(0, (1 << 64) - 1, 0))
        fcntl.ioctl(fd, _FITRIM, request)
        return int(_TRIM.unpack(request)[1])
    finally:
        os.close(fd)
