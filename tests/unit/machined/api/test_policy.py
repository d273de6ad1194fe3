"""Who may call what: every RPC of the original against every role, decided by the server that runs on nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from talos.machined.api import server
from talos.machinery.api import methods
from talos.machinery.rpc import channel, status
from tests.conformance.rpc import facts
from tests.conformance.rpc.node import Node, running

ROLES = sorted(server.ALL_ROLES)
SERVED = [rpc for rpc in facts.rpcs() if rpc.service in methods.SERVICES]
IN_MAINTENANCE_ONLY = server.MAINTENANCE_READER


def fitting(rpc: facts.Rpc, *, maintenance: bool) -> set[str]:
    """The original's rule: without one, administrators only; os:reader changes nothing but in maintenance mode."""
    roles = set(rpc.roles or ("os:admin",))
    return roles if maintenance or rpc.path not in IN_MAINTENANCE_ONLY else roles - {"os:reader"}


def _passes(rpc: facts.Rpc, roles: frozenset[str], *, maintenance: bool) -> bool:
    try:
        server.decide(methods.method(rpc.path), roles, maintenance=maintenance)
    except server.errors.Denied:
        return False
    return True


@pytest.mark.feature("B030", "P017")
@pytest.mark.parametrize("rpc", SERVED, ids=lambda rpc: rpc.path)
def test_table(rpc: facts.Rpc) -> None:
    for maintenance in (False, True):
        expected = fitting(rpc, maintenance=maintenance)
        assert {role for role in ROLES if _passes(rpc, frozenset({role}), maintenance=maintenance)} == expected
        assert not _passes(rpc, frozenset(), maintenance=maintenance)
        assert not _passes(rpc, frozenset({"os:god", "", "admin", "OS:ADMIN"}), maintenance=maintenance)
        assert _passes(rpc, frozenset(ROLES), maintenance=maintenance)


def test_what_changes_a_node_is_never_a_readers() -> None:
    """Independent of the table: the names that write, and those whose answers are secret."""
    dangerous = (
        "Reset", "Reboot", "Shutdown", "Upgrade", "Rollback", "Bootstrap", "ApplyConfiguration", "Kubeconfig", "Copy",
        "Read", "ContainerRun", "GenerateClientConfiguration", "EtcdRecover", "EtcdSnapshot", "EtcdLeaveCluster",
        "EtcdRemoveMemberByID", "ServiceStart", "ServiceStop", "ServiceRestart", "Restart", "MetaWrite", "MetaDelete",
        "PacketCapture", "Import", "Pull", "Create", "Update", "Destroy", "Teardown", "TeardownAndDestroy",
    )  # fmt: skip
    found = {rpc.path.rpartition("/")[2] for rpc in SERVED if _passes(rpc, frozenset({"os:reader"}), maintenance=False)}
    assert not found & set(dangerous)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path) as nodes:
        yield nodes[0]


@pytest.mark.feature("B030", "B028")
@pytest.mark.parametrize("role", [*ROLES, ""])
async def test_the_server_refuses_before_it_reads_the_request(node: Node, role: str) -> None:
    """Over the wire: a role that does not fit hears PERMISSION_DENIED, whatever the request is."""
    client = channel.Channel.unix(node.socket)
    metadata = {server.ROLE_KEY: role} if role else None
    try:
        for rpc in SERVED:
            if rpc.path not in node.machined.paths or role in fitting(rpc, maintenance=False):
                continue
            with pytest.raises(status.RpcError) as caught:
                async with client.raw(rpc.path, metadata=metadata, timeout_s=5) as call:
                    await call.send(b"\xff\xff junk", end=True)
                    await call.receive()
            assert (caught.value.code, caught.value.message) == (status.Code.PERMISSION_DENIED, "not authorized"), rpc
    finally:
        client.close()


@pytest.mark.feature("B028", "B029")
@pytest.mark.parametrize(
    ("service", "role", "allowed"),
    [
        ("apid", "os:admin", True), ("installer", "os:admin", True), ("ext-anything", "os:admin", True),
        ("dashboard", "os:reader", True), ("dashboard", "os:admin", False), ("machined", "os:reader", False),
        ("containerd", "os:reader", False), ("cri", "os:admin", False), ("kubelet", "os:admin", False),
        (None, "os:admin", False),
    ],
)  # fmt: skip
async def test_claims_are_bounded_by_who_calls(
    node: Node, service: str | None, role: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "IDENTIFY_TIMEOUT_S", 0.1)
    node.who = service
    client = channel.Channel.unix(node.socket)
    try:
        async with client.raw("/machine.MachineService/Version", metadata={server.ROLE_KEY: role}, timeout_s=5) as call:
            await call.send(b"", end=True)
            if allowed:
                assert await call.receive()
                return
            with pytest.raises(status.RpcError) as caught:
                await call.receive()
            assert caught.value.code is status.Code.PERMISSION_DENIED
    finally:
        client.close()
