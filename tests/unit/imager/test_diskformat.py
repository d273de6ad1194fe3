"""Formats written by hand, against what the standard library reads and the specifications say."""

from __future__ import annotations

import gzip
import lzma
import random
import struct
import uuid
from pathlib import Path

import pytest

from talos.base import errors
from talos.imager import diskformat
from talos.imager.profile import Packing


def _mixed(path: Path) -> bytes:
    noise = random.Random(7).randbytes
    content = noise(9 << 20) + bytes(20 << 20) + b"text " * 300_000 + bytes(8 << 20) + noise(12345)
    path.write_bytes(content)
    return content


@pytest.mark.parametrize("length", [1, 3, 65536, 65537, 1 << 20, (8 << 20) - 5])
def test_stored_xz_is_read_back(length: int) -> None:
    data = random.Random(length).randbytes(length)
    assert lzma.decompress(diskformat.xz_stored(data)) == data


@pytest.mark.feature("J019")
@pytest.mark.parametrize("packing", [Packing.ZST, Packing.XZ, Packing.GZ])
def test_streams_in_a_row_are_the_whole(tmp_path: Path, packing: Packing) -> None:
    content = _mixed(tmp_path / "plain")
    diskformat.pack(tmp_path / "plain", tmp_path / "packed", packing)
    packed = (tmp_path / "packed").read_bytes()
    assert len(packed) < 10 << 20
    if packing is Packing.ZST:
        import zstandard

        with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as stream:
            assert stream.read() == content
    else:
        assert (lzma if packing is Packing.XZ else gzip).decompress(packed) == content
    diskformat.pack(tmp_path / "plain", tmp_path / "again", packing)
    assert (tmp_path / "again").read_bytes() == packed


# Heads and sectors per track by the appendix of the specification.
@pytest.mark.parametrize(
    ("mebibytes", "expected"),
    [(1, (30, 4, 17)), (40, (963, 5, 17)), (2104, (4274, 16, 63)), (130_000, (65278, 16, 255))],
)
def test_geometry(mebibytes: int, expected: tuple[int, int, int]) -> None:
    cylinders, heads, per_track = diskformat.geometry(mebibytes << 11)
    assert (heads, per_track) == expected[1:]
    assert 0 <= (mebibytes << 11) - cylinders * heads * per_track < heads * per_track


def test_the_footer_of_a_vhd_checks_out() -> None:
    footer = diskformat.vhd_footer(5 << 20, uuid.UUID(int=7))
    (checksum,) = struct.unpack_from(">I", footer, 64)
    assert len(footer) == 512
    assert footer[:8] == b"conectix"
    assert ~(sum(footer) - sum(footer[64:68])) & 0xFFFFFFFF == checksum


def test_a_vhd_has_whole_mebibytes(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(1000))
    with pytest.raises(errors.Invalid, match="whole MiB"):
        diskformat.vhd(tmp_path / "raw", tmp_path / "vhd", uuid.UUID(int=1))


def test_holes_stay_holes(tmp_path: Path) -> None:
    with (tmp_path / "raw").open("wb") as sink:
        sink.seek(64 << 20)
        sink.write(b"end".ljust(1 << 20, b"\0"))
    diskformat.copy_sparse(tmp_path / "raw", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "raw").read_bytes()
    assert (tmp_path / "copy").stat().st_blocks * 512 < 4 << 20
