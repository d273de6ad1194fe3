"""Resource type KernelParamSpecs.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class KernelParamSpec(resource.Resource["KernelParamSpec.Spec"]):
    """A kernel parameter wanted by the machine configuration."""

    definition = resource.Definition(
        type="KernelParamSpecs.runtime.talos.dev",
        namespace="runtime",
        message="talos.resource.definitions.runtime.KernelParamSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        value: str = ""
        ignore_errors: bool = msgspec.field(default=False, name="ignoreErrors")
