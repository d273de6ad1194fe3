"""A caller that means no good: HTTP/2 with the checks off, and two hundred malformed requests for any method."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

PER_RPC = 200
_AT_A_TIME = 80
_DEADLINE = "500m"
_UNSAID = 1 << 20


@dataclass(slots=True)
class Request:
    """Headers, DATA frames, and how it ends: `end` of the stream, `reset`, or (None) left open."""

    kind: str
    headers: list[tuple[str, str]]
    frames: list[bytes] = field(default_factory=list)
    end: str | None = "end"


def headers(path: str, *without: str, **more: str) -> list[tuple[str, str]]:
    """The headers of an honest call, less some, plus some."""
    usual = {
        ":method": "POST", ":scheme": "http", ":path": path, ":authority": "node", "te": "trailers",
        "content-type": "application/grpc", "grpc-timeout": _DEADLINE, "talos-role": "os:admin",
    }  # fmt: skip
    usual |= {name.replace("_", "-"): value for name, value in more.items()}
    return [(name, value) for name, value in usual.items() if name not in without]


def message(data: bytes, *, flag: int = 0, length: int | None = None) -> bytes:
    """A length-prefixed message, whose prefix may lie."""
    return struct.pack(">BI", flag, len(data) if length is None else length) + data


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def wrong_types(draw: random.Random, fields: int) -> bytes:
    """Fields of the message's numbers, each with a wire type and a content of its own choice."""
    out = b""
    for _ in range(draw.randint(1, 6)):
        wire = draw.choice((0, 1, 2, 5))
        out += varint(draw.randint(1, max(fields, 1)) << 3 | wire)
        junk = draw.randbytes(draw.randint(0, 20))
        out += {
            0: varint(draw.getrandbits(64)),
            1: draw.randbytes(8),
            2: varint(len(junk)) + junk,
            5: draw.randbytes(4),
        }[wire]
    return out


def requests(path: str, fields: int, seed: int, count: int = PER_RPC) -> Iterator[Request]:
    """`count` malformed requests for a method whose request has `fields` fields, the same for the same seed."""
    draw = random.Random(f"{path} {seed}")
    for number in range(count):
        junk = draw.randbytes(draw.choice((0, 1, 7, 100, 5000)))
        usual = headers(path)
        yield (
            Request("random bytes", usual, [junk]),
            Request("random message", usual, [message(junk)]),
            Request("cut off", usual, [message(junk, length=len(junk) + draw.randint(1, 1 << 20))]),
            Request("prefix cut off", usual, [b"\0\0\0\0\0"[: draw.randint(1, 4)]]),
            Request("huge", usual, [message(junk, length=draw.choice((33 << 20, 1 << 31, 0xFFFFFFFF)))], end=None),
            Request("wrong types", usual, [message(wrong_types(draw, fields))]),
            Request("endless number", usual, [message(b"\x08" + b"\xff" * draw.randint(1, 4000))]),
            Request("deep", usual, [message(b"\x0a" * draw.randint(200, 4000))]),
            Request("no UTF-8", usual, [message(b"\x0a\x04\xff\xfe\xfd\xfc\x12\x02\xc3\x28")]),
            Request("compressed", usual, [message(junk, flag=1)]),
            Request("bad flag", usual, [message(junk, flag=draw.randint(2, 255))]),
            Request("no message", usual),
            Request("many messages", usual, [message(b"") * draw.randint(2, 50)]),
            Request("no authority", headers(path, ":authority"), [message(junk)]),
            Request("no content-type", headers(path, "content-type"), [message(junk)]),
            Request("no te", headers(path, "te"), [message(junk)]),
            Request("no method", headers(path, ":method"), [message(junk)]),
            Request("no path", headers(path, ":path"), [message(junk)]),
            Request("GET", headers(path, **{":method": "GET"}), [message(junk)]),
            Request("bad timeout", headers(path, grpc_timeout=draw.choice(("x", "", "9" * 5000 + "H", "-1S"))), [junk]),
            Request("bad metadata", headers(path, x_bin="A"), [message(junk)]),
            Request("bad routing", headers(path, node=draw.choice(("", "a:1", "\0", "x" * 9000))), [message(junk)]),
            Request("reset", usual, [message(junk, length=1 << 20)], end="reset"),
            Request("empty frames", usual, [b"", b"", message(junk, length=len(junk) + 1), b""]),
            Request("crumbs", usual, [bytes([byte]) for byte in message(junk[:100], length=2000)]),
        )[number % 25]


class Connection:
    """One connection; `play` sends requests and returns how each of them was answered."""

    def __init__(self) -> None:
        config = h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.http = h2.connection.H2Connection(config)
        self.outcome: dict[int, str] = {}
        self.closed = asyncio.Event()
        self._changed = asyncio.Event()
        self._headers: dict[int, dict[str, str]] = {}

    async def open(self, path: Path) -> Connection:
        """Connect to a unix socket."""
        return await self._begin(await asyncio.open_unix_connection(path))

    async def open_tls(self, host: str, port: int, context: ssl.SSLContext) -> Connection:
        """Connect over TLS."""
        return await self._begin(await asyncio.open_connection(host, port, ssl=context))

    async def _begin(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> Connection:
        self._reader, self._writer = streams
        self.http.initiate_connection()
        self.flush()
        self._task = asyncio.create_task(self._receive())
        with contextlib.suppress(TimeoutError):
            # What the server allows comes in its first settings; one that has closed sends none.
            async with asyncio.timeout(1):
                while self.http.remote_settings.max_concurrent_streams > _UNSAID and not self.closed.is_set():
                    await asyncio.sleep(0.01)
        return self

    def flush(self) -> None:
        if not self._writer.is_closing():
            self._writer.write(self.http.data_to_send())

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.flush()
        self._writer.write(data)

    async def close(self) -> None:
        """At once: a goodbye over TLS may outlive the test's loop."""
        self._task.cancel()
        self._writer.close()
        self._writer.transport.abort()
        await asyncio.wait({self._task})
        # Aborted transports close their sockets in the next rounds of the loop.
        await asyncio.sleep(0.01)

    async def _receive(self) -> None:
        try:
            while data := await self._reader.read(1 << 16):
                for event in self.http.receive_data(data):
                    self._take(event)
                self.flush()
        except (h2.exceptions.ProtocolError, ConnectionError):
            pass
        finally:
            self.closed.set()
            self._changed.set()

    def _take(self, event: Any) -> None:
        stream = getattr(event, "stream_id", 0)
        if isinstance(event, h2.events.DataReceived):
            self.http.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
            self._headers.setdefault(stream, {}).update(event.headers)  # type: ignore[arg-type]
        elif isinstance(event, h2.events.StreamEnded):
            seen = self._headers.pop(stream, {})
            self.outcome[stream] = seen.get("grpc-status") or f"HTTP {seen.get(':status')}"
            self._changed.set()
        elif isinstance(event, h2.events.StreamReset):
            self.outcome.setdefault(stream, f"reset {event.error_code}")
            self._changed.set()

    def send(self, request: Request) -> int:
        """Begin one; returns its stream."""
        stream = self.http.get_next_available_stream_id()
        last = request.end == "end" and not request.frames
        self.http.send_headers(stream, request.headers, end_stream=last)
        for number, frame in enumerate(request.frames):
            if stream in self.outcome or self.http.local_flow_control_window(stream) < len(frame):
                break
            ends = request.end == "end" and number == len(request.frames) - 1
            self.http.send_data(stream, frame, end_stream=ends)
        if request.end == "reset":
            self.http.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
            self.outcome[stream] = "given up"
        self.flush()
        return stream

    async def play(self, wanted: Iterator[Request], timeout_s: float = 20.0) -> dict[str, list[str]]:
        """Kind -> outcomes: a gRPC status, `HTTP n`, `reset n`. Raises TimeoutError for one without an answer."""
        sent: dict[int, str] = {}
        for request in wanted:
            most = self.http.remote_settings.max_concurrent_streams
            await self._room(sent, min(_AT_A_TIME, most), timeout_s)
            if self.http.open_outbound_streams >= most:
                self._give_up(sent)
            sent[self.send(request)] = request.kind
        await self._room(sent, 1, timeout_s)
        found: dict[str, list[str]] = {}
        for stream, kind in sent.items():
            found.setdefault(kind, []).append(self.outcome[stream])
        return found

    def _give_up(self, sent: dict[int, str]) -> None:
        """End our side of what is answered already: it counts as open until then."""
        for stream in sent.keys() & self.outcome.keys():
            with contextlib.suppress(h2.exceptions.ProtocolError):
                self.http.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        self.flush()

    async def _room(self, sent: dict[int, str], most: int, timeout_s: float) -> None:
        async with asyncio.timeout(timeout_s):
            while len(open_ := sent.keys() - self.outcome.keys()) >= most:
                if self.closed.is_set():
                    raise ConnectionError(f"the server closed the connection; open: {[sent[s] for s in open_]}")
                self._changed.clear()
                await self._changed.wait()
