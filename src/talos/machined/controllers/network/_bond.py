"""A bond's settings between resource and kernel: one table, both directions."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from talos.machinery.resources.network.link_spec import BondMasterSpec
from talos.machinery.types import network, wire


class _Setting(NamedTuple):
    field: str
    kernel: str
    enum: type[wire.WireEnum] | None = None


_SETTINGS = (
    _Setting("mode", "mode", network.BondMode),
    _Setting("hash_policy", "xmit_hash_policy", network.BondXmitHashPolicy),
    _Setting("lacp_rate", "ad_lacp_rate", network.LACPRate),
    _Setting("arp_validate", "arp_validate", network.ARPValidate),
    _Setting("arp_all_targets", "arp_all_targets", network.ARPAllTargets),
    _Setting("primary_reselect", "primary_reselect", network.PrimaryReselect),
    _Setting("fail_over_mac", "fail_over_mac", network.FailOverMAC),
    _Setting("ad_select", "ad_select", network.ADSelect),
    _Setting("adlacp_active", "ad_lacp_active", network.ADLACPActive),
    _Setting("mii_mon", "miimon"),
    _Setting("up_delay", "updelay"),
    _Setting("down_delay", "downdelay"),
    _Setting("arp_interval", "arp_interval"),
    _Setting("resend_igmp", "resend_igmp"),
    _Setting("min_links", "min_links"),
    _Setting("lp_interval", "lp_interval"),
    _Setting("packets_per_slave", "packets_per_slave"),
    _Setting("num_peer_notif", "num_peer_notif"),
    _Setting("tlb_dynamic_lb", "tlb_dynamic_lb"),
    _Setting("all_slaves_active", "all_slaves_active"),
    _Setting("use_carrier", "use_carrier"),
    _Setting("ad_actor_sys_prio", "ad_actor_sys_prio"),
    _Setting("ad_user_port_key", "ad_user_port_key"),
    _Setting("peer_notify_delay", "peer_notif_delay"),
    _Setting("missed_max", "missed_max"),
)
_ONLY_LACP = frozenset({"lacp_rate", "ad_select", "adlacp_active", "ad_actor_sys_prio", "ad_user_port_key"})
_ONLY_ARP = frozenset({"arp_validate", "arp_all_targets", "missed_max"})
_ONLY_PRIMARY = frozenset({"primary_reselect"})
_WITH_PRIMARY = (network.BondMode.ACTIVE_BACKUP, network.BondMode.TLB, network.BondMode.ALB)
_NO_ARP = (network.BondMode.LACP, network.BondMode.TLB, network.BondMode.ALB)
_UNSET_IS_DEFAULT = frozenset(
    {"resend_igmp", "lp_interval", "num_peer_notif", "packets_per_slave", "missed_max", "peer_notify_delay"}
    | {"ad_actor_sys_prio", "tlb_dynamic_lb", "use_carrier", "mii_mon", "up_delay", "down_delay", "arp_interval"}
)


def _applies(field: str, spec: BondMasterSpec) -> bool:
    """The kernel refuses settings that its mode does not know, even at their default."""
    if field in _ONLY_LACP:
        return spec.mode is network.BondMode.LACP
    if field in _ONLY_ARP:
        return spec.mode not in _NO_ARP and bool(spec.arp_interval)
    if field in _ONLY_PRIMARY:
        return spec.mode in _WITH_PRIMARY
    if field == "packets_per_slave":
        return spec.mode is network.BondMode.ROUNDROBIN
    return True


def to_kernel(spec: BondMasterSpec, index_of: Callable[[str], int | None]) -> dict[str, Any]:
    """Settings for `netlink.kinds.BOND`. `index_of` finds a link; a primary that is not there yet is left out."""
    found: dict[str, Any] = {}
    for setting in _SETTINGS:
        value = getattr(spec, setting.field)
        if value is None or not _applies(setting.field, spec):
            continue
        if not value and setting.field in _UNSET_IS_DEFAULT:
            continue
        found[setting.kernel] = value.number if isinstance(value, wire.WireEnum) else int(value)
    if spec.primary and spec.mode in _WITH_PRIMARY and (index := index_of(spec.primary)) is not None:
        found["primary"] = index
    if spec.arp_interval and spec.mode not in _NO_ARP:
        found["arp_ip_target"] = [ipaddress.ip_address(one) for one in spec.arpip_targets]
        if spec.nsip6_targets:
            found["ns_ip6_target"] = [ipaddress.ip_address(one) for one in spec.nsip6_targets]
    return found


def from_kernel(data: Mapping[str, Any], name_of: Callable[[int], str]) -> BondMasterSpec:
    """The settings the kernel tells."""
    values: dict[str, Any] = {}
    for setting in _SETTINGS:
        if setting.kernel in data:
            number = data[setting.kernel]
            values[setting.field] = setting.enum.from_number(number) if setting.enum else number
    values["use_carrier"] = bool(values.get("use_carrier", False))
    primary = data.get("primary")
    return BondMasterSpec(
        **values,
        primary_index=primary,
        primary=name_of(primary) if primary else "",
        arpip_targets=tuple(str(one) for one in data.get("arp_ip_target", ())),
        nsip6_targets=tuple(str(one) for one in data.get("ns_ip6_target", ())),
    )
