"""Resource type KernelParamDefaultSpecs.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class KernelParamDefaultSpec(resource.Resource["KernelParamDefaultSpec.Spec"]):
    """A kernel parameter wanted by the system itself."""

    definition = resource.Definition(
        type="KernelParamDefaultSpecs.runtime.talos.dev",
        namespace="runtime",
        message="talos.resource.definitions.runtime.KernelParamSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        value: str = ""
        ignore_errors: bool = msgspec.field(default=False, name="ignoreErrors")
