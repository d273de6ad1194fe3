"""Resource type OperatorSpecs.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types


class ClientIdentifierSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How a DHCP client names itself."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"duid_raw_hex"})

    client_identifier: network_types.ClientIdentifier = msgspec.field(
        default=network_types.ClientIdentifier.NONE, name="clientIdentifier"
    )
    duid_raw_hex: str = msgspec.field(default="", name="duidRawHex")


class DHCP4OperatorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a DHCPv4 client."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"skip_hostname_request", "client_identifier", "skip_routes"})

    route_metric: int = msgspec.field(default=0, name="routeMetric")
    skip_hostname_request: bool = msgspec.field(default=False, name="skipHostnameRequest")
    client_identifier: ClientIdentifierSpec = msgspec.field(
        default_factory=ClientIdentifierSpec, name="clientIdentifier"
    )
    skip_routes: bool = msgspec.field(default=False, name="skipRoutes")


class DHCP6OperatorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a DHCPv6 client."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"skip_hostname_request", "client_identifier"})

    route_metric: int = msgspec.field(default=0, name="routeMetric")
    skip_hostname_request: bool = msgspec.field(default=False, name="skipHostnameRequest")
    client_identifier: ClientIdentifierSpec = msgspec.field(
        default_factory=ClientIdentifierSpec, name="clientIdentifier"
    )


class VIPEquinixMetalSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to move the shared address at Equinix Metal."""

    project_id: str = msgspec.field(default="", name="projectID")
    device_id: str = msgspec.field(default="", name="deviceID")
    api_token: str = msgspec.field(default="", name="apiToken")


class VIPHCloudSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to move the shared address at Hetzner Cloud."""

    device_id: int = msgspec.field(default=0, name="deviceID")
    network_id: int = msgspec.field(default=0, name="networkID")
    api_token: str = msgspec.field(default="", name="apiToken")


class VIPOperatorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """An address shared by the control plane nodes."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"equinix_metal", "h_cloud"})

    ip: str = ""
    gratuitous_arp: bool = msgspec.field(default=False, name="gratuitousARP")
    equinix_metal: VIPEquinixMetalSpec = msgspec.field(default_factory=VIPEquinixMetalSpec, name="equinixMetal")
    h_cloud: VIPHCloudSpec = msgspec.field(default_factory=VIPHCloudSpec, name="hcloud")


class OperatorSpec(resource.Resource["OperatorSpec.Spec"]):
    """A process wanted on a link that finds out its configuration: DHCP, shared address."""

    definition = resource.Definition(
        type="OperatorSpecs.net.talos.dev",
        namespace="network",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.network.OperatorSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"dhcp4", "dhcp6", "vip"})

        operator: network_types.Operator = network_types.Operator.DHCP4
        link_name: str = msgspec.field(default="", name="linkName")
        require_up: bool = msgspec.field(default=False, name="requireUp")
        dhcp4: DHCP4OperatorSpec = msgspec.field(default_factory=DHCP4OperatorSpec)
        dhcp6: DHCP6OperatorSpec = msgspec.field(default_factory=DHCP6OperatorSpec)
        vip: VIPOperatorSpec = msgspec.field(default_factory=VIPOperatorSpec)
        config_layer: network_types.ConfigLayer = msgspec.field(default=network_types.ConfigLayer.DEFAULT, name="layer")
