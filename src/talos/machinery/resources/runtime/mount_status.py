"""Resource type MountStatuses.runtime.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class MountStatus(resource.Resource["MountStatus.Spec"]):
    """A mount of the system, in the form of earlier versions."""

    definition = resource.Definition(
        type="MountStatuses.runtime.talos.dev",
        plain_aliases=True,
        namespace="runtime",
        aliases=("mounts",),
        print_columns=(
            resource.PrintColumn("Source", "{.source}"),
            resource.PrintColumn("Target", "{.target}"),
            resource.PrintColumn("Filesystem Type", "{.filesystemType}"),
        ),
        message="talos.resource.definitions.runtime.MountStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"encryption_providers"})

        source: str = ""
        target: str = ""
        filesystem_type: str = msgspec.field(default="", name="filesystemType")
        options: tuple[str, ...] = ()
        encrypted: bool = False
        encryption_providers: tuple[str, ...] = msgspec.field(default=(), name="encryptionProviders")
