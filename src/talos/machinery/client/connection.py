"""A connection to the Talos API of a cluster: endpoints in turn, one call per node, results by node.

The endpoint (an apid) is only the door; `node` metadata says who answers. With several endpoints the first call dials
them, each a moment after the one before, and takes the first that answers: a machine that lost its power refuses
nothing, it is silent. An endpoint that is lost later goes to the end of the line.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from google.protobuf.message import Message

from talos.base import errors
from talos.machinery.api import methods
from talos.machinery.client import talosconfig
from talos.machinery.rpc import channel, status
from talos.machinery.rpc.method import Method

T = TypeVar("T")
PORT = 50000
CONNECT_TIMEOUT_S = 10.0
_STAGGER_S = 0.25
CALL_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """What one node answered: a value or an error."""

    node: str
    value: T | None = None
    error: Exception | None = None


def split_endpoint(endpoint: str) -> tuple[str, int]:
    """`host`, `host:port`, `[v6]:port`, `https://host` -> (host, port). Raises Invalid."""
    if "://" in endpoint:
        url = urlsplit(endpoint)
        return url.hostname or "", url.port or 443
    if endpoint.count(":") > 1 and not endpoint.startswith("["):
        return endpoint, PORT
    url = urlsplit(f"//{endpoint}")
    try:
        port = url.port or PORT
    except ValueError as error:
        raise errors.Invalid(f"endpoint {endpoint!r}: port is no number") from error
    if not url.hostname:
        raise errors.Invalid(f"endpoint {endpoint!r} has no host")
    return url.hostname, port


def tls(context: talosconfig.Context) -> ssl.SSLContext:
    """Client context of a talosconfig. Raises Invalid when certificates are missing or broken."""
    if not context.ca or not context.crt or not context.key:
        raise errors.Invalid("the talosconfig context has no complete set of ca, crt and key")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["h2"])
    key = context.key.replace(b"ED25519 PRIVATE KEY", b"PRIVATE KEY")
    descriptor = _memory_file(context.crt.rstrip() + b"\n" + key)
    try:
        made.load_verify_locations(cadata=context.ca.decode())
        made.load_cert_chain(f"/proc/self/fd/{descriptor}")
    except ssl.SSLError as error:
        raise errors.Invalid(f"the talosconfig's certificates can not be used: {error}") from error
    finally:
        os.close(descriptor)
    return made


def _memory_file(data: bytes) -> int:
    descriptor = os.memfd_create("talosconfig", os.MFD_CLOEXEC)
    os.write(descriptor, data)
    return descriptor


def insecure_tls() -> ssl.SSLContext:
    """Context for maintenance mode: the server's certificate is self-signed, so it is pinned or not checked at all."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_alpn_protocols(["h2"])
    return made


class Connection:
    """Calls to nodes of a cluster through its endpoints."""

    def __init__(
        self,
        endpoints: Sequence[str],
        context: ssl.SSLContext | None,
        *,
        cluster: str = "",
        proxy_url: str = "",
        check: Callable[[bytes], None] | None = None,
    ) -> None:
        """`check` raises for a server certificate (DER) that is not wanted. Raises Invalid without endpoints."""
        if not endpoints:
            raise errors.Invalid("no endpoints: set them with `talosctl config endpoint`, or --endpoints")
        self._endpoints = [split_endpoint(e) for e in endpoints]
        self._tls = context
        self._check = check
        self._proxy_url = proxy_url
        self._metadata = {"runtime": "Talos"} | ({"context": cluster} if cluster else {})
        self._channels: dict[tuple[str, int], channel.Channel] = {}
        self._chosen: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Close all channels."""
        if self._chosen is not None:
            self._chosen.cancel()
        for found in self._channels.values():
            found.close()
        self._channels.clear()

    async def _channel(self) -> tuple[tuple[str, int], channel.Channel]:
        if len(self._endpoints) > 1:
            if self._chosen is None:
                self._chosen = asyncio.create_task(self._choose(), name="choose an endpoint")
            await asyncio.shield(self._chosen)
        endpoint = self._endpoints[0]
        found = self._channels.get(endpoint)
        if found is None:
            found = self._channels[endpoint] = channel.Channel.tcp(
                *endpoint, tls=self._tls, check=self._check, connect=_connect(self._proxy_url, endpoint[0])
            )
        return endpoint, found

    async def _choose(self) -> None:
        """Move the endpoint that answers first to the front; when none does, the calls tell why."""
        dials = [
            asyncio.create_task(_dial(endpoint, n * _STAGGER_S, self._proxy_url))
            for n, endpoint in enumerate(self._endpoints)
        ]
        try:
            for dial in asyncio.as_completed(dials, timeout=CONNECT_TIMEOUT_S):
                with contextlib.suppress(OSError):
                    endpoint = await dial
                    self._endpoints.remove(endpoint)
                    self._endpoints.insert(0, endpoint)
                    return
        finally:
            for one in dials:
                one.cancel()
            await asyncio.gather(*dials, return_exceptions=True)

    def _lost(self, endpoint: tuple[str, int]) -> None:
        """Move a dead endpoint to the end of the line."""
        if len(self._endpoints) > 1 and endpoint in self._endpoints:
            self._endpoints.remove(endpoint)
            self._endpoints.append(endpoint)

    def _headers(self, node: str) -> dict[str, str]:
        return self._metadata | ({"node": node} if node else {})

    async def unary(self, path: str, request: Message, *, node: str = "", timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """One request, one response, of one node. Raises RpcError; UNAVAILABLE only after every endpoint failed."""
        method = methods.method(path)
        failure: status.RpcError | None = None
        for _ in range(len(self._endpoints)):
            endpoint, found = await self._channel()
            try:
                return await found.unary(method, request, metadata=self._headers(node), timeout_s=timeout_s)
            except status.RpcError as error:
                if error.code is not status.Code.UNAVAILABLE:
                    raise
                failure = error
                self._lost(endpoint)
        assert failure is not None
        raise failure

    async def stream(
        self, path: str, request: Message, *, node: str = "", timeout_s: float | None = None
    ) -> AsyncIterator[Any]:
        """One request, many responses, of one node. Raises RpcError."""
        method = methods.method(path)
        for attempt in range(len(self._endpoints)):
            endpoint, found = await self._channel()
            started = False
            responses = found.stream(method, request, metadata=self._headers(node), timeout_s=timeout_s)
            try:
                async with contextlib.aclosing(responses):  # type: ignore[type-var]
                    async for response in responses:
                        started = True
                        yield response
                return
            except status.RpcError as error:
                last = attempt == len(self._endpoints) - 1
                if error.code is not status.Code.UNAVAILABLE or started or last:
                    raise
                self._lost(endpoint)

    async def upload(self, path: str, requests: Any, *, node: str = "", timeout_s: float | None = None) -> Any:
        """Many requests, one response, of one node. Raises RpcError."""
        method: Method = methods.method(path)
        _, found = await self._channel()
        return await found.upload(method, requests, metadata=self._headers(node), timeout_s=timeout_s)


def _connect(proxy_url: str, host: str) -> channel.Connect | None:
    """How a host is reached: by a proxy, or (None) as it is."""
    if not proxy_url and not any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy")):
        return None
    from talos.machinery.client import proxies

    chosen = proxies.choose(proxy_url, host)
    return functools.partial(proxies.connect, chosen) if chosen is not None else None


async def _dial(endpoint: tuple[str, int], delay_s: float, proxy_url: str) -> tuple[str, int]:
    await asyncio.sleep(delay_s)
    connect = _connect(proxy_url, endpoint[0])
    if connect is not None:
        (await connect(*endpoint)).close()
        return endpoint
    _, writer = await asyncio.open_connection(*endpoint)
    writer.close()
    return endpoint


async def each(nodes: Sequence[str], call: Callable[[str], Awaitable[T]]) -> list[Result[T]]:
    """Run one call per node at the same time; results in the order of the nodes, failures kept."""

    async def one(node: str) -> Result[T]:
        try:
            return Result(node, await call(node))
        except BrokenPipeError:
            # Lost connections are RpcErrors by now: this is the reader of our own output, who has seen enough.
            raise
        except (errors.TalosError, OSError) as error:
            return Result(node, error=error)

    return list(await asyncio.gather(*(one(n) for n in nodes)))
