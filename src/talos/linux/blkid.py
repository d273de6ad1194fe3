"""What is on a block device: file systems, volume managers, partition tables, by their signatures.

    probe(read, size) ─ formats in order ─ Found(name, label, uuid, sizes, signatures) | None

Everything read is somebody else's: a format that does not make sense is not there, whatever its magic says, and nothing
but an error of the device itself is ever raised. Names are those the original reports. `read(offset, length)` returns
fewer bytes at the end of the device.

Layouts: the kernel's headers (xfs_format.h, ext4.h, btrfs_tree.h, msdos_fs.h, md_p.h, squashfs_fs.h, erofs_fs.h) and
the documents of LUKS, LVM2, ECMA-119, UEFI and OpenZFS. Numbers without another word are bytes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from talos.linux import gpt, swap_area
from talos.linux._blkid_volumes import bluestore, luks, lvm2, md, talosmeta, vmfs, zfs
from talos.linux._signatures import Found, Reader, Window, malformed, number, text, uuid_text

Format = Callable[[Window], Found | None]

__all__ = ["Found", "Opened", "Reader", "open_reader", "probe", "probe_all", "probe_path"]


def _power(value: int, low: int, high: int) -> bool:
    return low <= value <= high and value & (value - 1) == 0


def xfs(at: Window) -> Found | None:
    """XFS; the size leaves out an internal log, as statfs does."""
    head = at(0, 512)
    if head[:4] != b"XFSB":
        return None
    block, blocks = number(head, 4, ">I"), number(head, 8, ">Q")
    log_start, log_blocks, sector = number(head, 48, ">Q"), number(head, 96, ">I"), number(head, 102, ">H")
    if not _power(block, 512, 65536) or not _power(sector, 512, 32768) or log_blocks > blocks:
        return None
    size = (blocks - (log_blocks if log_start else 0)) * block
    return Found("xfs", text(head[108:120]), uuid_text(head[32:48]), sector, block, size, ((0, 4),))


_JOURNAL, _JOURNAL_DEVICE = 0x4, 0x8
_EXT4_INCOMPATIBLE = 0x40 | 0x80 | 0x100 | 0x200 | 0x2000
_EXT4_READ_ONLY = 0x8 | 0x10 | 0x20 | 0x40 | 0x400


def ext(at: Window) -> Found | None:
    """ext2, ext3, ext4."""
    head = at(1024, 1024)
    if number(head, 56, "<H") != 0xEF53:
        return None
    shift = number(head, 24, "<I")
    compatible, incompatible, read_only = struct.unpack_from("<III", head, 92)
    if shift > 6 or incompatible & _JOURNAL_DEVICE:
        return None
    if incompatible & _EXT4_INCOMPATIBLE or read_only & _EXT4_READ_ONLY:
        name = "ext4"
    else:
        name = "ext3" if compatible & _JOURNAL else "ext2"
    blocks = number(head, 4, "<I") | (number(head, 0x150, "<I") << 32 if incompatible & 0x80 else 0)
    block = 1024 << shift
    signatures = ((1024 + 56, 2),)
    return Found(name, text(head[120:136]), uuid_text(head[104:120]), block, block, blocks * block, signatures)


def btrfs(at: Window) -> Found | None:
    """btrfs."""
    start = 65536
    if at(start + 64, 8) != b"_BHRfS_M":
        return None
    head = at(start, 1024)
    size, sector, node = number(head, 112, "<Q"), number(head, 144, "<I"), number(head, 148, "<I")
    if not _power(sector, 512, 65536) or not _power(node, 4096, 65536):
        return None
    label, id = text(head[299:555]), uuid_text(head[32:48])
    return Found("btrfs", label, id, sector, node, size, ((start + 64, 8),))


def vfat(at: Window) -> Found | None:
    """FAT12, FAT16 and FAT32."""
    head = at(0, 512)
    if head[82:90] == b"FAT32   ":
        place, label_at = 82, 71
    elif head[54:62] in (b"FAT12   ", b"FAT16   ", b"FAT     "):
        place, label_at = 54, 43
    else:
        return None
    sector, per_cluster = number(head, 11, "<H"), head[13]
    sectors = number(head, 19, "<H") or number(head, 32, "<I")
    if not _power(sector, 512, 4096) or not _power(per_cluster, 1, 128) or not number(head, 14, "<H") or not head[16]:
        return None
    label = text(head[label_at : label_at + 11]).rstrip()
    cluster = sector * per_cluster
    shown = "" if label == "NO NAME" else label
    return Found("vfat", shown, "", sector, cluster, sectors * sector, ((place, 8),))


def squashfs(at: Window) -> Found | None:
    """squashfs 4."""
    head = at(0, 96)
    if head[:4] != b"hsqs" or number(head, 28, "<H") != 4:
        return None
    block = number(head, 12, "<I")
    return Found("squashfs", "", "", block, block, number(head, 40, "<Q"), ((0, 4),))


def erofs(at: Window) -> Found | None:
    """EROFS."""
    head = at(1024, 128)
    if number(head, 0, "<I") != 0xE0F5E1E2 or not 9 <= head[12] <= 16:
        return None
    block = 1 << head[12]
    size = number(head, 36, "<I") * block
    return Found("erofs", text(head[64:80]), uuid_text(head[48:64]), block, block, size, ((1024, 4),))


def iso9660(at: Window) -> Found | None:
    """ISO 9660, by its primary volume descriptor."""
    for index in range(16):
        start = 32768 + index * 2048
        head = at(start, 2048)
        if head[1:6] != b"CD001" or head[0] == 255:
            return None
        if head[0] == 1:
            block, blocks = number(head, 128, "<H"), number(head, 80, "<I")
            label = text(head[40:72].replace(b"\0", b" ")).rstrip()
            return Found("iso9660", label, "", block, block, blocks * block, ((start + 1, 5),))
    return None


def swap(at: Window) -> Found | None:
    """Swap space, of any page size."""
    head = swap_area.parse(at)
    if head is None:
        return None
    size = head.last_page * head.page_bytes
    place = ((head.page_bytes - 10, 10),)
    return Found("swap", head.label, head.uuid, head.page_bytes, head.page_bytes, size, place)


def partition_table(at: Window) -> Found | None:
    """A GUID partition table; the backup counts when the first copy is damaged."""
    for sector in dict.fromkeys((at.sector_bytes, 512, 4096)):
        table = gpt.read(at.read, at.size, sector)
        if table is None:
            continue
        places = [(place, 8) for place in (sector, at.size // sector * sector - sector) if at(place, 8) == b"EFI PART"]
        return Found("gpt", "", str(table.disk_id), sector, 0, at.size, tuple(places))
    return None


def mbr(at: Window) -> Found | None:
    """A DOS partition table that is no protection of another one."""
    head = at(0, 512)
    if head[510:512] != b"\x55\xaa":
        return None
    entries = [head[at : at + 16] for at in range(446, 510, 16)]
    used = [entry for entry in entries if entry[4]]
    if not used or any(entry[0] not in (0, 0x80) for entry in entries) or any(entry[4] == 0xEE for entry in used):
        return None
    return Found("dos", "", f"{number(head, 440, '<I'):08x}", at.sector_bytes, 0, at.size, ((510, 2),))


def foreign(at: Window) -> Found | None:
    """What the system does not use but must not take for empty space: NTFS, exFAT, F2FS."""
    head = at(0, 512)
    for name, place, magic in (("ntfs", 3, b"NTFS    "), ("exfat", 3, b"EXFAT   ")):
        if head[place : place + len(magic)] == magic:
            return Found(name, "", "", 0, 0, 0, ((place, len(magic)),))
    if at(1024, 4) == b"\x10\x20\xf5\xf2":
        return Found("f2fs", "", "", 0, 0, 0, ((1024, 4),))
    return None


FORMATS: tuple[Format, ...] = (
    # A member of an array may look like what is on the array, an image for CDs like a disk.
    md,
    luks,
    lvm2,
    zfs,
    bluestore,
    talosmeta,
    xfs,
    btrfs,
    squashfs,
    erofs,
    swap,
    partition_table,
    iso9660,
    foreign,
    vfat,
    ext,
    vmfs,
    mbr,
)


def probe_all(read: Reader, size: int, sector_bytes: int = 512) -> list[Found]:
    """Everything whose signature is there, the one that counts first. Raises OSError of the device only."""
    window = Window(read, size, sector_bytes)
    found = []
    for one in FORMATS:
        try:
            result = one(window)
        except malformed:
            continue
        if result is not None:
            found.append(replace(result, size=min(result.size, size)))
    return found


def probe(read: Reader, size: int, sector_bytes: int = 512) -> Found | None:
    """What the device holds, None when nothing is recognised. Raises OSError of the device only."""
    return next(iter(probe_all(read, size, sector_bytes)), None)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open device."""

    fd: int
    size: int
    sector_bytes: int

    def read(self, offset: int, length: int) -> bytes:
        """Bytes at `offset`, fewer at the end."""
        if offset < 0 or offset >= self.size:
            return b""
        return os.pread(self.fd, min(length, self.size - offset), offset)


def open_reader(fd: int, sector_bytes: int = 512) -> Opened:
    """A reader of an open device or file. Raises OSError."""
    return Opened(fd, os.lseek(fd, 0, os.SEEK_END), sector_bytes)


def probe_path(path: str | os.PathLike[str], sector_bytes: int = 512) -> Found | None:
    """`probe` of a device or file. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        opened = open_reader(fd, sector_bytes)
        return probe(opened.read, opened.size, sector_bytes)
    finally:
        os.close(fd)
