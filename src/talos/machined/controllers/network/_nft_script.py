"""Chains as a script for nft(8): one transaction that replaces the table `inet talos`. Pure.

A rule that looks at addresses is one line per address family. An interval set holds what is included and not excluded.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from talos.linux import nft
from talos.machinery.resources.network import nf_tables_chain as chains
from talos.machinery.types import network

TABLE = "talos"
_BITS = {4: 32, 6: 128}
_SELECTOR = {4: "ip", 6: "ip6"}
_SEGMENT_OVERHEAD = {4: 40, 6: 60}
Interval = tuple[int, int]


def _spans(networks: Iterable[str], version: int) -> list[Interval]:
    """First and last address of each network of a family, merged and sorted."""
    parsed = [ipaddress.ip_network(one, strict=False) for one in networks]
    merged: list[Interval] = []
    for low, high in sorted((int(n[0]), int(n[-1])) for n in parsed if n.version == version):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def intervals(match: chains.NfTablesAddressMatch, version: int) -> list[Interval]:
    """What is included and not excluded, as first and last address."""
    found = _spans(match.include_subnets, version)
    for low, high in _spans(match.exclude_subnets, version):
        kept: list[Interval] = []
        for first, last in found:
            if first < low:
                kept.append((first, min(last, low - 1)))
            if last > high:
                kept.append((max(first, high + 1), last))
        found = kept
    return found


def _addresses(match: chains.NfTablesAddressMatch | None, side: str, version: int) -> str | None:
    """The condition, empty for "always", None for "never"."""
    if match is None:
        return ""
    found = intervals(match, version)
    if not found:
        return f"meta nfproto ipv{version}" if match.invert else None
    if found == [(0, 2 ** _BITS[version] - 1)]:
        return None if match.invert else f"meta nfproto ipv{version}"
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    texts = [str(kind(low)) if low == high else f"{kind(low)}-{kind(high)}" for low, high in found]
    return f"{_SELECTOR[version]} {side} {'!= ' if match.invert else ''}{{ {', '.join(texts)} }}"


def _ports(match: chains.NfTablesPortMatch | None, side: str) -> list[str]:
    if match is None:
        return []
    texts = [str(one.lo) if one.lo == one.hi else f"{one.lo}-{one.hi}" for one in match.ranges]
    return [f"th {side} {{ {', '.join(texts)} }}"]


def _layer4(match: chains.NfTablesLayer4Match | None) -> list[str]:
    if match is None:
        return []
    found = [f"meta l4proto {match.protocol.number}"]
    found += _ports(match.match_source_port, "sport") + _ports(match.match_destination_port, "dport")
    if match.match_icmp_type is not None:
        types = ", ".join(str(one.number) for one in match.match_icmp_type.types)
        found.append(f"icmp type {{ {types} }}")
    return found


def _names(match: chains.NfTablesIfNameMatch | None, key: str) -> list[str]:
    if match is None:
        return []
    names = ", ".join(f'"{one}"' for one in match.interface_names)
    return [f"{key} {'!= ' if match.operator is network.MatchOperator.NOT_EQUAL else ''}{{ {names} }}"]


def _conditions(rule: chains.NfTablesRule) -> list[str]:
    """What does not depend on the family, before and after what does."""
    found = _names(rule.match_i_if_name, "iifname") + _names(rule.match_o_if_name, "oifname")
    if rule.match_mark is not None:
        mark = rule.match_mark
        found.append(f"meta mark & {mark.mask:#x} ^ {mark.xor:#x} == {mark.value:#x}")
    if rule.match_conntrack_state is not None:
        states = ",".join(str(one) for one in rule.match_conntrack_state.states)
        found.append(f"ct state {states}")
    return found


def _statements(rule: chains.NfTablesRule) -> list[str]:
    found = []
    if rule.match_limit is not None:
        rate = rule.match_limit.packet_rate_per_second
        found.append(f"limit rate {rate}/second burst {rate} packets")
    if rule.set_mark is not None:
        found.append(f"meta mark set meta mark & {rule.set_mark.mask:#x} ^ {rule.set_mark.xor:#x}")
    if rule.anon_counter:
        found.append("counter")
    if rule.verdict is not None:
        found.append(str(rule.verdict))
    return found


def _clamp(mtu: int, version: int) -> str:
    size = mtu - _SEGMENT_OVERHEAD[version]
    return (
        f"meta nfproto ipv{version} tcp flags & (syn | rst) == syn tcp option maxseg size > {size} "
        f"tcp option maxseg size set {size}"
    )


def lines(rule: chains.NfTablesRule) -> list[str]:
    """A rule in nft's words; none when it can match nothing."""
    families = (4, 6)
    by_address = rule.match_source_address is not None or rule.match_destination_address is not None
    head, tail = _conditions(rule), _layer4(rule.match_layer4)
    found = []
    for version in families if by_address or rule.clamp_mss is not None else families[:1]:
        source = _addresses(rule.match_source_address, "saddr", version)
        destination = _addresses(rule.match_destination_address, "daddr", version)
        if source is None or destination is None:
            continue
        clamp = [_clamp(rule.clamp_mss.mtu, version)] if rule.clamp_mss is not None else []
        found.append(" ".join(filter(None, [*head, source, destination, *tail, *clamp, *_statements(rule)])))
    return found


def script(wanted: Mapping[str, chains.NfTablesChain.Spec]) -> str:
    """The whole table; without chains it is only taken away."""
    made = [f"add table inet {TABLE}", f"delete table inet {TABLE}"]
    if wanted:
        made.append(f"table inet {TABLE} {{")
        for name, spec in sorted(wanted.items()):
            head = f"type {nft.check_name(spec.type)} hook {spec.hook} priority {spec.priority.number};"
            made.append(f"chain {nft.check_name(name)} {{ {head} policy {spec.policy};")
            made += [line for rule in spec.rules for line in lines(rule)]
            made.append("}")
        made.append("}")
    return "\n".join(made) + "\n"
