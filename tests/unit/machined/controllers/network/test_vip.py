"""Shared addresses: who is a candidate, who holds the address, and when it is let go."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import struct
from collections.abc import AsyncIterator

import pytest
from tests.unit.machined.controllers.cluster_node import node, source, there

from talos.linux import announce
from talos.machined.controllers.k8s import node_ip
from talos.machined.controllers.k8s.node_ip_config import NodeIPConfigController
from talos.machined.controllers.network import _vip, operator_merge, operator_spec, operator_vip_config
from talos.machinery.config import loader, views
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.k8s.node_ip_config import NodeIPConfig
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.resources.network.link_status import LinkStatus
from talos.testing import ctest

DOCUMENT = """
---
apiVersion: v1alpha1
kind: Layer2VIPConfig
name: 10.0.0.9
link: eth0
"""
SECTION = """version: v1alpha1
machine:
  type: %s
  network:
    interfaces:
      - interface: eth1
        vip: {ip: 10.1.0.9}
        vlans:
          - vlanId: 7
            vip: {ip: 10.2.0.9}
      - interface: eth2
        vip: {ip: 10.3.0.9, hcloud: {apiToken: x}}
"""


def test_candidates_are_control_planes() -> None:
    config = loader.load((SECTION % "controlplane" + DOCUMENT).encode())
    assert operator_vip_config.plan(config) == {"10.1.0.9": "eth1", "10.2.0.9": "eth1.7", "10.0.0.9": "eth0"}
    assert operator_vip_config.plan(loader.load((SECTION % "worker" + DOCUMENT).encode())) == {}


@pytest.mark.feature("L016")
async def test_no_node_goes_by_a_shared_address() -> None:
    config = (SECTION % "controlplane" + DOCUMENT).encode()
    shared = ("10.0.0.9", "10.1.0.9", "10.2.0.9", "10.3.0.9")
    assert views.shared_addresses(loader.load(config)) == shared
    document = b"---\napiVersion: v1alpha1\nkind: Layer2VIPConfig\nname: 10.0.0.9\nlink: eth0\n"
    async with node(NodeIPConfigController(), config=source() + document) as (store, _):
        spec = (await there(store, NodeIPConfig, "kubelet")).spec
        assert node_ip.pick(("10.0.0.9/32", "10.0.0.2/24"), spec.valid_subnets, spec.exclude_subnets) == ("10.0.0.2",)


class Etcd:
    """One seat that is given to one candidate after the other."""

    def __init__(self) -> None:
        self.seat = asyncio.Lock()
        self.holder: asyncio.Task[None] | None = None
        self.names: list[str] = []

    def close(self) -> None:
        pass

    @contextlib.asynccontextmanager
    async def lead(self, name: str, *, ttl_s: int) -> AsyncIterator[asyncio.Task[None]]:
        self.names.append(name)
        async with self.seat:
            self.holder = asyncio.ensure_future(asyncio.sleep(3600))
            try:
                yield self.holder
            finally:
                self.holder.cancel()


@pytest.mark.feature("E155", "E156", "L016")
async def test_the_elected_node_has_the_address_until_it_is_deposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_vip, "_FIRST_PAUSE_S", 0.02)
    told: list[tuple[str, str, str]] = []
    monkeypatch.setattr(announce, "announce", lambda link, mac, ip: told.append((link, mac, str(ip))))
    etcd = Etcd()
    await etcd.seat.acquire()
    runner = operator_spec.OperatorSpecController()
    runner._etcd = lambda: etcd
    parts = (operator_vip_config.OperatorVIPConfigController(), operator_merge.OperatorMergeController(), runner)
    id = "operator/vip/eth0/10.0.0.9/32"
    async with ctest.bench(*parts) as b:
        source = "version: v1alpha1\nmachine: {type: controlplane}\n" + DOCUMENT
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=source.encode())))
        await b.put(LinkStatus("eth0", LinkStatus.Spec(hardware_addr="02:00:00:00:00:01", link_state=True)))
        assert await b.ids(AddressSpec, namespace="network-config") == []
        etcd.seat.release()
        spec = (await b.expect(AddressSpec, id, namespace="network-config")).spec
        assert (spec.address, spec.link_name, str(spec.config_layer)) == ("10.0.0.9/32", "eth0", "operator")
        async with asyncio.timeout(5):
            while not told:
                await asyncio.sleep(0.01)
        assert told[0] == ("eth0", "02:00:00:00:00:01", "10.0.0.9")
        assert etcd.names[0] == "talos:v1:vip:election:10.0.0.9"
        # Deposed: somebody else gets the seat before we can have it again.
        other = asyncio.ensure_future(etcd.seat.acquire())
        await asyncio.sleep(0)
        assert etcd.holder is not None
        etcd.holder.cancel()
        await b.expect_none(AddressSpec, id, namespace="network-config")
        await other
        etcd.seat.release()
        await b.expect(AddressSpec, id, namespace="network-config")
        await b.destroy(MachineConfig, ACTIVE_ID)
        await b.expect_none(AddressSpec, id, namespace="network-config")


MAC = bytes.fromhex("020000000001")


def test_gratuitous_arp() -> None:
    frame = announce.arp_frame(ipaddress.IPv4Address("10.0.0.9"), MAC)
    assert frame[:14] == b"\xff" * 6 + MAC + b"\x08\x06"
    _, _, _, _, operation, sender, source, _, target = struct.unpack("!HHBBH6s4s6s4s", frame[14:])
    assert (operation, sender, source, target) == (1, MAC, bytes([10, 0, 0, 9]), bytes([10, 0, 0, 9]))


def test_neighbour_advertisement_has_a_right_checksum() -> None:
    address = ipaddress.IPv6Address("fd00::9")
    frame = announce.advertisement_frame(address, MAC)
    body = frame[14 + 40 :]
    pseudo = address.packed + ipaddress.IPv6Address("ff02::1").packed + struct.pack("!II", len(body), 58)
    words = struct.unpack(f"!{(len(pseudo) + len(body)) // 2}H", pseudo + body)
    total = sum(words)
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    assert total == 0xFFFF
    assert (body[0], frame[14 + 7], body[8:24]) == (136, 255, address.packed)
