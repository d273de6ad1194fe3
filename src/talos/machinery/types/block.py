"""Enumerations of the block domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class EncryptionKeyType(wire.WireEnum):
    """Where the key of a LUKS slot comes from."""

    STATIC = "static", 0
    NODE_ID = "nodeID", 1
    KMS = "kms", 2
    TPM = "tpm", 3


class EncryptionProviderType(wire.WireEnum):
    """How a volume is encrypted."""

    NONE = "none", 0
    LUKS2 = "luks2", 1


class FilesystemType(wire.WireEnum):
    """File system of a volume."""

    NONE = "none", 0
    XFS = "xfs", 1
    VFAT = "vfat", 2
    EXT4 = "ext4", 3
    ISO9660 = "iso9660", 4
    SWAP = "swap", 5
    VIRTIOFS = "virtiofs", 6
    BTRFS = "btrfs", 7


class FSParameterType(wire.WireEnum):
    """Kind of value of a mount parameter."""

    STRING_VALUE = "string", 0
    BOOLEAN_VALUE = "boolean", 1
    BINARY_VALUE = "binary", 2


class VolumePhase(wire.WireEnum):
    """How far a volume is."""

    WAITING = "waiting", 0
    FAILED = "failed", 1
    MISSING = "missing", 2
    LOCATED = "located", 3
    PROVISIONED = "provisioned", 4
    PREPARED = "prepared", 5
    READY = "ready", 6
    CLOSED = "closed", 7


class VolumeType(wire.WireEnum):
    """What a volume is made of."""

    PARTITION = "partition", 0
    DISK = "disk", 1
    TMPFS = "tmpfs", 2
    DIRECTORY = "directory", 3
    SYMLINK = "symlink", 4
    OVERLAY = "overlay", 5
    EXTERNAL = "external", 6
