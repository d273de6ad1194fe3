"""Resource type DeviceConfigSpecs.net.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource


class DeviceConfigSpec(resource.Resource["DeviceConfigSpec.Spec"]):
    """A device of the old-style `machine.network.interfaces`."""

    definition = resource.Definition(
        type="DeviceConfigSpecs.net.talos.dev",
        namespace="network",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="resource.network.DeviceConfigSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        yaml_marshalled: dict[str, Any] = msgspec.field(default_factory=dict, name="device")
