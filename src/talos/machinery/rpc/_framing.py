"""Length-prefixed messages over an HTTP/2 stream (gRPC over HTTP2, "Length-Prefixed-Message"), with our limits.

grpclib would read whatever length the peer announces; here a message beyond the limit ends the call instead.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from grpclib.encoding.base import CodecBase

from talos.machinery.rpc import _http2, status

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024
CLIENT_CONNECTION_WINDOW_BYTES = 1 << 30
"""Streams nobody reads for a while (a stopped `logs --follow`) must not hold up the others of the same connection."""
STREAM_WINDOW_BYTES = 2 * 1024 * 1024
_SMALL_BYTES = 256 * 1024
_PREFIX = struct.Struct(">BI")


class BytesCodec(CodecBase):
    """Messages are bytes: who wants them typed decodes them."""

    __content_subtype__ = "proto"

    def encode(self, message: Any, message_type: Any) -> bytes:
        """Return the message as it is."""
        return bytes(message)

    def decode(self, data: bytes, message_type: Any) -> bytes:
        """Return the data as they are."""
        return data


async def receive(stream: Any, limit: int | None = None) -> bytes | None:
    """Return the next message of a grpclib protocol stream, None at its end.

    Raises RpcError: RESOURCE_EXHAUSTED over the limit, UNIMPLEMENTED for compression, INVALID_ARGUMENT when cut off.
    """
    length = await _length(stream, MAX_MESSAGE_BYTES if limit is None else limit)
    return None if length is None else await _body(stream, length)


async def receive_bounded(stream: Any, limits: _http2.Limits, budget: _http2.Budget) -> bytes | None:
    """As `receive`, for a server: in bounded time once a length is announced, and with bounded room for all callers."""
    length = await _length(stream, min(limits.message_bytes, MAX_MESSAGE_BYTES))
    if length is None:
        return None
    try:
        async with asyncio.timeout(limits.request_s):
            if length <= _SMALL_BYTES:
                return await _body(stream, length)
            async with budget.reserve(length):
                return await _body(stream, length)
    except TimeoutError:
        text = f"message of {length} bytes did not arrive within {limits.request_s:g} s"
        raise status.RpcError(status.Code.RESOURCE_EXHAUSTED, text) from None


async def _length(stream: Any, limit: int) -> int | None:
    prefix = await stream.recv_data(_PREFIX.size)
    if not prefix:
        return None
    if len(prefix) < _PREFIX.size:
        raise status.RpcError(status.Code.INVALID_ARGUMENT, "message prefix is cut off")
    compressed, length = _PREFIX.unpack(prefix)
    if compressed > 1:
        raise status.RpcError(
            status.Code.INVALID_ARGUMENT, f"compression flag of a message is 0 or 1, got {compressed}"
        )
    if compressed:
        raise status.RpcError(status.Code.UNIMPLEMENTED, "message compression is not supported")
    if length > limit:
        text = f"received message larger than max ({length} vs. {limit})"
        raise status.RpcError(status.Code.RESOURCE_EXHAUSTED, text)
    return int(length)


async def _body(stream: Any, length: int) -> bytes:
    data: bytes = await stream.recv_data(length) if length else b""
    if len(data) < length:
        raise status.RpcError(status.Code.INVALID_ARGUMENT, f"message is cut off: {len(data)} of {length} bytes")
    return data
