"""The host DNS over loopback sockets: cache, fail-over, truncation, TCP, limits."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from talos.machined.controllers.network import _dns_forwarder as forwarders
from talos.machined.controllers.network import _dns_server as servers
from talos.machined.controllers.network._dns_forwarder import Forwarder, Upstream

pytestmark = pytest.mark.feature("L019")

T = TypeVar("T")
Answer = Callable[[dns.message.Message], dns.message.Message | None]


def address(text: str = "192.0.2.1", ttl: int = 300) -> Answer:
    def answer(query: dns.message.Message) -> dns.message.Message:
        made = dns.message.make_response(query, recursion_available=True)
        made.answer.append(dns.rrset.from_text(query.question[0].name, ttl, "IN", "A", text))
        return made

    return answer


def silence(query: dns.message.Message) -> None:
    return None


def failure(code: int) -> Answer:
    def answer(query: dns.message.Message) -> dns.message.Message:
        made = dns.message.make_response(query)
        made.set_rcode(dns.rcode.Rcode(code))
        return made

    return answer


async def on_a_free_port(start: Callable[[], Awaitable[T]]) -> T:
    """A port that one transport finds free may be taken for the other."""
    for _ in range(20):
        with contextlib.suppress(OSError):
            return await start()
    return await start()


class Resolver(asyncio.DatagramProtocol):
    """An upstream over UDP and TCP on one port."""

    def __init__(self, answer: Answer, *, forge: bool = False) -> None:
        self.answer = answer
        self.forge = forge
        self.udp = self.tcp = 0

    async def start(self) -> Upstream:
        return await on_a_free_port(self._start)

    async def _start(self) -> Upstream:
        loop = asyncio.get_running_loop()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        try:
            self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
        except OSError:
            self.server.close()
            raise
        return Upstream("127.0.0.1", port)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.udp += 1
        if self.forge:
            wrong = dns.message.from_wire(data)
            wrong.id ^= 1
            self.transport.sendto(address("203.0.113.66")(wrong).to_wire(), addr)  # type: ignore[union-attr, arg-type]
        if (answer := self.answer(dns.message.from_wire(data))) is not None:
            self.transport.sendto(answer.to_wire(max_size=65535), addr)  # type: ignore[arg-type]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        self.tcp += 1
        if (answer := self.answer(dns.message.from_wire(data))) is not None:
            wire = answer.to_wire(max_size=65535)
            writer.write(len(wire).to_bytes(2, "big") + wire)
        writer.close()

    async def stop(self) -> None:
        self.transport.close()
        self.server.close()
        await self.server.wait_closed()


@asynccontextmanager
async def serving(
    *answers: Answer | Resolver, **options: object
) -> AsyncIterator[tuple[servers.Server, list[Resolver]]]:
    resolvers = [one if isinstance(one, Resolver) else Resolver(one) for one in answers]
    forwarder = Forwarder(**options)  # type: ignore[arg-type]
    server = servers.Server(forwarder)
    async with AsyncExitStack() as stack:
        upstreams = []
        for one in resolvers:
            upstreams.append(await one.start())
            stack.push_async_callback(one.stop)
        forwarder.set_upstreams(upstreams)
        stack.push_async_callback(forwarder.close)
        await on_a_free_port(lambda: server.start("127.0.0.1", 0))
        stack.push_async_callback(server.close)
        yield server, resolvers


class _Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.answers.put_nowait(data)


async def exchange(server: servers.Server, data: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(_Client, remote_addr=server.address)
    try:
        transport.sendto(data)
        return await asyncio.wait_for(client.answers.get(), 8)
    finally:
        transport.close()


async def ask(server: servers.Server, name: str, *, tcp: bool = False, **options: object) -> dns.message.Message:
    query = dns.message.make_query(name, "A", **options)  # type: ignore[arg-type]
    data = query.to_wire()
    if tcp:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(len(data).to_bytes(2, "big") + data)
        wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        writer.close()
        await writer.wait_closed()
    else:
        wire = await exchange(server, data)
    answer = dns.message.from_wire(wire, raise_on_truncation=False)
    assert query.is_response(answer)
    return answer


def texts(answer: dns.message.Message) -> list[str]:
    return [str(one) for one in answer.answer[0]] if answer.answer else []


async def test_answers_are_kept_for_their_life(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(address(ttl=2)) as (server, (upstream,)):
        assert texts(await ask(server, "a.example")) == ["192.0.2.1"]
        assert texts(await ask(server, "A.Example")) == ["192.0.2.1"]
        assert upstream.udp == 1
        await asyncio.sleep(2.1)
        await ask(server, "a.example")
        assert upstream.udp == 2
        assert texts(await ask(server, "a.example", use_edns=0)) == ["192.0.2.1"]
        assert upstream.udp == 3


async def test_the_same_question_goes_up_once() -> None:
    async with serving(address()) as (server, (upstream,)):
        answers = await asyncio.gather(*(ask(server, "a.example") for _ in range(20)))
        assert all(texts(one) == ["192.0.2.1"] for one in answers)
        assert upstream.udp == 1


@pytest.mark.parametrize("first", [silence, failure(2), failure(5)])
async def test_the_next_upstream_answers(first: Answer) -> None:
    async with serving(first, address()) as (server, (bad, good)):
        assert texts(await ask(server, "a.example")) == ["192.0.2.1"]
        assert texts(await ask(server, "b.example")) == ["192.0.2.1"]
        assert (bad.udp, good.udp) == (1, 2) if first is silence else (2, 2)


async def test_an_upstream_that_refuses_connections_is_put_last() -> None:
    async with serving(address(), address("192.0.2.2")) as (server, (first, second)):
        await first.stop()
        for i in range(5):
            assert texts(await ask(server, f"{i}.example")) == ["192.0.2.2"]
        assert second.udp == 5


async def test_no_upstream_is_a_server_failure() -> None:
    async with serving() as (server, _):
        assert (await ask(server, "a.example")).rcode() == dns.rcode.SERVFAIL
        assert (await ask(server, "a.example", tcp=True)).rcode() == dns.rcode.SERVFAIL


async def test_all_upstreams_silent_is_a_server_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarders, "ANSWER_S", 0.4)
    monkeypatch.setattr(forwarders, "STAGGER_S", 0.1)
    async with serving(silence, silence) as (server, (first, second)):
        assert (await ask(server, "a.example")).rcode() == dns.rcode.SERVFAIL
        assert (first.udp, second.udp) == (1, 1)


async def test_a_refusal_is_passed_on_when_nobody_does_better() -> None:
    async with serving(failure(5)) as (server, _):
        assert (await ask(server, "a.example")).rcode() == dns.rcode.REFUSED


async def test_forged_answers_are_not_taken() -> None:
    async with serving(Resolver(address(), forge=True)) as (server, _):
        assert texts(await ask(server, "a.example")) == ["192.0.2.1"]


def large(query: dns.message.Message) -> dns.message.Message:
    made = dns.message.make_response(query, recursion_available=True)
    name = query.question[0].name
    made.answer.append(dns.rrset.from_text(name, 60, "IN", "A", *(f"192.0.2.{i}" for i in range(100))))
    return made


async def test_large_answers_go_over_tcp_unless_the_client_takes_them() -> None:
    async with serving(large) as (server, _):
        small = await ask(server, "a.example")
        assert small.flags & dns.flags.TC
        assert small.answer == []
        assert len(texts(await ask(server, "a.example", tcp=True))) == 100
        assert len(texts(await ask(server, "a.example", use_edns=0, payload=4096))) == 100


async def test_known_names_are_answered_here() -> None:
    known = {"cp-1": [ipaddress.ip_address("10.5.0.2")]}
    async with serving(address(), lookup=known.get) as (server, (upstream,)):
        assert texts(await ask(server, "CP-1")) == ["10.5.0.2"]
        assert texts(await ask(server, "cp-1", tcp=True)) == ["10.5.0.2"]
        assert (upstream.udp, upstream.tcp) == (0, 0)


async def test_bad_packets_are_answered_with_an_error_or_not_at_all() -> None:
    async with serving(address()) as (server, _):
        data = dns.message.make_query("a.example", "A").to_wire()
        answer = dns.message.from_wire(await exchange(server, data[:-1]))
        assert answer.rcode() == dns.rcode.FORMERR
        update = bytearray(data)
        update[2] |= 2 << 3
        assert dns.message.from_wire(await exchange(server, bytes(update))).rcode() == dns.rcode.NOTIMP
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(exchange(server, b"\1"), 0.2)


async def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarders, "CACHE_ENTRIES", 8)
    async with serving(address()) as (server, _):
        for i in range(20):
            await ask(server, f"{i}.example")
        assert len(server.forwarder._cache) == 8


async def test_other_upstreams_mean_another_cache() -> None:
    async with serving(address()) as (server, (upstream,)):
        await ask(server, "a.example")
        server.forwarder.set_upstreams([*server.forwarder._upstreams, Upstream("127.0.0.1", 9)])
        await ask(server, "a.example")
        assert upstream.udp == 2


async def test_an_idle_tcp_client_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarders, "TCP_IDLE_S", 0.1)
    async with serving(address()) as (server, _):
        reader, writer = await asyncio.open_connection(*server.address)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
