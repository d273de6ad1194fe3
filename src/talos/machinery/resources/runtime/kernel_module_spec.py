"""Resource type KernelModuleSpecs.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class KernelModuleSpec(resource.Resource["KernelModuleSpec.Spec"]):
    """A kernel module to be loaded."""

    definition = resource.Definition(
        type="KernelModuleSpecs.runtime.talos.dev",
        namespace="runtime",
        message="talos.resource.definitions.runtime.KernelModuleSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        name: str = msgspec.field(default="", name="string")
        parameters: tuple[str, ...] = ()
