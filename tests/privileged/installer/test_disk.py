"""An installed disk in the eyes of others: dosfstools checks its EFI partition, mtools read and write it."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import pytest

from talos.boot import entries, esp, fat
from talos.boot.medium import Window
from talos.imager import sysroot
from talos.installer import disks

pytestmark = [pytest.mark.needs_machine]
CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent
DATA = random.Random(4).randbytes((9 << 20) + 3)


def _system(number: int) -> esp.System:
    data = DATA + bytes((number,))
    return esp.System(lambda: [data], len(data), hashlib.sha256(data).hexdigest(), f"v{number}", b"MZ loader")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> sysroot.Sysroot:
    return sysroot.build(CHECKOUT / "rootfs" / "machine.toml", log=tmp_path_factory.mktemp("log") / "log")


@pytest.mark.feature("J003")
def test_others_find_the_partition_sound_and_its_files_whole(tmp_path: Path, tree: sysroot.Sysroot) -> None:
    disk, log = tmp_path / "disk", tmp_path / "log"
    with disk.open("wb") as made:
        made.truncate(5 << 30)
    fd = os.open(disk, os.O_RDWR)
    table = disks.write(fd, 512, _system(1), say=lambda _: None)
    efi = table.partitions[0]
    window = Window(fd, efi.first * 512, efi.sectors * 512)
    part = esp.Partition(fat.Volume(window))
    first = entries.choice(part.entries())
    assert first is not None
    for number in range(2, 6):
        entry = part.install(_system(number), booted=first.image, tries=3)
        part.bless(entry.id)
        first = entry
    alone = tmp_path / "esp"
    with alone.open("wb") as target:
        target.truncate(window.size_bytes)
        for at in range(0, 64 << 20, 1 << 20):
            target.seek(at)
            target.write(window.pread(at, 1 << 20))
    assert fat.Volume(window).free_bytes > 1 << 30
    os.close(fd)
    # fsck.fat ends with 1 for anything it would change; -n changes nothing.
    tree.run(["fsck.fat", "-n", "-v", str(alone)], log=log, timeout_s=120, shared=[tmp_path])
    tree.run(
        ["mcopy", "-i", str(alone), f"::/{first.image}", "::/loader/random-seed", str(tmp_path)],
        log=log,
        timeout_s=60,
        shared=[tmp_path],
    )
    assert (tmp_path / Path(first.image).name).read_bytes() == DATA + bytes((5,))
    assert (tmp_path / "random-seed").stat().st_size == 32
    # And we read what they write.
    tree.run(["mmd", "-i", str(alone), "::/Other Folder"], log=log, timeout_s=60, shared=[tmp_path])
    argv = ["mcopy", "-i", str(alone), str(tmp_path / "random-seed"), "::/Other Folder/A long name of theirs.conf"]
    tree.run(argv, log=log, timeout_s=60, shared=[tmp_path])
    fd = os.open(alone, os.O_RDWR)
    volume = fat.Volume(Window(fd, 0, window.size_bytes))
    seed = (tmp_path / "random-seed").read_bytes()
    assert volume.read_bytes("other folder/A long name of theirs.conf") == seed
    os.close(fd)
