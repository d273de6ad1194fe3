"""Emptying a disk or partition: its signatures, or every block of it.

A device in use (mounted, swapped to, part of another one) is refused by the kernel, because it is opened exclusively.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path

from talos.linux import blkid, block, gpt

_BLKRRPART = 0x125F
_CHUNK_BYTES = 256 << 20


def signatures(path: str, sector_bytes: int = 512) -> None:
    """Make a device look empty: both copies of a partition table, all signatures, the first and the last MiB.

    Raises Conflict when it is in use, OSError.
    """
    with block.opened(path, write=True, exclusive=True) as fd:
        opened = blkid.open_reader(fd, sector_bytes)
        table = gpt.read(opened.read, opened.size, sector_bytes)
        for found in blkid.probe_all(opened.read, opened.size, sector_bytes):
            for offset, length in found.signatures:
                os.pwrite(fd, bytes(length), offset)
        if table is not None:
            for offset, blank in gpt.wipe(table):
                os.pwrite(fd, blank, offset)
        block.wipe_ends(fd, 0, opened.size)
        _forget_partitions(fd)


def zeroes(path: str) -> None:
    """Fill a device with zeros. Raises Conflict when it is in use, OSError."""
    with block.opened(path, write=True, exclusive=True) as fd:
        size = os.lseek(fd, 0, os.SEEK_END)
        for offset in range(0, size, _CHUNK_BYTES):
            block.zero(fd, offset, min(_CHUNK_BYTES, size - offset))
        os.fsync(fd)
        _forget_partitions(fd)


def _forget_partitions(fd: int) -> None:
    """Have the kernel read the table of a disk again, which has none now."""
    if not block.is_block(fd):
        return
    try:
        fcntl.ioctl(fd, _BLKRRPART)
    except OSError as error:
        # A partition has no table, nor have all loop devices.
        if error.errno not in (errno.EINVAL, errno.ENOTTY):
            raise
    with contextlib.suppress(OSError):
        name = Path(os.readlink(f"/proc/self/fd/{fd}")).name
        for partition in block.partitions_of(name):
            block.remove_partition(fd, partition.partition)
