"""Resource type NfTablesChains.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types


class NfTablesIfNameMatch(msgspec.Struct, frozen=True, kw_only=True):
    """Matches interfaces by name."""

    interface_names: tuple[str, ...] = msgspec.field(default=(), name="interfaceName")
    operator: network_types.MatchOperator = network_types.MatchOperator.EQUAL


class NfTablesMark(msgspec.Struct, frozen=True, kw_only=True):
    """Matches or sets a packet mark."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"mask", "xor", "value"})

    mask: int = 0
    xor: int = 0
    value: int = 0


class NfTablesConntrackStateMatch(msgspec.Struct, frozen=True, kw_only=True):
    """Matches the state of the connection."""

    states: tuple[network_types.ConntrackState, ...] = ()


class NfTablesAddressMatch(msgspec.Struct, frozen=True, kw_only=True):
    """Matches addresses by subnet."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"include_subnets", "exclude_subnets", "invert"})

    include_subnets: tuple[str, ...] = msgspec.field(default=(), name="includeSubnets")
    exclude_subnets: tuple[str, ...] = msgspec.field(default=(), name="excludeSubnets")
    invert: bool = False


class PortRange(msgspec.Struct, frozen=True, kw_only=True):
    """Ports from `lo` to `hi`, both included."""

    lo: int = 0
    hi: int = 0


class NfTablesPortMatch(msgspec.Struct, frozen=True, kw_only=True):
    """Matches ports."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"ranges"})

    ranges: tuple[PortRange, ...] = ()


class NfTablesICMPTypeMatch(msgspec.Struct, frozen=True, kw_only=True):
    """Matches ICMP types."""

    types: tuple[network_types.ICMPType, ...] = ()


class NfTablesLayer4Match(msgspec.Struct, frozen=True, kw_only=True):
    """Matches protocol and ports."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"match_source_port", "match_destination_port", "match_icmp_type"})

    protocol: network_types.Protocol = network_types.Protocol.UNSPECIFIED
    match_source_port: NfTablesPortMatch | None = msgspec.field(default=None, name="matchSourcePort")
    match_destination_port: NfTablesPortMatch | None = msgspec.field(default=None, name="matchDestinationPort")
    match_icmp_type: NfTablesICMPTypeMatch | None = msgspec.field(default=None, name="matchICMPType")


class NfTablesLimitMatch(msgspec.Struct, frozen=True, kw_only=True):
    """Matches as long as a packet rate is not exceeded."""

    packet_rate_per_second: int = msgspec.field(default=0, name="packetRatePerSecond")


class NfTablesClampMSS(msgspec.Struct, frozen=True, kw_only=True):
    """Limits the segment size of TCP to what fits an MTU."""

    mtu: int = 0


class NfTablesRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: what it matches and what then happens."""

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {
            "match_i_if_name",
            "match_o_if_name",
            "match_mark",
            "match_conntrack_state",
            "match_source_address",
            "match_destination_address",
            "match_layer4",
            "match_limit",
            "clamp_mss",
            "set_mark",
            "anon_counter",
            "verdict",
        }
    )

    match_i_if_name: NfTablesIfNameMatch | None = msgspec.field(default=None, name="matchIIfName")
    match_o_if_name: NfTablesIfNameMatch | None = msgspec.field(default=None, name="matchOIfName")
    match_mark: NfTablesMark | None = msgspec.field(default=None, name="matchMark")
    match_conntrack_state: NfTablesConntrackStateMatch | None = msgspec.field(default=None, name="matchConntrackState")
    match_source_address: NfTablesAddressMatch | None = msgspec.field(default=None, name="matchSourceAddress")
    match_destination_address: NfTablesAddressMatch | None = msgspec.field(default=None, name="matchDestinationAddress")
    match_layer4: NfTablesLayer4Match | None = msgspec.field(default=None, name="matchLayer4")
    match_limit: NfTablesLimitMatch | None = msgspec.field(default=None, name="matchLimit")
    clamp_mss: NfTablesClampMSS | None = msgspec.field(default=None, name="clampMSS")
    set_mark: NfTablesMark | None = msgspec.field(default=None, name="setMark")
    anon_counter: bool = msgspec.field(default=False, name="anonymousCounter")
    verdict: network_types.NfTablesVerdict | None = None


class NfTablesChain(resource.Resource["NfTablesChain.Spec"]):
    """A packet filter chain wanted in the kernel."""

    definition = resource.Definition(
        type="NfTablesChains.net.talos.dev",
        namespace="network",
        aliases=(
            "chain",
            "chains",
        ),
        print_columns=(
            resource.PrintColumn("Type", "{.type}"),
            resource.PrintColumn("Hook", "{.hook}"),
            resource.PrintColumn("Priority", "{.priority}"),
            resource.PrintColumn("Policy", "{.policy}"),
        ),
        message="talos.resource.definitions.network.NfTablesChainSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        type: str = ""
        hook: network_types.NfTablesChainHook = network_types.NfTablesChainHook.PREROUTING
        priority: network_types.NfTablesChainPriority = network_types.NfTablesChainPriority.FILTER
        policy: network_types.NfTablesVerdict = network_types.NfTablesVerdict.DROP
        rules: tuple[NfTablesRule, ...] = ()
