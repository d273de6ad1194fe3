"""Changing the partitions of a disk in use: one partition is added, grown or removed, the others are left alone.

    read table ─ plan (pure, `gpt`) ─ wipe the new place ─ write the table ─ tell the kernel of that one partition

The disk is locked (flock, as udev's programs do) from the first to the last step. The order is safe against a cut:
before the table names a partition its place holds no signature of what was there earlier.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from talos.base import errors
from talos.linux import blkid, block, gpt

LOCK_TIMEOUT_S = 30.0
_NODE_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Made:
    """A partition that was made."""

    device: str
    number: int
    id: str
    size: int


@contextlib.contextmanager
def locked(disk: str | os.PathLike[str]) -> Iterator[int]:
    """A descriptor of a disk nobody else repartitions meanwhile. Raises TimedOut, OSError."""
    fd = os.open(disk, os.O_RDWR | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise errors.TimedOut(f"{os.fspath(disk)}: somebody else changes its partitions") from None
                time.sleep(0.05)
        yield fd
    finally:
        os.close(fd)


def table(fd: int, sector_bytes: int) -> gpt.Table | None:
    """The table of an open disk; None for a disk that holds nothing. Raises Conflict when it holds something else."""
    opened = blkid.open_reader(fd, sector_bytes)
    found = gpt.read(opened.read, opened.size, sector_bytes)
    if found is not None:
        return found
    other = blkid.probe(opened.read, opened.size, sector_bytes)
    if other is not None:
        raise errors.Conflict(f"the disk holds {other.name}, which is not touched")
    return None


def _write(fd: int, changed: gpt.Table) -> None:
    def put(offset: int, data: bytes) -> None:
        os.pwrite(fd, data, offset)

    gpt.write(put, gpt.layout(changed), lambda: os.fsync(fd))


def largest(found: gpt.Table) -> int:
    """Bytes of the largest partition that could be added."""
    step = gpt.ALIGNMENT_BYTES // found.sector_bytes
    gaps = [(last - first + 1) // step * step for first, last in found.free()]
    return max(gaps, default=0) * found.sector_bytes


def add(disk: str, sector_bytes: int, *, label: str, type: uuid.UUID, size: int | None) -> Made:
    """Add a partition of `size` bytes (None: all of the largest gap), with a new table on a disk that holds nothing.

    Raises Conflict when it does not fit, or the disk holds something that is no GPT.
    """
    with locked(disk) as fd:
        length = os.lseek(fd, 0, os.SEEK_END)
        found = table(fd, sector_bytes) or gpt.empty(uuid.uuid4(), length, sector_bytes)
        before = {part.number for part in found.partitions}
        changed = found.add(type, uuid.uuid4(), label, size)
        part = next(part for part in changed.partitions if part.number not in before)
        start, size_bytes = part.first * sector_bytes, part.sectors * sector_bytes
        block.wipe_ends(fd, start, size_bytes)
        _write(fd, changed)
        if block.is_block(fd):
            _announce(fd, part.number, start, size_bytes)
    device = "/dev/" + block.partition_name(Path(disk).name, part.number)
    if Path(disk).is_block_device():
        _await_node(device)
    return Made(device, part.number, str(part.id), size_bytes)


def _announce(fd: int, number: int, start: int, length: int) -> None:
    try:
        block.add_partition(fd, number, start, length)
    except OSError as error:
        # The kernel has read the table itself meanwhile.
        if error.errno != errno.EBUSY:
            raise


def _await_node(device: str) -> None:
    """Wait for a device's node; where /dev is not kept by the kernel, make it."""
    deadline = time.monotonic() + _NODE_TIMEOUT_S
    while not Path(device).exists():
        numbers = block.SYS_BLOCK / Path(device).name / "dev"
        if numbers.exists():
            major, _, minor = numbers.read_text().strip().partition(":")
            with contextlib.suppress(FileExistsError):
                os.mknod(device, 0o660 | stat.S_IFBLK, os.makedev(int(major), int(minor)))
        elif time.monotonic() > deadline:
            raise errors.TimedOut(f"{device} did not appear")
        else:
            time.sleep(0.02)


def grow(disk: str, sector_bytes: int, number: int, *, limit: int | None = None) -> int:
    """Extend a partition over the free space behind it, to `limit` bytes at most; returns its size in bytes.

    Raises NotFound for a partition that is not there.
    """
    with locked(disk) as fd:
        found = table(fd, sector_bytes)
        part = next((p for p in (found.partitions if found else ()) if p.number == number), None)
        if found is None or part is None:
            raise errors.NotFound(f"{disk} has no partition {number}")
        step = gpt.ALIGNMENT_BYTES // sector_bytes
        following = min((p.first for p in found.partitions if p.first > part.last), default=found.last_usable + 1)
        sectors = (following - part.first) // step * step
        if limit is not None:
            sectors = min(sectors, limit // gpt.ALIGNMENT_BYTES * step)
        if sectors <= part.sectors:
            return part.sectors * sector_bytes
        grown = replace(part, last=part.first + sectors - 1)
        others = (p if p.number != number else grown for p in found.partitions)
        _write(fd, replace(found, partitions=tuple(others)))
        if block.is_block(fd):
            block.resize_partition(fd, number, part.first * sector_bytes, sectors * sector_bytes)
        return sectors * sector_bytes


def remove(disk: str, sector_bytes: int, number: int) -> None:
    """Remove a partition. Raises Conflict while it is in use, NotFound."""
    with locked(disk) as fd:
        found = table(fd, sector_bytes)
        if found is None or number not in {part.number for part in found.partitions}:
            raise errors.NotFound(f"{disk} has no partition {number}")
        if block.is_block(fd):
            try:
                block.remove_partition(fd, number)
            except OSError as error:
                if error.errno == errno.EBUSY:
                    raise errors.Conflict(f"partition {number} of {disk} is in use") from error
                if error.errno != errno.ENXIO:
                    raise
        _write(fd, found.remove(number))
