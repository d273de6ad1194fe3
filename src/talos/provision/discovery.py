"""The discovery service for clusters of this machine: `sidero.discovery.server.Cluster`, kept in memory.

Nodes publish what they are (an affiliate: encrypted bytes, which the service cannot read) under their cluster's id and
watch the others. Everything has a time to live and a bound, so a client can neither fill the memory nor leave rubbish.
The limits are those of the public service. Nothing is written down: after a restart every client publishes anew.
"""

from __future__ import annotations

import asyncio
import heapq
import ipaddress
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from talos.base import clock, errors, tasks
from talos.machinery.api._generated.discovery import cluster_pb2
from talos.machinery.rpc import method
from talos.machinery.rpc import server as rpc_server

CLUSTER_ID_MAX = 256
AFFILIATE_ID_MAX = 256
AFFILIATE_DATA_MAX = 2048
AFFILIATE_ENDPOINT_MAX = 32
AFFILIATE_ENDPOINTS_MAX = 64
CLUSTER_AFFILIATES_MAX = 1024
CLUSTERS_MAX = 1024
WATCHES_MAX = 4096
TTL_MAX_S = 30 * 60.0
WATCH_BACKLOG = 4096


@dataclass(slots=True)
class _Affiliate:
    data: bytes = b""
    expires: float = 0.0
    endpoints: dict[bytes, float] = field(default_factory=dict)

    def next_expiry(self) -> float:
        return min(self.expires, *self.endpoints.values()) if self.endpoints else self.expires


@dataclass(frozen=True, slots=True)
class Affiliate:
    """What the service knows about one node: opaque bytes."""

    id: str
    data: bytes = b""
    endpoints: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Affiliates that are new or changed, or that are gone."""

    affiliates: tuple[Affiliate, ...]
    deleted: bool = False


@dataclass(eq=False, slots=True)
class _Watch:
    queue: asyncio.Queue[Change | None]


@dataclass(slots=True)
class _Cluster:
    affiliates: dict[str, _Affiliate] = field(default_factory=dict)
    watches: set[_Watch] = field(default_factory=set)


class Registry:
    """Affiliates of all clusters. Synchronous but for `watch`; `expire` is driven by whoever owns the clock."""

    def __init__(self, time: clock.Clock | None = None) -> None:
        self._clock = time or clock.System()
        self._clusters: dict[str, _Cluster] = {}
        self._deadlines: list[tuple[float, int, str, str]] = []
        self._order = itertools.count()
        self._watches = 0
        self.earlier = asyncio.Event()
        """Set when the next deadline may have moved nearer."""

    def update(
        self, cluster_id: str, affiliate_id: str, data: bytes | None, endpoints: list[bytes], ttl_s: float
    ) -> None:
        """Replace the data (None keeps it), add the endpoints, and let what was given live for `ttl_s`.

        Raises Invalid beyond the limits.
        """
        _check(cluster_id, affiliate_id)
        _check_update(data, endpoints, ttl_s)
        cluster = self._cluster(cluster_id)
        affiliate = cluster.affiliates.get(affiliate_id)
        if affiliate is None:
            if len(cluster.affiliates) >= CLUSTER_AFFILIATES_MAX:
                raise errors.Invalid(f"the cluster has {CLUSTER_AFFILIATES_MAX} affiliates")
            affiliate = cluster.affiliates[affiliate_id] = _Affiliate()
        before = _export(affiliate_id, affiliate)
        if len(affiliate.endpoints.keys() | set(endpoints)) > AFFILIATE_ENDPOINTS_MAX:
            raise errors.Invalid(f"the affiliate has {AFFILIATE_ENDPOINTS_MAX} endpoints")
        until = self._clock.monotonic() + ttl_s
        if data is not None:
            affiliate.data, affiliate.expires = data, until
        elif not affiliate.expires:
            affiliate.expires = until
        for endpoint in endpoints:
            affiliate.endpoints[endpoint] = until
        self._schedule(cluster_id, affiliate_id, affiliate)
        after = _export(affiliate_id, affiliate)
        if after != before:
            _tell(cluster, Change((after,)))

    def delete(self, cluster_id: str, affiliate_id: str) -> None:
        """Forget an affiliate; one that is not known is fine."""
        _check(cluster_id, affiliate_id)
        cluster = self._clusters.get(cluster_id)
        if cluster and cluster.affiliates.pop(affiliate_id, None):
            _tell(cluster, Change((Affiliate(affiliate_id),), deleted=True))
            self._drop_empty(cluster_id, cluster)

    def affiliates(self, cluster_id: str) -> tuple[Affiliate, ...]:
        """All affiliates of a cluster by id."""
        _check(cluster_id)
        cluster = self._clusters.get(cluster_id)
        return tuple(_export(id, one) for id, one in sorted(cluster.affiliates.items())) if cluster else ()

    async def watch(self, cluster_id: str) -> AsyncIterator[Change]:
        """All affiliates, then changes. Ends when the reader falls too far behind: it starts over."""
        _check(cluster_id)
        if self._watches >= WATCHES_MAX:
            raise errors.Temporary("too many watches", delay_s=5)
        cluster = self._cluster(cluster_id)
        watch = _Watch(asyncio.Queue(WATCH_BACKLOG))
        cluster.watches.add(watch)
        self._watches += 1
        try:
            yield Change(self.affiliates(cluster_id))
            while (change := await watch.queue.get()) is not None:
                yield change
        finally:
            self._watches -= 1
            cluster.watches.discard(watch)
            self._drop_empty(cluster_id, cluster)

    def expire(self) -> float | None:
        """Remove what is over, tell the watches; return seconds until the next deadline, None when there is none."""
        now = self._clock.monotonic()
        while self._deadlines and self._deadlines[0][0] <= now:
            _, _, cluster_id, affiliate_id = heapq.heappop(self._deadlines)
            cluster = self._clusters.get(cluster_id)
            affiliate = cluster.affiliates.get(affiliate_id) if cluster else None
            if cluster is None or affiliate is None:
                continue
            self._expire_one(cluster_id, cluster, affiliate_id, affiliate, now)
        return self._deadlines[0][0] - now if self._deadlines else None

    def _expire_one(self, cluster_id: str, cluster: _Cluster, id: str, affiliate: _Affiliate, now: float) -> None:
        before = _export(id, affiliate)
        for endpoint in [e for e, until in affiliate.endpoints.items() if until <= now]:
            del affiliate.endpoints[endpoint]
        if affiliate.expires <= now:
            del cluster.affiliates[id]
            _tell(cluster, Change((Affiliate(id),), deleted=True))
            self._drop_empty(cluster_id, cluster)
            return
        if (after := _export(id, affiliate)) != before:
            _tell(cluster, Change((after,)))
        self._schedule(cluster_id, id, affiliate)

    def _schedule(self, cluster_id: str, id: str, affiliate: _Affiliate) -> None:
        entry = (affiliate.next_expiry(), next(self._order), cluster_id, id)
        first = not self._deadlines or entry[0] < self._deadlines[0][0]
        heapq.heappush(self._deadlines, entry)
        if len(self._deadlines) > 64 + 4 * sum(len(one.affiliates) for one in self._clusters.values()):
            self._rebuild()
        if first:
            self.earlier.set()

    def _rebuild(self) -> None:
        """Drop the deadlines that refreshes made void."""
        self._deadlines = [
            (affiliate.next_expiry(), next(self._order), cluster_id, id)
            for cluster_id, cluster in self._clusters.items()
            for id, affiliate in cluster.affiliates.items()
        ]
        heapq.heapify(self._deadlines)

    def _cluster(self, cluster_id: str) -> _Cluster:
        cluster = self._clusters.get(cluster_id)
        if cluster is None:
            if len(self._clusters) >= CLUSTERS_MAX:
                raise errors.Invalid(f"the service knows {CLUSTERS_MAX} clusters already")
            cluster = self._clusters[cluster_id] = _Cluster()
        return cluster

    def _drop_empty(self, cluster_id: str, cluster: _Cluster) -> None:
        if not cluster.affiliates and not cluster.watches and self._clusters.get(cluster_id) is cluster:
            del self._clusters[cluster_id]


def _export(id: str, affiliate: _Affiliate) -> Affiliate:
    return Affiliate(id, affiliate.data, tuple(affiliate.endpoints))


def _tell(cluster: _Cluster, change: Change) -> None:
    for watch in list(cluster.watches):
        try:
            watch.queue.put_nowait(change)
        except asyncio.QueueFull:
            cluster.watches.discard(watch)
            watch.queue.get_nowait()
            watch.queue.put_nowait(None)


def _check(cluster_id: str, affiliate_id: str = "-") -> None:
    for name, value, limit in (
        ("cluster id", cluster_id, CLUSTER_ID_MAX),
        ("affiliate id", affiliate_id, AFFILIATE_ID_MAX),
    ):
        if not 0 < len(value) <= limit:
            raise errors.Invalid(f"{name}: 1 to {limit} characters, not {len(value)}")


def _check_update(data: bytes | None, endpoints: list[bytes], ttl_s: float) -> None:
    if data is not None and not 0 < len(data) <= AFFILIATE_DATA_MAX:
        raise errors.Invalid(f"affiliate data: 1 to {AFFILIATE_DATA_MAX} bytes, not {len(data)}")
    if len(endpoints) > AFFILIATE_ENDPOINTS_MAX or any(not 0 < len(e) <= AFFILIATE_ENDPOINT_MAX for e in endpoints):
        raise errors.Invalid(f"endpoints: at most {AFFILIATE_ENDPOINTS_MAX} of 1 to {AFFILIATE_ENDPOINT_MAX} bytes")
    if not 0 < ttl_s <= TTL_MAX_S:
        raise errors.Invalid(f"ttl: more than 0 and at most {TTL_MAX_S:.0f} s, not {ttl_s:g}")


class Service:
    """The gRPC face of a registry, and the task that lets things expire."""

    def __init__(self, registry: Registry | None = None) -> None:
        self.registry = registry or Registry()

    def install(self, server: rpc_server.Server) -> None:
        """Add the methods to a server."""
        methods = method.of_service(cluster_pb2.DESCRIPTOR.services_by_name["Cluster"])
        server.add(methods["Hello"], self.hello)
        server.add(methods["AffiliateUpdate"], self.affiliate_update)
        server.add(methods["AffiliateDelete"], self.affiliate_delete)
        server.add(methods["List"], self.list)
        server.add(methods["Watch"], self.watch)

    async def expire(self) -> None:
        """Remove what is over, for ever; sleeps until there is something to do."""
        while True:
            self.registry.earlier.clear()
            wait_s = self.registry.expire()
            try:
                async with asyncio.timeout(wait_s):
                    await self.registry.earlier.wait()
            except TimeoutError:
                continue

    async def hello(self, request: cluster_pb2.HelloRequest, call: rpc_server.Call) -> cluster_pb2.HelloResponse:
        """Tell the caller the address it comes from."""
        _check(request.cluster_id)
        return cluster_pb2.HelloResponse(client_ip=_packed(call.peer.address))

    async def affiliate_update(
        self, request: cluster_pb2.AffiliateUpdateRequest, call: rpc_server.Call
    ) -> cluster_pb2.AffiliateUpdateResponse:
        """Publish data, endpoints or both."""
        data = request.affiliate_data if request.HasField("affiliate_data") else None
        ttl_s = request.ttl.seconds + request.ttl.nanos / 1e9
        self.registry.update(request.cluster_id, request.affiliate_id, data, list(request.affiliate_endpoints), ttl_s)
        return cluster_pb2.AffiliateUpdateResponse()

    async def affiliate_delete(
        self, request: cluster_pb2.AffiliateDeleteRequest, call: rpc_server.Call
    ) -> cluster_pb2.AffiliateDeleteResponse:
        """Withdraw an affiliate."""
        self.registry.delete(request.cluster_id, request.affiliate_id)
        return cluster_pb2.AffiliateDeleteResponse()

    async def list(self, request: cluster_pb2.ListRequest, call: rpc_server.Call) -> cluster_pb2.ListResponse:
        """All affiliates of a cluster."""
        found = self.registry.affiliates(request.cluster_id)
        return cluster_pb2.ListResponse(affiliates=[_message(one) for one in found])

    async def watch(
        self, request: cluster_pb2.WatchRequest, call: rpc_server.Call
    ) -> AsyncIterator[cluster_pb2.WatchResponse]:
        """All affiliates, then each change."""
        async for change in self.registry.watch(request.cluster_id):
            yield cluster_pb2.WatchResponse(
                affiliates=[_message(one) for one in change.affiliates], deleted=change.deleted
            )


class Server:
    """The service on one address, over plain HTTP/2: members of a cluster trust its secret, not the transport."""

    def __init__(self) -> None:
        self.service = Service()
        self._rpc = rpc_server.Server()
        self._tasks = tasks.Owner("discovery service")
        self.service.install(self._rpc)

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which may be asked for as 0. Raises OSError."""
        port = await self._rpc.serve_tcp(host, port)
        self._tasks.spawn(self.service.expire(), "expiry")
        return port

    async def close(self) -> None:
        """Stop listening and forget everything."""
        await self._rpc.close()
        await self._tasks.close()


def _message(affiliate: Affiliate) -> cluster_pb2.Affiliate:
    return cluster_pb2.Affiliate(id=affiliate.id, data=affiliate.data, endpoints=affiliate.endpoints)


def _packed(address: str) -> bytes:
    try:
        return ipaddress.ip_address(address.split("%", maxsplit=1)[0]).packed
    except ValueError:
        return b""
