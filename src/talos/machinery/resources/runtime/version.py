"""Resource type Versions.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class Version(resource.Resource["Version.Spec"]):
    """Version of the running system."""

    definition = resource.Definition(
        type="Versions.runtime.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Name", "{.name}"),
            resource.PrintColumn("Version", "{.version}"),
        ),
        message="talos.resource.definitions.runtime.VersionSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        name: str = ""
        version: str = ""
