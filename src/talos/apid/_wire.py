"""The few bytes of protobuf apid writes itself: metadata appended to messages whose types it does not know.

Every reply of the services that can be asked of many nodes is `repeated Message messages = 1`, and every such
Message has `common.Metadata metadata = 1`. Fields may come in any order and later ones are merged into earlier ones, so
appending bytes is enough. Encoding: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator

from talos.base import errors

_FIELD_1 = 0x0A  # field 1, length-delimited
_FIELD_2 = 0x12
_FIELD_3 = 0x1A


def varint(number: int) -> bytes:
    """Encode an unsigned number."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _delimited(tag: int, data: bytes) -> bytes:
    return bytes([tag]) + varint(len(data)) + data


def metadata(hostname: str) -> bytes:
    """`common.Metadata` with the node's name, as field 1 of the message it is appended to."""
    return _delimited(_FIELD_1, _delimited(_FIELD_1, hostname.encode()))


def failure(hostname: str, code: int, message: str, text: str) -> bytes:
    """A message that carries only metadata: which node failed and how (error text and google.rpc.Status)."""
    status = bytes([0x08]) + varint(code) + _delimited(_FIELD_2, message.encode())
    inner = _delimited(_FIELD_1, hostname.encode()) + _delimited(_FIELD_2, text.encode()) + _delimited(_FIELD_3, status)
    return _delimited(_FIELD_1, inner)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise errors.Invalid("reply is no protobuf message")
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return number, at
        shift += 7


def _messages(reply: bytes) -> Iterator[bytes]:
    """Payloads of field 1. Raises Invalid for a reply of another shape."""
    at = 0
    while at < len(reply):
        tag, at = _read_varint(reply, at)
        length, at = _read_varint(reply, at)
        if tag != _FIELD_1 or at + length > len(reply):
            raise errors.Invalid("reply is not a list of messages")
        yield reply[at : at + length]
        at += length


def with_metadata(reply: bytes, hostname: str) -> bytes:
    """Return a unary reply with the node's name in each of its messages; an empty reply gets one."""
    extra = metadata(hostname)
    found = [_delimited(_FIELD_1, message + extra) for message in _messages(reply)]
    return b"".join(found) or _delimited(_FIELD_1, extra)


def as_messages(single: bytes) -> bytes:
    """Wrap one message as a reply."""
    return _delimited(_FIELD_1, single)
