"""A client of etcd's gRPC API: membership, maintenance, a few keys, and locks.

One channel to one endpoint; `any_endpoint` finds one of several that answers. Locks go through etcd's own lock
service, whose keys are those of the Go client's mutexes, so that we and the original exclude each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from talos.base import errors
from talos.base.constants import paths, ports
from talos.k8s.etcd._generated import etcdserver_pb2 as pb
from talos.k8s.etcd._generated import lock_pb2
from talos.machinery.rpc import channel as channels
from talos.machinery.rpc import method, status

UPGRADE_LOCK: Final = "talos:v1:etcdUpgradeMutex"
MANIFEST_LOCK: Final = "talos:v1:manifestApplyMutex"
SERVICE_ACCOUNT_LOCK: Final = "talos:v1:serviceAccountCRDController"

_CALL_S = 10.0
_LEASE_S = 60


def _methods(file: Any) -> dict[str, method.Method]:
    found: dict[str, method.Method] = {}
    for service in file.DESCRIPTOR.services_by_name.values():
        found |= method.of_service(service)
    return found


_METHODS: Final = _methods(pb) | _methods(lock_pb2)


def tls(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the context of a client with a certificate. Raises OSError for files that cannot be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    context.load_verify_locations(ca)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    return context


def node_tls(pki: Path = paths.ETCD_PKI) -> ssl.SSLContext:
    """Return the context with this node's etcd admin certificate. Raises OSError."""
    return tls(pki / "ca.crt", pki / "admin.crt", pki / "admin.key")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the cluster."""

    id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    learner: bool

    @property
    def hex_id(self) -> str:
        """The id as etcd and talosctl print it."""
        return f"{self.id:016x}"


def _member(found: pb.Member) -> Member:
    return Member(found.ID, found.name, tuple(found.peerURLs), tuple(found.clientURLs), found.isLearner)


class Client:
    """Calls to one etcd endpoint. Raises status.RpcError from every call."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self.endpoint, self.context = host, context
        self._channel = channels.Channel.tcp(host, port, tls=context)

    @classmethod
    def local(cls, pki: Path = paths.ETCD_PKI) -> Client:
        """Make a client of this node's etcd. Raises OSError before the PKI is written."""
        return cls("127.0.0.1", ports.ETCD_CLIENT, node_tls(pki))

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    async def _call(self, name: str, request: Any, timeout_s: float = _CALL_S) -> Any:
        return await self._channel.unary(_METHODS[name], request, timeout_s=timeout_s)

    # --- membership

    async def members(self, *, linearizable: bool = True) -> list[Member]:
        """Return the members; linearizable asks the quorum, otherwise this member says what it knows."""
        answer = await self._call("MemberList", pb.MemberListRequest(linearizable=linearizable))
        return [_member(m) for m in answer.members]

    async def add_learner(self, peer_urls: Sequence[str]) -> tuple[Member, list[Member]]:
        """Add a member that does not vote yet; return it and all members."""
        answer = await self._call("MemberAdd", pb.MemberAddRequest(peerURLs=peer_urls, isLearner=True))
        return _member(answer.member), [_member(m) for m in answer.members]

    async def promote(self, member_id: int) -> None:
        """Let a learner vote. FAILED_PRECONDITION while it lags behind the leader."""
        await self._call("MemberPromote", pb.MemberPromoteRequest(ID=member_id))

    async def remove(self, member_id: int) -> None:
        """Remove a member. NOT_FOUND when there is none of that id."""
        await self._call("MemberRemove", pb.MemberRemoveRequest(ID=member_id))

    async def update_peer_urls(self, member_id: int, peer_urls: Sequence[str]) -> None:
        """Change where other members reach a member."""
        await self._call("MemberUpdate", pb.MemberUpdateRequest(ID=member_id, peerURLs=peer_urls))

    # --- maintenance

    async def status(self) -> pb.StatusResponse:
        """Return the state of the member at the endpoint."""
        answer: pb.StatusResponse = await self._call("Status", pb.StatusRequest())
        return answer

    async def check_quorum(self) -> None:
        """Return when the cluster answers a linearizable read: it has a leader and a quorum."""
        await self._call("Range", pb.RangeRequest(key=b"health", limit=1, keys_only=True), 5.0)

    async def alarms(self) -> list[pb.AlarmMember]:
        """Return active alarms."""
        answer = await self._call("Alarm", pb.AlarmRequest(action=pb.AlarmRequest.GET))
        return list(answer.alarms)

    async def disarm(self) -> list[pb.AlarmMember]:
        """Deactivate all alarms and return those that were active."""
        active = await self.alarms()
        disarmed: list[pb.AlarmMember] = []
        for alarm in active:
            request = pb.AlarmRequest(action=pb.AlarmRequest.DEACTIVATE, memberID=alarm.memberID, alarm=alarm.alarm)
            disarmed += (await self._call("Alarm", request)).alarms
        return disarmed

    async def defragment(self, timeout_s: float = 300.0) -> None:
        """Give unused space of the member's file back; the member answers nothing else meanwhile."""
        await self._call("Defragment", pb.DefragmentRequest(), timeout_s)

    async def move_leader(self, member_id: int) -> None:
        """Hand leadership to a member; works on the leader only."""
        await self._call("MoveLeader", pb.MoveLeaderRequest(targetID=member_id))

    async def downgrade(self, action: int, version: str = "") -> str:
        """Validate (0), enable (1) or cancel (2) a downgrade; return the cluster version before it."""
        request = pb.DowngradeRequest(action=action, version=version)  # type: ignore[arg-type]
        answer = await self._call("Downgrade", request)
        return str(answer.version)

    async def snapshot(self) -> AsyncIterator[bytes]:
        """Yield a consistent copy of the member's database, followed by its SHA-256 (32 bytes)."""
        async for part in self._channel.stream(_METHODS["Snapshot"], pb.SnapshotRequest()):
            yield part.blob

    # --- keys

    async def get(self, key: bytes) -> bytes | None:
        """Return a key's value."""
        answer = await self._call("Range", pb.RangeRequest(key=key))
        return bytes(answer.kvs[0].value) if answer.kvs else None

    async def put(self, key: bytes, value: bytes) -> None:
        """Set a key."""
        await self._call("Put", pb.PutRequest(key=key, value=value))

    @contextlib.asynccontextmanager
    async def lock(self, name: str, *, timeout_s: float) -> AsyncIterator[None]:
        """Hold a cluster-wide lock; other holders are awaited. Raises TimedOut.

        The lock is bound to a lease kept alive meanwhile, so that a dead holder frees it within a minute.
        """
        lease = (await self._call("LeaseGrant", pb.LeaseGrantRequest(TTL=_LEASE_S))).ID
        keeping = asyncio.ensure_future(self._keep_alive(lease))
        try:
            request = lock_pb2.LockRequest(name=name.encode(), lease=lease)
            try:
                await self._call("Lock", request, timeout_s)
            except status.RpcError as error:
                if error.code is status.Code.DEADLINE_EXCEEDED:
                    raise errors.TimedOut(f"lock {name} was not free within {timeout_s:g} s") from error
                raise
            yield
        finally:
            keeping.cancel()
            # Also removes the lock's key; should this fail, the lease runs out by itself.
            with contextlib.suppress(status.RpcError):
                await self._call("LeaseRevoke", pb.LeaseRevokeRequest(ID=lease))

    @contextlib.asynccontextmanager
    async def lead(
        self, name: str, *, ttl_s: int, patience_s: float = 24 * 3600.0
    ) -> AsyncIterator[asyncio.Task[None]]:
        """Wait to be elected; other candidates are awaited. Yields a task that ends when leadership may be lost.

        Keys are those of elections of etcd's Go client (which are those of its mutexes). Whoever does not hear from
        etcd for `ttl_s` has to consider itself deposed: another one may lead by then.
        """
        asked = asyncio.get_running_loop().time()
        lease = (await self._call("LeaseGrant", pb.LeaseGrantRequest(TTL=ttl_s))).ID
        keeping = asyncio.ensure_future(self._keep_leading(lease, ttl_s, asked))
        try:
            request = lock_pb2.LockRequest(name=name.encode(), lease=lease)
            elected = asyncio.ensure_future(self._call("Lock", request, patience_s))
            try:
                await asyncio.wait({elected, keeping}, return_when=asyncio.FIRST_COMPLETED)
                if keeping.done():
                    raise errors.TimedOut(f"{name}: etcd was not heard of for {ttl_s} s")
                elected.result()
            finally:
                elected.cancel()
                with contextlib.suppress(asyncio.CancelledError, status.RpcError):
                    await elected
            yield keeping
        finally:
            keeping.cancel()
            with contextlib.suppress(status.RpcError):
                await self._call("LeaseRevoke", pb.LeaseRevokeRequest(ID=lease), 2.0)

    async def _keep_leading(self, lease: int, ttl_s: int, asked: float) -> None:
        """Renew the lease until it is gone, or could be: its time counts from the last request that was answered."""
        loop = asyncio.get_running_loop()
        request = pb.LeaseKeepAliveRequest(ID=lease).SerializeToString()
        until = asked + ttl_s
        while loop.time() < until:
            with contextlib.suppress(status.RpcError, TimeoutError, OSError):
                async with asyncio.timeout_at(until), self._channel.raw(_METHODS["LeaseKeepAlive"].path) as call:
                    while True:
                        asked = loop.time()
                        await call.send(request)
                        async with asyncio.timeout(ttl_s / 3):
                            answer = await call.receive()
                        if answer is None:
                            break
                        if pb.LeaseKeepAliveResponse.FromString(answer).TTL <= 0:
                            return
                        until = asked + ttl_s
                        await asyncio.sleep(ttl_s / 3)
            await asyncio.sleep(min(0.5, ttl_s / 10))

    async def _keep_alive(self, lease: int) -> None:
        request = pb.LeaseKeepAliveRequest(ID=lease).SerializeToString()
        while True:
            with contextlib.suppress(status.RpcError):
                async with self._channel.raw(_METHODS["LeaseKeepAlive"].path) as call:
                    while True:
                        await call.send(request)
                        await call.receive()
                        await asyncio.sleep(_LEASE_S / 3)
            await asyncio.sleep(1)


async def any_endpoint(hosts: Sequence[str], context: ssl.SSLContext, *, timeout_s: float = 5.0) -> Client:
    """Return a client of the first host whose cluster has a quorum. Raises Temporary with what each host said."""
    said: list[str] = []
    for host in hosts:
        client = Client(host, ports.ETCD_CLIENT, context)
        try:
            async with asyncio.timeout(timeout_s):
                await client.members()
        except (status.RpcError, TimeoutError) as error:
            client.close()
            said.append(f"{host}: {error or 'no answer'}")
        except BaseException:
            client.close()
            raise
        else:
            return client
    raise errors.Temporary("no etcd endpoint answers: " + ("; ".join(said) or "none is known"))
