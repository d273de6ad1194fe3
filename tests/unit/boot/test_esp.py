"""Systems on an EFI system partition: added, blessed, gone back to, and cut off at every write.

The loader's part is played by a model: it takes `entries.choice`, and starts the image only when its bytes are whole.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from talos.base import errors
from talos.boot import entries, esp, fat
from talos.boot.medium import Memory

MIB = 1 << 20
LOADER, NEW_LOADER = b"loader " * 9_000, b"newer loader " * 9_000


def system(number: int, size: int = 300_000, loader: bytes | None = LOADER) -> esp.System:
    data = random.Random(number).randbytes(size)
    return esp.System(lambda: [data[:1000], data[1000:]], size, hashlib.sha256(data).hexdigest(), f"v{number}", loader)


def partition(size: int = 40 * MIB) -> tuple[esp.Partition, Memory]:
    medium = Memory(bytearray(size))
    fat.format(medium, serial=1)
    return esp.Partition(fat.Volume(medium), "x86_64"), medium


def reopened(medium: Memory) -> esp.Partition:
    return esp.Partition(fat.Volume(medium), "x86_64")


def boots(disk: esp.Partition) -> str:
    """Version the loader starts now. Fails when what it would start is not whole."""
    chosen = entries.choice(disk.entries())
    assert chosen is not None
    digest = hashlib.sha256(b"".join(disk.volume.read(chosen.image))).hexdigest()
    assert chosen.image == f"{entries.IMAGES}/{digest[:32]}.efi"
    assert b"".join(disk.volume.read("EFI/BOOT/BOOTX64.EFI")) in (LOADER, NEW_LOADER)
    return chosen.version


def attempt(disk: esp.Partition) -> str:
    """A boot that the loader counts, as it does: by renaming."""
    chosen = entries.choice(disk.entries())
    assert chosen is not None
    version = boots(disk)
    if chosen.tries_left:
        disk._drop(chosen)
        disk._put(replace(chosen, tries_left=chosen.tries_left - 1, tries_done=chosen.tries_done + 1))
    return version


@pytest.mark.feature("J009")
def test_a_system_that_never_says_it_is_good_is_left_after_three_attempts() -> None:
    disk, _ = partition()
    first = disk.install(system(1))
    disk.install(system(2), booted=first.image, tries=entries.TRIES)
    assert [attempt(disk) for _ in range(5)] == ["v2", "v2", "v2", "v1", "v1"]


@pytest.mark.feature("J009", "J011")
def test_good_systems_stay_and_a_rollback_goes_to_the_other() -> None:
    disk, _ = partition()
    first = disk.install(system(1))
    second = disk.install(system(2), booted=first.image, tries=3)
    assert attempt(disk) == "v2"
    assert disk.on_trial(second.id)
    assert disk.bless(second.id)
    assert not disk.on_trial(second.id)
    assert not disk.bless(second.id)
    assert [attempt(disk) for _ in range(4)] == ["v2"] * 4
    back = disk.roll_back(second.image)
    assert attempt(disk) == "v1"
    disk.bless(back.id)
    assert disk.roll_back(back.image).image == second.image
    assert attempt(disk) == "v2"


def test_a_return_to_an_older_version_is_an_upgrade_like_any_other() -> None:
    disk, _ = partition()
    first = disk.install(system(9))
    disk.install(system(1), booted=first.image, tries=3)
    assert boots(disk) == "v1"


def test_two_systems_stay_after_many_upgrades() -> None:
    disk, medium = partition()
    entry = disk.install(system(0))
    free = disk.volume.free_bytes
    for number in range(1, 12):
        entry = disk.install(system(number), booted=entry.image, tries=3)
        attempt(disk)
        assert disk.bless(entry.id)
    assert len(disk._images()) == 2
    assert free - disk.volume.free_bytes < MIB
    assert boots(reopened(medium)) == "v11"


def test_the_system_of_a_disk_image_can_be_gone_back_to() -> None:
    disk, _ = partition()
    data = system(1)
    disk.volume.write("EFI/Linux/PyTalos-v1.efi", data.image(), data.size_bytes)
    entry = disk.install(system(2), booted="EFI/Linux/PyTalos-v1.efi", tries=3)
    assert boots(disk) == "v2"
    disk.bless(entry.id)
    assert disk.roll_back(entry.image).image == "EFI/Linux/PyTalos-v1.efi"


def test_nothing_to_go_back_to_is_said() -> None:
    disk, _ = partition()
    entry = disk.install(system(1))
    with pytest.raises(errors.NotFound):
        disk.roll_back(entry.image)


def test_too_large_a_system_is_refused_before_the_first_write() -> None:
    disk, medium = partition()
    first = disk.install(system(1))
    disk.install(system(2, 20 * MIB), booted=first.image, tries=3)
    medium.writes.clear()
    with pytest.raises(errors.Conflict, match="room"):
        disk.install(system(3, 41 * MIB), booted=first.image, tries=3)
    assert medium.writes == []
    disk.install(system(4, 30 * MIB), booted=first.image, tries=3)


@pytest.mark.parametrize("size", [299_999, 300_001])
def test_a_system_of_another_length_is_never_named_by_an_entry(size: int) -> None:
    disk, _ = partition()
    first = disk.install(system(1))
    with pytest.raises(errors.Invalid):
        disk.install(replace(system(2), size_bytes=size), booted=first.image, tries=3)
    assert boots(disk) == "v1"


def test_a_system_with_another_digest_is_never_named_by_an_entry() -> None:
    disk, _ = partition()
    first = disk.install(system(1))
    with pytest.raises(errors.Invalid, match="SHA-256"):
        disk.install(replace(system(2), digest="0" * 64), booted=first.image, tries=3)
    assert boots(disk) == "v1"


def _upgrade(disk: esp.Partition) -> None:
    first = entries.choice(disk.entries())
    assert first is not None
    made = disk.install(system(2, loader=NEW_LOADER), booted=first.image, tries=3)
    disk.bless(made.id)


def _bless(disk: esp.Partition) -> None:
    disk.bless("pytalos-00000002.conf")


def _roll_back(disk: esp.Partition) -> None:
    chosen = entries.choice(disk.entries())
    assert chosen is not None
    disk.roll_back(chosen.image)


@pytest.mark.parametrize(
    ("tries", "act"), [(None, _upgrade), (3, _bless), (None, _roll_back)], ids=["upgrade", "bless", "rollback"]
)
def test_a_power_cut_at_any_write_leaves_the_old_system_or_the_new(
    tries: int | None, act: Callable[[esp.Partition], None]
) -> None:
    disk, medium = partition()
    first = disk.install(system(1))
    if act is not _upgrade:
        second = disk.install(system(2), booted=first.image, tries=tries)
        assert second.generation == 2
    start, medium.writes = bytes(medium.content), []
    act(disk)
    log, dice, seen = list(medium.writes), random.Random(5), set()
    for cut in range(len(log) + 1):
        synced = max((i for i in range(cut) if log[i] is None), default=0)
        for all_of_it in (True, False):
            after = bytearray(start)
            for index, entry in enumerate(log[:cut]):
                if entry is not None and (index < synced or all_of_it or dice.random() < 0.5):
                    after[entry[0] : entry[0] + len(entry[1])] = entry[1]
            again = reopened(Memory(after))
            seen.add(boots(again))
            # And what was cut off can be done again.
            if act is _upgrade:
                act(again)
                assert boots(again) == "v2"
    assert seen <= {"v1", "v2"}
    assert len(log) > 4
