"""A server may end a call before the client has said everything; the client hears how it ended, not that it ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from talos.machinery.api import methods
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import image_pb2
from talos.machinery.rpc import channel, server, status

IMPORT = methods.method("/machine.ImageService/Import")


async def _refuse(stream: server.RawStream, call: server.Call) -> None:
    await stream.receive()
    if call.path == "/x/late":
        await stream.send_headers()
        await stream.send(b"first")
    raise status.RpcError(status.Code.FAILED_PRECONDITION, "no")


async def _refuse_import(
    requests: AsyncIterator[image_pb2.ImageServiceImportRequest], call: server.Call
) -> image_pb2.ImageServiceImportResponse:
    await anext(requests)
    raise status.RpcError(status.Code.FAILED_PRECONDITION, "no")


@contextlib.asynccontextmanager
async def _connected(tmp_path: Path) -> AsyncIterator[channel.Channel]:
    serving = server.Server(unknown=_refuse)
    serving.add(IMPORT, _refuse_import)
    await serving.serve_unix(tmp_path / "api.sock")
    asking = channel.Channel.unix(tmp_path / "api.sock")
    try:
        yield asking
    finally:
        asking.close()
        await serving.close(0.1)


@pytest.mark.parametrize("path", ["/x/early", "/x/late"])
@pytest.mark.parametrize("pause_s", [None, 0, 0.01])
@pytest.mark.parametrize("more", ["", "send", "end"])
async def test_the_status_of_a_call_that_was_ended_early(
    tmp_path: Path, path: str, pause_s: float | None, more: str
) -> None:
    async with _connected(tmp_path) as asking:
        received = []
        with pytest.raises(status.RpcError) as failure:
            async with asking.raw(path, timeout_s=5) as call:
                await call.send(b"hello")
                if pause_s is not None:
                    await asyncio.sleep(pause_s)
                if more == "send":
                    await call.send(b"more")
                if more == "end":
                    await call.end()
                async for message in call:
                    received.append(message)  # noqa: PERF401 what came before the failure counts
        assert failure.value.code is status.Code.FAILED_PRECONDITION
        assert received == ([b"first"] if path == "/x/late" else [])


async def test_an_upload_that_is_refused_ends_though_nobody_reads_it(tmp_path: Path) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[image_pb2.ImageServiceImportRequest]:
        nonlocal sent
        for _ in range(200):
            sent += 1
            yield image_pb2.ImageServiceImportRequest(image_chunk=common_pb2.Data(bytes=bytes(1 << 20)))

    async with _connected(tmp_path) as asking:
        with pytest.raises(status.RpcError) as failure:
            await asking.upload(IMPORT, chunks(), timeout_s=20)
    assert failure.value.code is status.Code.FAILED_PRECONDITION
    assert sent < 50
