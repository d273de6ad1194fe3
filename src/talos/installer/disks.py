"""The disk a system is installed on: looked at, refused or laid out.

    old table gone ── EFI partition with system, loader, entry ── META ── images ── new table

The table comes last: a disk that was left half-way has none, and nothing takes it for an installed system. STATE and
EPHEMERAL are made by the volume controllers when the machine first starts from the disk.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors
from talos.base.constants import partitions
from talos.boot import entries, esp, fat, medium, meta
from talos.linux import block, gpt

MIN_BYTES = partitions.EFI_BYTES + partitions.META_BYTES + partitions.STATE_BYTES + partitions.EPHEMERAL_MIN_BYTES
_SECTORS = (512, 4096)
_WIPE_STEP = 1 << 30
_COPY_STEP = 4 << 20
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Location:
    """A partition: `device` is opened, and the partition begins `start` bytes into it."""

    disk: str
    device: str
    start: int
    size: int


def _table(path: str, sector_bytes: int) -> gpt.Table | None:
    with contextlib.suppress(OSError), block.opened(path) as fd:
        size = os.lseek(fd, 0, os.SEEK_END)
        for tried in dict.fromkeys((sector_bytes, *_SECTORS)):
            found = gpt.read(lambda at, length: os.pread(fd, length, at), size, tried)
            if found is not None:
                return found
    return None


def tables(sys: Path = block.SYS_BLOCK) -> Iterator[tuple[block.Device, gpt.Table]]:
    """Every disk with its partition table."""
    for device in block.listed(sys):
        if device.kind == "disk" and (table := _table(device.path, device.sector_bytes)) is not None:
            yield device, table


def _location(device: block.Device, table: gpt.Table, part: gpt.Partition) -> Location:
    size = part.sectors * table.sector_bytes
    own = "/dev/" + block.partition_name(device.name, part.number)
    # A CD has a table but the kernel makes no partitions of it.
    if Path(own).exists():
        return Location(device.path, own, 0, size)
    return Location(device.path, device.path, part.first * table.sector_bytes, size)


def system_disk(found: list[tuple[block.Device, gpt.Table]] | None = None) -> tuple[block.Device, gpt.Table] | None:
    """The disk with META, None when there is none. Raises Conflict when there are several."""
    present = list(tables()) if found is None else found
    with_meta = [(d, t) for d, t in present if any(p.label == partitions.META for p in t.partitions)]
    if len(with_meta) > 1:
        names = ", ".join(device.path for device, _ in with_meta)
        raise errors.Conflict(f"more than one disk holds an installed system: {names}")
    return with_meta[0] if with_meta else None


def partition(device: block.Device, table: gpt.Table, label: str) -> Location:
    """A partition by its label. Raises NotFound."""
    for part in table.partitions:
        if part.label == label:
            return _location(device, table, part)
    raise errors.NotFound(f"{device.path} has no {label} partition")


def by_guid(guid: str, found: list[tuple[block.Device, gpt.Table]] | None = None) -> Location | None:
    """A partition by its GUID."""
    for device, table in tables() if found is None else found:
        for part in table.partitions:
            if str(part.id) == guid.lower():
                return _location(device, table, part)
    return None


def loader_partitions() -> Iterator[Location]:
    """Every EFI system partition."""
    for device, table in tables():
        for part in table.partitions:
            if part.type == gpt.EFI_SYSTEM:
                yield _location(device, table, part)


@contextlib.contextmanager
def opened(where: Location, *, write: bool = False) -> Iterator[esp.Partition]:
    """The file system of an EFI partition. Writing asks to be the only user. Raises Conflict, Invalid, OSError."""
    with block.opened(where.device, write=write, exclusive=write) as fd:
        yield esp.Partition(fat.Volume(medium.Window(fd, where.start, where.size)))


def check(path: str, *, image_bytes: int, cache_bytes: int = 0, medium_disk: str = "") -> block.Device:
    """The disk a system may be installed on. Raises NotFound, Invalid with the reason, Conflict when it is in use."""
    if not path.startswith("/dev/") or ".." in path.split("/"):
        raise errors.Invalid(f"{path!r} is not a device")
    real = os.path.realpath(path)
    device = block.find(Path(real).name)
    if device is None or not Path(real).exists():
        raise errors.NotFound(f"there is no disk {path}")
    if device.kind != "disk":
        raise errors.Invalid(f"{path} is a partition; a whole disk is needed")
    if block.details(device).cdrom or device.read_only:
        raise errors.Invalid(f"{path} is read-only")
    if medium_disk and os.path.realpath(medium_disk) == real:
        raise errors.Invalid(f"{path} is what the machine was started from")
    if device.size < (least := max(MIN_BYTES, partitions.EFI_BYTES + image_bytes) + cache_bytes):
        raise errors.Invalid(f"{path} of {device.size >> 20} MiB is too small: {-(-least >> 20)} MiB are needed")
    with block.opened(real, write=True, exclusive=True):
        pass
    return device


def images(medium_disk: str, found: list[tuple[block.Device, gpt.Table]] | None = None) -> Location | None:
    """The partition with container images of the medium a machine was started from, None when it brings none."""
    for device, table in tables() if found is None else found:
        for part in table.partitions:
            if device.path == medium_disk and part.label in (partitions.IMAGECACHE, partitions.IMAGECACHE_ISO):
                return _location(device, table, part)
    return None


def layout(size_bytes: int, sector_bytes: int, images_bytes: int = 0) -> gpt.Table:
    """The partitions of a fresh system disk."""
    table = gpt.empty(uuid.uuid4(), size_bytes, sector_bytes)
    table = table.add(gpt.EFI_SYSTEM, uuid.uuid4(), partitions.EFI, partitions.EFI_BYTES)
    table = table.add(gpt.LINUX_DATA, uuid.uuid4(), partitions.META, partitions.META_BYTES)
    if images_bytes:
        table = table.add(gpt.LINUX_DATA, uuid.uuid4(), partitions.IMAGECACHE, images_bytes)
    return table


def _copy(source: Location, target: medium.Window) -> None:
    with block.opened(source.device) as fd:
        window = medium.Window(fd, source.start, source.size)
        for at in range(0, source.size, _COPY_STEP):
            target.pwrite(at, window.pread(at, min(_COPY_STEP, source.size - at)))
    target.sync()


def _wipe(fd: int, size: int, say: Progress) -> None:
    say(f"erasing {size >> 20} MiB")
    if block.is_block(fd) and block.discard(fd, 0, size):
        # Not every disk reads zeros after it; what names the old content goes in any case.
        block.wipe_ends(fd, 0, size)
        return
    for at in range(0, size, _WIPE_STEP):
        block.zero(fd, at, min(_WIPE_STEP, size - at))
    os.fsync(fd)


def write(
    fd: int,
    sector_bytes: int,
    system: esp.System,
    *,
    values: Mapping[int, bytes] | None = None,
    cache: Location | None = None,
    wipe: bool = False,
    say: Progress,
) -> gpt.Table:
    """Make an open disk a system disk. Everything on it is lost. Raises Conflict, Invalid, OSError.

    `values`: what META holds. `cache`: container images that come along.
    """
    size = os.lseek(fd, 0, os.SEEK_END)
    table = layout(size, sector_bytes, cache.size if cache is not None else 0)
    if wipe:
        _wipe(fd, size, say)
    whole = medium.Window(fd, 0, size)
    for offset, zeros in gpt.wipe(table):
        whole.pwrite(offset, zeros)
    whole.sync()
    efi, meta_part, *others = table.partitions
    say(f"EFI partition of {efi.sectors * sector_bytes >> 20} MiB")
    start = efi.first * sector_bytes
    room = medium.Window(fd, start, efi.sectors * sector_bytes)
    serial = int.from_bytes(os.urandom(4), "little")
    fat.format(room, serial=serial, sector_bytes=sector_bytes, hidden=efi.first)
    esp.Partition(fat.Volume(room)).install(system, say=say)
    length = meta_part.sectors * sector_bytes
    place = medium.Window(fd, meta_part.first * sector_bytes, length)
    for offset, data in meta.steps(meta.parse(bytes(length)), values or {}, length):
        place.pwrite(offset, data)
    place.pwrite(length - 2 * meta.LEGACY_BYTES, bytes(2 * meta.LEGACY_BYTES))
    place.sync()
    for part in others:
        assert cache is not None
        say(f"container images of {cache.size >> 20} MiB")
        _copy(cache, medium.Window(fd, part.first * sector_bytes, part.sectors * sector_bytes))
    gpt.write(whole.pwrite, gpt.layout(table), whole.sync)
    say("partition table written")
    return table


def install(
    device: block.Device,
    system: esp.System,
    *,
    values: Mapping[int, bytes] | None = None,
    cache: Location | None = None,
    wipe: bool = False,
    say: Progress,
) -> None:
    """Install on a disk that `check` allowed; tell the kernel of the result. Raises Conflict, Invalid, OSError."""
    known = block.partitions_of(device.name)
    with block.opened(device.path, write=True, exclusive=True) as fd:
        for old in known:
            block.remove_partition(fd, old.partition)
        table = write(fd, device.sector_bytes, system, values=values, cache=cache, wipe=wipe, say=say)
        for part in table.partitions:
            size = part.sectors * table.sector_bytes
            with contextlib.suppress(FileExistsError, OSError):
                block.add_partition(fd, part.number, part.first * table.sector_bytes, size)


def holds(where: Location, image: str) -> bool:
    """Whether an EFI partition holds this image."""
    with contextlib.suppress(errors.TalosError, OSError), opened(where) as found:
        return found.volume.find(image) is not None
    return False


def default_image() -> str:
    """What firmware starts from a disk without being told."""
    return entries.FALLBACK_LOADER[os.uname().machine]
