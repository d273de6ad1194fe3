"""The gRPC server: typed handlers by path, one hook for authorisation, one handler for everything else.

Handlers are plain async functions of (request, call): unary ones return the response, server-streaming ones are async
generators, client-streaming ones get an async iterator of requests. All messages pass through as bytes, so that an
`unknown` handler can proxy methods it has never heard of.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import struct
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpclib
import grpclib.config
import grpclib.const
import grpclib.exceptions
import grpclib.server
from google.protobuf.message import DecodeError, Message
from multidict import MultiDict

from talos.machinery.rpc import _framing, _http2, status
from talos.machinery.rpc.method import Method

Limits = _http2.Limits
_UCRED = struct.Struct("3i")
BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Peer:
    """Who called. Unix sockets give pid, uid, gid (-1 otherwise); TCP gives `address`, TLS `certificate` (DER)."""

    address: str = ""
    pid: int = -1
    uid: int = -1
    gid: int = -1
    certificate: bytes | None = None
    tls: Any = None


@dataclass(slots=True)
class Call:
    """What surrounds a request. `roles` is filled in by the authorisation hook; `trailers` may be added to."""

    path: str
    metadata: Mapping[str, list[str]]
    peer: Peer
    deadline: float | None = None
    roles: frozenset[str] = frozenset()
    trailers: dict[str, str] = field(default_factory=dict)

    @property
    def remaining_s(self) -> float | None:
        """Seconds until the caller gives up, None if it waits for ever."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)

    def first(self, key: str) -> str:
        """First value of a metadata key, empty when absent."""
        values = self.metadata.get(key)
        return values[0] if values else ""


class RawStream:
    """Messages of one call as bytes, both ways; for handlers that proxy."""

    def __init__(self, stream: Any, limits: Limits, budget: _http2.Budget) -> None:
        self._stream, self._limits, self._budget = stream, limits, budget

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._receive()

    async def _receive(self) -> AsyncIterator[bytes]:
        while (message := await self.receive()) is not None:
            yield message

    async def receive(self) -> bytes | None:
        """Return the next message, None at the end of the caller's stream."""
        return await _framing.receive_bounded(self._stream._stream, self._limits, self._budget)

    async def receive_only(self) -> bytes | None:
        """Return the one message of a call that has one. Raises RpcError when it takes too long."""
        try:
            async with asyncio.timeout(self._limits.request_s):
                return await self.receive()
        except TimeoutError:
            text = f"no request within {self._limits.request_s:g} s"
            raise status.RpcError(status.Code.RESOURCE_EXHAUSTED, text) from None

    async def send(self, message: bytes) -> None:
        """Send one message."""
        await self._stream.send_message(message)

    async def send_headers(self, metadata: Mapping[str, str] | None = None) -> None:
        """Send the initial metadata before the first message."""
        await self._stream.send_initial_metadata(metadata=metadata)


Handler = Callable[..., Any]
Unknown = Callable[[RawStream, Call], Awaitable[None]]
Authorize = Callable[[Call, Method | None], Awaitable[None]]


def _peer(stream: Any) -> Peer:
    transport = stream.peer._transport
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family == socket.AF_UNIX:
        pid, uid, gid = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
        return Peer(pid=pid, uid=uid, gid=gid)
    address = transport.get_extra_info("peername")
    tls = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    return Peer(address=address[0] if address else "", certificate=certificate, tls=tls)


def _metadata(stream: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in (stream.metadata or MultiDict()).items():
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        found.setdefault(key, []).append(text)
    return found


class _Everything(dict[str, Any]):
    """A grpclib mapping that has a handler for any path."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__()
        self._make = make

    def get(self, path: str, default: Any = None) -> Any:
        return self._make(path)


class _Listener(grpclib.server.Server):
    """A grpclib server that can also close the connections it has accepted."""

    def __init__(self, mapping: _Everything, limits: Limits) -> None:
        config = grpclib.config.Configuration(
            http2_connection_window_size=_framing.CONNECTION_WINDOW_BYTES,
            http2_stream_window_size=_framing.STREAM_WINDOW_BYTES,
        )
        super().__init__([], codec=_framing.BytesCodec(), config=config)
        self._mapping = mapping
        self._limits = limits
        self._accepted: weakref.WeakSet[_http2.Protocol] = weakref.WeakSet()

    def _protocol_factory(self) -> Any:
        self.__gc_step__()
        handler = _http2.Handler(self._mapping, self._codec, self._status_details_codec, self.__dispatch__)
        self._handlers.add(handler)
        return _http2.Protocol(handler, self._config, self._h2_config, self._limits, self._accepted)

    def disconnect(self) -> None:
        """Close every accepted connection."""
        for protocol in list(self._accepted):
            protocol.disconnect("server closed")


class Server:
    """A set of handlers, served on any number of sockets."""

    def __init__(
        self,
        *,
        authorize: Authorize | None = None,
        unknown: Unknown | None = None,
        logger: logging.Logger | None = None,
        access_log: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self._handlers: dict[str, tuple[Method, Handler]] = {}
        self._authorize = authorize
        self._unknown = unknown
        self._log = logger or logging.getLogger("rpc")
        self._access_log = access_log
        self._limits = limits or Limits()
        self._budget = _http2.Budget(self._limits.inflight_bytes)
        self._servers: list[tuple[_Listener, Path | None]] = []

    def add(self, method: Method, handler: Handler) -> None:
        """Serve `method` by `handler`."""
        self._handlers[method.path] = (method, handler)

    @property
    def paths(self) -> frozenset[str]:
        """Paths with a typed handler."""
        return frozenset(self._handlers)

    # Sockets --------------------------------------------------------------------------------------------------------

    def _make(self) -> _Listener:
        return _Listener(_Everything(self._route), self._limits)

    def _route(self, path: str) -> grpclib.const.Handler:
        async def handle(stream: Any) -> None:
            await self._serve(path, stream)

        return grpclib.const.Handler(handle, grpclib.const.Cardinality.STREAM_STREAM, bytes, bytes)

    async def serve_unix(self, path: Path, *, mode: int = 0o600, uid: int = -1, gid: int = -1) -> None:
        """Listen on a unix socket; a stale one is replaced. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        server = self._make()
        before = os.umask(0o177)
        try:
            await server.start(path=str(path), backlog=BACKLOG)
        finally:
            os.umask(before)
        os.chown(path, uid, gid)
        path.chmod(mode)
        self._servers.append((server, path))

    async def serve_tcp(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> int:
        """Listen on TCP; returns the port, which may be asked for as 0. Raises OSError."""
        server = self._make()
        await server.start(host, port, ssl=tls, backlog=BACKLOG, reuse_address=True)
        self._servers.append((server, None))
        listening: Any = server._server
        return int(listening.sockets[0].getsockname()[1]) if listening is not None else port

    async def close(self, grace_s: float = 0.5) -> None:
        """Stop listening, give running calls `grace_s`, then cancel them."""
        for server, path in self._servers:
            server.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await server.wait_closed()
            server.disconnect()
            if path is not None:
                path.unlink(missing_ok=True)
        self._servers.clear()

    # One call -------------------------------------------------------------------------------------------------------

    async def _serve(self, path: str, stream: Any) -> None:
        deadline = None if stream.deadline is None else time.monotonic() + stream.deadline.time_remaining()
        call = Call(path, _metadata(stream), _peer(stream), deadline)
        started = time.monotonic()
        failed = await self._dispatch(path, stream, call)
        if self._access_log:
            roles = ",".join(sorted(call.roles)) or "none"
            word = "OK" if failed is None else status._spelling(failed.code)
            elapsed_ms = (time.monotonic() - started) * 1000
            self._log.info("%s authorized (roles: %s) %s in %.1f ms", path, roles, word, elapsed_ms)
        if failed is not None:
            with contextlib.suppress(grpclib.exceptions.StreamTerminatedError, ConnectionError):
                await stream.send_trailing_metadata(
                    status=grpclib.const.Status(failed.code.value),
                    status_message=failed.message,
                    metadata=call.trailers or None,
                )

    async def _dispatch(self, path: str, stream: Any, call: Call) -> status.RpcError | None:
        """Run the handler; return the status if it is not OK."""
        known = self._handlers.get(path)
        raw = RawStream(stream, self._limits, self._budget)
        try:
            if known is None and self._unknown is None:
                raise status.RpcError(status.Code.UNIMPLEMENTED, f"unknown method {path}")
            if self._authorize is not None:
                await self._authorize(call, known[0] if known else None)
            if known is not None:
                await _call_typed(known[0], known[1], raw, call)
            elif self._unknown is not None:
                await self._unknown(raw, call)
            if call.trailers:
                await stream.send_trailing_metadata(metadata=call.trailers)
        except (grpclib.exceptions.StreamTerminatedError, asyncio.CancelledError):
            raise
        except Exception as error:
            expected = status.from_exception(error)
            if expected is None:
                self._log.exception("%s failed unexpectedly", path)
                return status.RpcError(status.Code.INTERNAL, "internal error, see the service log")
            return expected
        return None


def _decode(method: Method, data: bytes) -> Message:
    try:
        return method.request.FromString(data)
    except DecodeError as error:
        text = f"{method.path}: request is no {method.request.DESCRIPTOR.full_name}"
        raise status.RpcError(status.Code.INVALID_ARGUMENT, text) from error


async def _requests(method: Method, raw: RawStream) -> AsyncIterator[Message]:
    async for data in raw:
        yield _decode(method, data)


async def _call_typed(method: Method, handler: Handler, raw: RawStream, call: Call) -> None:
    argument: Any
    if method.client_streaming:
        argument = _requests(method, raw)
    else:
        data = await raw.receive_only()
        if data is None:
            raise status.RpcError(status.Code.INVALID_ARGUMENT, f"{method.path}: request without a message")
        argument = _decode(method, data)
    if not method.server_streaming:
        response: Message = await handler(argument, call)
        await raw.send(response.SerializeToString())
        return
    await raw.send_headers()
    async with contextlib.aclosing(handler(argument, call)) as responses:
        async for response in responses:
            await raw.send(response.SerializeToString())
