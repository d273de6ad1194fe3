"""Proxies on the loopback device: real sockets, the two protocols spoken from their specifications."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from talos.base import errors
from talos.machinery.client import proxies
from talos.machinery.client.proxies import Proxy

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.feature("G040")
@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("", None),
        ("direct", None),
        ("socks5://p", Proxy("socks5", "p", 1080)),
        ("http://u:p%40ss@p:3128", Proxy("http", "p", 3128, "u", "p@ss")),
        ("https://[::1]", Proxy("https", "::1", 443)),
    ],
)
def test_urls(url: str, proxy: Proxy | None) -> None:
    assert proxies.parse(url) == proxy


@pytest.mark.feature("G040")
@pytest.mark.parametrize("url", ["ftp://p", "p:3128", "http://", "http://p:x", "socks4://p", "Direct"])
def test_urls_of_no_proxy(url: str) -> None:
    with pytest.raises(errors.Invalid, match="proxy URL"):
        proxies.parse(url)


@pytest.mark.feature("G040")
@pytest.mark.parametrize(
    ("url", "host", "environment", "chosen"),
    [
        ("http://mine", "10.5.0.2", {"HTTPS_PROXY": "http://env"}, "mine"),
        ("direct", "10.5.0.2", {"HTTPS_PROXY": "http://env"}, None),
        ("", "10.5.0.2", {"HTTPS_PROXY": "http://env"}, "env"),
        ("", "10.5.0.2", {"https_proxy": "http://env"}, "env"),
        ("", "10.5.0.2", {"HTTPS_PROXY": "http://env", "NO_PROXY": "a, 10.5.0.0/24"}, None),
        ("", "10.6.0.2", {"HTTPS_PROXY": "http://env", "NO_PROXY": "a, 10.5.0.0/24"}, "env"),
        ("", "n1.example.org", {"HTTPS_PROXY": "http://env", "no_proxy": ".example.org"}, None),
        ("", "n1.example.com", {"HTTPS_PROXY": "http://env", "no_proxy": "*"}, None),
        ("", "127.0.0.1", {"HTTPS_PROXY": "http://env"}, None),
        ("http://mine", "127.0.0.1", {}, "mine"),
        ("", "10.5.0.2", {}, None),
    ],
)
def test_which_proxy(url: str, host: str, environment: dict[str, str], chosen: str | None) -> None:
    found = proxies.choose(url, host, environment)
    assert (found.host if found else None) == chosen


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await handler(reader, writer)
        writer.close()

    made = await asyncio.start_server(quiet, "127.0.0.1", 0)
    yield made.sockets[0].getsockname()[1]
    made.close()
    await made.wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What is behind the proxy: the answer comes at once with the proxy's own."""
    writer.write(b"node:" + await reader.readexactly(5))
    await writer.drain()


async def _talk(proxy: Proxy, host: str) -> bytes:
    made = await proxies.connect(proxy, host, 50000)
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(made, b"hello")
        return await proxies._exactly(made, 10)
    finally:
        made.close()


@pytest.mark.feature("G040")
async def test_http_connect() -> None:
    heads: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
        await _pass_on(reader, writer)

    async with serving(handler) as port:
        assert await _talk(Proxy("http", "127.0.0.1", port, "u", "p"), "fd00::1") == b"node:hello"
    assert heads[0].startswith(b"CONNECT [fd00::1]:50000 HTTP/1.1\r\nHost: [fd00::1]:50000\r\n")
    assert base64.b64encode(b"u:p") in heads[0]


@pytest.mark.feature("G040")
@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("10.5.0.2", b"\x01\x0a\x05\x00\x02"),
        ("fd00::1", b"\x04\xfd" + bytes(14) + b"\x01"),
        ("n1.example", b"\x03\x0an1.example"),
    ],
)
@pytest.mark.parametrize("user", ["", "me"])
async def test_socks(host: str, target: bytes, user: str) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(3) == bytes([5, 1, 2 if user else 0])
        writer.write(bytes([5, 2 if user else 0]))
        if user:
            assert await reader.readexactly(6) == b"\x01\x02me\x01s"
            writer.write(b"\x01\x00")
        assert await reader.readexactly(5 + len(target)) == b"\x05\x01\x00" + target + (50000).to_bytes(2, "big")
        writer.write(b"\x05\x00\x00\x03\x04host\x00\x01")
        await _pass_on(reader, writer)

    async with serving(handler) as port:
        assert await _talk(Proxy("socks5", "127.0.0.1", port, user, "s"), host) == b"node:hello"


@pytest.mark.feature("G040")
@pytest.mark.parametrize(
    ("scheme", "answer", "reason"),
    [
        ("http", b"HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden"),
        ("http", b"nonsense\r\n\r\n", "refuses"),
        ("http", b"", "closed"),
        ("http", b"a" * 20000, "no end"),
        ("socks5", b"\x05\xff", "another way"),
        ("socks5", b"\x05\x00\x05\x05\x00\x01" + bytes(6), "SOCKS reply 5"),
        ("socks5", b"\x05", "closed"),
    ],
)
async def test_proxies_that_refuse(scheme: str, answer: bytes, reason: str) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    async with serving(handler) as port:
        with pytest.raises(ConnectionError, match=reason) as caught:
            await proxies.connect(Proxy(scheme, "127.0.0.1", port), "10.5.0.2", 50000)
    assert f"proxy 127.0.0.1:{port}" in str(caught.value)
    with pytest.raises(ConnectionError, match=r"Connect call failed|refused"):
        await proxies.connect(Proxy(scheme, "127.0.0.1", port), "10.5.0.2", 50000)
