"""Other names for links: which link gets one, and what may use it."""

from __future__ import annotations

from typing import Any

import pytest

from talos.linux.netlink import link as links
from talos.machined.controllers.network import _devices, link_alias_config, link_alias_spec, operator_config
from talos.machinery.config import loader
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.link_alias_spec import LinkAliasSpec
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.types import network
from talos.testing import ctest

ALIAS = "apiVersion: v1alpha1\nkind: LinkAliasConfig\nname: %s\nselector:\n  match: '%s'\n---\n"


def port(mac: str, **more: Any) -> LinkStatus.Spec:
    return LinkStatus.Spec(
        type=network.LinkType.ETHER, hardware_addr=mac, permanent_addr=mac, driver=more.pop("driver", "e1000"), **more
    )


PORTS = {"eth0": port("02:00:00:00:00:02"), "eth1": port("02:00:00:00:00:01"), "eth2": port("02:00:00:00:00:03")}


@pytest.mark.parametrize(
    ("documents", "expected", "problems"),
    [
        ([("lan", 'mac(link.permanent_addr) == "02:00:00:00:00:01"')], {"eth1": "lan"}, 0),
        ([("net%d", 'link.driver == "e1000"')], {"eth1": "net0", "eth0": "net1", "eth2": "net2"}, 0),
        ([("lan", 'link.driver == "e1000"')], {}, 1),
        ([("lan", 'link.driver == "ixgbe"')], {}, 0),
        (
            [("lan", 'mac(link.permanent_addr) == "02:00:00:00:00:01"'), ("net%d", "true")],
            {"eth1": "lan", "eth0": "net0", "eth2": "net1"},
            0,
        ),
    ],
)
def test_who_gets_which_name(documents: list[tuple[str, str]], expected: dict[str, str], problems: int) -> None:
    config = loader.load("".join(ALIAS % one for one in documents).encode())
    names, wrong = link_alias_config.plan(config, PORTS)
    assert names == expected
    assert len(wrong) == problems


@pytest.mark.feature("E143")
async def test_specs_follow_documents_and_ports() -> None:
    documents = (ALIAS % ("net%d", "true")).encode()
    async with ctest.bench(link_alias_config.LinkAliasConfigController()) as b:
        for id, spec in PORTS.items():
            await b.put(LinkStatus(id, spec))
        await b.put(LinkStatus("br0", LinkStatus.Spec(type=network.LinkType.ETHER, kind="bridge")))
        assert await b.ids(LinkAliasSpec) == []
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=documents)))
        assert await b.ids(LinkAliasSpec) == ["eth0", "eth1", "eth2"]
        await b.destroy(MachineConfig, ACTIVE_ID)
        assert await b.ids(LinkAliasSpec) == []


@pytest.mark.parametrize(
    ("present", "wanted", "given", "expected"),
    [
        ((), {"eth0": "lan"}, {}, [(7, "lan", True)]),
        (("lan",), {"eth0": "lan"}, {}, []),
        (("lan",), {}, {"eth0": "lan"}, [(7, "lan", False)]),
        (("lan", "enp1s0"), {"eth0": "wan"}, {"eth0": "lan"}, [(7, "lan", False), (7, "wan", True)]),
        (("enp1s0",), {}, {"eth9": "x"}, []),
    ],
)
def test_names_to_add_and_take_away(
    present: tuple[str, ...], wanted: dict[str, str], given: dict[str, str], expected: list[tuple[int, str, bool]]
) -> None:
    link = links.Link(7, "eth0", alternative_names=present)
    assert [tuple(one) for one in link_alias_spec.plan([link], wanted, given)] == expected


@pytest.mark.feature("L005")
def test_documents_may_use_the_name() -> None:
    text = (
        "apiVersion: v1alpha1\nkind: LinkConfig\nname: lan\naddresses: [{address: 10.0.0.1/24}]\n---\n"
        "apiVersion: v1alpha1\nkind: VLANConfig\nname: v7\nparent: lan\nvlanID: 7\n---\n"
        "apiVersion: v1alpha1\nkind: DHCPv4Config\nname: wan\n"
    )
    config = loader.load(text.encode())
    known = {"eth0": port("02:00:00:00:00:01", alt_names=("lan",)), "eth1": port("", alt_names=("wan",))}
    by_name = {one.name: one for one in _devices.devices(config, known)}
    assert (by_name["eth0"].addresses, by_name["v7"].parent) == ((("10.0.0.1/24", 0),), "eth0")
    operators = operator_config.plan(config, ["eth0", "eth1"], _devices.real_names(known))
    assert [(one.link_name, str(one.config_layer)) for one in operators] == [("eth1", "configuration")]
