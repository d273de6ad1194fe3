"""Probing: files made by the real programs of each format, compared with what util-linux's blkid says of them; and
whatever else may stand on a disk, which may never be more than not recognised.
"""

import functools
import json
import random
import struct
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from talos.boot import meta
from talos.linux import blkid, swap_area

DATA = Path(__file__).resolve().parents[2] / "data" / "blkid"
EXPECTED = json.loads((DATA / "expected.json").read_text())
HEAD, TAIL = 192 * 1024, 64 * 1024
NAMES = {"crypto_LUKS": "luks", "LVM2_member": "lvm2-pv"}
SIZES = {"xfs": 256 << 20, "ext4": 16 << 20, "btrfs": 128 << 20, "vfat16": 32 << 20, "iso9660": 376832, "erofs": 4096}


@functools.cache
def packed(name: str) -> bytes:
    return zlib.decompress((DATA / f"{name}.bin").read_bytes())


def reader(data: bytes, size: int) -> Callable[[int, int], bytes]:
    """A disk of `size` whose beginning and end are those of `data`, with zeros between them."""

    def read(offset: int, length: int) -> bytes:
        length = max(0, min(length, size - offset))
        piece = bytearray(length)
        for at, part in ((0, data[: min(HEAD, size)]), (max(0, size - TAIL), data[HEAD:][-min(TAIL, size) :])):
            first, last = max(at, offset), min(at + len(part), offset + length)
            if first < last:
                piece[first - offset : last - offset] = part[first - at : last - at]
        return bytes(piece)

    return read


def found(name: str) -> blkid.Found:
    size = EXPECTED[name]["size"]
    result = blkid.probe(reader(packed(name), size), size)
    assert result is not None
    return result


@pytest.mark.feature("I003")
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_format_is_named_as_blkid_names_it(name: str) -> None:
    said, result = EXPECTED[name]["blkid"], found(name)
    type = said.get("TYPE") or said["PTTYPE"]
    assert result.name == NAMES.get(type, type)
    if result.name == "lvm2-pv":
        assert result.label == said["UUID"]
        return
    assert result.label == said.get("LABEL", "")
    if result.uuid:
        assert result.uuid == said.get("UUID", said.get("PTUUID"))
    if result.block_size and "BLOCK_SIZE" in said:
        assert result.block_size == int(said["BLOCK_SIZE"])


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name: str) -> None:
    assert found(name).size == SIZES[name]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_without_its_signatures_it_is_not_recognised(name: str) -> None:
    size, result = EXPECTED[name]["size"], found(name)
    plain = reader(packed(name), size)

    def wiped(offset: int, length: int) -> bytes:
        piece = bytearray(plain(offset, length))
        for at, count in result.signatures:
            for place in range(max(at, offset), min(at + count, offset + len(piece))):
                piece[place - offset] = 0
        return bytes(piece)

    again = blkid.probe(wiped, size)
    assert again is None or again.name != result.name


@pytest.mark.parametrize("damaged", [None, 0, 1])
def test_meta_is_recognised_by_either_copy(damaged: int | None) -> None:
    copies = [meta.encode({10: b"x"})] * 2
    if damaged is not None:
        copies[damaged] = bytes(len(copies[0]))
    disk = b"".join(copies)
    result = blkid.probe(lambda offset, length: disk[offset : offset + length], len(disk))
    assert result is not None
    assert (result.name, result.size) == ("talosmeta", len(disk))


def array_member(size: int, offset: int) -> bytes:
    head = (
        struct.pack("<III", 0xA92B4EFC, 1, 0).ljust(16, b"\0") + uuid.UUID(int=7).bytes + b"talos:set".ljust(32, b"\0")
    )
    head = head.ljust(144, b"\0") + struct.pack("<Q", offset // 512)
    return (bytes(offset) + head).ljust(size, b"\0")


@pytest.mark.parametrize("offset", [0, 4096, (16 << 20) - 8192])
def test_members_of_arrays_count_more_than_what_is_on_the_array(offset: int) -> None:
    size = 16 << 20
    disk = bytearray(array_member(size, offset))
    if offset > 4096:
        disk[: 64 * 1024] = packed("ext4")[: 64 * 1024]
    result = blkid.probe(lambda at, length: bytes(disk[at : at + length]), size)
    assert result == blkid.Found(
        "linux_raid_member", "talos:set", str(uuid.UUID(int=7)), signatures=((offset, 4),), size=0
    )


def test_pools_and_ceph() -> None:
    size = 4 << 20
    disk = bytearray(size)
    for slot in range(6):
        struct.pack_into("<QQQQ", disk, 128 * 1024 + slot * 1024, 0x00BAB10C, 5000, slot, 0xABCDEF)
    result = blkid.probe(lambda at, length: bytes(disk[at : at + length]), size)
    assert result is not None
    assert (result.name, result.label) == ("zfs", "0000000000abcdef")
    ceph = b"bluestore block device\n".ljust(8192, b"\0")
    result = blkid.probe(lambda at, length: ceph[at : at + length], len(ceph))
    assert result is not None
    assert result.name == "bluestore"


def test_what_mkswap_writes_is_what_we_write() -> None:
    ours = swap_area.make(16 << 20, uuid=uuid.UUID("11111111-2222-3333-4444-555555555555"), label="swaplabel")
    assert packed("swap")[:4096] == ours


@pytest.mark.parametrize("size", [0, 1, 511, 512, 1023, 4096, 65536, 1 << 20])
def test_empty_and_tiny_disks_hold_nothing(size: int) -> None:
    assert blkid.probe(lambda offset, length: bytes(max(0, min(length, size - offset))), size) is None


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_broken_content_is_never_an_error(name: str) -> None:
    chance = random.Random(name)
    size, original = EXPECTED[name]["size"], packed(name)
    marks = [at for at, _ in found(name).signatures if at < HEAD]
    for _ in range(60):
        data = bytearray(original)
        for _ in range(chance.randrange(1, 40)):
            data[chance.randrange(0, 2048)] = chance.choice((0, 255, chance.randrange(256)))
        for mark in marks:
            data[mark : mark + 8] = original[mark : mark + 8]
            for _ in range(4):
                data[min(HEAD - 1, mark + chance.randrange(8, 400))] = chance.choice((0, 255, 128))
        short = chance.choice((size, size // 3, chance.randrange(1, size)))
        blkid.probe_all(reader(bytes(data), short), short)


def test_a_device_that_ends_early_is_not_recognised_and_one_that_fails_says_so() -> None:
    assert blkid.probe(lambda offset, length: b"", 1 << 20) is None

    def broken(offset: int, length: int) -> bytes:
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input"):
        blkid.probe(broken, 1 << 20)
