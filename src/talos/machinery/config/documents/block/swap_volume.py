"""Document SwapVolumeConfig: a partition to page out to."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings
from talos.machinery.config.documents.block import _sections


class SwapVolumeConfig(document.Document, frozen=True, kw_only=True):
    """Adds a partition labelled s-<name> and pages out to it."""

    kind: ClassVar[str] = "SwapVolumeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    provisioning: _sections.ProvisioningSpec | None = None
    """Where it is made, and how large."""
    encryption: _sections.EncryptionSpec | None = None
    """Encryption."""

    def validate(self, found: findings.Findings) -> None:
        """A name, a disk and a size."""
        checks.volume_name(found, self.name, _sections.MAX_NAME)
        (self.provisioning or _sections.ProvisioningSpec()).check(found, "provisioning")
        if self.encryption is not None:
            self.encryption.check(found, "encryption")

    @classmethod
    def example(cls) -> SwapVolumeConfig:
        """On an NVMe disk that is not the system's, encrypted."""
        key = _sections.EncryptionKey(slot=0, tpm=_sections.EncryptionKeyTPM())
        return cls(
            name="swap1",
            provisioning=_sections.ProvisioningSpec(
                disk_selector=_sections.DiskSelector(match='disk.transport == "nvme" && !system_disk'),
                min_size="10GiB",
                max_size="100GiB",
            ),
            encryption=_sections.EncryptionSpec(provider="luks2", keys=(key,)),
        )
