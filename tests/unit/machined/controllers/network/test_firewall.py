"""The firewall documents as chains, and chains as nft's words."""

from __future__ import annotations

import pytest

from talos.machined.controllers.network import _firewall, _nft_script
from talos.machined.controllers.network.nf_tables_chain_config import NfTablesChainConfigController
from talos.machinery.config import loader
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.nf_tables_chain import (
    NfTablesAddressMatch,
    NfTablesChain,
    NfTablesClampMSS,
    NfTablesMark,
    NfTablesRule,
)
from talos.machinery.resources.network.node_address import NODE_ADDRESS_ROUTED_ID, NodeAddress
from talos.machinery.types import network
from talos.testing import ctest

BLOCK = """
apiVersion: v1alpha1
kind: NetworkDefaultActionConfig
ingress: block
---
"""
RULE = """
apiVersion: v1alpha1
kind: NetworkRuleConfig
name: kubelet
portSelector:
  ports: [10250, 30000-32767]
  protocol: tcp
ingress:
  - subnet: 10.0.0.0/24
    except: 10.0.0.1/32
"""


def plan(text: str) -> dict[str, NfTablesChain.Spec]:
    return _firewall.plan(loader.load(text.encode()), ["10.0.0.7"], ["10.244.0.0/16"])


def test_without_documents_there_is_no_filter() -> None:
    text = "apiVersion: v1alpha1\nkind: NetworkDefaultActionConfig\ningress: accept\n"
    assert plan(text) == {}


def test_welcome_unless_a_rule_says_otherwise() -> None:
    chain = plan(RULE)["ingress"]
    assert (chain.policy, chain.priority.number) == (network.NfTablesVerdict.ACCEPT, -140)
    script = _nft_script.script({"ingress": chain})
    ports = "meta l4proto 6 th dport { 10250, 30000-32767 } counter drop"
    assert f"ip saddr != {{ 10.0.0.0, 10.0.0.2-10.0.0.255 }} {ports}" in script
    assert f"meta nfproto ipv6 {ports}" in script


def test_only_what_rules_name() -> None:
    found = plan(BLOCK + RULE)
    script = _nft_script.script(found)
    assert "hook input priority -140; policy drop;" in script
    assert "hook prerouting priority -110; policy drop;" in script
    assert "ip saddr { 10.0.0.0, 10.0.0.2-10.0.0.255 } meta l4proto 6 th dport" in script
    assert "meta l4proto 1 limit rate 5/second burst 5 packets counter accept" in script
    assert 'iifname { "lo", "siderolink", "kubespan" } accept' in script
    assert "ip saddr { 10.244.0.0-10.244.255.255 } ip daddr { 10.244.0.0-10.244.255.255 } accept" in script
    assert "ip daddr != { 10.0.0.7 } accept" in script.split("chain prerouting")[1]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ((), (), []),
        (("10.0.0.0/30",), (), [(0x0A000000, 0x0A000003)]),
        (("10.0.0.0/31", "10.0.0.2/31"), (), [(0x0A000000, 0x0A000003)]),
        (("10.0.0.0/30",), ("10.0.0.0/32",), [(0x0A000001, 0x0A000003)]),
        (("10.0.0.0/30",), ("10.0.0.3/32",), [(0x0A000000, 0x0A000002)]),
        (("10.0.0.0/30",), ("10.0.0.1/32",), [(0x0A000000, 0x0A000000), (0x0A000002, 0x0A000003)]),
        (("10.0.0.0/30",), ("10.0.0.0/24",), []),
        (("10.0.0.0/30",), ("11.0.0.0/24", "fd00::/8"), [(0x0A000000, 0x0A000003)]),
    ],
)
def test_intervals(include: tuple[str, ...], exclude: tuple[str, ...], expected: list[tuple[int, int]]) -> None:
    match = NfTablesAddressMatch(include_subnets=include, exclude_subnets=exclude)
    assert _nft_script.intervals(match, 4) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (NfTablesRule(match_source_address=NfTablesAddressMatch(), verdict=network.NfTablesVerdict.DROP), []),
        (
            NfTablesRule(
                match_mark=NfTablesMark(mask=0x60, value=0x20), set_mark=NfTablesMark(mask=0xFFFFFFDF, xor=0x40)
            ),
            ["meta mark & 0x60 ^ 0x0 == 0x20 meta mark set meta mark & 0xffffffdf ^ 0x40"],
        ),
        (
            NfTablesRule(
                match_destination_address=NfTablesAddressMatch(include_subnets=("fd00::/8",)),
                clamp_mss=NfTablesClampMSS(mtu=1420),
            ),
            [
                "ip6 daddr { fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff } meta nfproto ipv6 "
                "tcp flags & (syn | rst) == syn tcp option maxseg size > 1360 tcp option maxseg size set 1360"
            ],
        ),
    ],
)
def test_rules_in_words(rule: NfTablesRule, expected: list[str]) -> None:
    assert _nft_script.lines(rule) == expected


@pytest.mark.feature("E149")
async def test_chains_follow_the_configuration() -> None:
    async with ctest.bench(NfTablesChainConfigController()) as b:
        await b.put(
            NodeAddress(NODE_ADDRESS_ROUTED_ID, NodeAddress.Spec(addresses=("10.0.0.7/24",))),
            MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=(BLOCK + RULE).encode())),
        )
        assert await b.ids(NfTablesChain) == ["ingress", "prerouting"]
        await b.destroy(MachineConfig, ACTIVE_ID)
        assert await b.ids(NfTablesChain) == []
