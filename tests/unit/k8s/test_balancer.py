"""The balancer over loopback: choice of upstreams, half-close, back-pressure, limits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from talos.k8s import balancer
from talos.k8s.balancer import Balancer, Upstream
from tests import ports

pytestmark = pytest.mark.feature("M022")

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


async def eventually(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


class Server:
    """Answers each connection with its name, then echoes until end of stream."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.served = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def start(self, port: int = 0) -> Upstream:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port or ports.lasting())
        self.upstream = Upstream(*self.server.sockets[0].getsockname())
        return self.upstream

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            if data := await reader.read(65536):
                self.served += 1
                writer.write(self.name.encode() + b":" + data)
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
                writer.write(b"|end")
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def stop(self) -> None:
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        await self.server.wait_closed()


@asynccontextmanager
async def running(*names: str, **options: object) -> AsyncIterator[tuple[Balancer, list[Server]]]:
    servers = [Server(name) for name in names]
    upstreams = [await server.start() for server in servers]
    one = Balancer([("127.0.0.1", 0)], upstreams, **options)  # type: ignore[arg-type]
    await one.start()
    try:
        yield one, servers
    finally:
        await one.close()
        for server in servers:
            await server.stop()


@asynccontextmanager
async def connection(one: Balancer) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*one.addresses[0])
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def ask(one: Balancer, text: bytes = b"hello") -> bytes:
    async with asyncio.timeout(5):
        async with connection(one) as (reader, writer):
            writer.write(text)
            writer.write_eof()
            return await reader.read()


async def test_spreads_over_all_good_upstreams_and_passes_both_ends_of_stream() -> None:
    async with running("a", "b", "c") as (one, servers):
        answers = [await ask(one) for _ in range(9)]
        assert sorted(answers) == [b"a:hello|end"] * 3 + [b"b:hello|end"] * 3 + [b"c:hello|end"] * 3
        await eventually(lambda: one.connections == 0)
        assert one.healthy
        assert set(one.upstreams().values()) == {True}
        assert [server.served for server in servers] == [3, 3, 3]


async def test_refused_upstream_is_bad_at_once_and_the_client_gets_the_next() -> None:
    changes: list[int] = []
    async with running("a", "b", changed=lambda: changes.append(1)) as (one, (first, second)):
        await eventually(lambda: len(one.upstreams()) == 2)
        await first.stop()
        assert {await ask(one) for _ in range(4)} == {b"b:hello|end"}
        assert one.upstreams() == {first.upstream: False, second.upstream: True}
        assert changes == [1]
        await first.start(first.upstream.port)
        await eventually(lambda: one.upstreams()[first.upstream])
        assert {await ask(one) for _ in range(4)} == {b"a:hello|end", b"b:hello|end"}
        assert len(changes) == 2


async def test_no_upstream_ends_the_client_and_recovers_without_waiting_for_a_check() -> None:
    async with running("a", health_interval_s=3600) as (one, (server,)):
        await server.stop()
        with contextlib.suppress(ConnectionResetError):
            assert await ask(one) == b""
        assert not one.healthy
        await server.start(server.upstream.port)
        assert await ask(one) == b"a:hello|end"
        assert one.healthy


async def test_a_removed_upstream_keeps_its_connections() -> None:
    async with running("a", "b") as (one, (first, second)):
        one.set_upstreams([first.upstream])
        reader, writer = await asyncio.open_connection(*one.addresses[0])
        writer.write(b"x")
        assert await reader.readexactly(3) == b"a:x"
        one.set_upstreams([second.upstream])
        assert list(one.upstreams()) == [second.upstream]
        writer.write(b"still there")
        assert await reader.readexactly(11) == b"still there"
        assert await ask(one) == b"b:hello|end"
        writer.close()


async def test_a_client_that_does_not_read_stalls_its_upstream_and_nothing_is_lost() -> None:
    total = 32 << 20
    sent = 0

    async def produce(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        if await reader.read(1):  # a health check sends nothing
            while sent < total:
                writer.write(bytes(65536))
                sent += 65536
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(produce, "127.0.0.1", 0)
    one = Balancer([("127.0.0.1", 0)], [Upstream(*server.sockets[0].getsockname())])
    await one.start()
    try:
        client = socket.create_connection(one.addresses[0])
        client.send(b"?")
        client.setblocking(False)
        await asyncio.sleep(0.5)
        stalled = sent
        assert stalled < total
        await asyncio.sleep(0.2)
        assert sent == stalled
        received = 0
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            while data := await loop.sock_recv(client, 1 << 18):
                received += len(data)
        assert received == total
        client.close()
    finally:
        await one.close()
        server.close()


async def test_many_connections_at_once() -> None:
    async with running("a", "b") as (one, servers):
        answers = await asyncio.gather(*(ask(one, b"x" * 5000) for _ in range(200)))
        assert all(answer.endswith(b"x|end") and len(answer) == 5006 for answer in answers)
        assert sum(server.served for server in servers) == 200


async def test_upstream_reset_ends_the_client() -> None:
    async with running("a") as (one, (server,)):
        reader, writer = await asyncio.open_connection(*one.addresses[0])
        writer.write(b"x")
        await reader.readexactly(3)
        server.writers[-1].transport.abort()
        with pytest.raises(ConnectionError):
            if await asyncio.wait_for(reader.read(), 5) == b"":
                raise ConnectionResetError
        writer.close()
        await eventually(lambda: one.connections == 0)


async def test_a_taken_address_is_named() -> None:
    async with running("a") as (one, _):
        second = Balancer([one.addresses[0]])
        with pytest.raises(OSError, match=f"127.0.0.1:{one.addresses[0][1]}"):
            await second.start()
        await second.close()


async def test_closing_ends_connections_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    async with running("a") as (one, _):
        reader, writer = await asyncio.open_connection(*one.addresses[0])
        writer.write(b"x")
        await reader.readexactly(3)
        await one.close()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
    await eventually(lambda: asyncio.all_tasks() == before)


@pytest.mark.parametrize("text", ["10.5.0.2:6443", "[fd00::1]:6443", "api.example.org:443"])
def test_upstream_text(text: str) -> None:
    assert str(balancer.Upstream.parse(text)) == text
