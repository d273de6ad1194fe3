"""Forwarding of calls as raw bytes, to the machined of this node or to apid of others."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from talos.apid import _wire, identity, routing
from talos.base import errors
from talos.base.constants import ports
from talos.machinery.rpc import channel, server, status

IDLE_S = 15 * 60.0
_GRACE_S = 1.0
"""The deadline of a call is kept by whoever took it; the hop behind it is given up a little later."""
_EARLY_S = 0.25
"""Of many nodes, those that have not answered are given up early enough for the others' answers to get through."""
Headers = Mapping[str, Sequence[str]]


class Backends:
    """Connections to other nodes, made when needed, dropped when idle or when the certificates change."""

    def __init__(self, machined: Path) -> None:
        self._local = channel.Channel.unix(machined)
        self._remote: dict[str, tuple[channel.Channel, float]] = {}
        self._tls: ssl.SSLContext | None = None

    @property
    def local(self) -> channel.Channel:
        """The machined of this node."""
        return self._local

    def use(self, tls: ssl.SSLContext | None) -> None:
        """Call others with this client context from now on; None: this node may not forward."""
        self._tls = tls
        for found, _ in self._remote.values():
            found.close()
        self._remote.clear()

    def remote(self, node: str) -> channel.Channel:
        """apid of another node. Raises Denied on a node without a client certificate."""
        if self._tls is None:
            raise errors.Denied("no request forwarding")
        now = time.monotonic()
        for name, (found, used) in list(self._remote.items()):
            if now - used > IDLE_S:
                found.close()
                del self._remote[name]
        made = self._remote.get(node)
        backend = made[0] if made is not None else channel.Channel.tcp(node, ports.APID, tls=self._tls)
        self._remote[node] = (backend, now)
        return backend

    def close(self) -> None:
        """Close every connection."""
        self._local.close()
        self.use(None)


class Proxy:
    """The handler of every call that reaches apid."""

    def __init__(self, backends: Backends) -> None:
        self.backends = backends
        self.own: frozenset[str] = frozenset()
        self.routing_disabled = False
        self.readonly = False

    async def handle(self, stream: server.RawStream, call: server.Call) -> None:
        """Route one call. Raises Denied, Invalid, RpcError."""
        call.roles = identity.MAINTENANCE if self.readonly else self._roles(call)
        target = routing.Local() if self.routing_disabled else routing.route(call.path, call.metadata, self.own)
        headers = routing.onward(call.metadata, call.roles)
        if isinstance(target, routing.Local):
            await _pipe(stream, self.backends.local, call, headers)
            return
        headers["proxyfrom"] = call.metadata.get(":authority", ["unknown"])[:1]
        if isinstance(target, routing.One):
            await _pipe(stream, self.backends.remote(target.node), call, headers)
        elif target.streamed:
            await self._many_streams(stream, call, headers, target.nodes)
        else:
            await self._many_replies(stream, call, headers, target.nodes)

    @staticmethod
    def _roles(call: server.Call) -> frozenset[str]:
        if call.peer.tls is None:
            # The unix socket of apid: only root and apid's own user can open it.
            return frozenset(call.metadata.get(identity.ROLE_KEY, ())) or frozenset({"os:admin"})
        if call.peer.certificate is not None:
            identity.check_purpose(call.peer.certificate)
        return identity.roles(call)

    @staticmethod
    def _time_for_each(call: server.Call) -> float | None:
        left = call.remaining_s
        return None if left is None else max(left - _EARLY_S, left * 0.8)

    def _backend(self, node: str) -> channel.Channel:
        return self.backends.local if node in self.own else self.backends.remote(node)

    async def _many_replies(
        self, stream: server.RawStream, call: server.Call, headers: Headers, nodes: tuple[str, ...]
    ) -> None:
        request = await stream.receive_only()
        if request is None:
            raise errors.Invalid("request without a message")

        timeout_s = self._time_for_each(call)

        async def ask(node: str) -> bytes:
            try:
                async with self._backend(node).raw(call.path, metadata=headers, timeout_s=timeout_s) as onward:
                    await onward.send(request, end=True)
                    reply = await onward.receive()
                    return _wire.with_metadata(reply or b"", node)
            except Exception as error:
                return _wire.as_messages(_failure(node, error))

        await stream.send(b"".join(await asyncio.gather(*(ask(n) for n in nodes))))

    async def _many_streams(
        self, stream: server.RawStream, call: server.Call, headers: Headers, nodes: tuple[str, ...]
    ) -> None:
        request = await stream.receive_only()
        if request is None:
            raise errors.Invalid("request without a message")
        await stream.send_headers()
        sending = asyncio.Lock()
        timeout_s = self._time_for_each(call)

        async def follow(node: str) -> None:
            extra = _wire.metadata(node)
            try:
                async with self._backend(node).raw(call.path, metadata=headers, timeout_s=timeout_s) as onward:
                    await onward.send(request, end=True)
                    async for message in onward:
                        async with sending:
                            await stream.send(message + extra)
            except Exception as error:
                async with sending:
                    await stream.send(_failure(node, error))

        await asyncio.gather(*(follow(n) for n in nodes))


def _failure(node: str, error: Exception) -> bytes:
    found = status.from_exception(error) or status.RpcError(status.Code.INTERNAL, "internal error")
    return _wire.failure(node, found.code.value, found.message, str(found))


async def _pipe(stream: server.RawStream, backend: channel.Channel, call: server.Call, headers: Headers) -> None:
    """Both directions at once, bytes untouched, until the backend ends the call or the caller breaks the rules."""
    timeout_s = None if call.remaining_s is None else call.remaining_s + _GRACE_S
    async with backend.raw(call.path, metadata=headers, timeout_s=timeout_s) as onward:
        upload = asyncio.ensure_future(_upload(stream, onward))
        download = asyncio.ensure_future(_download(stream, onward))
        both = {upload, download}
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if download not in done:
                upload.result()
            await download
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)
            for task in both:
                # What went wrong in the other direction meanwhile is not reported twice.
                task.cancelled() or task.exception()


async def _upload(stream: server.RawStream, onward: channel.RawCall) -> None:
    async for message in stream:
        await onward.send(message)
    await onward.end()


async def _download(stream: server.RawStream, onward: channel.RawCall) -> None:
    started = False
    async for message in onward:
        if not started:
            await stream.send_headers()
            started = True
        await stream.send(message)
    if not started:
        await stream.send_headers()
