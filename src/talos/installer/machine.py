"""This machine's own systems: what it was started from, where it is installed, and the switches between systems.

Blocking; callers in an event loop use a thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from talos.base import errors
from talos.base.constants import partitions
from talos.boot import efi, entries, esp
from talos.boot import meta as metas
from talos.installer import disks, sources
from talos.linux import mount

_log = logging.getLogger("installer")
SCRATCH = Path("/run/installer")


@dataclass
class Machine:
    """Made once; its methods exclude each other."""

    efivars: Path = efi.EFIVARS
    scratch: Path = SCRATCH
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _booted: efi.Booted | None = None

    def booted(self) -> efi.Booted:
        """What the firmware and the loader say of this boot."""
        with self._lock:
            if self._booted is None:
                if not efi.available(self.efivars) and self.efivars.parent.is_dir():
                    with contextlib.suppress(OSError):
                        mount.mount("efivarfs", os.fspath(self.efivars), "efivarfs", _FLAGS)
                self._booted = efi.booted(self.efivars)
            return self._booted

    def medium(self) -> disks.Location:
        """The partition the running system was started from. Raises NotFound."""
        booted = self.booted()
        found = disks.by_guid(booted.partition) if booted.partition else None
        if found is None and booted.image:
            # The firmware gives no GUID for a CD.
            found = next((p for p in disks.loader_partitions() if disks.holds(p, booted.image)), None)
        if found is None:
            raise errors.NotFound("what the machine was started from is no longer there")
        return found

    def installed(self) -> bool:
        """Whether a disk holds an installed system."""
        return disks.system_disk() is not None

    @contextlib.contextmanager
    def partition(self, *, write: bool = False) -> Iterator[esp.Partition]:
        """The EFI partition of the system disk. Raises NotFound when nothing is installed."""
        with self._lock:
            found = disks.system_disk()
            if found is None:
                raise errors.NotFound("no system is installed on this machine")
            with disks.opened(disks.partition(*found, partitions.EFI), write=write) as part:
                yield part

    def meta(self) -> metas.Partition:
        """META of the system disk. Raises NotFound."""
        found = disks.system_disk()
        if found is None:
            raise errors.NotFound("no system is installed on this machine")
        return metas.Partition(Path(disks.partition(*found, partitions.META).device))

    def running_image(self) -> str:
        """Path of the running system's image on the system disk, empty when it was started from elsewhere."""
        booted, found = self.booted(), disks.system_disk()
        if found is None:
            return ""
        where = disks.partition(*found, partitions.EFI)
        own = disks.by_guid(booted.partition, [found]) if booted.partition else None
        return booted.image if own == where and disks.holds(where, booted.image) else ""

    def running_system(self) -> sources.Found:
        """The running system, copied from what it was started from. Raises NotFound, Invalid, OSError."""
        with self._lock, disks.opened(self.medium()) as part:
            loader = self.booted().loader or disks.default_image()
            if part.volume.find(loader) is None:
                loader = disks.default_image()
            return sources.from_partition(part, self.booted().image, loader, self.scratch)

    # --- changes

    def install(
        self, disk: str, found: sources.Found, *, wipe: bool, values: Mapping[int, bytes], say: disks.Progress
    ) -> None:
        """Install on a whole disk. Raises NotFound, Invalid, Conflict, AlreadyExists, OSError."""
        with self._lock:
            if self.installed():
                raise errors.AlreadyExists("a system is installed already; it can be upgraded")
            medium = ""
            with contextlib.suppress(errors.NotFound):
                medium = self.medium().disk
            cache = disks.images(medium) if medium else None
            device = disks.check(
                disk,
                image_bytes=found.system.size_bytes,
                cache_bytes=cache.size if cache is not None else 0,
                medium_disk=medium,
            )
            say(f"installing {found.system.version} on {device.path}")
            disks.install(device, found.system, wipe=wipe, values=values, cache=cache, say=say)
            say("installed")

    def upgrade(self, found: sources.Found, say: disks.Progress) -> str:
        """Add a system, to be booted next on trial; returns the entry of the present one.

        Raises Conflict when the running one is itself on trial or there is no room, NotFound when none is installed.
        """
        with self._lock:
            running = self.running_image()
            with self.partition(write=True) as part:
                if running and part.on_trial(self.booted().entry):
                    raise errors.Conflict("the running system is on trial itself: wait until it has proved good")
                say(f"upgrading to {found.system.version}")
                made = part.install(found.system, booted=running, tries=entries.TRIES if running else None, say=say)
                before = entries.fallback(part.entries(), made.image)
                label = before.id if before else ""
            if running:
                with contextlib.suppress(OSError, errors.TalosError):
                    self.meta().update({metas.Tag.UPGRADE: label.encode() or None})
            return label

    def roll_back(self, say: disks.Progress) -> str:
        """Make the system before this one the next; returns its entry. Raises NotFound when there is none."""
        with self._lock, self.partition(write=True) as part:
            return part.roll_back(self.running_image(), say).id

    def on_trial(self) -> bool:
        """Whether the loader counts the attempts of the running system."""
        with self._lock, self.partition() as part:
            return bool(self.running_image()) and part.on_trial(self.booted().entry)

    def bless(self) -> bool:
        """Say that the running system is good; whether that was news."""
        with self._lock:
            running, entry = self.running_image(), self.booted().entry
            if not running:
                return False
            with self.partition(write=True) as part:
                done = part.bless(entry)
            values = self.meta()
            if metas.Tag.UPGRADE in values.read():
                values.update({metas.Tag.UPGRADE: None})
            return done

    def failed_upgrade(self) -> str:
        """The newest entry the loader has given up, empty when there is none."""
        with self._lock, self.partition() as part:
            return next((e.id for e in part.entries() if e.bad), "")


_FLAGS = mount.Flag.NOSUID | mount.Flag.NODEV | mount.Flag.NOEXEC
