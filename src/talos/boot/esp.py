"""The EFI system partition of an installed machine: what is on it, a system added, one kept, one gone back to.

Every step leaves a partition that boots: a system is written and read back before an entry names it, an entry is one
sector, and what an entry needs is removed after the entry.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from talos.base import errors
from talos.boot import entries, fat
from talos.boot.entries import Entry

LOADER_CONF = b"timeout 0\neditor no\n"
_SEED_BYTES = 32
_SLACK_BYTES = 1 << 20
Progress = Callable[[str], None]


def _silent(text: str) -> None:
    del text


@dataclass(frozen=True, slots=True)
class System:
    """What is to be installed. `image` may be iterated more than once; `digest` is its SHA-256 in hex.

    `loader`: systemd-boot; None leaves the one that is there.
    """

    image: Callable[[], Iterable[bytes]]
    size_bytes: int
    digest: str
    version: str
    loader: bytes | None = None
    title: str = "PyTalos"

    @property
    def path(self) -> str:
        """Where the image goes."""
        return f"{entries.IMAGES}/{self.digest[:32]}.efi"


@dataclass
class Partition:
    """An EFI system partition in use."""

    volume: fat.Volume
    machine: str = field(default_factory=lambda: os.uname().machine)

    def entries(self) -> list[Entry]:
        """All entries of ours, newest first."""
        try:
            files = self.volume.entries(entries.FOLDER)
        except errors.NotFound:
            return []
        found = []
        for file in files:
            try:
                text = self.volume.read_bytes(f"{entries.FOLDER}/{file.name}", 1 << 16).decode(errors="replace")
            except errors.Invalid:
                continue
            if (entry := entries.parse(file.name, text)) is not None and self.volume.find(entry.image) is not None:
                found.append(entry)
        return sorted(found, key=lambda e: e.generation, reverse=True)

    def _put(self, entry: Entry) -> None:
        text = entry.text().encode()
        self.volume.write(f"{entries.FOLDER}/{entry.file_name}", [text], len(text))

    def _drop(self, entry: Entry) -> None:
        self.volume.remove(f"{entries.FOLDER}/{entry.file_name}")

    def _images(self) -> list[str]:
        try:
            return [f"{entries.IMAGES}/{e.name}" for e in self.volume.entries(entries.IMAGES) if not e.is_folder]
        except errors.NotFound:
            return []

    def _clean(self, keep: Iterable[str]) -> None:
        """Remove entries and installed images that start or are nothing of `keep` (paths of images)."""
        kept = {path.casefold() for path in keep}
        for entry in self.entries():
            if entry.image.casefold() not in kept:
                self._drop(entry)
        for path in self._images():
            if path.casefold() not in kept:
                self.volume.remove(path)

    def _room(self, keep: Iterable[str]) -> int:
        """Bytes that will be free once everything but `keep` is gone."""
        kept = {path.casefold() for path in keep}
        sizes = [e.size for path in self._images() if path.casefold() not in kept if (e := self.volume.find(path))]
        return self.volume.free_bytes + sum(sizes)

    def check_room(self, system: System, booted: str) -> None:
        """Raise Conflict, before anything is touched, when the system will not fit beside the booted one."""
        present = self.volume.find(system.path)
        needed = (0 if present else system.size_bytes) + len(system.loader or b"") + _SLACK_BYTES
        if (room := self._room((booted, system.path))) < needed:
            raise errors.Conflict(
                f"the EFI partition has room for {room >> 20} MiB, the new system needs {-(-needed >> 20)} MiB"
            )

    def install(self, system: System, *, booted: str = "", tries: int | None = None, say: Progress = _silent) -> Entry:
        """Add a system and make it the first choice; `booted` (path of an image) stays beside it, all else may go.

        `tries`: how often the loader attempts it before it goes back; None for the first system of a disk, which has
        nothing to go back to. Raises Conflict when there is no room, Invalid when what was written reads back wrong.
        """
        self.check_room(system, booted)
        self._clean((booted, system.path))
        if booted and not any(e.image.casefold() == booted.casefold() for e in self.entries()):
            # A system the loader found by itself gets an entry, so that there is something to go back to by name.
            self._put(Entry(entries.next_generation(self.entries()), booted, system.title, "before"))
        self._write_image(system, say)
        self._write_loader(system.loader)
        entry = Entry(
            entries.next_generation(self.entries()), system.path, f"{system.title} {system.version}", system.version
        )
        entry = replace(entry, tries_left=tries)
        self._put(entry)
        if system.path.casefold() != booted.casefold():
            for old in self.entries():
                if old.image.casefold() == system.path.casefold() and old.generation != entry.generation:
                    self._drop(old)
        say(f"{entry.id} is the next to boot")
        return entry

    def _write_image(self, system: System, say: Progress) -> None:
        say(f"writing {system.size_bytes >> 20} MiB")
        present = self.volume.find(system.path)
        if present is None or present.size != system.size_bytes or self._digest(system.path) != system.digest:
            self.volume.write(system.path, system.image(), system.size_bytes)
            if (got := self._digest(system.path)) != system.digest:
                raise errors.Invalid(f"the image reads back with SHA-256 {got}, expected {system.digest}")
            say("written and read back")
        else:
            say("the image is there already")

    def _digest(self, path: str) -> str:
        total = hashlib.sha256()
        for piece in self.volume.read(path):
            total.update(piece)
        return total.hexdigest()

    def _write_loader(self, loader: bytes | None) -> None:
        wanted = {entries.FALLBACK_LOADER[self.machine]: loader, entries.LOADER_CONF: LOADER_CONF}
        for path, content in wanted.items():
            present = self.volume.find(path)
            if content is None:
                if present is None:
                    raise errors.Invalid("neither the new system nor the partition has a boot loader")
            elif present is None or b"".join(self.volume.read(path)) != content:
                self.volume.write(path, [content], len(content))
        if self.volume.find(entries.RANDOM_SEED) is None:
            self.volume.write(entries.RANDOM_SEED, [os.urandom(_SEED_BYTES)], _SEED_BYTES)

    # --- after a boot

    def on_trial(self, entry_id: str) -> bool:
        """Whether the loader still counts the attempts of this entry."""
        mine = [e for e in self.entries() if e.id == entry_id]
        return bool(mine) and all(e.tries_left is not None for e in mine)

    def bless(self, entry_id: str) -> bool:
        """End the trial of the booted entry; whether there was one. Repeating it completes what was cut off."""
        mine = [e for e in self.entries() if e.id == entry_id]
        counted = [e for e in mine if e.tries_left is not None]
        if not counted:
            return False
        if len(counted) == len(mine):
            self._put(entries.blessed(counted[0]))
        for entry in counted:
            self._drop(entry)
        return True

    def roll_back(self, booted: str, say: Progress = _silent) -> Entry:
        """Make the system before the booted one (path of an image) the next, on trial.

        Raises NotFound when there is none that was ever good.
        """
        present = self.entries()
        target = entries.fallback(present, booted)
        image = target.image if target else self._discovered(booted)
        if image is None:
            raise errors.NotFound("there is no system to go back to")
        if not any(e.image.casefold() == booted.casefold() for e in present):
            self._put(Entry(entries.next_generation(present), booted, "PyTalos", "before"))
            present = self.entries()
        version = target.version if target else "before"
        title = target.title if target else "PyTalos"
        made = Entry(entries.next_generation(present), image, title, version, entries.TRIES)
        self._put(made)
        say(f"{made.id} is the next to boot")
        return made

    def _discovered(self, booted: str) -> str | None:
        """A system that came with a disk image, and that no entry names."""
        try:
            files = self.volume.entries(entries.DISCOVERED)
        except errors.NotFound:
            return None
        paths = [f"{entries.DISCOVERED}/{f.name}" for f in files if f.name.casefold().endswith(".efi")]
        return next((path for path in sorted(paths, reverse=True) if path.casefold() != booted.casefold()), None)


def read(partition: Partition, path: str) -> Iterator[bytes]:
    """The content of a file. Raises NotFound."""
    return partition.volume.read(path)
