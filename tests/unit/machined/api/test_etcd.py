"""The RPCs of etcd on a real member, called over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2

from talos.k8s.etcd import client as etcd
from talos.k8s.etcd.command import Start
from talos.machined.api import server
from talos.machined.api.etcd import Etcd
from talos.machinery.api import methods
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import channel, status
from talos.machinery.rpc import server as rpc
from talos.supervisor import logs, supervisor
from tests import images
from tests.unit.k8s.etcd.members import Network

pytestmark = [pytest.mark.needs_artifacts, pytest.mark.timeout(60)]
EMPTY = empty_pb2.Empty()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return images.unpack("etcd", tmp_path_factory.mktemp("etcd")) / "usr/local/bin/etcd"


class Api:
    def __init__(self, made: channel.Channel, member: etcd.Client) -> None:
        self.channel, self.member = made, member

    async def __call__(self, name: str, request: Any = EMPTY) -> Any:
        answer = await self.channel.unary(methods.method(f"/machine.MachineService/{name}"), request, timeout_s=15)
        return answer.messages[0]


@pytest.fixture
async def connect(tmp_path: Path) -> AsyncIterator[Callable[[Callable[[], etcd.Client]], Any]]:
    """Serve the handlers with a way to reach etcd."""
    opened: list[Any] = []

    async def make(how: Callable[[], etcd.Client]) -> channel.Channel:
        services = supervisor.Supervisor(logs.LogStore(tmp_path / "logs"), tmp_path / "records")
        made = rpc.Server()
        server.mount(made, [Etcd(services, how)])
        await made.serve_unix(tmp_path / "api.sock")
        opened.append(made)
        return channel.Channel.unix(tmp_path / "api.sock")

    yield make
    for made in opened:
        await made.close(0.1)


@pytest.fixture
async def api(program: Path, tmp_path: Path, connect: Any) -> AsyncIterator[Api]:
    network = Network(tmp_path, program)
    async with network.running(1, Start.NEW, network.first()) as member:
        made = await connect(lambda: network.connect(1))
        yield Api(made, member)
        made.close()


@pytest.mark.feature("M004")
async def test_members_and_status(api: Api) -> None:
    listed = await api("EtcdMemberList", machine_pb2.EtcdMemberListRequest())
    (member,) = listed.members
    assert (member.hostname, member.is_learner) == ("m1", False)
    assert list(listed.legacy_members) == ["m1"]
    local = await api("EtcdMemberList", machine_pb2.EtcdMemberListRequest(query_local=True))
    assert local.members == listed.members
    found = (await api("EtcdStatus")).member_status
    assert found.member_id == found.leader == member.id
    assert found.protocol_version.startswith("3.")
    assert found.db_size >= found.db_size_in_use > 0
    assert found.raft_applied_index > 0
    assert not found.errors


@pytest.mark.feature("M004")
async def test_snapshot_is_the_database(api: Api) -> None:
    await api.member.put(b"needle", b"in the haystack")
    parts = [
        part.bytes
        async for part in api.channel.stream(
            methods.method("/machine.MachineService/EtcdSnapshot"), machine_pb2.EtcdSnapshotRequest(), timeout_s=15
        )
    ]
    data = b"".join(parts)
    assert b"in the haystack" in data
    assert len(data) % 512 == 32


@pytest.mark.feature("M004")
async def test_maintenance(api: Api) -> None:
    await api("EtcdDefragment")
    assert not (await api("EtcdAlarmList")).member_alarms
    assert not (await api("EtcdAlarmDisarm")).member_alarms
    assert (await api("EtcdForfeitLeadership", machine_pb2.EtcdForfeitLeadershipRequest())).member == ""
    with pytest.raises(status.RpcError, match="version"):
        await api("EtcdDowngradeValidate", machine_pb2.EtcdDowngradeValidateRequest(version="1.0.0"))


@pytest.mark.feature("M004")
async def test_what_cannot_be_is_refused(api: Api) -> None:
    with pytest.raises(status.RpcError, match="member not found") as missing:
        await api("EtcdRemoveMemberByID", machine_pb2.EtcdRemoveMemberByIDRequest(member_id=1))
    assert missing.value.code is status.Code.NOT_FOUND
    with pytest.raises(status.RpcError, match="only member") as last:
        await api("EtcdLeaveCluster", machine_pb2.EtcdLeaveClusterRequest())
    assert last.value.code is status.Code.FAILED_PRECONDITION
    assert len(await api.member.members()) == 1


async def test_a_node_without_etcd_says_so(connect: Any, tmp_path: Path) -> None:
    made = await connect(lambda: etcd.Client.local(tmp_path / "nothing"))
    with pytest.raises(status.RpcError, match="runs no etcd") as refused:
        await Api(made, None)("EtcdStatus")  # type: ignore[arg-type]
    assert refused.value.code is status.Code.FAILED_PRECONDITION
    made.close()


async def test_etcd_that_does_not_answer_is_unavailable(connect: Any, program: Path, tmp_path: Path) -> None:
    network = Network(tmp_path, program)
    made = await connect(lambda: network.connect(9))
    with pytest.raises(status.RpcError) as refused:
        await Api(made, None)("EtcdStatus")  # type: ignore[arg-type]
    assert refused.value.code is status.Code.UNAVAILABLE
    made.close()
