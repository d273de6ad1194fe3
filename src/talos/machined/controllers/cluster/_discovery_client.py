"""One discovery service: publish the own affiliate, watch those of the others.

A session is Hello (which tells the address the service sees), an update of the own affiliate, then the watch. The
update is repeated at half its time to live and whenever it changes. A session that ends for any reason is begun anew
after a growing pause; what is known of the others is kept until the next session's first message replaces it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import random
import ssl
import urllib.parse
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from talos.base import errors
from talos.machined.controllers.cluster import _affiliate_codec as codec
from talos.machinery.api._generated.discovery import affiliate_pb2, cluster_pb2
from talos.machinery.rpc import channel, method, status

TTL_S = 30 * 60
UPDATE_S = 10.0
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 60.0

_METHODS = method.of_service(cluster_pb2.DESCRIPTOR.services_by_name["Cluster"])


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service listens. `insecure` means HTTP/2 without TLS."""

    host: str
    port: int
    insecure: bool = False

    @classmethod
    def parse(cls, text: str, *, insecure: bool = False) -> Endpoint:
        """From `https://host[:port]/`, `http://host[:port]` (no TLS) or `host:port`. Raises Invalid."""
        url = urllib.parse.urlsplit(text if "//" in text else f"//{text}")
        try:
            port = url.port
        except ValueError as err:
            raise errors.Invalid(f"discovery service {text!r}: {err}") from err
        if not url.hostname or url.scheme not in ("", "http", "https", "grpc"):
            raise errors.Invalid(f"discovery service {text!r}: expected https://host[:port]")
        plain = insecure or url.scheme == "http"
        return cls(url.hostname, port or (80 if plain else 443), plain)


@dataclass(frozen=True, slots=True)
class Settings:
    """What makes one client; another value needs another client."""

    endpoint: Endpoint
    cluster_id: str
    key: bytes
    affiliate_id: str
    version: str


@dataclass(frozen=True, slots=True)
class Local:
    """What this node publishes: itself, and endpoints it found others at."""

    affiliate: affiliate_pb2.Affiliate
    endpoints: tuple[codec.Endpoint, ...] = ()
    others: Mapping[str, tuple[codec.Endpoint, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Discovered:
    """Another node."""

    affiliate: affiliate_pb2.Affiliate
    endpoints: tuple[codec.Endpoint, ...] = ()


class Client:
    """The client of one service. `changed` is called after `discovered` or `public_ip` changed."""

    def __init__(self, settings: Settings, changed: Callable[[], None], log: logging.Logger | None = None) -> None:
        self.settings = settings
        self.discovered: dict[str, Discovered] = {}
        self.public_ip: codec.IPAddress | None = None
        self._changed = changed
        self._log = log or logging.getLogger("talos.discovery")
        self._local: Local | None = None
        self._local_changed = asyncio.Event()
        self._redirect: Endpoint | None = None
        self._complaint = ""

    def publish(self, local: Local) -> None:
        """Give what is to be published; the same again does nothing."""
        if local != self._local:
            self._local = local
            self._local_changed.set()

    async def run(self) -> None:
        """Hold sessions for ever."""
        delay_s = BACKOFF_FIRST_S
        while True:
            begun = asyncio.get_running_loop().time()
            try:
                await self._session()
            except (status.RpcError, errors.Invalid, OSError) as err:
                self._complain(err)
            if asyncio.get_running_loop().time() - begun > BACKOFF_MAX_S:
                delay_s = BACKOFF_FIRST_S
            await asyncio.sleep(delay_s * random.uniform(0.75, 1.25))
            delay_s = min(delay_s * 2, BACKOFF_MAX_S)

    async def withdraw(self, *, timeout_s: float) -> None:
        """Delete the own affiliate at the service. Raises RpcError."""
        request = cluster_pb2.AffiliateDeleteRequest(
            cluster_id=self.settings.cluster_id, affiliate_id=self.settings.affiliate_id
        )
        opened = self._open()
        try:
            await opened.unary(_METHODS["AffiliateDelete"], request, timeout_s=timeout_s)
        finally:
            opened.close()

    def _open(self) -> channel.Channel:
        endpoint = self._redirect or self.settings.endpoint
        tls = None
        if not endpoint.insecure:
            tls = ssl.create_default_context()
            tls.set_alpn_protocols(["h2"])
        return channel.Channel.tcp(endpoint.host, endpoint.port, tls=tls)

    async def _session(self) -> None:
        opened = self._open()
        try:
            if await self._hello(opened):
                return
            loop = asyncio.get_running_loop()
            both = {loop.create_task(self._watch(opened)), loop.create_task(self._update_for_ever(opened))}
            try:
                done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        finally:
            opened.close()

    async def _hello(self, opened: channel.Channel) -> bool:
        """Greet; return whether the service sent us elsewhere."""
        request = cluster_pb2.HelloRequest(cluster_id=self.settings.cluster_id, client_version=self.settings.version)
        reply = await opened.unary(_METHODS["Hello"], request, timeout_s=UPDATE_S)
        if reply.HasField("redirect") and reply.redirect.endpoint:
            before = self._redirect
            self._redirect = Endpoint.parse(reply.redirect.endpoint, insecure=self.settings.endpoint.insecure)
            return self._redirect != before
        with contextlib.suppress(ValueError):
            ip = ipaddress.ip_address(bytes(reply.client_ip))
            if ip != self.public_ip:
                self.public_ip = ip
                self._changed()
        return False

    async def _update_for_ever(self, opened: channel.Channel) -> None:
        while True:
            self._local_changed.clear()
            if self._local is not None:
                for request in _updates(self.settings, self._local):
                    await opened.unary(_METHODS["AffiliateUpdate"], request, timeout_s=UPDATE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TTL_S / 2):
                    await self._local_changed.wait()

    async def _watch(self, opened: channel.Channel) -> None:
        first = True
        request = cluster_pb2.WatchRequest(cluster_id=self.settings.cluster_id)
        stream = cast("AsyncGenerator[cluster_pb2.WatchResponse, None]", opened.stream(_METHODS["Watch"], request))
        async with contextlib.aclosing(stream) as responses:
            async for response in responses:
                before = dict(self.discovered)
                if first:
                    self._log.info("discovery service %s: connected", opened.address)
                    self._complaint, self.discovered, first = "", {}, False
                self._take(response)
                if self.discovered != before:
                    self._changed()
        raise status.RpcError(status.Code.UNAVAILABLE, "the service ended the watch")

    def _take(self, response: cluster_pb2.WatchResponse) -> None:
        for one in response.affiliates:
            if one.id == self.settings.affiliate_id:
                continue
            if response.deleted or not one.data:
                self.discovered.pop(one.id, None)
                continue
            try:
                self.discovered[one.id] = _unseal(self.settings.key, one)
            except errors.Invalid as err:
                self.discovered.pop(one.id, None)
                self._log.warning("affiliate %s: %s", one.id, err)

    def _complain(self, err: Exception) -> None:
        """Say what is wrong once, not at every try."""
        text = f"{self.settings.endpoint.host}: {err}"
        if text != self._complaint:
            self._complaint = text
            self._log.warning("discovery service %s", text)


def _unseal(key: bytes, one: cluster_pb2.Affiliate) -> Discovered:
    endpoints: Sequence[codec.Endpoint] = [codec.unseal_endpoint(key, data) for data in one.endpoints]
    return Discovered(codec.unseal(key, one.data), tuple(endpoints))


def _updates(settings: Settings, local: Local) -> list[cluster_pb2.AffiliateUpdateRequest]:
    own = cluster_pb2.AffiliateUpdateRequest(
        cluster_id=settings.cluster_id,
        affiliate_id=settings.affiliate_id,
        affiliate_data=codec.seal(settings.key, local.affiliate),
        affiliate_endpoints=codec.seal_endpoints(settings.key, local.endpoints),
    )
    own.ttl.FromSeconds(TTL_S)
    requests = [own]
    for affiliate_id, endpoints in sorted(local.others.items()):
        other = cluster_pb2.AffiliateUpdateRequest(
            cluster_id=settings.cluster_id,
            affiliate_id=affiliate_id,
            affiliate_endpoints=codec.seal_endpoints(settings.key, endpoints),
        )
        other.ttl.FromSeconds(TTL_S)
        requests.append(other)
    return requests
