"""Signatures of what volumes are made of: arrays, LVM, encryption, storage pools, and the system's own META.

`talos.linux.blkid` explains the contract.
"""

from __future__ import annotations

import re

from talos.linux._signatures import Found, Window, malformed, number, text, uuid_text

_MD_MAGIC = 0xA92B4EFC
_MD_BYTES = 256
_UUID = re.compile(r"[0-9A-Za-z-]*")
_LVM_UUID_GROUPS = (6, 4, 4, 4, 4, 4, 6)
_META_COPY = 256 * 1024
_ZFS_LABEL, _ZFS_UBERBLOCKS, _ZFS_NEEDED = 256 * 1024, 128 * 1024, 4


def md(at: Window) -> Found | None:
    """A member of a Linux software array, metadata 0.90 to 1.2."""
    for offset in (((at.size >> 9) - 16 & ~7) << 9, 0, 4096):
        try:
            head = at(offset, _MD_BYTES)
        except malformed:
            continue
        # The superblock says itself in which sector it is.
        if number(head, 0, "<I") == _MD_MAGIC and number(head, 4, "<I") == 1 and number(head, 144, "<Q") << 9 == offset:
            return Found("linux_raid_member", text(head[32:64]), uuid_text(head[16:32]), signatures=((offset, 4),))
    old = (at.size & ~0xFFFF) - 0x10000
    head = at(old, _MD_BYTES)
    if number(head, 0, "<I") == _MD_MAGIC and number(head, 4, "<I") == 0:
        return Found("linux_raid_member", "", uuid_text(head[20:24] + head[52:64]), signatures=((old, 4),))
    return None


def luks(at: Window) -> Found | None:
    """LUKS 1 and 2."""
    head = at(0, 592)
    version = number(head, 6, ">H")
    if head[:6] != b"LUKS\xba\xbe" or version not in (1, 2):
        return None
    id = text(head[168:208])
    if not _UUID.fullmatch(id):
        return None
    return Found("luks", text(head[24:72]) if version == 2 else "", id, signatures=((0, 6),))


def lvm2(at: Window) -> Found | None:
    """A physical volume of LVM; its label is its own id."""
    for sector in range(4):
        head = at(sector * 512, 512)
        if head[:8] != b"LABELONE" or head[24:32] != b"LVM2 001" or number(head, 8, "<Q") != sector:
            continue
        start = number(head, 20, "<I")
        plain = head[start : start + 32].decode("ascii")
        if len(plain) < 32 or not plain.isalnum():
            return None
        groups, taken = [], 0
        for length in _LVM_UUID_GROUPS:
            groups.append(plain[taken : taken + length])
            taken += length
        return Found("lvm2-pv", "-".join(groups), signatures=((sector * 512 + 24, 8),))
    return None


def zfs(at: Window) -> Found | None:
    """A device of a ZFS pool, by enough of the uberblocks in one of its four labels."""
    end = at.size // _ZFS_LABEL * _ZFS_LABEL
    for start in (0, _ZFS_LABEL, end - 2 * _ZFS_LABEL, end - _ZFS_LABEL):
        try:
            ring = at(start + _ZFS_UBERBLOCKS, _ZFS_UBERBLOCKS)
        except malformed:
            continue
        places, guid = [], ""
        for offset in range(0, _ZFS_UBERBLOCKS, 1024):
            word = ring[offset : offset + 8]
            if word in (b"\x0c\xb1\xba\x00\0\0\0\0", b"\0\0\0\0\x00\xba\xb1\x0c"):
                places.append((start + _ZFS_UBERBLOCKS + offset, 8))
                guid = f"{number(ring, offset + 24, '<Q' if word[0] else '>Q'):016x}"
        if len(places) >= _ZFS_NEEDED:
            return Found("zfs", guid, signatures=tuple(places))
    return None


def bluestore(at: Window) -> Found | None:
    """A device of Ceph."""
    magic = b"bluestore block device"
    return Found("bluestore", signatures=((0, len(magic)),)) if at(0, len(magic)) == magic else None


def talosmeta(at: Window) -> Found | None:
    """The system's META, by either of its copies."""
    for start in (0, _META_COPY):
        if at(start, 4) == b"\x5a\x4b\x3c\x2d" and at(start + _META_COPY - 4, 4) == b"\xa5\xb4\xc3\xd2":
            return Found("talosmeta", size=2 * _META_COPY, signatures=((start, 4),))
    return None


def vmfs(at: Window) -> Found | None:
    """VMFS: a member volume, or the file system."""
    for name, offset, magic in (
        ("VMFS_volume_member", 0x100000, b"\x0d\xd0\x01\xc0"),
        ("VMFS", 0x200000, b"\x5e\xf1\xab\x2f"),
    ):
        if at(offset, 4) == magic:
            return Found(name, signatures=((offset, 4),))
    return None
