import asyncio
import os
import socket
import struct
from pathlib import Path

import pytest

from talos.machined.api import capture, server
from talos.machinery.api import methods
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import channel, status
from talos.machinery.rpc import server as rpc

METHOD = methods.method("/machine.MachineService/PacketCapture")


async def _capture(folder: Path, request: machine_pb2.PacketCaptureRequest, needle: bytes) -> bytes:
    made = rpc.Server()
    server.mount(made, [capture.Capture()])
    await made.serve_unix(folder / "api.sock")
    connection = channel.Channel.unix(folder / "api.sock")
    received = b""
    try:
        async with asyncio.timeout(10):
            stream = connection.stream(METHOD, request)
            async for data in stream:
                received += data.bytes
                if needle in received:
                    break
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                    out.sendto(needle, ("127.0.0.1", 9))
            await stream.aclose()  # type: ignore[attr-defined]
    finally:
        connection.close()
        await made.close(0.1)
    return received


@pytest.mark.feature("A062", "Q013")
async def test_capture_streams_a_file_and_ends_with_its_caller(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    found = await _capture(tmp_path, machine_pb2.PacketCaptureRequest(interface="lo"), b"here I am")
    assert struct.unpack("<IHH", found[:8]) == (0xA1B2C3D4, 2, 4)
    await asyncio.sleep(0.1)
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.feature("A062")
@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"interface": "nothing0"}, status.Code.NOT_FOUND),
        ({"interface": "../lo"}, status.Code.INVALID_ARGUMENT),
        ({"interface": "lo", "bpf_filter": [{"op": 0x28}]}, status.Code.INVALID_ARGUMENT),
        ({"interface": "lo", "bpf_filter": [{"op": 1 << 20}]}, status.Code.INVALID_ARGUMENT),
    ],
)
async def test_refused(tmp_path: Path, request_: dict[str, object], code: status.Code) -> None:
    with pytest.raises(status.RpcError) as caught:
        await _capture(tmp_path, machine_pb2.PacketCaptureRequest(**request_), b"-")  # type: ignore[arg-type]
    assert caught.value.code is code
