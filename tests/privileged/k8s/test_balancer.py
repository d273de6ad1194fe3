"""The balancer with dead machines: peers that vanish or swallow packets, in real network namespaces."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import time
from collections.abc import Callable, Coroutine, Iterator

import pytest

from talos.k8s.balancer import Balancer, Upstream
from talos.linux import netlink
from talos.linux.netlink import route
from tests import netns

pytestmark = [pytest.mark.needs_netns, pytest.mark.feature("M022")]

CLIENT = ipaddress.ip_network("10.77.0.2/32")


@pytest.fixture
def machines() -> Iterator[list[int]]:
    """The node with the balancer (10.77.0.2), two control planes (.3 and .4), the hub."""
    with netns.bridged(3) as made:
        yield made


def swallow(member: int) -> None:
    """All answers to the client's machine vanish: nothing is refused, nothing resets."""
    with netlink.Route(member) as rt:
        rt.route_replace(route.Route(destination=CLIENT, type=route.Type.BLACKHOLE))


def unplug(member: int) -> None:
    """The machine is gone with its cable, as when all of a node's processes are killed."""
    with netlink.Route(member) as rt:
        rt.link_delete("eth0")


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


class Server:
    """A listener in a machine's namespace that can be ended with all its connections."""

    def __init__(self, member: int, host: str, handler: Handler) -> None:
        self._handler = handler
        self._writers: list[asyncio.StreamWriter] = []
        with netlink.inside(member):
            self._socket = socket.socket()
        self._socket.bind((host, 6443))

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._socket)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(ConnectionError):
            await self._handler(reader, writer)
        writer.close()

    async def stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)


def echo(name: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(name + data)

    return handler


async def ask(one: Balancer) -> bytes:
    reader, writer = await asyncio.open_connection(*one.addresses[0])
    writer.write(b"?")
    answer = await reader.read(2)
    writer.close()
    return answer


async def start(machines: list[int], **options: float) -> tuple[Balancer, list[Server]]:
    servers = [Server(machines[1], "10.77.0.3", echo(b"a")), Server(machines[2], "10.77.0.4", echo(b"b"))]
    for server in servers:
        await server.start()
    one = Balancer([("127.0.0.1", 7445)], [Upstream("10.77.0.3", 6443), Upstream("10.77.0.4", 6443)], **options)
    await one.start()
    return one, servers


async def stop(one: Balancer, servers: list[Server]) -> None:
    await one.close()
    for server in servers:
        await server.stop()


@pytest.mark.parametrize("die", [swallow, unplug])
def test_clients_are_answered_at_once_after_a_machine_died(machines: list[int], die) -> None:  # type: ignore[no-untyped-def]
    async def main() -> None:
        one, servers = await start(machines)
        assert {await ask(one) for _ in range(4)} == {b"a?", b"b?"}
        die(machines[1])
        longest = 0.0
        for _ in range(6):
            begun = time.monotonic()
            assert await ask(one) == b"b?"
            longest = max(longest, time.monotonic() - begun)
        assert longest < 1.0
        assert one.upstreams() == {Upstream("10.77.0.3", 6443): False, Upstream("10.77.0.4", 6443): True}
        await stop(one, servers)

    netns.run_inside(machines[0], main)


@pytest.mark.parametrize(("die", "talks"), [(swallow, True), (swallow, False), (unplug, True), (unplug, False)])
def test_a_connection_to_a_dead_machine_ends_soon(machines: list[int], die, talks: bool) -> None:  # type: ignore[no-untyped-def]
    """An HTTP/2 client holds one connection: it must be told, whether it sends or only listens."""

    async def main() -> None:
        one, servers = await start(machines, health_interval_s=3600)
        one.set_upstreams([Upstream("10.77.0.3", 6443)])
        reader, writer = await asyncio.open_connection(*one.addresses[0])
        writer.write(b"?")
        assert await reader.readexactly(2) == b"a?"
        one.set_upstreams([Upstream("10.77.0.3", 6443), Upstream("10.77.0.4", 6443)])
        die(machines[1])
        begun = time.monotonic()
        if talks:
            writer.write(b"!")
        with contextlib.suppress(ConnectionError):
            assert await reader.read(1) == b""
        assert await ask(one) == b"b?"
        assert time.monotonic() - begun < 9.0
        writer.close()
        await stop(one, servers)

    netns.run_inside(machines[0], main)


def test_a_peer_that_does_not_read_is_not_taken_for_dead(machines: list[int]) -> None:
    async def main() -> None:
        release = asyncio.Event()
        received = 0

        async def lazy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal received
            writer.transport.pause_reading()
            await release.wait()
            writer.transport.resume_reading()
            while data := await reader.read(65536):
                received += len(data)
            writer.write(b"done")

        server = Server(machines[1], "10.77.0.3", lazy)
        await server.start()
        one = Balancer([("127.0.0.1", 7445)], [Upstream("10.77.0.3", 6443)])
        await one.start()
        reader, writer = await asyncio.open_connection(*one.addresses[0])
        total = 24 << 20
        writer.write(bytes(total))
        writer.write_eof()
        await asyncio.sleep(8)
        assert one.connections == 1
        release.set()
        assert await reader.read() == b"done"
        assert received == total
        writer.close()
        await stop(one, [server])

    netns.run_inside(machines[0], main)
