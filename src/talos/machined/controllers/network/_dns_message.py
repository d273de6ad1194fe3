"""DNS messages as bytes: enough to forward, cache and answer by name (RFC 1035, 2308, 6891). Pure.

A forwarder need not understand records. It reads the question, finds where the times to live stand, and makes three
kinds of answers itself: addresses, an error, and "ask again over TCP".
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_HEADER = struct.Struct("!HHHHHH")
_QUESTION_TAIL = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")

HEADER_BYTES = _HEADER.size
UDP_BYTES = 512

QR = 0x8000
OPCODE_MASK = 0x7800
AA = 0x0400
TC = 0x0200
RD = 0x0100
RA = 0x0080
CD = 0x0010
RCODE_MASK = 0x000F

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)

TYPE_A = 1
TYPE_SOA = 6
TYPE_PTR = 12
TYPE_AAAA = 28
TYPE_OPT = 41
TYPE_ANY = 255
CLASS_IN = 1
_DO = 0x8000

MAX_NAME_BYTES = 255
_POINTER = 0xC0


class Malformed(ValueError):
    """The bytes are no DNS message of the kind expected."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a client asks. `name` is lower case without the final dot; `end` is where the question ends."""

    id: int
    flags: int
    name: str
    type: int
    klass: int
    end: int
    udp_bytes: int = UDP_BYTES
    edns: bool = False
    dnssec: bool = False

    @property
    def key(self) -> tuple[str, int, int, bool, bool, bool]:
        """Queries with the same key may share an answer."""
        return (self.name, self.type, self.klass, self.edns, self.dnssec, bool(self.flags & CD))


def read_name(data: bytes, offset: int) -> tuple[str, int]:
    """A name in lower case, and the offset behind it. Raises Malformed."""
    labels: list[bytes] = []
    end, size, jumps = -1, 0, 0
    while True:
        if offset >= len(data):
            raise Malformed("name runs past the end")
        length = data[offset]
        if length & _POINTER == _POINTER:
            if offset + 1 >= len(data) or jumps > 64:
                raise Malformed("bad pointer")
            end = offset + 2 if end < 0 else end
            offset = (length & ~_POINTER) << 8 | data[offset + 1]
            jumps += 1
            continue
        if length & _POINTER:
            raise Malformed("bad label")
        offset += 1
        if length == 0:
            return ".".join(_label(one) for one in labels), offset if end < 0 else end
        size += length + 1
        if size > MAX_NAME_BYTES or offset + length > len(data):
            raise Malformed("name too long")
        labels.append(data[offset : offset + length])
        offset += length


def _label(data: bytes) -> str:
    return data.decode("ascii", "backslashreplace").lower().replace(".", "\\.")


def read_query(data: bytes) -> Query:
    """The one question of a query. Raises Malformed for anything else."""
    if len(data) < HEADER_BYTES:
        raise Malformed("short header")
    id, flags, questions, answers, _, additional = _HEADER.unpack_from(data)
    if flags & QR or questions != 1 or answers:
        raise Malformed("not a query with one question")
    name, offset = read_name(data, HEADER_BYTES)
    if offset + _QUESTION_TAIL.size > len(data):
        raise Malformed("short question")
    kind, klass = _QUESTION_TAIL.unpack_from(data, offset)
    end = offset + _QUESTION_TAIL.size
    udp_bytes, edns, dnssec = UDP_BYTES, False, False
    for record in _records(data, end, additional):
        if record.type == TYPE_OPT:
            udp_bytes, edns, dnssec = max(record.klass, UDP_BYTES), True, bool(record.ttl & _DO)
    return Query(id, flags, name, kind, klass, end, udp_bytes, edns, dnssec)


@dataclass(frozen=True, slots=True)
class Record:
    """A resource record: `ttl_at` is the offset of its time to live, `data_at` that of its data."""

    type: int
    klass: int
    ttl: int
    ttl_at: int
    data_at: int
    length: int


def _records(data: bytes, offset: int, count: int) -> list[Record]:
    found = []
    for _ in range(count):
        _, offset = read_name(data, offset)
        if offset + _RECORD.size > len(data):
            raise Malformed("short record")
        kind, klass, ttl, length = _RECORD.unpack_from(data, offset)
        data_at = offset + _RECORD.size
        if data_at + length > len(data):
            raise Malformed("short record data")
        found.append(Record(kind, klass, ttl, offset + 4, data_at, length))
        offset = data_at + length
    return found


@dataclass(frozen=True, slots=True)
class Response:
    """What is worth knowing of an upstream's answer."""

    data: bytes
    flags: int
    question_end: int
    answers: int
    records: tuple[Record, ...]

    @property
    def code(self) -> int:
        return self.flags & RCODE_MASK

    @property
    def truncated(self) -> bool:
        return bool(self.flags & TC)


def read_response(data: bytes, query: Query) -> Response:
    """Parse an answer to `query`. Raises Malformed when it answers something else."""
    if len(data) < HEADER_BYTES:
        raise Malformed("short header")
    _, flags, questions, answers, authority, additional = _HEADER.unpack_from(data)
    if not flags & QR or questions != 1:
        raise Malformed("not an answer to one question")
    name, offset = read_name(data, HEADER_BYTES)
    if offset + _QUESTION_TAIL.size > len(data):
        raise Malformed("short question")
    if (name, *_QUESTION_TAIL.unpack_from(data, offset)) != (query.name, query.type, query.klass):
        raise Malformed("answers another question")
    end = offset + _QUESTION_TAIL.size
    records = tuple(_records(data, end, answers + authority + additional))
    return Response(data, flags, end, answers, records)


def lifetime_s(response: Response, *, minimum_s: int, maximum_s: int) -> int:
    """Seconds the answer may be kept: the smallest time to live, or that of a negative answer; 0: not at all."""
    if response.truncated or response.code not in (NOERROR, NXDOMAIN):
        return 0
    lives = [record.ttl for record in response.records if record.type != TYPE_OPT]
    if not response.answers or response.code == NXDOMAIN:
        soa = [record for record in response.records if record.type == TYPE_SOA]
        if not soa:
            return 0
        minimum = response.data[soa[0].data_at + soa[0].length - 4 : soa[0].data_at + soa[0].length]
        lives = [soa[0].ttl, int.from_bytes(minimum, "big")]
    return min(max(min(lives, default=0), minimum_s), maximum_s) if lives else 0


def aged(response: Response, query: Query, request: bytes, age_s: int) -> bytes:
    """The kept answer for this request: its id, its spelling of the name, and times to live reduced by the age."""
    data = bytearray(response.data)
    data[0:2] = request[0:2]
    data[HEADER_BYTES : response.question_end] = request[HEADER_BYTES : query.end]
    for record in response.records:
        if record.type != TYPE_OPT:
            struct.pack_into("!I", data, record.ttl_at, max(record.ttl - age_s, 1))
    return bytes(data)


def same_spelling(response: Response, query: Query) -> bool:
    """Whether the answer's question is as long as the request's (it is, unless the upstream compressed it)."""
    return response.question_end == query.end


def _reply(request: bytes, query: Query, flags: int, answers: int = 0) -> bytes:
    kept = query.flags & (OPCODE_MASK | RD | CD)
    return _HEADER.pack(query.id, QR | RA | kept | flags, 1, answers, 0, 0) + request[HEADER_BYTES : query.end]


def error(request: bytes, query: Query, code: int) -> bytes:
    """An answer without records."""
    return _reply(request, query, code)


def truncated(request: bytes, query: Query) -> bytes:
    """An answer that makes the client ask again over TCP."""
    return _reply(request, query, TC)


def format_error(request: bytes) -> bytes | None:
    """The answer to a query that cannot be read; None when not even its id can, or when it is an answer itself."""
    if len(request) < HEADER_BYTES or request[2] & 0x80:
        return None
    flags = QR | (int.from_bytes(request[2:4], "big") & (OPCODE_MASK | RD))
    return _HEADER.pack(int.from_bytes(request[:2], "big"), flags | FORMERR, 0, 0, 0, 0)


def addresses(
    request: bytes, query: Query, found: Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address], ttl_s: int
) -> bytes:
    """An authoritative answer with the addresses of the family asked for; no records is "the name has none"."""
    version = {TYPE_A: 4, TYPE_AAAA: 6}.get(query.type)
    fitting = [one for one in found if one.version == version]
    records = b"".join(
        b"\xc0\x0c" + _RECORD.pack(query.type, CLASS_IN, ttl_s, len(one.packed)) + one.packed for one in fitting
    )
    return _reply(request, query, AA, len(fitting)) + records
