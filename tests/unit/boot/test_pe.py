"""What a unified kernel image says of itself, and what cut or altered ones are called."""

from __future__ import annotations

import random

import pytest

from talos.base import errors
from talos.boot import pe
from talos.imager import cpio, uki
from tests.unit.boot import images


def inspect(data: bytes, machine: str = "x86_64") -> pe.Image:
    return pe.inspect(lambda at, n: data[at : at + n], len(data), machine)


def test_it_says_version_and_command_line() -> None:
    data = images.unified("v1.2.3")
    about = inspect(data)
    assert about.version == "v1.2.3"
    assert about.cmdline == "console=ttyS0"
    assert about.sections[".linux"].size == len(b"kernel" * 1000)


def test_the_root_image_is_found_within_it() -> None:
    archive = cpio.archive({"a": cpio.file(b"x" * 5), "rootfs.sqsh": cpio.file(b"squash" * 777)}) + b"more"
    data = images.unified("v1", initramfs=archive)
    section = inspect(data).sections[".initrd"]
    found = pe.carried(lambda at, n: data[at : at + n], section, "rootfs.sqsh")
    assert found is not None
    assert data[found.offset : found.offset + found.size] == b"squash" * 777
    assert pe.carried(lambda at, n: data[at : at + n], section, "other") is None


def test_every_cut_is_noticed() -> None:
    data = images.unified("v1")
    for length in (0, 1, 63, 100, 400, 2000, len(data) // 2, len(data) - 512, len(data) - 1):
        with pytest.raises(errors.Invalid):
            inspect(data[:length])


def test_other_machines_and_missing_parts_are_refused() -> None:
    with pytest.raises(errors.Invalid, match="another kind"):
        inspect(images.unified("v1"), "aarch64")
    with pytest.raises(errors.Invalid, match=r"\.initrd"):
        inspect(uki.append(images.stub(), [uki.Section(".linux", b"k"), uki.Section(".osrel", b"ID=pytalos\n")]))
    with pytest.raises(errors.Invalid):
        inspect(b"#!/bin/sh\n" * 1000)


def test_mutated_images_raise_nothing_but_our_error() -> None:
    whole, dice = images.unified("v1"), random.Random(11)
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(dice.randrange(1, 20)):
            data[dice.randrange(1024)] = dice.randrange(256)
        try:
            about = inspect(bytes(data))
            pe.carried(lambda at, n, d=bytes(data): d[at : at + n], about.sections[".initrd"], "rootfs.sqsh")  # type: ignore[misc]
        except errors.Invalid:
            pass
