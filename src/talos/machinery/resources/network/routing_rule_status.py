"""Resource type RoutingRuleStatuses.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types


class RoutingRuleStatus(resource.Resource["RoutingRuleStatus.Spec"]):
    """A routing policy rule the kernel has."""

    definition = resource.Definition(
        type="RoutingRuleStatuses.net.talos.dev",
        namespace="network",
        aliases=(
            "routingrule",
            "routingrules",
        ),
        print_columns=(
            resource.PrintColumn("Src", "{.src}"),
            resource.PrintColumn("Dst", "{.dst}"),
            resource.PrintColumn("Table", "{.table}"),
            resource.PrintColumn("Priority", "{.priority}"),
        ),
        message="talos.resource.definitions.network.RoutingRuleStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"iif_name", "oif_name", "fw_mark", "fw_mask"})

        family: network_types.Family = network_types.Family.UNSPECIFIED
        src: str = ""
        dst: str = ""
        table: network_types.RoutingTable = network_types.RoutingTable.UNSPEC
        priority: int = 0
        action: network_types.RoutingRuleAction = network_types.RoutingRuleAction.UNSPEC
        iif_name: str = msgspec.field(default="", name="iifName")
        oif_name: str = msgspec.field(default="", name="oifName")
        fw_mark: int = msgspec.field(default=0, name="fwMark")
        fw_mask: int = msgspec.field(default=0, name="fwMask")
