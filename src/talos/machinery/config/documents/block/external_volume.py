"""Document ExternalVolumeConfig: a file system of the host of a virtual machine."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values
from talos.machinery.config.documents.block import _sections


class VirtiofsMountSpec(document.Section, frozen=True, kw_only=True):
    """A directory the host shares by virtiofs."""

    tag: Annotated[str, values.ALWAYS] = ""
    """Tag the host gave it."""


class ExternalMountSpec(document.Section, frozen=True, kw_only=True):
    """How it is mounted."""

    read_only: bool | None = None
    """Do not write."""
    disable_access_time: bool | None = None
    """Do not note when files are read."""
    secure: bool | None = None
    """Mount with nosuid, nodev and noexec; on by default."""
    virtiofs: VirtiofsMountSpec | None = None
    """What is mounted."""


class ExternalVolumeConfig(document.Document, frozen=True, kw_only=True):
    """Mounts a directory from outside below /var/mnt."""

    kind: ClassVar[str] = "ExternalVolumeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name; it is mounted at /var/mnt/<name>."""
    filesystem_type: Annotated[str, values.Choice(("virtiofs",)), values.ALWAYS] = ""
    """How it is shared; `virtiofs` is the only way."""
    mount: ExternalMountSpec | None = None
    """What is mounted, and how."""

    def validate(self, found: findings.Findings) -> None:
        """A name and a share."""
        checks.volume_name(found, self.name, _sections.MAX_NAME)
        found.require(self.filesystem_type, "filesystemType")
        share = self.mount.virtiofs if self.mount else None
        found.require(share.tag if share else "", "mount.virtiofs.tag")

    @classmethod
    def example(cls) -> ExternalVolumeConfig:
        """A share."""
        return cls(
            name="shared",
            filesystem_type="virtiofs",
            mount=ExternalMountSpec(virtiofs=VirtiofsMountSpec(tag="Data")),
        )
