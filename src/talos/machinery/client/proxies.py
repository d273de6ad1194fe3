"""Reaching a node through a proxy: SOCKS 5 (RFC 1928, 1929) or HTTP CONNECT.

Which proxy: the context's `proxy-url`; `direct` is none; without one HTTPS_PROXY of the environment, unless NO_PROXY
names the host. The node's TLS runs inside, so a proxy sees names and lengths only.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from talos.base import errors

DIRECT = "direct"
_PORTS = {"socks5": 1080, "socks5h": 1080, "http": 80, "https": 443}
_TIMEOUT_S = 10.0
_LIMIT_BYTES = 16384


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy is and who we are to it."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""


def parse(url: str) -> Proxy | None:
    """Return the proxy of a URL, None for `direct` or nothing. Raises Invalid."""
    if url in ("", DIRECT):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise errors.Invalid(f"proxy URL {url!r}: {error}") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise errors.Invalid(f"proxy URL {url!r}: expected socks5://, http:// or https:// and a host, or 'direct'")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Proxy(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], user, password)


def choose(url: str, host: str, environment: Mapping[str, str] = os.environ) -> Proxy | None:
    """Return the proxy for a host: the context's, else the environment's. Raises Invalid."""
    if url:
        return parse(url)
    found = next((environment[n] for n in ("HTTPS_PROXY", "https_proxy") if environment.get(n)), "")
    excluded = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    return None if not found or _excluded(host, excluded) else parse(found)


def _excluded(host: str, names: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    for name in (one.strip().lower() for one in names.split(",")):
        if name == "*" or host.lower() == name.lstrip(".") or (name and host.lower().endswith("." + name.lstrip("."))):
            return True
        try:
            if address is not None and address in ipaddress.ip_network(name, strict=False):
                return True
        except ValueError:
            continue
    return False


async def connect(proxy: Proxy, host: str, port: int) -> socket.socket:
    """Return a connection to `host` and `port` through a proxy. Raises OSError, naming the proxy."""
    if proxy.scheme == "https":
        raise errors.Unsupported(
            "a proxy that is itself reached by TLS can not carry the TLS of a node here; use http://"
        )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await _through(proxy, host, port)
    except TimeoutError as error:
        raise ConnectionError(f"proxy {proxy.host}:{proxy.port} did not answer in {_TIMEOUT_S:g} s") from error
    except OSError as error:
        raise ConnectionError(f"proxy {proxy.host}:{proxy.port}: {error}") from error


async def _through(proxy: Proxy, host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, address = (await loop.getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM))[0]
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    try:
        await loop.sock_connect(made, address)
        await (_socks if proxy.scheme.startswith("socks") else _http)(proxy, made, host, port)
    except BaseException:
        made.close()
        raise
    return made


async def _exactly(made: socket.socket, count: int) -> bytes:
    loop, data = asyncio.get_running_loop(), b""
    while len(data) < count:
        more = await loop.sock_recv(made, count - len(data))
        if not more:
            raise ConnectionError("it closed the connection")
        data += more
    return data


async def _socks(proxy: Proxy, made: socket.socket, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    method = 2 if proxy.user else 0
    await loop.sock_sendall(made, bytes([5, 1, method]))
    if await _exactly(made, 2) != bytes([5, method]):
        raise ConnectionError("it wants another way of saying who we are")
    if proxy.user:
        user, password = proxy.user.encode(), proxy.password.encode()
        await loop.sock_sendall(made, bytes([1, len(user), *user, len(password), *password]))
        if (await _exactly(made, 2))[1] != 0:
            raise ConnectionError("it does not accept user and password")
    try:
        address = ipaddress.ip_address(host)
        target = bytes([1 if address.version == 4 else 4]) + address.packed
    except ValueError:
        name = host.encode("idna")
        target = bytes([3, len(name)]) + name
    await loop.sock_sendall(made, bytes([5, 1, 0]) + target + port.to_bytes(2, "big"))
    _, reply, _, kind = await _exactly(made, 4)
    if reply != 0:
        raise ConnectionError(f"it can not reach {host}:{port} (SOCKS reply {reply})")
    length = {1: 4, 4: 16}.get(kind) or (await _exactly(made, 1))[0]
    await _exactly(made, length + 2)


async def _http(proxy: Proxy, made: socket.socket, host: str, port: int) -> None:
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    head = f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n"
    if proxy.user:
        secret = base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        head += f"Proxy-Authorization: Basic {secret}\r\n"
    await asyncio.get_running_loop().sock_sendall(made, f"{head}\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        # One byte at a time: what follows the head is the node's.
        answer += await _exactly(made, 1)
        if len(answer) > _LIMIT_BYTES:
            raise ConnectionError("its answer has no end")
    first = answer.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(first) < 2 or first[1] != b"200":
        raise ConnectionError(f"it refuses {name}: {b' '.join(first[1:]).decode(errors='replace')}")
