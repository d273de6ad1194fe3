"""Small unified kernel images for tests: the right form, no system inside."""

from __future__ import annotations

import struct

from talos.imager import uki


def stub() -> bytes:
    """A PE file with one section of code and room for more headers."""
    head = bytearray(0x400)
    head[:2] = b"MZ"
    struct.pack_into("<I", head, 0x3C, 0x80)
    struct.pack_into("<4sHHIIIHH", head, 0x80, b"PE\0\0", 0x8664, 1, 0, 0, 0, 240, 0x22)
    optional = 0x80 + 24
    struct.pack_into("<H", head, optional, 0x20B)
    for at, value in ((32, 0x1000), (36, 0x200), (56, 0x2000), (60, 0x400)):
        struct.pack_into("<I", head, optional + at, value)
    struct.pack_into("<8sIIIIIIHHI", head, optional + 240, b".text", 16, 0x1000, 0x200, 0x400, 0, 0, 0, 0, 0x60000020)
    return bytes(head) + bytes(0x200)


def unified(version: str, *, initramfs: bytes = b"070701", id: str = "pytalos", padding: int = 0) -> bytes:
    """An image of this version; `padding` makes it larger."""
    return uki.build(
        stub(),
        kernel=b"kernel" * 1000,
        initramfs=initramfs + bytes(padding),
        cmdline="console=ttyS0",
        os_release=f'NAME="PyTalos"\nID={id}\nVERSION_ID={version}\n'.encode(),
        release="6.12",
    )
