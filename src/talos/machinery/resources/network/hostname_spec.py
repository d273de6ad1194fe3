"""Resource type HostnameSpecs.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types

HOSTNAME_ID = "hostname"


class HostnameSpec(resource.Resource["HostnameSpec.Spec"]):
    """Name wanted for the machine."""

    definition = resource.Definition(
        type="HostnameSpecs.net.talos.dev",
        namespace="network",
        message="talos.resource.definitions.network.HostnameSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        hostname: str = ""
        domainname: str = ""
        config_layer: network_types.ConfigLayer = msgspec.field(default=network_types.ConfigLayer.DEFAULT, name="layer")
