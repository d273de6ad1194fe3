"""The disks of a virtual machine: sparse files, of which the first starts as a copy of the machine image."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from talos.base import errors
from talos.provision import plan
from talos.provision.providers.qemu import programs, settings
from talos.provision.providers.qemu.hardware import Disk, DiskSpec
from talos.provision.request import MIB, Node, Role
from talos.provision.state import Cluster

VARIABLES = "variables.fd"
# linux/fs.h
_FICLONE = 0x40049409
_CHUNK_BYTES = 4 * MIB


def of(cluster: Cluster, node: Node) -> tuple[Disk, ...]:
    """The node's disks in order."""
    wanted = settings.Settings.of(cluster.state.options)
    folder = cluster.node_folder(node.name)
    everything = wanted.disks_everywhere or node.role is Role.WORKER
    first, *others = wanted.disks
    specs = [DiskSpec(first.driver, node.resources.disk_bytes, first.block_bytes, first.serial)]
    specs += others if everything else []
    return tuple(Disk(str(folder / f"disk-{number}.raw"), spec) for number, spec in enumerate(specs))


class Disks(plan.Step):
    """The files, and the firmware's variables."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.key = f"node/{node.name}/disk"
        self.title = f"{node.name}: disks"

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Make each under another name first: a file with the right name is complete."""
        folder = cluster.node_folder(self.node.name)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        wanted = settings.Settings.of(cluster.state.options)
        variables = programs.find(wanted.firmware).variables
        await asyncio.to_thread(_make, folder / VARIABLES, Path(variables), 0)
        for number, disk in enumerate(of(cluster, self.node)):
            source = Path(wanted.image) if number == 0 else None
            await asyncio.to_thread(_make, Path(disk.path), source, disk.spec.size_bytes)

    async def undo(self, cluster: Cluster) -> None:
        """Remove the node's folder."""
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(shutil.rmtree, cluster.node_folder(self.node.name))


def _make(file: Path, source: Path | None, size_bytes: int) -> None:
    if file.exists():
        return
    unfinished = file.with_name(f".{file.name}")
    unfinished.unlink(missing_ok=True)
    try:
        with unfinished.open("wb") as target:
            if source is not None:
                _copy(source, target.fileno())
            if size_bytes:
                target.truncate(max(size_bytes, target.seek(0, os.SEEK_END)))
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(file.parent).free
            raise errors.Unsupported(f"the disk is full: {free // MIB} MiB are free in {file.parent}") from error
        raise
    unfinished.rename(file)


def _copy(source: Path, target: int) -> None:
    """Share the blocks where the file system can, else copy what is not a hole."""
    with source.open("rb") as opened:
        with contextlib.suppress(OSError):
            fcntl.ioctl(target, _FICLONE, opened.fileno())
            return
        size = os.fstat(opened.fileno()).st_size
        for begin, end in _data(opened.fileno(), size):
            at = begin
            while at < end:
                at += os.copy_file_range(opened.fileno(), target, min(_CHUNK_BYTES, end - at), at, at)
        os.ftruncate(target, size)


def _data(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Pieces of a file that are no holes (lseek(2))."""
    at = 0
    while at < size:
        try:
            begin = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        at = os.lseek(fd, begin, os.SEEK_HOLE)
        yield begin, at
