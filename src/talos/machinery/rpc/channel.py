"""The gRPC client: one HTTP/2 connection to one server, made at the first call and again after a loss.

Typed calls take a `Method`; raw calls pass bytes for any path, which is what a proxy needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import grpclib.client
import grpclib.config
import grpclib.const
import grpclib.exceptions
import grpclib.metadata
import h2.exceptions
from google.protobuf.message import DecodeError, Message
from multidict import MultiDict

from talos.machinery.rpc import _framing, status
from talos.machinery.rpc.method import Method

CONNECT_S = 20.0
M = TypeVar("M", bound=Message)
Metadata = Mapping[str, str | Iterable[str]]


def _multi(metadata: Metadata | None) -> MultiDict[str]:
    pairs: MultiDict[str] = MultiDict()
    for key, value in (metadata or {}).items():
        for one in [value] if isinstance(value, str) else value:
            pairs.add(key, one)
    return pairs


def _status(error: grpclib.exceptions.GRPCError) -> status.RpcError:
    return status.RpcError(status.Code(error.status.value), error.message or "")


class RawCall:
    """One call with bytes both ways."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    @property
    def over(self) -> bool:
        """Whether the server has ended the call: nobody reads what we send, and `receive` tells how it ended."""
        return bool(self._stream._stream.buffer._eof)

    async def send(self, message: bytes, *, end: bool = False) -> None:
        """Send one message; `end` closes our side with it. Does nothing once the call is over."""
        with self._sending():
            await self._stream.send_message(message, end=end)

    async def end(self) -> None:
        """Close our side."""
        with self._sending():
            await self._stream.end()

    @contextlib.contextmanager
    def _sending(self) -> Iterator[None]:
        try:
            with _translated():
                yield
        except h2.exceptions.StreamClosedError:
            if not self.over:
                raise status.RpcError(status.Code.UNAVAILABLE, "stream closed by the server") from None

    async def receive(self) -> bytes | None:
        """Return the next message, None at the end. Raises RpcError for a status that is not OK."""
        with _translated():
            if not self._stream._recv_initial_metadata_done:
                await self._stream.recv_initial_metadata()
            with self._stream._wrapper:  # ends the wait when the connection is lost
                message = await _framing.receive(self._stream._stream)
            if message is None:
                # A server may end a call whose other side is still open; grpclib would call that our mistake.
                self._stream._end_done = True
                await self._stream.recv_trailing_metadata()
            return message

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self.receive()) is not None:
            yield message

    @property
    def trailers(self) -> Mapping[str, str]:
        """Trailing metadata, after the end."""
        return cast("Mapping[str, str]", self._stream.trailing_metadata or {})


def _keep_response(stream: Any) -> None:
    """Let a reset that comes after a whole response not take that away: it only says that nobody reads us any more."""
    terminate = stream.__terminated__

    def terminated(reason: str) -> None:
        if stream.buffer._eof:
            # Whoever waits for room to send finds out that the stream is closed.
            stream.window_updated.set()
        else:
            terminate(reason)

    stream.__terminated__ = terminated


@contextlib.contextmanager
def _translated() -> Any:
    """grpclib's exceptions and lost connections -> RpcError."""
    try:
        yield
    except grpclib.exceptions.GRPCError as error:
        raise _status(error) from None
    except grpclib.exceptions.StreamTerminatedError as error:
        raise status.RpcError(status.Code.UNAVAILABLE, str(error) or "connection lost") from None
    except grpclib.exceptions.ProtocolError as error:
        raise status.RpcError(status.Code.INTERNAL, str(error)) from None
    except ssl.SSLCertVerificationError as error:
        raise status.RpcError(status.Code.UNAVAILABLE, f"certificate not accepted: {error.verify_message}") from None
    except OSError as error:
        # A timeout without errno is the deadline of the call, one with it is the kernel's about the connection.
        ended = isinstance(error, TimeoutError) and error.errno is None
        code = status.Code.DEADLINE_EXCEEDED if ended else status.Code.UNAVAILABLE
        raise status.RpcError(code, str(error) or type(error).__name__) from None


Connect = Callable[[str, int], Awaitable[socket.socket]]


class _Connecting(grpclib.client.Channel):
    """A connection that is made in bounded time: an address that swallows packets is no reason to wait for minutes."""

    async def _create_connection(self) -> Any:
        try:
            async with asyncio.timeout(CONNECT_S):
                return await super()._create_connection()
        except TimeoutError as error:
            if error.errno is None:
                text = f"no connection within {CONNECT_S:g} s"
                raise TimeoutError(errno.ETIMEDOUT, text) from None
            raise


class _Special(_Connecting):
    """A connection made in a way of ours, or whose server has to pass a check before anything is sent to it."""

    def __init__(
        self, host: str, port: int, check: Callable[[bytes], None] | None, connect: Connect | None, **options: Any
    ) -> None:
        super().__init__(host, port, **options)
        self._check, self._connect = check, connect

    async def _create_connection(self) -> Any:
        if self._connect is None:
            protocol = await super()._create_connection()
        else:
            assert self._host is not None
            assert self._port is not None
            _, protocol = await self._loop.create_connection(
                self._protocol_factory,
                sock=await self._connect(self._host, self._port),
                ssl=self._ssl,
                server_hostname=(self._config.ssl_target_name_override or self._host) if self._ssl else None,
            )
        transport = protocol.connection._transport
        if self._check is None:
            return protocol
        try:
            self._check(transport.get_extra_info("ssl_object").getpeercert(binary_form=True))
        except BaseException:
            transport.abort()
            raise
        return protocol


class Channel:
    """Calls to one server. Create inside the event loop; `close` when done."""

    def __init__(self, channel: grpclib.client.Channel, address: str) -> None:
        self._channel = channel
        self.address = address

    @classmethod
    def unix(cls, path: Path) -> Channel:
        """To a unix socket."""
        made = grpclib.client.Channel(path=str(path), codec=_framing.BytesCodec(), config=_config())
        made._authority = "localhost"
        return cls(made, str(path))

    @classmethod
    def tcp(
        cls,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        check: Callable[[bytes], None] | None = None,
        connect: Connect | None = None,
    ) -> Channel:
        """To host and port; `server_name` is checked against the certificate instead of `host`.

        `check` gets the server's certificate (DER) and raises when it is not the one wanted: nothing has been sent yet.
        `connect` makes the connection below the TLS.
        """
        options: dict[str, Any] = {
            "ssl": tls,
            "codec": _framing.BytesCodec(),
            "config": _config(server_name if tls else None),
        }
        if connect is not None or (check is not None and tls is not None):
            return cls(_Special(host, port, check if tls is not None else None, connect, **options), f"{host}:{port}")
        return cls(_Connecting(host, port, **options), f"{host}:{port}")

    def close(self) -> None:
        """Close the connection; running calls end with UNAVAILABLE."""
        protocol = self._channel._protocol
        transport = getattr(protocol.connection, "_transport", None) if protocol is not None else None
        self._channel.close()
        if transport is not None and self._channel._ssl is not None:
            # A TLS transport goes on until the peer has said goodbye too, which may be after the loop has ended.
            transport.abort()

    @contextlib.asynccontextmanager
    async def raw(
        self, path: str, *, metadata: Metadata | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[RawCall]:
        """Open a call to `path` with bytes both ways; leaving the context early cancels it."""
        stream = self._channel.request(
            path,
            grpclib.const.Cardinality.STREAM_STREAM,
            bytes,
            bytes,
            timeout=timeout_s,
            metadata=_multi(metadata),
        )
        try:
            async with _deadline(timeout_s), stream:
                with _translated():
                    await stream.send_request()
                _keep_response(stream._stream)
                yield RawCall(stream)
                if not stream._recv_trailing_metadata_done:
                    with contextlib.suppress(Exception):
                        await stream.cancel()
        except (
            grpclib.exceptions.GRPCError,
            grpclib.exceptions.StreamTerminatedError,
            grpclib.exceptions.ProtocolError,
            OSError,
        ) as error:
            if isinstance(error, TimeoutError):
                raise
            with _translated():
                raise error

    async def unary(
        self, method: Method, request: Message, *, metadata: Metadata | None = None, timeout_s: float
    ) -> Any:
        """One request, one response. Raises RpcError."""
        async with self.raw(method.path, metadata=metadata, timeout_s=timeout_s) as call:
            await call.send(request.SerializeToString(), end=True)
            return await _only_response(method, call)

    async def stream(
        self, method: Method, request: Message, *, metadata: Metadata | None = None, timeout_s: float | None = None
    ) -> AsyncIterator[Any]:
        """One request, many responses. Raises RpcError. Close the iterator to cancel."""
        async with self.raw(method.path, metadata=metadata, timeout_s=timeout_s) as call:
            await call.send(request.SerializeToString(), end=True)
            async for data in call:
                yield _response(method, data)

    async def upload(
        self,
        method: Method,
        requests: AsyncIterable[Message],
        *,
        metadata: Metadata | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Many requests, one response. Raises RpcError."""
        async with self.raw(method.path, metadata=metadata, timeout_s=timeout_s) as call:
            async for request in requests:
                await call.send(request.SerializeToString())
                if call.over:
                    break
            await call.end()
            return await _only_response(method, call)


@contextlib.asynccontextmanager
async def _deadline(timeout_s: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        text = f"no answer within {timeout_s:g} s" if timeout_s is not None else "timed out"
        raise status.RpcError(status.Code.DEADLINE_EXCEEDED, text) from None


def _config(server_name: str | None = None) -> grpclib.config.Configuration:
    return grpclib.config.Configuration(
        http2_connection_window_size=_framing.CLIENT_CONNECTION_WINDOW_BYTES,
        http2_stream_window_size=_framing.STREAM_WINDOW_BYTES,
        ssl_target_name_override=server_name,
    )


def _response(method: Method, data: bytes) -> Message:
    try:
        return method.response.FromString(data)
    except DecodeError as error:
        text = f"{method.path}: response is no {method.response.DESCRIPTOR.full_name}"
        raise status.RpcError(status.Code.INTERNAL, text) from error


async def _only_response(method: Method, call: RawCall) -> Message:
    data = await call.receive()
    if data is None:
        raise status.RpcError(status.Code.INTERNAL, f"{method.path}: no response message")
    await call.receive()
    return _response(method, data)
