"""Resource type Members.cluster.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.resources.cluster import affiliate
from talos.machinery.types import machine as machine_types


class Member(resource.Resource["Member.Spec"]):
    """A node of the cluster that has a name, with its addresses and roles."""

    definition = resource.Definition(
        type="Members.cluster.talos.dev",
        namespace="cluster",
        print_columns=(
            resource.PrintColumn("Hostname", "{.hostname}"),
            resource.PrintColumn("Machine Type", "{.machineType}"),
            resource.PrintColumn("OS", "{.operatingSystem}"),
            resource.PrintColumn("Addresses", "{.addresses}"),
        ),
        message="talos.resource.definitions.cluster.MemberSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"control_plane"})

        node_id: str = msgspec.field(default="", name="nodeId")
        addresses: tuple[str, ...] = ()
        hostname: str = ""
        machine_type: machine_types.MachineType = msgspec.field(
            default=machine_types.MachineType.UNKNOWN, name="machineType"
        )
        operating_system: str = msgspec.field(default="", name="operatingSystem")
        control_plane: affiliate.ControlPlane | None = msgspec.field(default=None, name="controlPlane")
