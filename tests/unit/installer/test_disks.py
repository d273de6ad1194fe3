"""A disk laid out in a file: partitions, content, the order of writes, and a power cut at each of them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from talos.base import errors
from talos.base.constants import partitions
from talos.boot import entries, esp, fat, meta
from talos.boot.medium import Memory, Window
from talos.installer import disks
from talos.linux import gpt

MIB = 1 << 20
DATA = random.Random(2).randbytes(MIB + 5)
SYSTEM = esp.System(
    lambda: [DATA], len(DATA), hashlib.sha256(DATA).hexdigest(), "v1", b"loader"
)  # the loader is not looked at here


@contextlib.contextmanager
def disk(path: Path, size: int = 5 << 30) -> Iterator[int]:
    with path.open("wb") as made:
        made.truncate(size)
    fd = os.open(path, os.O_RDWR)
    try:
        yield fd
    finally:
        os.close(fd)


@pytest.mark.parametrize("sector", [512, 4096])
def test_container_images_of_the_medium_come_along(tmp_path: Path, sector: int) -> None:
    images = random.Random(3).randbytes(5 * MIB + 4096)
    (tmp_path / "images").write_bytes(bytes(MIB) + images)
    cache = disks.Location("/dev/medium", str(tmp_path / "images"), MIB, len(images))
    with disk(tmp_path / "disk") as fd:
        disks.write(fd, sector, SYSTEM, cache=cache, say=lambda _: None)
        table = gpt.read(lambda at, n: os.pread(fd, n, at), 5 << 30, sector)
        assert table is not None
        assert [p.label for p in table.partitions] == ["EFI", "META", "IMAGECACHE"]
        part = table.partitions[2]
        assert part.sectors * sector >= len(images)
        assert os.pread(fd, len(images), part.first * sector) == images


@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.feature("J003", "I001")
def test_an_installed_disk_has_its_partitions_and_boots(tmp_path: Path, sector: int) -> None:
    with disk(tmp_path / "disk") as fd:
        disks.write(fd, sector, SYSTEM, values={meta.Tag.USER_1: b"kept"}, say=lambda _: None)
        table = gpt.read(lambda at, n: os.pread(fd, n, at), 5 << 30, sector)
        assert table is not None
        assert [(p.label, p.type, p.sectors * sector) for p in table.partitions] == [
            ("EFI", gpt.EFI_SYSTEM, partitions.EFI_BYTES),
            ("META", gpt.LINUX_DATA, partitions.META_BYTES),
        ]
        efi, place = table.partitions
        window = Window(fd, efi.first * sector, efi.sectors * sector)
        part = esp.Partition(fat.Volume(window), "x86_64")
        chosen = entries.choice(part.entries())
        assert chosen is not None
        assert chosen.tries_left is None
        assert b"".join(part.volume.read(chosen.image)) == DATA
        assert part.volume.read_bytes("EFI/BOOT/BOOTX64.EFI") == b"loader"
        assert len(part.volume.read_bytes("loader/random-seed")) == 32
        raw = os.pread(fd, place.sectors * sector, place.first * sector)
        assert meta.parse(raw).merged() == {meta.Tag.USER_1: b"kept"}


def test_what_was_there_before_is_never_taken_for_a_system_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of before is gone with the first write and the new one comes with the last: recorded and replayed."""
    log: list[tuple[int, bytes]] = []
    real = Window.pwrite

    def recorded(self: Window, offset: int, data: bytes) -> None:
        log.append((self.start + offset, bytes(data)))
        real(self, offset, data)

    with disk(tmp_path / "disk") as fd:
        disks.write(fd, 512, SYSTEM, say=lambda _: None)
        before = gpt.read(lambda at, n: os.pread(fd, n, at), 5 << 30)
        monkeypatch.setattr(Window, "pwrite", recorded)
        disks.write(fd, 512, SYSTEM, say=lambda _: None)
        after = gpt.read(lambda at, n: os.pread(fd, n, at), 5 << 30)
    assert before is not None
    assert after is not None
    assert before.disk_id != after.disk_id
    with disk(tmp_path / "replayed") as fd:
        for offset, data in gpt.layout(before):
            os.pwrite(fd, data, offset)
        seen = []
        for offset, data in log:
            os.pwrite(fd, data, offset)
            found = gpt.read(lambda at, n: os.pread(fd, n, at), 5 << 30)
            seen.append(None if found is None else found.disk_id)
    known = [value for value in seen if value is not None]
    assert set(known) <= {before.disk_id, after.disk_id}
    # Old (its backup, until that is gone), nothing while the content is written, new.
    assert seen[0] == before.disk_id
    assert seen[-1] == after.disk_id
    assert seen.count(None) > len(seen) - 8
    first_new = seen.index(after.disk_id)
    assert all(value == after.disk_id for value in seen[first_new:])
    assert first_new >= len(log) - len(gpt.layout(after))


@pytest.mark.parametrize("size", [100 * MIB, 2 << 30])
def test_a_disk_that_is_too_small_is_refused_before_the_first_write(tmp_path: Path, size: int) -> None:
    with disk(tmp_path / "disk", size) as fd, pytest.raises(errors.Conflict):
        disks.write(fd, 512, SYSTEM, say=lambda _: None)
    assert (tmp_path / "disk").stat().st_blocks == 0


@pytest.mark.parametrize("path", ["vda", "/dev/../etc/passwd", "/etc/passwd", "/dev/absent", "/dev/null"])
def test_what_is_no_disk_is_refused(path: str) -> None:
    with pytest.raises((errors.Invalid, errors.NotFound)):
        disks.check(path, image_bytes=0)


def test_a_system_disk_must_be_the_only_one() -> None:
    from talos.linux import block

    device = block.Device("vda", "disk", 1, 1, 1 << 40, 512, 512, "")
    table = disks.layout(10 << 30, 512)
    assert disks.system_disk([]) is None
    assert disks.system_disk([(device, gpt.empty(table.disk_id, 1 << 30)), (device, table)]) == (device, table)
    with pytest.raises(errors.Conflict, match="more than one"):
        disks.system_disk([(device, table), (device, table)])


def test_memory_and_window_agree(tmp_path: Path) -> None:
    memory = Memory(bytearray(2000))
    with disk(tmp_path / "disk", 4000) as fd:
        window = Window(fd, 1000, 2000)
        for made in (memory, window):
            made.pwrite(1990, b"0123456789")
            assert made.pread(1995, 100) == b"56789"
            with pytest.raises(errors.Invalid):
                made.pwrite(1995, b"0123456789")
        assert os.pread(fd, 1000, 3000) == bytes(1000)
