"""etcd over the API of a control plane node: members, status, maintenance, snapshots.

Each call opens a connection to the local etcd with the node's own certificate; etcd being away is UNAVAILABLE, a node
that runs none FAILED_PRECONDITION.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import ClassVar

from google.protobuf import empty_pb2

from talos.base import errors
from talos.k8s.etcd import client as etcd
from talos.k8s.etcd import membership
from talos.k8s.etcd._generated import etcdserver_pb2
from talos.machined.api import Handlers
from talos.machined.services import etcd as service
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc
from talos.supervisor import supervisor

_VALIDATE, _ENABLE, _CANCEL = 0, 1, 2


def member_message(member: etcd.Member) -> machine_pb2.EtcdMember:
    """Member -> message."""
    return machine_pb2.EtcdMember(
        id=member.id,
        hostname=member.name,
        peer_urls=member.peer_urls,
        client_urls=member.client_urls,
        is_learner=member.learner,
    )


def status_message(found: etcdserver_pb2.StatusResponse) -> machine_pb2.EtcdMemberStatus:
    """Status as etcd gives it -> message."""
    return machine_pb2.EtcdMemberStatus(
        member_id=found.header.member_id,
        protocol_version=found.version,
        storage_version=found.storageVersion,
        db_size=found.dbSize,
        db_size_in_use=found.dbSizeInUse,
        leader=found.leader,
        raft_index=found.raftIndex,
        raft_term=found.raftTerm,
        raft_applied_index=found.raftAppliedIndex,
        errors=found.errors,
        is_learner=found.isLearner,
    )


def _alarm(found: etcdserver_pb2.AlarmMember) -> machine_pb2.EtcdMemberAlarm:
    kind = etcdserver_pb2.AlarmType.Name(found.alarm)
    return machine_pb2.EtcdMemberAlarm(
        member_id=found.memberID, alarm=machine_pb2.EtcdMemberAlarm.AlarmType.Value(kind)
    )


class Etcd(Handlers):
    """The RPCs whose names begin with Etcd."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, services: supervisor.Supervisor, connect: Callable[[], etcd.Client] = etcd.Client.local) -> None:
        self._services, self._connect = services, connect

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[etcd.Client]:
        try:
            client = self._connect()
        except FileNotFoundError as error:
            raise errors.NotReady("this node runs no etcd") from error
        async with client:
            yield client

    async def etcd_member_list(
        self, request: machine_pb2.EtcdMemberListRequest, call: rpc.Call
    ) -> machine_pb2.EtcdMemberListResponse:
        """Members as the quorum knows them, or as this member does."""
        async with self._client() as client:
            members = await client.members(linearizable=not request.query_local)
        message = machine_pb2.EtcdMembers(
            legacy_members=[m.name for m in members], members=[member_message(m) for m in members]
        )
        return machine_pb2.EtcdMemberListResponse(messages=[message])

    async def etcd_status(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.EtcdStatusResponse:
        """Status of the local member."""
        async with self._client() as client:
            found = await client.status()
        return machine_pb2.EtcdStatusResponse(messages=[machine_pb2.EtcdStatus(member_status=status_message(found))])

    async def etcd_remove_member_by_id(
        self, request: machine_pb2.EtcdRemoveMemberByIDRequest, call: rpc.Call
    ) -> machine_pb2.EtcdRemoveMemberByIDResponse:
        """Remove a member, dead or alive."""
        async with self._client() as client:
            await client.remove(request.member_id)
        return machine_pb2.EtcdRemoveMemberByIDResponse(messages=[machine_pb2.EtcdRemoveMemberByID()])

    async def etcd_leave_cluster(
        self, request: machine_pb2.EtcdLeaveClusterRequest, call: rpc.Call
    ) -> machine_pb2.EtcdLeaveClusterResponse:
        """Leave the cluster, stop, and forget the data. Raises NotReady for the only member."""
        async with self._client() as client:
            if not await service.leave(self._services, client):
                raise errors.NotReady("the only member cannot leave its cluster")
        return machine_pb2.EtcdLeaveClusterResponse(messages=[machine_pb2.EtcdLeaveCluster()])

    async def etcd_forfeit_leadership(
        self, request: machine_pb2.EtcdForfeitLeadershipRequest, call: rpc.Call
    ) -> machine_pb2.EtcdForfeitLeadershipResponse:
        """Hand leadership to another member if this one leads; the answer names the new leader."""
        async with self._client() as client:
            leader = await membership.hand_over(client)
        message = machine_pb2.EtcdForfeitLeadership(member=leader.name if leader else "")
        return machine_pb2.EtcdForfeitLeadershipResponse(messages=[message])

    async def etcd_snapshot(
        self, request: machine_pb2.EtcdSnapshotRequest, call: rpc.Call
    ) -> AsyncIterator[common_pb2.Data]:
        """Send a copy of the database with its checksum."""
        async with self._client() as client:
            async for blob in client.snapshot():
                yield common_pb2.Data(bytes=blob)

    async def etcd_alarm_list(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.EtcdAlarmListResponse:
        """Active alarms of all members."""
        async with self._client() as client:
            found = [_alarm(alarm) for alarm in await client.alarms()]
        return machine_pb2.EtcdAlarmListResponse(messages=[machine_pb2.EtcdAlarm(member_alarms=found)])

    async def etcd_alarm_disarm(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.EtcdAlarmDisarmResponse:
        """Deactivate all alarms; the answer has those that were active."""
        async with self._client() as client:
            found = [_alarm(alarm) for alarm in await client.disarm()]
        return machine_pb2.EtcdAlarmDisarmResponse(messages=[machine_pb2.EtcdAlarmDisarm(member_alarms=found)])

    async def etcd_defragment(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.EtcdDefragmentResponse:
        """Give unused space of the local member's database back."""
        async with self._client() as client:
            await client.defragment()
        return machine_pb2.EtcdDefragmentResponse(messages=[machine_pb2.EtcdDefragment()])

    async def etcd_downgrade_validate(
        self, request: machine_pb2.EtcdDowngradeValidateRequest, call: rpc.Call
    ) -> machine_pb2.EtcdDowngradeValidateResponse:
        """Ask whether the cluster could go back to a version."""
        message = machine_pb2.EtcdDowngradeValidate(cluster_downgrade=await self._downgrade(_VALIDATE, request.version))
        return machine_pb2.EtcdDowngradeValidateResponse(messages=[message])

    async def etcd_downgrade_enable(
        self, request: machine_pb2.EtcdDowngradeEnableRequest, call: rpc.Call
    ) -> machine_pb2.EtcdDowngradeEnableResponse:
        """Let the cluster go back to a version."""
        message = machine_pb2.EtcdDowngradeEnable(cluster_downgrade=await self._downgrade(_ENABLE, request.version))
        return machine_pb2.EtcdDowngradeEnableResponse(messages=[message])

    async def etcd_downgrade_cancel(
        self, request: empty_pb2.Empty, call: rpc.Call
    ) -> machine_pb2.EtcdDowngradeCancelResponse:
        """Cancel a downgrade under way."""
        message = machine_pb2.EtcdDowngradeCancel(cluster_downgrade=await self._downgrade(_CANCEL))
        return machine_pb2.EtcdDowngradeCancelResponse(messages=[message])

    async def _downgrade(self, action: int, version: str = "") -> machine_pb2.EtcdClusterDowngrade:
        async with self._client() as client:
            return machine_pb2.EtcdClusterDowngrade(cluster_version=await client.downgrade(action, version))
