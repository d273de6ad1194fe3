"""Resource type EncryptionSalts.secrets.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

ENCRYPTION_SALT_ID = "salt"


class EncryptionSalt(resource.Resource["EncryptionSalt.Spec"]):
    """Salt that ties disk keys to this machine."""

    definition = resource.Definition(
        type="EncryptionSalts.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.EncryptionSaltSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        disk_salt: bytes = msgspec.field(default=b"", name="diskSalt")
