"""Malformed requests through the network against a real node: nothing ends, nothing grows, everything is answered."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from talos.machinery.client import connection, talosconfig
from talos.machinery.config import secrets
from talos.pki import bundle
from tests.cluster.driver import LocalCluster, until
from tests.conformance.rpc import facts, hostile

CHOSEN = (
    "/machine.MachineService/Version",
    "/machine.MachineService/ApplyConfiguration",
    "/machine.MachineService/EtcdStatus",
    "/machine.MachineService/ServiceList",
    "/machine.ImageService/Import",
    "/machine.LVMService/VolumeGroupRemove",
    "/cosi.resource.State/Watch",
    "/securityapi.SecurityService/Certificate",
)
PER_RPC = 100
MIB = 1 << 20


def _daemons(cluster: LocalCluster) -> dict[str, int]:
    """apid, trustd and machined: a word of their command line -> pid."""
    found = {}
    for pid in cluster.pids(cluster.planes[0], lambda _: True):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        for name in ("apid", "trustd", "machined"):
            if f"talos.{name}" in line or f"/{name}" in line.split(" ")[0]:
                found[name] = pid
    return found


def _size(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.feature("B032")
def test_a_node_survives_what_is_malformed(cluster: LocalCluster) -> None:
    made = secrets.Bundle.load((cluster.folder / "configs/secrets.yaml").read_bytes())
    pair = bundle.admin_certificate(made)
    context = connection.tls(talosconfig.Context(ca=made.os.crt, crt=pair.crt, key=pair.key))
    wanted = [rpc for rpc in facts.rpcs() if rpc.path in CHOSEN]

    async def attack() -> None:
        for rpc in wanted:
            port = 50001 if rpc.service == "securityapi.SecurityService" else 50000
            caller = await hostile.Connection().open_tls(cluster.planes[0], port, context)
            fields = len(facts.recorded()["messages"][rpc.request])
            outcomes = await caller.play(hostile.requests(rpc.path, fields, 7, PER_RPC), 60)
            await caller.close()
            assert len(outcomes) == 25
            for kind, found in outcomes.items():
                assert "13" not in found, (rpc.path, kind)

    before = _daemons(cluster)
    assert set(before) == {"apid", "trustd", "machined"}
    asyncio.run(attack())
    sizes = {name: _size(pid) for name, pid in before.items()}
    asyncio.run(attack())
    assert _daemons(cluster) == before
    for name, pid in before.items():
        assert _size(pid) - sizes[name] < 16 * MIB, name
    assert "v1.14" in cluster.talosctl("version", node=cluster.planes[0]).out
    until(lambda: cluster.services(cluster.planes[0])["apid"] == ("Running", "OK"), 20, "apid is well")
    for service in ("apid", "machined"):
        assert "Traceback" not in cluster.talosctl("logs", service, node=cluster.planes[0]).out
