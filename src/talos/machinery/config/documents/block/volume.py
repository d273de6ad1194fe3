"""Document VolumeConfig."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

import msgspec

from talos.machinery.config import document


class DiskSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    match: str = ""


class ProvisioningSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    disk_selector: DiskSelector | None = msgspec.field(default=None, name="diskSelector")
    grow: bool | None = None
    min_size: str = msgspec.field(default="", name="minSize")
    max_size: str = msgspec.field(default="", name="maxSize")


class XFSSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    min_allocation_group_size: str = msgspec.field(default="", name="minAllocationGroupSize")


class SystemVolumeFilesystemSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    xfs: XFSSpec | None = None


class EncryptionKeyStatic(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    passphrase: str = ""


class EncryptionKeyKMS(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    endpoint: str = ""


class EncryptionKeyTPMOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    pcrs: tuple[int, ...] = ()


class EncryptionKeyTPM(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    options: EncryptionKeyTPMOptions | None = None
    check_secureboot_status_on_enroll: bool | None = msgspec.field(default=None, name="checkSecurebootStatusOnEnroll")


class EncryptionKey(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    slot: int = 0
    static: EncryptionKeyStatic | None = None
    node_id: dict[str, Any] | None = msgspec.field(default=None, name="nodeID")
    kms: EncryptionKeyKMS | None = None
    tpm: EncryptionKeyTPM | None = None
    lock_to_state: bool | None = msgspec.field(default=None, name="lockToState")


class EncryptionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    provider: str = ""
    keys: tuple[EncryptionKey, ...] = ()
    cipher: str = ""
    key_size: int = msgspec.field(default=0, name="keySize")
    block_size: int = msgspec.field(default=0, name="blockSize")
    options: tuple[str, ...] = ()
    allow_discards: bool | None = msgspec.field(default=None, name="allowDiscards")


class MountSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    secure: bool | None = None
    disable_access_time: bool | None = msgspec.field(default=None, name="disableAccessTime")


class TrimConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    enabled: bool | None = None
    interval: datetime.timedelta | None = None


class ScrubConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VolumeConfig."""

    enabled: bool | None = None
    interval: datetime.timedelta | None = None


class VolumeConfig(document.Document, frozen=True, kw_only=True):
    """Volume config."""

    kind: ClassVar[str] = "VolumeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    provisioning: ProvisioningSpec | None = None
    filesystem: SystemVolumeFilesystemSpec | None = None
    encryption: EncryptionSpec | None = None
    mount: MountSpec | None = None
    trim: TrimConfig | None = None
    scrub: ScrubConfig | None = None
