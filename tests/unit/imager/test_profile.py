"""What the imager can be asked for, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos.base import errors
from talos.imager import profile
from talos.imager.profile import Format, Kind, Packing

_BASE = "talos.platform=metal console=tty0 console=ttyS0 panic=10 init_on_alloc=1"


@pytest.mark.feature("J018", "J035", "J037", "J038", "J039", "J042", "J055")
@pytest.mark.parametrize(
    ("name", "kind", "sector", "packing", "file"),
    [
        ("iso", Kind.ISO, 512, Packing.NONE, "metal-amd64.iso"),
        ("metal", Kind.IMAGE, 512, Packing.ZST, "metal-amd64.raw.zst"),
        ("metal-4k", Kind.IMAGE, 4096, Packing.ZST, "metal-4k-amd64.raw.zst"),
        ("metal-uki", Kind.UKI, 512, Packing.NONE, "metal-amd64-uki.efi"),
        ("nocloud", Kind.IMAGE, 512, Packing.ZST, "nocloud-amd64.raw.zst"),
        ("installer", Kind.INSTALLER, 512, Packing.NONE, "installer-amd64.tar"),
        ("kernel", Kind.KERNEL, 512, Packing.NONE, "kernel-amd64"),
        ("initramfs", Kind.INITRAMFS, 512, Packing.NONE, "initramfs-metal-amd64.cpio"),
        ("uki", Kind.UKI, 512, Packing.NONE, "metal-amd64-uki.efi"),
        ("cmdline", Kind.CMDLINE, 512, Packing.NONE, "cmdline-metal-amd64"),
    ],
)
def test_profiles_have_the_defaults_of_the_original(
    name: str, kind: Kind, sector: int, packing: Packing, file: str
) -> None:
    made = profile.order(name)
    assert (made.kind, made.profile.sector_bytes, made.packing) == (kind, sector, packing)
    assert made.file_name == file


def test_another_format_is_not_compressed_by_itself() -> None:
    made = profile.order("metal", disk_format="qcow2")
    assert (made.format, made.packing, made.file_name) == (Format.QCOW2, Packing.NONE, "metal-amd64.qcow2")
    assert profile.order("metal", disk_format="vhd", packing="gz").file_name == "metal-amd64.vhd.gz"


def test_a_profile_can_give_another_kind() -> None:
    assert profile.order("nocloud", kind="iso").file_name == "nocloud-amd64.iso"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "metla"}, "there are iso, metal,"),
        ({"name": "metal", "disk_format": "vmdk"}, "there are raw, qcow2, vhd"),
        ({"name": "metal", "packing": "bz2"}, "there are none, zst, xz, gz"),
        ({"name": "metal", "kind": "floppy"}, "there are iso, image,"),
        ({"name": "metal", "architecture": "arm64"}, "there is amd64"),
        ({"name": "metal", "platform": "a b"}, "not the name of a platform"),
        ({"name": "iso", "disk_format": "qcow2"}, "for disk images"),
        ({"name": "iso", "meta": ["0xa=x"]}, "META is part of disk images"),
        ({"name": "metal", "meta": ["0x100=x"]}, "0x01 to 0xff"),
        ({"name": "metal", "meta": ["0xa"]}, "KEY=VALUE"),
        ({"name": "metal", "meta": ["0xa=1", "10=2"]}, "given twice"),
        ({"name": "metal", "meta": ["0xa=" + "x" * 300000]}, "META holds"),
        ({"name": "metal-4k", "disk_format": "vhd"}, "512 bytes only"),
        ({"name": "iso", "images": Path("x")}, "partition of disk images"),
        ({"name": "kernel", "configuration": b"x"}, "no place for a configuration"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(options: dict[str, object], said: str) -> None:
    with pytest.raises(errors.Invalid, match=said):
        profile.order(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (["quiet"], f"{_BASE} quiet"),
        (["-console"], "talos.platform=metal panic=10 init_on_alloc=1"),
        (["-console=tty0"], "talos.platform=metal console=ttyS0 panic=10 init_on_alloc=1"),
        (["-console", "console=hvc0"], "talos.platform=metal panic=10 init_on_alloc=1 console=hvc0"),
        (["-pan"], _BASE),
    ],
)
def test_arguments_are_added_and_taken_away(changes: list[str], expected: str) -> None:
    assert profile.cmdline(_BASE, "metal", changes) == expected


def test_the_platform_is_the_one_asked_for() -> None:
    assert profile.cmdline(_BASE, "nocloud", []).split()[0] == "talos.platform=nocloud"
