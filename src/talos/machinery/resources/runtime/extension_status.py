"""Resource type ExtensionStatuses.runtime.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource


class ExtensionStatus(resource.Resource["ExtensionStatus.Spec"]):
    """A system extension of the running image."""

    definition = resource.Definition(
        type="ExtensionStatuses.runtime.talos.dev",
        namespace="runtime",
        aliases=("extensions",),
        print_columns=(
            resource.PrintColumn("Name", "{.metadata.name}"),
            resource.PrintColumn("Version", "{.metadata.version}"),
        ),
        message="talos.resource.definitions.extensions.Layer",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        image: str = ""
        metadata: dict[str, Any] = msgspec.field(default_factory=dict)
