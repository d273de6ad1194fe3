"""FAT32 written by us, read by us, and cut off at every write."""

from __future__ import annotations

import random

import pytest

from talos.base import errors
from talos.boot import fat
from talos.boot.medium import Memory

MIB = 1 << 20


def made(size: int = 40 * MIB) -> Memory:
    medium = Memory(bytearray(size))
    fat.format(medium, serial=0x1234ABCD)
    return medium


def content(volume: fat.Volume, path: str) -> bytes:
    return b"".join(volume.read(path))


def write(volume: fat.Volume, path: str, data: bytes, step: int = 70_001) -> None:
    volume.write(path, (data[i : i + step] for i in range(0, len(data), step)), len(data))


def test_files_folders_and_long_names_come_back() -> None:
    medium = made()
    volume = fat.Volume(medium)
    files = {
        "EFI/BOOT/BOOTX64.EFI": b"loader" * 50_000,
        "EFI/Linux/PyTalos-1.14.2.efi": random.Random(1).randbytes(3 * MIB + 17),
        "loader/loader.conf": b"timeout 0\n",
        "loader/entries/pytalos-00000001+3-1.conf": b"",
    }
    for path, data in files.items():
        write(volume, path, data)
    again = fat.Volume(medium)
    assert {path: content(again, path) for path in files} == files
    assert content(again, "efi\\linux\\pytalos-1.14.2.EFI") == files["EFI/Linux/PyTalos-1.14.2.efi"]
    assert sorted(e.name for e in again.entries()) == ["EFI", "loader"]
    assert again.free_bytes == volume.free_bytes


def test_space_comes_back_when_files_go_or_are_replaced() -> None:
    volume = fat.Volume(made())
    write(volume, "a/b", b"x" * MIB)
    before = volume.free_bytes
    write(volume, "a/b", b"y" * MIB)
    assert volume.free_bytes == before
    volume.remove("a/b")
    assert volume.free_bytes == before + MIB
    assert volume.entries("a") == []
    volume.remove("a/b")


def test_a_folder_takes_more_files_than_a_cluster_has_room_for() -> None:
    medium = made()
    volume = fat.Volume(medium)
    names = [f"a rather long file name {number}.conf" for number in range(200)]
    for name in names:
        write(volume, f"many/{name}", name.encode())
    again = fat.Volume(medium)
    assert [e.name for e in again.entries("many")] == names
    assert content(again, f"many/{names[150]}") == names[150].encode()


@pytest.mark.parametrize("name", ["a:b", "a\x01", "..", "a.", "x" * 300, "trailing "])
def test_names_fat_has_no_place_for_are_refused(name: str) -> None:
    with pytest.raises(errors.Invalid):
        write(fat.Volume(made()), f"folder/{name}", b"")


@pytest.mark.parametrize("announced", [0, 9_999, 10_001])
def test_a_file_of_another_size_than_announced_is_refused_and_not_there(announced: int) -> None:
    volume = fat.Volume(made())
    with pytest.raises(errors.Invalid):
        volume.write("file", [b"x" * 10_000], announced)
    assert volume.find("file") is None


def test_too_large_a_file_is_refused_before_anything_is_written() -> None:
    medium = made()
    volume = fat.Volume(medium)
    medium.writes.clear()
    with pytest.raises(errors.Conflict, match="no room"):
        volume.write("file", [], 50 * MIB)
    assert medium.writes == []


@pytest.mark.parametrize(
    ("at", "value"), [(11, b"\x01"), (13, b"\x03"), (36, b"\xff\xff\xff\x0f"), (44, b"\xff\xff\xff\x0f"), (510, b"\0")]
)
def test_damage_is_an_error_of_ours(at: int, value: bytes) -> None:
    medium = made()
    medium.content[at : at + len(value)] = value
    with pytest.raises(errors.Invalid):
        fat.Volume(medium)


def test_mutated_file_systems_raise_nothing_but_our_errors() -> None:
    medium = made()
    volume = fat.Volume(medium)
    for number in range(20):
        write(volume, f"loader/entries/pytalos-{number:08}.conf", b"text" * number * 500)
    dice, whole = random.Random(7), bytes(medium.content)
    end = volume._data + 16 * volume.cluster
    for _ in range(60):
        medium.content[:] = whole
        for _ in range(dice.randrange(1, 40)):
            start = dice.choice((0, volume._fats[0], volume._data))
            medium.content[min(end, start + dice.randrange(2048))] = dice.randrange(256)
        try:
            again = fat.Volume(medium)
            for entry in again.entries("loader/entries"):
                content(again, f"loader/entries/{entry.name}")
        except errors.TalosError:
            pass


def test_a_cut_at_any_write_leaves_the_old_file_or_the_new() -> None:
    """Every prefix, and with the writes since the last sync in any subset, because the disk may order them freely."""
    medium = made()
    volume = fat.Volume(medium)
    old, new, other = b"old" * 5_000, b"new" * 9_000, b"other" * 3_000
    write(volume, "loader/loader.conf", old)
    write(volume, "EFI/other.efi", other)
    start, medium.writes = bytes(medium.content), []
    write(volume, "loader/loader.conf", new)
    write(volume, "EFI/pytalos/added.efi", new)
    volume.remove("EFI/other.efi")
    log, dice = list(medium.writes), random.Random(3)
    assert len(log) > 20
    for cut in range(len(log) + 1):
        synced = max((i for i in range(cut) if log[i] is None), default=0)
        for all_of_it in (True, False):
            disk = bytearray(start)
            for index, entry in enumerate(log[:cut]):
                if entry is not None and (index < synced or all_of_it or dice.random() < 0.5):
                    disk[entry[0] : entry[0] + len(entry[1])] = entry[1]
            again = fat.Volume(Memory(disk))
            assert content(again, "loader/loader.conf") in (old, new)
            added, removed = again.find("EFI/pytalos/added.efi"), again.find("EFI/other.efi")
            assert added is None or content(again, "EFI/pytalos/added.efi") == new
            assert removed is None or content(again, "EFI/other.efi") == other
            write(again, "EFI/later.efi", b"later" * 9_000)
            assert content(again, "EFI/later.efi") == b"later" * 9_000
            assert content(again, "loader/loader.conf") in (old, new)
