"""Resource type LinkStatuses.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.resources.network import link_spec
from talos.machinery.types import network as network_types


class LinkStatus(resource.Resource["LinkStatus.Spec"]):
    """A link the kernel has."""

    definition = resource.Definition(
        type="LinkStatuses.net.talos.dev",
        namespace="network",
        aliases=(
            "link",
            "links",
        ),
        print_columns=(
            resource.PrintColumn("Alias", "{.alias}"),
            resource.PrintColumn("Type", "{.type}"),
            resource.PrintColumn("Kind", "{.kind}"),
            resource.PrintColumn("Hw Addr", "{.hardwareAddr}"),
            resource.PrintColumn("Oper State", "{.operationalState}"),
            resource.PrintColumn("Link State", "{.linkState}"),
        ),
        message="talos.resource.definitions.network.LinkStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "alias",
                "alt_names",
                "master_index",
                "bus_path",
                "pciid",
                "driver",
                "driver_version",
                "firmware_version",
                "product_id",
                "vendor_id",
                "product",
                "vendor",
                "speed_megabits",
                "vlan",
                "bridge_master",
                "bond_master",
                "vrf_master",
                "wireguard",
                "veth",
            }
        )

        alias: str = ""
        alt_names: tuple[str, ...] = msgspec.field(default=(), name="altNames")
        index: int = 0
        type: network_types.LinkType = network_types.LinkType.NETROM
        link_index: int = msgspec.field(default=0, name="linkIndex")
        flags: str = ""
        hardware_addr: str = msgspec.field(default="", name="hardwareAddr")
        permanent_addr: str = msgspec.field(default="", name="permanentAddr")
        broadcast_addr: str = msgspec.field(default="", name="broadcastAddr")
        mtu: int = 0
        queue_disc: str = msgspec.field(default="", name="queueDisc")
        master_index: int = msgspec.field(default=0, name="masterIndex")
        operational_state: network_types.OperationalState = msgspec.field(
            default=network_types.OperationalState.UNKNOWN, name="operationalState"
        )
        kind: str = ""
        slave_kind: str = msgspec.field(default="", name="slaveKind")
        bus_path: str = msgspec.field(default="", name="busPath")
        pciid: str = msgspec.field(default="", name="pciID")
        driver: str = ""
        driver_version: str = msgspec.field(default="", name="driverVersion")
        firmware_version: str = msgspec.field(default="", name="firmwareVersion")
        product_id: str = msgspec.field(default="", name="productID")
        vendor_id: str = msgspec.field(default="", name="vendorID")
        product: str = ""
        vendor: str = ""
        link_state: bool = msgspec.field(default=False, name="linkState")
        speed_megabits: int = msgspec.field(default=0, name="speedMbit")
        port: network_types.Port = network_types.Port.TWISTED_PAIR
        duplex: network_types.Duplex = network_types.Duplex.HALF
        vlan: link_spec.VLANSpec = msgspec.field(default_factory=link_spec.VLANSpec)
        bridge_master: link_spec.BridgeMasterSpec = msgspec.field(
            default_factory=link_spec.BridgeMasterSpec, name="bridgeMaster"
        )
        bond_master: link_spec.BondMasterSpec = msgspec.field(
            default_factory=link_spec.BondMasterSpec, name="bondMaster"
        )
        vrf_master: link_spec.VRFMasterSpec = msgspec.field(default_factory=link_spec.VRFMasterSpec, name="vrfMaster")
        wireguard: link_spec.WireguardSpec = msgspec.field(default_factory=link_spec.WireguardSpec)
        veth: link_spec.VethSpec = msgspec.field(default_factory=link_spec.VethSpec)
