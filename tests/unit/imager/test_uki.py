"""Unified kernel images, on a PE file made here after the specification."""

import struct

import pytest

from talos.base import errors
from talos.imager import uki

ALIGN, FILE = 0x1000, 0x200


def stub(room: int = 10) -> bytes:
    headers = 0x200 if room < 5 else 0x400
    optional = bytearray(112 + 16 * 8)
    struct.pack_into("<H", optional, 0, 0x20B)
    struct.pack_into("<III", optional, 32, ALIGN, FILE, 0)
    struct.pack_into("<II", optional, 56, 0x2000, headers)
    struct.pack_into("<I", optional, 64, 0xBAD)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, 1, 0, 0, 0, len(optional), 0x22)
    section = struct.pack("<8sIIIIIIHHI", b".text", 5, 0x1000, FILE, headers, 0, 0, 0, 0, 0x60000020)
    head = bytearray(64)
    struct.pack_into("<I", head, 0x3C, 64)
    if room < 5:
        coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, 1, 0, 0, 0, len(optional), 0x22)
    data = (bytes(head) + coff + bytes(optional) + section).ljust(headers, b"\0")
    return data + b"code!".ljust(FILE, b"\0")


def test_sections_are_added_and_read_back() -> None:
    image = uki.build(stub(), kernel=b"K" * 5000, initramfs=b"I" * 70, cmdline="a b", os_release=b"ID=x\n", release="6")
    assert [(s.name, s.data) for s in uki.sections(image)] == [
        (".text", b"code!"),
        (".osrel", b"ID=x\n"),
        (".cmdline", b"a b"),
        (".uname", b"6"),
        (".initrd", b"I" * 70),
        (".linux", b"K" * 5000),
    ]


def test_addresses_are_aligned_and_do_not_overlap() -> None:
    image = uki.build(stub(), kernel=b"K" * 5000, initramfs=b"I", cmdline="", os_release=b"", release="6")
    at = 64 + 24 + 240
    places = [struct.unpack_from("<8sIIIIIIHHI", image, at + 40 * n) for n in range(6)]
    end = 0
    for _, size, address, raw, offset, *_ in places:
        assert address % ALIGN == 0
        assert address >= end
        assert raw % FILE == 0
        assert offset % FILE == 0
        end = address + size
    (size_of_image,) = struct.unpack_from("<I", image, 64 + 24 + 56)
    assert size_of_image == -(-end // ALIGN) * ALIGN
    assert struct.unpack_from("<I", image, 64 + 24 + 64) == (0,)
    assert len(image) % FILE == 0


def test_a_header_without_room() -> None:
    with pytest.raises(errors.Invalid, match="room"):
        uki.append(stub(room=1), [uki.Section(f".s{n}", b"") for n in range(8)])


@pytest.mark.parametrize("data", [b"", b"MZ" + bytes(100), b"\x7fELF" + bytes(200)])
def test_what_is_no_pe_file(data: bytes) -> None:
    with pytest.raises(errors.Invalid):
        uki.sections(data)


def test_a_file_that_ends_early() -> None:
    image = uki.build(stub(), kernel=b"K" * 5000, initramfs=b"I", cmdline="", os_release=b"", release="6")
    with pytest.raises(errors.Invalid, match="ends within"):
        uki.sections(image[:-4096])
