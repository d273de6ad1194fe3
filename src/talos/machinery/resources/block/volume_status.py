"""Resource type VolumeStatuses.block.talos.dev."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.resources.block import volume_config
from talos.machinery.types import block as block_types


class TPMEncryptionOptionsInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The TPM registers a key slot is bound to."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"pc_rs", "pub_key_pc_rs"})

    pc_rs: tuple[int, ...] = msgspec.field(default=(), name="pcrs")
    pub_key_pc_rs: tuple[int, ...] = msgspec.field(default=(), name="pubKeyPcrs")


class VolumeStatus(resource.Resource["VolumeStatus.Spec"]):
    """How far a volume is: found, made, opened, ready, or why it failed."""

    definition = resource.Definition(
        type="VolumeStatuses.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Type", "{.type}"),
            resource.PrintColumn("Phase", "{.phase}"),
            resource.PrintColumn("Location", "{.location}"),
            resource.PrintColumn("Size", "{.prettySize}"),
        ),
        message="talos.resource.definitions.block.VolumeStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "pre_fail_phase",
                "parent_id",
                "location",
                "mount_location",
                "partition_index",
                "parent_location",
                "uuid",
                "partition_uuid",
                "size",
                "pretty_size",
                "filesystem",
                "encryption_provider",
                "encryption_failed_syncs",
                "configured_encryption_keys",
                "encryption_locked_to_state",
                "encryption_slot",
                "tpm_encryption_options",
                "encryption_allow_discards",
                "trim_enabled",
                "trim_interval",
                "scrub_enabled",
                "scrub_interval",
                "mount_spec",
                "symlink_spec",
                "error_message",
            }
        )

        phase: block_types.VolumePhase = block_types.VolumePhase.WAITING
        pre_fail_phase: block_types.VolumePhase = msgspec.field(
            default=block_types.VolumePhase.WAITING, name="preFailPhase"
        )
        type: block_types.VolumeType = block_types.VolumeType.PARTITION
        parent_id: str = msgspec.field(default="", name="parentID")
        location: str = ""
        mount_location: str = msgspec.field(default="", name="mountLocation")
        partition_index: int = msgspec.field(default=0, name="partitionIndex")
        parent_location: str = msgspec.field(default="", name="parentLocation")
        uuid: str = ""
        partition_uuid: str = msgspec.field(default="", name="partitionUUID")
        size: int = 0
        pretty_size: str = msgspec.field(default="", name="prettySize")
        filesystem: block_types.FilesystemType = block_types.FilesystemType.NONE
        encryption_provider: block_types.EncryptionProviderType = msgspec.field(
            default=block_types.EncryptionProviderType.NONE, name="encryptionProvider"
        )
        encryption_failed_syncs: tuple[str, ...] = msgspec.field(default=(), name="encryptionFailedSyncs")
        configured_encryption_keys: tuple[str, ...] = msgspec.field(default=(), name="configuredEncryptionKeys")
        encryption_locked_to_state: bool = msgspec.field(default=False, name="encryptionLockedToState")
        encryption_slot: int | None = msgspec.field(default=None, name="encryptionSlot")
        tpm_encryption_options: TPMEncryptionOptionsInfo = msgspec.field(
            default_factory=TPMEncryptionOptionsInfo, name="tpmEncryptionOptions"
        )
        encryption_allow_discards: bool = msgspec.field(default=False, name="encryptionAllowDiscards")
        trim_enabled: bool = msgspec.field(default=False, name="trimEnabled")
        trim_interval: datetime.timedelta = msgspec.field(default=datetime.timedelta(), name="trimInterval")
        scrub_enabled: bool = msgspec.field(default=False, name="scrubEnabled")
        scrub_interval: datetime.timedelta = msgspec.field(default=datetime.timedelta(), name="scrubInterval")
        mount_spec: volume_config.MountSpec = msgspec.field(default_factory=volume_config.MountSpec, name="mountSpec")
        symlink_spec: volume_config.SymlinkProvisioningSpec = msgspec.field(
            default_factory=volume_config.SymlinkProvisioningSpec, name="symlink"
        )
        error_message: str = msgspec.field(default="", name="errorMessage")
