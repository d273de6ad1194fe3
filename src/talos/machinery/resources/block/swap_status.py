"""Resource type SwapStatuses.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class SwapStatus(resource.Resource["SwapStatus.Spec"]):
    """A swap device in use, with its size and fill."""

    definition = resource.Definition(
        type="SwapStatuses.block.talos.dev",
        namespace="runtime",
        aliases=(
            "swap",
            "swaps",
        ),
        print_columns=(
            resource.PrintColumn("Device", "{.device}"),
            resource.PrintColumn("Size", "{.sizeHuman}"),
            resource.PrintColumn("Used", "{.usedHuman}"),
            resource.PrintColumn("Priority", "{.priority}"),
        ),
        message="talos.resource.definitions.block.SwapStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        device: str = ""
        type: str = ""
        size_bytes: int = msgspec.field(default=0, name="size")
        size_human: str = msgspec.field(default="", name="sizeHuman")
        used_bytes: int = msgspec.field(default=0, name="used")
        used_human: str = msgspec.field(default="", name="usedHuman")
        priority: int = 0
