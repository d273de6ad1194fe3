"""Resource type KernelCmdlines.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

KERNEL_CMDLINE_ID = "cmdline"


class KernelCmdline(resource.Resource["KernelCmdline.Spec"]):
    """The kernel's command line."""

    definition = resource.Definition(
        type="KernelCmdlines.runtime.talos.dev",
        namespace="runtime",
        aliases=("cmdline",),
        print_columns=(resource.PrintColumn("Cmdline", "{.cmdline}"),),
        message="talos.resource.definitions.runtime.KernelCmdlineSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        cmdline: str = ""
