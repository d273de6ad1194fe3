"""The ingress firewall as chains: what the documents NetworkDefaultActionConfig and NetworkRuleConfig mean. Pure.

`ingress` judges what is for the node itself, `prerouting` what is for pods and services of type NodePort before its
destination is rewritten. Both are made only when there is something to filter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from talos.machinery.config import container
from talos.machinery.config.documents.network.network_default_action import NetworkDefaultActionConfig
from talos.machinery.config.documents.network.network_rule import NetworkRuleConfig
from talos.machinery.resources.network import nf_tables_chain as chains
from talos.machinery.types import network

INGRESS, PREROUTING = "ingress", "prerouting"
TRUSTED_LINKS = ("lo", "siderolink", "kubespan")
PINGS_PER_SECOND = 5
_ACCEPT, _DROP = network.NfTablesVerdict.ACCEPT, network.NfTablesVerdict.DROP
_INGRESS_PRIORITY = network.NfTablesChainPriority.MANGLE.number + 10
_PREROUTING_PRIORITY = network.NfTablesChainPriority.NAT_DEST.number - 10


def _rule(**parts: Any) -> chains.NfTablesRule:
    return chains.NfTablesRule(**parts)


def _trusted() -> chains.NfTablesRule:
    return _rule(match_i_if_name=chains.NfTablesIfNameMatch(interface_names=TRUSTED_LINKS), verdict=_ACCEPT)


def _tracked(*states: network.ConntrackState, verdict: network.NfTablesVerdict) -> chains.NfTablesRule:
    return _rule(match_conntrack_state=chains.NfTablesConntrackStateMatch(states=states), verdict=verdict)


def _icmp(protocol: network.Protocol, *types: network.ICMPType) -> chains.NfTablesRule:
    matched = chains.NfTablesICMPTypeMatch(types=types) if types else None
    return _rule(
        match_layer4=chains.NfTablesLayer4Match(protocol=protocol, match_icmp_type=matched),
        match_limit=None if types else chains.NfTablesLimitMatch(packet_rate_per_second=PINGS_PER_SECOND),
        anon_counter=True,
        verdict=_DROP if types else _ACCEPT,
    )


def _guests(subnets: Sequence[str], networks: Sequence[str]) -> chains.NfTablesRule:
    """Traffic from the pod and service networks to pods and services."""
    return _rule(
        match_source_address=chains.NfTablesAddressMatch(include_subnets=tuple(subnets)),
        match_destination_address=chains.NfTablesAddressMatch(include_subnets=tuple(networks)),
        verdict=_ACCEPT,
    )


def port_ranges(ports: Iterable[str]) -> tuple[chains.PortRange, ...]:
    """`80` and `30000-32767` as ranges, sorted."""
    found = []
    for text in ports:
        low, _, high = str(text).partition("-")
        found.append(chains.PortRange(lo=int(low), hi=int(high or low)))
    return tuple(sorted(found, key=lambda one: (one.lo, one.hi)))


def _selected(document: NetworkRuleConfig, *, invert: bool) -> chains.NfTablesRule:
    """Packets of a rule's ports: from whom they are welcome, or from everybody else."""
    ports = document.port_selector
    assert ports is not None
    return _rule(
        match_source_address=chains.NfTablesAddressMatch(
            include_subnets=tuple(one.subnet for one in document.ingress),
            exclude_subnets=tuple(one.except_ for one in document.ingress if one.except_),
            invert=invert,
        ),
        match_layer4=chains.NfTablesLayer4Match(
            protocol=network.Protocol(ports.protocol),  # type: ignore[call-arg]
            match_destination_port=chains.NfTablesPortMatch(ranges=port_ranges(ports.ports)),
        ),
        anon_counter=True,
        verdict=_DROP if invert else _ACCEPT,
    )


def plan(
    config: container.Container, own: Sequence[str], cluster: Sequence[str]
) -> dict[str, chains.NfTablesChain.Spec]:
    """Chains by id. `own`: addresses of this node (CIDR); `cluster`: pod and service networks.

    When everything is welcome that no rule is about, rules drop what they do not name, else they let in what they do.
    """
    default = config.one(NetworkDefaultActionConfig)
    blocks = default is not None and default.ingress == "block"
    documents = sorted(config.all(NetworkRuleConfig), key=lambda one: one.name)
    if not blocks and not documents:
        return {}
    policy = _DROP if blocks else _ACCEPT
    chosen = [_selected(one, invert=not blocks) for one in documents]
    node = network.ConntrackState
    basics = [
        _tracked(node.ESTABLISHED, node.RELATED, verdict=_ACCEPT),
        _tracked(node.INVALID, verdict=_DROP),
    ]
    ingress = [_trusted(), *basics]
    if blocks:
        kinds = network.ICMPType
        refused = (kinds.TIMESTAMP_REQUEST, kinds.TIMESTAMP_REPLY, kinds.ADDRESS_MASK_REQUEST, kinds.ADDRESS_MASK_REPLY)
        ingress += [
            _icmp(network.Protocol.ICMP, *refused),
            _icmp(network.Protocol.ICMP),
            _icmp(network.Protocol.ICM_PV6),
        ]
        if cluster:
            ingress.append(_guests(cluster, cluster))
    ingress += chosen
    if blocks:
        ingress.append(_rule(anon_counter=True))
    found = {INGRESS: _chain(network.NfTablesChainHook.INPUT, _INGRESS_PRIORITY, policy, ingress)}
    if own:
        others = _rule(
            match_destination_address=chains.NfTablesAddressMatch(include_subnets=tuple(own), invert=True),
            verdict=_ACCEPT,
        )
        prerouting = [_trusted(), others, *ingress[1:]]
        found[PREROUTING] = _chain(network.NfTablesChainHook.PREROUTING, _PREROUTING_PRIORITY, policy, prerouting)
    return found


def _chain(
    hook: network.NfTablesChainHook,
    priority: int,
    policy: network.NfTablesVerdict,
    rules: Sequence[chains.NfTablesRule],
) -> chains.NfTablesChain.Spec:
    return chains.NfTablesChain.Spec(
        type="filter",
        hook=hook,
        priority=network.NfTablesChainPriority.received(priority),
        policy=policy,
        rules=tuple(rules),
    )
