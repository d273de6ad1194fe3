"""Netstat over the wire, with sockets of this process."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from talos.machined.api import netstat, server
from talos.machinery.api import methods
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import channel
from talos.machinery.rpc import server as rpc
from talos.supervisor.cri import client as cri

Request = machine_pb2.NetstatRequest


async def _ask(tmp_path: Path, request: machine_pb2.NetstatRequest) -> list[machine_pb2.ConnectRecord]:
    serving = rpc.Server()
    server.mount(serving, [netstat.Netstat(cri.Client(tmp_path / "none.sock"))])
    await serving.serve_unix(tmp_path / "api.sock")
    asking = channel.Channel.unix(tmp_path / "api.sock")
    try:
        reply = await asking.unary(methods.method("/machine.MachineService/Netstat"), request, timeout_s=10)
    finally:
        asking.close()
        await serving.close()
    return [found for message in reply.messages for found in message.connectrecord]


@pytest.mark.feature("A063")
@pytest.mark.parametrize(
    ("filter", "states"),
    [
        (Request.ALL, {machine_pb2.ConnectRecord.LISTEN, machine_pb2.ConnectRecord.ESTABLISHED}),
        (Request.CONNECTED, {machine_pb2.ConnectRecord.ESTABLISHED}),
        (Request.LISTENING, {machine_pb2.ConnectRecord.LISTEN}),
    ],
)
async def test_sockets_of_the_node(tmp_path: Path, filter: Request.Filter.ValueType, states: set[int]) -> None:
    request = Request(filter=filter)
    request.feature.pid = request.l4proto.tcp = request.netns.hostnetwork = True
    with socket.socket() as listening, socket.socket() as client, socket.socket(type=socket.SOCK_DGRAM) as other:
        listening.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        listening.listen()
        client.connect(listening.getsockname())
        port = listening.getsockname()[1]
        found = await _ask(tmp_path, request)
        ours = [one for one in found if port in (one.localport, one.remoteport)]
        assert {one.state for one in ours} == states
        assert {one.l4proto for one in found} == {"tcp"}
        assert {one.process.pid for one in ours if one.inode} == {os.getpid()}
        assert {one.process.name for one in ours if one.inode} != {""}


async def test_nothing_is_read_without_a_namespace(tmp_path: Path) -> None:
    request = Request(filter=Request.ALL)
    request.l4proto.tcp = True
    assert await _ask(tmp_path, request) == []
