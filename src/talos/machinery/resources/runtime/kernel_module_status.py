"""Resource type KernelModuleStatuses.runtime.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import runtime as runtime_types


class KernelModuleStatus(resource.Resource["KernelModuleStatus.Spec"]):
    """A kernel module, built in or loaded."""

    definition = resource.Definition(
        type="KernelModuleStatuses.runtime.talos.dev",
        namespace="runtime",
        aliases=(
            "module",
            "modules",
        ),
        print_columns=(
            resource.PrintColumn("Type", "{.type}"),
            resource.PrintColumn("State", "{.state}"),
        ),
        message="talos.resource.definitions.runtime.KernelModuleStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"dependencies"})

        type: runtime_types.KernelModuleType = runtime_types.KernelModuleType.UNKNOWN
        size: int = 0
        reference_count: int = msgspec.field(default=0, name="referenceCount")
        dependencies: tuple[str, ...] = ()
        state: runtime_types.KernelModuleState = runtime_types.KernelModuleState.LIVE
        address: str = ""
