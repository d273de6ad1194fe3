"""Settings of the link kinds (bridge, bond, vlan, …) and of their ports, as attribute tables.

Names are those of `ip -d link`; numbers are from linux/if_link.h, linux/veth.h and linux/wireguard.h. Values are plain
numbers in the kernel's units (bridge timers in hundredths of a second, bond times in milliseconds) or addresses.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from talos.linux.netlink.codec import (
    BE16,
    BOOL8,
    IP,
    MAC,
    U8,
    U16,
    U32,
    Codec,
    Table,
    array,
)

_PAIR32 = struct.Struct("=II")
_PAIR16 = struct.Struct("!HH")


def _flags32(value: int) -> bytes:
    """Flags with a mask that covers exactly the flags asked for."""
    return _PAIR32.pack(value, value)


_FLAGS_MASK = Codec(_flags32, lambda payload: _PAIR32.unpack_from(payload)[0])
_PORT_RANGE = Codec(lambda value: _PAIR16.pack(*value), _PAIR16.unpack)

BRIDGE = Table(
    forward_delay=(1, U32),
    hello_time=(2, U32),
    max_age=(3, U32),
    ageing_time=(4, U32),
    stp_state=(5, U32),
    priority=(6, U16),
    vlan_filtering=(7, U8),
    vlan_protocol=(8, BE16),
    group_fwd_mask=(9, U16),
    mcast_snooping=(23, U8),
    nf_call_iptables=(36, U8),
    nf_call_ip6tables=(37, U8),
    vlan_default_pvid=(39, U16),
)
BRIDGE_PORT = Table(
    state=(1, U8),
    priority=(2, U16),
    cost=(3, U32),
    mode=(4, U8),
    guard=(5, U8),
    learning=(8, U8),
    unicast_flood=(9, U8),
    isolated=(33, U8),
)
VLAN = Table(id=(1, U16), flags=(2, _FLAGS_MASK), protocol=(5, BE16))
VXLAN = Table(
    id=(1, U32),
    group=(2, IP),
    link=(3, U32),
    local=(4, IP),
    ttl=(5, U8),
    tos=(6, U8),
    learning=(7, U8),
    ageing=(8, U32),
    port_range=(10, _PORT_RANGE),
    proxy=(11, U8),
    port=(15, BE16),
    group6=(16, IP),
    local6=(17, IP),
    udp_csum=(18, U8),
    collect_metadata=(25, BOOL8),
)
BOND = Table(
    mode=(1, U8),
    active_slave=(2, U32),
    miimon=(3, U32),
    updelay=(4, U32),
    downdelay=(5, U32),
    use_carrier=(6, U8),
    arp_interval=(7, U32),
    arp_ip_target=(8, array(IP)),
    arp_validate=(9, U32),
    arp_all_targets=(10, U32),
    primary=(11, U32),
    primary_reselect=(12, U8),
    fail_over_mac=(13, U8),
    xmit_hash_policy=(14, U8),
    resend_igmp=(15, U32),
    num_peer_notif=(16, U8),
    all_slaves_active=(17, U8),
    min_links=(18, U32),
    lp_interval=(19, U32),
    packets_per_slave=(20, U32),
    ad_lacp_rate=(21, U8),
    ad_select=(22, U8),
    ad_actor_sys_prio=(24, U16),
    ad_user_port_key=(25, U16),
    ad_actor_system=(26, MAC),
    tlb_dynamic_lb=(27, U8),
    peer_notif_delay=(28, U32),
    ad_lacp_active=(29, U8),
    missed_max=(30, U8),
    ns_ip6_target=(31, array(IP)),
)
BOND_PORT = Table(state=(1, U8), mii_status=(2, U8), perm_hwaddr=(4, MAC), queue_id=(5, U16), prio=(9, U32))
MACVLAN = Table(mode=(1, U32), flags=(2, U16))
IPVLAN = Table(mode=(1, U16), flags=(2, U16))
VRF = Table(table=(1, U32))
VRF_PORT = Table(table=(1, U32))
GENEVE = Table(id=(1, U32), remote=(2, IP), ttl=(3, U8), tos=(4, U8), port=(5, BE16), remote6=(7, IP))
TUN = Table(owner=(1, U32), group=(2, U32), type=(3, U8), pi=(4, U8), vnet_hdr=(5, U8), multi_queue=(7, U8))
GRE = Table(link=(1, U32), local=(6, IP), remote=(7, IP), ttl=(8, U8), tos=(9, U8))
IPTUN = Table(link=(1, U32), local=(2, IP), remote=(3, IP), ttl=(4, U8), tos=(5, U8))
NONE = Table()

DATA: Mapping[str, Table] = {
    "bridge": BRIDGE,
    "vlan": VLAN,
    "vxlan": VXLAN,
    "bond": BOND,
    "macvlan": MACVLAN,
    "macvtap": MACVLAN,
    "ipvlan": IPVLAN,
    "vrf": VRF,
    "geneve": GENEVE,
    "tun": TUN,
    "gre": GRE,
    "ipip": IPTUN,
}
PORT_DATA: Mapping[str, Table] = {"bridge": BRIDGE_PORT, "bond": BOND_PORT, "vrf": VRF_PORT}

VETH_PEER = 1
BRIDGE_VLAN_PROTOCOL_8021Q = 0x8100
BRIDGE_VLAN_PROTOCOL_8021AD = 0x88A8


def decode_data(kind: str, payload: bytes) -> dict[str, Any]:
    """Settings of a link of this kind; {} for kinds without a table."""
    return DATA.get(kind, NONE).decode(payload)


def decode_port_data(kind: str, payload: bytes) -> dict[str, Any]:
    """Settings a master of this kind keeps for a port."""
    return PORT_DATA.get(kind, NONE).decode(payload)
