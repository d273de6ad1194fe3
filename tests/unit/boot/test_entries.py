"""Entries of the loader as text and names, and the loader's choice."""

from __future__ import annotations

import pytest

from talos.boot import entries
from talos.boot.entries import Entry


def entry(generation: int, image: str = "EFI/pytalos/a.efi", tries: int | None = None, done: int = 0) -> Entry:
    return Entry(generation, image, "PyTalos v1", "v1", tries, done)


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (entry(1), "pytalos-00000001.conf"),
        (entry(7, tries=3), "pytalos-00000007+3.conf"),
        (entry(7, tries=2, done=1), "pytalos-00000007+2-1.conf"),
        (entry(7, tries=0, done=3), "pytalos-00000007+0-3.conf"),
    ],
)
def test_what_is_written_is_read(made: Entry, name: str) -> None:
    assert made.file_name == name
    assert entries.parse(name, made.text()) == made
    assert entries.parse(name.upper(), made.text()) == made


@pytest.mark.parametrize("name", ["arch.conf", "pytalos-1.conf", "pytalos-00000001+x.conf", "pytalos-00000001.conf~"])
def test_files_of_others_are_left_alone(name: str) -> None:
    assert entries.parse(name, entry(1).text()) is None
    assert entries.parse("pytalos-00000001.conf", "title no image\n") is None


@pytest.mark.parametrize(
    ("present", "chosen"),
    [
        ([], None),
        ([entry(1), entry(2)], 2),
        ([entry(1), entry(2, tries=3)], 2),
        ([entry(1), entry(2, tries=0, done=3)], 1),
        ([entry(1, tries=0, done=3), entry(2, tries=0, done=3)], 2),
    ],
)
def test_the_choice_is_the_newest_that_is_not_bad(present: list[Entry], chosen: int | None) -> None:
    found = entries.choice(present)
    assert (found.generation if found else None) == chosen


def test_of_two_files_of_one_entry_the_good_one_counts() -> None:
    found = entries.choice([entry(2, tries=1, done=2), entry(2), entry(1)])
    assert found is not None
    assert found.tries_left is None


def test_fallback_is_another_system_known_to_be_good() -> None:
    here, old, older = entry(5, "EFI/pytalos/b.efi"), entry(4), entry(3, "EFI/pytalos/c.efi")
    assert entries.fallback([here, old, older], "efi/PYTALOS/b.efi") == old
    assert entries.fallback([here, entry(4, tries=0)], here.image) is None
