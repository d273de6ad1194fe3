"""Resource type AddressStatuses.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types


class AddressStatus(resource.Resource["AddressStatus.Spec"]):
    """An address the kernel has."""

    definition = resource.Definition(
        type="AddressStatuses.net.talos.dev",
        namespace="network",
        aliases=(
            "address",
            "addresses",
        ),
        print_columns=(
            resource.PrintColumn("Address", "{.address}"),
            resource.PrintColumn("Link", "{.linkName}"),
        ),
        message="talos.resource.definitions.network.AddressStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"local", "broadcast", "anycast", "multicast"})

        address: str = ""
        local: str = ""
        broadcast: str = ""
        anycast: str = ""
        multicast: str = ""
        link_index: int = msgspec.field(default=0, name="linkIndex")
        link_name: str = msgspec.field(default="", name="linkName")
        family: network_types.Family = network_types.Family.UNSPECIFIED
        scope: network_types.Scope = network_types.Scope.GLOBAL
        flags: str = ""
        priority: int = 0
