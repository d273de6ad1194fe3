"""Resource type ExtensionServiceConfigStatuses.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class ExtensionServiceConfigStatus(resource.Resource["ExtensionServiceConfigStatus.Spec"]):
    """Which version of an extension service's configuration is in place."""

    definition = resource.Definition(
        type="ExtensionServiceConfigStatuses.runtime.talos.dev",
        namespace="runtime",
        message="talos.resource.definitions.runtime.ExtensionServiceConfigStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        spec_version: str = msgspec.field(default="", name="specVersion")
