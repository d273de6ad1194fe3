"""The gRPC seam: our server and channel, and grpcio's client as an independent witness."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2

from talos.base import errors
from talos.machinery.api import methods
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import image_pb2, machine_pb2
from talos.machinery.rpc import channel, server, status

VERSION = methods.method("/machine.MachineService/Version")
READ = methods.method("/machine.MachineService/Read")
IMPORT = methods.method("/machine.ImageService/Import")


async def version(request: empty_pb2.Empty, call: server.Call) -> machine_pb2.VersionResponse:
    tag = f"{call.peer.uid}:{','.join(call.metadata.get('x', []))}"
    return machine_pb2.VersionResponse(messages=[machine_pb2.Version(version=machine_pb2.VersionInfo(tag=tag))])


async def read(request: machine_pb2.ReadRequest, call: server.Call) -> AsyncIterator[common_pb2.Data]:
    if request.path == "missing":
        raise errors.NotFound("no such file")
    if request.path == "crash":
        raise RuntimeError("secret detail")
    count = 0
    while request.path == "endless" or count < 3:
        yield common_pb2.Data(bytes=bytes([count % 256]))
        count += 1
        await asyncio.sleep(0)


async def import_image(
    requests: AsyncIterator[image_pb2.ImageServiceImportRequest], call: server.Call
) -> image_pb2.ImageServiceImportResponse:
    size = 0
    async for request in requests:
        size += len(request.image_chunk.bytes)
    return image_pb2.ImageServiceImportResponse(name=str(size))


@contextlib.asynccontextmanager
async def serving(tmp_path: Path, **options: object) -> AsyncIterator[Path]:
    path = tmp_path / "api.sock"
    made = server.Server(**options)  # type: ignore[arg-type]
    for m, handler in ((VERSION, version), (READ, read), (IMPORT, import_image)):
        made.add(m, handler)
    await made.serve_unix(path)
    try:
        yield path
    finally:
        await made.close()


@contextlib.asynccontextmanager
async def connected(tmp_path: Path, **options: object) -> AsyncIterator[channel.Channel]:
    async with serving(tmp_path, **options) as path:
        client = channel.Channel.unix(path)
        try:
            yield client
        finally:
            client.close()


async def test_unary_with_metadata_and_peer_credentials(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        reply = await client.unary(VERSION, empty_pb2.Empty(), metadata={"x": ["a", "b"]}, timeout_s=5)
        assert reply.messages[0].version.tag == f"{os.getuid()}:a,b"


async def test_server_stream_in_order(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        got = [d.bytes async for d in client.stream(READ, machine_pb2.ReadRequest(path="x"), timeout_s=5)]
        assert got == [b"\0", b"\1", b"\2"]


async def test_client_stream_of_large_chunks(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[image_pb2.ImageServiceImportRequest]:
        for _ in range(20):
            yield image_pb2.ImageServiceImportRequest(image_chunk=common_pb2.Data(bytes=bytes(1 << 20)))

    async with connected(tmp_path) as client:
        reply = await client.upload(IMPORT, chunks(), timeout_s=20)
        assert reply.name == str(20 << 20)


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [("missing", status.Code.NOT_FOUND, "no such file"), ("crash", status.Code.INTERNAL, "internal error")],
)
@pytest.mark.feature("B032")
async def test_failures_become_codes_without_leaking(tmp_path: Path, path: str, code: status.Code, words: str) -> None:
    async with connected(tmp_path) as client:
        with pytest.raises(status.RpcError) as caught:
            async for _ in client.stream(READ, machine_pb2.ReadRequest(path=path), timeout_s=5):
                pass
        assert caught.value.code is code
        assert words in caught.value.message
        assert "secret" not in caught.value.message


async def test_unknown_method_is_unimplemented_for_an_independent_client(tmp_path: Path) -> None:
    """grpcio reports UNKNOWN when the reply lacks a content-type."""
    async with serving(tmp_path) as path, grpc.aio.insecure_channel(f"unix:{path}") as witness:
        call = witness.unary_unary("/machine.MachineService/Nonsense")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"", timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        ok = await witness.unary_unary("/machine.MachineService/Version")(b"", timeout=5)
        assert machine_pb2.VersionResponse.FromString(ok).messages[0].version.tag.startswith(f"{os.getuid()}:")


async def test_message_over_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from talos.machinery.rpc import _framing

    monkeypatch.setattr(_framing, "MAX_MESSAGE_BYTES", 1000)
    async with connected(tmp_path) as client:
        with pytest.raises(status.RpcError) as caught:
            await client.unary(READ, machine_pb2.ReadRequest(path="x" * 2000), timeout_s=5)
        assert caught.value.code is status.Code.RESOURCE_EXHAUSTED


async def test_deadline_ends_the_call_on_both_sides(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        with pytest.raises(status.RpcError) as caught:
            async for _ in client.stream(READ, machine_pb2.ReadRequest(path="endless"), timeout_s=0.2):
                pass
        assert caught.value.code is status.Code.DEADLINE_EXCEEDED


async def test_leaving_a_stream_early_cancels_it(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        stream = client.stream(READ, machine_pb2.ReadRequest(path="endless"), timeout_s=5)
        async for _ in stream:
            break
        await stream.aclose()  # type: ignore[attr-defined]
        reply = await client.unary(VERSION, empty_pb2.Empty(), timeout_s=5)
        assert reply.messages


async def test_channel_connects_again_after_the_server_came_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as path:
        client = channel.Channel.unix(path)
        await client.unary(VERSION, empty_pb2.Empty(), timeout_s=5)
    with pytest.raises(status.RpcError) as caught:
        await client.unary(VERSION, empty_pb2.Empty(), timeout_s=5)
    assert caught.value.code is status.Code.UNAVAILABLE
    async with serving(tmp_path):
        await client.unary(VERSION, empty_pb2.Empty(), timeout_s=5)
    client.close()


async def test_authorisation_hook_refuses_before_the_handler(tmp_path: Path) -> None:
    async def authorize(call: server.Call, method: object) -> None:
        raise errors.Denied("not authorized")

    async with connected(tmp_path, authorize=authorize) as client:
        with pytest.raises(status.RpcError) as caught:
            await client.unary(VERSION, empty_pb2.Empty(), timeout_s=5)
        assert (caught.value.code, caught.value.message) == (status.Code.PERMISSION_DENIED, "not authorized")


async def test_unknown_handler_proxies_raw_bytes(tmp_path: Path) -> None:
    (tmp_path / "front").mkdir()
    async with connected(tmp_path) as back:

        async def forward(stream: server.RawStream, call: server.Call) -> None:
            async with back.raw(call.path, metadata={"x": "hop"}) as onward:
                async for message in stream:
                    await onward.send(message)
                await onward.end()
                async for reply in onward:
                    await stream.send(reply)

        front = server.Server(unknown=forward)
        await front.serve_unix(tmp_path / "front/api.sock")
        client = channel.Channel.unix(tmp_path / "front/api.sock")
        reply = await client.unary(VERSION, empty_pb2.Empty(), timeout_s=5)
        assert reply.messages[0].version.tag.endswith(":hop")
        with pytest.raises(status.RpcError) as caught:
            async for _ in client.stream(READ, machine_pb2.ReadRequest(path="missing"), timeout_s=5):
                pass
        assert caught.value.code is status.Code.NOT_FOUND
        client.close()
        await front.close()


@pytest.mark.parametrize("junk", [b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096)])
async def test_junk_on_the_socket_leaves_the_server_alive(tmp_path: Path, junk: bytes) -> None:
    async with connected(tmp_path) as client:
        raw = socket.socket(socket.AF_UNIX)
        raw.connect(client.address)
        raw.sendall(junk)
        await asyncio.sleep(0.05)
        raw.close()
        assert (await client.unary(VERSION, empty_pb2.Empty(), timeout_s=5)).messages
