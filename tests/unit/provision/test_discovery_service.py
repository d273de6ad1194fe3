"""Our client against our service over gRPC: publish, watch, redirect of endpoints, restart, withdrawal."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tests import ports

from talos.machined.controllers.cluster import _discovery_client as client
from talos.machined.controllers.cluster._discovery_client import Client, Endpoint, Local, Settings
from talos.machinery.api._generated.discovery import affiliate_pb2, cluster_pb2
from talos.machinery.rpc import channel, method, status
from talos.provision import discovery

KEY = bytes(range(32))
METHODS = method.of_service(cluster_pb2.DESCRIPTOR.services_by_name["Cluster"])


async def eventually(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(port: int = 0) -> AsyncIterator[tuple[discovery.Server, int]]:
    server = discovery.Server()
    port = await server.start("127.0.0.1", port)
    try:
        yield server, port
    finally:
        await server.close()


@asynccontextmanager
async def node(name: str, port: int, *, key: bytes = KEY, cluster: str = "c") -> AsyncIterator[Client]:
    one = Client(Settings(Endpoint("127.0.0.1", port, True), cluster, key, name, "v1"), lambda: None)
    one.publish(Local(affiliate_pb2.Affiliate(node_id=name, hostname=f"host-{name}")))
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.feature("N001", "N008")
async def test_nodes_find_each_other() -> None:
    async with (
        serving() as (server, port),
        node("a", port) as a,
        node("b", port) as b,
        node("x", port, cluster="d") as x,
    ):
        await eventually(lambda: set(a.discovered) == {"b"} and set(b.discovered) == {"a"})
        assert a.discovered["b"].affiliate.hostname == "host-b"
        assert a.public_ip == ipaddress.ip_address("127.0.0.1")
        assert x.discovered == {}
        for stored in server.service.registry.affiliates("c"):
            assert b"host-" not in stored.data
        changed = affiliate_pb2.Affiliate(node_id="b", hostname="renamed")
        b.publish(Local(changed, endpoints=((ipaddress.ip_address("10.0.0.2"), 51820),)))
        await eventually(lambda: a.discovered["b"].affiliate.hostname == "renamed")
        assert a.discovered["b"].endpoints == ((ipaddress.ip_address("10.0.0.2"), 51820),)


@pytest.mark.feature("N002")
async def test_equal_endpoints_of_several_publishers_are_one() -> None:
    async with serving() as (_, port), node("a", port) as a, node("b", port) as b, node("w", port) as w:
        endpoint = (ipaddress.ip_address("192.0.2.7"), 51820)
        b.publish(Local(affiliate_pb2.Affiliate(node_id="b"), endpoints=(endpoint,)))
        a.publish(Local(affiliate_pb2.Affiliate(node_id="a"), others={"b": (endpoint,)}))
        await eventually(lambda: "b" in w.discovered and bool(w.discovered["b"].endpoints))
        await asyncio.sleep(0.1)
        assert w.discovered["b"].endpoints == (endpoint,)


async def test_an_affiliate_of_another_secret_is_not_taken() -> None:
    async with serving() as (_, port), node("a", port) as a, node("b", port, key=bytes(32)), node("c", port):
        await eventually(lambda: "c" in a.discovered)
        assert set(a.discovered) == {"c"}


@pytest.mark.feature("N009")
async def test_withdrawing_tells_the_others() -> None:
    async with serving() as (_, port), node("a", port) as a, node("b", port) as b:
        await eventually(lambda: set(a.discovered) == {"b"})
        await b.withdraw(timeout_s=5)
        await eventually(lambda: a.discovered == {})


async def test_a_restarted_service_learns_everything_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BACKOFF_FIRST_S", 0.05)
    async with serving(ports.lasting()) as (_, port):
        first = node("a", port)
        second = node("b", port)
        a, b = await first.__aenter__(), await second.__aenter__()
        await eventually(lambda: set(a.discovered) == {"b"})
    assert set(a.discovered) == {"b"}
    async with serving(port) as (server, _):
        await eventually(lambda: len(server.service.registry.affiliates("c")) == 2)
        b.publish(Local(affiliate_pb2.Affiliate(node_id="b", hostname="after")))
        await eventually(lambda: a.discovered["b"].affiliate.hostname == "after")
        await first.__aexit__(None, None, None)
        await second.__aexit__(None, None, None)


@pytest.mark.feature("N001")
async def test_an_affiliate_that_is_not_refreshed_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as (_, port), node("a", port) as a:
        opened = channel.Channel.tcp("127.0.0.1", port)
        request = cluster_pb2.AffiliateUpdateRequest(
            cluster_id="c",
            affiliate_id="z",
            affiliate_data=client.codec.seal(KEY, affiliate_pb2.Affiliate(node_id="z")),
        )
        request.ttl.FromMilliseconds(300)
        await opened.unary(METHODS["AffiliateUpdate"], request, timeout_s=5)
        await eventually(lambda: set(a.discovered) == {"z"})
        await eventually(lambda: a.discovered == {})
        opened.close()


@pytest.mark.feature("N001")
async def test_the_own_affiliate_is_refreshed_at_half_its_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TTL_S", 1)
    async with serving() as (server, port), node("a", port):
        for _ in range(25):
            await asyncio.sleep(0.1)
            assert [one.id for one in server.service.registry.affiliates("c")] in (["a"], [])
        assert [one.id for one in server.service.registry.affiliates("c")] == ["a"]


async def test_bad_requests_are_refused_with_a_reason() -> None:
    async with serving() as (_, port):
        opened = channel.Channel.tcp("127.0.0.1", port)
        with pytest.raises(status.RpcError, match="cluster id") as caught:
            await opened.unary(METHODS["List"], cluster_pb2.ListRequest(), timeout_s=5)
        assert caught.value.code is status.Code.INVALID_ARGUMENT
        request = cluster_pb2.AffiliateUpdateRequest(cluster_id="c", affiliate_id="a", affiliate_data=bytes(4000))
        request.ttl.FromSeconds(60)
        with pytest.raises(status.RpcError, match="2048"):
            await opened.unary(METHODS["AffiliateUpdate"], request, timeout_s=5)
        listed = await opened.unary(METHODS["List"], cluster_pb2.ListRequest(cluster_id="c"), timeout_s=5)
        assert list(listed.affiliates) == []
        opened.close()


@pytest.mark.parametrize(
    ("text", "insecure", "expected"),
    [
        ("https://discovery.talos.dev/", False, Endpoint("discovery.talos.dev", 443)),
        ("https://discovery.example.org:8443", False, Endpoint("discovery.example.org", 8443)),
        ("http://10.5.0.1:3000", False, Endpoint("10.5.0.1", 3000, True)),
        ("discovery.talos.dev:443", False, Endpoint("discovery.talos.dev", 443)),
        ("[fd00::1]:3000", True, Endpoint("fd00::1", 3000, True)),
    ],
)
def test_endpoint_text(text: str, insecure: bool, expected: Endpoint) -> None:
    assert Endpoint.parse(text, insecure=insecure) == expected


@pytest.mark.parametrize("text", ["", "ftp://x", "https://x:port"])
def test_bad_endpoints_are_named(text: str) -> None:
    with pytest.raises(client.errors.Invalid, match="discovery service"):
        Endpoint.parse(text)
