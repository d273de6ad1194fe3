"""Document BondConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class AddressConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of BondConfig."""

    address: str = ""
    route_priority: int | None = msgspec.field(default=None, name="routePriority")


class RouteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of BondConfig."""

    destination: str = ""
    gateway: str = ""
    source: str = ""
    metric: int = 0
    mtu: int = 0
    table: str = ""


class BondConfig(document.Document, frozen=True, kw_only=True):
    """Bond config."""

    kind: ClassVar[str] = "BondConfig"
    named: ClassVar[bool] = True

    name: str = ""
    hardware_addr: str = msgspec.field(default="", name="hardwareAddr")
    links: tuple[str, ...] = ()
    bond_mode: str = msgspec.field(default="", name="bondMode")
    miimon: int | None = None
    updelay: int | None = None
    downdelay: int | None = None
    use_carrier: bool | None = msgspec.field(default=None, name="useCarrier")
    xmit_hash_policy: str = msgspec.field(default="", name="xmitHashPolicy")
    arp_interval: int | None = msgspec.field(default=None, name="arpInterval")
    arp_ip_targets: tuple[str, ...] = msgspec.field(default=(), name="arpIpTargets")
    ns_ip6_targets: tuple[str, ...] = msgspec.field(default=(), name="nsIp6Targets")
    arp_validate: str = msgspec.field(default="", name="arpValidate")
    arp_all_targets: str = msgspec.field(default="", name="arpAllTargets")
    lacp_rate: str = msgspec.field(default="", name="lacpRate")
    fail_over_mac: str = msgspec.field(default="", name="failOverMac")
    ad_select: str = msgspec.field(default="", name="adSelect")
    ad_actor_sys_prio: int | None = msgspec.field(default=None, name="adActorSysPrio")
    ad_user_port_key: int | None = msgspec.field(default=None, name="adUserPortKey")
    ad_lacp_active: str = msgspec.field(default="", name="adLACPActive")
    primary: str = ""
    primary_reselect: str = msgspec.field(default="", name="primaryReselect")
    resend_igmp: int | None = msgspec.field(default=None, name="resendIGMP")
    min_links: int | None = msgspec.field(default=None, name="minLinks")
    lp_interval: int | None = msgspec.field(default=None, name="lpInterval")
    packets_per_slave: int | None = msgspec.field(default=None, name="packetsPerSlave")
    num_peer_notif: int | None = msgspec.field(default=None, name="numPeerNotif")
    tlb_logical_lb: int | None = msgspec.field(default=None, name="tlbLogicalLb")
    all_slaves_active: int | None = msgspec.field(default=None, name="allSlavesActive")
    peer_notif_delay: int | None = msgspec.field(default=None, name="peerNotifDelay")
    missed_max: int | None = msgspec.field(default=None, name="missedMax")
    up: bool | None = None
    mtu: int = 0
    addresses: tuple[AddressConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    multicast: bool | None = None
