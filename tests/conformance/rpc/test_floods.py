"""Attacks on a connection rather than on a call, on the server all our daemons have; what is odd but allowed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import h2.errors
import h2.settings
import pytest
from google.protobuf import empty_pb2

from talos.machinery.api import methods
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import channel, server, status
from tests.conformance.rpc import hostile
from tests.conformance.rpc.test_malformed import MIB, open_files, rss

VERSION = methods.method("/machine.MachineService/Version")
RECOVER = methods.method("/machine.MachineService/EtcdRecover")
LOGS = methods.method("/machine.MachineService/Logs")
PING, SETTINGS, CONTINUATION, HEADERS, DATA, PRIORITY_UPDATE = 6, 4, 9, 1, 0, 0x10


async def version(request: empty_pb2.Empty, call: server.Call) -> machine_pb2.VersionResponse:
    return machine_pb2.VersionResponse(messages=[machine_pb2.Version()])


async def recover(requests: AsyncIterator[common_pb2.Data], call: server.Call) -> machine_pb2.EtcdRecoverResponse:
    size = 0
    async for request in requests:
        size += len(request.bytes)
    call.trailers["size"] = str(size)
    return machine_pb2.EtcdRecoverResponse()


async def logs(request: machine_pb2.LogsRequest, call: server.Call) -> AsyncIterator[common_pb2.Data]:
    while True:
        yield common_pb2.Data(bytes=bytes(1 << 16))


@contextlib.asynccontextmanager
async def serving(folder: Path, **limits: Any) -> AsyncIterator[Path]:
    made = server.Server(limits=server.Limits(**limits))
    made.add(VERSION, version)
    made.add(RECOVER, recover)
    made.add(LOGS, logs)
    await made.serve_unix(folder / "api.sock")
    try:
        yield folder / "api.sock"
    finally:
        await made.close(0.1)


async def honest(path: Path) -> None:
    """Somebody else is served all the time."""
    client = channel.Channel.unix(path)
    try:
        assert (await client.unary(VERSION, empty_pb2.Empty(), timeout_s=5)).messages
    finally:
        client.close()


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def asked(path: str = VERSION.path) -> hostile.Request:
    return hostile.Request(
        "honest", [h for h in hostile.headers(path) if h[0] != "grpc-timeout"], [hostile.message(b"")]
    )


async def ended(caller: hostile.Connection, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        await caller.closed.wait()


async def test_unknown_frames_and_settings_are_ignored(tmp_path: Path) -> None:
    async with serving(tmp_path) as path:
        caller = await hostile.Connection().open(path)
        caller.raw(
            frame(0xBE, 0xFF, 0, b"grease") + frame(0xFA, 0, 77, b"x" * 100) + frame(PRIORITY_UPDATE, 0, 0, b"\0" * 4)
        )
        caller.raw(frame(SETTINGS, 0, 0, struct.pack(">HI", 0x0A0A, 7)))
        assert await caller.play(iter([asked(), asked()])) == {"honest": ["0", "0"]}
        await caller.close()


async def test_empty_and_tiny_frames_are_a_message(tmp_path: Path) -> None:
    """RFC 9113 lets a sender cut its message anywhere; that must not cost more than the message's size."""
    async with serving(tmp_path) as path:
        caller = await hostile.Connection().open(path)
        body = hostile.message(common_pb2.Data(bytes=bytes(5000)).SerializeToString())
        request = asked(RECOVER.path)
        request.frames = [b"", *(bytes([byte]) for byte in body), b"", b""]
        assert await caller.play(iter([request])) == {"honest": ["0"]}
        await caller.close()


async def test_crumbs_nobody_reads_are_held_flat(tmp_path: Path) -> None:
    """A window full of frames of one byte: held as bytes, not as objects."""
    async with serving(tmp_path) as path:
        caller = await hostile.Connection().open(path)
        request = asked(LOGS.path)
        request.frames, request.end = [hostile.message(b"")], None
        stream = caller.send(request)
        await asyncio.sleep(0.2)
        before = rss()
        for _ in range(4):
            caller.raw(frame(DATA, 0, stream, b"x") * 50_000)
            await asyncio.sleep(0.2)
        # As many objects as frames would be 60 MiB; what was sent is 200 kB, with headers 2 MB.
        assert rss() - before < 40 * MIB
        await caller.close()
        await honest(path)


@pytest.mark.parametrize("junk", [b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"PRI * HTTP/2.0\r\n"])
async def test_no_http2(tmp_path: Path, junk: bytes) -> None:
    async with serving(tmp_path) as path:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(junk)
        writer.write_eof()
        async with asyncio.timeout(5):
            await reader.read()
        writer.close()
        await honest(path)


@pytest.mark.parametrize(
    "attack",
    [
        frame(DATA, 0, 0, b"x"),
        frame(DATA, 0, 99, b"x"),
        frame(HEADERS, 4, 2, b""),
        frame(HEADERS, 4, 1, b"\xff" * 50),
        frame(PING, 0, 0, b"short"),
        frame(8, 0, 0, b"\0\0\0\0"),
        frame(SETTINGS, 0, 0, b"xyz"),
        b"\xff\xff\xff" + frame(DATA, 0, 1)[3:] + bytes(1 << 20),
        frame(HEADERS, 0, 1, b"\x82") + frame(DATA, 0, 1, b"x"),
        frame(HEADERS, 0, 1, b"\x82") + frame(CONTINUATION, 0, 1, b"") * 100_000,
        frame(HEADERS, 0, 1, b"\x82") + frame(CONTINUATION, 0, 1, b"\x40\x01a\x7f\xff\x01" + b"b" * 16000) * 100,
    ],
)
async def test_broken_connections_are_ended(tmp_path: Path, attack: bytes) -> None:
    async with serving(tmp_path) as path:
        before = rss()
        caller = await hostile.Connection().open(path)
        caller.raw(attack)
        await ended(caller)
        await caller.close()
        await honest(path)
        assert rss() - before < 32 * MIB


async def test_rapid_reset(tmp_path: Path) -> None:
    async with serving(tmp_path) as path:
        caller = await hostile.Connection().open(path)
        files = open_files()
        with contextlib.suppress(Exception):
            for number in range(20_000):
                stream = caller.http.get_next_available_stream_id()
                caller.http.send_headers(stream, asked().headers)
                caller.http.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
                caller.flush()
                if number % 100 == 0:
                    await asyncio.sleep(0)
        await ended(caller)
        await caller.close()
        await honest(path)
        assert open_files() <= files


@pytest.mark.parametrize("answered", [frame(PING, 0, 0, b"12345678"), frame(SETTINGS, 0, 0)])
async def test_answers_nobody_reads_are_not_piled_up(tmp_path: Path, answered: bytes) -> None:
    async with serving(tmp_path) as path:
        before = rss()
        reader, writer = await asyncio.open_unix_connection(path, limit=1)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(20):
                for _ in range(20):
                    writer.write(answered * 10_000)
                    await writer.drain()
        assert rss() - before < 96 * MIB
        writer.transport.abort()
        await honest(path)


async def test_slow_senders_are_given_up(tmp_path: Path) -> None:
    async with serving(tmp_path, request_s=0.3) as path:
        caller = await hostile.Connection().open(path)
        silent, stuck, late = asked(), asked(), asked(RECOVER.path)
        silent.frames, silent.end, silent.kind = [], None, "silent"
        stuck.frames, stuck.end, stuck.kind = [hostile.message(b"x", length=1000)], None, "stuck"
        late.frames, late.end, late.kind = [hostile.message(b"x", length=1 << 20)], None, "late"
        resource_exhausted = str(status.Code.RESOURCE_EXHAUSTED.value)
        assert await caller.play(iter([silent, stuck, late]), 5) == {
            kind: [resource_exhausted] for kind in ("silent", "stuck", "late")
        }
        await caller.close()


async def test_room_for_large_messages_is_shared(tmp_path: Path) -> None:
    """Announced but not sent, they hold their room for as long as a request may take, and then others go on."""
    async with serving(tmp_path, request_s=0.5, inflight_bytes=8 << 20) as path:
        caller = await hostile.Connection().open(path)
        for _ in range(20):
            request = asked(RECOVER.path)
            request.frames, request.end = [hostile.message(b"", length=7 << 20)], None
            caller.send(request)
        client = channel.Channel.unix(path)

        async def chunks() -> AsyncIterator[common_pb2.Data]:
            yield common_pb2.Data(bytes=bytes(6 << 20))

        await honest(path)
        for attempt in range(20):
            try:
                await client.upload(RECOVER, chunks(), timeout_s=10)
                break
            except status.RpcError as refused:
                assert refused.code is status.Code.RESOURCE_EXHAUSTED
                assert attempt < 19
        client.close()
        await caller.close()


async def test_idle_connections_are_closed(tmp_path: Path) -> None:
    async with serving(tmp_path, idle_s=0.3) as path:
        caller = await hostile.Connection().open(path)
        busy = await hostile.Connection().open(path)
        request = asked(RECOVER.path)
        request.frames, request.end = [], None
        busy.send(request)
        await ended(caller, 3)
        assert not busy.closed.is_set()
        await caller.close()
        await busy.close()


async def test_connections_are_counted(tmp_path: Path) -> None:
    async with serving(tmp_path, connections=3) as path:
        kept = [await hostile.Connection().open(path) for _ in range(3)]
        await asyncio.sleep(0.1)
        over = await hostile.Connection().open(path)
        await ended(over, 3)
        await kept.pop().close()
        await asyncio.sleep(0.1)
        await honest(path)
        for caller in (*kept, over):
            await caller.close()


async def test_streams_nobody_reads_do_not_hold_up_others(tmp_path: Path) -> None:
    """Ten followed logs whose reader was stopped, on one connection: the eleventh call is served."""
    async with serving(tmp_path) as path:
        client = channel.Channel.unix(path)
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(10):
                call = await stack.enter_async_context(client.raw(LOGS.path))
                await call.send(b"", end=True)
                assert await call.receive()
            await asyncio.sleep(0.5)
            await client.unary(VERSION, empty_pb2.Empty(), timeout_s=5)
        client.close()
