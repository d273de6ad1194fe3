"""Document ExistingVolumeConfig: a file system that is there already."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings, values
from talos.machinery.config.documents.block import _sections


class VolumeSelector(document.Section, frozen=True, kw_only=True):
    """Which volume."""

    match: values.Expression = ""
    """CEL expression over `volume` and `disk`."""


class VolumeDiscoverySpec(document.Section, frozen=True, kw_only=True):
    """How it is found."""

    volume_selector: VolumeSelector | None = None
    """The volume."""


class ExistingMountSpec(document.Section, frozen=True, kw_only=True):
    """How it is mounted."""

    read_only: bool | None = None
    """Do not write."""
    disable_access_time: bool | None = None
    """Do not note when files are read."""
    secure: bool | None = None
    """Mount with nosuid, nodev and noexec; on by default."""


class ExistingVolumeConfig(document.Document, frozen=True, kw_only=True):
    """Mounts a file system below /var/mnt without ever formatting it."""

    kind: ClassVar[str] = "ExistingVolumeConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = ("UserVolumeConfig",)

    name: str = ""
    """Name; it is mounted at /var/mnt/<name>."""
    discovery: VolumeDiscoverySpec | None = None
    """How it is found."""
    mount: ExistingMountSpec | None = None
    """How it is mounted."""
    trim: _sections.TrimConfig | None = None
    """Telling the disk which blocks are free."""
    scrub: _sections.ScrubConfig | None = None
    """Looking for broken blocks."""

    def validate(self, found: findings.Findings) -> None:
        """A name and a way to find it."""
        checks.volume_name(found, self.name, _sections.MAX_NAME)
        selector = self.discovery.volume_selector if self.discovery else None
        checks.expression(found, selector.match if selector else "", "discovery.volumeSelector.match", "volume")
        if self.trim is not None:
            self.trim.check(found, "trim")
        if self.scrub is not None:
            self.scrub.check(found, "scrub")

    @classmethod
    def example(cls) -> ExistingVolumeConfig:
        """A partition with a label."""
        selector = VolumeSelector(match='volume.partition_label == "MY-DATA"')
        return cls(name="my-data", discovery=VolumeDiscoverySpec(volume_selector=selector))
