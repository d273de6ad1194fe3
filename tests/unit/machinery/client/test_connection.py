"""Choosing an endpoint: dead machines in the list cost a moment, not the call."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from google.protobuf import empty_pb2

from talos.machinery.api import methods
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.client import connection
from talos.machinery.rpc import server, status

VERSION = "/machine.MachineService/Version"


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes packets and never answers: a listener whose backlog is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def answering() -> tuple[server.Server, str]:
    made = server.Server()

    async def version(_: server.Call, __: empty_pb2.Empty) -> machine_pb2.VersionResponse:
        return machine_pb2.VersionResponse(messages=[machine_pb2.Version(version=machine_pb2.VersionInfo(tag="v1"))])

    made.add(methods.method(VERSION), version)
    return made, f"127.0.0.1:{await made.serve_tcp('127.0.0.1', 0)}"


def refusing() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


async def test_silent_endpoint_is_passed_over_at_once(silent: str) -> None:
    served, good = await answering()
    made = connection.Connection([silent, good], None)
    try:
        began = time.monotonic()
        reply = await made.unary(VERSION, empty_pb2.Empty(), timeout_s=20)
        assert reply.messages[0].version.tag == "v1"
        assert time.monotonic() - began < 2
    finally:
        made.close()
        await served.close()


async def test_refusing_endpoints_are_passed_over() -> None:
    served, good = await answering()
    made = connection.Connection([refusing(), refusing(), good], None)
    try:
        assert (await made.unary(VERSION, empty_pb2.Empty(), timeout_s=5)).messages
        assert [reply.messages async for reply in made.stream(VERSION, empty_pb2.Empty(), timeout_s=5)]
    finally:
        made.close()
        await served.close()


async def test_endpoint_that_goes_away_later_is_replaced() -> None:
    first, one = await answering()
    second, two = await answering()
    made = connection.Connection([one, two], None)
    try:
        assert (await made.unary(VERSION, empty_pb2.Empty(), timeout_s=5)).messages
        await first.close()
        assert (await made.unary(VERSION, empty_pb2.Empty(), timeout_s=5)).messages
    finally:
        made.close()
        await second.close()


async def test_no_endpoint_answers() -> None:
    made = connection.Connection([refusing(), refusing()], None)
    try:
        with pytest.raises(status.RpcError) as failed:
            await made.unary(VERSION, empty_pb2.Empty(), timeout_s=5)
        assert failed.value.code is status.Code.UNAVAILABLE
    finally:
        made.close()
