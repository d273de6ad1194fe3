"""Resource type EtcFileStatuses.files.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class EtcFileStatus(resource.Resource["EtcFileStatus.Spec"]):
    """A file below /etc that is in place; its version is that of the spec."""

    definition = resource.Definition(
        type="EtcFileStatuses.files.talos.dev",
        namespace="files",
        message="talos.resource.definitions.files.EtcFileStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        spec_version: str = msgspec.field(default="", name="specVersion")
