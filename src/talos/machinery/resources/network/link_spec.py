"""Resource type LinkSpecs.net.talos.dev."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types


class BondSlave(msgspec.Struct, frozen=True, kw_only=True):
    """Membership in a bond."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"master_name", "slave_index"})

    master_name: str = msgspec.field(default="", name="masterName")
    slave_index: int = msgspec.field(default=0, name="slaveIndex")


class BridgeSlave(msgspec.Struct, frozen=True, kw_only=True):
    """Membership in a bridge."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"master_name"})

    master_name: str = msgspec.field(default="", name="masterName")


class VRFSlave(msgspec.Struct, frozen=True, kw_only=True):
    """Membership in a VRF."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"master_name"})

    master_name: str = msgspec.field(default="", name="masterName")


class VLANSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Number and protocol of a VLAN."""

    vid: int = msgspec.field(default=0, name="vlanID")
    protocol: network_types.VLANProtocol = msgspec.field(
        default=network_types.VLANProtocol.UNSPECIFIED, name="vlanProtocol"
    )


class BondMasterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a bond, named as in the kernel's bonding driver."""

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {
            "primary_index",
            "ad_select",
            "mii_mon",
            "up_delay",
            "down_delay",
            "arp_interval",
            "resend_igmp",
            "min_links",
            "lp_interval",
            "packets_per_slave",
            "num_peer_notif",
            "tlb_dynamic_lb",
            "all_slaves_active",
            "use_carrier",
            "ad_actor_sys_prio",
            "ad_user_port_key",
            "peer_notify_delay",
            "arpip_targets",
            "nsip6_targets",
            "adlacp_active",
            "missed_max",
            "primary",
        }
    )

    mode: network_types.BondMode = network_types.BondMode.ROUNDROBIN
    hash_policy: network_types.BondXmitHashPolicy = msgspec.field(
        default=network_types.BondXmitHashPolicy.LAYER2, name="xmitHashPolicy"
    )
    lacp_rate: network_types.LACPRate = msgspec.field(default=network_types.LACPRate.SLOW, name="lacpRate")
    arp_validate: network_types.ARPValidate = msgspec.field(default=network_types.ARPValidate.NONE, name="arpValidate")
    arp_all_targets: network_types.ARPAllTargets = msgspec.field(
        default=network_types.ARPAllTargets.ANY, name="arpAllTargets"
    )
    primary_index: int | None = msgspec.field(default=None, name="primaryIndex")
    primary_reselect: network_types.PrimaryReselect = msgspec.field(
        default=network_types.PrimaryReselect.ALWAYS, name="primaryReselect"
    )
    fail_over_mac: network_types.FailOverMAC = msgspec.field(default=network_types.FailOverMAC.NONE, name="failOverMac")
    ad_select: network_types.ADSelect = msgspec.field(default=network_types.ADSelect.STABLE, name="adSelect")
    mii_mon: int = msgspec.field(default=0, name="miimon")
    up_delay: int = msgspec.field(default=0, name="updelay")
    down_delay: int = msgspec.field(default=0, name="downdelay")
    arp_interval: int = msgspec.field(default=0, name="arpInterval")
    resend_igmp: int = msgspec.field(default=0, name="resendIgmp")
    min_links: int = msgspec.field(default=0, name="minLinks")
    lp_interval: int = msgspec.field(default=0, name="lpInterval")
    packets_per_slave: int = msgspec.field(default=0, name="packetsPerSlave")
    num_peer_notif: int = msgspec.field(default=0, name="numPeerNotif")
    tlb_dynamic_lb: int = msgspec.field(default=0, name="tlbLogicalLb")
    all_slaves_active: int = msgspec.field(default=0, name="allSlavesActive")
    use_carrier: bool = msgspec.field(default=False, name="useCarrier")
    ad_actor_sys_prio: int = msgspec.field(default=0, name="adActorSysPrio")
    ad_user_port_key: int = msgspec.field(default=0, name="adUserPortKey")
    peer_notify_delay: int = msgspec.field(default=0, name="peerNotifyDelay")
    arpip_targets: tuple[str, ...] = msgspec.field(default=(), name="arpIpTargets")
    nsip6_targets: tuple[str, ...] = msgspec.field(default=(), name="nsIp6Targets")
    adlacp_active: network_types.ADLACPActive | None = msgspec.field(default=None, name="adLacpActive")
    missed_max: int = msgspec.field(default=0, name="missedMax")
    primary: str = ""


class STPSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Spanning tree of a bridge."""

    enabled: bool = False


class BridgeVLANSpec(msgspec.Struct, frozen=True, kw_only=True):
    """VLAN filter of a bridge."""

    filtering_enabled: bool = msgspec.field(default=False, name="filteringEnabled")


class BridgeMasterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a bridge."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"stp", "vlan"})

    stp: STPSpec = msgspec.field(default_factory=STPSpec)
    vlan: BridgeVLANSpec = msgspec.field(default_factory=BridgeVLANSpec)


class VRFMasterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Routing table of a VRF."""

    table: network_types.RoutingTable = network_types.RoutingTable.UNSPEC


class WireguardPeer(msgspec.Struct, frozen=True, kw_only=True):
    """A peer of a WireGuard link."""

    public_key: str = msgspec.field(default="", name="publicKey")
    preshared_key: str = msgspec.field(default="", name="presharedKey")
    endpoint: str = ""
    persistent_keepalive_interval: datetime.timedelta = msgspec.field(
        default=datetime.timedelta(), name="persistentKeepaliveInterval"
    )
    allowed_ips: tuple[str, ...] = msgspec.field(default=(), name="allowedIPs")


class WireguardSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Keys and peers of a WireGuard link."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"private_key", "public_key"})

    private_key: str = msgspec.field(default="", name="privateKey")
    public_key: str = msgspec.field(default="", name="publicKey")
    listen_port: int = msgspec.field(default=0, name="listenPort")
    firewall_mark: int = msgspec.field(default=0, name="firewallMark")
    peers: tuple[WireguardPeer, ...] = ()


class VethSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The other end of a veth pair."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"peer_name"})

    peer_name: str = msgspec.field(default="", name="peerName")


class LinkSpec(resource.Resource["LinkSpec.Spec"]):
    """A link wanted: physical ones are set, logical ones are made."""

    definition = resource.Definition(
        type="LinkSpecs.net.talos.dev",
        namespace="network",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.network.LinkSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "hardware_address",
                "parent_name",
                "bond_slave",
                "bridge_slave",
                "vrf_slave",
                "vlan",
                "bond_master",
                "bridge_master",
                "vrf_master",
                "wireguard",
                "veth",
                "multicast",
            }
        )
        inline: ClassVar[frozenset[str]] = frozenset({"bond_slave"})

        name: str = ""
        logical: bool = False
        up: bool = False
        mtu: int = 0
        kind: str = ""
        type: network_types.LinkType = network_types.LinkType.NETROM
        hardware_address: str = msgspec.field(default="", name="hardwareAddr")
        parent_name: str = msgspec.field(default="", name="parentName")
        bond_slave: BondSlave = msgspec.field(default_factory=BondSlave)
        bridge_slave: BridgeSlave = msgspec.field(default_factory=BridgeSlave, name="bridgeSlave")
        vrf_slave: VRFSlave = msgspec.field(default_factory=VRFSlave, name="vrfSlave")
        vlan: VLANSpec = msgspec.field(default_factory=VLANSpec)
        bond_master: BondMasterSpec = msgspec.field(default_factory=BondMasterSpec, name="bondMaster")
        bridge_master: BridgeMasterSpec = msgspec.field(default_factory=BridgeMasterSpec, name="bridgeMaster")
        vrf_master: VRFMasterSpec = msgspec.field(default_factory=VRFMasterSpec, name="vrfMaster")
        wireguard: WireguardSpec = msgspec.field(default_factory=WireguardSpec)
        veth: VethSpec = msgspec.field(default_factory=VethSpec)
        config_layer: network_types.ConfigLayer = msgspec.field(default=network_types.ConfigLayer.DEFAULT, name="layer")
        multicast: bool | None = None
