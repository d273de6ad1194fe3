"""Disks and their encryption in v1alpha1; replaced by the volume documents."""

from __future__ import annotations

from typing import Annotated

from talos.machinery.config import document, values


class DiskPartition(document.Section, frozen=True, kw_only=True):
    """A partition of a disk."""

    size: str = ""
    """Size, in bytes or as `100 MB`; the rest of the disk without it."""
    mountpoint: str = ""
    """Where it is mounted, below /var."""


class MachineDisk(document.Section, frozen=True, kw_only=True):
    """A disk to partition."""

    device: str = ""
    """Path of the device."""
    partitions: tuple[DiskPartition, ...] = ()
    """Partitions, in order."""


class EncryptionKeyStatic(document.Section, frozen=True, kw_only=True):
    """A key that stands in the configuration."""

    passphrase: Annotated[str, values.SECRET] = ""
    """The passphrase."""


class EncryptionKeyNodeID(document.Section, frozen=True, kw_only=True):
    """A key made of the machine's UUID and the partition's label."""


class EncryptionKeyKMS(document.Section, frozen=True, kw_only=True):
    """A key sealed by a key service."""

    endpoint: Annotated[str, values.ALWAYS] = ""
    """URL of the service."""


class EncryptionKeyTPM(document.Section, frozen=True, kw_only=True):
    """A key sealed by the machine's TPM."""

    check_secureboot_status_on_enroll: bool | None = None
    """Refuse to enrol unless Secure Boot is on."""


class EncryptionKey(document.Section, frozen=True, kw_only=True):
    """A way to unlock; exactly one of static, nodeID, kms and tpm."""

    static: EncryptionKeyStatic | None = None
    """From the configuration."""
    node_id: EncryptionKeyNodeID | None = document.named("nodeID", None)
    """From the machine's identity."""
    kms: EncryptionKeyKMS | None = None
    """From a key service."""
    slot: Annotated[int, values.ALWAYS] = 0
    """LUKS2 key slot."""
    tpm: EncryptionKeyTPM | None = None
    """From the TPM."""


class EncryptionConfig(document.Section, frozen=True, kw_only=True):
    """Encryption of a partition."""

    provider: Annotated[str, values.Choice(("luks2",)), values.ALWAYS] = ""
    """How; `luks2` is the only way."""
    keys: Annotated[tuple[EncryptionKey, ...], values.ALWAYS] = ()
    """Ways to unlock."""
    cipher: str = ""
    """Cipher."""
    key_size: values.U64 = 0
    """Length of the key in bits."""
    block_size: values.U64 = 0
    """Sector size in bytes."""
    options: tuple[str, ...] = ()
    """Performance options of dm-crypt, such as no_read_workqueue."""


class SystemDiskEncryptionConfig(document.Section, frozen=True, kw_only=True):
    """Encryption of the system's own partitions."""

    state: EncryptionConfig | None = None
    """Partition STATE."""
    ephemeral: EncryptionConfig | None = None
    """Partition EPHEMERAL."""
