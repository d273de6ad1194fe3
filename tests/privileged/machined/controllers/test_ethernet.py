"""Settings of cards on a veth pair, looked at with the ethtool program, that is with somebody else's eyes."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from tests import netns

from talos.linux import netlink
from talos.linux.netlink import ethernet
from talos.machined.controllers.network import ethernet_config, ethernet_spec, ethernet_status
from talos.machinery.config import loader
from talos.machinery.config.documents.network.ethernet import EthernetConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.ethernet_spec import EthernetSpec
from talos.machinery.resources.network.ethernet_status import EthernetFeatureStatus, EthernetStatus
from talos.testing import ctest

pytestmark = [pytest.mark.needs_netns]
DOCUMENT = """apiVersion: v1alpha1
kind: EthernetConfig
name: eth0
features: {tx-tcp-segmentation: %s}
channels: {rx: %d, tx: %d}
"""


@pytest.fixture
def ns() -> Iterator[int]:
    with netns.namespaces(1) as (fd,):
        with netlink.Route(fd) as rt:
            rt.link_add_veth("eth0", "peer", up=True)
            rt.link_set("peer", up=True)
        yield fd


def _ethtool(fd: int, *words: str) -> str:
    program = shutil.which("ethtool", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert program is not None
    with netlink.inside(fd):
        return subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.02)


def _source(segmentation: str, queues: int) -> MachineConfig:
    return MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=(DOCUMENT % (segmentation, queues, queues)).encode()))


@pytest.mark.feature("E134", "E135", "L026")
async def test_features_and_channels_are_set_and_set_again(ns: int) -> None:
    assert "tx-tcp-segmentation: on" in _ethtool(ns, "-k", "eth0")
    queues = min(2, os.cpu_count() or 1)
    async with ctest.bench(ethernet_config.EthernetConfigController(), ethernet_spec.EthernetSpecController(ns)) as b:
        await b.put(_source("false", queues))
        await _until(lambda: "tx-tcp-segmentation: off" in _ethtool(ns, "-k", "eth0"))
        await _until(lambda: _ethtool(ns, "-l", "eth0").split("Current")[1].count(f":\t\t{queues}\n") == 2)
        with netlink.Route(ns) as rt:
            rt.link_delete("eth0")
            rt.link_add_veth("eth0", "peer", up=True)
        await _until(lambda: "tx-tcp-segmentation: off" in _ethtool(ns, "-k", "eth0"))
        await b.put(_source("true", queues))
        await _until(lambda: "tx-tcp-segmentation: on" in _ethtool(ns, "-k", "eth0"))


@pytest.mark.feature("E136", "L026")
async def test_what_a_card_says(ns: int) -> None:
    reporter = ethernet_status.EthernetStatusController(ns)
    reporter.kinds = ("veth",)  # type: ignore[misc]
    async with ctest.bench(reporter) as b:
        spec = (await b.expect(EthernetStatus, "eth0")).spec
        features = {one.name: one.status for one in spec.features}
        assert features["tx-tcp-segmentation"] == "on"
        assert features["loopback"] == "off [fixed]"
        assert len(features) > 40
        assert spec.channels is not None
        assert spec.channels.rx == 1
        assert (spec.rings, spec.speed_megabits, str(spec.duplex)) == (None, 10000, "Full")
        _ethtool(ns, "-K", "eth0", "tso", "off")
        await b.put(EthernetSpec("eth9", EthernetSpec.Spec()))
        off = EthernetFeatureStatus(name="tx-tcp-segmentation", status="off")
        found = await b.expect(EthernetStatus, "eth0", lambda one: off in one.spec.features)
        assert found.spec.link_state is True


def test_a_document_as_a_spec() -> None:
    text = b"""apiVersion: v1alpha1
kind: EthernetConfig
name: eth0
rings: {rx: 4096, rx-mini: 8, tcp-data-split: true}
wakeOnLan: [magic, phy]
"""
    document = loader.load(text).one(EthernetConfig)
    assert document is not None
    spec = ethernet_config.spec(document)
    assert ethernet_spec.changes(spec.rings, {"rx": 4096, "rx_mini": 1}) == {"rx_mini": 8, "tcp_data_split": 2}
    assert sum(one.number for one in spec.wake_on_lan) == 33


def test_an_unknown_feature_is_the_kernels_error(ns: int) -> None:
    with ethernet.Ethernet(ns) as tool, pytest.raises(netlink.NetlinkError, match="set features of eth0"):
        ethernet_spec.apply(tool, "eth0", EthernetSpec.Spec(features={"no-such-thing": True}))
