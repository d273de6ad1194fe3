"""Document VolumeConfig: the system's own volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from talos.machinery.config import document, findings
from talos.machinery.config.documents.block import _sections

if TYPE_CHECKING:
    from talos.machinery.config import v1alpha1

# ETCD, CRI, KUBELET and LOG are directories of EPHEMERAL unless they are given a partition.
NAMES = ("STATE", "EPHEMERAL", "IMAGECACHE", "ETCD", "CRI", "KUBELET", "LOG")


class SystemVolumeFilesystemSpec(document.Section, frozen=True, kw_only=True):
    """File system."""

    xfs: _sections.XFSSpec | None = None
    """Options of xfs."""


class MountSpec(document.Section, frozen=True, kw_only=True):
    """How it is mounted."""

    secure: bool | None = None
    """Mount with nosuid and nodev."""
    disable_access_time: bool | None = None
    """Do not note when files are read."""


class VolumeConfig(document.Document, frozen=True, kw_only=True):
    """Place, size and encryption of a volume of the system."""

    kind: ClassVar[str] = "VolumeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Which one: STATE, EPHEMERAL, IMAGECACHE, ETCD, CRI, KUBELET or LOG."""
    provisioning: _sections.ProvisioningSpec | None = None
    """Where it is made, and how large."""
    filesystem: SystemVolumeFilesystemSpec | None = None
    """File system."""
    encryption: _sections.EncryptionSpec | None = None
    """Encryption."""
    mount: MountSpec | None = None
    """How it is mounted."""
    trim: _sections.TrimConfig | None = None
    """Telling the disk which blocks are free."""
    scrub: _sections.ScrubConfig | None = None
    """Looking for broken blocks."""

    def validate(self, found: findings.Findings) -> None:
        """It is one of the system's, and STATE is where its own keys are not."""
        if self.name not in NAMES:
            found.error("name", f"expected one of {', '.join(NAMES)}, got {self.name!r}")
        if self.provisioning is not None:
            self.provisioning.check(found, "provisioning", disk=False, size=False)
        if self.name == "STATE":
            self._check_state(found)
        if self.encryption is not None:
            self.encryption.check(found, "encryption")
        if self.trim is not None:
            self.trim.check(found, "trim")
        if self.scrub is not None:
            self.scrub.check(found, "scrub")

    def _check_state(self, found: findings.Findings) -> None:
        if self.provisioning not in (None, _sections.ProvisioningSpec()):
            found.error("provisioning", "STATE is made by the installer")
        for n, key in enumerate(self.encryption.keys if self.encryption else ()):
            if key.lock_to_state:
                found.error(f"encryption.keys[{n}].lockToState", "STATE can not be locked by itself")

    def conflicts(self, config: v1alpha1.Config) -> list[str]:
        """Encryption of the same volume contradicts its old place."""
        old = config.machine.system_disk_encryption if config.machine else None
        if old is None or self.encryption is None:
            return []
        both = {"STATE": old.state, "EPHEMERAL": old.ephemeral}.get(self.name)
        return [f"machine.systemDiskEncryption.{self.name.lower()}"] if both is not None else []

    @classmethod
    def example(cls) -> VolumeConfig:
        """The volume of workloads, on a disk of its own."""
        return cls(
            name="EPHEMERAL",
            provisioning=_sections.ProvisioningSpec(
                disk_selector=_sections.DiskSelector(match='disk.transport == "nvme"'),
                min_size="10GiB",
                max_size="50%",
            ),
            mount=MountSpec(secure=True),
        )
