"""Resource type HardwareAddresses.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class HardwareAddress(resource.Resource["HardwareAddress.Spec"]):
    """Hardware address of the first physical link."""

    definition = resource.Definition(
        type="HardwareAddresses.net.talos.dev",
        namespace="network",
        message="talos.resource.definitions.network.HardwareAddrSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        name: str = ""
        hardware_addr: str = msgspec.field(default="", name="hardwareAddr")
