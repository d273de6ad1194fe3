"""Resource type EtcFileSpecs.files.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource


class EtcFileSpec(resource.Resource["EtcFileSpec.Spec"]):
    """A file to be shown below /etc."""

    definition = resource.Definition(
        type="EtcFileSpecs.files.talos.dev",
        namespace="files",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.files.EtcFileSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        contents: bytes = b""
        mode: int = 0
        selinux_label: str = ""

        def as_yaml(self, plain: dict[str, Any]) -> Any:
            """Contents are text."""
            plain["contents"] = self.contents.decode(errors="replace")
            return plain
