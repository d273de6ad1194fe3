"""Resource type AddressSpecs.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types


class AddressSpec(resource.Resource["AddressSpec.Spec"]):
    """An address wanted on a link."""

    definition = resource.Definition(
        type="AddressSpecs.net.talos.dev",
        namespace="network",
        message="talos.resource.definitions.network.AddressSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"announce_with_arp", "priority"})

        address: str = ""
        link_name: str = msgspec.field(default="", name="linkName")
        family: network_types.Family = network_types.Family.UNSPECIFIED
        scope: network_types.Scope = network_types.Scope.GLOBAL
        flags: str = ""
        announce_with_arp: bool = msgspec.field(default=False, name="announceWithARP")
        priority: int = 0
        config_layer: network_types.ConfigLayer = msgspec.field(default=network_types.ConfigLayer.DEFAULT, name="layer")
