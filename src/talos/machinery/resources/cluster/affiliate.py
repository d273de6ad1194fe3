"""Resource type Affiliates.cluster.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import machine as machine_types


class KubeSpanAffiliateSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a node tells about its end of the mesh."""

    public_key: str = msgspec.field(default="", name="publicKey")
    address: str = ""
    additional_addresses: tuple[str, ...] = msgspec.field(default=(), name="additionalAddresses")
    endpoints: tuple[str, ...] = ()
    exclude_advertised_networks: tuple[str, ...] = msgspec.field(default=(), name="excludeAdvertisedNetworks")


class ControlPlane(msgspec.Struct, frozen=True, kw_only=True):
    """What a control plane node tells about its API server."""

    api_server_port: int = msgspec.field(default=0, name="port")


class Affiliate(resource.Resource["Affiliate.Spec"]):
    """A node that may belong to the cluster, as told by itself or by a registry."""

    definition = resource.Definition(
        type="Affiliates.cluster.talos.dev",
        namespace="cluster",
        print_columns=(
            resource.PrintColumn("Hostname", "{.hostname}"),
            resource.PrintColumn("Machine Type", "{.machineType}"),
            resource.PrintColumn("Addresses", "{.addresses}"),
        ),
        message="talos.resource.definitions.cluster.AffiliateSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"nodename", "kube_span", "control_plane"})

        node_id: str = msgspec.field(default="", name="nodeId")
        addresses: tuple[str, ...] = ()
        hostname: str = ""
        nodename: str = ""
        operating_system: str = msgspec.field(default="", name="operatingSystem")
        machine_type: machine_types.MachineType = msgspec.field(
            default=machine_types.MachineType.UNKNOWN, name="machineType"
        )
        kube_span: KubeSpanAffiliateSpec = msgspec.field(default_factory=KubeSpanAffiliateSpec, name="kubespan")
        control_plane: ControlPlane | None = msgspec.field(default=None, name="controlPlane")
