"""Resource type VolumeConfigs.block.talos.dev."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import block as block_types


class DiskSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Picks the disk a volume is made on, by an expression over the disk's properties."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"match", "external"})

    match: str = ""
    external: str = ""


class PartitionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Size, label and type of the partition to make."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"max_size", "label", "type_uuid"})

    min_size: int = msgspec.field(default=0, name="minSize")
    max_size: int = msgspec.field(default=0, name="maxSize")
    relative_max_size: int = msgspec.field(default=0, name="relativeMaxSize")
    negative_max_size: bool = msgspec.field(default=False, name="negativeMaxSize")
    grow: bool = False
    label: str = ""
    type_uuid: str = msgspec.field(default="", name="typeUUID")


class FilesystemSpec(msgspec.Struct, frozen=True, kw_only=True):
    """File system to make in the partition."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"label", "min_allocation_group_size"})

    type: block_types.FilesystemType = block_types.FilesystemType.NONE
    label: str = ""
    min_allocation_group_size: int = msgspec.field(default=0, name="minAllocationGroupSize")


class ProvisioningSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How a volume that is not found is made; lower waves come first."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"wave", "disk_selector", "partition_spec", "filesystem_spec"})

    wave: int = 0
    disk_selector: DiskSelector = msgspec.field(default_factory=DiskSelector, name="diskSelector")
    partition_spec: PartitionSpec = msgspec.field(default_factory=PartitionSpec, name="partitionSpec")
    filesystem_spec: FilesystemSpec = msgspec.field(default_factory=FilesystemSpec, name="filesystemSpec")


class EncryptionKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key slot: where its key comes from."""

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {
            "lock_to_state",
            "static_passphrase",
            "kms_endpoint",
            "tpm_check_secureboot_status_on_enroll",
            "tpmpc_rs",
            "tpm_pub_key_pc_rs",
        }
    )

    slot: int = 0
    type: block_types.EncryptionKeyType = block_types.EncryptionKeyType.STATIC
    lock_to_state: bool = msgspec.field(default=False, name="lockToState")
    static_passphrase: bytes = msgspec.field(default=b"", name="staticPassphrase")
    kms_endpoint: str = msgspec.field(default="", name="kmsEndpoint")
    tpm_check_secureboot_status_on_enroll: bool = msgspec.field(default=False, name="tpmCheckSecurebootStatusOnEnroll")
    tpmpc_rs: tuple[int, ...] = msgspec.field(default=(), name="pcrs")
    tpm_pub_key_pc_rs: tuple[int, ...] = msgspec.field(default=(), name="pubKeyPcrs")

    def as_yaml(self, plain: dict[str, Any]) -> Any:
        """A passphrase is text."""
        if self.static_passphrase:
            plain["staticPassphrase"] = self.static_passphrase.decode(errors="replace")
        return plain


class EncryptionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """LUKS2 parameters and key slots of a volume."""

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"cipher", "key_size", "block_size", "perf_options", "allow_discards"}
    )

    provider: block_types.EncryptionProviderType = block_types.EncryptionProviderType.NONE
    keys: tuple[EncryptionKey, ...] = ()
    cipher: str = ""
    key_size: int = msgspec.field(default=0, name="keySize")
    block_size: int = msgspec.field(default=0, name="blockSize")
    perf_options: tuple[str, ...] = msgspec.field(default=(), name="perfOptions")
    allow_discards: bool = msgspec.field(default=False, name="allowDiscards")


class LocatorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Finds the volume among those discovered, by expression."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"match", "disk_match"})

    match: str = ""
    disk_match: str = msgspec.field(default="", name="diskMatch")


class ParameterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a mount call."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"string", "binary"})

    type: block_types.FSParameterType = block_types.FSParameterType.STRING_VALUE
    name: str = ""
    string: str | None = None
    binary: bytes = b""


class MountSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how the volume is mounted."""

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"parent_id", "file_mode", "uid", "gid", "recursive_relabel", "bind_target", "parameters", "secure", "no_exec"}
    )

    target_path: str = msgspec.field(default="", name="targetPath")
    selinux_label: str = msgspec.field(default="", name="selinuxLabel")
    project_quota_support: bool = msgspec.field(default=False, name="projectQuotaSupport")
    parent_id: str = msgspec.field(default="", name="parentId")
    file_mode: int = msgspec.field(default=0, name="fileMode")
    uid: int = 0
    gid: int = 0
    recursive_relabel: bool = msgspec.field(default=False, name="recursiveRelabel")
    bind_target: str | None = msgspec.field(default=None, name="bindTarget")
    parameters: tuple[ParameterSpec, ...] = ()
    secure: bool = False
    no_exec: bool = msgspec.field(default=False, name="noExec")


class SymlinkProvisioningSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Target of a volume that is a symbolic link."""

    symlink_target_path: str = msgspec.field(default="", name="symlinkTargetPath")
    force: bool = False


class VolumeConfig(resource.Resource["VolumeConfig.Spec"]):
    """A volume that is wanted: how to find it, make it, encrypt it and mount it."""

    definition = resource.Definition(
        type="VolumeConfigs.block.talos.dev",
        namespace="runtime",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.block.VolumeConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "parent_id",
                "encryption",
                "mount",
                "symlink",
                "trim_enabled",
                "trim_interval",
                "scrub_enabled",
                "scrub_interval",
            }
        )

        parent_id: str = msgspec.field(default="", name="parentId")
        type: block_types.VolumeType = block_types.VolumeType.PARTITION
        provisioning: ProvisioningSpec = msgspec.field(default_factory=ProvisioningSpec)
        encryption: EncryptionSpec = msgspec.field(default_factory=EncryptionSpec)
        locator: LocatorSpec = msgspec.field(default_factory=LocatorSpec)
        mount: MountSpec = msgspec.field(default_factory=MountSpec)
        symlink: SymlinkProvisioningSpec = msgspec.field(default_factory=SymlinkProvisioningSpec)
        trim_enabled: bool = msgspec.field(default=False, name="trimEnabled")
        trim_interval: datetime.timedelta = msgspec.field(default=datetime.timedelta(), name="trimInterval")
        scrub_enabled: bool = msgspec.field(default=False, name="scrubEnabled")
        scrub_interval: datetime.timedelta = msgspec.field(default=datetime.timedelta(), name="scrubInterval")
