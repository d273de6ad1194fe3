"""Resource type ExtensionServiceConfigStatuses.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class ExtensionServiceConfigStatus(resource.Resource["ExtensionServiceConfigStatus.Spec"]):
    """Extension service config status."""

    definition = resource.Definition(
        type="ExtensionServiceConfigStatuses.runtime.talos.dev",
        namespace="runtime",
        message="talos.resource.definitions.runtime.ExtensionServiceConfigStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """Spec of ExtensionServiceConfigStatus."""

        spec_version: str = msgspec.field(default="", name="specVersion")
