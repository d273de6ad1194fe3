"""Entries of systemd-boot, and which of them the machine boots next.

    EFI/BOOT/BOOTX64.EFI                the loader
    EFI/Linux/PyTalos-1.14.2.efi        the system of a disk image; the loader finds it by itself
    EFI/pytalos/<sha256>.efi            systems that were installed
    loader/entries/pytalos-00000002+3.conf      generation 2 has three tries

An entry names a system and a generation (Boot Loader Specification, type 1). The loader takes the highest generation
that has tries left, and counts down by renaming (Automatic Boot Assessment). Whatever never comes far enough to say
that it is good, be it cut short, panicking or hanging, is passed over after three attempts, in favour of the one
before. Order comes from generations and not from versions, so that a return to an older version is a switch like any
other, and nothing depends on variables of the firmware.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

TRIES = 3
FOLDER = "loader/entries"
IMAGES = "EFI/pytalos"
DISCOVERED = "EFI/Linux"
LOADER_CONF = "loader/loader.conf"
RANDOM_SEED = "loader/random-seed"
FALLBACK_LOADER = {"x86_64": "EFI/BOOT/BOOTX64.EFI", "aarch64": "EFI/BOOT/BOOTAA64.EFI"}
# Before the sort key of images the loader finds by itself, which is the ID of their os-release.
_SORT_KEY = "0-pytalos"
_NAME = re.compile(r"pytalos-(\d{8})(?:\+(\d{1,3})(?:-(\d{1,3}))?)?\.conf", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """`tries_left`: None when the system is known to be good. `image`: path on the partition."""

    generation: int
    image: str
    title: str
    version: str
    tries_left: int | None = None
    tries_done: int = 0

    @property
    def id(self) -> str:
        """What the loader calls it, in LoaderEntrySelected: the name without the counter."""
        return f"pytalos-{self.generation:08}.conf"

    @property
    def file_name(self) -> str:
        """Name of the file."""
        counter = "" if self.tries_left is None else f"+{self.tries_left}"
        counter += f"-{self.tries_done}" if self.tries_left is not None and self.tries_done else ""
        return f"pytalos-{self.generation:08}{counter}.conf"

    @property
    def bad(self) -> bool:
        """It used up its tries."""
        return self.tries_left == 0

    def text(self) -> str:
        """Content of the file."""
        lines = (
            f"title {self.title}",
            f"version {self.generation:08} ({self.version})",
            f"sort-key {_SORT_KEY}",
            f"efi /{self.image}",
        )
        return "\n".join(lines) + "\n"


def parse(name: str, text: str) -> Entry | None:
    """The entry of a file; None for one that is not ours or makes no sense."""
    found = _NAME.fullmatch(name)
    values = dict(line.strip().split(None, 1) for line in text.splitlines() if len(line.split(None, 1)) == 2)
    if found is None or "efi" not in values:
        return None
    version = re.fullmatch(r"\d+ \((.*)\)", values.get("version", ""))
    return Entry(
        generation=int(found[1]),
        image=values["efi"].replace("\\", "/").lstrip("/"),
        title=values.get("title", ""),
        version=version[1] if version else "",
        tries_left=None if found[2] is None else int(found[2]),
        tries_done=int(found[3] or 0),
    )


def next_generation(entries: Iterable[Entry]) -> int:
    """The number that makes an entry the first choice."""
    return max((entry.generation for entry in entries), default=0) + 1


def choice(entries: Iterable[Entry]) -> Entry | None:
    """The entry the loader takes: the highest generation that is not bad; of two files of one entry the good one."""
    ordered = sorted(entries, key=lambda e: (not e.bad, e.generation, e.tries_left is None), reverse=True)
    return ordered[0] if ordered else None


def blessed(entry: Entry) -> Entry:
    """The entry without its counter."""
    return replace(entry, tries_left=None, tries_done=0)


def fallback(entries: Iterable[Entry], image: str) -> Entry | None:
    """What a rollback goes to: the newest entry that is known to be good and starts another image than `image`."""
    others = [e for e in entries if e.tries_left is None and e.image.casefold() != image.casefold()]
    return max(others, key=lambda e: e.generation, default=None)
