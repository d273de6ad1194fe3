"""Resource type KernelParamStatuses.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class KernelParamStatus(resource.Resource["KernelParamStatus.Spec"]):
    """A kernel parameter that was set, and its value before."""

    definition = resource.Definition(
        type="KernelParamStatuses.runtime.talos.dev",
        namespace="runtime",
        aliases=(
            "sysctls",
            "kernelparameters",
            "kernelparams",
        ),
        print_columns=(
            resource.PrintColumn("Current", "{.current}"),
            resource.PrintColumn("Default", "{.default}"),
            resource.PrintColumn("Unsupported", "{.unsupported}"),
        ),
        message="talos.resource.definitions.runtime.KernelParamStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        current: str = ""
        default: str = ""
        unsupported: bool = False
