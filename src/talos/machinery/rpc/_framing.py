"""Length-prefixed messages over an HTTP/2 stream (gRPC over HTTP2, "Length-Prefixed-Message"), with our limits.

grpclib would read whatever length the peer announces; here a message beyond the limit ends the call instead.
"""

from __future__ import annotations

import struct
from typing import Any

from grpclib.encoding.base import CodecBase

from talos.machinery.rpc import status

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024
STREAM_WINDOW_BYTES = 2 * 1024 * 1024
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


async def receive(stream: Any) -> bytes | None:
    """Return the next message of a grpclib protocol stream, None at its end.

    Raises RpcError: RESOURCE_EXHAUSTED over the limit, UNIMPLEMENTED for compression, INVALID_ARGUMENT when cut off.
    """
    prefix = await stream.recv_data(_PREFIX.size)
    if not prefix:
        return None
    if len(prefix) < _PREFIX.size:
        raise status.RpcError(status.Code.INVALID_ARGUMENT, "message prefix is cut off")
    compressed, length = _PREFIX.unpack(prefix)
    if compressed:
        raise status.RpcError(status.Code.UNIMPLEMENTED, "message compression is not supported")
    if length > MAX_MESSAGE_BYTES:
        text = f"received message larger than max ({length} vs. {MAX_MESSAGE_BYTES})"
        raise status.RpcError(status.Code.RESOURCE_EXHAUSTED, text)
    data: bytes = await stream.recv_data(length) if length else b""
    if len(data) < length:
        raise status.RpcError(status.Code.INVALID_ARGUMENT, f"message is cut off: {len(data)} of {length} bytes")
    return data
