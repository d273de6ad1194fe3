"""Sections the volume documents share."""

from __future__ import annotations

import datetime
from typing import Annotated

from talos.machinery.config import checks, document, findings, values

CIPHERS = ("aes-xts-plain64", "xchacha12,aes-adiantum-plain64", "xchacha20,aes-adiantum-plain64")
# A partition label has 36 characters, and volumes of the user a prefix of two.
MAX_NAME = 34
MINIMUM_SCRUB = datetime.timedelta(seconds=10)


class DiskSelector(document.Section, frozen=True, kw_only=True):
    """Which disk."""

    match: values.Expression = ""
    """CEL expression over `disk`."""


class ProvisioningSpec(document.Section, frozen=True, kw_only=True):
    """Where a volume is made, and how large."""

    disk_selector: DiskSelector | None = None
    """The disk."""
    grow: bool | None = None
    """Grow with the disk."""
    min_size: values.ByteSize = ""
    """Least size; a disk that can not give it is not used."""
    max_size: values.Size = ""
    """Greatest size: absolute, a share of the disk in percent, or with `-` what is left free."""

    def check(self, found: findings.Findings, path: str, *, disk: bool = True, size: bool = True) -> None:
        """Report sizes that contradict each other, and what is missing."""
        selector = self.disk_selector.match if self.disk_selector else ""
        checks.expression(found, selector, f"{path}.diskSelector.match", "disk", required=disk)
        if size and not self.min_size and not self.max_size:
            found.error(path, "minSize or maxSize has to be given")
        plain = self.max_size and not self.max_size.startswith("-") and not self.max_size.endswith("%")
        if self.min_size and plain and values.parse_size(self.min_size) > values.parse_size(self.max_size):
            found.error(f"{path}.minSize", f"{self.min_size} is more than maxSize, {self.max_size}")


class XFSSpec(document.Section, frozen=True, kw_only=True):
    """Options of XFS."""

    min_allocation_group_size: values.ByteSize = ""
    """Least size of an allocation group; counts when the volume is formatted."""


class EncryptionKeyStatic(document.Section, frozen=True, kw_only=True):
    """A key that stands in the configuration."""

    passphrase: Annotated[str, values.SECRET] = ""
    """The passphrase."""


class EncryptionKeyNodeID(document.Section, frozen=True, kw_only=True):
    """A key made of the machine's UUID and the volume's label."""


class EncryptionKeyKMS(document.Section, frozen=True, kw_only=True):
    """A key sealed by a key service."""

    endpoint: Annotated[str, values.ALWAYS] = ""
    """URL of the service."""


class EncryptionKeyTPMOptions(document.Section, frozen=True, kw_only=True):
    """How the TPM protects the key."""

    pcrs: tuple[int, ...] | None = None
    """Registers the key is bound to, 7 by default; an empty list binds to none."""


class EncryptionKeyTPM(document.Section, frozen=True, kw_only=True):
    """A key sealed by the machine's TPM."""

    options: EncryptionKeyTPMOptions | None = None
    """How it is protected."""
    check_secureboot_status_on_enroll: bool | None = None
    """Refuse to enrol unless Secure Boot is on."""


class EncryptionKey(document.Section, frozen=True, kw_only=True):
    """A way to unlock."""

    slot: Annotated[int, values.ALWAYS] = 0
    """LUKS2 key slot."""
    static: EncryptionKeyStatic | None = None
    """From the configuration."""
    node_id: EncryptionKeyNodeID | None = document.named("nodeID", None)
    """From the machine's identity."""
    kms: EncryptionKeyKMS | None = None
    """From a key service."""
    tpm: EncryptionKeyTPM | None = None
    """From the TPM."""
    lock_to_state: bool | None = None
    """Mix in a random value kept in STATE, so that the volume can not be opened without it."""

    def ways(self) -> int:
        """How many ways are given."""
        return sum(way is not None for way in (self.static, self.node_id, self.kms, self.tpm))


class EncryptionSpec(document.Section, frozen=True, kw_only=True):
    """Encryption of a volume."""

    provider: Annotated[str, values.Choice(("luks2",)), values.ALWAYS] = ""
    """How; `luks2` is the only way."""
    keys: Annotated[tuple[EncryptionKey, ...], values.ALWAYS] = ()
    """Ways to unlock; any of them does."""
    cipher: Annotated[str, values.Choice(CIPHERS)] = ""
    """Cipher."""
    key_size: values.U64 = 0
    """Length of the key in bits."""
    block_size: values.U64 = 0
    """Sector size in bytes."""
    options: tuple[str, ...] = ()
    """Performance options of dm-crypt, such as no_read_workqueue."""
    allow_discards: bool | None = None
    """Pass discards on to the disk."""

    def check(self, found: findings.Findings, path: str) -> None:
        """Report volumes nobody could unlock."""
        if not self.provider and not self.keys:
            return
        found.require(self.provider, f"{path}.provider")
        found.require(self.keys, f"{path}.keys")
        slots: set[int] = set()
        for n, key in enumerate(self.keys):
            if key.slot in slots:
                found.error(f"{path}.keys[{n}].slot", f"slot {key.slot} is used twice")
            slots.add(key.slot)
            if not key.ways():
                found.error(f"{path}.keys[{n}]", "static, nodeID, kms or tpm has to be given")


class TrimConfig(document.Section, frozen=True, kw_only=True):
    """Telling the disk which blocks are free."""

    enabled: bool | None = None
    """Do it."""
    interval: values.Duration | None = None
    """How often."""

    def check(self, found: findings.Findings, path: str) -> None:
        """Report an interval that can not be kept."""
        if self.interval is not None and self.interval < datetime.timedelta():
            found.error(f"{path}.interval", "must not be negative")


class ScrubConfig(document.Section, frozen=True, kw_only=True):
    """Looking for broken blocks."""

    enabled: bool | None = None
    """Do it."""
    interval: values.Duration | None = None
    """How often, every week by default."""

    def check(self, found: findings.Findings, path: str) -> None:
        """Report an interval that can not be kept."""
        if self.interval is not None and self.interval and self.interval < MINIMUM_SCRUB:
            found.error(f"{path}.interval", f"at least {values.format_duration(MINIMUM_SCRUB)} is needed")
