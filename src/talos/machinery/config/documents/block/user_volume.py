"""Document UserVolumeConfig: space for workloads on a file system of its own."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values
from talos.machinery.config.documents.block import _sections

VOLUME_TYPES = ("directory", "disk", "partition")
FILESYSTEMS = ("ext4", "xfs", "btrfs")


class FilesystemSpec(document.Section, frozen=True, kw_only=True):
    """File system."""

    type: Annotated[str, values.Choice(FILESYSTEMS)] = ""
    """Which one; xfs by default."""
    project_quota_support: bool | None = None
    """Mount with project quotas; xfs only."""
    xfs: _sections.XFSSpec | None = None
    """Options of xfs."""

    def check(self, found: findings.Findings, path: str) -> None:
        """Report options of another file system."""
        if self.type in ("", "xfs"):
            return
        if self.project_quota_support:
            found.error(f"{path}.projectQuotaSupport", f"is possible with xfs only, not with {self.type}")
        if self.xfs is not None:
            found.error(f"{path}.xfs", f"is possible with xfs only, not with {self.type}")


class UserMountSpec(document.Section, frozen=True, kw_only=True):
    """How it is mounted."""

    disable_access_time: bool | None = None
    """Do not note when files are read."""
    secure: bool | None = None
    """Mount with nosuid, nodev and noexec; on by default."""


class UserVolumeConfig(document.Document, frozen=True, kw_only=True):
    """A volume mounted at /var/mnt/<name>."""

    kind: ClassVar[str] = "UserVolumeConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = ("ExistingVolumeConfig",)

    name: str = ""
    """Name; also of its directory and, as u-<name>, of its partition."""
    volume_type: Annotated[str, values.Choice(VOLUME_TYPES)] = ""
    """partition, the default; disk: a whole disk; directory: no volume of its own, only a directory."""
    provisioning: _sections.ProvisioningSpec | None = None
    """Where it is made, and how large."""
    filesystem: FilesystemSpec | None = None
    """File system."""
    encryption: _sections.EncryptionSpec | None = None
    """Encryption."""
    mount: UserMountSpec | None = None
    """How it is mounted."""
    trim: _sections.TrimConfig | None = None
    """Telling the disk which blocks are free."""
    scrub: _sections.ScrubConfig | None = None
    """Looking for broken blocks."""

    def validate(self, found: findings.Findings) -> None:
        """A directory has nothing of a volume; a volume has a disk."""
        checks.volume_name(found, self.name, _sections.MAX_NAME)
        if self.volume_type == "directory":
            self._check_directory(found)
        else:
            size = self.volume_type != "disk"
            (self.provisioning or _sections.ProvisioningSpec()).check(found, "provisioning", size=size)
            if self.filesystem is not None:
                self.filesystem.check(found, "filesystem")
            if self.encryption is not None:
                self.encryption.check(found, "encryption")
        if self.trim is not None:
            self.trim.check(found, "trim")
        if self.scrub is not None:
            self.scrub.check(found, "scrub")

    def _check_directory(self, found: findings.Findings) -> None:
        empty = {
            "provisioning": self.provisioning in (None, _sections.ProvisioningSpec()),
            "filesystem": self.filesystem in (None, FilesystemSpec()),
            "encryption": self.encryption in (None, _sections.EncryptionSpec()),
            "mount.disableAccessTime": self.mount is None or self.mount.disable_access_time is None,
        }
        for path, unset in empty.items():
            if not unset:
                found.error(path, "means nothing for a directory")

    @classmethod
    def example(cls) -> UserVolumeConfig:
        """On an NVMe disk, encrypted."""
        key = _sections.EncryptionKey(slot=0, tpm=_sections.EncryptionKeyTPM())
        return cls(
            name="local-data",
            provisioning=_sections.ProvisioningSpec(
                disk_selector=_sections.DiskSelector(match='disk.transport == "nvme"'), max_size="50GiB"
            ),
            filesystem=FilesystemSpec(type="xfs"),
            encryption=_sections.EncryptionSpec(provider="luks2", keys=(key,)),
        )
