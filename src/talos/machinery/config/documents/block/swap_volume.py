"""Document SwapVolumeConfig."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.machinery.config import document


class DiskSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Section of SwapVolumeConfig."""

    match: str = ""


class ProvisioningSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of SwapVolumeConfig."""

    disk_selector: DiskSelector | None = msgspec.field(default=None, name="diskSelector")
    grow: bool | None = None
    min_size: str = msgspec.field(default="", name="minSize")
    max_size: str = msgspec.field(default="", name="maxSize")


class EncryptionKeyStatic(msgspec.Struct, frozen=True, kw_only=True):
    """Section of SwapVolumeConfig."""

    passphrase: str = ""


class EncryptionKeyKMS(msgspec.Struct, frozen=True, kw_only=True):
    """Section of SwapVolumeConfig."""

    endpoint: str = ""


class EncryptionKeyTPMOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Section of SwapVolumeConfig."""

    pcrs: tuple[int, ...] = ()


class EncryptionKeyTPM(msgspec.Struct, frozen=True, kw_only=True):
    """Section of SwapVolumeConfig."""

    options: EncryptionKeyTPMOptions | None = None
    check_secureboot_status_on_enroll: bool | None = msgspec.field(default=None, name="checkSecurebootStatusOnEnroll")


class EncryptionKey(msgspec.Struct, frozen=True, kw_only=True):
    """Section of SwapVolumeConfig."""

    slot: int = 0
    static: EncryptionKeyStatic | None = None
    node_id: dict[str, Any] | None = msgspec.field(default=None, name="nodeID")
    kms: EncryptionKeyKMS | None = None
    tpm: EncryptionKeyTPM | None = None
    lock_to_state: bool | None = msgspec.field(default=None, name="lockToState")


class EncryptionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of SwapVolumeConfig."""

    provider: str = ""
    keys: tuple[EncryptionKey, ...] = ()
    cipher: str = ""
    key_size: int = msgspec.field(default=0, name="keySize")
    block_size: int = msgspec.field(default=0, name="blockSize")
    options: tuple[str, ...] = ()
    allow_discards: bool | None = msgspec.field(default=None, name="allowDiscards")


class SwapVolumeConfig(document.Document, frozen=True, kw_only=True):
    """Swap volume config."""

    kind: ClassVar[str] = "SwapVolumeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    provisioning: ProvisioningSpec | None = None
    encryption: EncryptionSpec | None = None
