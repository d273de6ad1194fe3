"""Resource type LoadedKernelModules.runtime.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class LoadedKernelModule(resource.Resource["LoadedKernelModule.Spec"]):
    """A loaded kernel module with its size and users."""

    definition = resource.Definition(
        type="LoadedKernelModules.runtime.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("State", "{.state}"),),
        message="talos.resource.definitions.runtime.LoadedKernelModuleSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"dependencies"})

        size: int = 0
        reference_count: int = msgspec.field(default=0, name="referenceCount")
        dependencies: tuple[str, ...] = ()
        state: str = ""
        address: str = ""
