"""The host DNS: answers from names it knows, from its cache, or from an upstream resolver.

Each upstream query has a socket (so a port and an id) of its own and must be answered with the same question. Upstreams
are asked in order of the list; one that failed lately goes to the end. A slow one is not waited for: after `STAGGER_S`
the next is asked beside it. The same question asked twice at a time goes upstream once. Health is learned from queries,
nothing is probed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from talos.machined.controllers.network import _dns_message as dns

_log = logging.getLogger("talos.hostdns")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

CACHE_ENTRIES = 4096
CACHE_MAX_S = 3600
CACHE_MIN_S = 1
LOCAL_TTL_S = 10
STAGGER_S = 0.8
ANSWER_S = 4.5
QUARANTINE_S = 10.0
PENDING_MAX = 1024
TCP_IDLE_S = 10.0
TCP_CLIENTS_MAX = 256
TCP_QUERIES_MAX = 128


@dataclass(frozen=True, slots=True)
class Upstream:
    """A resolver that is asked over UDP, and over TCP for clients that ask over TCP."""

    address: str
    port: int = 53


@dataclass(frozen=True, slots=True)
class _Kept:
    response: dns.Response
    stored: float
    until: float


class Forwarder:
    """Answers queries. `lookup` returns the addresses of a name that is answered here, None for all others."""

    def __init__(self, lookup: Callable[[str], Sequence[IPAddress] | None] = lambda _: None) -> None:
        self.lookup = lookup
        self._upstreams: tuple[Upstream, ...] = ()
        self._failed: dict[Upstream, float] = {}
        self._cache: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()
        self._pending: dict[tuple[object, ...], asyncio.Task[bytes]] = {}

    def set_upstreams(self, upstreams: Sequence[Upstream]) -> None:
        """Replace the resolvers. Another resolver may see other names: the cache is dropped."""
        if tuple(upstreams) != self._upstreams:
            self._upstreams = tuple(upstreams)
            self._failed = {one: when for one, when in self._failed.items() if one in self._upstreams}
            self._cache.clear()

    def healthy(self, upstream: Upstream) -> bool:
        """Whether the upstream did not fail lately."""
        return self._failed.get(upstream, 0.0) <= asyncio.get_running_loop().time()

    async def close(self) -> None:
        """End what is asked upstream."""
        tasks = list(self._pending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def answer(self, request: bytes, *, tcp: bool) -> bytes | None:
        """The answer to send, None for bytes that deserve none."""
        try:
            query = dns.read_query(request)
        except dns.Malformed:
            return dns.format_error(request)
        if query.flags & dns.OPCODE_MASK:
            return dns.error(request, query, dns.NOTIMP)
        if query.klass == dns.CLASS_IN and (known := self.lookup(query.name)) is not None:
            return dns.addresses(request, query, known, LOCAL_TTL_S)
        reply = self._cached(request, query) or await self._ask(request, query, tcp=tcp)
        return reply if tcp or len(reply) <= query.udp_bytes else dns.truncated(request, query)

    def _cached(self, request: bytes, query: dns.Query) -> bytes | None:
        kept = self._cache.get(query.key)
        if kept is None:
            return None
        now = asyncio.get_running_loop().time()
        if kept.until <= now or not dns.same_spelling(kept.response, query):
            if kept.until <= now:
                del self._cache[query.key]
            return None
        self._cache.move_to_end(query.key)
        return dns.aged(kept.response, query, request, int(now - kept.stored))

    def _store(self, query: dns.Query, response: dns.Response) -> None:
        life_s = dns.lifetime_s(response, minimum_s=CACHE_MIN_S, maximum_s=CACHE_MAX_S)
        if life_s and dns.same_spelling(response, query):
            now = asyncio.get_running_loop().time()
            self._cache[query.key] = _Kept(response, now, now + life_s)
            while len(self._cache) > CACHE_ENTRIES:
                self._cache.popitem(last=False)

    async def _ask(self, request: bytes, query: dns.Query, *, tcp: bool) -> bytes:
        key = (*query.key, tcp)
        task = self._pending.get(key)
        if task is None:
            if len(self._pending) >= PENDING_MAX:
                return dns.error(request, query, dns.SERVFAIL)
            task = asyncio.get_running_loop().create_task(self._forward(request, query, tcp=tcp))
            self._pending[key] = task
            task.add_done_callback(functools.partial(self._answered, key))
        try:
            reply = await asyncio.shield(task)
        except (OSError, dns.Malformed) as err:
            _log.debug("%s: %s", query.name, err)
            return dns.error(request, query, dns.SERVFAIL)
        return request[:2] + reply[2:]

    def _answered(self, key: tuple[object, ...], task: asyncio.Task[bytes]) -> None:
        self._pending.pop(key, None)
        if not task.cancelled():
            task.exception()  # its askers may be gone; nobody else reads it

    async def _forward(self, request: bytes, query: dns.Query, *, tcp: bool) -> bytes:
        """Ask the upstreams until one answers usefully; a refusal is returned only when nobody does better."""
        loop = asyncio.get_running_loop()
        waiting = sorted(self._upstreams, key=lambda one: not self.healthy(one))
        asked: dict[asyncio.Task[dns.Response], Upstream] = {}
        last: dns.Response | None = None
        failure: Exception = OSError("no upstream resolvers")
        try:
            async with asyncio.timeout(ANSWER_S):
                while waiting or asked:
                    if waiting:
                        upstream = waiting.pop(0)
                        asked[loop.create_task(_exchange(upstream, request, query, tcp=tcp))] = upstream
                    limit = STAGGER_S if waiting else None
                    done, _ = await asyncio.wait(asked, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        upstream = asked.pop(task)
                        if (err := task.exception()) is not None:
                            failure = err if isinstance(err, OSError | dns.Malformed) else OSError(str(err))
                            self._failed[upstream] = loop.time() + QUARANTINE_S
                            continue
                        self._failed.pop(upstream, None)
                        last = task.result()
                        if last.code in (dns.NOERROR, dns.NXDOMAIN):
                            self._slow(asked)
                            self._store(query, last)
                            return last.data
        except TimeoutError as err:
            self._slow(asked)
            failure = err
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        if last is not None:
            return last.data
        raise failure

    def _slow(self, asked: dict[asyncio.Task[dns.Response], Upstream]) -> None:
        until = asyncio.get_running_loop().time() + QUARANTINE_S
        for task, upstream in asked.items():
            if not task.done():
                self._failed[upstream] = until


class _Datagram(asyncio.DatagramProtocol):
    """One query over a connected socket."""

    def __init__(self, query: dns.Query, id: bytes) -> None:
        self._query = query
        self._id = id
        self.answer: asyncio.Future[dns.Response] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data[:2] != self._id or self.answer.done():
            return
        with contextlib.suppress(dns.Malformed):
            self.answer.set_result(dns.read_response(data, self._query))

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.answer.cancel()


async def _exchange(upstream: Upstream, request: bytes, query: dns.Query, *, tcp: bool) -> dns.Response:
    id = random.SystemRandom().randbytes(2)
    message = id + request[2:]
    if tcp:
        return await _exchange_tcp(upstream, message, query)
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: _Datagram(query, id), remote_addr=(upstream.address, upstream.port)
    )
    try:
        transport.sendto(message)
        return await protocol.answer
    finally:
        transport.close()


async def _exchange_tcp(upstream: Upstream, message: bytes, query: dns.Query) -> dns.Response:
    reader, writer = await asyncio.open_connection(upstream.address, upstream.port)
    try:
        writer.write(len(message).to_bytes(2, "big") + message)
        length = int.from_bytes(await reader.readexactly(2), "big")
        data = await reader.readexactly(length)
    except asyncio.IncompleteReadError as err:
        raise ConnectionResetError(f"{upstream.address} closed the connection") from err
    finally:
        writer.close()
    if data[:2] != message[:2]:
        raise dns.Malformed("another id")
    return dns.read_response(data, query)
