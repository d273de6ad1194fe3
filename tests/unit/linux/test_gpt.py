"""Partition tables: round trips, the reading of damaged ones, and what sfdisk says of ours."""

import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from talos.base import errors
from talos.linux import gpt

MIB = 1 << 20
DISK = uuid.UUID(int=0xD15C)


def made(size: int = 64 * MIB, sector: int = 512) -> gpt.Table:
    table = gpt.empty(DISK, size, sector)
    table = table.add(gpt.EFI_SYSTEM, uuid.UUID(int=1), "EFI", 10 * MIB)
    table = table.add(gpt.LINUX_DATA, uuid.UUID(int=2), "META", MIB)
    return table.add(gpt.LINUX_DATA, uuid.UUID(int=3), "EPHEMERAL", None)


def image(table: gpt.Table) -> bytearray:
    data = bytearray(table.sectors * table.sector_bytes)
    for offset, piece in gpt.layout(table):
        data[offset : offset + len(piece)] = piece
    return data


@pytest.mark.parametrize("sector", [512, 4096])
def test_round_trip(sector: int) -> None:
    table = made(sector=sector)
    assert gpt.parse(bytes(image(table)), sector) == table
    step = MIB // sector
    assert [p.first % step for p in table.partitions] == [0, 0, 0]
    assert [p.sectors * sector // MIB for p in table.partitions] == [10, 1, 51]


@pytest.mark.parametrize(
    "damaged", [range(512, 520), range(512 + 20, 512 + 21), range(1024, 1025), range(512 + 60, 512 + 61)]
)
def test_a_damaged_first_copy_is_read_from_the_backup(damaged: range) -> None:
    data = image(made())
    for at in damaged:
        data[at] ^= 0xFF
    assert gpt.parse(bytes(data)) == made()


def test_two_damaged_copies_are_no_table() -> None:
    data = image(made())
    data[512] ^= 1
    data[-512] ^= 1
    assert gpt.parse(bytes(data)) is None


def test_every_cut_while_replacing_a_table_leaves_the_old_or_the_new_one() -> None:
    old, new = made(), made().remove(2)
    pieces = gpt.layout(new)
    for cut in range(len(pieces) + 1):
        data = image(old)
        for offset, piece in pieces[:cut]:
            data[offset : offset + len(piece)] = piece
        if cut < len(pieces):
            offset, piece = pieces[cut]
            data[offset : offset + len(piece) // 2] = piece[: len(piece) // 2]
        assert gpt.parse(bytes(data)) in (old, new)


def test_a_disk_that_has_grown() -> None:
    grown = bytes(image(made())) + bytes(64 * MIB)
    found = gpt.parse(grown)
    assert found is not None
    assert found.partitions == made().partitions
    more = found.remove(3).add(gpt.LINUX_DATA, uuid.UUID(int=3), "EPHEMERAL", None)
    assert more.partitions[2].sectors * 512 == 115 * MIB


def test_no_room() -> None:
    with pytest.raises(errors.Conflict, match="STATE"):
        made().add(gpt.LINUX_DATA, uuid.UUID(int=4), "STATE", MIB)
    with pytest.raises(errors.Invalid, match="36"):
        gpt.empty(DISK, 64 * MIB).add(gpt.LINUX_DATA, uuid.UUID(int=4), "x" * 37, MIB)


def test_gaps_are_filled_and_numbers_used_again() -> None:
    table = made().remove(2).add(gpt.LINUX_SWAP, uuid.UUID(int=9), "s-one", MIB)
    assert [(p.number, p.label) for p in table.partitions] == [(1, "EFI"), (2, "s-one"), (3, "EPHEMERAL")]


@pytest.mark.parametrize(
    "other",
    [
        gpt.Partition(4, gpt.LINUX_DATA, uuid.UUID(int=4), 4096, 5000),  # overlaps EFI
        gpt.Partition(4, gpt.LINUX_DATA, uuid.UUID(int=4), 3, 40),  # over the entries
        gpt.Partition(4, gpt.LINUX_DATA, uuid.UUID(int=4), 131000, 131071),  # over the backup
        gpt.Partition(1, gpt.LINUX_DATA, uuid.UUID(int=4), 34, 40),  # number taken
        gpt.Partition(4, gpt.LINUX_DATA, uuid.UUID(int=1), 34, 40),  # GUID taken
    ],
)
def test_tables_that_make_no_sense_are_not_written(other: gpt.Partition) -> None:
    table = made()
    broken = gpt.Table(DISK, table.sectors, 512, (*table.partitions, other))
    with pytest.raises(errors.Invalid):
        gpt.layout(broken)


def test_wiping_leaves_no_table() -> None:
    data = image(made())
    for offset, zeros in gpt.wipe(made()):
        data[offset : offset + len(zeros)] = zeros
    assert gpt.parse(bytes(data)) is None
    assert len(data) == 64 * MIB


def test_another_program_reads_ours(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(image(made()))
    partx = shutil.which("partx", path="/usr/sbin:/sbin:/usr/bin:/bin")
    assert partx, "util-linux is missing"
    argv = [partx, "--noheadings", "--raw", "--output", "NR,START,END,NAME,TYPE", disk]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout
    assert [line.split() for line in shown.splitlines()] == [
        [str(p.number), str(p.first), str(p.last), p.label, str(p.type)] for p in made().partitions
    ]
