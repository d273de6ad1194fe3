"""Resource type MountStatuses.block.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.resources.block import mount_request
from talos.machinery.types import block as block_types


class MountStatus(resource.Resource["MountStatus.Spec"]):
    """A volume that is mounted, and for whom."""

    definition = resource.Definition(
        type="MountStatuses.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Source", "{.source}"),
            resource.PrintColumn("Target", "{.target}"),
            resource.PrintColumn("Filesystem", "{.filesystem}"),
            resource.PrintColumn("Volume", "{.spec.volumeID}"),
        ),
        message="talos.resource.definitions.block.MountStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"encryption_provider"})

        spec: mount_request.MountRequest.Spec = msgspec.field(default_factory=mount_request.MountRequest.Spec)
        source: str = ""
        target: str = ""
        filesystem: block_types.FilesystemType = block_types.FilesystemType.NONE
        encryption_provider: block_types.EncryptionProviderType = msgspec.field(
            default=block_types.EncryptionProviderType.NONE, name="encryptionProvider"
        )
        read_only: bool = msgspec.field(default=False, name="readOnly")
        project_quota_support: bool = msgspec.field(default=False, name="projectQuotaSupport")
        detached: bool = False
