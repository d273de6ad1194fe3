"""META: its two formats, what a cut in any write leaves, and what damage does."""

import hashlib
import os
import random
import struct
from pathlib import Path

import pytest

from talos.base import errors
from talos.boot import meta

SIZE = 1 << 20


def blank(tmp_path: Path) -> Path:
    path = tmp_path / "meta"
    path.write_bytes(bytes(SIZE))
    return path


def test_a_copy_is_laid_out_as_the_original_writes_it() -> None:
    copy = meta.encode({0x0A: b"network", 6: b"A"})
    assert len(copy) == 256 * 1024
    assert copy[:4] == bytes.fromhex("5a4b3c2d")
    assert copy[4:13] == struct.pack(">II", 6, 1) + b"A"
    assert copy[13:28] == struct.pack(">II", 10, 7) + b"network"
    assert copy[28:32] == bytes(4)
    assert copy[-4:] == bytes.fromhex("a5b4c3d2")
    assert copy[-36:-4] == hashlib.sha256(copy[:-36] + bytes(32) + copy[-4:]).digest()


@pytest.mark.parametrize("values", [{}, {1: b""}, {6: b"A", 255: bytes(1000)}, {10: bytes(meta.CAPACITY_BYTES - 8)}])
def test_what_is_encoded_is_decoded(values: dict[int, bytes]) -> None:
    assert meta.decode(meta.encode(values)) == values


@pytest.mark.parametrize("values", [{0: b"x"}, {256: b"x"}, {10: bytes(meta.CAPACITY_BYTES - 7)}])
def test_what_does_not_fit_is_refused(values: dict[int, bytes]) -> None:
    with pytest.raises(errors.Invalid):
        meta.encode(values)


def test_the_legacy_vector_has_the_checksum_of_syslinux() -> None:
    both = meta.encode_legacy({6: b"B", 12: b"mine"})
    assert both[:512] == both[512:]
    words = struct.unpack("<128I", both[:512])
    assert words[0] == 0x5A2D2FA5
    assert (words[1] + sum(words[2:127])) & 0xFFFFFFFF == 0xA3041767
    assert words[127] == 0xDD28BF64
    assert both[8:11] == b"\x06\x01B"
    assert meta.decode_legacy(both) == {6: b"B", 12: b"mine"}
    assert meta.decode_legacy(bytes(512) + both[512:]) == {6: b"B", 12: b"mine"}


def test_legacy_values_are_found_until_they_are_replaced_or_deleted(tmp_path: Path) -> None:
    path = blank(tmp_path)
    with path.open("r+b") as file:
        file.seek(-1024, os.SEEK_END)
        file.write(meta.encode_legacy({6: b"A", 12: b"old", 13: b"kept"}))
    partition = meta.Partition(path)
    assert partition.read() == {6: b"A", 12: b"old", 13: b"kept"}
    partition.update({6: None, 12: b"new"})
    assert partition.read() == {12: b"new", 13: b"kept"}
    assert meta.decode_legacy(path.read_bytes()[-1024:]) == {13: b"kept"}


def test_values_stay_and_go(tmp_path: Path) -> None:
    partition = meta.Partition(blank(tmp_path))
    assert partition.read() == {}
    partition.update({10: b"a", 11: b"b"})
    partition.update({10: None, 12: b"c"})
    assert meta.Partition(partition.path).read() == {11: b"b", 12: b"c"}
    partition.erase()
    assert partition.read() == {}


def test_the_second_copy_serves_when_the_first_is_damaged_and_is_kept_till_the_first_is_whole(tmp_path: Path) -> None:
    partition = meta.Partition(blank(tmp_path))
    partition.update({10: b"before"})
    with partition.path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff")
    assert partition.read() == {10: b"before"}
    found = meta.parse(partition.path.read_bytes())
    offsets = [offset for offset, _ in meta.steps(found, {10: b"after"}, SIZE)]
    assert offsets == [0, meta.COPY_BYTES]


@pytest.mark.parametrize("damaged", [None, 0, 1])
def test_a_write_cut_anywhere_leaves_the_old_or_the_new_values(damaged: int | None) -> None:
    """Sectors reach the disk one by one, in any order, within a step; steps are flushed one after the other."""
    old, new = {10: b"old" * 50_000, 11: b"1"}, {10: b"new" * 60_000, 12: b"2"}
    start = bytearray(SIZE)
    start[: 2 * meta.COPY_BYTES] = meta.encode(old) * 2
    if damaged is not None:
        start[damaged * meta.COPY_BYTES + 4000] ^= 1
    chance = random.Random(7)
    writes = meta.steps(meta.parse(bytes(start)), new, SIZE)
    seen = set()
    for cut in range(len(writes)):
        for _ in range(40):
            disk = bytearray(start)
            for offset, piece in writes[:cut]:
                disk[offset : offset + len(piece)] = piece
            offset, piece = writes[cut]
            sectors = list(range(0, len(piece), 512))
            chance.shuffle(sectors)
            for at in sectors[: chance.randrange(len(sectors) + 1)]:
                disk[offset + at : offset + at + 512] = piece[at : at + 512]
            found = meta.parse(bytes(disk)).values
            assert found in (old, new)
            seen.add(found == new)
    assert seen == {True, False}


def test_random_bytes_are_no_values_and_no_error() -> None:
    chance = random.Random(1)
    for _ in range(200):
        copy = bytearray(meta.encode({10: b"x" * 100}))
        for _ in range(chance.randrange(1, 4)):
            copy[chance.choice((chance.randrange(200), chance.randrange(len(copy))))] = chance.randrange(256)
        assert meta.decode(bytes(copy)) in (None, {10: b"x" * 100})
        legacy = bytearray(meta.encode_legacy({6: b"A"}))
        legacy[chance.randrange(1024)] = chance.randrange(256)
        assert meta.decode_legacy(bytes(legacy)) == {6: b"A"}


def test_a_size_beyond_the_copy_is_damage_even_under_a_right_checksum() -> None:
    copy = bytearray(meta.encode({10: b"x"}))
    copy[8:12] = b"\xff\xff\xff\xff"
    copy[-36:-4] = bytes(32)
    copy[-36:-4] = hashlib.sha256(copy).digest()
    assert meta.decode(bytes(copy)) is None


def test_a_partition_that_is_too_small_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(bytes(4096))
    with pytest.raises(errors.Invalid):
        meta.Partition(path).update({10: b"x"})
